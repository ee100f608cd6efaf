"""Both ends belong to a period."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import Period

days = st.dates(date(2020, 1, 1), date(2020, 3, 1))
periods = st.tuples(days, st.one_of(st.none(), st.integers(0, 40))).map(
    lambda pair: Period(pair[0], None if pair[1] is None else pair[0] + timedelta(pair[1]))
)


def test_first_and_last_day_count() -> None:
    period = Period(date(2026, 6, 20), date(2026, 12, 31))
    assert date(2026, 6, 19) not in period
    assert date(2026, 6, 20) in period
    assert date(2026, 12, 31) in period
    assert date(2027, 1, 1) not in period
    assert date(2999, 1, 1) in Period(date(2026, 1, 1))


def test_one_day_is_a_period_and_less_is_none() -> None:
    assert date(2026, 1, 1) in Period(date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(ValueError):
        Period(date(2026, 1, 2), date(2026, 1, 1))


@given(periods, periods)
def test_overlap_means_a_common_day(one: Period, other: Period) -> None:
    span = [date(2020, 1, 1) + timedelta(n) for n in range(130)]
    assert one.overlaps(other) == any(day in one and day in other for day in span)
    assert one.overlaps(other) == other.overlaps(one)
