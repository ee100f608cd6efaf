"""Filing may fall on another day than the quote: the list carries the taxes of its own day (rules A8, A15).

The buyer pays what was quoted. Where the law changed in between, the lines take the new taxes, keep what was charged
beside them, and the floor above is told the difference.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.money import fen_text
from customs import edition
from customs.assessments import Assessment, Line, NetContent, Request, assess
from customs.filing_case import Case
from customs.filing_facts import FilingLine, FilingRequest
from customs.models import Declaration, DeclarationLine
from customs.notices import announce
from customs.window.documents import yuan

RETAIL = "cross_border_retail"
_AMOUNTS = ("dutiable_value_fen", "duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen", "tax_fen")


def taxes_of(case: Case, day: date) -> Assessment | None:
    """The order assessed on the day its list is filed; None when quote and filing share day and law.

    Raises Problem of the assessment: what may not be imported on that day any more is not filed either.
    """
    law = edition.tariff()
    if (case.request.edition, case.request.assessed_on) == (law.edition, day):
        return None
    return assess(law, request_of(case.request, case.warehouse.mode, day))


def request_of(order: FilingRequest, mode: str, day: date) -> Request:
    """The order as a question to the engine. The yearly limit is customs' count, so nothing is said to be used."""
    return Request(RETAIL, day, [_line(line) for line in order.lines], mode=mode)


def _line(line: FilingLine) -> Line:
    first, second = (*line.statutory, None, None)[:2]
    content = line.net_content
    return Line(
        hs=line.hs,
        origin=line.origin,
        quantity=line.quantity,
        unit=line.unit,
        value=yuan(line.goods_fen),
        freight=yuan(line.freight_fen),
        insurance=yuan(line.insurance_fen),
        unit1_quantity=first,
        unit2_quantity=second,
        net_content=None if content is None else NetContent(Decimal(content["quantity"]), content["unit"]),
    )


def apply(session: Session, declaration: Declaration, taxes: Assessment) -> None:
    """Write the taxes of the filing day onto the lines; the caller has passed the gates and holds the declaration."""
    lines = session.scalars(
        select(DeclarationLine)
        .where(DeclarationLine.declaration_id == declaration.id)
        .order_by(DeclarationLine.position)
        .execution_options(populate_existing=True)
    ).all()
    before = sum(line.tax_fen for line in lines)
    for line, found in zip(lines, taxes.lines, strict=True):
        for name in _AMOUNTS:
            setattr(line, name, getattr(found, name))
        line.assessment = found.to_dict()
    declaration.edition, declaration.assessed_on = taxes.edition, taxes.day
    declaration.standing = taxes.standing
    session.flush()
    declared = taxes.totals["tax"]
    if declared != before:
        detail = f"declared {fen_text(declared)}, charged {fen_text(declaration.charged_tax_fen or 0)}"
        announce(
            session,
            declaration,
            "retaxed",
            charged_fen=declaration.charged_tax_fen,
            was_fen=before,
            law=f"{taxes.day} {taxes.edition[:16]}",
            declared_fen=declared,
            detail=detail,
        )
