"""The limits of the retail route by day: 2,000 and 20,000 until 2018, 5,000 and 26,000 since 2019; equal is allowed."""

from datetime import date
from decimal import Decimal

import pytest

from customs import assessments
from customs.assessments.request import Line
from tests.cases.law import tariff

LAST_OLD, FIRST_NEW = date(2018, 12, 31), date(2019, 1, 1)


def limits(day: date, *lines: tuple[str, str], left: str | None = None) -> list[str]:
    """The limits that lines of (value, quantity) break, `left` being what is left of the year."""
    asked = [Line(hs="0306120000", origin="CA", quantity=Decimal(quantity), unit="kg", value=Decimal(value),
                  freight=Decimal(0), insurance=Decimal(0)) for value, quantity in lines]  # fmt: skip
    year = tariff().retail_limits(day).annual_fen if left is None else int(Decimal(left) * 100)
    found = assessments.retail_blocks(tariff(), day, "1210", asked, year)
    return [block["code"] for block in found if block["code"] in ("single_limit", "annual_limit")]


@pytest.mark.parametrize(
    ("day", "limit"), [(LAST_OLD, "2000.00"), (FIRST_NEW, "5000.00"), (date(2026, 11, 25), "5000.00")]
)
def test_equal_to_the_single_limit_is_allowed_and_a_fen_more_is_not(day: date, limit: str) -> None:
    more = str(Decimal(limit) + Decimal("0.01"))
    assert limits(day, (limit, "2")) == []
    assert limits(day, (more, "2")) == ["single_limit"]
    assert limits(day, (limit, "1"), ("0.01", "1")) == ["single_limit"]
    assert limits(day, (more, "1")) == []  # the one single item, in both periods (rule A6)


@pytest.mark.parametrize(("day", "year"), [(LAST_OLD, "20000.00"), (FIRST_NEW, "26000.00")])
def test_equal_to_the_year_is_allowed_and_a_fen_more_is_not(day: date, year: str) -> None:
    more = str(Decimal(year) + Decimal("0.01"))
    assert limits(day, (year, "1")) == []
    assert limits(day, (more, "1")) == ["annual_limit"]
    assert limits(day, ("100.00", "1"), left="100.00") == []
    assert limits(day, ("100.01", "1"), left="100.00") == ["annual_limit"]
