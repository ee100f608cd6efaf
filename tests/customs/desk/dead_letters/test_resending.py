"""A person sends again: same guid, same bytes, tried as if for the first time."""

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.audit import AuditEntry
from core.database import db
from core.errors import Problem
from customs import filing, sending
from customs.dead_letters import resending
from customs.dead_letters.views import Filter
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.dead_letters.outages import HOUR, letters, opened, rounds, silent_paper, take
from tests.customs.desk.window import FakeWindow


def test_resent_it_keeps_guid_and_bytes_and_is_tried_anew(window: FakeWindow) -> None:
    found = silent_paper(window)
    document = documents(found)["311"]
    before = [sent for sent in window.sent if sent[0] == "311"]
    resending.resend(document.id, "operator")
    jobs_run = len(window.sent)
    sending.send_again(str(found))
    assert len(window.sent) == jobs_run + 1
    assert {sent for sent in window.sent if sent[0] == "311"} == set(before)
    after = documents(found)["311"]
    assert (after.dead_at, after.attempts, after.tries) == (None, 1, document.tries + 1)
    rounds(11, HOUR)
    assert {row["kind"] for row in letters()} == {"411", "511"}  # its three days begin anew


def test_a_refused_one_resent_takes_the_filing_up(window: FakeWindow) -> None:
    window.answers = [400, 400]
    found = opened()
    filing.file(str(found))
    assert status_of(found) == "failed"
    resending.resend(documents(found)["311"].id, "operator")
    assert status_of(found) == "failed"  # the payment document is refused still
    resending.resend(documents(found)["411"].id, "operator")
    assert status_of(found) == "pending"
    filing.resend()
    take(*(receipt(found, kind, "120", at(1)) for kind in ("311", "411", "511")))
    filing.file(str(found))
    assert window.kinds()[-1] == "621"


def test_a_refused_list_resent_is_filed_again_and_not_pending(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    take(*(receipt(found, kind, "120", at(1)) for kind in ("311", "411", "511")))
    window.answers = [400]
    filing.file(str(found))
    assert status_of(found) == "failed"
    resending.resend(documents(found)["621"].id, "operator")
    assert status_of(found) == "filed"


def test_filed_again_with_other_bytes_it_is_no_dead_letter(window: FakeWindow) -> None:
    window.answers = [400]
    found = opened()
    filing.file(str(found))
    filing.file_again(found, "desk")
    assert letters() == []
    filing.file(str(found))
    assert documents(found)["311"].status == "filed"


def test_two_persons_at_once_resend_once(window: FakeWindow, app: Any) -> None:
    found = silent_paper(window)
    document_id = documents(found)["311"].id
    ends: list[str] = []

    def press() -> None:
        with app.app_context():
            try:
                resending.resend(document_id, "operator")
                ends.append("resent")
            except Problem as problem:
                ends.append(problem.code)

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["not_found"] * 5 + ["resent"]


def test_resend_all_takes_what_was_dead_then(window: FakeWindow) -> None:
    for number in range(3):
        filing.file(str(opened(f"LF261123000{number}")))
    rounds(14, 6 * HOUR)
    assert len(letters()) == 9
    assert resending.resend_all(Filter(kind="311"), "operator", clock.now() - timedelta(days=1)) == 0
    assert resending.resend_all(Filter(order="LF2611230001"), "operator", clock.now()) == 3
    assert resending.resend_all(Filter(kind="311"), "operator", clock.now()) == 2
    assert len(letters()) == 4
    told = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "dead_letter_resent")
    assert db.session.scalar(told) == 5
    db.session.rollback()


def test_what_another_person_has_just_sent_ends_no_run(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ask at once: a batch that the other has taken whole is passed over, and the rest is sent."""
    monkeypatch.setattr(resending, "_BATCH", 2)
    filing.file(str(opened()))
    rounds(14, 6 * HOUR)
    many = resending.resend_many
    monkeypatch.setattr(resending, "resend_many", lambda ids, actor: taken_before(many, ids, actor))
    assert resending.resend_all(Filter(), "operator", clock.now()) == 1
    assert letters() == []


def taken_before(many: Callable[..., int], ids: Sequence[uuid.UUID], actor: str) -> int:
    if len(ids) == 2:
        many(ids, "another")
    return many(ids, actor)
