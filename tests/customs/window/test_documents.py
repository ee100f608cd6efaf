"""What a document says that its order does not: the unit price of a line that is partly at a reduced price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customs.window.documents import ALWAYS_DECLARABLE, declarable


@pytest.mark.parametrize(
    ("total_fen", "quantity", "gives"),
    [(299650, "3000", False), (300000, "3000", True), (9901, "100", True), (100000, "3000", False)],
)
def test_a_unit_price_of_five_decimals_gives_the_total_or_not(total_fen: int, quantity: str, gives: bool) -> None:
    assert declarable(total_fen, Decimal(quantity)) is gives


@given(st.integers(0, 50_000_000), st.integers(1, ALWAYS_DECLARABLE))
def test_of_a_line_that_is_not_very_long_it_always_does(total_fen: int, quantity: int) -> None:
    assert declarable(total_fen, Decimal(quantity))
