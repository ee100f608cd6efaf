"""Why a bill's line is not ours, read from figures alone."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customs.billing.causes import Difference, Line, compare


def totals(lines: dict[int, Line]) -> dict[str, int]:
    return {name: sum(getattr(line, name) for line in lines.values()) for name in ("duty", "consumption_tax", "vat")}


def differ(ours: dict[int, Line], theirs: dict[int, Line], **sums: int) -> list[Difference]:
    return compare(ours, theirs, {**totals(theirs), **sums})


OURS = {1: Line(10332, 0, 0, 651, Decimal(3), 333), 2: Line(20000, 0, 1235, 1820, Decimal(2), 100)}


def test_the_same_is_no_difference() -> None:
    assert differ(OURS, dict(OURS)) == []


def test_freight_shared_otherwise_moves_value_and_tax_between_lines() -> None:
    theirs = {1: Line(10432, 0, 0, 657), 2: Line(19900, 0, 1229, 1811)}
    assert differ(OURS, theirs) == [
        Difference(1, "dutiable_value", 10332, 10432, "freight_sharing"),
        Difference(1, "vat", 651, 657, "freight_sharing"),
        Difference(2, "dutiable_value", 20000, 19900, "freight_sharing"),
        Difference(2, "consumption_tax", 1235, 1229, "freight_sharing"),
        Difference(2, "vat", 1820, 1811, "freight_sharing"),
    ]


def test_more_than_the_freight_cannot_be_its_sharing() -> None:
    theirs = {1: Line(10332 + 434, 0, 0, 678), 2: Line(20000 - 434, 0, 1208, 1781)}
    assert {each.cause for each in differ(OURS, theirs)} == {"unknown"}


@pytest.mark.parametrize(("vat", "cause"), [(650, "rounding_order"), (652, "rounding_order"), (653, "rate")])
def test_on_the_same_value_a_fen_is_rounding_and_more_is_the_rate(vat: int, cause: str) -> None:
    theirs = {**OURS, 1: Line(10332, 0, 0, vat)}
    assert differ(OURS, theirs) == [Difference(1, "vat", 651, vat, cause)]


def test_a_duty_that_we_did_not_levy_is_another_rate() -> None:
    theirs = {**OURS, 1: Line(10332, 517, 0, 651)}
    assert differ(OURS, theirs) == [Difference(1, "duty", 0, 517, "rate")]


def test_another_quantity_shows_in_the_value() -> None:
    theirs = {**OURS, 1: Line(6888, 0, 0, 434)}  # two of three
    assert {each.cause for each in differ(OURS, theirs)} == {"quantity"}
    theirs = {**OURS, 1: Line(6888, 0, 0, 620)}  # two of three, at another rate
    assert [(each.kind, each.cause) for each in differ(OURS, theirs)] == [
        ("dutiable_value", "quantity"),
        ("vat", "rate"),
    ]


def test_lines_that_only_one_side_has_are_not_explained() -> None:
    assert differ(OURS, {1: OURS[1]}) == [
        Difference(2, "dutiable_value", 20000, 0, "unknown"),
        Difference(2, "consumption_tax", 1235, 0, "unknown"),
        Difference(2, "vat", 1820, 0, "unknown"),
    ]
    assert {each.gnum for each in differ(OURS, {**OURS, 9: Line(1, 0, 0, 1)})} == {9}


def test_a_sum_that_is_not_that_of_its_lines_stands_on_line_0() -> None:
    assert differ(OURS, dict(OURS), vat=2500) == [Difference(0, "total", 2471, 2500, "unknown")]


def test_a_bill_without_lines_is_compared_as_a_whole() -> None:
    whole = totals(OURS)
    assert compare(OURS, {}, whole)[0].cause == "unknown"


amounts = st.integers(0, 10**9)


@given(st.dictionaries(st.integers(1, 4), st.tuples(amounts, amounts, amounts, amounts), max_size=4),
       st.dictionaries(st.integers(1, 4), st.tuples(amounts, amounts, amounts, amounts), max_size=4))  # fmt: skip
def test_the_tax_differences_always_sum_to_what_is_billed_more(ours: dict, theirs: dict) -> None:
    mine = {gnum: Line(*values, Decimal(1), 5) for gnum, values in ours.items()}
    asked = {gnum: Line(*values) for gnum, values in theirs.items()}
    found = [each for each in differ(mine, asked) if each.kind not in ("dutiable_value", "total")]
    assert sum(each.billed_fen - each.ours_fen for each in found) == sum(totals(asked).values()) - sum(
        totals(mine).values()
    )
    assert len({(each.gnum, each.kind) for each in found}) == len(found)
