"""By which day taxes are paid, and what paying later costs.

Retail under a guarantee: from day 31 to day 45 after release, counted as rule A18 counts (release + n calendar days).
General trade: 15 days from the completion of the declaration (Tariff Law art. 43). A last day that is a rest day or a
legal holiday moves to the next working day (measures on the collection of duties; assumed). The holidays are those of
the interbank calendar, to which a make-up working Saturday is closed too: what is late is reckoned from the first day
outside its closures (`strict`), since a weekend without one may be worked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.errors import Problem, invalid
from core.money import half_up
from customs import edition
from customs.tariff.problems import CALENDAR_UNKNOWN

DAYS_SHOWN = 366


@dataclass(frozen=True, slots=True)
class Term:
    """`first` day on which it can be paid, the last by count (`counted`) and the last that is in time (`last`).

    `strict` is the last that is in time even if the weekends are worked: `counted`, or the day after its closure.
    `calendar_known` is False where the holidays of the year are not announced; then nothing was moved.
    """

    first: date
    counted: date
    last: date
    strict: date
    calendar_known: bool = True


@dataclass(frozen=True, slots=True)
class LateFee:
    """What `days` of delay cost, in fen; below the least (`waived`) nothing is asked."""

    days: int
    exact_fen: int
    fee_fen: int
    waived: bool


def retail_days(released_on: date) -> tuple[int, int]:
    """The first and the last day after release on which the tax of a retail list is paid."""
    law = edition.tariff()
    first = law.parameter("retail_payment_first_day", released_on)["value"]
    return int(first), int(law.parameter("retail_payment_last_day", released_on)["value"])


def retail(released_on: date) -> Term:
    """The term of a list released on a Beijing day. Raises Problem `parameter_missing`."""
    first, last = retail_days(released_on)
    return _moved(released_on + timedelta(days=first), released_on + timedelta(days=last))


def general_trade(declared_on: date) -> Term:
    """The term of a consignment declared on a Beijing day. Raises Problem `parameter_missing`."""
    return _moved(declared_on, declared_on + timedelta(days=general_trade_days(declared_on)))


def general_trade_days(declared_on: date) -> int:
    """By which day after the declaration the tax of a consignment is paid."""
    return int(edition.tariff().parameter("tax_payment_days", declared_on)["value"])


def _moved(first: date, counted: date) -> Term:
    calendar = edition.tariff().trading_days
    try:
        return Term(first, counted, calendar.from_day(counted), calendar.outside_closure(counted))
    except Problem as problem:
        if problem.code != CALENDAR_UNKNOWN:
            raise
        return Term(first, counted, counted, counted, calendar_known=False)


def late_fee(amount_fen: int, last: date, paid_on: date) -> LateFee:
    """The fee for paying `amount_fen` on `paid_on` when `last` was the last day: a share a day, rounded half-up once.

    Raises Problem `parameter_missing`, and `invalid_input` for a negative amount.
    """
    if amount_fen < 0:
        raise invalid("amount", "must not be negative")
    days = max(0, (paid_on - last).days)
    law = edition.tariff()
    share = Decimal(law.parameter("late_fee_share", last)["value"]) / 100
    least = int(law.parameter("late_fee_least", last)["value"] * 100)
    numerator, denominator = (share * amount_fen * days).as_integer_ratio()
    exact = int(half_up(numerator, denominator))
    waived = 0 < exact < least
    return LateFee(days, exact, 0 if waived else exact, waived)


def late_fees(amount_fen: int, last: date, paid_on: date) -> Iterator[tuple[date, LateFee]]:
    """The fee for each day of delay up to `paid_on`, the last `DAYS_SHOWN` of them."""
    days = (paid_on - last).days
    for number in range(max(1, days - DAYS_SHOWN + 1), days + 1):
        day = last + timedelta(days=number)
        yield day, late_fee(amount_fen, last, day)
