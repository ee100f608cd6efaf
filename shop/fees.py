"""What the platform takes of an order: the published percentage of its goods, rounded half-up once per order.

Reckoned on what the merchant keeps, cumulatively: after a refund the whole is reckoned anew and the difference to what
was taken goes back, so the parts taken are always what the whole order owes. Terms are `catalog.policy`'s alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from catalog import policy
from core.money import half_up


def due(goods: Iterable[tuple[str, int]], day: date, kept_fen: int) -> int:
    """What is due in fen, of goods as pairs of category and amount, ordered on `day`, of which `kept_fen` were kept.

    Lines of several categories are weighed by their amounts. Nothing is due of an order the merchant lost money with.
    """
    pairs = [(category, amount) for category, amount in goods if amount]
    whole = sum(amount for _, amount in pairs)
    if kept_fen <= 0 or whole <= 0:
        return 0
    rates = [amount * Fraction(policy.rate_of_sale(category, day)) for category, amount in pairs]
    weighed = sum(rates, Fraction(0))
    exact = kept_fen * weighed / whole / 100
    return int(half_up(exact.numerator, exact.denominator))
