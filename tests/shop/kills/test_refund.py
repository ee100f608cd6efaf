"""A process killed at each step of paying back, and of charging by the real weight."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from shop import checkout, orders, payments, weighing
from shop.models import Order, Purchase
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.kills.conftest import Each, Stem
from tests.shop.kills.test_payment import paid
from tests.shop.test_with_stripe import Sandbox

Audit = Callable[[], list[str]]
HAM = {
    "priced_by": "kg",
    "kg_price_fen": 2000,
    "piece_weight_kg": Decimal("0.5"),
    "weight_tolerance": 10,
    "net_weight_kg": Decimal("0.5"),
}


def known(box: Sandbox, buyer: Any, listing: uuid.UUID) -> str:
    """An order that is paid, here too; its id."""
    answer = paid(box, buyer, listing)
    payments.look(uuid.UUID(answer["purchase"]))
    return str(answer["orders"][0]["id"])


def cancelling(buyer: Any, order_id: str) -> dict[str, Any]:
    headers = {**builders.token_of(buyer), "Idempotency-Key": uuid.uuid4().hex}
    return {"method": "POST", "path": f"/api/v1/shop/orders/{order_id}/cancel", "headers": headers}


def test_the_cancelling_process_dies(stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Audit) -> None:
    """Asked again it is one cancellation and one refund; of an order that is filed by then customs is told too."""
    crab, buyer = builders.put_listing(shelf, price_fen=1000, stock="50"), builders.buyer()
    asked = at_each_point(lambda: cancelling(buyer, known(box, buyer, crab)))
    assert len(asked) > 2
    stem.live(75)
    for point, request in asked:
        answers = [stem.run("request", **request).result for _ in range(2)]
        assert (answers[0]["status"], answers[0]) == (200, answers[1]), point
    stem.live()
    assert state.counted() == {"refunded": len(asked)}
    assert len(state.refunds()) == len(asked)
    assert state.stock(crab) == (50, 0)
    assert audit() == []


def test_the_refunding_worker_dies(stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Audit) -> None:
    """However often the job begins anew, Stripe pays back once."""
    crab, buyer = builders.put_listing(shelf, price_fen=1000, stock="50"), builders.buyer()

    def begin() -> None:
        stem.run("request", **cancelling(buyer, known(box, buyer, crab)))

    count = len(at_each_point(begin, "work"))
    assert count > 6
    stem.live()
    assert state.counted() == {"refunded": count}
    assert {status for _, status in state.refunds()} == {"paid"}
    assert audit() == []


def test_the_capturing_worker_dies(stem: Stem, box: Sandbox, shelf: Any, at_each_point: Each, audit: Audit) -> None:
    """Goods of catch weight, held on a card, weighed: charged once, and by their weight."""
    ham = builders.put_listing(shelf, route="general_trade", hs="0203220000", price_fen=1000, **HAM)
    buyer = builders.buyer(with_identity=False)

    def begin() -> None:
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(ham, Decimal(2))], method="card")
        checkout.pay_for(purchase_id)
        answer = orders.purchase_of(buyer.id, purchase_id)
        box.confirm(answer["payment"]["intent"])
        payments.look(purchase_id)
        entries = [{"line": 1, "weight_kg": Decimal("0.95"), "lot_id": None}]
        weighing.weigh(shelf.owner, uuid.UUID(answer["orders"][0]["id"]), entries)

    count = len(at_each_point(begin, "work"))
    assert count > 6
    stem.live()
    assert state.counted() == {"paid": count}
    assert set(state.fresh().scalars(select(Order.goods_fen))) == {1900}
    purchases = state.fresh().execute(select(Purchase.captured_fen, Purchase.total_fen))
    assert all(captured == total for captured, total in purchases)
    assert audit() == []
