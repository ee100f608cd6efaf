"""What stands in the way of a retail order: list, mode, bans, the single limit, the yearly allowance, weight caps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Problem
from core.money import fen_text
from customs.assessments.caps import WEIGHT_CAP, caps_of
from customs.assessments.prepare import value_of
from customs.assessments.request import Line
from customs.duty.exchange import Rates
from customs.duty.wording import Phrase, said
from customs.tariff import RetailLimits, Tariff, problems
from customs.tariff.index import text_of

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
    """All that stands in the way, at once: [{code, line, detail, hint, phrases, production_only}], in line order.

    `line` is the number of the line it is about (the first of the order for limits). Lines with the same `order` are
    one order; `annual_left_fen` is what is left of the person's year before these orders. An entry with
    `production_only` may be passed by outside production (the law of that day is not established).
    """
    try:
        limits = tariff.retail_limits(day)
    except Problem as problem:
        return [_blocked(problem.code, 0, ["retail_not_in_force", {"day": day.isoformat()}], ["hint_general_trade"])]
    blocks: list[Blocked] = []
    for i, line in enumerate(lines):
        blocks.extend(_of_line(tariff, day, mode, i, line))
    rates = Rates(tariff, day, exchange_rates or {})
    blocks.extend(_of_limits(limits, lines, annual_left_fen, rates))
    blocks.extend(_of_caps(tariff, day, lines))
    return sorted(blocks, key=lambda block: int(block["line"]))


def in_full(limits: RetailLimits, lines: Sequence[Line], values: Sequence[int]) -> list[bool]:
    """Per line: is it the single item above the single limit that pays in full (rule A6)?"""
    lone = {members[0] for members in _orders(lines).values() if _lone(lines, members)}
    return [i in lone and values[i] > limits.single_fen for i in range(len(lines))]


def _of_line(tariff: Tariff, day: date, mode: str | None, i: int, line: Line) -> Iterator[Blocked]:
    entry = tariff.positive_list(line.hs[:8], day)
    goods: dict[str, Phrase] = {"hs": line.hs, "day": day.isoformat()}
    if entry is None:
        yield _blocked(problems.NOT_ON_POSITIVE_LIST, i, ["not_on_list", goods], ["hint_general_trade"])
    elif mode is not None and mode not in (entry.modes or RETAIL_MODES):
        allowed = entry.modes or RETAIL_MODES
        modes: Phrase = allowed[0]
        for other in allowed[1:]:
            modes = ["either", {"one": modes, "other": other}]
        yield _blocked(problems.MODE_NOT_ALLOWED, i, ["wrong_mode", {**goods, "allowed": modes, "mode": mode}],
                       ["hint_mode", {"mode": allowed[0]}])  # fmt: skip
    goods["origin"] = tariff.index.countries.get(line.origin or "", ["unknown_origin"])
    ban = tariff.import_ban(line.hs, line.origin, day)
    if ban is not None and ban["kind"] == "ban":
        banned = ["origin_banned", {**goods, "text": text_of(ban, "text")}]
        yield _blocked(problems.ORIGIN_BANNED, i, banned, ["hint_origin"])
    gap = tariff.gap(line.hs, line.origin, day)
    if gap is not None:
        unread = ["outside_coverage", {**goods, "note": text_of(gap, "note")}]
        yield _blocked(problems.OUTSIDE_COVERAGE, i, unread, ["hint_operator"], production_only=True)


def _of_limits(limits: RetailLimits, lines: Sequence[Line], annual_left_fen: int, rates: Rates) -> Iterator[Blocked]:
    """Both limits compare the dutiable value of an order; equal is allowed (rule A5)."""
    values = [value_of(line, rates, NO_INSURANCE).fen for line in lines]
    left = annual_left_fen
    for members in _orders(lines).values():
        total = sum(values[i] for i in members)
        if total > limits.single_fen and not _lone(lines, members):
            above = ["above_single_limit", {"total": fen_text(total), "limit": fen_text(limits.single_fen)}]
            yield _blocked(problems.SINGLE_LIMIT, members[0], above, ["hint_orders"])
        left -= total
        if left < 0:
            above = ["above_annual_limit", {"total": fen_text(total), "limit": fen_text(limits.annual_fen),
                                            "left": fen_text(max(left + total, 0))}]  # fmt: skip
            yield _blocked(problems.ANNUAL_LIMIT, members[0], above, ["hint_stock"])


def _of_caps(tariff: Tariff, day: date, lines: Sequence[Line]) -> Iterator[Blocked]:
    """One order alone must stay within the weight of a person's year; equal is allowed (rule A24)."""
    for cap in caps_of(tariff, day, lines):
        figures = cap.figures
        for i in cap.unweighed:
            yield _blocked(problems.QUANTITY_NEEDED, i, ["cap_needs_kg", {**figures, "hs": lines[i].hs}], ["hint_kg"])
        if cap.exceeded:
            yield _blocked(WEIGHT_CAP, cap.first, ["above_weight_cap", figures], ["hint_weight", figures])


def _orders(lines: Sequence[Line]) -> dict[str, list[int]]:
    """The line numbers of each order, orders in the sequence of their first lines."""
    orders: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        orders.setdefault(line.order, []).append(i)
    return orders


def _lone(lines: Sequence[Line], members: Sequence[int]) -> bool:
    return len(members) == 1 and lines[members[0]].quantity == 1


def _blocked(code: str, line: int, detail: Phrase, hint: Phrase, production_only: bool = False) -> Blocked:
    return {"code": code, "line": line, **said(detail=detail, hint=hint), "production_only": production_only}
