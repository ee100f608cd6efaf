"""Rounding and sharing: what every figure of the house rests on."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import fen_text, half_up, parse_fen, plain, round_to_fen, share

amounts = st.integers(min_value=-(10**14), max_value=10**14)


@given(amounts, st.integers(min_value=1, max_value=10**12))
def test_half_up_agrees_with_decimal(numerator: int, denominator: int) -> None:
    from decimal import ROUND_HALF_UP, localcontext

    with localcontext() as context:
        context.prec = 60
        expected = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert half_up(numerator, denominator) == expected


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(min_value=1, max_value=10**6))
def test_half_up_is_the_same_on_a_column(numerators: list[int], denominator: int) -> None:
    column = half_up(np.array(numerators, dtype=np.int64), denominator)
    assert column.tolist() == [half_up(number, denominator) for number in numerators]


@given(st.integers(min_value=-(10**12), max_value=10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_sharing_loses_and_invents_nothing(total: int, keys: list[int]) -> None:
    if sum(keys) == 0:
        with pytest.raises(ValueError):
            share(total, keys)
        return
    parts = share(total, keys)
    assert sum(parts) == total
    assert all(part == 0 for part, key in zip(parts, keys, strict=True) if key == 0)
    exact = [Decimal(total) * key / sum(keys) for key in keys]
    assert all(abs(part - true) < 1 for part, true in zip(parts, exact, strict=True))


def test_ties_go_to_the_earlier_line() -> None:
    assert share(1000, [1, 1, 1]) == [334, 333, 333]
    assert share(2, [1, 1, 1, 1]) == [1, 1, 0, 0]


@pytest.mark.parametrize(("text", "fen"), [("0", 0), ("531.50", 53150), ("531.5", 53150), ("0.01", 1)])
def test_amounts_are_read_and_written(text: str, fen: int) -> None:
    assert parse_fen(text) == fen
    assert parse_fen(fen_text(fen)) == fen


@pytest.mark.parametrize(
    "text", ["", "1.234", "-1", "+1", "1e3", "1E+1000000", "１２", "1_000", "1,000", " 1", "1 ", "NaN", "01", ".5", "1.",
             "9" * 14, "1\n"]
)  # fmt: skip
def test_odd_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_fen(text)


def test_exact_amounts_round_once() -> None:
    assert round_to_fen(Decimal("0.005")) == 1
    assert round_to_fen(Decimal("0.00499999999")) == 0
    assert round_to_fen(Decimal("1E+3")) == 100000
    assert plain(Decimal("12.500")) == "12.5"
    assert plain(Decimal("1E+2")) == "100"
