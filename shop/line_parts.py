"""Parts of stored amounts: what of a line, or of an order, belongs to a quantity that is paid back.

Each end is rounded from the whole, so the parts of a line, however often and in whatever portions they go back, are the
whole to the fen; between two portions that is the largest remainder.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from core.money import half_up
from shop.models import OrderLine


def between(amount: int, whole: Decimal | int, first: Decimal | int, last: Decimal | int) -> int:
    """What of `amount` lies between the quantities `first` and `last` of a `whole`; 0 of nothing."""
    if not whole:
        return 0

    def up_to(quantity: Decimal | int) -> int:
        exact = amount * Fraction(quantity) / Fraction(whole)
        return int(half_up(exact.numerator, exact.denominator))

    return up_to(last) - up_to(first)


def discount_of(line: OrderLine, first: int, last: int) -> int:
    """What of a line's coupon belongs to its goods between `first` and `last` fen: never more than those goods."""
    return between(line.discount_fen, line.goods_fen, first, last)
