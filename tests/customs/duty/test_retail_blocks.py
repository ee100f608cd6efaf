"""What stands in the way of a retail order, and what may pass outside production."""

from datetime import date
from typing import Any

from customs.assessments import assess, retail_blocks
from tests.cases.law import line, retail, tariff

YEAR = 2_600_000


def _codes(day: str, *lines: Any, mode: str | None = "1210", left: int = YEAR) -> list[tuple[int, str, bool]]:
    blocks = retail_blocks(tariff(), date.fromisoformat(day), mode, lines, left)
    assert all(block["detail"] and block["hint"] for block in blocks)
    return [(block["line"], block["code"], block["production_only"]) for block in blocks]


def test_nothing_stands_in_the_way() -> None:
    assert _codes("2026-11-23", line("03061490", "NO", "100.00")) == []


def test_a_gap_of_coverage_stops_production_only() -> None:
    crab = line("03061490", "US", "100.00")
    assert _codes("2026-11-10", crab) == []
    assert _codes("2026-11-11", crab) == [(0, "outside_coverage", True)]
    [assessed] = assess(tariff(), retail("2026-11-11", crab, mode="1210")).lines
    assert (assessed.tax_fen, assessed.standing) == (630, "assumed")
    assert [item["code"] for item in assessed.requirements] == ["outside_coverage"]


def test_canadian_lobster_after_its_release_ends() -> None:
    lobster = line("03061200", "CA", "100.00")
    assert _codes("2026-12-31", lobster) == []
    assert _codes("2027-01-01", lobster) == [(0, "outside_coverage", True)]


def test_every_obstacle_has_its_line() -> None:
    lines = [line("0202300090", "BR", "10.00"), line("03061490", "JP", "10.00"), line("03061490", "NO", "10.00")]
    assert _codes("2026-11-23", *lines, mode="9610") == [
        (0, "not_on_positive_list", False), (1, "mode_not_allowed", False), (1, "origin_banned", False),
        (2, "mode_not_allowed", False),
    ]  # fmt: skip


def test_conditions_of_entry_are_shown_in_retail_too() -> None:
    [assessed] = assess(tariff(), retail("2025-07-01", line("03061490", "JP", "10.00"))).lines
    assert [item["code"] for item in assessed.requirements] == ["import_conditions"]


def test_the_year_is_used_up_order_by_order() -> None:
    orders = [line("16041400", "TH", "4000.00", order=str(n)) for n in range(3)]
    assert _codes("2026-11-23", *orders, left=800_000) == [(2, "annual_limit", False)]
    assert _codes("2026-11-23", *orders, left=1_200_000) == []


def test_before_the_policy_nothing_is_sold_this_way() -> None:
    assert _codes("2016-04-07", line("04061000", "FR", "10.00")) == [(0, "retail_not_in_force", False)]


def test_a_single_item_may_pass_the_single_limit_but_not_the_year() -> None:
    bag = line("42022100", "IT", "20000.00", quantity=1, unit="piece")
    assert _codes("2026-11-23", bag) == []
    assert _codes("2026-11-23", bag, left=1_999_999) == [(0, "annual_limit", False)]
