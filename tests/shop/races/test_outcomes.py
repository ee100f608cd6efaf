"""Two who want opposite things of one order at one instant: one of them has its way, and all tables agree (F28, F42 to F45)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import transaction
from customs.models import Declaration
from shop import cancellation, checkout, disputes, expiry, filing, fulfilment, orders, payments, refunds, weighing
from shop.models import Order
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.test_catch_weight_payment import HAM
from tests.shop.test_payment import fen

Audit = Callable[..., list[str]]
TURNS = 6  # of each race: now one is first, now the other


@pytest.fixture
def crab(shelf: Any) -> uuid.UUID:
    return builders.put_listing(shelf, price_fen=1000, stock="100")


@pytest.fixture
def buyer(context: None) -> Any:
    return builders.buyer()


@pytest.fixture
def bought(place: Any, stripe: Any, buyer: Any, crab: uuid.UUID) -> Callable[..., dict[str, Any]]:
    """A retail order, paid or only about to be."""

    def make(*, told: bool = True) -> dict[str, Any]:
        answer = place(buyer, (crab, "2"))
        stripe.pay(answer["payment"]["intent"])
        purchase_id, order_id = uuid.UUID(answer["purchase"]), uuid.UUID(answer["orders"][0]["id"])
        if told:
            payments.look(purchase_id)
        return {**answer, "intent": answer["payment"]["intent"], "id": purchase_id, "order": order_id}

    return make


def test_paying_expiring_and_cancelling(
    bought: Any, buyer: Any, crab: uuid.UUID, stripe: Any, at_once: Any, run_jobs: Any, move_clock: Any, audit: Audit
) -> None:
    """Whoever wins, the money is in the books or back, and stock and allowance fit the state."""
    for _ in range(TURNS):
        sold = bought(told=False)
        before = stripe.refunded()
        move_clock(601)
        steps = [
            lambda p=sold["id"]: payments.look(p),
            lambda p=sold["id"]: expiry.expire(p),
            lambda o=sold["order"]: cancellation.cancel(buyer, o),
        ]
        at_once(steps * 2)
        move_clock(0)
        run_jobs("shop.")
        (status,) = state.statuses(sold)
        back = stripe.refunded() - before
        assert (status in ("refunded", "cancelled")) == (back == fen(sold["total"])), (status, back)
        assert status in ("refunded", "cancelled", "declared")
    assert audit() == []


def test_cancelling_and_filing(bought: Any, buyer: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit) -> None:
    """Cancelled before it is filed or after: never filed and paid back without customs being told."""
    for _ in range(TURNS):
        sold = bought()
        steps = [
            lambda o=sold["order"]: cancellation.cancel(buyer, o),
            lambda o=sold["order"]: filing.file_order(str(o)),
        ]
        at_once([*steps, steps[0]])
        run_jobs("shop.")
        assert state.statuses(sold) == ["refunded"]
    assert len(state.refunds()) == TURNS
    assert audit() == []


def test_cancelling_and_the_release(
    bought: Any, buyer: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit
) -> None:
    """Let in, it is not paid back; paid back, it is not let in."""
    for _ in range(TURNS):
        sold = bought()
        run_jobs("shop.file")
        number = sold["orders"][0]["number"]

        def release(number: str = number) -> None:
            with transaction() as session:
                filing.gate(session, number)
                row = session.scalars(select(Declaration).where(Declaration.order_number == number)).one()
                if row.status in ("cancelled", "released"):
                    return
                row.status, row.released_on, row.released_at = "released", clock.today(), clock.now()
                session.flush()
                filing.on_declaration(session, number, "released", {"day": clock.today().isoformat()})

        ends = at_once([lambda o=sold["order"]: cancellation.cancel(buyer, o), release])
        run_jobs("shop.")
        assert (*state.statuses(sold), ends[0]) in [("refunded", None), ("released", "order_state")]
    assert audit() == []


def test_twenty_cancellations_are_one(
    bought: Any, buyer: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit
) -> None:
    sold = bought()
    at_once([lambda: cancellation.cancel(buyer, sold["order"])] * 20, threads=20)
    run_jobs("shop.")
    assert state.refunds() == [(fen(sold["total"]), "paid")]
    assert audit() == []


def test_sending_and_cancelling(place: Any, shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit) -> None:
    """Sent twice or cancelled twice at one instant is once, and never both."""
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="100")
    buyer, sent = builders.buyer(with_identity=False), 0
    for turn in range(1, TURNS + 1):
        answer = place(buyer, (beef, "2"))
        stripe.pay(answer["payment"]["intent"])
        payments.look(uuid.UUID(answer["purchase"]))
        order_id, at = uuid.UUID(answer["orders"][0]["id"]), clock.now()
        steps = [
            lambda o=order_id: cancellation.cancel(buyer, o),
            lambda o=order_id, at=at: fulfilment.ship(shelf.owner, o, at),
        ]
        at_once(steps * 2)
        run_jobs("shop.")
        (status,) = state.statuses(answer)
        assert status in ("shipped", "refunded")
        sent += status == "shipped"
        assert state.stock(beef) == (100 - 2 * sent, 0)
        assert len(state.refunds()) == turn - sent
    assert audit() == []


def test_weighing_and_the_end_of_the_hold(
    shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, move_clock: Any, audit: Audit
) -> None:
    """Charged by the weight, or let go: the card's hold is never both captured and ended."""
    ham = builders.put_listing(
        shelf, route="general_trade", hs="0203220000", price_fen=39996, net_weight_kg=Decimal("4.5"), **HAM
    )
    buyer = builders.buyer(with_identity=False)
    for _ in range(TURNS):
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(ham, Decimal(2))], method="card")
        checkout.pay_for(purchase_id)
        answer = orders.purchase_of(buyer.id, purchase_id)
        stripe.pay(answer["payment"]["intent"])
        payments.look(purchase_id)
        order_id = uuid.UUID(answer["orders"][0]["id"])
        move_clock(8 * 86400)

        def weigh_and_capture(order: uuid.UUID = order_id, purchase: uuid.UUID = purchase_id) -> None:
            weighing.weigh(shelf.owner, order, [{"line": 1, "weight_kg": Decimal("9.1"), "lot_id": None}])
            payments.capture_payment(str(purchase))

        at_once([weigh_and_capture, lambda p=purchase_id: expiry.expire(p)])
        run_jobs("shop.")
        move_clock(0)
        (status,) = state.statuses(answer)
        intent = stripe.intents[answer["payment"]["intent"]]
        assert (status, intent.status) in [("paid", "succeeded"), ("cancelled", "canceled")]
    assert audit() == []


