"""What customs takes on one sales unit: computed for cross-border retail, borne already in general trade.

Retail: the engine's own answer for an order of one unit without freight. General trade: duty, additional duty and
consumption tax of the declaration line that the lot going out first came in on, per unit; import VAT stands apart,
since it is the importer's input credit and no cost (rule A25). A lot without such a line proves nothing, and the
breakdown says so. Services: no customs; the buyer withholds VAT by reverse charge.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from catalog.lots import saleable
from catalog.models import GENERAL, RETAIL, Listing, Lot
from core import clock
from core.config import current
from core.errors import Problem
from core.money import fen_text, half_up
from customs import edition
from customs.assessments import Line, NetContent, Request, assess
from customs.duty.wording import Phrase, said
from customs.models import Declaration, DeclarationLine
from customs.tariff import Tariff
from customs.tariff.problems import OUTSIDE_COVERAGE

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`tax_fen` is charged on top of the price; `included` says the tax is in the price; `told` is shown as it is.

    `hindrance` is {code, detail} when the law of `day` keeps the listing from being sold.
    """

    tax_fen: int
    included: bool
    standing: str | None
    told: dict[str, Any]
    edition: str
    day: date
    hindrance: dict[str, str] | None = None


def breakdowns(session: Session, rows: Sequence[Listing]) -> list[Breakdown]:
    """The breakdown of each listing by the law of today; one statement for all lots of general trade among them."""
    tariff, day = edition.tariff(), clock.today()
    borne = _borne(session, [row.id for row in rows if row.route == GENERAL])
    return [_breakdown(tariff, day, row, borne.get(row.id)) for row in rows]


def _breakdown(tariff: Tariff, day: date, row: Listing, borne: tuple[DeclarationLine, Declaration] | None) -> Breakdown:
    if row.route == RETAIL:
        return _retail(tariff, day, row)
    if row.route == GENERAL:
        return _general(tariff, day, row, borne)
    told = {
        "basis": row.route,
        "note": {
            "zh": "服务不经海关；增值税由购买方按反向征收代扣代缴。",
            "en": "Services do not pass customs; the buyer withholds VAT by reverse charge.",
        },
    }
    return Breakdown(0, False, None, told, tariff.edition, day)


# Cross-border retail


def _retail(tariff: Tariff, day: date, row: Listing) -> Breakdown:
    request = Request(route=RETAIL, day=day, lines=[line_of(row)], mode=row.mode)
    try:
        line = assess(tariff, request).lines[0]
    except Problem as refused:
        reason = {"code": refused.code, "detail": refused.detail}
        return Breakdown(0, False, None, {"basis": row.route, **reason}, tariff.edition, day, reason)
    gap = tariff.gap(str(row.hs), row.origin, day)
    told = {
        "basis": row.route,
        "quantity": "1",
        "day": day.isoformat(),
        "edition": tariff.edition,
        **line.to_dict(),
        "landed_price": fen_text(row.price_fen + line.tax_fen),
        "outside_coverage": gap["note"] if gap else None,
    }
    hindrance = _in_production(line.standing, gap)
    return Breakdown(line.tax_fen, False, line.standing, told, tariff.edition, day, hindrance)


def _in_production(standing: str, gap: Any) -> dict[str, str] | None:
    """Outside production a price may rest on assumed law, and says so; in production it may not."""
    if not current().production:
        return None
    if gap is not None:
        return {"code": OUTSIDE_COVERAGE, "detail": str(gap["note"])}
    if standing == "assumed":
        return {"code": OUTSIDE_COVERAGE, "detail": "the tax rests on rows of the law that are assumed"}
    return None


def line_of(row: Listing) -> Line:
    """One sales unit as the engine reads it."""
    statutory, content = row.statutory or {}, row.net_content
    return Line(
        hs=str(row.hs),
        origin=row.origin,
        quantity=Decimal(1),
        unit=row.unit,
        value=Decimal(row.price_fen) / _HUNDRED,
        unit1_quantity=_number(statutory.get("unit1_quantity")),
        unit2_quantity=_number(statutory.get("unit2_quantity")),
        net_content=NetContent(Decimal(content["quantity"]), content["unit"]) if content else None,
    )


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# General trade


