"""The interbank market's calendar: Monday to Friday outside the closures on file; years not announced are not known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from core.errors import Problem
from customs.tariff import problems
from customs.tariff.reading import Row

_SATURDAY = 5
_ONE = timedelta(days=1)


class TradingDays:
    """From the rows of market_holidays.csv. A closure belongs to the year it ends in, for a New Year's holiday may
    begin in December; a year without any closure is not announced. A make-up working Saturday is no trading day."""

    def __init__(self, closures: Iterable[Row]) -> None:
        self._closed: set[int] = set()
        self._years: set[int] = set()
        for row in closures:
            self._closed.update(range(row["first_day"], row["last_day"] + 1))
            self._years.add(date.fromordinal(row["last_day"]).year)

    def is_open(self, day: date) -> bool:
        """Raises Problem calendar_unknown when the year's holidays are not announced."""
        if day.year not in self._years:
            detail = (
                f"the holidays of {day.year} are not on file: {day} may be a trading day or not (market_holidays.csv)"
            )
            raise Problem(problems.CALENDAR_UNKNOWN, detail)
        return day.weekday() < _SATURDAY and day.toordinal() not in self._closed

    def from_day(self, day: date) -> date:
        """The day itself when it is a trading day, else the next one. Raises Problem calendar_unknown."""
        while not self.is_open(day):
            day += _ONE
        return day

    def outside_closure(self, day: date) -> date:
        """The day itself, be it a weekend, or the first after the closures on file that it lies in."""
        while day.toordinal() in self._closed:
            day += _ONE
        return day
