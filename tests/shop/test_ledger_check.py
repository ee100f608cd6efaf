"""The check of the books finds what does not agree, names it, and finds nothing where all is well."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from core import clock
from core.database import new_id, transaction
from customs.models import TaxBill
from shop import books, filing, ledger, ledger_check, payouts, refunds
from shop.models import Order
from shop.stripe_gateway import GatewayUnavailable
from shop.stripe_http import Exchange
from tests.shop import builders, paying, state
from tests.shop.paying import DAY

Break = Callable[..., None]


@pytest.fixture
def tamper(cluster: Any, database_url: str) -> Iterator[Break]:
    """Change what the application's own rules would not let through."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(cluster.conninfo(name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield lambda statement, *values: connection.execute(statement, values)


@pytest.fixture
def sold(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    paying.open_account(shelf)
    return paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)


def found(*, offline: bool = False) -> list[str]:
    return list(books.check(offline=offline))


def test_everything_that_happens_to_an_order_agrees(
    sold: Any, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    with transaction() as session:
        order = session.get_one(Order, sold["order"])
        refunds.promise(session, order, {"goods": 1000, "freight": 10, "tax": 7}, "test")
    assert found() == []
    run_jobs("shop.pay_refund")
    assert found() == []
    move_clock(31 * DAY)
    payouts.run()
    assert found() == []
    run_jobs("shop.pay")
    assert found() == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("UPDATE ledger_entry SET amount_fen = amount_fen - 1 WHERE account = 'merchant_payable'", "posting "),
        ("UPDATE purchase SET captured_fen = captured_fen - 1", "purchase "),
        (
            "UPDATE sales_order SET goods_fen = goods_fen + 1, tax_fen = tax_fen - 1, vat_fen = vat_fen - 1",
            "merchant_payable is -10050 fen",
        ),
        ("UPDATE sales_order SET insurance_fen = insurance_fen + 1, goods_fen = goods_fen - 1", "logistics_payable"),
        ("UPDATE declaration_line SET tax_fen = tax_fen + 1, vat_fen = vat_fen + 1", "of tax are held for customs"),
        ("DELETE FROM declaration", "no declaration was opened"),
        ("UPDATE declaration SET status = 'cancelled'", "its declaration is cancelled"),
        ("UPDATE ledger_entry SET account = 'rounding' WHERE account = 'logistics_payable'", "rounding is"),
    ],
)
def test_a_fault_names_its_object(sold: Any, tamper: Break, broken: str, told: str) -> None:
    assert found(offline=True) == []
    tamper(broken)
    faults = found(offline=True)
    assert [fault for fault in faults if told in fault], faults
    ids = (sold["number"], sold["purchase"], "posting ")
    assert all(any(name in fault for name in ids) for fault in faults)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("UPDATE payout_line SET balance_fen = balance_fen + 1", "its orders bring"),
        ("UPDATE payout_line SET taken_fen = taken_fen + 1, balance_fen = balance_fen + 1", "its orders owe"),
        ("UPDATE payout SET status = 'promised', transfer_id = NULL", "payout_clearing"),
        ("UPDATE payout SET reversed_fen = 5", "have left Stripe's balance"),
        ("DELETE FROM payout", "belongs to no purchase and no payout"),
    ],
)
def test_a_payout_that_does_not_agree_is_named(
    sold: Any, run_jobs: Any, move_clock: Any, tamper: Break, broken: str, told: str
) -> None:
    move_clock(31 * DAY)
    payouts.run()
    run_jobs("shop.pay")
    tamper(broken)
    assert [fault for fault in found(offline=True) if told in fault]


