"""What holds for columns of lines of every form: in one batch or alone, kept or selected anew, whole or in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import Problem
from customs.assessments import AssessedLine, Request, assess
from customs.duty.batch import GENERAL_TRADE, RETAIL, Batch, Levied, levy
from customs.duty.columns import OK, Lines
from customs.duty.regimes import general_trade, retail
from customs.duty.selection import select
from customs.tariff import Tariff, load_tariff
from tests.cases.law import DATA, general, line, tariff
from tests.customs.duty import every_form
from tests.customs.duty.asking import batch_of, request_of
from tests.customs.duty.drawing import Drawing, Drawn
from tests.customs.duty.slow.facts import yuan
from tests.customs.duty.slow.rows import law_in

SETTINGS = settings(max_examples=12, deadline=None, derandomize=True)
AMOUNTS = ("duty", "additional_duty", "consumption_tax", "vat")
DAYS = ("2019-06-15", "2020-06-15", "2021-06-15", "2022-06-15", "2023-12-15", "2024-06-15", "2025-06-15", "2026-07-15")
seeds = st.integers(0, 10**9)


def drawn_of(seed: int, count: int, in_retail: bool = False) -> list[Drawn]:
    """Lines on the law with every form."""
    drawing = Drawing(law_in(every_form.made()), seed, every_form.FAVOURED)
    return [drawing.line(retail=in_retail) for _ in range(count)]


def rows(levied: Levied) -> list[tuple[int, ...]]:
    """Row by row; of a row that cannot be computed only the amounts, none, and the fault are said."""
    every = [tuple(map(int, row)) for row in zip(*(getattr(levied, each.name) for each in fields(Levied)), strict=True)]
    return [row if row[-1] == OK else (*row[:4], row[-1]) for row in every]


def at_values(law: Tariff, drawn: Sequence[Drawn], values: Sequence[int]) -> Levied:
    """The same lines worth so many fen."""
    worth = [
        replace(each, facts=replace(each.facts, value=yuan(value))) for each, value in zip(drawn, values, strict=True)
    ]
    return levy(law, GENERAL_TRADE, batch_of(law, worth))


@SETTINGS
@given(seeds, st.sampled_from([GENERAL_TRADE, RETAIL]))
def test_a_batch_is_its_lines_one_by_one(seed: int, route: str) -> None:
    drawn = drawn_of(seed, 60, route == RETAIL)
    together = rows(levy(every_form.law(), route, batch_of(every_form.law(), drawn)))
    alone = [rows(levy(every_form.law(), route, batch_of(every_form.law(), [each])))[0] for each in drawn]
    assert together == alone


@settings(SETTINGS, max_examples=40)
@example(15, "2019-06-15", GENERAL_TRADE)  # goods worth nothing whose origin is not proven
@given(seeds, st.sampled_from(DAYS), st.sampled_from([GENERAL_TRADE, RETAIL]))
def test_a_request_is_its_lines_one_by_one(seed: int, day: str, route: str) -> None:
    """With parts of codes, exclusion numbers, exporters, contents, currencies; each retail line an order of its own."""
    law = every_form.law()
    drawing = Drawing(law_in(every_form.made()), seed, every_form.FAVOURED, claims=True)
    asked = []
    for i in range(40):
        request = request_of(drawing.line(day, route == RETAIL), route, annual_used_fen=-(10**9))
        asked.append(replace(request, at=None, lines=[replace(request.lines[0], order=str(i))]))
    answers = [(request, alone(law, request)) for request in asked]
    answered = [(request.lines[0], answer) for request, answer in answers if answer is not None]
    if not answered:
        return
    together = assess(law, replace(asked[0], lines=[each for each, _ in answered]))
    assert [each.to_dict() for each in together.lines] == [answer.to_dict() for _, answer in answered]


def alone(law: Tariff, request: Request) -> AssessedLine | None:
    """The answer to a request of one line; None where it is refused."""
    try:
        [answer] = assess(law, request).lines
    except Problem:
        return None
    return answer


@SETTINGS
@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(seed: int, chance) -> None:
    drawn = drawn_of(seed, 200)
    order = list(range(len(drawn)))
    chance.shuffle(order)
    straight = rows(levy(every_form.law(), GENERAL_TRADE, batch_of(every_form.law(), drawn)))
    shuffled = rows(levy(every_form.law(), GENERAL_TRADE, batch_of(every_form.law(), [drawn[i] for i in order])))
    assert shuffled == [straight[i] for i in order]


@pytest.mark.parametrize("seed", [20261123])
def test_a_second_run_and_a_second_reading_of_the_law_give_the_same_bytes(seed: int) -> None:
    drawn = drawn_of(seed, 1_000)
    first, again = (levy(every_form.law(), GENERAL_TRADE, batch_of(every_form.law(), drawn)) for _ in range(2))
    other = load_tariff(every_form.made())
    anew = levy(other, GENERAL_TRADE, batch_of(other, drawn))
    computed = first.fault == OK  # of the other rows only the amounts, none, and the fault are said
    for each in fields(Levied):
        columns = [getattr(levied, each.name) for levied in (first, again, anew)]
        if each.name in ("kind", "entry"):
            columns = [column[computed] for column in columns]
        assert len({column.tobytes() for column in columns}) == 1, each.name
    assert other.edition == every_form.law().edition


@SETTINGS
@given(seeds, st.sampled_from([GENERAL_TRADE, RETAIL]))
def test_what_is_kept_of_a_selection_is_the_selection(seed: int, route: str) -> None:
    """`levy` answers from what it keeps by code, origin, time and proof; `select` chooses anew for each line."""
    law = every_form.law()
    drawn = [
        each for each in drawn_of(seed, 300, route == RETAIL) if law.codes.find(np.array([int(each.facts.hs)]))[0] >= 0
    ]
    batch = batch_of(law, drawn)
    levied = levy(law, route, batch)
    lines = lines_of(law, batch)
    selection = select(law, lines, duty=route == GENERAL_TRADE)
    taxes = general_trade(law, lines, selection) if route == GENERAL_TRADE else retail(law, lines, selection, 70)
    for i in np.flatnonzero(levied.fault == OK):
        assert (selection.fault[i], selection.kind[i], selection.entry[i]) == (OK, levied.kind[i], levied.entry[i])
        assert [getattr(levied, name)[i] for name in AMOUNTS] == [getattr(taxes, name)[i] for name in AMOUNTS], drawn[i]


def lines_of(law: Tariff, batch: Batch) -> Lines:
    shared = {each.name for each in fields(Lines)} & {each.name for each in fields(Batch)}
    return Lines(line=law.codes.find(batch.code), **{name: getattr(batch, name) for name in shared})


@SETTINGS
@given(seeds, st.lists(st.integers(0, 10**9), min_size=2, max_size=2).map(sorted))
def test_a_dearer_line_never_pays_less(seed: int, values: list[int]) -> None:
    """Of lines taxed by shares of the value alone; a sliding duty falls where the price rises, and is none."""
    law, drawn = tariff(), by_value(seed)
    low, high = (at_values(law, drawn, [value] * len(drawn)) for value in values)
    for name in AMOUNTS:
        assert (getattr(low, name) <= getattr(high, name)).all()


@SETTINGS
@given(seeds, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_line_in_two_parts_pays_what_the_whole_pays_but_for_a_fen_a_step(seed: int, one: int, other: int) -> None:
    law, drawn = tariff(), by_value(seed)
    count = len(drawn)
    parts = [at_values(law, drawn, [value] * count) for value in (one, other)]
    whole = at_values(law, drawn, [one + other] * count)
    duty, added, tax, vat = (
        getattr(parts[0], name) + getattr(parts[1], name) - getattr(whole, name) for name in AMOUNTS
    )
    assert (abs(duty) <= 1).all()
    assert (abs(added) <= 4).all()  # four American measures at most, each rounded on its own
    assert (abs(tax) <= 1 + abs(duty + added)).all()
    assert (abs(vat) <= 1 + abs(duty + added + tax)).all()


def by_value(seed: int, count: int = 150) -> list[Drawn]:
    """Lines of the committed law whose taxes are shares of the value: no quantity is given, and none is missed."""
    law = tariff()
    drawing = Drawing(law_in(DATA), seed)
    drawn = [drawing.line() for _ in range(count)]
    bare = [replace(each, facts=replace(each.facts, quantity={}, unproven=False)) for each in drawn]
    levied = at_values(law, bare, [100] * count)
    kept = [each for each, fault in zip(bare, levied.fault, strict=True) if fault == OK]
    assert len(kept) > count // 2
    return kept


@SETTINGS
@given(seeds)
def test_eight_digits_answer_as_each_of_their_codes_or_not_at_all(seed: int) -> None:
    law = tariff()
    drawing = Drawing(law_in(DATA), seed)
    for _ in range(12):
        facts = drawing.line().facts
        asked = general(
            facts.day, line(facts.hs[:8], facts.origin, "1000.00", origin_proof=facts.proven, unit="carton")
        )
        codes = law.children(facts.hs[:8], date.fromisoformat(facts.day)) or [facts.hs[:8]]
        each = [outcome(law, replace(asked, lines=[replace(asked.lines[0], hs=hs)])) for hs in codes]
        answer = outcome(law, asked)
        if answer[0] == "code_ambiguous":  # refused for a missing quantity, codes may still differ in their rates
            assert len(set(each)) > 1 or not isinstance(each[0][0], int), facts
        elif isinstance(answer[0], int):
            assert set(each) == {answer}, facts


def outcome(law: Tariff, request: Request) -> tuple[object, ...]:
    """The amounts, or the code of the refusal."""
    try:
        [answer] = assess(law, request).lines
    except Problem as problem:
        return (problem.code,)
    return answer.amounts()
