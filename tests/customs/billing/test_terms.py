"""By which day taxes are paid, and what paying later costs."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import Problem
from customs import edition
from customs.billing import due, terms


@pytest.fixture(autouse=True, scope="module")
def _law() -> None:
    edition.load(Path(__file__).parents[3] / "customs" / "data")


@pytest.mark.parametrize(
    ("released", "first", "counted", "last", "strict"),
    [
        (date(2026, 6, 1), date(2026, 7, 2), date(2026, 7, 16), date(2026, 7, 16), date(2026, 7, 16)),  # a Thursday
        (date(2026, 6, 3), date(2026, 7, 4), date(2026, 7, 18), date(2026, 7, 20), date(2026, 7, 18)),  # a Saturday
        (date(2026, 8, 26), date(2026, 9, 26), date(2026, 10, 10), date(2026, 10, 12), date(2026, 10, 10)),  # worked
        (date(2026, 8, 17), date(2026, 9, 17), date(2026, 10, 1), date(2026, 10, 8), date(2026, 10, 8)),  # National Day
    ],
)
def test_retail_is_paid_from_day_31_to_day_45(
    released: date, first: date, counted: date, last: date, strict: date
) -> None:
    """The last day that is strictly in time is a Saturday that may be worked, as 2026-10-10 is."""
    assert terms.retail(released) == terms.Term(first, counted, last, strict)


@pytest.mark.parametrize(("day", "phase", "fee"), [(10, "open", 0), (11, "late", 50_000)])
def test_late_is_reckoned_as_if_weekends_were_worked(day: int, phase: str, fee: int) -> None:
    group = SimpleNamespace(state="billed", office="2991", number=None, n=1, fen=100_000_000, day=date(2026, 8, 26))
    found = due._due(group, date(2026, 10, day))
    assert (found.phase, found.fee.fee_fen) == (phase, fee)


def test_general_trade_is_paid_within_15_days() -> None:
    last = date(2026, 12, 8)
    assert terms.general_trade(date(2026, 11, 23)) == terms.Term(date(2026, 11, 23), last, last, last)


def test_what_was_declared_under_the_regulations_before_is_due_as_well() -> None:
    last = terms.general_trade(date(2024, 6, 3)).last
    assert last == date(2024, 6, 18)
    assert terms.late_fee(1_000_000, last, date(2024, 6, 28)).fee_fen == 5000


def test_where_the_holidays_are_not_announced_nothing_is_moved() -> None:
    term = terms.retail(date(2035, 1, 1))
    assert (term.counted, term.last, term.calendar_known) == (date(2035, 2, 15), date(2035, 2, 15), False)


LAST = date(2026, 12, 8)


@pytest.mark.parametrize(
    ("amount", "days", "exact", "fee", "waived"),
    [
        (10_000_000, 0, 0, 0, False),
        (10_000_000, -3, 0, 0, False),
        (10_000_000, 1, 5000, 5000, False),  # 100,000.00 x 0.05 % = 50.00: not below the least
        (9_999_999, 1, 5000, 5000, False),  # 49.999995, rounded half-up to 50.00
        (9_998_999, 1, 4999, 0, True),
        (1_000_000, 9, 4500, 0, True),
        (1_000_000, 10, 5000, 5000, False),
        (1_000_001, 11, 5500, 5500, False),
        (0, 100, 0, 0, False),
    ],
)
def test_the_late_fee_is_a_share_a_day_rounded_once(amount: int, days: int, exact: int, fee: int, waived: bool) -> None:
    assert terms.late_fee(amount, LAST, LAST + timedelta(days=days)) == terms.LateFee(max(0, days), exact, fee, waived)


def test_the_fee_by_day_grows_to_the_whole() -> None:
    paid_on = LAST + timedelta(days=12)
    by_day = list(terms.late_fees(1_234_567, LAST, paid_on))
    assert [day for day, _ in by_day] == [LAST + timedelta(days=number) for number in range(1, 13)]
    assert by_day[-1][1] == terms.late_fee(1_234_567, LAST, paid_on)
    assert [fee.exact_fen for _, fee in by_day] == sorted(fee.exact_fen for _, fee in by_day)
    assert len(list(terms.late_fees(1, LAST, LAST + timedelta(days=10_000)))) == terms.DAYS_SHOWN


def test_a_negative_tax_is_refused() -> None:
    with pytest.raises(Problem):
        terms.late_fee(-1, LAST, LAST)
