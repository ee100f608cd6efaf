"""What customs bills stands in the books to the fen, whoever amends, voids or pays it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import end_read, new_id, transaction
from customs.billing import payments
from customs.models import Declaration, TaxBill
from shop import books, filing, ledger
from shop.models import Incident
from shop.window_check import run
from shop.window_check.faults import Fault
from tests.shop import paying, state


@pytest.fixture
def sold(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    return paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)


def faults() -> list[str]:
    end_read()
    return list(books.check(offline=True))


def seen() -> list[Fault]:
    """What the nightly check tells."""
    told: list[Fault] = []
    run.check(told.append)
    end_read()
    return told


def bill(sold: dict[str, Any], amount: int, number: str = "N1") -> uuid.UUID:
    """A bill that stands in a consolidated payment, told as the customs desk tells it."""
    with transaction() as session:
        declaration = session.scalars(select(Declaration.id).where(Declaration.order_number == sold["number"])).one()
        row = TaxBill(id=new_id(), declaration_id=declaration, tax_no="T1", status="consolidated", revision=0)
        row.return_time, row.ent_duty_no = "20261125000000000", number
        row.duty_fen, row.consumption_tax_fen, row.vat_fen = 0, 0, amount
        session.add(row)
        session.flush()
        payments.gather(session, number)
        told = {"bill": str(row.id), "tax_no": "T1", "amount_fen": amount}
        filing.on_declaration(session, sold["number"], "tax_settled", told)
        return row.id


def change(sold: dict[str, Any], bill_id: uuid.UUID, state_now: str, **info: Any) -> None:
    with transaction() as session:
        row = session.get_one(TaxBill, bill_id)
        row.vat_fen, row.status = info["amount_fen"], "void" if state_now == "tax_void" else row.status
        session.flush()
        for _ in range(2):  # told twice it is booked once
            filing.on_declaration(session, sold["number"], state_now, {"bill": str(bill_id), "tax_no": "T1", **info})


def test_an_amendment_is_the_platforms_and_goes_with_a_void_bill(sold: Any) -> None:
    held = -state.balance(ledger.CUSTOMS_TAX)
    found = bill(sold, held + 2)
    change(sold, found, "tax_amended", amount_fen=held + 7, was_fen=held + 2, revision=1)
    change(sold, found, "tax_amended", amount_fen=held - 1, was_fen=held + 7, revision=2)
    assert (state.balance(ledger.TAX_DIFFERENCE), state.balance(ledger.CUSTOMS_SETTLEMENT)) == (-1, 1 - held)
    assert faults() == []
    change(sold, found, "tax_void", amount_fen=held - 1)
    assert [state.balance(name) for name in (ledger.CUSTOMS_TAX, ledger.TAX_DIFFERENCE, ledger.CUSTOMS_SETTLEMENT)] == [
        -held,
        0,
        0,
    ]
    assert faults() == []


def test_what_was_settled_leaves_the_bank_once(sold: Any) -> None:
    held = -state.balance(ledger.CUSTOMS_TAX)
    bill(sold, held + 3)
    answer = payments.pay("operator", "N1", clock.today(), "bank 1")
    assert answer["reference"] == "bank 1"
    assert (state.balance(ledger.BANK), state.balance(ledger.CUSTOMS_SETTLEMENT)) == (-held - 3, 0)
    assert faults() == []
    with pytest.raises(payments.Problem):
        payments.pay("operator", "N1", clock.today(), "bank 2")
    assert state.balance(ledger.BANK) == -held - 3


def test_what_a_paid_bill_asks_more_is_paid_as_well_and_what_it_asks_less_comes_back(sold: Any) -> None:
    held = -state.balance(ledger.CUSTOMS_TAX)
    found = bill(sold, held)
    payments.pay("operator", "N1", clock.today(), "bank 1")
    amounts = []
    for revision, (asked, before) in enumerate([(held + 150, held), (held - 30, held + 150)], start=1):
        change(sold, found, "tax_amended", amount_fen=asked, was_fen=before, revision=revision)
        assert "payment_open" in [each.kind for each in seen()]
        amounts.append(payments.pay("operator", "N1", clock.today(), f"bank {revision + 1}")["amount"])
        with pytest.raises(payments.Problem):
            payments.pay("operator", "N1", clock.today(), "again")
        assert (state.balance(ledger.BANK), state.balance(ledger.CUSTOMS_SETTLEMENT)) == (-asked, 0)
        assert faults() == []
        assert "payment_open" not in [each.kind for each in seen()]
    assert amounts == ["1.50", "-1.80"]


def test_the_buyer_is_never_asked_again(sold: Any) -> None:
    """A bill of more than was held touches nothing of the buyer's."""
    held = -state.balance(ledger.CUSTOMS_TAX)
    before = [state.balance(name) for name in (ledger.CASH, ledger.REFUND, ledger.DEPOSIT, ledger.MERCHANT)]
    bill(sold, held * 3)
    assert [state.balance(name) for name in (ledger.CASH, ledger.REFUND, ledger.DEPOSIT, ledger.MERCHANT)] == before
    assert state.balance(ledger.TAX_DIFFERENCE) == 2 * held


def test_a_payment_that_is_not_booked_is_a_fault(sold: Any, database_url: str) -> None:
    held = -state.balance(ledger.CUSTOMS_TAX)
    bill(sold, held)
    with transaction() as session:
        from customs.money_models import TaxPayment

        row = session.scalars(select(TaxPayment)).one()
        row.paid_on, row.paid_fen = clock.today(), held
    assert faults() == [f"payment N1 to customs: {held} fen are paid, the books say 0"]


def test_a_guarantee_that_runs_out_waits_for_a_person_once(context: None) -> None:
    from customs.guarantee import care, reserve

    made = care.open_one("t", {"code": "4601960A01", "name": "G", "office": "2991", "amount": 100})
    alert = reserve.Alert("low", uuid.UUID(made["id"]), "G", "2991", 90, 100)
    for _ in range(2):
        with transaction() as session:
            reserve.tell(session, alert)
    rows = state.fresh().scalars(select(Incident)).all()
    assert [(row.kind, row.object_id) for row in rows] == [("guarantee_low", made["id"])]
