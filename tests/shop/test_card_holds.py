"""Money held on a card until the goods are weighed: captured once, let go in time, whatever happens between."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from core.errors import Problem
from shop import cancellation, checkout, expiry, orders, payments, reconcile
from shop.models import Incident, Order, Payment, Purchase
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.by_weight import DAY, bonded_crab, buying, weigh  # noqa: F401 - fixtures


def test_a_hold_ends_before_the_bank_ends_it(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    move_clock(3 * DAY)
    expiry.sweep_expired()
    reconcile.run()
    assert state.statuses(bought) == ["awaiting_payment"]
    move_clock(6 * DAY + 60)
    expiry.sweep_expired()
    assert stripe.intents[bought["intent"]].status == "canceled"
    assert state.statuses(bought) == ["cancelled"]
    assert (state.stock(crab)[1], state.allowance_sums()) == (Decimal(0), (0, 0))
    assert state.balance("stripe_cash") == 0


def test_a_hold_that_comes_in_the_last_moment_is_kept(
    shelf: Any, crab: uuid.UUID, stripe: Any, move_clock: Any
) -> None:
    buyer = builders.buyer()
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(crab, Decimal(1))], method="card")
    checkout.pay_for(purchase_id)
    stripe.pay(orders.purchase_of(buyer.id, purchase_id)["payment"]["intent"])
    move_clock(601)
    expiry.expire(purchase_id)
    assert state.fresh().scalars(select(Order.status)).all() == ["awaiting_payment"]
    assert state.fresh().get_one(Purchase, purchase_id).authorised_at is not None


def test_the_buyer_cancels_while_the_card_holds_the_money(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    cancellation.cancel(bought["buyer"], bought["order"])
    run_jobs("shop.close")
    assert stripe.intents[bought["intent"]].status == "canceled"
    assert (state.statuses(bought), state.allowance_sums()) == (["cancelled"], (0, 0))
    with pytest.raises(Problem):
        weigh(shelf, bought, "2")


def test_a_hold_after_the_end_is_let_go(shelf: Any, crab: uuid.UUID, stripe: Any, run_jobs: Any) -> None:
    buyer = builders.buyer()
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(crab, Decimal(1))], method="card")
    checkout.pay_for(purchase_id)
    answer = orders.purchase_of(buyer.id, purchase_id)
    stripe.pay(answer["payment"]["intent"])
    cancellation.cancel(buyer, uuid.UUID(answer["orders"][0]["id"]))
    payments.look(purchase_id)
    run_jobs("shop.close")
    assert stripe.intents[answer["payment"]["intent"]].status == "canceled"
    assert (state.statuses(answer), state.balance("stripe_cash")) == (["cancelled"], 0)


def test_cancelled_while_it_is_captured_everything_goes_back(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    weigh(shelf, bought, "1.9")
    taken = state.fresh().scalars(select(Payment.capture_fen)).one()
    stripe.capture(bought["intent"], taken, "in flight")
    cancellation.cancel(bought["buyer"], bought["order"])
    run_jobs("shop.")
    assert (stripe.refunded(), state.statuses(bought)) == (taken, ["cancelled"])
    assert state.books_balance()


def test_captured_once_though_the_job_runs_twice_and_its_worker_died(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    weigh(shelf, bought, "1.9")
    move_clock(60)
    reconcile.run()  # the job is lost: the reconciler finds the hold and asks for it again
    payments.capture_payment(bought["purchase"])
    payments.capture_payment(bought["purchase"])
    assert stripe.calls.count("capture") == 1
    assert state.statuses(bought) == ["paid"]


def test_a_capture_of_another_amount_is_not_paid(shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any) -> None:
    bought = buy((crab, "4"), method="card")
    stripe.capture(bought["intent"], 1234, "at the dashboard")
    payments.look(bought["id"])
    assert state.statuses(bought) == ["awaiting_payment"]
    assert state.fresh().scalars(select(Incident.kind)).all() == ["payment_mismatch"]


def test_a_hold_that_the_bank_has_ended_ends_the_order(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    stripe.cancel_intent(bought["intent"], "k")
    weigh(shelf, bought, "1.9")
    run_jobs("shop.capture")
    move_clock(10)
    expiry.sweep_expired()
    assert (state.statuses(bought), state.balance("stripe_cash")) == (["cancelled"], 0)


@pytest.mark.parametrize("turn", range(3))
def test_cancelled_and_captured_at_one_instant(
    app: Any, shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any, turn: int
) -> None:
    """Whoever comes first at Stripe: a cancelled buyer keeps every fen, and nothing hangs."""
    bought = buy((crab, "4"), method="card")
    weigh(shelf, bought, "1.9")
    gate = Barrier(2)

    def cancel() -> None:
        cancellation.cancel(bought["buyer"], bought["order"])
        payments.close_payment(bought["purchase"])

    def do(step: Any) -> None:
        with app.app_context():
            gate.wait()
            step()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(do, (cancel, lambda: payments.capture_payment(bought["purchase"]))))
    run_jobs("shop.")
    intent, row = stripe.intents[bought["intent"]], state.purchase_row(bought)
    assert intent.status in ("succeeded", "canceled")
    assert row.captured_fen == intent.received_fen
    assert stripe.refunded() == row.refunded_fen == intent.received_fen
    assert state.statuses(bought)[0] in ("cancelled", "refunded")
    assert (state.stock(crab)[1], state.allowance_sums(), state.balance("stripe_cash")) == (Decimal(0), (0, 0), 0)
    assert state.books_balance()


def test_a_hold_that_rests_is_not_asked_for_all_the_time(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"), method="card")

    def asked() -> int:
        stripe.calls.clear()
        expiry.reconcile()
        return len(stripe.calls)

    seen = []
    for seconds in (60, 120, 1100):
        move_clock(seconds)
        seen.append(asked())
    weigh(shelf, bought, "1.9")
    seen.append(asked())
    assert seen == [1, 0, 1, 1]


def test_what_was_cancelled_is_not_captured(shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any) -> None:
    bought = buy((crab, "4"), method="card")
    weigh(shelf, bought, "1.9")
    cancellation.cancel(bought["buyer"], bought["order"])
    run_jobs("shop.")
    assert "capture" not in stripe.calls
    assert stripe.intents[bought["intent"]].status == "canceled"


def test_what_has_ended_cannot_be_weighed_though_stripe_is_away(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, move_clock: Any
) -> None:
    bought = buy((crab, "4"), method="card")
    move_clock(6 * DAY + 60)
    stripe.down = True
    expiry.sweep_expired()
    with pytest.raises(Problem) as refusal:
        weigh(shelf, bought, "1.9")
    stripe.down = False
    assert refusal.value.code == "order_state"
