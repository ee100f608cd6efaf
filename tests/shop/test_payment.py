"""Payment: applied once, only when it is ours, however late, often or in whatever order we are told."""

from __future__ import annotations

import itertools
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from catalog.models import Lot
from core.database import transaction
from shop import expiry, payments, settlement, webhooks
from shop.models import Incident, LedgerEntry, LedgerPosting, Order, OrderEvent, PaymentExchange, StripeEvent
from tests.shop import builders, state
from tests.shop.conftest import sign, webhook_body

DAY = 86400


def fen(amount: str) -> int:
    return int(Decimal(amount) * 100)


@pytest.fixture
def placed(place: Any, shelf: Any) -> dict[str, Any]:
    crab = builders.put_listing(shelf, price_fen=10000, stock="5")
    beef = builders.put_listing(shelf, price_fen=5000, route="general_trade", hs="0202300090")
    answer = place(builders.buyer(), (crab, "2"), (beef, "1"))
    return {**answer, "intent": answer["payment"]["intent"], "crab": crab}


def test_a_paid_intent_pays_each_order_once(placed: Any, stripe: Any, notify: Any, run_jobs: Any) -> None:
    stripe.pay(placed["intent"])
    assert notify(placed["intent"]).status_code == 200
    run_jobs("shop.apply")
    assert state.statuses(placed) == ["paid", "paid"]
    retail, domestic = placed["orders"]
    assert state.balance("stripe_cash") == fen(placed["total"])
    assert state.balance("customs_tax_payable") == -fen(retail["tax"])
    assert state.balance("merchant_payable") == -fen(retail["goods"]) - fen(domestic["goods"])
    assert state.balance("logistics_payable") == -fen(retail["freight"]) - fen(domestic["freight"])
    assert state.allowance_sums() == (0, fen(retail["dutiable_value"]))
    assert state.books_balance()
    rows = state.fresh().execute(select(Order.waybill_no, Order.payment_no)).all()
    assert len({row.waybill_no for row in rows} | {row.payment_no for row in rows}) == 4


def test_fifty_notices_at_once_have_one_effect(
    app: Any, placed: Any, stripe: Any, run_jobs: Any, together: Any
) -> None:
    stripe.pay(placed["intent"])
    gate = Barrier(10)

    def tell(number: int) -> int:
        gate.wait()
        raw = webhook_body(placed["intent"], event_id=f"evt_{number % 5}")
        answer = app.test_client().post(
            "/api/v1/shop/stripe/webhook", data=raw, headers={"Stripe-Signature": sign(raw)}
        )
        return answer.status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(tell, range(50))) == {200}
    assert state.fresh().scalar(select(func.count(StripeEvent.id))) == 5

    assert together([lambda: payments.look(uuid.UUID(placed["purchase"]))] * 10) == {"done": 10}
    run_jobs("shop.apply")
    assert state.statuses(placed) == ["paid", "paid"]
    assert state.fresh().scalar(select(func.count(LedgerPosting.id))) == 1
    assert state.purchase_row(placed).captured_fen == fen(placed["total"])
    paid = select(func.count(OrderEvent.id)).where(OrderEvent.event == "paid")
    assert state.fresh().scalar(paid) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_of_somebody_else"},
        {"header": "t=1,v1=00"},
        {"header": ""},
        {"at": 1},
        {"at": 4_000_000_000},
        {"secret": ""},
    ],
)
def test_a_forged_or_replayed_notice_writes_nothing(placed: Any, stripe: Any, notify: Any, wrong: Any) -> None:
    stripe.pay(placed["intent"])
    answer = notify(placed["intent"], **wrong)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_webhook")
    assert state.fresh().scalar(select(func.count(StripeEvent.id))) == 0
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff\xfe", b'{"id": NaN}', b"x" * (600 * 1024)])
def test_a_signed_body_that_is_no_event_is_refused(client: Any, context: None, raw: bytes) -> None:
    answer = client.post("/api/v1/shop/stripe/webhook", data=raw, headers={"Stripe-Signature": sign(raw)})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_webhook")
    assert state.fresh().scalar(select(func.count(StripeEvent.id))) == 0


