"""Who pays and who bears when disputes meet refunds: time passes, news come late or twice, money goes back once."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from core.database import transaction
from shop import books, cancellation, disputes, payments, reconcile, refund_findings, refunds
from shop.models import Incident, Order
from shop.payment_models import PaymentDispute
from shop.stripe_gateway import GatewayUnavailable
from tests.shop import builders, state
from tests.shop.by_weight import bonded_crab, buying, weigh  # noqa: F401 - fixtures
from tests.shop.test_disputes import balances, bought_and_paid  # noqa: F401 - a fixture
from tests.shop.test_payment import fen

DAY = 86400


@pytest.fixture(autouse=True)
def sums(context: Any) -> Iterator[None]:
    """Whatever happens, the books balance; money that went out twice is a fault until somebody has it back."""
    yield
    assert "paid_twice" in incidents() or state.books_balance()


@pytest.fixture
def two(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    """One purchase of two merchants, paid."""
    beef = {"price_fen": 10000, "stock": "5", "route": "general_trade", "hs": "0203220000"}
    wants = [(builders.put_listing(each, **beef), "1") for each in (shelf, builders.open_shelf())]
    buyer = builders.buyer()
    answer = place(buyer, *wants)
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    ids = [uuid.UUID(order["id"]) for order in answer["orders"]]
    each = fen(answer["orders"][0]["total"])
    return {**answer, "intent": answer["payment"]["intent"], "buyer": buyer, "ids": ids, "each": each}


def lose(stripe: Any, intent: str, amount: int) -> None:
    name = stripe.dispute(intent, amount)
    stripe.decide(name, "lost")
    assert disputes.look(name) == "lost"
    stripe.disputes.clear()  # of a lost part Stripe refunds the rest


def promise(order_id: uuid.UUID, **parts: int) -> None:
    with transaction() as session:
        order = session.get_one(Order, order_id)
        refunds.promise(session, order, {"goods": 0, "freight": 0, "tax": 0, **parts}, "part")


def incidents() -> list[str]:
    return list(state.fresh().scalars(select(Incident.kind).order_by(Incident.id)))


def owed() -> list[int]:
    """What each merchant is owed, in fen."""
    statement = "SELECT sum(amount_fen) FROM ledger_entry WHERE account = 'merchant_payable' GROUP BY party"
    return [-int(amount) for amount in state.fresh().scalars(text(statement))]


def test_a_refund_that_waited_is_not_too_old_to_be_paid(paid: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    cancellation.cancel(paid["buyer"], paid["order"])
    move_clock(20 * DAY)
    stripe.decide(name, "won")
    disputes.look(name)
    refunds.chase_refunds()  # before the job of the same second
    run_jobs("shop.pay_refund")
    assert state.refunds() == [(paid["all"], "paid")]


def test_nor_is_one_that_stripe_refused_meanwhile(paid: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    cancellation.cancel(paid["buyer"], paid["order"])
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    run_jobs("shop.pay_refund")  # refused: the charge is disputed
    move_clock(20 * DAY)
    stripe.decide(name, "won")
    disputes.look(name)
    refunds.chase_refunds()
    assert state.refunds() == [(paid["all"], "promised")]
    run_jobs("shop.pay_refund")
    assert state.refunds() == [(paid["all"], "paid")]


@pytest.mark.parametrize("by", ["event", "reconciler"])
def test_won_before_the_money_is_back(paid: Any, stripe: Any, by: str) -> None:
    before = balances()
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    stripe.disputes[name] = replace(stripe.disputes[name], status="won")
    assert disputes.look(name) == "won"
    assert state.balance("dispute_clearing") == paid["all"]
    stripe.decide(name, "won")
    if by == "event":
        assert disputes.look(name) == "changed"
    else:
        found: Counter[str] = Counter()
        reconcile._open_disputes(found)
        assert found == {"disputes_changed": 1}
    assert balances() == before
    assert incidents() == ["chargeback"]
    assert disputes.look(name) == "same"


def test_a_bank_that_changes_its_mind_is_told_to_a_person(paid: Any, stripe: Any) -> None:
    name = stripe.dispute(paid["intent"])
    stripe.decide(name, "won")
    disputes.look(name)
    stripe.decide(name, "lost")
    assert disputes.look(name) == "same"
    assert incidents() == ["chargeback", "dispute_reversed"]


def test_withdrawn_twice_is_booked_twice(paid: Any, stripe: Any) -> None:
    name = stripe.dispute(paid["intent"])
    disputes.look(name)
    stripe.disputes[name] = replace(stripe.disputes[name], status="under_review", withdrawn_fen=0)
    disputes.look(name)
    assert state.balance("stripe_cash") == paid["all"]
    stripe.decide(name, "lost")
    disputes.look(name)
    assert (state.balance("stripe_cash"), state.balance("dispute_clearing")) == (0, 0)


def test_what_the_bank_took_of_a_purchase_is_not_refunded_too(two: Any, stripe: Any, run_jobs: Any) -> None:
    """The amount of one order of two was disputed; that order is cancelled, and then the other."""
    lose(stripe, two["intent"], two["each"])
    cancellation.cancel(two["buyer"], two["ids"][0])
    run_jobs("shop.pay_refund")
    assert (stripe.refunded(), state.refunds()) == (0, [(two["each"], "covered")])
    cancellation.cancel(two["buyer"], two["ids"][1])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == two["each"]
    assert state.statuses(two) == ["refunded", "refunded"]
    assert owed() == [0, 0]  # each got back what it had borne
    assert balances() == {}


def test_a_part_beyond_what_the_bank_took_is_refunded(two: Any, stripe: Any, run_jobs: Any) -> None:
    lose(stripe, two["intent"], 4000)
    promise(two["ids"][0], goods=3000)
    promise(two["ids"][1], goods=3000)
    run_jobs("shop.pay_refund")
    assert sorted(state.refunds()) == [(1000, "covered"), (2000, "paid"), (3000, "covered")]
    assert stripe.refunded() == 2000


def test_a_refund_larger_than_what_the_bank_took_is_covered_in_part(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """All was promised when the bank took a part of it: that part is covered, and only the rest is paid."""
    cancellation.cancel(paid["buyer"], paid["order"])
    lose(stripe, paid["intent"], 4000)
    assert sorted(state.refunds()) == sorted([(4000, "covered"), (paid["all"] - 4000, "promised")])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == paid["all"] - 4000
    assert state.statuses(paid) == ["refunded"]
    assert incidents() == ["chargeback"]
    assert balances() == {}


def test_a_failed_refund_is_met_in_part_at_the_dashboard(paid: Any, stripe: Any, notify: Any, run_jobs: Any) -> None:
    stripe.refund_status = "failed"
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    stripe.refund_status = "succeeded"
    made = stripe.refund_elsewhere(paid["intent"], 4000)
    notify(getattr(made, "id", made), "refund.created")
    run_jobs("shop.")
    assert sorted(state.refunds())[:1] == [(4000, "covered")]
    assert (paid["all"] - 4000, "failed") in state.refunds()
    assert state.books_balance()


def test_a_merchant_bears_no_more_than_is_left_of_its_goods(paid: Any, stripe: Any, run_jobs: Any) -> None:
    promise(paid["order"], goods=18000)
    run_jobs("shop.pay_refund")
    lose(stripe, paid["intent"], paid["all"])
    (order,) = paid["orders"]
    assert state.balance("merchant_payable") == 0
    assert state.balance("platform_dispute_loss") == fen(order["freight"]) + fen(order["tax"]) + 18000
    assert incidents() == ["chargeback", "paid_twice"]


def test_an_order_that_was_refunded_bears_nothing(two: Any, stripe: Any, run_jobs: Any) -> None:
    cancellation.cancel(two["buyer"], two["ids"][0])
    run_jobs("shop.pay_refund")
    lose(stripe, two["intent"], two["each"])
    assert owed() == [0, 0]
    assert state.balance("stripe_cash") == 0


def test_what_was_never_owed_is_no_refund_of_the_goods(
    shelf: Any, crab: uuid.UUID, buy: Any, stripe: Any, run_jobs: Any
) -> None:
    """Weighed lighter: the order's own amounts are those of the real weight, and all of them are lost."""
    bought = buy((crab, "4"))
    weigh(shelf, bought, "1.9")
    run_jobs("shop.")
    row = state.purchase_row(bought)
    assert row.refunded_fen
    lose(stripe, bought["intent"], row.captured_fen - row.refunded_fen)
    assert owed() == [0]


