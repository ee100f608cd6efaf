"""A coupon in the books: the platform bears it, cash comes back as it was paid, and the rest to coupon and person."""

from __future__ import annotations

import itertools
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.errors import Problem
from core.money import fen_text
from customs import filing_case, filing_documents
from customs.models import Declaration
from shop import cancellation, coupon_uses, expiry, filing, fulfilment, orders, payments, quotes, returns, shortages
from shop.models import Order, Refund
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.coupons import making
from tests.shop.test_payment import fen
from tests.shop.test_returns import ask, grant, receive


def bought(answer: dict[str, Any], number: int = 0) -> dict[str, Any]:
    order = answer["orders"][number]
    return {**answer, "order": uuid.UUID(order["id"]), "number": order["number"], "lines": order["lines"]}


@pytest.fixture
def made() -> dict[str, Any]:
    return making.make(amount=2000)


@pytest.fixture
def paid(shelf: Any, stripe: Any, made: Any) -> dict[str, Any]:
    """A retail order of two lines for 177.76, with 20 off."""
    crab, prawn = builders.put_listing(shelf, price_fen=3333), builders.put_listing(shelf, price_fen=7777)
    answer = making.buy(builders.buyer(), made["code"], (crab, "3"), (prawn, "1"))
    making.pay(stripe, answer)
    return bought(answer)


def test_the_merchant_is_owed_the_goods_in_full(paid: Any) -> None:
    order = paid["orders"][0]
    assert order["discount"] == "20.00"
    assert state.balance("platform_promotion") == 2000
    assert state.balance("merchant_payable") == -fen(order["goods"])
    assert state.balance("stripe_cash") == fen(order["total"])
    assert state.books_balance()


def test_the_message_to_customs_adds_up(paid: Any, run_jobs: Any) -> None:
    """acturalPaid = goods + freight + insurance + tax - discount; the price is the price (rule A13)."""
    run_jobs("shop.file")
    session = state.fresh()
    declaration = session.scalars(select(Declaration).where(Declaration.order_number == paid["number"])).one()
    case = filing_case.read_case(session, declaration.id)
    assert case is not None
    assert filing_documents.faults(case, clock.now()) == []
    content = filing_documents.contents(case, clock.now())
    order, told = paid["orders"][0], content["311"]
    assert Decimal(str(told["goodsValue"])) == Decimal(order["goods"])
    assert Decimal(str(told["discount"])) == Decimal("20")
    sums = [Decimal(str(told[name])) for name in ("goodsValue", "freight", "taxTotal", "discount", "acturalPaid")]
    assert sums[0] + sums[1] + sums[2] - sums[3] == sums[4] == Decimal(order["total"])
    assert Decimal(str(content["411"]["amountPaid"])) == sums[4]


@pytest.mark.parametrize("ordered", [*itertools.permutations(((1, "1"), (1, "2"), (2, "1")))])
def test_by_returns_in_any_order_all_cash_and_all_of_the_coupon_come_back(
    paid: Any, made: Any, shelf: Any, stripe: Any, run_jobs: Any, ordered: Any
) -> None:
    run_jobs("shop.file")
    release(paid)
    told = []
    for pair in ordered:
        back = ask(paid, pair)
        grant(paid, back)
        told.append(receive(paid, back, shelf))
    run_jobs("shop.pay_refund")
    order = paid["orders"][0]
    assert sum(fen(each["discount"]) for each in told) == 2000
    assert stripe.refunded() == fen(order["goods"]) - 2000 + fen(order["tax"])
    assert state.balance("platform_promotion") == state.balance("merchant_payable") == 0
    assert making.taken(made) == (0, 0)
    assert making.holder(made, person_of(paid)) == (0, 0)
    assert state.books_balance()


def release(paid: Any) -> None:
    from tests.shop.paying import release as let_in

    let_in(paid)


def person_of(answer: Any) -> uuid.UUID:
    found = state.fresh().scalar(select(Order.person_id).where(Order.purchase_id == uuid.UUID(answer["purchase"])))
    assert found is not None
    return found


