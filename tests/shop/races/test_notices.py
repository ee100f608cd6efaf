"""Notices of Stripe in any number and any order, and before the answer they are about (F18 to F20)."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from shop import checkout, orders, settlement, webhooks
from shop.models import Incident, LedgerPosting, OrderEvent, Payment, StripeEvent
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.conftest import sign, webhook_body

Audit = Callable[..., list[str]]
KINDS = ("created", "processing", "payment_failed", "succeeded", "refunded")


def counted(model: Any, *conditions: Any) -> int:
    return int(state.fresh().scalar(select(func.count()).select_from(model).where(*conditions)) or 0)


@pytest.fixture
def beef(shelf: Any) -> uuid.UUID:
    return builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="1000")


@pytest.fixture
def bought(place: Any, beef: uuid.UUID) -> dict[str, Any]:
    answer = place(builders.buyer(with_identity=False), (beef, "1"))
    return {**answer, "intent": answer["payment"]["intent"]}


@pytest.mark.parametrize("different", [1, 50])
def test_fifty_notices_taken_and_applied_at_once(
    bought: Any, stripe: Any, door: Any, at_once: Any, run_jobs: Any, audit: Audit, different: int
) -> None:
    """The same one fifty times, or fifty about the same: one payment, one posting, one step of the order."""
    stripe.pay(bought["intent"])

    def tell(number: int) -> int:
        raw = webhook_body(bought["intent"], event_id=f"evt_{number % different}")
        header = {"Stripe-Signature": sign(raw)}
        return int(door().post("/api/v1/shop/stripe/webhook", data=raw, headers=header).status_code)

    assert set(at_once([lambda n=number: tell(n) for number in range(50)], threads=16)) == {200}
    assert counted(StripeEvent) == different
    at_once([lambda n=number: webhooks.apply_event(f"evt_{n % different}") for number in range(50)])
    run_jobs("shop.apply")
    assert state.statuses(bought) == ["paid"]
    assert counted(LedgerPosting) == 1
    assert counted(OrderEvent, OrderEvent.event == "paid") == 1
    assert audit() == []


class Course:
    """A payment that is made, works, fails, succeeds and is paid back at Stripe's dashboard, step by step."""

    def __init__(self, stripe: Any, intent: str) -> None:
        self.stripe, self.intent, self.reached = stripe, intent, 0

    def reach(self, stage: int) -> None:
        """Stripe's object is never behind what a notice tells of it."""
        if self.reached < KINDS.index("succeeded") <= stage:
            self.stripe.pay(self.intent)
        if self.reached < KINDS.index("refunded") <= stage:
            self.stripe.refund_elsewhere(self.intent, 100)
        self.reached = max(self.reached, stage)

    def tell(self, notify: Any, kind: str) -> None:
        if kind != "refunded":
            notify(self.intent, f"payment_intent.{kind}")
        else:
            made = next(each for each in self.stripe.refunds.values() if each.intent_id == self.intent)
            notify(made.id, "refund.created")


@pytest.mark.parametrize(
    "ahead", [pytest.param(True, marks=pytest.mark.soak), False], ids=["all has happened", "as it happens"]
)
def test_every_order_of_the_five_notices_ends_as_the_object_is(
    beef: uuid.UUID, stripe: Any, place: Any, notify: Any, run_jobs: Any, audit: Audit, ahead: bool
) -> None:
    """All 120, each on a purchase of its own: paid once, the dashboard's refund known once."""
    buyer = builders.buyer(with_identity=False)
    ends = set()
    for order in itertools.permutations(range(len(KINDS))):
        answer = place(buyer, (beef, "1"))
        course = Course(stripe, answer["payment"]["intent"])
        if ahead:
            course.reach(len(KINDS) - 1)
        for stage in order:
            course.reach(stage)
            course.tell(notify, KINDS[stage])
            run_jobs("shop.apply")
        row = state.purchase_row(answer)
        ends.add((*state.statuses(answer), row.status, row.captured_fen - row.total_fen, row.refunded_fen))
    assert ends == {("paid", "paid", 0, 100)}
    assert counted(LedgerPosting, LedgerPosting.kind == "capture") == 120
    assert audit() == []


@pytest.mark.parametrize("waits", [True, False], ids=["the answer waits", "both at once"])
def test_a_notice_is_faster_than_the_answer_it_is_about(
    app: Any, beef: uuid.UUID, stripe: Any, notify: Any, run_jobs: Any, audit: Audit, waits: bool
) -> None:
    """Paid and told before our call to create the intent has returned: paid once, nothing compensated."""
    create, told = stripe.create_intent, []

    def create_and_be_paid(*args: Any, **facts: Any) -> Any:
        made = create(*args, **facts)
        stripe.pay(made.id)

        def elsewhere() -> None:
            with app.app_context():
                raw = webhook_body(made.id)
                webhooks.receive(raw, sign(raw))
                webhooks._intent(made.id)

        told.append(threading.Thread(target=elsewhere))
        told[-1].start()
        if waits:
            told[-1].join()
        return made

    stripe.create_intent = create_and_be_paid
    buyer = builders.buyer(with_identity=False)
    for _ in range(5):
        purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(beef, Decimal(1))])
        checkout.pay_for(purchase_id)
        told[-1].join()
        run_jobs("shop.")
        answer = orders.purchase_of(buyer.id, purchase_id)
        assert [order["status"] for order in answer["orders"]] == ["paid"]
        assert answer["payment"]["intent"] in stripe.intents
    assert len(stripe.intents) == counted(Payment, Payment.closed_at.is_not(None)) == 5
    assert stripe.refunds == {}
    assert counted(Incident) == 0
    assert audit() == []


def test_the_answer_arrives_while_the_notice_looks_for_its_payment(
    app: Any, beef: uuid.UUID, stripe: Any, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the search by the intent's id and the search by the purchase: it is ours all the same."""
    buyer = builders.buyer(with_identity=False)
    purchase_id = checkout.place(buyer.id, uuid.uuid4(), items=[Item(beef, Decimal(1))])
    (payment,) = state.fresh().scalars(select(Payment).where(Payment.purchase_id == purchase_id))
    metadata = {"purchase": str(purchase_id)}
    made = stripe.create_intent(payment.amount_fen, payment.currency, str(payment.id), metadata, "", ("card",))
    stripe.pay(made.id)
    arrived: list[threading.Thread] = []

    execute = psycopg.Cursor.execute

    def arrive(cursor: Any, *arguments: Any, **options: Any) -> Any:
        done = execute(cursor, *arguments, **options)
        if not arrived:
            arrived.append(threading.Thread(target=answer))
            arrived[0].start()
            arrived[0].join()
        return done

    def answer() -> None:
        with app.app_context():
            checkout.pay_for(purchase_id)

    monkeypatch.setattr(psycopg.Cursor, "execute", arrive)
    assert settlement.apply(stripe.intents[made.id]) == "paid"
    assert arrived
    assert counted(Incident) == 0
    assert audit() == []
