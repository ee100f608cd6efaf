"""The reconciler: what Stripe knows and we do not is found, repaired where that is safe, and told to a person."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from core.database import transaction
from shop import cancellation, reconcile, refund_outcomes, refunds
from shop.models import Incident, Order, Payment, Refund
from shop.payment_models import PaymentMark, ReconcileRun
from shop.stripe_gateway import GatewayUnavailable
from tests.shop import builders, state
from tests.shop.test_payment import fen


@pytest.fixture
def placed(place: Any, shelf: Any) -> dict[str, Any]:
    crab = builders.put_listing(shelf, price_fen=10000, stock="5")
    buyer = builders.buyer()
    answer = place(buyer, (crab, "2"))
    ids = {"intent": answer["payment"]["intent"], "order": uuid.UUID(answer["orders"][0]["id"])}
    return {**answer, **ids, "buyer": buyer, "crab": crab}


@pytest.fixture
def paid(placed: dict[str, Any], stripe: Any) -> dict[str, Any]:
    stripe.pay(placed["intent"])
    reconcile.run()
    return placed


def incidents() -> list[str]:
    return list(state.fresh().scalars(select(Incident.kind).order_by(Incident.id)))


def forget_intent() -> None:
    with transaction() as session:
        session.execute(update(Payment).values(intent_id=None, client_secret=None))


def test_captured_and_unknown_here_is_paid(placed: Any, stripe: Any) -> None:
    """The answer that named the intent was lost, every webhook too: its metadata says whose it is."""
    forget_intent()
    stripe.pay(placed["intent"])
    found = reconcile.run()
    assert found["intents_paid"] == 1
    assert state.statuses(placed) == ["paid"]
    assert state.purchase_row(placed).captured_fen == fen(placed["total"])
    assert reconcile.run() == {"intents_seen": 1}


def test_lost_webhooks_are_polled_for_those_we_know(placed: Any, stripe: Any, move_clock: Any) -> None:
    stripe.pay(placed["intent"])
    move_clock(60)
    assert reconcile.run()["intents_paid"] == 1
    assert state.statuses(placed) == ["paid"]


def test_an_unpaid_intent_that_lost_its_answer_is_adopted(placed: Any, stripe: Any) -> None:
    forget_intent()
    assert reconcile.run()["intents_adopted"] == 1
    assert state.fresh().scalars(select(Payment.intent_id)).one() == placed["intent"]


def test_a_second_intent_that_nobody_can_pay_is_cancelled(placed: Any, stripe: Any) -> None:
    """A 5xx hid it, another key made the one we know."""
    twin = replace(stripe.intents[placed["intent"]], id="pi_twin", client_secret="s")
    stripe.intents["pi_twin"] = twin
    assert reconcile.run()["intents_cancelled"] == 1
    assert stripe.intents["pi_twin"].status == "canceled"
    assert stripe.intents[placed["intent"]].status == "requires_payment_method"
    assert incidents() == []


@pytest.mark.parametrize("metadata", [{}, {"purchase": "x"}, {"purchase": str(uuid.UUID(int=5))}])
def test_a_foreign_payment_is_an_incident_and_pays_nothing(placed: Any, stripe: Any, metadata: Any) -> None:
    stripe.intents["pi_other"] = replace(stripe.intents[placed["intent"]], id="pi_other", metadata=metadata)
    stripe.pay("pi_other")
    assert reconcile.run()["intents_foreign"] == 1
    assert incidents() == ["foreign_payment"]
    assert state.statuses(placed) == ["awaiting_payment"]
    reconcile.run()
    assert incidents() == ["foreign_payment"]


@pytest.mark.parametrize("changed", [{"received_fen": 7}, {"currency": "usd"}])
def test_another_amount_or_currency_is_not_paid(placed: Any, stripe: Any, changed: Any) -> None:
    stripe.pay(placed["intent"], **changed)
    assert reconcile.run()["intents_mismatch"] == 1
    assert state.statuses(placed) == ["awaiting_payment"]
    assert incidents() == ["payment_mismatch"]


def test_the_intent_of_an_ended_purchase_is_cancelled(placed: Any, stripe: Any, move_clock: Any) -> None:
    """The job that should have done it is lost."""
    cancellation.cancel(placed["buyer"], placed["order"])
    move_clock(60)
    reconcile.run()
    assert stripe.intents[placed["intent"]].status == "canceled"


def test_a_refund_at_the_dashboard_is_booked_once(paid: Any, stripe: Any) -> None:
    made = stripe.refund_elsewhere(paid["intent"], 5000)
    assert reconcile.run()["refunds_elsewhere"] == 1
    reconcile.run()
    row = state.fresh().scalars(select(Refund)).one()
    assert (row.stripe_id, row.amount_fen, row.status, row.order_id) == (made, 5000, "paid", None)
    assert (state.balance("refund_unassigned"), state.balance("stripe_cash")) == (5000, fen(paid["total"]) - 5000)
    assert (state.purchase_row(paid).refunded_fen, state.purchase_row(paid).elsewhere_fen) == (5000, 5000)
    assert incidents() == ["refund_elsewhere"]
    assert state.books_balance()


def test_after_a_refund_elsewhere_a_cancelled_order_pays_only_the_rest(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """The buyer gets every fen back once, and every account ends at zero."""
    stripe.refund_elsewhere(paid["intent"], 5000)
    reconcile.run()
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(paid["total"])
    assert state.statuses(paid) == ["refunded"]
    for account in ("refund_unassigned", "stripe_cash", "merchant_payable", "customs_tax_payable", "refund_payable"):
        assert state.balance(account) == 0, account
    assert state.books_balance()


def test_all_refunded_elsewhere_leaves_nothing_to_pay(paid: Any, stripe: Any, run_jobs: Any) -> None:
    stripe.refund_elsewhere(paid["intent"], fen(paid["total"]))
    reconcile.run()
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(paid["total"])
    assert state.statuses(paid) == ["refunded"]
    assert (state.balance("refund_unassigned"), state.balance("stripe_cash")) == (0, 0)
    assert state.books_balance()


def test_a_refund_elsewhere_takes_the_place_of_one_promised(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """Promised, and before our job asked somebody had paid it at the dashboard."""
    cancellation.cancel(paid["buyer"], paid["order"])
    stripe.refund_elsewhere(paid["intent"], fen(paid["total"]))
    assert reconcile.run()["refunds_elsewhere"] == 1
    run_jobs("shop.pay_refund")
    assert sorted(status for _, status in state.refunds()) == ["covered", "paid"]
    assert stripe.refunded() == fen(paid["total"])
    assert state.statuses(paid) == ["refunded"]
    assert state.balance("stripe_cash") == 0
    assert state.books_balance()


def test_a_refund_that_succeeded_though_we_hold_it_as_failed(paid: Any, stripe: Any) -> None:
    cancellation.cancel(paid["buyer"], paid["order"])
    row = state.fresh().scalars(select(Refund)).one()
    stripe.refund(paid["intent"], row.amount_fen, str(row.id), {"refund": str(row.id)})
    refund_outcomes.failed(row.id, {"stripe": "no answer"})
    assert reconcile.run()["refunds_repaired"] == 1
    assert state.refunds() == [(fen(paid["total"]), "paid")]
    assert state.statuses(paid) == ["refunded"]
    assert state.books_balance()


def test_a_paid_refund_that_the_bank_sends_back(paid: Any, stripe: Any, run_jobs: Any) -> None:
    """It is owed again and a person is called."""
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    (made,) = stripe.refunds.values()
    stripe.refunds[made.id] = replace(made, status="failed")
    assert reconcile.run()["refunds_bounced"] == 1
    assert state.refunds() == [(fen(paid["total"]), "failed")]
    assert state.balance("refund_payable") == -fen(paid["total"])
    assert incidents() == ["refund_failed"]
    assert state.books_balance()


def test_a_pass_that_breaks_off_leaves_the_mark(paid: Any, stripe: Any) -> None:
    mark = state.fresh().scalars(select(PaymentMark.seen_until).where(PaymentMark.kind == "intents")).one()
    stripe.down = True
    with pytest.raises(GatewayUnavailable):
        reconcile.run(by_hand=True)
    assert state.fresh().scalars(select(PaymentMark.seen_until).where(PaymentMark.kind == "intents")).one() == mark
    assert [run["whole"] for run in reconcile.runs(10)] == [False, True]
    reconcile.reconcile_stripe()  # by schedule it waits for the next time


def test_one_object_that_fails_does_not_hide_the_others(placed: Any, stripe: Any, monkeypatch: Any) -> None:
    stripe.pay(placed["intent"])
    broken = replace(stripe.intents[placed["intent"]], id="pi_broken")
    stripe.intents = {"pi_broken": broken, **stripe.intents}
    seen = stripe.retrieve_intent

    def retrieve(intent_id: str) -> Any:
        if intent_id == "pi_broken":
            raise ValueError("nonsense")
        return seen(intent_id)

    monkeypatch.setattr(stripe, "retrieve_intent", retrieve)
    found = reconcile.run()
    assert (found["intents_failed"], found["intents_paid"]) == (1, 1)
    assert incidents() == ["not_reconciled"]


def test_the_command_reports(app: Any, paid: Any, stripe: Any) -> None:
    stripe.refund_elsewhere(paid["intent"], 100)
    done = app.test_cli_runner().invoke(args=["payments", "reconcile"])
    assert done.exit_code == 0
    told = [line for line in done.output.splitlines() if not line.startswith("{")]  # the log goes there too
    assert told == ["intents_seen 1", "refunds_elsewhere 1", "refunds_seen 1", "reconciled"]
    stripe.down = True
    assert app.test_cli_runner().invoke(args=["payments", "reconcile"]).exit_code == 1


def test_a_quiet_run_leaves_no_row(placed: Any, stripe: Any) -> None:
    reconcile.run()
    assert state.fresh().scalars(select(ReconcileRun)).all() == []
    assert state.fresh().scalars(select(Order)).one().status == "awaiting_payment"


def test_an_intent_named_meanwhile_is_not_cancelled(placed: Any, stripe: Any) -> None:
    """Its answer came between the two looks of the reconciler."""
    assert reconcile._unpaid(stripe.intents[placed["intent"]]) == "adopted"
    assert stripe.intents[placed["intent"]].status == "requires_payment_method"


def test_a_failed_refund_that_a_person_paid_at_the_dashboard(paid: Any, stripe: Any, run_jobs: Any) -> None:
    with transaction() as session:
        order = session.get_one(Order, paid["order"])
        refund = refunds.promise(session, order, {"goods": 5000, "freight": 0, "tax": 0}, "part")
    refund_outcomes.failed(refund, {"stripe": "declined"})
    stripe.refund_elsewhere(paid["intent"], 5000)
    reconcile.run()
    assert state.refunds() == [(5000, "covered"), (5000, "paid")]
    assert (state.purchase_row(paid).refunded_fen, state.purchase_row(paid).elsewhere_fen) == (5000, 0)
    assert (state.balance("refund_payable"), state.balance("refund_unassigned")) == (0, 0)
    assert state.books_balance()


def test_a_refund_that_was_paid_meanwhile_did_not_fail(paid: Any, stripe: Any, run_jobs: Any) -> None:
    cancellation.cancel(paid["buyer"], paid["order"])
    run_jobs("shop.pay_refund")
    refund_outcomes.failed(state.fresh().scalars(select(Refund.id)).one(), {"stripe": "slow"})
    assert incidents() == []