def test_a_notice_about_another_account_is_not_applied(placed: Any, stripe: Any, client: Any, run_jobs: Any) -> None:
    stripe.pay(placed["intent"])
    body = {**json.loads(webhook_body(placed["intent"])), "account": "acct_other"}
    raw = json.dumps(body).encode()
    assert (
        client.post("/api/v1/shop/stripe/webhook", data=raw, headers={"Stripe-Signature": sign(raw)}).status_code == 200
    )
    run_jobs("shop.apply")
    assert state.statuses(placed)[0] == "awaiting_payment"
    assert state.fresh().scalars(select(Incident.kind)).all() == ["foreign_account"]


@pytest.mark.parametrize(
    "changed",
    [{"received_fen": 1}, {"currency": "usd"}, {"metadata": {"purchase": str(uuid.UUID(int=1))}}, {"metadata": {}}],
)
def test_what_differs_from_our_record_is_not_paid(
    placed: Any, stripe: Any, notify: Any, run_jobs: Any, changed: Any
) -> None:
    stripe.pay(placed["intent"], **changed)
    notify(placed["intent"])
    run_jobs("shop.apply")
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]
    assert state.purchase_row(placed).captured_fen == 0
    assert state.fresh().scalars(select(Incident.kind)).all() == ["payment_mismatch"]


def test_every_order_of_events_ends_as_the_intent_is(placed: Any, stripe: Any, notify: Any, run_jobs: Any) -> None:
    """The event's type is not believed: the intent is fetched (F19)."""
    kinds = ("processing", "payment_failed", "amount_capturable_updated", "canceled")
    for kind in itertools.chain.from_iterable(itertools.permutations(kinds, 2)):
        notify(placed["intent"], f"payment_intent.{kind}")
        run_jobs("shop.apply")
        assert state.statuses(placed)[0] == "awaiting_payment"
    stripe.pay(placed["intent"])
    notify(placed["intent"], "payment_intent.payment_failed")
    run_jobs("shop.apply")
    assert state.statuses(placed) == ["paid", "paid"]


def test_a_notice_that_comes_before_the_call_returns(placed: Any, stripe: Any, run_jobs: Any) -> None:
    """The answer that named the intent is not stored yet: the purchase in its metadata says whose it is (F20)."""
    from shop.models import Payment

    with transaction() as session:
        session.scalars(select(Payment)).one().intent_id = None
    stripe.pay(placed["intent"])
    settlement.apply(stripe.retrieve_intent(placed["intent"]))
    assert state.statuses(placed) == ["paid", "paid"]


def test_lost_webhooks_are_found_by_looking(placed: Any, stripe: Any, move_clock: Any) -> None:
    stripe.pay(placed["intent"])
    expiry.reconcile()
    assert state.statuses(placed)[0] == "awaiting_payment"  # too young to worry about
    move_clock(30)
    expiry.reconcile()
    assert state.statuses(placed) == ["paid", "paid"]


def test_a_payer_who_is_not_the_buyer_waits_for_a_person(placed: Any, stripe: Any, run_jobs: Any, shelf: Any) -> None:
    from shop import review

    stripe.pay(placed["intent"], payer="Jenny Rosen")
    payments.look(uuid.UUID(placed["purchase"]))
    assert state.statuses(placed) == ["payment_review", "paid"]
    operator = builders.open_account("operator")
    review.decide(operator, uuid.UUID(placed["orders"][0]["id"]), "refuse", "not the buyer")
    run_jobs("shop.pay")
    assert state.statuses(placed) == ["refunded", "paid"]
    assert stripe.refunded() == fen(placed["orders"][0]["total"])


