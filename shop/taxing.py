"""What customs takes on an offer: the engine asked once per retail order, its lines written onto the offer's lines.

General trade stock has borne its duty before it was sold, so its orders carry no tax of their own. An order above a
limit cannot be bought as it is; it still shows what its lines would bear inside the limits, and says so.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from catalog import catch_weight
from catalog.receiving import divisible
from core import config
from core.errors import Problem
from core.lately import Lately
from core.money import fen_text
from customs import assessments, edition
from customs.assessments import AssessedLine, NetContent
from customs.duty.wording import said
from customs.tariff import Tariff
from customs.tariff.problems import ANNUAL_LIMIT, SINGLE_LIMIT
from shop.models import OrderLine
from shop.offers import Blocked, Offer, OfferLine, OfferOrder

RETAIL = "cross_border_retail"
AMOUNTS = ("duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen", "tax_fen")
LIMITS = (SINGLE_LIMIT, ANNUAL_LIMIT)
_FREE_YEAR = 10**14  # the person's own allowance is compared by the shop, which knows what other orders hold


def amounts(line: OfferLine) -> dict[str, int]:
    """The taxes of a line by their names."""
    return {name: getattr(line, name) for name in AMOUNTS}


def line_blocks(tariff: Tariff, offer: Offer) -> list[Blocked]:
    """Lines that the law of the day keeps out whatever the amounts: list, mode, ban, coverage in production."""
    found = []
    for order in offer.orders:
        if not order.retail:
            continue
        for block in _blocks(tariff, offer, order):
            if block["code"] in LIMITS or (block["production_only"] and not config.current().production):
                continue
            listing_id = order.lines[block["line"]].listing_id
            found.append(_blocked(block, listing_id=listing_id))
    return found


def limit_blocks(tariff: Tariff, offer: Offer) -> list[Blocked]:
    """Orders above the single limit; freight must be on the lines."""
    return [
        _blocked(block, order=number)
        for number, order in enumerate(offer.orders)
        if order.retail and not order.within
        for block in _blocks(tariff, offer, order)
        if block["code"] == SINGLE_LIMIT
    ]


def _blocks(tariff: Tariff, offer: Offer, order: OfferOrder) -> list[dict[str, Any]]:
    return assessments.retail_blocks(tariff, offer.day, order.mode, [*map(engine_line, order.lines)], _FREE_YEAR)


def _blocked(block: dict[str, Any], **place: Any) -> Blocked:
    return Blocked(block["code"], block["detail"], block["hint"], phrases=block["phrases"], **place)


def assess(tariff: Tariff, offer: Offer) -> list[Blocked]:
    """Write dutiable values and taxes of the offer's day onto its lines.

    What the law cannot tax comes back as reasons; its lines then carry no tax.
    """
    found: list[Blocked] = []
    for number, order in enumerate(offer.orders):
        for line in order.lines:
            line.dutiable_value_fen = line.goods_fen + line.freight_fen + line.insurance_fen
        if not order.retail:
            _domestic(order)
            continue
        try:
            _engine(tariff, offer, order)
        except Problem as problem:
            found.append(_refused(problem, order, number))
    return found


@dataclass(frozen=True, slots=True)
class _Taxed:
    """What the engine says of one line, in fen and as JSON."""

    amounts: dict[str, int]
    assessment: dict[str, Any]


# An order is placed minutes after its quote, with the same lines: the engine would answer the same, and is not asked.
_lately: WeakKeyDictionary[Tariff, Lately[list[_Taxed]]] = WeakKeyDictionary()
_REMEMBERED = 500


def _engine(tariff: Tariff, offer: Offer, order: OfferOrder) -> None:
    order.above, order.within = None, False  # of an order that was assessed before, with other lines
    lines = tuple(map(engine_line, order.lines))
    request = assessments.Request(RETAIL, offer.day, lines, mode=order.mode)
    key = (offer.day, order.mode, lines, *(str(line.quantity) for line in lines))
    try:
        memory = _lately.setdefault(tariff, Lately(_REMEMBERED))
        taxed = memory.get(key, lambda: [*map(_taxed, assessments.assess(tariff, request).lines)])
        order.within = True
    except Problem as problem:
        if problem.code not in LIMITS:
            raise
        order.above = problem.code
        lifted = ("annual_limit",) if problem.code == ANNUAL_LIMIT else ("annual_limit", "single_limit")
        taxed = [_taxed(found, order.above) for found in assessments.assess(_without(tariff, *lifted), request).lines]
    for line, of_line in zip(order.lines, taxed, strict=True):
        for name, amount in of_line.amounts.items():
            setattr(line, name, amount)
        line.assessment = of_line.assessment


def _without(tariff: Tariff, *limits: str) -> Tariff:
    """The same law with limits out of reach: what an order that they block would bear inside them."""
    other = copy.copy(tariff)
    out_of_reach = {limit: Decimal(10**12) for limit in limits}
    rows = [{**row, **out_of_reach} for row in tariff.tables["retail_limits"]]
    other.tables = {**tariff.tables, "retail_limits": rows}
    return other


def engine_line(line: OfferLine | OrderLine) -> assessments.Line:
    """A line as the engine wants it. Statutory quantities and the label are those of one sales unit."""
    facts = line.facts
    return assessments.Line(
        hs=facts["hs"],
        origin=facts["origin"],
        quantity=line.quantity,
        unit=facts["unit"],
        value=Decimal(line.goods_fen) / 100,
        freight=Decimal(line.freight_fen) / 100,
        insurance=Decimal(line.insurance_fen) / 100,
        unit1_quantity=catch_weight.statutory(facts, "unit1_quantity", line.quantity),
        unit2_quantity=catch_weight.statutory(facts, "unit2_quantity", line.quantity),
        net_content=_content(line),
    )


def piece_weight(line: OfferLine) -> Decimal:
    """The nominal weight of one piece of goods of catch weight, in kg."""
    return Decimal(str(line.facts["piece_weight_kg"]))


def units_of(line: OfferLine) -> tuple[str, ...]:
    """The statutory units of a line's code, as customs' codes; none for what is not declared any more."""
    return edition.tariff().statutory_units(line.facts["hs"]) if line.facts["route"] == RETAIL else ()


def _content(line: OfferLine | OrderLine) -> NetContent | None:
    label = line.facts["net_content"]
    if label is None:
        return None
    content = NetContent(Decimal(label["quantity"]), label["unit"])
    by_measure = divisible(line.facts["unit"])  # then the engine wants the content of the whole line
    return replace(content, quantity=content.quantity * line.quantity) if by_measure else content


def _taxed(found: AssessedLine, above: str | None = None) -> _Taxed:
    amounts = {name: getattr(found, name) for name in ("dutiable_value_fen", *AMOUNTS)}
    assessment = {
        "tax_included": False,
        "duty_rate": found.duty_rate_text,
        "vat_rate": found.vat_rate_text,
        "standing": found.standing,
        "applied": found.applied,
        "not_applied": found.not_applied,
        "requirements": found.requirements,
        "explanation": found.explanation if above is None else [_indicative(found, above)],
    }
    return _Taxed(amounts, assessment)


def _indicative(found: AssessedLine, limit: str) -> dict[str, Any]:
    """In place of the legal steps: they do not hold for an order that cannot be placed."""
    return {
        "step": "indicative",
        "inputs": {"dutiable_value": fen_text(found.dutiable_value_fen)},
        "amount": fen_text(found.tax_fen),
        **said(formula=["above_a_limit", {"limit": [limit]}], law=["law_retail_limits"]),
    }


def _domestic(order: OfferOrder) -> None:
    step = {
        "step": "tax_included",
        "inputs": {},
        "amount": "0.00",
        **said(formula=["paid_at_release"], law=["law_taxpayer"]),
    }
    for line in order.lines:
        line.assessment = {"tax_included": True, "standing": "official", "explanation": [step]}


def _refused(problem: Problem, order: OfferOrder, number: int) -> Blocked:
    """A refusal of the engine, about the line it names."""
    place = problem.extra.get("line")
    if isinstance(place, int) and place < len(order.lines):
        return Blocked(problem.code, problem.detail, listing_id=order.lines[place].listing_id)
    return Blocked(problem.code, problem.detail, order=number)
