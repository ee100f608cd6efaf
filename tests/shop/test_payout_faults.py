"""Twelve ways in which payouts have gone wrong elsewhere, unseen until somebody looked end to end (demands, A38)."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import transaction
from shop import disputes, fulfilment, payments, payout_returns, payouts, refunds, statements
from shop.models import Incident, Order
from shop.notification_models import Notice
from tests.shop import builders, paying, state
from tests.shop.paying import DAY

Run = Any


@pytest.fixture
def pay(run_jobs: Any) -> Run:
    """One run of the payouts with all that follows from it."""

    def run() -> None:
        payouts.run()
        for _ in range(2):
            run_jobs("shop.pay")
            run_jobs("shop.fetch_back")
        assert state.books_balance()

    return run


@pytest.fixture
def sell(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> Any:
    """Orders of the shelf's merchant, sent, by their price in fen."""
    paying.open_account(shelf)
    return lambda price: paying.sent_order(place, stripe, shelf, run_jobs, price_fen=price)


def give_back(sold: dict[str, Any], run_jobs: Any, **parts: int) -> None:
    with transaction() as session:
        order = session.get_one(Order, sold["order"])
        refunds.promise(session, order, {"goods": 0, "freight": 0, "tax": 0, **parts}, "test")
    run_jobs("shop.pay_refund")


def amounts() -> list[tuple[str, int]]:
    return [(row.status, row.amount_fen) for row in paying.payouts()]


def test_1_a_fully_refunded_order_is_not_paid(sell: Any, pay: Run, run_jobs: Any, move_clock: Any) -> None:
    sold = sell(10000)
    with transaction() as session:
        order = session.get_one(Order, sold["order"])
        parts = {"goods": order.goods_fen, "freight": order.freight_fen + order.insurance_fen, "tax": order.tax_fen}
    give_back(sold, run_jobs, **parts)
    move_clock(40 * DAY)
    pay()
    assert amounts() == []
    assert state.balance("platform_fee") == 0


def test_2_a_payout_the_bank_sends_back_is_owed_again(
    sell: Any, pay: Run, stripe: Any, shelf: Any, client: Any, run_jobs: Any, move_clock: Any
) -> None:
    """Days after it was shown as paid (F47)."""
    sell(10000)
    move_clock(31 * DAY)
    pay()
    assert amounts() == [("paid", 9900)]
    (bank_id,) = stripe.bank_payouts
    stripe.bank_says(bank_id, "failed")
    paying.tell_of(client, bank_id, "payout.failed", stripe.bank_payouts[bank_id][0])
    run_jobs("shop.apply_bank_event")
    run_jobs("shop.fetch_back")
    (row,) = paying.payouts()
    assert (row.status, row.reason, row.reversed_fen) == ("failed", "account_closed", 9900)
    assert stripe.received() == 0
    assert (state.balance("merchant_payable"), state.balance("platform_fee")) == (-10000, 0)
    told = state.fresh().scalars(select(Notice.kind).where(Notice.merchant_id == shelf.merchant_id)).all()
    assert told.count("payout_failed") == 1
    assert "payout_failed" in state.fresh().scalars(select(Incident.kind)).all()
    assert state.books_balance()


def test_3_an_order_sent_in_two_parcels_is_paid_and_charged_once(
    place: Any, stripe: Any, shelf: Any, pay: Run, move_clock: Any
) -> None:
    paying.open_account(shelf)
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", price_fen=10000)
    sold = paying.sell(place, stripe, builders.buyer(), (beef, "2"))
    one = [{"line": 1, "quantity": builders.Decimal(1)}]
    fulfilment.ship(shelf.owner, sold["order"], clock.now(), one)
    move_clock(20 * DAY)
    fulfilment.ship(shelf.owner, sold["order"], clock.now(), one)
    move_clock(40 * DAY)
    pay()
    assert amounts() == []  # the days count from the last parcel
    for days in (51, 60):
        move_clock(days * DAY)
        pay()
    assert amounts() == [("paid", 19800)]
    assert state.balance("platform_fee") == -200


def test_4_what_was_refunded_before_lowers_payout_and_fee(sell: Any, pay: Run, run_jobs: Any, move_clock: Any) -> None:
    sold = sell(10000)
    give_back(sold, run_jobs, goods=2550)
    move_clock(31 * DAY)
    pay()
    # one percent of 74.50 is 0.745, half-up
    assert amounts() == [("paid", 7450 - 75)]


def test_5_a_refund_after_the_payout_is_recovered_from_the_next_with_its_fee(
    sell: Any, pay: Run, run_jobs: Any, move_clock: Any
) -> None:
    first = sell(10000)
    move_clock(31 * DAY)
    pay()
    give_back(first, run_jobs, goods=5000)
    second = sell(20000)
    move_clock(63 * DAY)
    pay()
    pay()
    # 200 less its 2.00, and of the first order 50 come back while the platform gives back 0.50
    assert amounts() == [("paid", 9900), ("paid", 19800 - 4950)]
    assert state.balance("platform_fee") == -50 - 200
    assert state.balance("merchant_payable") == 0
    assert second["number"] != first["number"]


def test_6_a_debt_waits_for_what_covers_it_and_nothing_negative_is_sent(
    sell: Any, pay: Run, shelf: Any, run_jobs: Any, move_clock: Any
) -> None:
    first = sell(10000)
    move_clock(31 * DAY)
    pay()
    give_back(first, run_jobs, goods=10000)
    sell(3000)
    move_clock(63 * DAY)
    pay()
    assert amounts() == [("paid", 9900)]
    assert state.balance("merchant_payable") == 10000 - 3000
    sell(9000)
    move_clock(95 * DAY)
    pay()
    assert amounts()[1:] == [("paid", 2970 + 8910 - 9900)]
    assert (state.balance("merchant_payable"), state.balance("platform_fee")) == (0, -120)


