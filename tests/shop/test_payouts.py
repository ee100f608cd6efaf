"""Paying merchants: the whole of what is due, once, after the time for returns, less the published percentage."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from core import config
from core.database import db, transaction
from shop import incidents, payout_accounts, payout_returns, payouts, refund_outcomes, refunds, returns
from shop.models import Incident, Order
from shop.stripe_gateway import GatewayUnavailable
from shop.stripe_http import Exchange
from tests.shop import builders, paying, state
from tests.shop.paying import DAY
from tests.shop.test_payment import fen


@pytest.fixture
def sold(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    """A retail order of 100.50 yuan, sent, of a merchant with an account."""
    paying.open_account(shelf)
    return paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)


def pay(run_jobs: Any) -> dict[str, int]:
    told = payouts.run()
    run_jobs("shop.pay_out")
    run_jobs("shop.pay_bank")
    return told


def test_day_30_is_the_buyers_and_day_31_the_merchants(sold: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    move_clock(30 * DAY)
    assert pay(run_jobs)["paid"] == 0
    move_clock(31 * DAY)
    assert pay(run_jobs)["paid"] == 1
    (row,) = paying.payouts()
    # one percent of 100.50 is 1.005: rounded half-up, once
    assert (row.status, row.amount_fen) == ("paid", 10050 - 101)
    assert stripe.received() == 9949
    assert (state.balance("merchant_payable"), state.balance("platform_fee")) == (0, -101)
    assert state.balance("payout_clearing") == 0
    assert state.books_balance()


def test_the_days_are_a_setting(sold: Any, run_jobs: Any, move_clock: Any, monkeypatch: Any) -> None:
    from dataclasses import replace

    before = config.current()
    config.use(replace(before, payout_days=2))
    move_clock(2 * DAY)
    assert pay(run_jobs)["paid"] == 0
    move_clock(3 * DAY)
    assert pay(run_jobs)["paid"] == 1
    config.use(before)


def test_a_run_twice_pays_once(sold: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    move_clock(31 * DAY)
    for _ in range(3):
        pay(run_jobs)
    assert len(paying.payouts()) == 1
    assert stripe.received() == 9949


def test_runs_at_one_instant_pay_once(
    app: Any, sold: Any, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    move_clock(31 * DAY)
    gate, made = threading.Barrier(6), []

    def one() -> None:
        with app.app_context():
            gate.wait()
            made.append(payouts.promise(shelf.merchant_id))
            db.session.remove()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in made if each is not None]) == 1
    run_jobs("shop.pay")
    assert stripe.received() == 9949
    assert state.books_balance()


@pytest.mark.parametrize("step", ["transfer", "pay_bank"])
def test_killed_between_it_is_recovered_and_paid_once(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any, step: str
) -> None:
    """The call took effect, then the worker died before it wrote: the sweep finds what was made."""
    move_clock(31 * DAY)

    class Killed(BaseException):
        pass

    def die(call: str) -> None:
        if call == step:
            raise Killed

    payouts.run()
    stripe.interrupt = die
    with pytest.raises(Killed):
        run_jobs("shop.pay_")
    db.session.rollback()
    stripe.interrupt = lambda call: None
    for wait in (120, 240, 360):
        move_clock(31 * DAY + wait)
        payout_returns.chase()
    assert [row.status for row in paying.payouts()] == ["paid"]
    assert (len(stripe.transfers), len(stripe.bank_payouts)) == (1, 1)
    assert state.books_balance()


@pytest.mark.parametrize("step", ["transfer", "pay_bank", "reverse_transfer"])
@pytest.mark.parametrize("status", [None, 500])
def test_a_lost_answer_is_asked_for_again(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any, step: str, status: int | None
) -> None:
    """A 5xx stands under its key for ever: the next try looks first, then asks under another."""
    move_clock(31 * DAY)
    stripe.bank = "failed" if step == "reverse_transfer" else "paid"

    def lose(call: str) -> None:
        if call == step:
            stripe.interrupt = lambda call: None
            raise GatewayUnavailable("lost", Exchange("POST /", "", status))

    stripe.interrupt = lose
    payouts.run()
    for wait in (0, 120, 240):
        move_clock(31 * DAY + wait)
        try:
            run_jobs("shop.pay_")
            run_jobs("shop.fetch_back")
        except GatewayUnavailable:
            payout_returns.chase()
    payout_returns.chase()
    expected = ("failed", 0) if step == "reverse_transfer" else ("paid", 9949)
    (row,) = paying.payouts()
    assert (row.status, stripe.received()) == expected
    assert len(stripe.transfers) == 1
    assert state.books_balance()


def test_what_stripe_refuses_is_owed_again(sold: Any, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    move_clock(31 * DAY)
    stripe.refuses = "balance_insufficient"
    pay(run_jobs)
    (row,) = paying.payouts()
    assert (row.status, row.reason, row.undone) == ("failed", "balance_insufficient", True)
    assert (state.balance("merchant_payable"), state.balance("platform_fee")) == (-10050, 0)
    assert state.books_balance()
    stripe.refuses = None
    assert pay(run_jobs)["paid"] == 0  # nobody has looked yet
    look_and_close(shelf)
    assert pay(run_jobs)["paid"] == 1
    assert stripe.received() == 9949
    assert state.books_balance()


def look_and_close(shelf: Any) -> None:
    statement = select(Incident.id).where(Incident.object_id == str(shelf.merchant_id), Incident.closed_at.is_(None))
    incidents.close("operator", state.fresh().scalars(statement).one(), "the bank was told")


def test_a_merchant_without_an_account_waits(
    place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any
) -> None:
    paying.sent_order(place, stripe, shelf, run_jobs)
    move_clock(31 * DAY)
    assert pay(run_jobs) == {"paid": 0, "waiting": 1, "failed": 0}
    stripe.capable = False
    assert payout_accounts.open_for(shelf.merchant_id, "test")["state"] == "incomplete"
    assert pay(run_jobs)["paid"] == 0
    stripe.capable = True
    assert pay(run_jobs)["paid"] == 1


def test_two_merchants_get_their_own(place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any) -> None:
    other = builders.open_shelf()
    for each, price in ((shelf, 10000), (other, 30000)):
        paying.open_account(each)
        paying.sent_order(place, stripe, each, run_jobs, price_fen=price)
    move_clock(31 * DAY)
    assert pay(run_jobs)["paid"] == 2
    found = {row.merchant_id: row.amount_fen for row in paying.payouts()}
    assert found == {shelf.merchant_id: 9900, other.merchant_id: 29700}
    assert len({row.destination for row in paying.payouts()}) == 2


def test_unsent_goods_are_not_paid(place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any) -> None:
    paying.open_account(shelf)
    sold = paying.sell(place, stripe, builders.buyer(), (builders.put_listing(shelf), "1"))
    run_jobs("shop.file")
    paying.release(sold)
    move_clock(40 * DAY)
    assert pay(run_jobs)["paid"] == 0


@pytest.mark.parametrize("kind", ["return", "refund", "incident"])
def test_nothing_is_paid_while_something_is_open(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any, kind: str
) -> None:
    if kind == "return":
        lines = [{"line": 1, "quantity": builders.Decimal("1")}]
        returns.request_return(sold["buyer"], sold["order"], lines, "broken", uuid.uuid4())
    with transaction() as session:
        order = session.get_one(Order, sold["order"])
        if kind == "refund":
            refunds.promise(session, order, {"goods": 100, "freight": 0, "tax": 0}, "a scratch")
        if kind == "incident":
            incidents.record(session, "looked_at", "order", order.id)
    move_clock(60 * DAY)
    assert pay(run_jobs)["paid"] == 0
    if kind == "refund":
        run_jobs("shop.pay_refund")
        assert pay(run_jobs)["paid"] == 1
        assert stripe.received() == 9950 - 100


def test_a_refund_that_failed_keeps_no_merchant_waiting(sold: Any, stripe: Any, run_jobs: Any, move_clock: Any) -> None:
    """The buyer is owed it by the platform; the merchant's part was taken when it was promised."""
    with transaction() as session:
        order = session.get_one(Order, sold["order"])
        refund = refunds.promise(session, order, {"goods": 100, "freight": 0, "tax": 0}, "a scratch")
    refund_outcomes.failed(refund, {"stripe": "declined"})
    move_clock(60 * DAY)
    assert pay(run_jobs)["paid"] == 1
    assert stripe.received() == 9950 - 100


