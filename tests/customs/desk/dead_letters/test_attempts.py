"""What is kept of the attempts: bounded, masked, there after a kill."""

from typing import Any

import pytest
from sqlalchemy import select

from core.database import db
from customs import filing, sending
from customs.dead_letters import attempts
from customs.models import WindowDocument
from customs.sending_models import WindowAttempt
from customs.window import transport
from tests.customs.desk import builders
from tests.customs.desk.builders import documents, status_of
from tests.customs.desk.dead_letters.outages import HOUR, later, letters, opened, outcomes, rounds
from tests.customs.desk.window import FakeWindow


def test_attempts_are_kept_and_bounded(window: FakeWindow) -> None:
    window.answers = [500] * 1000
    found = opened()
    filing.file(str(found))
    rounds(40, 60)
    document = documents(found)["311"]
    assert document.tries > 30
    kept = attempts.of_document(document.id)
    assert len(kept) <= attempts.KEPT
    assert {(each.transport, each.outcome, each.detail) for each in kept} == {
        ("http", "unavailable", "the window answered 500")
    }
    assert kept[0].at > kept[-1].at
    db.session.rollback()


def test_what_is_weeks_old_is_let_go_but_not_of_dead_letters(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_BATCH", 2)
    window.answers = [400]
    found = opened()
    filing.file(str(found))
    sent = {kind: documents(found)[kind].id for kind in ("311", "411", "511")}
    later(29 * 24 * HOUR)
    attempts.forget_attempts()
    assert all(outcomes(each) for each in sent.values())
    later(2 * 24 * HOUR)
    attempts.forget_attempts()
    assert [outcomes(sent[kind]) for kind in sent] == [["refused"], [], []]


def test_a_killed_process_leaves_its_attempt_to_be_seen(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    found = opened()

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending, "_sent", die)
        with pytest.raises(KeyboardInterrupt):
            filing.file(str(found))
    assert outcomes(documents(found)["311"].id) == ["started"]
    window.answers = [400]
    later(60)
    sending.send(documents(found)["311"].id)
    assert status_of(found) == "pending"  # the first may have arrived


def test_an_identity_number_in_the_windows_words_is_masked(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    words = f"no such buyer {builders.NUMBER}\nat all\0".encode()
    monkeypatch.setattr(transport, "post", lambda *_, **__: (400, words))
    found = opened()
    filing.file(str(found))
    detail = letters()[0]["last_error"]
    assert "no such buyer" in detail
    assert builders.NUMBER not in detail
    stored = db.session.scalars(select(WindowAttempt.detail)).all()
    said = db.session.scalars(select(WindowDocument.return_info)).all()
    db.session.rollback()
    assert all(builders.NUMBER not in (each or "") for each in (*stored, *said))
    assert documents(found)["311"].return_info == detail
