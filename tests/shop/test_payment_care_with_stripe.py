"""Reconciler, disputes and holds against the Stripe sandbox as a process: its lists, its events, its scripted faults."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from core import config
from core.database import transaction
from shop import cancellation, checkout, expiry, orders, reconcile, weighing
from shop.models import Incident, Payment, Refund
from shop.payment_models import PaymentDispute
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.test_payment import fen
from tests.shop.test_with_stripe import Sandbox, bought, sandbox, until, web  # noqa: F401 - fixtures

DISPUTED = "4000000000000259"
CRAB = {"priced_by": "kg", "kg_price_fen": 20000, "piece_weight_kg": Decimal("0.5"), "weight_tolerance": 10}


def deaf() -> None:
    """Every notice is refused: as good as lost."""
    config.use(replace(config.current(), stripe_webhook_secret="whsec_so_that_every_notice_is_refused"))


def row_of() -> PaymentDispute:
    return state.fresh().scalars(select(PaymentDispute)).one()


def opened(kind: str) -> bool:
    found = state.fresh().scalars(select(PaymentDispute.state)).all()
    return found == [kind]


def test_paid_while_we_were_deaf_and_had_forgotten_the_intent(bought: Any, sandbox: Any) -> None:  # noqa: F811
    deaf()
    with transaction() as session:
        session.execute(update(Payment).values(intent_id=None, client_secret=None))
    sandbox.confirm(bought["intent"])
    sandbox.post("/v1/payment_intents", amount="700", currency="cny")  # unpaid and not ours
    found = reconcile.run()
    assert (found["intents_seen"], found["intents_paid"]) == (2, 1)
    assert state.statuses(bought) == ["paid"]
    assert "intents_paid" not in reconcile.run()


def test_more_intents_than_a_page(bought: Any, sandbox: Any, monkeypatch: Any) -> None:  # noqa: F811
    monkeypatch.setattr("shop.stripe_gateway.PAGE_SIZE", 2)
    deaf()
    sandbox.confirm(bought["intent"])
    for _ in range(4):
        sandbox.post("/v1/payment_intents", amount="700", currency="cny")
    assert reconcile.run()["intents_seen"] == 5
    assert state.statuses(bought) == ["paid"]


def test_a_lying_answer_is_an_incident(bought: Any, sandbox: Any, move_clock: Any) -> None:  # noqa: F811
    deaf()
    sandbox.confirm(bought["intent"])
    match = {"method": "GET", "path_prefix": f"/v1/payment_intents/{bought['intent']}"}
    sandbox.helper("/sandbox/faults", {"fault": "other_amount", "match": match})
    move_clock(60)
    found = reconcile.run()
    assert found["intents_mismatch"] == 1
    assert state.fresh().scalars(select(Incident.kind)).all() == ["payment_mismatch"]


def test_paid_back_at_the_dashboard(bought: Any, sandbox: Any, run_jobs: Any) -> None:  # noqa: F811
    """A refund that the shop has not made is told by `charge.refunded`, or found in the list."""
    sandbox.confirm(bought["intent"])
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    sandbox.post("/v1/refunds", payment_intent=bought["intent"], amount="1000")
    until(lambda: [amount for amount, _ in state.refunds()] == [1000], run_jobs)
    deaf()
    sandbox.post("/v1/refunds", payment_intent=bought["intent"], amount="500")
    assert reconcile.run()["refunds_elsewhere"] == 1
    assert state.balance("refund_unassigned") == 1500
    cancellation.cancel(bought["buyer"], uuid.UUID(bought["orders"][0]["id"]))
    until(lambda: state.statuses(bought) == ["refunded"], run_jobs)
    assert (state.balance("stripe_cash"), state.balance("refund_unassigned")) == (0, 0)
    assert state.books_balance()


def test_a_refund_behind_a_broken_answer(bought: Any, sandbox: Any, run_jobs: Any) -> None:  # noqa: F811
    """Stripe has made it, told us a 500 for ever, and our key is old: it is found and booked, not paid again."""
    sandbox.confirm(bought["intent"])
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    deaf()
    match = {"method": "POST", "path_prefix": "/v1/refunds"}
    sandbox.helper("/sandbox/faults", {"fault": "error_after_success", "times": 2, "match": match})
    cancellation.cancel(bought["buyer"], uuid.UUID(bought["orders"][0]["id"]))
    with pytest.raises(Exception, match="HTTP 500"):
        run_jobs("shop.pay_refund")
    with transaction() as session:
        session.execute(update(Refund).values(status="failed"))
    assert reconcile.run()["refunds_repaired"] == 1
    assert state.refunds() == [(fen(bought["total"]), "paid")]
    assert state.books_balance()


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_from_its_opening_to_its_end(
    bought: Any,  # noqa: F811
    sandbox: Any,  # noqa: F811
    run_jobs: Any,
    outcome: str,
) -> None:
    sandbox.confirm(bought["intent"], card=DISPUTED)
    until(lambda: opened("open"), run_jobs)
    row = row_of()
    assert (row.amount_fen, row.booked_fen, row.reserved_fen) == (fen(bought["total"]),) * 3
    assert row.evidence_due_at is not None
    cancellation.cancel(bought["buyer"], uuid.UUID(bought["orders"][0]["id"]))
    run_jobs("shop.")
    assert state.refunds() == [(fen(bought["total"]), "waiting")]
    sandbox.helper(f"/sandbox/disputes/{row.id}/close", {"outcome": outcome})
    until(lambda: state.statuses(bought) == ["refunded"], run_jobs)
    assert row_of().state == outcome
    assert state.refunds() == [(fen(bought["total"]), "paid" if outcome == "won" else "covered")]
    for account in ("stripe_cash", "dispute_clearing", "refund_payable", "merchant_payable", "platform_dispute_loss"):
        assert state.balance(account) == 0, account
    assert state.books_balance()


def test_an_inquiry_that_becomes_a_dispute(bought: Any, sandbox: Any, run_jobs: Any) -> None:  # noqa: F811
    sandbox.confirm(bought["intent"])
    until(lambda: state.statuses(bought) == ["declared"], run_jobs)
    asked = sandbox.helper("/sandbox/disputes", {"payment_intent": bought["intent"], "inquiry": True})
    until(lambda: opened("inquiry"), run_jobs)
    assert state.balance("dispute_clearing") == 0
    sandbox.helper(f"/sandbox/disputes/{asked['id']}/escalate", {})
    until(lambda: opened("open"), run_jobs)
    assert state.balance("dispute_clearing") == fen(bought["total"])
    deaf()
    sandbox.helper(f"/sandbox/disputes/{asked['id']}/close", {"outcome": "won"})
    assert reconcile.run()["disputes_won"] == 1
    assert state.balance("dispute_clearing") == 0
    assert state.books_balance()


@pytest.fixture
def held(sandbox: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:  # noqa: F811
    """Two crabs by card, authorised."""
    weight = {"net_weight_kg": Decimal("0.5"), "gross_weight_kg": Decimal("0.6")}
    crab = builders.put_listing(shelf, price_fen=10000, statutory={"unit1_quantity": "0.5"}, **weight, **CRAB)
    buyer = builders.buyer()
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(crab, Decimal(2))], method="card")
    checkout.pay_for(purchase_id)
    answer = orders.purchase_of(buyer.id, purchase_id)
    intent = answer["payment"]["intent"]
    assert sandbox.confirm(intent)["status"] == "requires_capture"
    until(lambda: state.purchase_row(answer).authorised_at is not None, run_jobs)
    return {**answer, "intent": intent, "order": uuid.UUID(answer["orders"][0]["id"])}


def test_weighed_captured_and_the_rest_released(held: Any, sandbox: Any, shelf: Any, run_jobs: Any) -> None:  # noqa: F811
    match = {"method": "POST", "path_prefix": f"/v1/payment_intents/{held['intent']}/capture"}
    sandbox.helper("/sandbox/faults", {"fault": "http_500", "times": 2, "match": match})
    weighing.weigh(shelf.owner, held["order"], [{"line": 1, "weight_kg": Decimal("1.05"), "lot_id": None}])
    with pytest.raises(Exception, match="HTTP 500"):
        run_jobs("shop.capture")
    until(lambda: state.statuses(held) == ["declared"], run_jobs)
    row = state.purchase_row(held)
    assert fen(held["total"]) < row.captured_fen == row.total_fen < held["payment"]["amount"]
    made = sandbox.post(f"/v1/payment_intents/{held['intent']}")
    assert (made["amount_received"], made["amount_capturable"]) == (row.captured_fen, 0)
    assert state.balance("stripe_cash") == row.captured_fen
    reconcile.run()
    assert state.refunds() == []  # what was released is no refund
    assert state.books_balance()


def test_the_bank_ends_the_hold(held: Any, sandbox: Any, run_jobs: Any) -> None:  # noqa: F811
    sandbox.helper(f"/sandbox/intents/{held['intent']}/expire", {})

    def ended() -> bool:
        expiry.sweep_expired()
        expiry.expire(uuid.UUID(held["purchase"]))
        return state.statuses(held) == ["cancelled"]

    until(ended, run_jobs)
    assert (state.balance("stripe_cash"), state.allowance_sums()) == (0, (0, 0))
