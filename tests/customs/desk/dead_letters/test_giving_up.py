"""When sending gives a document up, and what lifts it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from core import clock
from core.audit import AuditEntry
from core.database import db, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.dead_letters import attempts, resending, rules
from customs.models import WindowDocument
from customs.window import transport
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.dead_letters.outages import HOUR, later, letters, opened, outcomes, rounds, silent_paper, take
from tests.customs.desk.window import FakeWindow


def test_an_unreachable_window_is_tried_for_a_day_and_then_given_up(window: FakeWindow) -> None:
    window.answers = [503] * 1000
    found = opened()
    filing.file(str(found))
    rounds(11, 2 * HOUR)
    assert letters() == []
    rounds(2, 2 * HOUR)
    assert {row["reason"] for row in letters()} == {"unreachable"}
    assert {row["kind"] for row in letters()} == {"311", "411", "511"}
    assert status_of(found) == "pending"
    row = letters(kind="311")[0]
    assert (row["order"], row["tries"], row["last_error"]) == ("LF2611230001", 12, "the window answered 503")
    before = len(window.answers)
    rounds(3, 6 * HOUR)
    assert len(window.answers) == before


def test_a_machine_that_was_off_for_a_week_tries_first(window: FakeWindow) -> None:
    window.answers = [503] * 1000
    opened_ = opened()
    filing.file(str(opened_))
    later(7 * 24 * HOUR)
    filing.resend()
    assert letters() == []
    assert documents(opened_)["311"].tries == 2


def test_silence_is_given_up_after_three_days_and_the_filing_is_not_failed(
    window: FakeWindow, heard: list[Any]
) -> None:
    found = silent_paper(window)
    assert {row["reason"] for row in letters()} == {"silent"}
    assert (status_of(found), heard) == ("pending", [])
    assert letters()[0]["since"] <= (clock.instant_text(clock.now()) or "")


def test_a_receipt_is_a_sign_of_life(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    rounds(11, 6 * HOUR)
    stamp = clock.now().astimezone(clock.BEIJING).strftime("%Y%m%d%H%M%S000")
    take(receipt(found, "311", "2", stamp))
    rounds(3, 6 * HOUR)
    assert {row["kind"] for row in letters()} == {"411", "511"}


def test_a_late_receipt_lifts_the_dead_letter(window: FakeWindow) -> None:
    found = silent_paper(window)
    take(receipt(found, "311", "120", at(1)))
    document = documents(found)["311"]
    assert (document.status, document.dead_at, document.dead_reason) == ("received", None, None)
    assert {row["kind"] for row in letters()} == {"411", "511"}


def test_a_list_that_customs_holds_is_asked_about_for_90_days(window: FakeWindow) -> None:
    assert rules.given_up("621", "inspection", 400, clock.now() - timedelta(days=89), clock.now()) is None
    assert rules.given_up("621", "inspection", 400, clock.now() - timedelta(days=90), clock.now()) == "silent"
    assert rules.given_up("623", "received", 400, clock.now() - timedelta(days=89), clock.now()) is None
    assert rules.wait_seconds("625", "received", 1) == 60
    assert rules.given_up("621", "rejected", 400, clock.now() - timedelta(days=900), clock.now()) is None


@pytest.mark.parametrize("kind", ["311", "621", "623", "711"])
@pytest.mark.parametrize("status", ["ready", "filed", "declaring", "received", "closed", "rejected", "refused"])
def test_whatever_is_due_again_ends(kind: str, status: str) -> None:
    """No state repeats forever: where there is a wait there is an end to it."""
    waits = rules.wait_seconds(kind, status, 1)
    ends = rules.given_up(kind, status, 10**6, clock.now() - timedelta(days=1000), clock.now())
    assert (waits is None) == (ends is None)


def test_refused_at_once_is_a_dead_letter_at_once(window: FakeWindow, heard: list[Any]) -> None:
    window.answers = [400]
    found = opened()
    filing.file(str(found))
    assert [(row["kind"], row["reason"]) for row in letters()] == [("311", "refused")]
    assert status_of(found) == "failed"
    assert "answered 400" in letters()[0]["last_error"]
    assert outcomes(documents(found)["311"].id) == ["refused"]


def test_refused_after_it_may_have_arrived_does_not_fail_the_filing(window: FakeWindow, heard: list[Any]) -> None:
    """Customs may hold what an earlier attempt brought: whoever cancels now must ask customs."""
    window.answers = [500, 200, 200, 400]  # 500: it has arrived, but nobody says so
    found = opened()
    filing.file(str(found))
    later(60)
    filing.resend()
    assert [(row["kind"], row["reason"], row["status"]) for row in letters()] == [("311", "refused", "ready")]
    assert (status_of(found), heard) == ("pending", [])
    assert documents(found)["311"].status == "ready"


def test_refused_after_nobody_was_there_fails_it(window: FakeWindow, settings: Any, monkeypatch: Any) -> None:
    def nobody(*_: Any, **__: Any) -> None:
        raise transport.NoConnection("ConnectionError")

    found = opened()
    with monkeypatch.context() as patch:
        patch.setattr(transport, "post", nobody)
        filing.file(str(found))
    assert outcomes(documents(found)["311"].id) == ["unreached"]
    window.answers = [400]
    later(60)
    filing.resend()
    assert status_of(found) == "failed"


def test_with_bytes_built_anew_a_refusal_is_plain_again(window: FakeWindow) -> None:
    """What was sent of the bytes before says nothing of these."""
    found = opened()
    filing.file(str(found))
    with transaction() as session:
        document = session.scalars(select(WindowDocument).where(WindowDocument.kind == "311")).one()
        document.xml, document.status, document.trying_since, document.attempts = None, "draft", None, 0
        document.next_send_at = None
    window.answers = [400]
    filing.file(str(found))
    assert (status_of(found), documents(found)["311"].status) == ("failed", "refused")


def test_what_is_over_is_past(window: FakeWindow) -> None:
    found = silent_paper(window)
    with transaction() as session:
        declarations.cancel(session, "LF2611230001", "no longer wanted")
    assert letters() == []
    assert attempts.dead() == {}
    db.session.rollback()
    with pytest.raises(Problem) as fault:
        resending.resend(documents(found)["311"].id, "operator")
    assert fault.value.status == 404


def test_a_dead_window_does_not_hold_the_worker(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each timeout takes seconds: after three the round is over, and the next one goes on with the others."""
    for number in range(4):
        filing.file(str(opened(f"LF261123000{number}")))
    asked: list[str] = []

    def hang(*_: Any, **given: Any) -> None:
        asked.append(given["json"]["MessageHead"]["MessageId"])
        raise transport.NoAnswer("ReadTimeout")

    monkeypatch.setattr(transport, "post", hang)
    later(60)
    filing.resend()
    assert len(asked) == 3
    filing.resend()
    assert len(set(asked)) == 6


def test_each_giving_up_is_in_the_audit(window: FakeWindow) -> None:
    found = silent_paper(window)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "dead_letter")).all()
    assert {entry.object_id for entry in entries} == {str(found)}
    assert {entry.data["kind"] for entry in entries} == {"311", "411", "511"}
    db.session.rollback()


def test_an_outage_opens_one_incident_for_each_reason(window: FakeWindow) -> None:
    window.answers = [400, 200, 400, 400]
    for number in range(2):
        filing.file(str(opened(f"LF261123000{number}")))
    open_ones = db.session.execute(
        text("SELECT object_type, object_id, detail FROM incident WHERE kind = 'dead_letters'")
    ).all()
    db.session.rollback()
    assert [(row.object_type, row.object_id) for row in open_ones] == [("window", "refused")]
    assert set(open_ones[0].detail) == {"declaration", "document", "message", "guid", "tries"}
