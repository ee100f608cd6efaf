"""Receipts applied together leave behind exactly what they leave one after the other."""

import itertools
import random
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.audit import AuditEntry
from core.database import db, transaction
from customs import filing, notices, receipts
from customs.models import WindowDocument, WindowReceipt
from customs.receipt_batches import applying
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.test_filing import INVT, listed, opened
from tests.customs.desk.window import FakeWindow

FIELDS = ("status", "return_time", "return_status", "return_info", "reached", "pre_no", "invt_no", "attempts")


@pytest.fixture(autouse=True)
def _nobody_hears() -> Any:
    before = list(notices._subscribers)
    yield
    notices._subscribers[:] = before


def picture(found: uuid.UUID) -> dict[str, Any]:
    papers = {kind: [getattr(row, name) for name in FIELDS] for kind, row in documents(found).items()}
    due = {kind: row.next_send_at is None for kind, row in documents(found).items()}
    rows = db.session.execute(
        select(WindowReceipt.kind, WindowReceipt.status, WindowReceipt.state, WindowReceipt.reason)
        .where(WindowReceipt.declaration_id == found)
        .order_by(WindowReceipt.return_time, WindowReceipt.kind, WindowReceipt.status)
    ).all()
    told = db.session.execute(
        select(AuditEntry.action, AuditEntry.data)
        .where(AuditEntry.object_id == str(found), AuditEntry.actor == "customs")
        .order_by(AuditEntry.id)
    ).all()
    db.session.rollback()
    return {
        "status": status_of(found),
        "papers": papers,
        "due": due,
        "receipts": [tuple(row) for row in rows],
        "told": [tuple(row) for row in told],
    }


def one_by_one() -> None:
    rows = select(WindowReceipt.id).where(WindowReceipt.state == "stored")
    ids = db.session.scalars(rows.order_by(WindowReceipt.return_time, WindowReceipt.id)).all()
    db.session.rollback()
    for each in ids:
        receipts.apply_one(each)


CODES = ("1", "2", "3", "4", "18", "120", "300", "399", "500", "501", "800", "899", "-621017", "-621004", "777")


@pytest.mark.parametrize("seed", range(6))
def test_both_ways_end_alike(window: FakeWindow, seed: int) -> None:
    chance = random.Random(seed)
    steps = [(chance.choice(CODES), chance.randrange(2, 30)) for _ in range(chance.randrange(3, 12))]
    named = [{"invtNo": INVT} if chance.random() < 0.5 else {} for _ in steps]
    ends = []
    for number, run in (("LF2611230001", receipts.apply_receipts), ("LF2611230002", one_by_one)):
        found = listed(window, number=number)
        for (code, second), more in zip(steps, named, strict=True):
            more = {name: value[:-1] + number[-1] for name, value in more.items()}
            receipts.store(receipt(found, "621", code, at(second), **more))
        run()
        seen = picture(found)
        seen["papers"]["621"][FIELDS.index("invt_no")] = bool(seen["papers"]["621"][FIELDS.index("invt_no")])
        ends.append(seen)
    assert ends[0] == ends[1], steps


def test_most_of_a_list_goes_together(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the speed would be gone and nobody would see it."""
    one_at_a_time: list[uuid.UUID] = []
    real = receipts.apply_one
    monkeypatch.setattr(receipts, "apply_one", lambda each: one_at_a_time.append(each) or real(each))
    found = [opened(number=f"LF26112300{n:02d}") for n in range(5)]
    for each in found:
        filing.file(str(each))
        for kind, (code, second) in itertools.product(("311", "411", "511"), (("2", 1), ("3", 2), ("120", 3))):
            receipts.store(receipt(each, kind, code, at(second)))
    receipts.apply_receipts()
    assert one_at_a_time == []
    assert {paper.status for each in found for kind, paper in documents(each).items() if kind != "621"} == {"received"}
    for each in found:
        filing.file(str(each))
        for code, second in (("2", 4), ("3", 5), ("120", 6)):
            receipts.store(receipt(each, "621", code, at(second)))
    receipts.apply_receipts()
    assert one_at_a_time == []
    assert {status_of(each) for each in found} == {"declared"}
    for each in found:
        receipts.store(receipt(each, "621", "800", at(7)))
    receipts.apply_receipts()
    assert len(one_at_a_time) == 5


def test_together_papers_received_file_the_list(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    for kind in ("311", "411", "511"):
        receipts.store(receipt(found, kind, "120", at(2)))
    before = _jobs()
    receipts.apply_receipts()
    assert _jobs() == before + 1


def _jobs() -> int:
    from sqlalchemy import text

    count = db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'customs.file'"))
    db.session.rollback()
    return int(count or 0)


def test_a_batch_that_breaks_is_applied_one_after_the_other(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(window)
    receipts.store(receipt(found, "621", "120", at(5)))

    def broken(*_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(applying, "write", broken)
    receipts.apply_receipts()
    assert status_of(found) == "declared"


def test_a_declaration_somebody_holds_is_waited_for_not_skipped(window: FakeWindow, app: Any) -> None:
    """Locked by another, the receipts are left to the one-by-one way, which waits its turn."""
    import threading

    from customs.declarations import locked

    found = listed(window)
    receipts.store(receipt(found, "621", "120", at(5)))
    held, go = threading.Event(), threading.Event()

    def holder() -> None:
        with app.app_context(), transaction() as session:
            locked(session, found)
            held.set()
            go.wait(10)

    thread = threading.Thread(target=holder)
    thread.start()
    held.wait(10)
    threading.Timer(0.5, go.set).start()
    receipts.apply_receipts()
    thread.join()
    assert status_of(found) == "declared"
    waiting = db.session.scalar(select(func.count()).where(WindowReceipt.state == "stored"))
    db.session.rollback()
    assert waiting == 0


def test_receipts_of_one_millisecond_go_as_they_stand_in_their_message(window: FakeWindow) -> None:
    for number in range(6):
        found = listed(window, number=f"LF261123000{number}")
        first, second = (receipt(found, "621", code, at(9)).decode() for code in ("300", "500"))
        end = "</InventoryReturn>"
        more = second[second.index("<InventoryReturn>") : second.index(end) + len(end)]
        receipts.store(first.replace(end, end + more).encode())
        receipts.apply_receipts()
        assert documents(found)["621"].status == "inspection"


def test_what_only_brings_a_number_leaves_the_state_that_sending_has_written(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note that a document was sent needs no lock of its declaration: it can come while a batch is being worked."""
    found = listed(window)
    with transaction() as session:
        list_id = documents(found)["621"].id
        session.execute(update(WindowDocument).where(WindowDocument.id == list_id).values(status="ready"))
    write = applying.write

    def sent_meanwhile(*said: Any) -> None:
        with db.engine.begin() as other:
            other.execute(update(WindowDocument).where(WindowDocument.id == list_id).values(status="filed"))
        write(*said)

    monkeypatch.setattr(applying, "write", sent_meanwhile)
    receipts.store(receipt(found, "621", "-621004", at(9), invtNo=INVT))
    receipts.apply_receipts()
    assert (documents(found)["621"].status, documents(found)["621"].invt_no) == ("filed", INVT)
