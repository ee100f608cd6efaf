"""Two workers and one document: an attempt under way is nobody else's, however long the window thinks."""

from typing import Any

import pytest

from core.database import db, transaction
from customs import filing, sending
from customs.models import WindowDocument
from customs.window import transport
from tests.customs.desk.builders import documents, status_of
from tests.customs.desk.dead_letters.outages import later, letters, opened, outcomes
from tests.customs.desk.window import FakeWindow


def test_a_slow_answer_is_waited_for_before_another_sends(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window thinks for six seconds; the round that begins meanwhile leaves the document alone."""
    found = opened()
    seen: list[str] = []

    def slow(*_: Any, **given: Any) -> tuple[int, bytes]:
        seen.append(given["json"]["MessageHead"]["MessageType"])
        if len(seen) == 1:
            later(6)
            sending.in_turn(sending.send, [documents(found)["311"].id])
        return 400, b"no"

    monkeypatch.setattr(transport, "post", slow)
    filing.file(str(found))
    assert seen.count("CEB311Message") == 1
    assert (status_of(found), documents(found)["311"].status) == ("failed", "refused")  # nothing else can have arrived


def test_taken_after_all_it_is_no_dead_letter(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stood still wakes up: what it sent was taken, after a later attempt was refused."""
    found = opened()

    def slow(*_: Any, **given: Any) -> tuple[int, bytes]:
        if given["json"]["MessageHead"]["MessageType"] == "CEB311Message":
            monkeypatch.setattr(transport, "post", lambda *_, **__: (400, b"no"))
            later(600)
            sending.send(documents(found)["311"].id)
            monkeypatch.setattr(transport, "post", lambda *_, **__: (200, b"OK"))
            assert [row["kind"] for row in letters()] == ["311"]
        return 200, b"OK"

    monkeypatch.setattr(transport, "post", slow)
    filing.file(str(found))
    assert letters() == []
    document = documents(found)["311"]
    assert (document.status, document.next_send_at is None) == ("filed", False)
    assert outcomes(document.id) == ["refused", "sent"]


def test_a_failed_attempt_gives_the_document_back_at_once(window: FakeWindow) -> None:
    window.answers = [503]
    found = opened()
    filing.file(str(found))
    later(3)
    filing.resend()
    assert documents(found)["311"].status == "filed"


def test_one_that_cannot_be_sent_keeps_no_other_waiting(window: FakeWindow) -> None:
    window.answers = [503]
    found = opened()
    filing.file(str(found))
    with transaction() as session:
        document = session.get_one(WindowDocument, documents(found)["311"].id)
        document.xml = b"sealed under a key that is lost"
    later(60)
    filing.resend()
    db.session.rollback()
    assert [documents(found)[kind].status for kind in ("311", "411", "511")] == ["ready", "filed", "filed"]


def test_what_another_round_has_taken_does_not_count_as_an_answer(window: FakeWindow) -> None:
    """Two rounds over the same documents of a dead window: each still ends after three."""
    ends = iter(["unavailable", None, "unavailable", None, "unavailable", None, "unavailable"])
    asked: list[Any] = []

    def send(document_id: Any) -> str | None:
        asked.append(document_id)
        return next(ends)

    sending.in_turn(send, [opened(f"LF261123000{number}") for number in range(7)])
    assert len(asked) == 5
