"""What happens to an order is told to its buyer and its merchant, once, and only when it is committed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import new_id, transaction
from shop import cancellation, filing, fulfilment, notify, payments, refunds, returns, review
from shop.models import Order
from shop.notification_models import Notice
from tests.catalog.statements import counted
from tests.shop import builders, paying, state
from tests.shop.builders import FakeStripe, Shelf

Place = Callable[..., dict[str, Any]]


def told(reader: str) -> list[tuple[str, dict[str, Any]]]:
    column = Notice.account_id if reader == "person" else Notice.merchant_id
    rows = state.fresh().scalars(select(Notice).where(column.is_not(None)).order_by(Notice.at, Notice.id))
    return [(row.kind, row.facts) for row in rows if not row.kind.startswith("allowance_")]


def kinds_told(reader: str) -> list[str]:
    return [kind for kind, _ in told(reader)]


def order_of(purchase: dict[str, Any]) -> Order:
    return state.fresh().scalars(select(Order).where(Order.number == purchase["orders"][0]["number"])).one()


def pay(stripe: FakeStripe, purchase: dict[str, Any], **how: Any) -> None:
    stripe.pay(purchase["payment"]["intent"], **how)
    payments.look(state.purchase_row(purchase).id)


@pytest.fixture
def domestic(shelf: Shelf) -> Any:
    return builders.put_listing(shelf, route="general_trade", warehouse=shelf.store)


def test_paid_sent_and_returned(place: Place, stripe: FakeStripe, shelf: Shelf, domestic: Any) -> None:
    person = builders.buyer()
    purchase = place(person, (domestic, "2"))
    pay(stripe, purchase)
    pay_again = state.purchase_row(purchase).id
    payments.look(pay_again)
    order = order_of(purchase)
    facts = {"order": str(order.id), "number": order.number, "total": purchase["total"]}
    assert told("person") == told("merchant") == [("order_paid", facts)]
    fulfilment.ship(shelf.owner, order.id, clock.now())
    line = [{"line": 1, "quantity": Decimal(1)}]
    asked = returns.request_return(person, order.id, line, "too big", new_id())
    assert kinds_told("person")[1:] == kinds_told("merchant")[1:] == ["order_shipped", "return_granted"]
    assert told("merchant")[1][1]["waybill"] == state.fresh().get_one(Order, order.id).waybill_no
    assert asked["status"] == "accepted"


def test_an_unpaid_order_is_no_news_to_its_merchant(place: Place, domestic: Any) -> None:
    person = builders.buyer()
    purchase = place(person, (domestic, "1"))
    cancellation.cancel(person, order_of(purchase).id)
    assert (kinds_told("person"), kinds_told("merchant")) == (["order_cancelled"], [])


def test_cancelled_and_paid_back(
    place: Place, stripe: FakeStripe, domestic: Any, run_jobs: Callable[..., None]
) -> None:
    person = builders.buyer()
    purchase = place(person, (domestic, "1"))
    pay(stripe, purchase)
    cancellation.cancel(person, order_of(purchase).id)
    run_jobs("shop.pay_refund")
    refunds.chase_refunds()
    assert kinds_told("person") == kinds_told("merchant") == ["order_paid", "order_cancelled", "refund_paid"]
    assert told("person")[-1][1]["amount"] == purchase["total"]


def test_a_payment_that_comes_too_late_is_told(
    place: Place, stripe: FakeStripe, domestic: Any, run_jobs: Callable[..., None]
) -> None:
    person = builders.buyer()
    purchase = place(person, (domestic, "1"))
    cancellation.cancel(person, order_of(purchase).id)
    pay(stripe, purchase)
    assert kinds_told("person") == ["order_cancelled", "late_payment_refunded"]
    assert told("person")[-1][1]["amount"] == purchase["total"]
    assert kinds_told("merchant") == []


def test_a_merchant_hears_of_an_order_under_review_when_it_stands(
    place: Place, stripe: FakeStripe, shelf: Shelf
) -> None:
    purchase = place(builders.buyer(), (builders.put_listing(shelf), "1"))
    pay(stripe, purchase, payer="somebody else")
    assert (kinds_told("person"), kinds_told("merchant")) == (["order_paid"], [])
    review.decide(builders.open_account("operator"), order_of(purchase).id, "accept", "known to us")
    assert (kinds_told("person"), kinds_told("merchant")) == (["order_paid"], ["order_paid"])


def test_what_is_rolled_back_is_not_told(context: None) -> None:
    person = builders.open_account("consumer")
    with pytest.raises(ZeroDivisionError), transaction() as session:
        notify.person(session, person.id, "late_payment_refunded", amount="1.00")
        raise ZeroDivisionError
    assert told("person") == []


@pytest.mark.parametrize(
    ("kind", "facts", "fault"),
    [("order_payed", {}, "no person.order_payed"), ("refund_paid", {"amount": "1.00"}, "needs number, order")],
)
def test_a_notice_without_words_is_a_fault_of_the_program(context: None, kind: str, facts: Any, fault: str) -> None:
    with pytest.raises(LookupError, match=fault), transaction() as session:
        notify.person(session, new_id(), kind, **facts)


def test_telling_both_sides_is_one_statement(place: Place, domestic: Any) -> None:
    order = order_of(place(builders.buyer(), (domestic, "1")))
    with transaction() as session:
        order = session.get_one(Order, order.id)
        with counted() as statements:
            notify.both(session, order, "order_paid", total="1.00")
        assert len(statements) == 1
    assert kinds_told("person") == kinds_told("merchant") == ["order_paid"]


@pytest.mark.parametrize("word", ["return_refused", "returned"])
def test_what_customs_says_is_told(
    place: Place, stripe: FakeStripe, shelf: Shelf, run_jobs: Callable[..., None], word: str
) -> None:
    sold = paying.sent_order(place, stripe, shelf, run_jobs)
    line = [{"line": 1, "quantity": Decimal(1)}]
    asked = returns.request_return(sold["buyer"], sold["order"], line, "too big", new_id())
    with transaction() as session:
        filing.on_declaration(session, sold["number"], word, {"number": asked["number"], "lines": [[1, "1"]]})
    last = "return_granted" if word == "returned" else word
    expected = ["order_paid", "order_released", "order_shipped", last]
    assert kinds_told("person") == kinds_told("merchant") == expected