def test_stripes_records_are_compared_both_ways(
    sold: Any, stripe: Any, run_jobs: Any, move_clock: Any, tamper: Break
) -> None:
    with transaction() as session:
        refunds.promise(session, session.get_one(Order, sold["order"]), {"goods": 50, "freight": 0, "tax": 0}, "test")
    run_jobs("shop.pay_refund")
    move_clock(31 * DAY)
    payouts.run()
    run_jobs("shop.pay")
    assert found() == []
    intent = sold["payment"]["intent"]
    (refund,), (transfer,) = stripe.refunds, stripe.transfers
    stripe.intents[intent] = replace(stripe.intents[intent], received_fen=1)
    stripe.intents["pi_foreign"] = replace(stripe.intents[intent], id="pi_foreign", received_fen=77)
    stripe.refunds[refund] = replace(stripe.refunds[refund], status="failed")
    stripe.transfers[transfer] = replace(stripe.transfers[transfer], reversed_fen=3)
    faults = found()
    assert [fault.split(":")[0] for fault in faults] == [
        *sorted((f"intent {intent}", "intent pi_foreign")),
        f"refund {refund}",
        f"transfer {transfer}",
    ]
    assert "Stripe has 77 fen, no purchase of ours knows it" in " ".join(faults)
    assert found(offline=True) == []


def test_what_stripe_has_lost_is_a_fault(sold: Any, stripe: Any) -> None:
    (intent,) = stripe.intents
    gone = stripe.intents.pop(intent)
    stripe.retrieve_intent = lambda name: replace(gone, received_fen=0)
    assert [fault.split(":")[0] for fault in found()] == [f"intent {intent}"]


def test_what_settles_while_it_is_looked_at_is_no_fault(sold: Any, stripe: Any) -> None:
    """The list was fetched a moment before the payment: at the second look both sides agree."""
    (intent,) = stripe.intents
    real = stripe.intents[intent]
    stripe.list_intents = lambda after: [replace(real, received_fen=0, status="processing")]
    assert found() == []


def test_a_stripe_that_is_away_is_no_proof(sold: Any, stripe: Any, app: Any) -> None:
    stripe.down = True
    with pytest.raises(GatewayUnavailable):
        found()
    assert found(offline=True) == []
    books.keep_check()
    assert (books.last_check() or {})["offline"] is True


def test_the_command_says_what_it_found(sold: Any, stripe: Any, app: Any, tamper: Break) -> None:
    from shop.commands import ledger_group

    runner = app.test_cli_runner()
    done = runner.invoke(ledger_group, ["check"])
    assert (done.exit_code, done.output) == (0, "the books balance\n")
    stripe.list_transfers = _away
    assert runner.invoke(ledger_group, ["check"]).exit_code == 2
    tamper("UPDATE purchase SET captured_fen = captured_fen - 1")
    done = runner.invoke(ledger_group, ["check", "--offline"])
    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == "1 faults"
    assert sold["purchase"] in done.output


def _away(**_: Any) -> Any:
    raise GatewayUnavailable("away", Exchange("GET /", "", None))


def test_slices_cover_every_purchase(
    place: Any, stripe: Any, shelf: Any, run_jobs: Any, tamper: Break, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ledger_check, "SLICE", 2)
    crab = builders.put_listing(shelf)
    numbers = [paying.sell(place, stripe, builders.buyer(), (crab, "1"))["number"] for _ in range(5)]
    run_jobs("shop.file")
    said: list[str] = []
    assert list(ledger_check.faults(state.fresh().connection(), said.append)) == []
    assert len(said) == 3
    state.fresh()
    tamper("UPDATE sales_order SET goods_fen = goods_fen + 1, freight_fen = freight_fen - 1")
    faults = found(offline=True)
    assert all(any(number in fault for fault in faults) for number in numbers)


def test_progress_is_told_from_the_first_second_on(monkeypatch: Any) -> None:
    now = [100.0]
    monkeypatch.setattr(books.time, "monotonic", lambda: now[0])
    said: list[str] = []
    progress = books.Progress(said.append)
    for at, what in ((100.2, "a"), (101.1, "b"), (101.5, "c"), (102.2, "d")):
        now[0] = at
        progress(what)
    assert said == ["b", "d"]


