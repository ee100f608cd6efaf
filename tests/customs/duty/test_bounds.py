"""What the columns refuse before they compute, and rows that cannot be computed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from core.errors import Problem
from customs.duty.batch import GENERAL_TRADE, RETAIL, Batch, Levied, levy
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS, VALUE_MAX_FEN
from customs.duty.columns import NO_CLASS, NO_CODE, NO_CONTENT, NO_QUANTITY, NO_RATE, OK
from customs.duty.valuation import parts
from tests.cases.law import tariff

BEEF, CREAM, WATCH, CHICKEN = 202300090, 3304990099, 9102110000, 207142100
FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)


def batch(
    code: int = BEEF, origin: str | None = "BR", day: date = date(2025, 6, 1), value: int = 100_000, **more: Any
) -> Batch:
    """One row; columns in `more` are given as single values."""
    columns = {name: np.array([given]) for name, given in more.items() if name != "quantity"}
    quantity = {unit: np.array([amount]) for unit, amount in more.get("quantity", {}).items()}
    country = tariff().origins.number[origin] if origin else 0
    return Batch(code=np.array([code]), origin=np.array([country]), day=np.array([day.toordinal()]),
                 value=np.array([value]), quantity=quantity, **columns)  # fmt: skip


def repeated(row: Batch, count: int) -> Batch:
    code, origin, day, value = (np.repeat(column, count) for column in (row.code, row.origin, row.day, row.value))
    return Batch(code=code, origin=origin, day=day, value=value)


def one(route: str = GENERAL_TRADE, **more: Any) -> tuple[int, ...]:
    """Duty, additional duty, consumption tax, VAT and the fault of one row."""
    levied = levy(tariff(), route, batch(**more))
    return tuple(
        int(getattr(levied, name)[0]) for name in (*("duty", "additional_duty", "consumption_tax", "vat"), "fault")
    )


def test_no_rows_are_no_fault() -> None:
    nothing = np.empty(0, np.int64)
    levied = levy(tariff(), GENERAL_TRADE, Batch(nothing, nothing, nothing, nothing, quantity={"kg": nothing}))
    assert [len(getattr(levied, name)) for name in Levied.__slots__] == [0] * 7


@pytest.mark.parametrize(
    ("given", "words"),
    [({"value": -1}, "from 0 to 10000000000 CNY"), ({"value": VALUE_MAX_FEN + 1}, "from 0 to 10000000000 CNY"),
     ({"day": date.fromordinal(FIRST.toordinal() - 1)}, "days lie between 1990 and 2099"),
     ({"day": date.fromordinal(LAST.toordinal() + 1)}, "days lie between 1990 and 2099"),
     ({"quantity": {"kg": QUANTITY_MAX * QUANTITY_PARTS + 1}}, "a quantity in kg is at most 1000000000")],
)  # fmt: skip
def test_what_cannot_be_carried_exactly_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as refused:
        one(**given)
    assert refused.value.code == "out_of_bounds"
    assert words in refused.value.detail


@pytest.mark.parametrize(
    "given",
    [{"value": 0}, {"value": VALUE_MAX_FEN}, {"day": FIRST}, {"day": LAST},
     {"quantity": {"kg": QUANTITY_MAX * QUANTITY_PARTS}}, {"quantity": {"kg": -1}}],
)  # fmt: skip
def test_the_bounds_themselves_are_inside(given: dict[str, Any]) -> None:
    one(**given)


@pytest.mark.parametrize("extreme", [{"value": -1}, {"value": VALUE_MAX_FEN + 1}])
def test_one_row_beyond_is_found_among_others(extreme: dict[str, int]) -> None:
    many = repeated(batch(), 3)
    many.value[1] = extreme["value"]
    with pytest.raises(Problem):
        levy(tariff(), GENERAL_TRADE, many)


def test_a_quantity_has_five_decimals_and_a_bound() -> None:
    assert parts(Decimal(0)) == 0
    assert parts(Decimal("0.00001")) == 1
    assert parts(Decimal("0.5")) == 50_000
    assert parts(Decimal(QUANTITY_MAX)) == QUANTITY_MAX * QUANTITY_PARTS
    for given, words in (("-0.00001", "between 0 and 1000000000"), (f"{QUANTITY_MAX}.00001", "between 0 and 1000000000"),
                         ("0.000001", "a quantity has at most five decimals")):  # fmt: skip
        with pytest.raises(Problem) as refused:
            parts(Decimal(given))
        assert refused.value.code == "out_of_bounds"
        assert words in refused.value.detail


@pytest.mark.parametrize("unproven", [False, True])
@pytest.mark.parametrize(
    ("code", "day", "fault"),
    [(4414009090, date(2021, 12, 31), OK), (4414009090, date(2022, 1, 1), NO_CODE), (303131000, date(2023, 12, 31), NO_CODE),
     (303131000, date(2024, 1, 1), OK), (9999999999, date(2025, 6, 1), NO_CODE), (101210010, date(2025, 6, 1), OK)],
)  # fmt: skip
def test_a_code_is_in_force_from_its_first_day_to_its_last(code: int, day: date, fault: int, unproven: bool) -> None:
    """Alike in what is kept of earlier answers and in what is selected anew."""
    found = one(code=code, origin="US" if not unproven else "VN", day=day, unproven=unproven)
    assert (found[-1] if found[-1] != NO_RATE else OK) == fault
    if fault == NO_CODE:
        assert found[:4] == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("more", "fault"),
    [({"origin": "GL"}, NO_CLASS), ({"code": CHICKEN}, NO_QUANTITY), ({"code": CHICKEN, "quantity": {"kg": -1}}, NO_QUANTITY),
     ({"code": CREAM}, NO_CONTENT), ({"code": WATCH, "origin": "JP"}, NO_CONTENT),
     ({"code": 3702319000, "origin": "DE"}, NO_RATE), ({"code": CHICKEN, "quantity": {"kg": 0}}, OK)],
)  # fmt: skip
def test_a_row_that_cannot_be_computed_says_why_and_bears_nothing(more: dict[str, Any], fault: int) -> None:
    found = one(**more)
    assert found[-1] == fault
    if fault != OK:
        assert found[:4] == (0, 0, 0, 0)


@pytest.mark.parametrize("route", [GENERAL_TRADE, RETAIL])
def test_a_price_threshold_looks_at_the_value_before_it_was_rounded(route: str) -> None:
    """100 ml for 999.995 yuan, which is rounded to 1,000.00: 9.99995 yuan a ml is below 10 (rule A21)."""
    content: dict[str, Any] = {
        "quantity": {"ml": 100 * QUANTITY_PARTS},
        "code": CREAM,
        "origin": "FR",
        "value": 100_000,
    }
    exact = np.empty(1, object)
    exact[0] = Fraction(199_999, 2)
    made = batch(**content)
    made.exact = exact
    assert levy(tariff(), route, made).consumption_tax[0] == 0
    assert one(route, **content)[2] > 0


def test_rows_beyond_one_piece_are_computed_like_the_first() -> None:
    """More rows than fit one piece, the last piece not full."""
    count = 16_384 * 2 + 5
    many = repeated(batch(), count)
    many.value[:] = np.arange(count) * 100
    levied = levy(tariff(), GENERAL_TRADE, many)
    assert (levied.duty == np.arange(count) * 12).all()
    assert (levied.vat == (np.arange(count) * 112 * 9 + 50) // 100).all()
