"""Trade statistics from released declarations: value and quantity, with the year before beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import SQLColumnExpression, case, func, select

from core.database import db
from core.errors import invalid
from core.money import fen_text, plain
from customs.models import DeclarationLine
from customs.reports.duty import CUTS

TRADE_CUTS = ("month", "hs2", "hs4", "hs8", "origin", "route", "office")
_line = DeclarationLine


def imports(first: date, last: date, by: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of imports released in the period: value (dutiable value), quantity by unit, and the change on the year.

    `change_percent` compares with the same days of the year before and is None where those hold nothing. Raises Problem
    `invalid_input` for a cut that does not exist.
    """
    if last < first:
        raise invalid("to", "must not lie before from")
    for cut in by:
        if cut not in TRADE_CUTS:
            raise invalid("by", f"{cut} is no cut; there are {', '.join(TRADE_CUTS)}")
    if len(set(by)) != len(by) or not by:
        raise invalid("by", "each cut once, and at least one")
    then = (_year_before(first), _year_before(last))
    now_in, then_in = _line.released_on.between(first, last), _line.released_on.between(*then)
    shown = func.to_char(case((now_in, _line.released_on), else_=_line.released_on + func.make_interval(1)), "YYYY-MM")
    keys: list[SQLColumnExpression[Any]] = [(shown if cut == "month" else CUTS[cut]).label(cut) for cut in by]
    value = _line.dutiable_value_fen
    sums: list[SQLColumnExpression[Any]] = [
        func.coalesce(func.sum(value).filter(now_in), 0).label("value"),
        func.coalesce(func.sum(value).filter(then_in), 0).label("before"),
        func.coalesce(func.sum(_line.quantity).filter(now_in), 0).label("quantity"),
    ]
    columns: list[SQLColumnExpression[Any]] = [*keys, _line.unit, *sums]
    facts = select(*columns).where(now_in | then_in).group_by(*keys, _line.unit)
    rows = db.session.execute(facts).mappings()
    return sorted((_row(row, by) for row in rows), key=lambda row: [row[name] for name in (*by, "unit")])


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=min(day.day, 28) if (day.month, day.day) == (2, 29) else day.day)


def _row(row: Any, by: Sequence[str]) -> dict[str, Any]:
    before = int(row["before"])
    change = (Decimal(int(row["value"])) / before - 1) * 100 if before else None
    return {
        **{cut: row[cut] for cut in by},
        "unit": row["unit"],
        "quantity": plain(row["quantity"]),
        "value": fen_text(int(row["value"])),
        "value_year_before": fen_text(before),
        "change_percent": None if change is None else plain(change.quantize(Decimal("0.1"), ROUND_HALF_UP)),
    }