def test_full_width_and_spaces_do_not_make_another_payer(place: Any, shelf: Any, stripe: Any) -> None:
    answer = place(builders.buyer(name="Wang Fang"), (builders.put_listing(shelf), "1"))
    stripe.pay(answer["payment"]["intent"], payer="ＷＡＮＧ  fang")
    payments.look(uuid.UUID(answer["purchase"]))
    assert state.statuses(answer) == ["paid"]


def test_expiry_frees_goods_and_allowance_and_ends_the_intent(placed: Any, stripe: Any, move_clock: Any) -> None:
    move_clock(601)
    expiry.sweep_expired()
    expiry.expire(uuid.UUID(placed["purchase"]))
    assert state.statuses(placed) == ["cancelled", "cancelled"]
    assert state.stock(placed["crab"]) == (Decimal(5), Decimal(0))
    assert state.allowance_sums() == (0, 0)
    assert stripe.intents[placed["intent"]].status == "canceled"


def test_each_purchase_whose_time_is_over_gets_one_job(placed: Any, move_clock: Any, run_jobs: Any) -> None:
    expiry.queue_expired()
    run_jobs("shop.expire")
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]
    move_clock(601)
    expiry.queue_expired()
    expiry.queue_expired()
    waiting = text("SELECT args ->> 'purchase_id' FROM procrastinate_jobs WHERE task_name = 'shop.expire_overdue'")
    assert state.fresh().scalars(waiting).all() == [placed["purchase"]]
    run_jobs("shop.expire")
    assert state.statuses(placed) == ["cancelled", "cancelled"]
    assert state.stock(placed["crab"]) == (Decimal(5), Decimal(0))


def test_orders_that_waited_for_stripes_word_end_with_it(
    placed: Any, stripe: Any, move_clock: Any, run_jobs: Any
) -> None:
    """Stripe was away at expiry; later somebody looks and finds the intent cancelled."""
    move_clock(601)
    stripe.down = True
    expiry.expire(uuid.UUID(placed["purchase"]))
    stripe.down = False
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]
    stripe.cancel_intent(placed["intent"], "k")
    payments.look(uuid.UUID(placed["purchase"]))
    run_jobs("shop.expire")
    assert state.statuses(placed) == ["cancelled", "cancelled"]
    assert state.allowance_sums() == (0, 0)


def test_expiry_before_its_time_does_nothing(placed: Any) -> None:
    expiry.expire(uuid.UUID(placed["purchase"]))
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]


def test_a_payment_in_the_last_moment_is_found_by_the_expiry(placed: Any, stripe: Any, move_clock: Any) -> None:
    stripe.pay(placed["intent"])
    move_clock(601)
    expiry.expire(uuid.UUID(placed["purchase"]))
    assert state.statuses(placed) == ["paid", "paid"]
    assert state.stock(placed["crab"])[1] == 2


@pytest.mark.parametrize("taken", [False, True])
def test_a_late_payment_takes_the_goods_again_or_goes_back(
    placed: Any, stripe: Any, move_clock: Any, run_jobs: Any, place: Any, taken: bool
) -> None:
    """Stripe was away at expiry, the buyer had paid (F28)."""
    stripe.down = True
    move_clock(601)
    expiry.expire(uuid.UUID(placed["purchase"]))
    share = fen(placed["orders"][0]["dutiable_value"])
    assert state.stock(placed["crab"])[1] == 0
    assert state.statuses(placed) == ["awaiting_payment", "awaiting_payment"]
    assert state.allowance_sums() == (share, 0)
    stripe.down = False
    if taken:
        with transaction() as session:
            session.execute(update(Lot).values(blocked=True, block_kind="hold"))
    stripe.pay(placed["intent"])
    expiry.reconcile()
    run_jobs("shop.pay_refund")
    if taken:
        assert state.statuses(placed) == ["cancelled", "cancelled"]
        assert state.refunds() == [(fen(placed["total"]), "paid")]
        assert stripe.refunded() == fen(placed["total"])
        assert state.allowance_sums() == (0, 0)
    else:
        assert state.statuses(placed) == ["paid", "paid"]
        assert state.stock(placed["crab"])[1] == 2
        assert state.allowance_sums() == (0, share)
    assert state.books_balance()


