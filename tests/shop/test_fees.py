"""What the platform takes: the published percentage, rounded half-up once per order, blind to who sells."""

from __future__ import annotations

import inspect
import itertools
from datetime import date

import pytest

from catalog import policy
from shop import fees

DAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("kept", "due"), [(10000, 100), (10050, 101), (10049, 100), (149, 1), (150, 2), (50, 1), (49, 0), (0, 0), (-500, 0)]
)
def test_one_percent_half_up(kept: int, due: int) -> None:
    assert fees.due([("crab", 10000)], DAY, kept) == due


def test_lines_of_two_rates_are_rounded_together() -> None:
    """1 % of 1.50 and 0.5 % of 1.50 are 0.0225: two fen, not three."""
    goods = [("crab", 150), ("equipment", 150)]
    assert fees.due(goods, DAY, 300) == 2
    assert fees.due(goods, DAY, 150) == 1  # half of it kept


def test_the_parts_taken_of_an_order_are_the_whole() -> None:
    goods, taken = [("beef", 33333)], []
    for kept in (33333, 20000, 20000, 7, 0):
        taken.append(fees.due(goods, DAY, kept) - sum(taken))
    assert sum(taken) == fees.due(goods, DAY, 0) == 0


def test_the_rate_is_that_of_the_day_of_the_order() -> None:
    assert policy.rate_of_sale("beef", DAY) == 1
    with pytest.raises(LookupError):
        policy.rate_of_sale("beef", date(2019, 12, 31))


def test_the_periods_of_the_schedule_neither_overlap_nor_leave_gaps() -> None:
    """A change is a new period beside the old one: for each group of goods one rate on every day."""
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for entry in policy.text()["fees"]:
        if entry["code"] == "commission":
            span = (entry["first_day"], entry.get("last_day", "9999-12-31"))
            groups.setdefault(tuple(entry.get("departments", ())), []).append(span)
    assert () in groups, "what no department names has a rate too"
    for spans in groups.values():
        spans.sort()
        assert spans[-1][1] == "9999-12-31"
        for (_, last), (first, _) in itertools.pairwise(spans):
            assert (date.fromisoformat(first) - date.fromisoformat(last)).days == 1


def test_nothing_can_ask_for_a_merchants_rate() -> None:
    assert set(inspect.signature(policy.rate_of_sale).parameters) == {"category", "day"}
    assert set(inspect.signature(fees.due).parameters) == {"goods", "day", "kept_fen"}
