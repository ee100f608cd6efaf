"""What customs does with an order, told to its buyer in plain words, and the order that goes on after a correction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.config import ClockSetting
from core.database import db, transaction
from core.errors import Problem
from customs.models import Declaration
from shop import cancellation, delays, filing, moves, orders
from shop.notification_models import Notice
from tests.shop import builders, state
from tests.shop.paying import sell


@pytest.fixture
def declared(place: Any, shelf: Any, stripe: Any, run_jobs: Any) -> dict[str, Any]:
    """A declared retail order."""
    crab = builders.put_listing(shelf, stock="5")
    buyer = builders.buyer()
    found = sell(place, stripe, buyer, (crab, "2"))
    run_jobs("shop.file")
    return {**found, "crab": crab}


def tell(order: dict[str, Any], word: str, code: str, **more: Any) -> None:
    declaration = db.session.scalar(select(Declaration.id).where(Declaration.order_number == order["number"]))
    db.session.rollback()
    info = {"declaration": str(declaration), "code": code, "detail": f"{code} said", "at": "2026-11-23T04:30:00Z"}
    with transaction() as session:
        filing.gate(session, order["number"])
        filing.on_declaration(session, order["number"], word, {**info, **more})


def kinds() -> list[str]:
    found = list(db.session.scalars(select(Notice.kind).where(Notice.account_id.is_not(None)).order_by(Notice.at)))
    db.session.rollback()
    return found


def shown(order: dict[str, Any]) -> dict[str, Any]:
    found = orders.one(order["buyer"], order["order"])
    db.session.rollback()
    return found


def test_each_kind_of_hold_is_told_once_with_what_comes_next(declared: Any) -> None:
    for code in ("300", "500", "502"):
        tell(declared, "held", code)
    tell(declared, "concluded", "399")
    said = [each["customs"] for each in shown(declared)["timeline"] if each["customs"]]
    assert [each["code"] for each in said] == ["300", "500", "502", "399"]
    assert said[1]["what"]["en"] == "Customs is opening the parcel to look at the goods."
    assert "一到三个工作日" in said[1]["next"]["zh"]
    assert kinds().count("order_held") == 3
    notice = db.session.scalars(select(Notice).where(Notice.kind == "order_held").order_by(Notice.at)).first()
    assert "officer" in notice.facts["what_en"]
    db.session.rollback()
    assert state.statuses(declared) == ["held"]


def test_sent_back_the_order_waits_with_all_it_holds_and_goes_on(declared: Any, run_jobs: Any) -> None:
    stock, used = state.stock(declared["crab"]), state.allowance_sums()
    tell(declared, "rejected", "100", mend_until="2026-11-24T04:30:00Z")
    assert state.statuses(declared) == ["rejected"]
    assert (state.stock(declared["crab"]), state.allowance_sums(), state.refunds()) == (stock, used, [])
    assert "correcting" in shown(declared)["timeline"][-1]["customs"]["next"]["en"]
    tell(declared, "refiled", "")
    assert state.statuses(declared) == ["declared"]
    tell(declared, "released", "800", day="2026-11-23")
    assert state.statuses(declared) == ["released"]
    assert state.refunds() == []
    assert {"order_sent_back", "order_filed_again", "order_released"} <= set(kinds())


def test_what_cannot_be_mended_is_refunded_at_once(declared: Any, run_jobs: Any) -> None:
    tell(declared, "rejected", "-621018")
    run_jobs("shop.pay_refund")
    assert state.statuses(declared) == ["refunded"]
    assert state.allowance_sums() == (0, 0)
    assert "order_sent_back" not in kinds()


def test_given_up_after_all_it_is_refunded(declared: Any, run_jobs: Any) -> None:
    tell(declared, "rejected", "100", mend_until="2026-11-24T04:30:00Z")
    tell(declared, "rejected", "100")
    run_jobs("shop.pay_refund")
    assert state.statuses(declared) == ["refunded"]


def test_a_buyer_who_will_not_wait_gets_the_money_and_it_is_not_filed_again(declared: Any, run_jobs: Any) -> None:
    with transaction() as session:
        row = session.scalars(select(Declaration).where(Declaration.order_number == declared["number"])).one()
        row.status, row.mend_until = "rejected", clock.now() + timedelta(hours=1)
    tell(declared, "rejected", "100", mend_until="2026-11-24T04:30:00Z")
    cancellation.cancel(declared["buyer"], declared["order"])
    run_jobs("shop.pay_refund")
    assert state.statuses(declared) == ["refunded"]
    until = db.session.scalar(select(Declaration.mend_until).where(Declaration.order_number == declared["number"]))
    db.session.rollback()
    assert until is None
    with pytest.raises(Problem) as refusal:
        tell(declared, "refiled", "")
    assert refusal.value.code == moves.MOVE_REFUSED


def test_a_delay_is_told_once(declared: Any) -> None:
    delays.tell_delays()
    assert "order_delayed" not in kinds()
    clock.set_clock(ClockSetting(offset=timedelta(hours=25)))
    for _ in range(2):
        delays.tell_delays()
    assert kinds().count("order_delayed") == 1
    assert [each["event"] for each in shown(declared)["timeline"]].count(delays.LATE) == 1
    clock.set_clock(ClockSetting())