def _borne(session: Session, listing_ids: list[uuid.UUID]) -> dict[uuid.UUID, tuple[DeclarationLine, Declaration]]:
    """The declaration line of the lot that goes out first, for each listing that has one."""
    if not listing_ids:
        return {}
    first_out = (
        select(Lot.listing_id, Lot.consignment_line_id)
        .ext(distinct_on(Lot.listing_id))
        .where(Lot.listing_id.in_(listing_ids), Lot.on_hand > Lot.reserved, *saleable(clock.today()))
        .order_by(Lot.listing_id, Lot.expires_on.nulls_last(), Lot.created_at, Lot.id)
        .subquery()
    )
    statement = (
        select(first_out.c.listing_id, DeclarationLine, Declaration)
        .join(DeclarationLine, DeclarationLine.id == first_out.c.consignment_line_id)
        .join(Declaration, Declaration.id == DeclarationLine.declaration_id)
    )
    return {listing_id: (line, declaration) for listing_id, line, declaration in session.execute(statement)}


def _general(tariff: Tariff, day: date, row: Listing, borne: tuple[DeclarationLine, Declaration] | None) -> Breakdown:
    told = {
        "basis": row.route,
        "landed_price": fen_text(row.price_fen),
        "borne": _per_unit(tariff, row, *borne) if borne else None,
        "note": _BORNE if borne else _NOT_LINKED,
        "law_today": _law_today(tariff, day, row),
    }
    standing = borne[1].standing if borne else None
    return Breakdown(0, True, standing, told, tariff.edition, day)


_BORNE = {
    "zh": "价格已含进口时缴纳的关税、附加税和消费税；进口增值税为进项税额，另列。",
    "en": "The price holds the duty, additional duty and consumption tax paid at import; import VAT is an input credit"
    " and shown apart.",
}
_NOT_LINKED = {
    "zh": "价格已含税；该批次未关联报关单，已缴税额无从证明。",
    "en": "The price includes tax; the lot on sale is not linked to a declaration, so what was paid is not proven.",
}


def _per_unit(tariff: Tariff, row: Listing, line: DeclarationLine, declaration: Declaration) -> dict[str, Any] | None:
    """The line's taxes for one sales unit, each rounded half-up once; None when the units cannot be converted.

    The value and the whole line's explanation stay with the importer: they would tell what it paid abroad.
    """
    units = _units_of(tariff, row, line.unit)
    if units is None:
        return None
    numerator, denominator = (units / line.quantity).as_integer_ratio()
    share = {
        name: half_up(getattr(line, f"{name}_fen") * numerator, denominator)
        for name in ("duty", "additional_duty", "consumption_tax", "vat")
    }
    cost = share["duty"] + share["additional_duty"] + share["consumption_tax"]
    return {
        "declaration": declaration.number,
        "line": line.position,
        "released_on": line.released_on.isoformat() if line.released_on else None,
        **{name: fen_text(fen) for name, fen in share.items() if name != "vat"},
        "borne": fen_text(cost),
        "import_vat": fen_text(share["vat"]),
        "applied": line.assessment.get("applied", []),
        "explanation": _shares(row, line, share, tariff.index.units.get(row.unit, row.unit)),
        "standing": declaration.standing,
    }


def _shares(row: Listing, line: DeclarationLine, share: dict[str, int], unit: Phrase) -> list[dict[str, Any]]:
    """How each figure came about, with the law the declaration named for it."""
    laws = {step["step"]: step for step in line.assessment.get("explanation", [])}
    shares = []
    for name, fen in share.items():
        if fen or name in laws:
            law = laws.get(name, {})
            told = said(formula=["share_of_line", {"tax": [name], "unit": unit}])
            if "phrases" in law:
                told["phrases"]["law"] = law["phrases"]["law"]
            shares.append({"step": name, "inputs": {"unit": row.unit}, "amount": fen_text(fen),
                           "law": law.get("law", ""), **told})  # fmt: skip
    return shares


def _units_of(tariff: Tariff, row: Listing, unit: str) -> Decimal | None:
    """How many units of the declaration one sales unit is."""
    factor = tariff.units.factor(row.unit, unit)
    if factor is None and row.net_weight_kg is not None:
        weight = tariff.units.factor("kg", unit)
        factor = None if weight is None else weight * row.net_weight_kg
    return factor


def _law_today(tariff: Tariff, day: date, row: Listing) -> dict[str, Any]:
    """What the law of today would levy on 100.00 of dutiable value of these goods, without proof of origin."""
    statutory = row.statutory or {}
    line = Line(
        hs=str(row.hs),
        origin=row.origin,
        quantity=Decimal(1),
        unit=row.unit,
        value=_HUNDRED,
        insurance=Decimal(0),
        unit1_quantity=_number(statutory.get("unit1_quantity")),
        unit2_quantity=_number(statutory.get("unit2_quantity")),
    )
    try:
        answer = assess(tariff, Request(route=GENERAL, day=day, lines=[line])).to_dict()
    except Problem as refused:
        return {"day": day.isoformat(), "code": refused.code, "detail": refused.detail}
    return {"day": answer["day"], "edition": answer["edition"], "on": "100.00", **answer["lines"][0]}