def test_7_a_chargeback_after_the_payout_is_recovered(
    sell: Any, pay: Run, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    first = sell(10000)
    move_clock(31 * DAY)
    pay()
    disputes.look(stripe.dispute(first["payment"]["intent"], status="lost"))
    sell(30000)
    move_clock(63 * DAY)
    pay()
    assert amounts() == [("paid", 9900), ("paid", 29700 - 9900)]
    assert state.balance("merchant_payable") == 0


def test_8_nothing_is_paid_while_a_bank_disputes_it(sell: Any, pay: Run, stripe: Any, move_clock: Any) -> None:
    first = sell(10000)
    dispute = stripe.dispute(first["payment"]["intent"])
    disputes.look(dispute)
    move_clock(40 * DAY)
    pay()
    assert amounts() == []
    stripe.decide(dispute, "won")
    disputes.look(dispute)
    pay()
    assert amounts() == [("paid", 9900)]


def test_9_two_merchants_in_one_purchase_each_get_their_own_goods(
    place: Any, stripe: Any, shelf: Any, pay: Run, run_jobs: Any, move_clock: Any
) -> None:
    """And nobody gets the freight or the tax of it."""
    other = builders.open_shelf()
    mine, theirs = builders.put_listing(shelf, price_fen=10000), builders.put_listing(other, price_fen=20000)
    answer = place(builders.buyer(), (mine, "1"), (theirs, "1"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    run_jobs("shop.file")
    owners = {str(each.merchant_id): each for each in (shelf, other)}
    for order in answer["orders"]:
        sold = {"order": uuid.UUID(order["id"]), "number": order["number"]}
        paying.release(sold)
        paying.send(owners[order["merchant"]["id"]], sold)
    for each in owners.values():
        paying.open_account(each)
    move_clock(31 * DAY)
    pay()
    found = {str(row.merchant_id): row.amount_fen for row in paying.payouts()}
    assert found == {str(shelf.merchant_id): 9900, str(other.merchant_id): 19800}


def test_10_a_transfer_reversed_at_the_dashboard_is_booked_in_part_or_whole(
    sell: Any, pay: Run, stripe: Any, notify: Any, run_jobs: Any, move_clock: Any
) -> None:
    sell(10000)
    move_clock(31 * DAY)
    pay()
    (transfer,) = stripe.transfers
    for amount, left in ((900, 9000), (1000, 8000)):
        stripe.reverse_transfer(transfer, amount, f"by hand {amount}")
        for _ in range(2):
            notify(transfer, "transfer.reversed")
            run_jobs("shop.apply_stripe_event")
        assert stripe.received() == left
        assert state.books_balance()
    assert state.balance("merchant_payable") == -1900
    pay()  # what came back is owed, and paid again
    assert amounts() == [("paid", 9900), ("paid", 1900)]


def test_11_the_webhook_may_come_before_the_answer(
    sell: Any, stripe: Any, notify: Any, run_jobs: Any, move_clock: Any
) -> None:
    sell(10000)
    move_clock(31 * DAY)
    payouts.run()
    (row,) = paying.payouts()
    facts = (row.amount_fen, "cny", row.destination, str(row.id), {"payout": str(row.id)})
    made = stripe.transfer(*facts, group=str(row.id))
    notify(made.id, "transfer.created")
    run_jobs("shop.apply_stripe_event")
    run_jobs("shop.pay")
    assert amounts() == [("paid", 9900)]
    assert len(stripe.transfers) == 1
    assert state.books_balance()


def test_12_statements_add_up_from_month_to_month_whatever_happened(
    sell: Any, pay: Run, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any
) -> None:
    first = sell(10000)
    move_clock(31 * DAY)
    pay()
    give_back(first, run_jobs, goods=5000)
    sell(20000)
    move_clock(64 * DAY)
    stripe.bank = "failed"
    pay()
    payout_returns.chase()
    found = [statements.of(shelf.merchant_id, month) for month in statements.months(shelf.merchant_id)[::-1]]
    assert found[0].opening_fen == 0
    for earlier, later in itertools.pairwise(found):
        assert earlier.closing_fen == later.opening_fen
    assert found[-1].closing_fen == -state.balance("merchant_payable") == 20000 - 5000
    rows = [row for month in found for row in month.orders if row.number == first["number"]]
    assert sum(row.recovered for row in rows) == -5000
    assert sum(row.refunds for row in rows) == 0
    assert {row.kind for month in found for row in month.payouts} == {"sent", "came_back"}


def test_what_happens_later_changes_no_statement_of_before(
    sell: Any, pay: Run, stripe: Any, shelf: Any, client: Any, run_jobs: Any, move_clock: Any
) -> None:
    """A payout of one month fails in another: the refund that was recovered meanwhile stays told as it was."""
    sold = sell(10000)
    move_clock(31 * DAY)
    pay()
    give_back(sold, run_jobs, goods=5000)
    month = clock.today().strftime("%Y-%m")
    before = statements.of(shelf.merchant_id, month)
    assert [row.recovered for row in before.orders if row.number == sold["number"]] == [-5000]
    move_clock(70 * DAY)
    (bank_id,) = stripe.bank_payouts
    stripe.bank_says(bank_id, "failed")
    paying.tell_of(client, bank_id, "payout.failed", stripe.bank_payouts[bank_id][0])
    run_jobs("shop.apply_bank_event")
    run_jobs("shop.fetch_back")
    after = statements.of(shelf.merchant_id, month)
    assert (after.orders, after.payouts, after.closing) == (before.orders, before.payouts, before.closing)
    assert state.books_balance()
