"""The duty report: released declaration lines, summed by any cut, in one statement.

A line counts on the Beijing day customs released it (800); goods sent back count negative on the day that was granted.
`charged_tax` is what buyers paid at the order, `tax` what was declared; they differ only when the law changed between
(rule A15). Rows are ordered by their keys in byte order, so the same request gives the same bytes on every host.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, Text, cast, func, select, tuple_

from core.database import db
from core.errors import invalid
from core.money import fen_text
from customs.models import DeclarationLine

_line = DeclarationLine

CUTS: dict[str, SQLColumnExpression[str]] = {
    "month": func.to_char(_line.released_on, "YYYY-MM"),
    "hs2": func.left(_line.hs, 2),
    "hs4": func.left(_line.hs, 4),
    "hs8": func.left(_line.hs, 8),
    "origin": func.coalesce(_line.origin, ""),
    "merchant": func.coalesce(cast(_line.merchant_id, Text), ""),
    "route": _line.route,
    "zone": _line.zone,
    "office": _line.office,
}
AMOUNTS = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax", "charged_tax")
COUNTS = ("lines", "declarations")
EMPTY = "no declaration was released in this period"


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of a report: keys in the order of `by`, counts, amounts in fen; `totals` has no keys."""

    first: date
    last: date
    by: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    totals: dict[str, Any]


def duty_report(first: date, last: date, by: Sequence[str], merchant_id: uuid.UUID | None = None) -> Report:
    """Sums of all lines released from `first` to `last`, both included; of one merchant when given.

    Raises Problem `invalid_input` for a cut that does not exist, stands twice, or a period that ends before it begins.
    """
    cuts = tuple(by)
    _check(first, last, cuts)
    rows: list[dict[str, Any]] = []
    totals = _numbers(None)
    for found in db.session.execute(_statement(first, last, cuts, merchant_id)).mappings():
        if found["is_total"]:
            totals = _numbers(found)
        else:
            rows.append({name: found[f"by_{name}"] for name in headings(cuts)} | _numbers(found))
    return Report(first, last, cuts, tuple(rows), totals)


def headings(cuts: Sequence[str]) -> list[str]:
    """The keys of a row: the cuts, a merchant also by the name it last declared under."""
    return [name for cut in cuts for name in ((cut, "merchant_name") if cut == "merchant" else (cut,))]


def _check(first: date, last: date, cuts: tuple[str, ...]) -> None:
    if last < first:
        raise invalid("to", "must not lie before from")
    for cut in cuts:
        if cut not in CUTS:
            raise invalid("by", f"{cut} is no cut; there are {', '.join(CUTS)}")
    if len(set(cuts)) != len(cuts) or not cuts:
        raise invalid("by", "each cut once, and at least one")


def _statement(first: date, last: date, cuts: tuple[str, ...], merchant_id: uuid.UUID | None) -> Select[Any]:
    keys: list[SQLColumnExpression[str]] = [CUTS[cut].label(f"by_{cut}") for cut in cuts]
    facts = select(_line, *keys).where(_line.released_on.between(first, last))
    if merchant_id is not None:
        facts = facts.where(_line.merchant_id == merchant_id)
    source = facts.subquery()
    grouped = [source.c[f"by_{cut}"] for cut in cuts]
    amounts = [func.coalesce(func.sum(source.c[f"{name}_fen"]), 0).label(name) for name in AMOUNTS]
    is_total = func.grouping(grouped[0]).label("is_total")
    return (
        select(
            *grouped,
            func.max(source.c.merchant_name).label("by_merchant_name"),
            func.count(source.c.id).label("lines"),
            func.count(source.c.declaration_id.distinct()).label("declarations"),
            *amounts,
            is_total,
        )
        .group_by(func.grouping_sets(tuple_(*grouped), tuple_()))
        .order_by(is_total, *[column.collate("C") for column in grouped])
    )


def _numbers(found: Any) -> dict[str, Any]:
    return {name: 0 if found is None else int(found[name]) for name in (*COUNTS, *AMOUNTS)}


def as_answer(report: Report) -> dict[str, Any]:
    """The report as JSON: amounts as text in yuan."""
    answer = {
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "by": list(report.by),
        "currency": "CNY",
        "rows": [_texts(row) for row in report.rows],
        "totals": _texts(report.totals),
    }
    return answer if report.rows else answer | {"note": EMPTY}


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: fen_text(value) if name in AMOUNTS else value for name, value in row.items()}