# --- tax bills


def bill(
    sold: dict[str, Any], amount: int | None, status: str, tax_no: str = "T1", bill_id: uuid.UUID | None = None
) -> Any:
    """What the customs desk tells of a bill, its row included."""
    from sqlalchemy import select

    from customs.models import Declaration

    state_of = {"consolidated": "tax_settled", "void": "tax_void"}
    with transaction() as session:
        declaration = session.scalars(select(Declaration.id).where(Declaration.order_number == sold["number"])).one()
        row = session.get(TaxBill, bill_id) if bill_id else None
        if row is None:
            times = {"return_time": "20261125000000000", "status": status}
            row = TaxBill(id=new_id(), declaration_id=declaration, tax_no=tax_no, **times)
            row.duty_fen, row.consumption_tax_fen, row.vat_fen = 0, 0, amount
            session.add(row)
        row.status = status
        session.flush()
        if status in state_of:
            info = {"bill": str(row.id), "tax_no": tax_no, "amount_fen": row.vat_fen}
            for _ in range(2):
                filing.on_declaration(session, sold["number"], state_of[status], info)
        return row.id


def test_each_later_law_is_posted_by_its_step(sold: Any) -> None:
    """Filed under one later law, sent back, and filed again under another: both steps, each once."""
    steps = [(1000, 900, "2026-12-01 a"), (900, 930, "2026-12-02 b")]
    for was, declared, law in [*steps, *steps]:
        with transaction() as session:
            info = {"charged_fen": 1000, "was_fen": was, "declared_fen": declared, "law": law}
            filing.on_declaration(session, sold["number"], "retaxed", info)
    assert state.balance(ledger.TAX_DIFFERENCE) == -70


def test_a_bill_settles_the_tax_held(sold: Any) -> None:
    held = -state.balance("customs_tax_payable")
    assert held > 0
    bill(sold, held, "generated")
    assert state.balance("customs_tax_payable") == -held
    bill(sold, held, "consolidated", "T2")
    assert (state.balance("customs_tax_payable"), state.balance("customs_settlement")) == (0, -held)
    assert state.balance("tax_difference") == 0
    assert found() == []


@pytest.mark.parametrize("more", [1, -2])
def test_a_bill_of_another_sum_leaves_a_difference_in_a_named_account(sold: Any, more: int) -> None:
    held = -state.balance("customs_tax_payable")
    bill(sold, held + more, "consolidated")
    assert state.balance(ledger.TAX_DIFFERENCE) == more
    assert state.balance("customs_settlement") == -held - more
    assert found() == []


def test_a_void_bill_gives_its_settlement_back_and_another_settles(sold: Any) -> None:
    held = -state.balance("customs_tax_payable")
    first = bill(sold, held + 5, "consolidated")
    bill(sold, None, "void", bill_id=first)
    assert (state.balance("customs_tax_payable"), state.balance("tax_difference")) == (-held, 0)
    bill(sold, held, "consolidated", "T2")
    assert (state.balance("customs_tax_payable"), state.balance("customs_settlement")) == (0, -held)
    assert found() == []


def test_the_next_bill_may_come_before_the_void_of_the_first(sold: Any) -> None:
    held = -state.balance("customs_tax_payable")
    first = bill(sold, held, "consolidated")
    bill(sold, held, "consolidated", "T2")
    bill(sold, None, "void", bill_id=first)
    assert (state.balance("customs_tax_payable"), state.balance("customs_settlement")) == (0, -held)
    assert state.balance("tax_difference") == 0
    assert found() == []


def test_a_bill_that_the_books_do_not_know_is_a_fault(sold: Any, tamper: Break) -> None:
    held = -state.balance("customs_tax_payable")
    bill(sold, held, "generated")
    tamper("UPDATE tax_bill SET status = 'consolidated'")
    (fault,) = found(offline=True)
    assert fault.startswith(f"tax bill T1 of order {sold['number']}")
    assert clock.today()
