"""What is due when: by last day, office and what it is, with totals and what has become late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text

from core import clock
from core.database import db
from core.money import fen_text
from customs.billing import terms
from customs.billing.views import csv_line

# `billed`: customs asks for it; `expected`: released and not billed yet, so our own tax; `consolidated`: stands in a
# payment that nobody has marked as paid; `declared`: general trade, which is released when its tax is paid.
STATES = ("billed", "expected", "consolidated", "declared")
COLUMNS = ("last", "counted", "first", "state", "office", "number", "count", "amount", "phase", "days_late", "late_fee")

_BILL = "b.duty_fen + b.consumption_tax_fen + b.vat_fen"
_GROUPS = f"""
    SELECT 'billed' AS state, d.office, d.released_on AS day, NULL AS number, count(*) AS n, sum({_BILL})::bigint AS fen
    FROM tax_bill b JOIN declaration d ON d.id = b.declaration_id
    WHERE b.status IN ('generated', 'pending') AND d.released_on IS NOT NULL AND d.status IN ('released', 'closed')
    GROUP BY d.office, d.released_on
    UNION ALL
    SELECT 'consolidated', min(d.office), min(d.released_on), b.ent_duty_no, count(*), sum({_BILL})::bigint
    FROM tax_bill b JOIN declaration d ON d.id = b.declaration_id
    JOIN tax_payment p ON p.number = b.ent_duty_no AND p.paid_on IS NULL
    WHERE b.status = 'consolidated' AND d.released_on IS NOT NULL
    GROUP BY b.ent_duty_no
    UNION ALL
    SELECT 'expected', x.office, x.released_on, NULL, count(*), sum(x.tax)::bigint
    FROM (
        SELECT d.office, d.released_on, (
            SELECT sum(l.tax_fen) FROM declaration e JOIN declaration_line l ON l.declaration_id = e.id
            WHERE e.order_number = d.order_number AND e.kind IN ('retail', 'retail_return')) AS tax
        FROM declaration d
        WHERE d.kind = 'retail' AND d.status IN ('released', 'closed')
          AND NOT EXISTS (SELECT FROM tax_bill b WHERE b.declaration_id = d.id AND b.status <> 'void')
    ) x
    WHERE x.tax > 0
    GROUP BY x.office, x.released_on
    UNION ALL
    SELECT 'declared', d.office, d.filed_on, d.number, 1, coalesce(sum(l.tax_fen), 0)::bigint
    FROM declaration d JOIN declaration_line l ON l.declaration_id = d.id
    LEFT JOIN tax_payment p ON p.declaration_id = d.id
    WHERE d.kind = 'general_trade' AND d.status IN ('declared', 'held') AND d.filed_on IS NOT NULL
      AND p.paid_on IS NULL
    GROUP BY d.id HAVING coalesce(sum(l.tax_fen), 0) > 0
"""  # noqa: S608 - own words


@dataclass(frozen=True, slots=True)
class Due:
    """A sum with one last day; `phase` is `coming`, `open` (may be paid now) or `late`. Amounts are fen.

    Phase and fee are reckoned from the day that is surely in time (`term.strict`).
    """

    state: str
    office: str
    number: str | None
    count: int
    amount_fen: int
    term: terms.Term
    phase: str
    fee: terms.LateFee


def calendar(today: date | None = None) -> list[Due]:
    """Everything that is due, the earliest last day first."""
    day = today or clock.today()
    rows = db.session.execute(text(_GROUPS)).all()
    found = [_due(row, day) for row in rows]
    return sorted(found, key=lambda due: (due.term.last, due.state, due.office, due.number or ""))


def _due(row: Any, today: date) -> Due:
    term = terms.general_trade(row.day) if row.state == "declared" else terms.retail(row.day)
    phase = "late" if today > term.strict else "open" if today >= term.first else "coming"
    fee = terms.late_fee(row.fen, term.strict, today)
    return Due(row.state, row.office, row.number, int(row.n), int(row.fen), term, phase, fee)


def overview(today: date | None = None) -> dict[str, Any]:
    """The calendar as published, with totals by phase."""
    day = today or clock.today()
    items = calendar(day)
    totals = {phase: sum(due.amount_fen for due in items if due.phase == phase) for phase in ("late", "open", "coming")}
    totals["all"] = sum(totals.values())
    totals["late_fee"] = sum(due.fee.fee_fen for due in items)
    told = {name: fen_text(fen) for name, fen in totals.items()}
    return {"as_of": day.isoformat(), "items": [dump(due) for due in items], "totals": told}


def dump(due: Due) -> dict[str, Any]:
    return {
        "last": due.term.last.isoformat(),
        "counted": due.term.counted.isoformat(),
        "first": due.term.first.isoformat(),
        "calendar_known": due.term.calendar_known,
        "state": due.state,
        "office": due.office,
        "number": due.number,
        "count": due.count,
        "amount": fen_text(due.amount_fen),
        "phase": due.phase,
        "days_late": due.fee.days,
        "late_fee": fen_text(due.fee.fee_fen),
    }


def calendar_csv() -> Iterator[str]:
    """The same as CSV."""
    yield csv_line(COLUMNS)
    for due in calendar():
        told = dump(due)
        yield csv_line(told[name] for name in COLUMNS)


def late_fee(amount_fen: int, last: date, paid_on: date) -> dict[str, Any]:
    """What paying late costs, and how it grew by day."""
    whole = terms.late_fee(amount_fen, last, paid_on)
    return {
        "amount": fen_text(amount_fen),
        "last": last.isoformat(),
        "paid_on": paid_on.isoformat(),
        **_fee(whole),
        "by_day": [{"day": day.isoformat(), **_fee(fee)} for day, fee in terms.late_fees(amount_fen, last, paid_on)],
    }


def _fee(fee: terms.LateFee) -> dict[str, Any]:
    exact, asked = fen_text(fee.exact_fen), fen_text(fee.fee_fen)
    return {"days": fee.days, "exact": exact, "fee": asked, "waived": fee.waived}