def test_two_refunds_of_sixty_in_a_hundred(
    shelf: Any, place: Any, buyer: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit
) -> None:
    """The reserve is one conditional statement: the second is refused."""
    crab = builders.put_listing(shelf, price_fen=100000)
    for _ in range(TURNS):
        answer = place(buyer, (crab, "1"))
        stripe.pay(answer["payment"]["intent"])
        payments.look(uuid.UUID(answer["purchase"]))

        order_id = uuid.UUID(answer["orders"][0]["id"])

        def give(order_id: uuid.UUID = order_id) -> str:
            with transaction() as session:
                order = session.get_one(Order, order_id)
                refunds.promise(session, order, {"goods": 60000, "freight": 0, "tax": 0}, "test")
            return "promised"

        assert sorted(at_once([give, give])) == ["promised", "refund_exceeds_payment"]
    run_jobs("shop.")
    assert stripe.refunded() == TURNS * 60000
    assert audit() == []


@pytest.mark.parametrize("word", ["lost", "won"])
def test_a_refund_and_a_chargeback(
    bought: Any, buyer: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Audit, word: str
) -> None:
    """Whatever the bank decides, the buyer gets the money back once: by the refund or by the bank."""
    for _ in range(TURNS):
        sold = bought()
        name = stripe.dispute(sold["intent"])
        at_once([lambda n=name: disputes.look(n), lambda o=sold["order"]: cancellation.cancel(buyer, o)])
        run_jobs("shop.")
        before = stripe.refunded()
        stripe.decide(name, word)
        at_once([lambda n=name: disputes.look(n)] * 4)
        run_jobs("shop.")
        assert state.statuses(sold) == ["refunded"]
        assert stripe.refunded() - before == (fen(sold["total"]) if word == "won" else 0)
    assert state.books_balance()
    assert audit() == []
