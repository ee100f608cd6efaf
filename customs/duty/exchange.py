"""Customs' exchange rates (Tariff Law art. 60): one rate a month, fixed on a day of the month before (rule A17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.errors import Problem
from customs.tariff import Tariff, problems
from customs.tariff.reading import Row
from customs.tariff.trading_days import TradingDays

ORDER_272 = date(2024, 12, 1)  # from the rate of this month on, a closed Wednesday moves to the next trading day
_WEDNESDAY = 2
_WEEK = timedelta(days=7)


def rate_day(year: int, month: int, days: TradingDays) -> date:
    """The day whose central parity is the customs rate of a month: the third Wednesday of the month before.

    When the market is closed on it: the next trading day (Order 272), for months before December 2024 the fourth
    Wednesday (Order 124). Raises Problem calendar_unknown.
    """
    first = date(year, month, 1)
    before = (first - timedelta(days=1)).replace(day=1)
    third = before + timedelta(days=(_WEDNESDAY - before.weekday()) % 7) + 2 * _WEEK
    if first >= ORDER_272:
        return days.from_day(third)
    return third if days.is_open(third) else third + _WEEK


@dataclass(frozen=True, slots=True)
class CustomsRate:
    """CNY for one unit of a currency. `row` is its row of exchange_rates.csv and `fixed_on` the day its month takes
    it from, where the calendar tells; a rate that the request gives has neither."""

    value: Decimal
    row: Row | None = None
    fixed_on: date | None = None


YUAN = CustomsRate(Decimal(1))


class Rates:
    """The rates of one day as a valuation asks for them: a request's own first, else those of the law's table.

    `own` is CNY for one unit of each currency. Raises Problem currency_unknown for a currency not in currencies.csv:
    a slip there must not let the law's own rate through unseen.
    """

    def __init__(self, tariff: Tariff, day: date, own: Mapping[str, Decimal]) -> None:
        self._tariff, self._day, self._own = tariff, day, own
        self._known = {"CNY": YUAN}
        for currency in own:
            if currency not in tariff.currencies:
                detail = f"{currency}: no such currency (currencies.csv)"
                raise Problem(problems.CURRENCY_UNKNOWN, detail, errors={f"exchange_rates.{currency}": [detail]})

    def of(self, currency: str) -> CustomsRate:
        """Raises Problem currency_unknown or exchange_rate_missing."""
        known = self._known.get(currency)
        if known is None:
            known = self._known[currency] = self._look_up(currency)
        return known

    def _look_up(self, currency: str) -> CustomsRate:
        own = self._own.get(currency)
        if own is not None:
            if own <= 0:
                raise Problem(problems.EXCHANGE_RATE_MISSING, f"{currency}: a rate is above zero")
            return CustomsRate(own)
        try:
            value, row = self._tariff.exchange_rate(currency, self._day)
        except Problem as problem:
            if problem.code != problems.EXCHANGE_RATE_MISSING:
                raise
            day, doubt = self._fixed_on()
            wanted = doubt if day is None else f"it is the central parity of {day}"
            raise Problem(problem.code, f"{problem.detail}; {wanted}") from None
        return CustomsRate(value, row, self._fixed_on()[0])

    def _fixed_on(self) -> tuple[date | None, str]:
        """The day that the rate of this month is of, or why it cannot be told."""
        try:
            return rate_day(self._day.year, self._day.month, self._tariff.trading_days), ""
        except Problem as problem:
            return None, problem.detail
