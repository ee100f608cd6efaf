"""One live declaration for an order, whatever dies on the way (I5, F37 to F41)."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from core import clock
from core.config import ClockSetting
from core.database import db, transaction
from core.errors import Problem
from customs import declarations, filing, receipts, sending
from customs.models import Declaration, DeclarationLine
from customs.window.messages import parse
from customs.window.signature import verify_message
from tests.customs.desk import builders
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.window import FakeWindow

INVT = "310520262I000000001"[:18]


def opened(**changes) -> uuid.UUID:
    request = builders.filing(*builders.buyer(), **changes)
    with transaction() as session:
        return declarations.open_retail(session, request)


def take(*messages: bytes) -> None:
    for each in messages:
        receipts.store(each)
    receipts.apply_receipts()


def papers_received(found: uuid.UUID) -> None:
    take(*(receipt(found, kind, "120", at(1)) for kind in ("311", "411", "511")))


def listed(window: FakeWindow, **changes) -> uuid.UUID:
    """A declaration whose list was sent."""
    found = opened(**changes)
    filing.file(str(found))
    papers_received(found)
    filing.file(str(found))
    return found


def later(seconds: int) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(seconds=seconds)))


def test_papers_go_first_and_the_list_when_customs_has_them(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]
    take(receipt(found, "311", "120", at(1)), receipt(found, "411", "120", at(1)))
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]
    take(receipt(found, "511", "120", at(2)))
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511", "621"]
    assert status_of(found) == "filed"


def test_the_four_documents_are_signed_and_say_the_same(window: FakeWindow) -> None:
    found = listed(window)
    from customs.filing_documents import signer

    for _, _, xml in window.sent:
        verify_message(xml, [signer().certificate], clock.now())
    said = {kind: parse(xml).documents[0] for kind, _, xml in window.sent}
    assert said["311"]["acturalPaid"] == said["411"]["amountPaid"] == "109.83"
    assert said["621"]["buyerIdNumber"] == builders.NUMBER
    assert said["621"]["declTime"] == "20261123"
    assert (said["621"]["lines"][0]["qty1"], said["621"]["lines"][0]["unit1"]) == ("3", "035")
    assert documents(found)["621"].guid == window.sent[-1][1]


def test_filing_again_sends_nothing_new(window: FakeWindow) -> None:
    found = listed(window)
    filing.file(str(found))
    filing.file(str(found))
    assert len(window.sent) == 4


def test_opening_twice_is_one_declaration(window: FakeWindow) -> None:
    request = builders.filing(*builders.buyer())
    with transaction() as session:
        first = declarations.open_retail(session, request)
    with transaction() as session:
        assert declarations.open_retail(session, request) == first
    assert db.session.scalar(select(func.count()).select_from(Declaration)) == 1
    assert db.session.scalar(select(func.count()).select_from(DeclarationLine)) == 1
    db.session.rollback()


@pytest.mark.parametrize(("room", "dies_at"), [(filing, "_store"), (sending, "_claim"), (sending, "_sent")])
def test_killed_anywhere_the_second_run_repeats_the_same_bytes(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch, room: Any, dies_at: str
) -> None:
    found = opened()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            filing.file(str(found))
    first = list(window.sent)
    later(30)
    filing.resend()
    later(60)
    filing.resend()
    guids = {kind: {guid for k, guid, _ in window.sent if k == kind} for kind in ("311", "411", "511")}
    assert all(len(each) == 1 for each in guids.values())
    assert {xml for _, _, xml in first} <= {xml for _, _, xml in window.sent}
    bytes_of = {kind: {xml for k, _, xml in window.sent if k == kind} for kind in guids}
    assert all(len(each) == 1 for each in bytes_of.values())


def test_a_lost_answer_is_followed_by_the_same_message(window: FakeWindow) -> None:
    window.answers = [500]
    found = opened()
    filing.file(str(found))
    assert documents(found)["311"].status == "ready"
    assert window.kinds() == ["311"]  # a window that does not answer is asked for no more of it now
    later(60)
    filing.resend()
    assert sorted(window.kinds()[1:]) == ["311", "411", "511"]
    assert window.sent[0] in window.sent[1:]
    assert documents(found)["311"].status == "filed"


def test_silence_repeats_with_growing_pauses_and_a_receipt_ends_it(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    for _ in range(3):
        later(3600)
        filing.resend()
    assert window.kinds().count("311") == 4
    papers_received(found)
    later(3600)
    before = window.kinds().count("311")
    filing.resend()
    assert window.kinds().count("311") == before
    assert len({guid for kind, guid, _ in window.sent if kind == "311"}) == 1


def test_a_breach_files_nothing_and_is_seen(window: FakeWindow, heard: list) -> None:
    found = opened(payer_name="王五")
    filing.file(str(found))
    assert window.sent == []
    assert status_of(found) == "failed"
    assert [state for _, state, _ in heard] == ["failed"]
    words = db.session.scalars(select(Declaration.status_info)).one()
    db.session.rollback()
    assert "payerName" in words
    assert "王五" not in words
    assert builders.NUMBER not in words


def test_the_buyers_number_is_nowhere_in_clear(window: FakeWindow) -> None:
    listed(window)
    for table in ("declaration", "person", "account_person", "window_document", "audit_entry", "procrastinate_jobs"):
        rows = db.session.execute(text(f"SELECT row_to_json(t)::text FROM {table} t")).scalars().all()
        assert rows
        for secret in (builders.NUMBER, builders.NUMBER.encode().hex(), "13900000000", "李四"):
            assert all(secret not in row for row in rows), table
    db.session.rollback()


def test_a_refused_message_waits_for_a_person_and_can_be_filed_again(window: FakeWindow, heard: list) -> None:
    window.answers = [400]
    found = opened()
    filing.file(str(found))
    assert status_of(found) == "failed"
    filing.file_again(found, "desk")
    filing.file(str(found))
    assert status_of(found) == "pending"
    assert documents(found)["311"].status == "filed"


def test_release_dates_the_lines_and_is_told_once(window: FakeWindow, heard: list) -> None:
    found = listed(window)
    steps = [("2", 3), ("3", 4), ("120", 5), ("399", 6), ("800", 7), ("899", 8)]
    take(*(receipt(found, "621", code, at(second), invtNo=INVT) for code, second in steps))
    assert status_of(found) == "closed"
    assert [state for _, state, _ in heard] == ["declared", "released", "closed"]
    assert heard[1][2]["day"] == "2026-11-23"
    days = db.session.scalars(select(DeclarationLine.released_on)).all()
    db.session.rollback()
    assert [f"{day}" for day in days] == ["2026-11-23"]


def test_the_day_of_release_is_a_beijing_day(window: FakeWindow) -> None:
    found = listed(window)
    clock.set_clock(ClockSetting(fixed=datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)))
    take(receipt(found, "621", "800", "20270101000000000"))
    assert f"{db.session.scalars(select(DeclarationLine.released_on)).one()}" == "2027-01-01"
    db.session.rollback()


def test_receipts_in_any_order_and_twice_end_alike(window: FakeWindow, heard: list) -> None:
    found = listed(window)
    steps = [("2", 3), ("3", 4), ("120", 5), ("399", 6), ("800", 7), ("899", 8)]
    made = [receipt(found, "621", code, at(second), invtNo=INVT) for code, second in steps]
    for each in [made[5], made[1], made[4], made[0], made[4], made[3], made[2], made[5]]:
        take(each)
    assert status_of(found) == "closed"
    assert [state for _, state, _ in heard] == ["released", "closed"]
    row = db.session.execute(select(Declaration.released_at)).scalar_one()
    db.session.rollback()
    assert clock.instant_text(row) == "2026-11-23T04:00:07Z"


def test_nothing_moves_backwards(window: FakeWindow) -> None:
    found = listed(window)
    take(receipt(found, "621", "800", at(10)))
    take(
        receipt(found, "621", "300", at(20)),
        receipt(found, "621", "100", at(30)),
        receipt(found, "621", "-621018", at(31)),
    )
    assert status_of(found) == "released"


@pytest.mark.parametrize("code", ["100", "-621018", "-621005"])
def test_customs_says_no(window: FakeWindow, heard: list, code: str) -> None:
    found = listed(window)
    take(receipt(found, "621", code, at(9)))
    assert status_of(found) == "rejected"
    assert [(state, info["code"]) for _, state, info in heard] == [("rejected", code)]
    later(100_000)
    before = len(window.sent)
    filing.resend()
    assert len(window.sent) == before


def test_a_refused_paper_ends_the_filing(window: FakeWindow, heard: list) -> None:
    found = opened()
    filing.file(str(found))
    take(receipt(found, "411", "-401004", at(3)))
    assert status_of(found) == "rejected"
    take(receipt(found, "311", "120", at(4)), receipt(found, "511", "120", at(4)))
    filing.file(str(found))
    assert "621" not in window.kinds()


def test_a_paper_that_customs_has_already_counts_as_received(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    take(
        receipt(found, "311", "-301010", at(1)),
        receipt(found, "411", "-401007", at(1)),
        receipt(found, "511", "-504015", at(1)),
    )
    filing.file(str(found))
    assert window.kinds()[-1] == "621"


def test_cancelled_before_the_list_nothing_is_asked(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    with transaction() as session:
        assert declarations.cancel(session, "LF2611230001", "changed my mind") == "cancelled"
    papers_received(found)
    filing.file(str(found))
    filing.resend()
    assert "621" not in window.kinds()
    assert status_of(found) == "cancelled"


def test_cancelled_after_the_list_customs_is_asked_once(window: FakeWindow, heard: list) -> None:
    found = listed(window)
    for _ in range(2):
        with transaction() as session:
            assert declarations.cancel(session, "LF2611230001", "changed my mind") == "requested"
    filing.file_requests(str(found))
    assert "623" not in window.kinds()  # customs has not numbered the list yet
    take(receipt(found, "621", "120", at(3), invtNo=INVT))
    filing.file_requests(str(found))
    filing.file_requests(str(found))
    assert window.kinds().count("623") == 1
    assert parse(window.sent[-1][2]).documents[0]["invtNo"] == INVT
    take(receipt(found, "623", "399", at(9)))
    assert status_of(found) == "cancelled"
    assert [state for _, state, _ in heard] == ["declared", "cancelled"]
    take(receipt(found, "621", "800", at(20)))
    assert status_of(found) == "cancelled"


def test_a_refused_withdrawal_leaves_the_list_alive(window: FakeWindow, heard: list) -> None:
    found = listed(window)
    take(receipt(found, "621", "120", at(3), invtNo=INVT))
    with transaction() as session:
        declarations.cancel(session, "LF2611230001", "late")
    filing.file_requests(str(found))
    take(receipt(found, "621", "800", at(5), invtNo=INVT), receipt(found, "623", "-623005", at(6)))
    assert status_of(found) == "released"
    assert [state for _, state, _ in heard] == ["declared", "released", "cancel_refused"]
    with transaction() as session, pytest.raises(Problem) as refusal:
        declarations.cancel(session, "LF2611230001", "again")
    assert refusal.value.code == "declaration_state"