def test_ten_orders_round_their_fees_one_by_one(
    place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any
) -> None:
    paying.open_account(shelf)
    for _ in range(3):
        paying.sent_order(place, stripe, shelf, run_jobs, price_fen=150)
    move_clock(31 * DAY)
    pay(run_jobs)
    assert stripe.received() == 3 * (150 - 2)
    assert state.balance("platform_fee") == -6


def test_an_answer_that_lies_pays_the_right_sum_or_nothing(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    from dataclasses import replace

    move_clock(31 * DAY)
    payouts.run()
    real = stripe.transfer
    stripe.transfer = lambda *args, **more: replace(real(*args, **more), amount_fen=1)
    run_jobs("shop.pay_out")
    assert [row.status for row in paying.payouts()] == ["sent"]
    assert stripe.received() == 9949 == fen("99.49")


def test_the_merchant_may_name_its_own_account(
    sold: Any, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    from catalog.models import Merchant
    from shop.stripe_connect import Account
    from tests.shop.fake_connect import exchange

    stripe.accounts["acct_own"] = Account(exchange(), id="acct_own", capable=True, payable=True)
    with transaction() as session:
        session.execute(update(Merchant).where(Merchant.id == shelf.merchant_id).values(stripe_account="acct_own"))
    move_clock(31 * DAY)
    pay(run_jobs)
    (row,) = paying.payouts()
    assert (row.destination, row.status, row.own) == ("acct_own", "paid", False)
    assert stripe.bank_payouts == {}  # its own schedule there


def test_the_commands_pay_and_write_statements(
    app: Any, sold: Any, shelf: Any, run_jobs: Any, move_clock: Any, tmp_path: Any
) -> None:
    from core import clock
    from shop.payout_commands import group

    move_clock(31 * DAY)
    runner = app.test_cli_runner()
    done = runner.invoke(group, ["run"])
    assert (done.exit_code, done.output) == (0, "paid 1\nwaiting 0\nfailed 0\n")
    run_jobs("shop.pay")
    month, file = clock.today().strftime("%Y-%m"), tmp_path / "statement.pdf"
    made = runner.invoke(group, ["statement", str(shelf.merchant_id), month, str(file), "--format", "pdf"])
    assert made.exit_code == 0, made.output
    assert file.read_bytes().startswith(b"%PDF")
    assert runner.invoke(group, ["statement", str(uuid.uuid4()), month, str(file)]).exit_code == 1


def test_money_that_cannot_be_fetched_back_waits_for_a_person(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    """The merchant has spent what the bank sent back: nothing is booked that has not happened, nobody is asked twice."""
    from shop.stripe_gateway import GatewayRefused

    move_clock(31 * DAY)
    stripe.bank = "failed"
    real = stripe.reverse_transfer

    def refuse(*_: Any) -> Any:
        stripe.calls.append("reverse_transfer")
        raise GatewayRefused("balance_insufficient", "spent", Exchange("POST /", "{}", 400))

    stripe.reverse_transfer = refuse
    pay(run_jobs)
    run_jobs("shop.fetch_back")
    move_clock(31 * DAY + 300)
    for _ in range(3):
        payout_returns.chase()
    assert [row.status for row in paying.payouts()] == ["returning"]
    assert stripe.calls.count("reverse_transfer") == 1
    assert state.balance("merchant_payable") == 0
    assert state.books_balance()
    stuck = state.fresh().scalars(select(Incident.id).where(Incident.kind == "payout_stuck")).one()
    incidents.close("operator", stuck, "the merchant has paid in again")
    stripe.reverse_transfer = real
    payout_returns.chase()
    assert [row.status for row in paying.payouts()] == ["failed"]
    assert state.balance("merchant_payable") == -10050
    assert state.books_balance()
