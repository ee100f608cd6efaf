"""A bill line by line as customs wrote it, and where it is not what we declared."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from core import clock
from core.money import round_to_fen
from customs.billing.causes import Difference, Line, compare
from customs.models import Declaration, DeclarationLine, TaxBill
from customs.money_models import TaxBillLine, TaxDifference
from customs.window.receipts import TaxBill as BilledTax

_SHOWN = {
    "billed_price_fen": "price_fen",
    "billed_duty_fen": "duty_fen",
    "billed_consumption_tax_fen": "consumption_tax_fen",
    "billed_vat_fen": "vat_fen",
}


def keep(session: Session, declaration_id: uuid.UUID, row: TaxBill, bill: BilledTax) -> None:
    """Write a bill's lines anew, with every difference from ours; a line that it names twice is taken together."""
    lines: dict[int, dict[str, object]] = {}
    for each in bill.lines:
        known = lines.get(each.gnum, {})
        fresh = {
            "price_fen": round_to_fen(each.tax_price),
            "duty_fen": round_to_fen(each.customs_tax),
            "consumption_tax_fen": round_to_fen(each.consumption_tax),
            "vat_fen": round_to_fen(each.value_added_tax),
        }
        summed = {name: fen + int(str(known.get(name, 0))) for name, fen in fresh.items()}
        lines[each.gnum] = {"bill_id": row.id, "gnum": each.gnum, "gcode": each.gcode[:10], **summed}
    session.execute(delete(TaxBillLine).where(TaxBillLine.bill_id == row.id))
    if lines:
        session.execute(insert(TaxBillLine), list(lines.values()))
    _differences(session, declaration_id, row)
    show(session, declaration_id)


def show(session: Session, declaration_id: uuid.UUID) -> None:
    """Beside each declared line stand the figures of the newest bill that counts, or none."""
    mine = DeclarationLine.declaration_id == declaration_id
    empty = update(DeclarationLine).where(mine).values(dict.fromkeys(_SHOWN))
    session.execute(empty.execution_options(synchronize_session=False))
    counts = select(TaxBill.id).where(TaxBill.declaration_id == declaration_id, TaxBill.status != "void")
    newest = session.scalar(counts.order_by(TaxBill.billed_time.desc(), TaxBill.id.desc()).limit(1))
    if newest is None:
        return
    theirs = (TaxBillLine.bill_id == newest, TaxBillLine.gnum == DeclarationLine.position)
    values = {ours: getattr(TaxBillLine, billed) for ours, billed in _SHOWN.items()}
    session.execute(
        update(DeclarationLine).where(mine, *theirs).values(values).execution_options(synchronize_session=False)
    )


def _differences(session: Session, declaration_id: uuid.UUID, row: TaxBill) -> None:
    query = select(TaxBillLine).where(TaxBillLine.bill_id == row.id).execution_options(populate_existing=True)
    theirs = {
        line.gnum: Line(line.price_fen, line.duty_fen, line.consumption_tax_fen, line.vat_fen)
        for line in session.scalars(query)
    }
    totals = {"duty": row.duty_fen, "consumption_tax": row.consumption_tax_fen, "vat": row.vat_fen}
    found = min((compare(ours, theirs, totals) for ours in _ours(session, declaration_id)), key=len)
    session.execute(delete(TaxDifference).where(TaxDifference.bill_id == row.id))
    if found:
        session.execute(insert(TaxDifference), [_row(row, each) for each in found])


def _row(row: TaxBill, found: Difference) -> dict[str, object]:
    return {"bill_id": row.id, "found_at": clock.now(), **found._asdict()}


def _ours(session: Session, declaration_id: uuid.UUID) -> list[Mapping[int, Line]]:
    """What we declared; and less what went back since, where something did: customs may bill either."""
    order_number = session.scalar(select(Declaration.order_number).where(Declaration.id == declaration_id))
    columns = (DeclarationLine, Declaration.kind)
    query = select(*columns).join(Declaration, Declaration.id == DeclarationLine.declaration_id)
    mine = (Declaration.id == declaration_id) | (
        (Declaration.order_number == order_number) & (Declaration.kind == "retail_return")
    )
    declared: dict[int, Line] = {}
    left: dict[int, Line] = {}
    for line, kind in session.execute(query.where(mine).execution_options(populate_existing=True)):
        if kind != "retail_return":
            declared[line.position] = _add(declared.get(line.position), line)
        left[line.position] = _add(left.get(line.position), line)
    return [declared] if declared == left else [declared, left]


def _add(known: Line | None, line: DeclarationLine) -> Line:
    own = Line(
        line.dutiable_value_fen,
        line.duty_fen + line.additional_duty_fen,
        line.consumption_tax_fen,
        line.vat_fen,
        line.quantity,
        line.freight_fen + line.insurance_fen,
    )
    if known is None:
        return own
    return Line(
        known.dutiable_value + own.dutiable_value,
        known.duty + own.duty,
        known.consumption_tax + own.consumption_tax,
        known.vat + own.vat,
        known.quantity + own.quantity,
        known.costs_fen + own.costs_fen,
    )
