"""The days in which goods can go back are parameters of the law on the day of release (rule A18)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from customs import declarations, edition
from tests.cases.law import tariff


@dataclass
class Lengthened:
    """A law that gives 40 days for what is released from 2027 on."""

    def parameter(self, name: str, day: date) -> dict[str, Any]:
        assert name == "return_apply_days"
        return {"value": Decimal(40)} if day >= date(2027, 1, 1) else tariff().parameter(name, day)


def test_day_thirty_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "tariff", tariff)
    released = date(2026, 11, 23)
    assert declarations.return_days(released) == 30
    assert declarations.within_return_days(released, date(2026, 12, 23))
    assert not declarations.within_return_days(released, date(2026, 12, 24))
    assert not declarations.within_return_days(released, date(2026, 11, 22))


def test_the_law_of_the_day_of_release_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "tariff", Lengthened)
    assert not declarations.within_return_days(date(2026, 12, 31), date(2027, 1, 31))
    assert declarations.within_return_days(date(2027, 1, 1), date(2027, 2, 10))
    assert not declarations.within_return_days(date(2027, 1, 1), date(2027, 2, 11))


@pytest.mark.parametrize("day", [date(2016, 4, 8), date(2020, 3, 27), date(2020, 3, 28), date(2026, 11, 23)])
def test_both_periods_are_on_file_since_the_policy_began(day: date) -> None:
    assert tariff().parameter("return_apply_days", day)["value"] == 30
    assert tariff().parameter("return_arrive_days", day)["value"] == 45