def test_what_came_too_late_and_went_back_is_no_merchants_loss(
    place: Any, shelf: Any, stripe: Any, run_jobs: Any
) -> None:
    buyer = builders.buyer()
    answer = place(buyer, (builders.put_listing(shelf, price_fen=10000), "1"))
    cancellation.cancel(buyer, uuid.UUID(answer["orders"][0]["id"]))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    run_jobs("shop.pay_refund")
    lose(stripe, answer["payment"]["intent"], fen(answer["total"]))
    assert state.balance("merchant_payable") == 0
    assert state.balance("platform_dispute_loss") == fen(answer["total"])


def test_of_a_payment_that_is_not_ours_nothing_is_booked(place: Any, shelf: Any, stripe: Any) -> None:
    answer = place(builders.buyer(), (builders.put_listing(shelf, price_fen=10000), "1"))
    intent = answer["payment"]["intent"]
    stripe.pay(intent, received_fen=700)  # another amount, so it was not taken
    refund = stripe.refund_elsewhere(intent, 500)
    assert refund_findings.bring(stripe.refunds[refund]) == "elsewhere"
    assert disputes.look(stripe.dispute(intent, 200)) == "foreign"
    assert balances() == {}
    assert (state.refunds(), state.purchase_row(answer).refunded_fen) == ([], 0)
    assert incidents() == ["payment_mismatch", "refund_elsewhere", "foreign_dispute"]
    assert list(books.check(offline=True)) == []


def test_one_dispute_that_stripe_cannot_show_hides_no_other(two: Any, stripe: Any) -> None:
    names = sorted(stripe.dispute(two["intent"], amount) for amount in (100, 200))
    for name in names:
        disputes.look(name)
    del stripe.disputes[names[0]]
    stripe.decide(names[1], "won")
    found: Counter[str] = Counter()
    reconcile._open_disputes(found)
    assert found == {"disputes_failed": 1, "disputes_won": 1}
    assert state.fresh().get_one(PaymentDispute, names[1]).state == "won"
    assert "not_reconciled" in incidents()
    stripe.down = True
    with pytest.raises(GatewayUnavailable):
        reconcile._open_disputes(found)
    stripe.down = False
