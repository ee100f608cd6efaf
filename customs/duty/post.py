"""Personal articles (行邮): what an article is, the price that is taxed, the one tax that stands for all three.

Import duty, VAT and consumption tax on articles for own use are levied together, price times rate (Tariff Law art. 5
and Tariff Commission 2024 No.11; before December 2024 Import and Export Tariff Regulations art. 56-59).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from core.errors import Problem, declare
from core.money import half_up
from customs.duty.bounds import QUANTITY_PARTS
from customs.duty.valuation import Quantities
from customs.tariff import Tariff, problems
from customs.tariff.rates import Price
from customs.tariff.reading import Row
from customs.tariff.units import Units

CATEGORY_UNKNOWN = declare("post_category_unknown", 422, "No such category of personal articles, or none for the code")

# Words for one article; all others ("bottle", "pair") say more and are taken as they stand: a packet is no cigarette.
_ARTICLE = frozenset({"piece", "each", "item", "machine", "vehicle"})
NEAR = ("HK", "MO", "TW")  # limits of their own until November 2024


@dataclass(frozen=True, slots=True)
class Article:
    """What an article is on a day: the row of its category, the row of its listed price (None: not read), and the row
    that gives the category to its code (None: the line named it)."""

    category: Row
    price: Row | None
    member: Row | None


@dataclass(frozen=True, slots=True)
class Band:
    """The price in comparison with the listed one: above `least` and below `most` times of it the listed price counts
    (GACC 2012 No.15). Rows of parameters."""

    least: Row
    most: Row

    def holds(self, paid: Fraction, listed: Fraction) -> bool:
        """Twice the listed price, or half of it, is outside already."""
        return Fraction(self.least["value"]) * listed < paid < Fraction(self.most["value"]) * listed


def article_of(tariff: Tariff, category: str | None, hs: str, day: date) -> Article:
    """The article of a line that names its category or its code. Raises Problem post_category_unknown or
    before_coverage."""
    ordinal, member = day.toordinal(), None
    if category is None:
        member = tariff.by_prefix("post_members").find(hs, ordinal)
        if member is None:
            detail = f"{hs}: no category of articles is on file for the code (post_members.csv); name one"
            raise Problem(CATEGORY_UNKNOWN, detail)
        category = str(member["category"])
    row = _in_force(tariff, "post_categories", "id", category, ordinal)
    if row is None:
        raise _no_category(tariff, category, day)
    return Article(row, _in_force(tariff, "post_prices", "category", category, ordinal), member)


def _no_category(tariff: Tariff, category: str, day: date) -> Problem:
    if not any(row["id"] == category for row in tariff.tables["post_categories"]):
        return Problem(CATEGORY_UNKNOWN, f"{category}: no such category of articles (post_categories.csv)")
    detail = f"{category}: the class of such articles on {day} was not read (post_categories.csv)"
    return Problem(problems.BEFORE_COVERAGE, detail)


def class_rate(tariff: Tariff, name: str, day: date) -> Row:
    """The row with the rate of a class; every class that a category names on a day has one (the tests hold it so)."""
    row = _in_force(tariff, "post_rates", "class", name, day.toordinal())
    if row is None:
        raise Problem(problems.BEFORE_COVERAGE, f"class {name}: no rate on file on {day} (post_rates.csv)")
    return row


def _in_force(tariff: Tariff, table: str, column: str, name: str, day: int) -> Row | None:
    found: Row | None = tariff.index.kept(
        (table, name, day),
        lambda: next((row for row in tariff.tables[table]
                      if row[column] == name and row["first_day"] <= day <= row["last_day"]), None),
    )  # fmt: skip
    return found


def band_of(tariff: Tariff, day: date) -> Band:
    """Raises Problem parameter_missing."""
    return Band(tariff.parameter("post_price_least", day), tariff.parameter("post_price_most", day))


def limit_of(tariff: Tariff, sent_from: str | None, day: date) -> Row:
    """The limit of one parcel by the country it is sent from. Raises Problem parameter_missing."""
    return tariff.parameter("post_limit_near" if sent_from in NEAR else "post_limit", day)


def measured(quantities: Quantities, units: Units, unit: str) -> int:
    """The quantity in a unit of the price table in 0.00001 units; -1 when nothing given tells it."""
    if unit in _ARTICLE and quantities.unit in _ARTICLE:
        return int(quantities.quantity * QUANTITY_PARTS)
    return quantities.of(units, unit)


def listed_total(price: Decimal, parts: int) -> Fraction:
    """The listed price of a quantity in fen, exact."""
    return Fraction(price) * 100 * parts / QUANTITY_PARTS


def reached(value: Fraction | int, thresholds: Sequence[Price], quantities: Quantities, units: Units) -> bool | None:
    """Is the value (fen) per unit at or above the first threshold whose unit is known? None when none is known."""
    for price in thresholds:
        parts = measured(quantities, units, price.unit)
        if parts > 0:
            return Fraction(value) >= Fraction(price.numerator * 100 * parts, price.denominator * QUANTITY_PARTS)
    return None


def fen(exact: Fraction) -> int:
    """An exact amount rounded once, half up."""
    return int(half_up(exact.numerator, exact.denominator))
