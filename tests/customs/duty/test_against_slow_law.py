"""The engine against the law written a second time, on a hundred thousand lines nobody chose: to the fen, or refused by
both for the same reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from core.errors import Problem
from customs.assessments import assess
from customs.duty import columns
from customs.duty.batch import GENERAL_TRADE, RETAIL, levy
from customs.tariff import Tariff
from tests.cases.law import DATA, tariff
from tests.customs.duty import every_form
from tests.customs.duty.asking import batch_of, request_of
from tests.customs.duty.drawing import GOODS, ORIGINS, Drawing, Drawn
from tests.customs.duty.slow import charging, shelf
from tests.customs.duty.slow.charging import Bill
from tests.customs.duty.slow.facts import Facts, Refused, fen
from tests.customs.duty.slow.rows import Law, law_in

FAULTS = {
    columns.NO_CLASS: "class", columns.NO_RATE: "rate", columns.NO_QUANTITY: "quantity", columns.NO_INSTANT: "instant",
    columns.NO_CONTENT: "content", columns.NO_VAT: "vat", columns.NO_CODE: "code", columns.NO_EXCHANGE: "exchange",
}  # fmt: skip
CODES = {
    "code_unknown": {"code"}, "code_not_in_force": {"code"}, "origin_unknown_class": {"class"},
    "rate_missing": {"rate", "vat"}, "before_coverage": {"rate", "vat"}, "quantity_needed": {"quantity", "content"},
    "unit_mismatch": {"quantity", "content"}, "instant_needed": {"instant"}, "exchange_rate_missing": {"exchange"},
}  # fmt: skip
LAWS = ("committed", "every form")
COMPARED_LEAST = 0.95


@dataclass(frozen=True)
class Side:
    """One law, read by both."""

    engine: Tariff
    slow: Law
    favoured: tuple[str, ...]

    def drawing(self, seed: int, claims: bool = False) -> Drawing:
        return Drawing(self.slow, seed, self.favoured, claims)


@cache
def law_of(name: str) -> Side:
    if name == "committed":
        return Side(tariff(), law_in(DATA), ())
    return Side(every_form.law(), law_in(every_form.made()), every_form.FAVOURED)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", LAWS)
def test_general_trade_in_columns(name: str, seed: int) -> None:
    """Sixteen times 5,000 lines; each lot holds the day before, on and after every first and last day of the law."""
    side = law_of(name)
    drawing = side.drawing(100 + seed)
    lines = drawing.lines(5_000)
    assert set(drawing.edges) <= {line.facts.day for line in lines}
    agree(side, GENERAL_TRADE, lines, charging.general_trade)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", LAWS)
def test_retail_in_columns(name: str, seed: int) -> None:
    side = law_of(name)
    agree(side, RETAIL, side.drawing(200 + seed).lines(5_000, retail=True), charging.retail)


@pytest.mark.parametrize("name", LAWS)
def test_general_trade_line_by_line(name: str) -> None:
    """The same through the request: units, contents, delivery costs and currency are the engine's to work out; parts of
    codes and exclusion numbers are claimed."""
    side = law_of(name)
    compared = 0
    for line in side.drawing(300, claims=True).lines(700):
        wanted = bill_or_kinds(charging.general_trade, side.slow, line.facts)
        if shelf.banned(side.slow, line.facts.hs, line.facts.origin, line.facts.day):
            wanted = {"origin_banned"}
        compared += same(side, line, GENERAL_TRADE, wanted)
    assert compared > 700 * 0.9


@pytest.mark.parametrize("name", LAWS)
def test_retail_line_by_line(name: str) -> None:
    """Orders of one line: listed goods, both limits, the single item that pays in full."""
    side = law_of(name)
    compared = in_full = 0
    for line in listed(side, 400):
        value, facts = fen(line.facts.value), line.facts
        whole = shelf.above_single_limit(side.slow, facts.day, value)
        wanted = bill_or_kinds(charging.in_full if whole else charging.retail, side.slow, facts)
        obstacles = shelf.retail_obstacles(
            side.slow, facts.hs, facts.origin, facts.day, "1210", value, line.quantity == 1
        )
        if obstacles:
            wanted = obstacles | (set() if isinstance(wanted, Bill) else wanted)
        in_full += whole and isinstance(wanted, Bill)
        compared += same(side, line, RETAIL, wanted, mode="1210")
    assert compared > 200
    assert in_full > 30


def test_the_lines_drawn_are_of_every_kind() -> None:
    """What the agreement above rests on: forms of rates, origins, claims and refusals do occur."""
    side = law_of("every form")
    lines = side.drawing(100).lines(5_000)
    facts = [line.facts for line in lines]
    goods = Counter(name for each in facts for name, prefixes in GOODS.items() if each.hs.startswith(prefixes))
    assert min(goods[name] for name in GOODS) > 100
    assert set(ORIGINS) <= {each.origin for each in facts}
    for named in ("proven", "claim", "unproven", "minute", "exporter"):
        assert sum(bool(getattr(each, named)) for each in facts) > 100, named
    kinds = Counter(kind for each in facts for kind in refusals(side.slow, each))
    assert set(kinds) >= {"class", "code", "content", "instant", "quantity", "rate"}


def agree(side: Side, route: str, lines: list[Drawn], law: Callable[[Law, Facts], Bill]) -> None:
    levied = levy(side.engine, route, batch_of(side.engine, lines))
    amounts = zip(levied.duty, levied.additional_duty, levied.consumption_tax, levied.vat, levied.fault, strict=True)
    compared = 0
    for line, (*ours, fault) in zip(lines, amounts, strict=True):
        wanted = bill_or_kinds(law, side.slow, line.facts)
        if isinstance(wanted, Bill):
            assert fault == columns.OK, (line, FAULTS[fault])
            assert Bill(*map(int, ours)) == wanted, line
            compared += 1
        else:
            assert fault != columns.OK, (line, wanted)
            assert FAULTS[fault] in wanted, line
            assert ours == [0, 0, 0, 0]
    assert compared > COMPARED_LEAST * len(lines)


def same(side: Side, line: Drawn, route: str, wanted: Bill | set[str], **more: str) -> bool:
    """Assess one line: the bill wanted, or a refusal for one of the reasons. True when bills were compared."""
    refused: Problem | None = None
    try:
        [ours] = assess(side.engine, request_of(line, route, **more)).lines
    except Problem as problem:
        refused = problem
    if refused is not None:
        assert not isinstance(wanted, Bill), (line, refused.detail)
        assert refused.code in wanted or CODES[refused.code] & wanted, (line, refused.detail)
        return False
    assert wanted == Bill(ours.duty_fen, ours.additional_duty_fen, ours.consumption_tax_fen, ours.vat_fen), line
    assert ours.dutiable_value_fen == fen(line.facts.value), line
    return True


def listed(side: Side, count: int) -> list[Drawn]:
    """Retail lines, all but a few of goods on the list."""
    drawing, found = side.drawing(400), list[Drawn]()
    while len(found) < count:
        line = drawing.line(retail=True)
        if side.slow.one("positive_list", line.facts.hs[:8], line.facts.day) or drawing.chance.random() < 0.02:
            found.append(line)
    return found


def bill_or_kinds(law: Callable[[Law, Facts], Bill], slow: Law, facts: Facts) -> Bill | set[str]:
    try:
        return law(slow, facts)
    except Refused as refused:
        return set(refused.kinds)


def refusals(slow: Law, facts: Facts) -> set[str]:
    wanted = bill_or_kinds(charging.general_trade, slow, facts)
    return set() if isinstance(wanted, Bill) else wanted