def test_a_refund_that_stripe_answers_with_500_is_found_and_paid_once(placed: Any, stripe: Any, run_jobs: Any) -> None:
    """Stripe repeats a stored 500 for ever; what it did behind it is found by looking (F14)."""
    from shop import cancellation, refunds
    from shop.stripe_gateway import GatewayUnavailable
    from shop.stripe_http import Exchange

    stripe.pay(placed["intent"])
    payments.look(uuid.UUID(placed["purchase"]))
    real = stripe.refund

    def broken(*args: Any) -> Any:
        real(*args)
        raise GatewayUnavailable("500", Exchange("POST", "{}", 500))

    stripe.refund = broken
    order = placed["orders"][0]
    cancellation.cancel(builders.open_account("operator"), uuid.UUID(order["id"]))
    refund_id = state.fresh().scalars(select(refunds.Refund.id)).one()
    with pytest.raises(GatewayUnavailable):
        refunds.pay_refund(str(refund_id))
    refunds.pay_refund(str(refund_id))
    assert state.refunds() == [(fen(order["total"]), "paid")]
    assert stripe.refunded() == fen(order["total"])


def test_a_pending_refund_is_paid_when_stripe_says_so(placed: Any, stripe: Any, run_jobs: Any, notify: Any) -> None:
    from shop import cancellation

    stripe.pay(placed["intent"])
    payments.look(uuid.UUID(placed["purchase"]))
    stripe.refund_status = "pending"
    cancellation.cancel(builders.open_account("operator"), uuid.UUID(placed["orders"][0]["id"]))
    run_jobs("shop.pay_refund")
    assert state.statuses(placed)[0] == "refunding"
    made = next(iter(stripe.refunds))
    stripe.refunds[made] = replace(stripe.refunds[made], status="succeeded")
    notify(made, "refund.updated")
    run_jobs("shop.apply")
    assert state.statuses(placed)[0] == "refunded"
    assert len(stripe.refunds) == 1


def test_raw_requests_and_answers_are_kept(placed: Any, stripe: Any) -> None:
    stripe.pay(placed["intent"])
    payments.look(uuid.UUID(placed["purchase"]))
    kept = state.fresh().scalars(select(PaymentExchange.operation).order_by(PaymentExchange.id)).all()
    assert kept == ["create_intent", "retrieve_intent"]


def test_the_books_are_append_only_and_balanced_by_the_database(placed: Any, stripe: Any) -> None:
    from sqlalchemy import insert, text
    from sqlalchemy.exc import DBAPIError

    stripe.pay(placed["intent"])
    payments.look(uuid.UUID(placed["purchase"]))
    posting = state.fresh().scalars(select(LedgerPosting.id)).one()
    row = {"posting_id": posting, "account": "stripe_cash", "currency": "cny", "amount_fen": 1}
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(insert(LedgerEntry).values(row))
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE ledger_entry SET amount_fen = 1"))


def test_an_event_is_applied_once_and_a_failing_one_again(placed: Any, stripe: Any, notify: Any, run_jobs: Any) -> None:
    from shop.stripe_gateway import GatewayUnavailable

    stripe.pay(placed["intent"])
    notify(placed["intent"], event_id="evt_1")
    stripe.down = True
    with pytest.raises(GatewayUnavailable):
        webhooks.apply_event("evt_1")
    stripe.down = False
    webhooks.apply_event("evt_1")
    webhooks.apply_event("evt_1")
    assert state.statuses(placed) == ["paid", "paid"]
