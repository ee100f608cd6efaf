"""What stands in the way of a retail order: the list, the mode, bans, the single limit, the yearly allowance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Problem
from core.money import fen_text
from customs.assessments.prepare import value_of
from customs.assessments.request import Line
from customs.tariff import RetailLimits, Tariff, problems

RETAIL_MODES = ("1210", "9610", "1239")
NO_INSURANCE = Decimal(0)  # retail insurance is what the customer pays; unknown means none

Blocked = dict[str, Any]


def retail_blocks(
    tariff: Tariff,
    day: date,
    mode: str | None,
    lines: Sequence[Line],
    annual_left_fen: int,
    exchange_rates: Mapping[str, Decimal] | None = None,
) -> list[Blocked]:
    """All that stands in the way, at once: [{code, line, detail, hint, production_only}], in line order.

    `line` is the number of the line it is about (the first of the order for limits). Lines with the same `order` are
    one order; `annual_left_fen` is what is left of the person's year before these orders. An entry with
    `production_only` may be passed by outside production (the law of that day is not established).
    """
    try:
        limits = tariff.retail_limits(day)
    except Problem as problem:
        return [_blocked(problem.code, 0, problem.detail, "sell it by general trade")]
    blocks: list[Blocked] = []
    for i, line in enumerate(lines):
        blocks.extend(_of_line(tariff, day, mode, i, line))
    blocks.extend(_of_limits(limits, lines, annual_left_fen, exchange_rates or {}))
    return sorted(blocks, key=lambda block: int(block["line"]))


def in_full(limits: RetailLimits, lines: Sequence[Line], values: Sequence[int]) -> list[bool]:
    """Per line: is it the single item above the single limit that pays in full (rule A6)?"""
    lone = {members[0] for members in _orders(lines).values() if _lone(lines, members)}
    return [i in lone and values[i] > limits.single_fen for i in range(len(lines))]


def _of_line(tariff: Tariff, day: date, mode: str | None, i: int, line: Line) -> Iterator[Blocked]:
    entry = tariff.positive_list(line.hs[:8], day)
    if entry is None:
        yield _blocked(problems.NOT_ON_POSITIVE_LIST, i, f"{line.hs}: not on the retail import list of {day}"
                       " (positive_list.csv)", "sell it by general trade")  # fmt: skip
    elif mode is not None and mode not in (entry.modes or RETAIL_MODES):
        allowed = entry.modes or RETAIL_MODES
        yield _blocked(problems.MODE_NOT_ALLOWED, i, f"{line.hs}: on {day} it may enter in mode {' or '.join(allowed)},"
                       f" not {mode}", f"use mode {allowed[0]}")  # fmt: skip
    ban = tariff.import_ban(line.hs, line.origin, day)
    if ban is not None and ban["kind"] == "ban":
        yield _blocked(problems.ORIGIN_BANNED, i, f"{line.hs} of {line.origin}: {ban['text']}", "choose another origin")
    gap = tariff.gap(line.hs, line.origin, day)
    if gap is not None:
        yield _blocked(problems.OUTSIDE_COVERAGE, i, f"{line.hs} of {line.origin}: {gap['note']}",
                       "an operator must load the law of that day", production_only=True)  # fmt: skip


def _of_limits(
    limits: RetailLimits, lines: Sequence[Line], annual_left_fen: int, exchange_rates: Mapping[str, Decimal]
) -> Iterator[Blocked]:
    """Both limits compare the dutiable value of an order; equal is allowed (rule A5)."""
    values = [value_of(line, exchange_rates, NO_INSURANCE).fen for line in lines]
    left = annual_left_fen
    for members in _orders(lines).values():
        total = sum(values[i] for i in members)
        if total > limits.single_fen and not _lone(lines, members):
            yield _blocked(problems.SINGLE_LIMIT, members[0], f"the order of {fen_text(total)} is above the single"
                           f" limit of {fen_text(limits.single_fen)}",
                           "place several orders, or order one single item with full tax")  # fmt: skip
        left -= total
        if left < 0:
            yield _blocked(problems.ANNUAL_LIMIT, members[0], f"the order of {fen_text(total)} is above the rest of"
                           f" the yearly allowance of {fen_text(limits.annual_fen)}: {fen_text(max(left + total, 0))}",
                           "buy it from stock imported by general trade, or next year")  # fmt: skip


def _orders(lines: Sequence[Line]) -> dict[str, list[int]]:
    """The line numbers of each order, orders in the sequence of their first lines."""
    orders: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        orders.setdefault(line.order, []).append(i)
    return orders


def _lone(lines: Sequence[Line], members: Sequence[int]) -> bool:
    return len(members) == 1 and lines[members[0]].quantity == 1


def _blocked(code: str, line: int, detail: str, hint: str, production_only: bool = False) -> Blocked:
    return {"code": code, "line": line, "detail": detail, "hint": hint, "production_only": production_only}
