"""Goods that come back: awaited when customs grants it, then restocked, destroyed, or too late."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from core import clock
from core.config import ClockSetting
from core.database import db, end_read, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.models import Declaration
from customs.zone_stock import differences, exits, returned
from customs.zone_stock.floors import floors
from customs.zone_stock.moves import Told
from customs.zone_stock_models import BookClaim, BookItem, ZoneExit, ZoneReturn
from tests.catalog import builders as catalogue
from tests.customs.desk import builders as desk
from tests.customs.desk.builders import receipt
from tests.customs.desk.test_filing import take
from tests.customs.desk.window import FakeWindow
from tests.customs.zone.builders import Zone, balance, bring_in, line, log, lot_of
from tests.customs.zone.selling import listed, opened, released

NUMBER = "LF26110001"
GRANTED = "20261123140000000"


@pytest.fixture
def lot_id(zone: Zone, window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """Twenty of a hundred were sold, released and sent; five go back with customs' leave."""
    lot = lot_of(bring_in(zone))
    found = opened(zone, NUMBER, 20, desk.buyer())
    listed(found)
    released(found)
    with transaction() as session:  # what the shop does when the parcel leaves
        floors.stock.hold(session, lot.id, Decimal(20))
        floors.stock.take_out(session, lot.id, Decimal(20), "shipment", NUMBER)
    monkeypatch.setattr(floors.orders, "lot_of", lambda *_: lot.id, raising=False)
    with transaction() as session:
        declarations.file_return(session, NUMBER, [(1, Decimal(5))], "too many")
    filing.file_requests(str(found))
    take(receipt(found, "625", "399", GRANTED), receipt(found, "625", "399", GRANTED))
    return lot.id


def awaited() -> ZoneReturn:
    end_read()
    row = db.session.scalars(select(ZoneReturn)).one()
    db.session.expunge(row)
    end_read()
    return row


def check(sound: str, damaged: str = "0", **more: Any) -> dict[str, Any]:
    return returned.check("tests", awaited().id, {"sound": Decimal(sound), "damaged": Decimal(damaged), **more})


def test_granted_goods_are_awaited_until_the_last_day(zone: Zone, lot_id: uuid.UUID) -> None:
    row = awaited()
    assert (row.status, row.quantity, row.back_by) == ("awaited", 5, date(2026, 11, 23) + timedelta(days=45))
    assert balance(zone) == ("80", "0")
    assert differences.report() == []


def test_sound_goods_are_stock_again(zone: Zone, lot_id: uuid.UUID) -> None:
    assert check("5")["status"] == "checked"
    assert balance(zone) == ("85", "0")
    assert lot_of({"lines": [{"lot_id": str(lot_id)}]}).on_hand == 85
    assert log(zone) == [("entry", "100"), ("sale", "-20"), ("return", "5")]
    with pytest.raises(Problem) as again:
        check("5")
    assert again.value.code == "zone_return_checked"
    assert differences.report() == []


def test_damaged_goods_wait_to_be_destroyed_and_are_never_sold(zone: Zone, lot_id: uuid.UUID) -> None:
    check("3", "2", remark="crushed")
    assert balance(zone) == ("85", "2")
    assert lot_of({"lines": [{"lot_id": str(lot_id)}]}).on_hand == 83
    assert differences.report() == []
    queued = db.session.scalars(select(ZoneExit.id)).one()
    end_read()
    for name in ("refuse", "withdraw"):
        with pytest.raises(Problem) as kept:
            exits.take("tests", "customs", queued, name, Told())
        assert kept.value.code == "zone_step_refused"
    exits.take("tests", "customs", queued, "approve", Told("XH-1"))
    assert balance(zone) == ("85", "2")
    exits.take("tests", "customs", queued, "complete", Told())
    assert balance(zone) == ("83", "0")
    assert lot_of({"lines": [{"lot_id": str(lot_id)}]}).on_hand == 83
    assert differences.report() == []


@pytest.mark.parametrize(("days", "status", "book"), [(45, "checked", "85"), (46, "late", "80")])
def test_the_last_day_counts_and_the_next_does_not(
    zone: Zone, lot_id: uuid.UUID, days: int, status: str, book: str
) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(days=60)))
    arrived = date(2026, 11, 23) + timedelta(days=days)
    assert check("5", arrived_on=arrived)["status"] == status
    assert balance(zone) == (book, "0")