def test_a_part_returned_is_credit_up_to_that_amount(
    paid: Any, made: Any, shelf: Any, stripe: Any, run_jobs: Any
) -> None:
    run_jobs("shop.file")
    release(paid)
    back = ask(paid, (2, "1"))
    grant(paid, back)
    share = fen(receive(paid, back, shelf)["discount"])
    assert share == fen(paid["lines"][1]["discount"]) == 875  # 20.00 x 77.77 / 177.76
    person = person_of(paid)
    assert (making.taken(made), making.holder(made, person)) == ((1, 2000 - share), (1, share))
    crab = builders.put_listing(shelf, price_fen=10000)
    second = making.buy(paid["buyer"], made["code"], (crab, "1"))
    assert second["orders"][0]["discount"] == fen_text(share)
    assert (making.taken(made), making.holder(made, person)) == ((1, 2000), (1, 0))
    with pytest.raises(Problem) as refusal:
        making.buy(paid["buyer"], made["code"], (crab, "1"))
    assert refusal.value.code == "coupon_used"
    # The credit was spent, so the rest of the first purchase is credit too and no whole use.
    again = ask(paid, (1, "3"))
    grant(paid, again)
    receive(paid, again, shelf)
    assert (making.taken(made), making.holder(made, person)) == ((1, share), (1, 2000 - share))
    cancellation.cancel(second["buyer"], uuid.UUID(second["orders"][0]["id"]))
    assert (making.taken(made), making.holder(made, person)) == ((1, 0), (1, 2000))
    assert state.books_balance()


