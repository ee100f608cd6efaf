"""Disputes: a refund and a chargeback never pay the same twice, whatever comes first, and the books end right."""

from __future__ import annotations

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.database import transaction
from shop import cancellation, disputes, fulfilment, payments, payout_rules, reconcile, refunds, returns
from shop.models import Incident, LedgerPosting, Order, OrderEvent
from shop.payment_models import PaymentDispute
from tests.shop import builders, state
from tests.shop.test_payment import fen

ACCOUNTS = (
    "stripe_cash",
    "dispute_clearing",
    "refund_payable",
    "merchant_payable",
    "logistics_payable",
    "customs_tax_payable",
    "platform_dispute_loss",
)


@pytest.fixture(name="paid")
def bought_and_paid(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    crab = builders.put_listing(shelf, price_fen=10000, stock="5")
    buyer = builders.buyer()
    answer = place(buyer, (crab, "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    ids = {"intent": answer["payment"]["intent"], "order": uuid.UUID(answer["orders"][0]["id"])}
    return {**answer, **ids, "buyer": buyer, "all": fen(answer["total"])}


def row_of() -> PaymentDispute:
    return state.fresh().scalars(select(PaymentDispute)).one()


def balances() -> dict[str, int]:
    found = {account: state.balance(account) for account in ACCOUNTS}
    return {account: amount for account, amount in found.items() if amount}


def payout_hold(order_id: uuid.UUID) -> str | None:
    """Why nothing of an order is paid out to its merchant."""
    session = state.fresh()
    (due,) = payout_rules.due(session, session.get_one(Order, order_id).merchant_id, [order_id])
    return due.hold


def events(kind: str) -> int:
    return state.fresh().scalar(select(func.count(OrderEvent.id)).where(OrderEvent.event == kind)) or 0


def test_an_open_dispute_takes_the_money_to_clearing(paid: Any, stripe: Any) -> None:
    name = stripe.dispute(paid["intent"])
    assert disputes.look(name) == "opened"
    assert disputes.look(name) == "same"
    row = row_of()
    assert (row.state, row.amount_fen, row.reserved_fen, row.booked_fen) == ("open", *[paid["all"]] * 3)
    assert (state.balance("stripe_cash"), state.balance("dispute_clearing")) == (0, paid["all"])
    assert state.purchase_row(paid).disputed_fen == paid["all"]
    assert events("dispute_opened") == 1
    assert state.fresh().scalars(select(Incident.kind)).all() == ["chargeback"]
    assert payout_hold(paid["order"]) == "dispute"
    assert state.books_balance()


def test_won_everything_is_as_before(paid: Any, stripe: Any) -> None:
    before = balances()
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    stripe.decide(name, "won")
    assert disputes.look(name) == "won"
    assert balances() == before
    assert state.purchase_row(paid).disputed_fen == 0
    assert payout_hold(paid["order"]) is None
    assert state.books_balance()


def test_lost_the_merchant_bears_the_goods_and_the_platform_the_rest(paid: Any, stripe: Any) -> None:
    name = stripe.dispute(paid["intent"])
    stripe.decide(name, "lost")
    assert disputes.look(name) == "lost"  # the first news of it came when it was over
    (order,) = paid["orders"]
    rest = fen(order["freight"]) + fen(order["tax"])
    assert state.balance("merchant_payable") == 0
    assert state.balance("platform_dispute_loss") == rest
    assert (state.balance("stripe_cash"), state.balance("dispute_clearing")) == (0, 0)
    assert state.balance("customs_tax_payable") == -fen(order["tax"])
    assert (state.purchase_row(paid).disputed_fen, state.purchase_row(paid).charged_back_fen) == (0, paid["all"])
    assert disputes.look(name) == "same"
    assert state.books_balance()


def test_a_refund_waits_for_the_end_and_is_paid_when_won(paid: Any, stripe: Any, run_jobs: Any) -> None:
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    refunds.chase_refunds()
    assert state.refunds() == [(paid["all"], "waiting")]
    assert (stripe.refunded(), state.statuses(paid), events("refund_waits")) == (0, ["refunding"], 1)
    stripe.decide(name, "won")
    disputes.look(name)
    run_jobs("shop.pay_refund")
    assert (stripe.refunded(), state.statuses(paid)) == (paid["all"], ["refunded"])
    assert balances() == {}
    assert state.books_balance()


def test_a_refund_that_waits_is_covered_when_lost(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """The bank has paid the buyer; customs and carrier are owed nothing, so nobody bears anything."""
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    cancellation.cancel(paid["buyer"], paid["order"])
    stripe.decide(name, "lost")
    disputes.look(name)
    run_jobs("shop.pay_refund")
    assert state.refunds() == [(paid["all"], "covered")]
    assert (stripe.refunded(), state.statuses(paid)) == (0, ["refunded"])
    assert balances() == {}
    assert state.books_balance()


def test_cancelled_after_it_was_lost_pays_nothing_more(paid: Any, stripe: Any, run_jobs: Any) -> None:
    name = stripe.dispute(paid["intent"])
    stripe.decide(name, "lost")
    disputes.look(name)
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert (stripe.refunded(), state.statuses(paid)) == (0, ["refunded"])
    assert balances() == {}
    assert state.books_balance()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_refund_promised_and_not_paid_when_the_bank_comes(
    paid: Any, stripe: Any, run_jobs: Any, outcome: str
) -> None:
    cancellation.cancel(paid["buyer"], paid["order"])
    name = stripe.dispute(paid["intent"])
    run_jobs("shop.pay_refund")  # refused by Stripe: the charge is disputed
    assert state.refunds() == [(paid["all"], "promised")]
    disputes.look(name)
    assert row_of().reserved_fen == 0
    assert state.books_balance()
    stripe.decide(name, outcome)
    disputes.look(name)
    run_jobs("shop.pay_refund")
    assert state.refunds() == [(paid["all"], "paid" if outcome == "won" else "covered")]
    assert stripe.refunded() == (paid["all"] if outcome == "won" else 0)
    assert state.statuses(paid) == ["refunded"]
    assert balances() == {}
    assert state.books_balance()


def test_a_part_was_refunded_before_the_bank_came(paid: Any, stripe: Any, run_jobs: Any) -> None:
    with transaction() as session:
        order = session.get_one(Order, paid["order"])
        refunds.promise(session, order, {"goods": 3000, "freight": 0, "tax": 0}, "part")
    run_jobs("shop.pay_refund")
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    assert row_of().reserved_fen == paid["all"] - 3000
    stripe.decide(name, "lost")
    disputes.look(name)
    assert state.purchase_row(paid).charged_back_fen == paid["all"] - 3000
    assert state.balance("stripe_cash") == 0
    assert state.books_balance()


def test_of_a_dispute_over_a_part_the_rest_can_be_refunded(paid: Any, stripe: Any, run_jobs: Any) -> None:
    name = stripe.dispute(paid["intent"], 4000)
    stripe.decide(name, "lost")
    disputes.look(name)
    stripe.disputes.clear()  # of a lost part Stripe refunds the rest
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == paid["all"] - 4000
    assert sorted(status for _, status in state.refunds()) == ["covered", "paid"]
    assert balances() == {}
    assert state.statuses(paid) == ["refunded"]
    assert state.books_balance()


def test_two_orders_bear_by_what_is_left_of_each(place: Any, shelf: Any, stripe: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=10000)
    beef = builders.put_listing(shelf, price_fen=5001, route="general_trade", hs="0202300090")
    bought = place(builders.buyer(), (crab, "1"), (beef, "1"))
    stripe.pay(bought["payment"]["intent"])
    payments.look(uuid.UUID(bought["purchase"]))
    name = stripe.dispute(bought["payment"]["intent"], 9999)
    stripe.decide(name, "lost")
    disputes.look(name)
    assert state.balance("stripe_cash") == fen(bought["total"]) - 9999
    goods = sum(fen(order["goods"]) for order in bought["orders"])
    assert state.balance("merchant_payable") + goods + state.balance("platform_dispute_loss") == 9999
    assert state.books_balance()


def test_an_inquiry_takes_and_reserves_nothing(paid: Any, stripe: Any, run_jobs: Any) -> None:
    name = stripe.dispute(paid["intent"], status="warning_needs_response")
    disputes.look(name)
    row = row_of()
    assert (row.state, row.reserved_fen, row.booked_fen) == ("inquiry", None, 0)
    assert payout_hold(paid["order"]) == "dispute"
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == paid["all"]
    stripe.decide(name, "warning_closed")
    assert disputes.look(name) == "won"
    assert balances() == {}


def test_a_foreign_dispute_is_an_incident(paid: Any, stripe: Any) -> None:
    from dataclasses import replace

    name = stripe.dispute(paid["intent"])
    stripe.disputes[name] = replace(stripe.disputes[name], intent_id="pi_other")
    assert disputes.look(name) == "foreign"
    assert state.fresh().scalars(select(Incident.kind)).all() == ["foreign_dispute"]
    assert balances()["stripe_cash"] == paid["all"]


def test_the_news_of_the_payment_may_be_slower(place: Any, shelf: Any, stripe: Any) -> None:
    bought = place(builders.buyer(), (builders.put_listing(shelf), "1"))
    stripe.pay(bought["payment"]["intent"])
    assert disputes.look(stripe.dispute(bought["payment"]["intent"])) == "opened"
    assert state.statuses(bought) == ["paid"]
    assert state.books_balance()


def test_every_order_of_events_ends_as_the_dispute_is(paid: Any, stripe: Any, notify: Any, run_jobs: Any) -> None:
    kinds = ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
    name = stripe.dispute(paid["intent"])
    stripe.decide(name, "won")
    for order in list(itertools.permutations(kinds))[::17]:
        for kind in order:
            notify(name, f"charge.dispute.{kind}")
        run_jobs("shop.apply")
    assert row_of().state == "won"
    assert state.balance("dispute_clearing") == 0
    assert state.fresh().scalar(select(func.count(LedgerPosting.id)).where(LedgerPosting.kind == "capture")) == 1
    assert state.books_balance()


def test_lost_events_are_found_by_the_reconciler(paid: Any, stripe: Any) -> None:
    name = stripe.dispute(paid["intent"])
    assert reconcile.run()["disputes_opened"] == 1
    stripe.decide(name, "lost")
    assert reconcile.run()["disputes_lost"] == 1
    assert row_of().state == "lost"


def test_a_refund_and_a_chargeback_at_one_instant(app: Any, paid: Any, stripe: Any, run_jobs: Any) -> None:
    """Whoever comes first: the buyer gets the money once (F45)."""
    gate, name = Barrier(2), stripe.dispute(paid["intent"])

    def do(step: Any) -> None:
        with app.app_context():
            gate.wait()
            step()

    steps = (lambda: disputes.look(name), lambda: cancellation.cancel(paid["buyer"], paid["order"]))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(do, steps))
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == 0
    stripe.decide(name, "lost")
    disputes.look(name)
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == 0
    assert [status for _, status in state.refunds()] == ["covered"]
    assert balances() == {}
    assert state.books_balance()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_return_during_a_dispute_waits_and_names_its_refund(
    place: Any, shelf: Any, stripe: Any, run_jobs: Any, outcome: str
) -> None:
    beef = builders.put_listing(shelf, price_fen=5000, route="general_trade", hs="0202300090")
    buyer = builders.buyer()
    bought = place(buyer, (beef, "2"))
    order, intent = uuid.UUID(bought["orders"][0]["id"]), bought["payment"]["intent"]
    stripe.pay(intent)
    payments.look(uuid.UUID(bought["purchase"]))
    fulfilment.ship(shelf.owner, order, clock.now())
    name = stripe.dispute(intent)
    disputes.look(name)
    wish = [{"line": 1, "quantity": Decimal(1)}]
    asked = returns.request_return(buyer, order, wish, "too much", uuid.uuid4())
    told = returns.receive(shelf.owner, uuid.UUID(asked["id"]), clock.now())
    assert state.refunds() == [(5000, "waiting")]
    stripe.decide(name, outcome)
    disputes.look(name)
    run_jobs("shop.pay_refund")
    assert state.refunds() == [(5000, "paid" if outcome == "won" else "covered")]
    assert told["refund"] is not None
    assert returns.one(buyer, uuid.UUID(asked["id"]))["refund"] == told["refund"]
    assert stripe.refunded() == (5000 if outcome == "won" else 0)
    assert state.books_balance()


def test_a_bank_that_takes_what_was_refunded_is_an_incident(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """An inquiry, a refund meant to end it, and a dispute over the whole all the same."""
    name = stripe.dispute(paid["intent"], status="warning_needs_response")
    disputes.look(name)
    with transaction() as session:
        order = session.get_one(Order, paid["order"])
        refunds.promise(session, order, {"goods": 3000, "freight": 0, "tax": 0}, "part")
    run_jobs("shop.pay_refund")
    stripe.decide(name, "lost")
    disputes.look(name)
    found = state.fresh().scalars(select(Incident).where(Incident.kind == "paid_twice")).one()
    assert found.detail["amount_fen"] == 3000
    assert state.balance("stripe_cash") == -3000
    assert state.balance("dispute_clearing") == 0