@pytest.mark.parametrize(("sound", "damaged", "field"), [("6", "0", "sound"), ("3", "3", "sound"), ("0", "0", "sound"),
                                                         ("0.5", "0", "sound")])  # fmt: skip
def test_more_than_was_sent_back_is_refused(
    zone: Zone, lot_id: uuid.UUID, sound: str, damaged: str, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        check(sound, damaged)
    assert list(refused.value.errors) == [field]
    assert balance(zone) == ("80", "0")


def test_only_a_lot_of_these_goods_takes_them(zone: Zone, lot_id: uuid.UUID) -> None:
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    stray = catalogue.receive(zone.seller, other, zone.warehouse, "5", item_record_no="ELSE")
    with pytest.raises(Problem) as refused:
        check("5", lot_id=stray)
    assert refused.value.code == "zone_lot_wrong"


def test_what_never_left_is_on_the_book_at_once(
    zone: Zone, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(zone)
    found = opened(zone, NUMBER, 20, desk.buyer())
    listed(found)
    released(found)
    monkeypatch.setattr(floors.orders, "never_left", lambda *_: True, raising=False)
    with transaction() as session:
        declarations.file_return(session, NUMBER, [(1, Decimal(20))], "recalled")
    filing.file_requests(str(found))
    take(receipt(found, "625", "399", GRANTED))
    assert (awaited().status, balance(zone)) == ("kept", ("100", "0"))
    assert differences.report() == []


def test_over_http_the_desk_checks_and_the_merchant_sees(client: Any, zone: Zone, lot_id: uuid.UUID) -> None:
    mine = client.get("/api/v1/customs/zone-returns", headers=zone.seller.bearer).json["items"]
    path = f"/api/v1/customs/zone-returns/{mine[0]['id']}/check"
    body = {"sound": "4", "damaged": "1"}
    assert client.post(path, json=body, headers=zone.seller.bearer).status_code == 403
    done = client.post(path, json=body, headers=catalogue.bearer(catalogue.open_account("customs")))
    assert (done.status_code, done.json["status"], done.json["damaged"]) == (200, "checked", "1")
    stranger = catalogue.admit()
    assert client.get("/api/v1/customs/zone-returns", headers=stranger.bearer).json["items"] == []


def test_nothing_comes_back_before_it_was_let_out(lot_id: uuid.UUID) -> None:
    """A mistyped year would make late goods bonded goods again."""
    with pytest.raises(Problem) as early:
        check("5", arrived_on=date(2025, 11, 23))
    assert list(early.value.errors) == ["arrived_on"]
    assert awaited().status == "awaited"


def test_a_return_of_several_goods_locks_the_book_in_the_order_of_its_items(
    app: Any, zone: Zone, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order of its lines: else it and a list of the same goods wait in a ring."""
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    bring_in(zone, line(zone))
    bring_in(zone, line(zone, listing_id=other))
    found = opened(zone, NUMBER, 20, desk.buyer())
    listed(found)
    released(found)
    with transaction() as session:
        low, high = [(row.id, row.record_no) for row in session.scalars(select(BookItem).order_by(BookItem.id))]
        row = session.get_one(Declaration, found)
        sold = row.snapshot["lines"][0]
        row.snapshot = {**row.snapshot, "lines": [{**sold, "item_record_no": no} for no in (high[1], low[1])]}
        for item_id, _ in (low, high):
            claim = BookClaim(declaration_id=found, item_id=item_id, quantity=Decimal(20), state="drawn")
            session.merge(claim)
    monkeypatch.setattr(floors.orders, "never_left", lambda *_: True, raising=False)
    monkeypatch.setattr(floors.orders, "lot_of", lambda *_: None, raising=False)

    def grant() -> None:
        with app.app_context():
            try:
                with transaction() as session:
                    returned.expect(session, session.get_one(Declaration, found), "T1", [[1, "1"], [2, "1"]])
            finally:
                db.session.remove()

    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session.get_one(BookItem, low[0], with_for_update=True)
            running = pool.submit(grant)
            for _ in range(100):
                if session.scalar(waits):
                    break
                time.sleep(0.05)
            assert session.scalar(waits)
            session.get_one(BookItem, high[0], with_for_update={"nowait": True})
        running.result(20)