def test_cancelled_unpaid_lapsed_and_refunded_give_the_use_back(
    shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any, made: Any
) -> None:
    crab, buyer = builders.put_listing(shelf), builders.buyer()
    first = bought(making.buy(buyer, made["code"], (crab, "1")))
    assert making.taken(made) == (1, 2000)
    cancellation.cancel(buyer, first["order"])
    cancellation.cancel(buyer, first["order"])
    assert making.taken(made) == (0, 0)
    second = bought(making.buy(buyer, made["code"], (crab, "1")))
    making.pay(stripe, second)
    cancellation.cancel(buyer, second["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(second["total"])
    assert (making.taken(made), state.balance("platform_promotion")) == ((0, 0), 0)
    third = making.buy(buyer, made["code"], (crab, "1"))
    move_clock(3600)
    expiry.expire(uuid.UUID(third["purchase"]))
    expiry.expire(uuid.UUID(third["purchase"]))
    assert making.taken(made) == (0, 0)
    assert state.books_balance()


def test_a_late_payment_that_goes_back_leaves_the_coupon_free(
    shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any, made: Any
) -> None:
    """Stripe was away at expiry; the payment came when the goods were gone."""
    crab, buyer = builders.put_listing(shelf, stock="1"), builders.buyer()
    answer = making.buy(buyer, made["code"], (crab, "1"))
    stripe.pay(answer["payment"]["intent"])
    stripe.down = True
    move_clock(3600)
    expiry.expire(uuid.UUID(answer["purchase"]))
    assert making.taken(made) == (1, 2000)  # it may still be paid, at this price
    stripe.down = False
    making.buy(builders.buyer(), None, (crab, "1"))  # the goods were freed, and are gone
    payments.look(uuid.UUID(answer["purchase"]))
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(answer["total"])
    assert making.taken(made) == (0, 0)
    assert state.books_balance()


def test_an_order_that_the_coupon_paid_goes_back_without_cash(shelf: Any, stripe: Any, run_jobs: Any) -> None:
    """All of the goods were the platform's: what is left is the freight, which was spent."""
    beef = builders.put_listing(shelf, price_fen=1000, route="general_trade", hs="0202300090")
    made, buyer = making.make(amount=5000), builders.buyer()
    answer = bought(making.buy(buyer, made["code"], (beef, "2")))
    assert answer["orders"][0]["discount"] == "20.00"
    making.pay(stripe, answer)
    fulfilment.ship(shelf.owner, answer["order"], clock.now())
    for _ in range(2):
        receive(answer, ask(answer, (1, "1")), shelf)
    run_jobs("shop.pay_refund")
    rows = state.fresh().scalars(select(Refund).order_by(Refund.id)).all()
    assert [(row.amount_fen, row.status) for row in rows] == [(0, "covered")] * 2
    assert stripe.refunded() == state.balance("merchant_payable") == state.balance("platform_promotion") == 0
    assert making.taken(made) == (0, 0)
    assert state.statuses(answer) == ["returned"]
    assert state.books_balance()


def test_short_supply_gives_back_cash_and_coupon(shelf: Any, stripe: Any, run_jobs: Any, made: Any) -> None:
    beef = builders.put_listing(shelf, price_fen=3333, route="general_trade", hs="0202300090")
    answer = bought(making.buy(builders.buyer(), made["code"], (beef, "3")))
    making.pay(stripe, answer)
    asked = [{"line": 1, "quantity": Decimal(1)}]
    for _ in range(3):
        shortages.report(shelf.owner, answer["order"], asked, "damaged", uuid.uuid4())
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(answer["total"])
    assert making.taken(made) == (0, 0)
    assert state.statuses(answer) == ["refunded"]
    assert state.books_balance()


def test_of_two_orders_one_is_cancelled(shelf: Any, stripe: Any, run_jobs: Any, made: Any) -> None:
    crab = builders.put_listing(shelf, price_fen=10000)
    beef = builders.put_listing(shelf, price_fen=10000, route="general_trade", hs="0202300090")
    answer = making.buy(builders.buyer(), made["code"], (crab, "1"), (beef, "1"))
    making.pay(stripe, answer)
    cancellation.cancel(answer["buyer"], bought(answer, 1)["order"])
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(answer["orders"][1]["total"])
    assert (making.taken(made), state.balance("platform_promotion")) == ((1, 1000), 1000)
    assert making.use(answer).restored_fen == 1000
    assert state.books_balance()


def test_what_an_account_used_before_it_had_an_identity_counts(shelf: Any, stripe: Any, made: Any) -> None:
    from customs import persons

    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090")
    buyer = builders.buyer(with_identity=False)
    making.buy(buyer, made["code"], (beef, "1"))
    persons.set_identity(buyer.id, "王芳", builders.identity_number(901), "13900000000")
    quote = quotes.quote([Item(beef, Decimal(1))], buyer.id, None, made["code"])
    assert [row["code"] for row in quote["blocked"]] == ["coupon_used"]
    with pytest.raises(Problem) as refusal:
        making.buy(buyer, made["code"], (beef, "1"))
    assert refusal.value.code == "coupon_used"


def test_never_more_is_restored_than_was_taken(shelf: Any, stripe: Any, made: Any) -> None:
    from sqlalchemy.exc import NoResultFound

    from core.database import transaction

    answer = making.buy(builders.buyer(), made["code"], (builders.put_listing(shelf), "1"))
    with pytest.raises(NoResultFound), transaction() as session:
        coupon_uses.restore(session, uuid.UUID(answer["purchase"]), 2001)
    assert making.taken(made) == (1, 2000)


def test_the_order_shows_its_discount(paid: Any) -> None:
    told = orders.one(paid["buyer"], paid["order"])
    assert (told["discount"], [line["discount"] for line in told["lines"]]) == ("20.00", ["11.25", "8.75"])
    assert filing.request_of(state.fresh(), state.fresh().get_one(Order, paid["order"])).discount_fen == 2000
    assert returns.page_of(paid["buyer"], 10, None)["items"] == []


@pytest.mark.parametrize(("count", "amount", "missing"), [(2, 2000, 1), (3, 3000, 2), (3, 2999, 1)])
def test_what_a_coupon_paid_for_and_was_not_supplied_is_not_given_back_twice(
    shelf: Any, stripe: Any, run_jobs: Any, count: int, amount: int, missing: int
) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="10", price_fen=1000)
    made = making.make(code="FREE", amount=amount)
    buyer = builders.buyer()
    answer = making.buy(buyer, "FREE", (beef, str(count)))
    making.pay(stripe, answer)
    order = uuid.UUID(answer["orders"][0]["id"])
    for _ in range(missing):
        shortages.report(shelf.owner, order, [{"line": 1, "quantity": Decimal(1)}], "broken", uuid.uuid4())
    cancellation.cancel(buyer, order)
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == int(Decimal(answer["total"]) * 100)
    assert state.statuses(answer) == ["refunded"]
    assert making.taken(made) == (0, 0)
    for account in ("merchant_payable", "logistics_payable", "platform_promotion"):
        assert state.balance(account) == 0
