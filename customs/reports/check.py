"""Does every report rest on what was declared? Lines against their declarations, one fact at a time (I7, I15)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from customs.models import Declaration, DeclarationLine
from customs.reports.duty import AMOUNTS, CUTS, duty_report

_line, _head = DeclarationLine, Declaration
_COPIES = ("office", "zone", "mode", "merchant_name")


def breaks(session: Session) -> Iterator[str]:
    """Every declaration whose lines say something else than it does, and every cut whose sum differs."""
    for number in session.scalars(_with_other_facts()):
        yield f"declaration {number}: a line differs in office, zone, mode, merchant or release day"
    for number in session.scalars(_with_other_sums()):
        yield f"declaration {number}: the taxes of its lines are not what was assessed"
    for number in session.scalars(_without_lines()):
        yield f"declaration {number}: it has no lines"
    yield from _cuts(session)


def _with_other_facts() -> Select[str]:
    differs = [getattr(_line, name) != getattr(_head, name) for name in _COPIES]
    day = _line.released_on.is_distinct_from(_head.released_on)
    return (
        select(_head.number)
        .join(_line, _line.declaration_id == _head.id)
        .where(or_(day, *differs))
        .distinct()
        .order_by(_head.number)
    )


def _with_other_sums() -> Select[str]:
    """A retail order pays once; what its lines say was charged is what it paid."""
    return (
        select(_head.number)
        .join(_line, _line.declaration_id == _head.id)
        .where(_head.charged_tax_fen.is_not(None))
        .group_by(_head.id)
        .having(func.sum(_line.charged_tax_fen) != _head.charged_tax_fen)
        .order_by(_head.number)
    )


def _without_lines() -> Select[str]:
    lines = select(_line.id).where(_line.declaration_id == _head.id)
    return select(_head.number).where(~lines.exists()).order_by(_head.number)


def _cuts(session: Session) -> Iterator[str]:
    first, last = session.execute(select(func.min(_line.released_on), func.max(_line.released_on))).one()
    if first is None or last is None:
        return
    sums = [func.sum(getattr(_line, f"{name}_fen")) for name in AMOUNTS]
    direct = session.execute(select(*sums).where(_line.released_on.is_not(None))).one()
    for cut in CUTS:
        report = duty_report(first, last, [cut])
        for name, expected in zip(AMOUNTS, direct, strict=True):
            found = sum(row[name] for row in report.rows)
            if found != expected or report.totals[name] != expected:
                yield f"by {cut}: {name} is {found} fen, the declarations have {expected}"
