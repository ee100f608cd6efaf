"""The law as carried: what a customs lawyer would look up first, against the figures as printed."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from customs.tariff.reading import FOREVER
from tests.cases.law import tariff

STATED = date(2018, 1, 1)
HS_2022 = date(2022, 1, 1)


def rate(schedule: str, hs: str, day: str) -> str | None:
    law = tariff()
    on = date.fromisoformat(day)
    entry = law.entry(schedule, law.find_line(hs, on), on)
    return entry.rate.text if entry else None


def added(measure: str, hs: str, day: str) -> str | None:
    return rate(f"measure:{measure}::", hs, day)


# Lines


def test_every_line_can_be_declared_and_taxed() -> None:
    """A statutory unit, and a VAT class from the first reading to the last day it is in force."""
    law = tariff()
    for number, row in enumerate(law.rows):
        assert row["unit1"], row["hs"]
        for day in {max(row["first_day"], STATED.toordinal()), min(row["last_day"], date(2026, 11, 23).toordinal())}:
            assert law.entry("vat", number, date.fromordinal(day)) is not None, row["hs"]


def test_the_code_list_of_2019_is_whole() -> None:
    rows = [row for row in tariff().rows if row["source"] == "hs-zh-2019"]
    assert len(rows) == 11_929
    assert all(row["name_zh"] for row in rows)
    assert len({row["hs"][:8] for row in rows}) == 8_556
    assert sum(1 for row in rows if not tariff().declaration_elements(row["hs"])) == 38  # blank in the list itself
    assert sum(1 for row in rows if row["name_en"]) == len(rows) - 7  # chapter 98 has no text in the Harmonized System


def test_in_quota_and_out_of_quota_codes_are_not_called_the_same() -> None:
    names = {row["hs"]: row["name_en"] for row in tariff().rows}
    assert "out-of-quota" in names["3102100090"]
    assert "out-of-quota" not in names["3102100010"]


def test_open_lines_stand_in_the_nomenclature() -> None:
    """A line that may be filed today has its subheading in the Harmonized System of 2022; chapter 98 is China's own."""
    subheadings = {row["code"] for row in tariff().reference("nomenclature") if row["level"] == "subheading"}
    astray = [hs for hs in tariff().in_force(HS_2022) if hs[:6] not in subheadings and not hs.startswith("98")]
    assert astray == []


def test_lines_of_subheadings_that_are_gone_ended_with_2021() -> None:
    law = tariff()
    subheadings = {row["code"] for row in law.reference("nomenclature")}
    gone = [row for row in law.rows if row["hs"][:6] not in subheadings and not row["hs"].startswith("98")]
    assert len(gone) == 367
    assert {date.fromordinal(row["last_day"]) for row in gone} <= {date(2018, 12, 31), date(2021, 12, 31)}


# The history of 2018 and 2019

APPLIED = {
    # 1 January, 1 May, 1 July, 1 November 2018 and 1 January 2019, as the workbook prints them
    "0202300090": ("12", "12", "12", "12", "12"),
    "0303630000": ("2", "2", "2", "2", "2"),
    "0307819000": ("7", "7", "7", "7", "7"),
    "1801000000": ("2", "2", "2", "2", "2"),
    "3004905110": ("2", "0", "0", "0", "0"),
    "8703241110": ("25", "25", "15", "15", "15"),
    "8525801190": ("6.7", "6.7", "5", "5", "5"),
}
READINGS = ("2018-01-01", "2018-05-01", "2018-07-01", "2018-11-01", "2019-01-01")


@pytest.mark.parametrize("hs", APPLIED)
def test_the_rate_applied_on_five_days(hs: str) -> None:
    applied = [rate("provisional", hs, day) or rate("mfn", hs, day) for day in READINGS]
    assert tuple(applied) == APPLIED[hs]


def test_a_statutory_rate_is_not_hidden_by_a_provisional_one() -> None:
    for hs, statutory in (("0303630000", "7"), ("1801000000", "8"), ("1901101000", "15"), ("1302120000", "6"),
                          ("2208300000", "10"), ("7101101100", "21")):  # fmt: skip
        assert rate("mfn", hs, "2019-06-01") == statutory, hs
        assert rate("provisional", hs, "2019-06-01") != statutory, hs


def test_a_technology_cut_begins_on_its_day_for_the_whole_line() -> None:
    for hs in ("8525801110", "8525801190"):
        assert (rate("mfn", hs, "2019-06-30"), rate("mfn", hs, "2019-07-01")) == ("5", "3.3")


def test_printing_plates_went_from_an_amount_to_a_share() -> None:
    law = tariff()
    number = law.find_line("3701302200", STATED)
    found = [law.entry("mfn", number, day) for day in (date(2017, 12, 31), STATED, date(2018, 7, 1))]
    assert [entry.rate.text for entry in found if entry] == ["2.9 CNY/m2", "5", "2.5"]


def test_film_whose_amount_was_not_read_has_no_rate() -> None:
    """The workbook prints a percentage worked out from the amount; it is not the law."""
    assert rate("mfn", "3702422900", "2019-01-01") == "unknown"
    assert rate("mfn", "3702392000", "2019-01-01") == "3.7 CNY/m2"


US_DAYS = ("2018-04-02", "2018-07-06", "2018-08-23", "2018-09-24", "2019-01-01", "2019-06-01")


@pytest.mark.parametrize(
    ("hs", "points"),
    [
        ("0206490000", ("25", "50", "50", "50", "50", "50")),
        ("0202300090", (None, "25", "25", "25", "25", "25")),
        ("0204220000", (None, None, None, "10", "10", "25")),
        ("0101290090", (None, None, None, "10", "10", "25")),
        ("8703234210", (None, "25", "25", "25", None, None)),
        ("0101210010", (None,) * 6),
    ],
)
def test_duty_on_us_goods_on_six_days(hs: str, points: tuple[str | None, ...]) -> None:
    assert tuple(added("US-2018", hs, day) for day in US_DAYS) == points


# Agreements


def test_every_agreement_has_members_and_every_member_a_rate_class() -> None:
    law = tariff()
    members = defaultdict(set)
    for row in law.tables["agreement_members"]:
        members[row["agreement"]].add(row["country"])
    assert set(members) == {row["id"] for row in law.tables["agreements"]}
    classed = {row["country"] for row in law.tables["origin_classes"]}
    assert set.union(*members.values()) - classed == set()


def test_groups_have_the_members_published() -> None:
    def members(agreement: str, day: str) -> int:
        on = date.fromisoformat(day).toordinal()
        rows = tariff().tables["agreement_members"]
        return sum(1 for row in rows if row["agreement"] == agreement and row["first_day"] <= on <= row["last_day"])

    assert [members("LDC_98", day) for day in ("2022-08-31", "2022-12-01", "2024-12-01")] == [0, 26, 0]
    assert [members("LDC_100", day) for day in ("2024-11-30", "2024-12-01")] == [0, 43]
    assert [members("AFRICA_20", day) for day in ("2026-04-30", "2026-05-01", "2028-05-01")] == [0, 20, 0]
    assert [members("RCEP_ASEAN", day) for day in ("2021-12-31", "2022-01-01", "2023-06-02")] == [0, 6, 10]
    assert members("NZ", "2022-04-06") == members("NZ", "2022-04-07") == 1


@pytest.mark.parametrize(
    ("agreement", "hs", "day", "printed"),
    [
        ("ChAFTA", "0202300090", "2016-06-01", "9.6"),
        ("ChAFTA", "0202300090", "2019-06-01", "6"),
        ("ChAFTA", "0202300090", "2020-06-01", "4.8"),
        ("ChAFTA", "0202300090", "2023-06-01", "1.2"),
        ("ChAFTA", "0202300090", "2024-01-01", "0"),
        ("RCEP_KR", "0304390090", "2025-06-01", "7.2"),
        ("RCEP_JP", "0304390090", "2025-06-01", "7.6"),
        ("RCEP_KR", "0304930090", "2022-06-01", "9"),
        ("RCEP_JP", "0304930090", "2022-06-01", "9.1"),
        ("EC", "03061790", "2024-06-01", "4.5"),
        ("EC", "03061790", "2026-06-01", "3.5"),
        ("EC", "0304390090", "2025-06-01", "5.6"),
        ("RCEP_KR", "7010909000", "2025-06-01", "8.4"),
        ("RCEP_JP", "7010909000", "2025-06-01", "8.9"),
        ("RCEP_KR", "3304990039", "2025-06-01", "6.2"),
        ("APTA", "6802212000", "2025-06-01", "10.5"),
    ],
)
def test_agreement_rates_as_printed(agreement: str, hs: str, day: str, printed: str) -> None:
    assert rate(f"agreement:{agreement}", hs, day) == printed


def test_a_staged_rate_ends_at_nothing() -> None:
    assert rate("agreement:RCEP_KR", "0304390090", "2030-12-31") == "1.2"
    assert rate("agreement:RCEP_KR", "0304390090", "2031-01-01") == "0"
    assert rate("agreement:RCEP_JP", "0304390090", "2031-12-31") == "1.1"
    assert rate("agreement:RCEP_JP", "0304390090", "2032-01-01") == "0"


def test_the_least_developed_enter_at_zero_inside_a_quota_only() -> None:
    """Quota goods of 2026 are of eight kinds; beyond the quota there is no preference."""
    inside = {row["hs"] for row in tariff().tables["quota_rates"]}
    assert {hs[:4] for hs in inside} >= {"1001", "1005", "1006", "1701", "3102", "3105", "5101", "5105", "5201"}
    for hs in inside:
        assert rate("agreement:LDC_100", hs, "2026-06-01") == "0", hs
        beyond = [code for code in tariff().in_force(date(2026, 6, 1), hs[:8]) if code not in inside]
        assert {rate("agreement:LDC_100", code, "2026-06-01") for code in beyond} <= {None}, hs


# Measures


def test_no_rate_of_a_measure_outside_the_measure() -> None:
    law = tariff()
    periods = {row["id"]: (row["first_day"], row["last_day"]) for row in law.tables["measures"]}
    for row in law.tables["measure_rates"]:
        first, last = periods[row["measure"]]
        assert first <= row["first_day"] <= row["last_day"] <= last, (row["measure"], row["hs"])
    assert set(periods) == {row["measure"] for row in law.tables["measure_rates"]}


def test_the_beef_quotas_add_up_to_the_total_announced() -> None:
    tonnes: Counter[int] = Counter()
    for row in tariff().tables["quotas"]:
        tonnes[date.fromordinal(row["first_day"]).year] += int(row["tonnes"])
    assert tonnes == {2026: 2_688_000, 2027: 2_742_000, 2028: 2_797_000}


@pytest.mark.parametrize(
    ("hs", "day", "points"),
    [
        ("0306369090", "2019-12-31", 35),  # 25 of July 2018 and 10 of list 4 before it was halved
        ("0306369090", "2024-01-25", 30),
        ("0303910090", "2024-01-25", 30),
        ("0303893000", "2025-06-01", 50),
        ("0303899090", "2025-06-01", 50),
        ("0303891000", "2025-06-01", 50),
        ("0302110000", "2025-06-01", 20),
        ("0303891000", "2025-11-11", 40),
        ("8703900021", "2025-06-01", 10),
    ],
)
def test_points_added_on_us_goods(hs: str, day: str, points: int) -> None:
    """The totals printed by tariff pages for seafood, all eight lines of 0303.89, trout and cars."""
    names = ("US-2018", "US-2019-4", "US-2025-2", "US-2025-4")
    assert sum(Decimal(added(name, hs, day) or 0) for name in names) == points


# Quotas, taxes, controls


def test_fertiliser_inside_the_quota() -> None:
    assert rate("quota_rates", "3102100010", "2026-06-01") == "4"
    assert rate("provisional", "3102100010", "2026-06-01") == "1"
    assert rate("mfn", "3102100090", "2019-06-01") == "50"


def test_every_quota_good_has_its_rate_beyond_the_quota() -> None:
    law = tariff()
    for row in law.tables["quota_rates"]:
        for hs in law.in_force(date(2019, 12, 1), row["hs"][:8]):
            if hs != row["hs"] and rate("quota_rates", hs, "2019-12-01") is None:
                assert rate("mfn", hs, "2019-12-01") not in (None, "unknown"), hs
                assert rate("general", hs, "2019-12-01") or hs[:4] in ("1006", "1101", "1102", "1103"), hs


def test_consumption_tax_by_day() -> None:
    assert rate("consumption_tax", "2207100000", "2014-11-30") == "5"
    assert rate("consumption_tax", "2207100000", "2014-12-01") is None
    assert rate("consumption_tax", "3303000010", "2016-09-30") == "30"
    assert rate("consumption_tax", "3303000010", "2016-10-01") == "15"
    assert rate("consumption_tax", "8711205010", "2020-01-01") is None  # below 250 cc
    assert rate("consumption_tax", "8711205090", "2020-01-01") == "3"  # 250 cc
    assert rate("consumption_tax", "8703801010", "2025-06-01") == "0"


def test_controls_follow_their_readings() -> None:
    law = tariff()
    assert law.controls("1901109000", date(2024, 12, 31))[:2] == ("AB", "RS")
    assert law.controls("1901109000", date(2025, 1, 1))[:2] == ("AB", "PRS")
    assert law.controls("0303570000", date(2025, 1, 1))[:2] == ("ABU", "PQRS")


def test_inspection_classes_may_be_less_sure_than_the_codes() -> None:
    codes, classes, row = tariff().controls("0202200090", date(2025, 6, 1))
    inspected = tariff().inspection("0202200090", date(2025, 6, 1))
    assert (codes, classes) == ("47ABx", "PQRS")
    assert row is not None
    assert inspected is not None
    assert (row["standing"], inspected["standing"]) == (1, 2)


def test_no_code_takes_its_controls_from_a_row_with_classes_only() -> None:
    law = tariff()
    only = {row["hs"] for row in law.tables["controls"] if not row["codes"] and row["standing"] == 2}
    for hs in law.in_force(date(2026, 6, 1)):
        row = law.controls(hs, date(2026, 6, 1))[2]
        assert row is None or row["hs"] not in only or row["codes"] or len(row["hs"]) == 10, hs


# Lists


def test_editions_of_the_retail_list_follow_each_other_without_a_day_between() -> None:
    law = tariff()
    spans = sorted({(row["first_day"], row["last_day"])
                    for row in law.reference("list_editions") if row["list"] == "positive_list"})  # fmt: skip
    assert date.fromordinal(spans[0][0]) == date(2016, 4, 8)
    last = spans[0][1]
    for first, until in spans[1:]:
        assert first <= last + 1
        last = max(last, until)
    assert last == FOREVER


def test_a_listed_line_goes_from_edition_to_edition_without_a_gap() -> None:
    rows = defaultdict(list)
    for row in tariff().tables["positive_list"]:
        rows[row["hs"]].append(row)
    for hs, chain in rows.items():
        for before, after in pairwise(sorted(chain, key=lambda row: row["first_day"])):
            assert after["first_day"] == before["last_day"] + 1, hs


def test_sizes_of_the_editions() -> None:
    rows = tariff().reference("list_editions")
    sizes = {(row["list"], row["edition"]): row["lines"] for row in rows if row["lines"]}
    assert sizes[("positive_list", "2016 first")] + sizes[("positive_list", "2016 second")] == 1_293
    assert sizes[("positive_list", "2022")] == 1_476
    assert sizes[("automatic_licence", "2012")] - sizes[("automatic_licence", "2013")] == 26


def test_raw_meat_is_on_no_list() -> None:
    for hs in ("02012000", "02023000", "02042200", "02062900"):
        for year in (2016, 2019, 2022, 2026):
            assert tariff().positive_list(hs, date(year, 6, 1)) is None


# Standing


def test_only_what_was_read_in_full_is_official() -> None:
    law = tariff()
    official = {row["source"] for rows in law.tables.values() for row in rows if row["standing"] == 0}
    assert {"tariff-law", "vat-law"} <= official
    for name in official:
        assert "full text" in law.sources[name]["how"], name


def test_what_was_recalled_or_derived_is_assumed() -> None:
    law = tariff()
    sure = {(name, row["source"]) for name, rows in law.tables.items() for row in rows
            if row["source"] in ("recalled", "derived") and row["standing"] < 2}  # fmt: skip
    assert sure == set()


def test_readings_end_and_are_said_to_end() -> None:
    """No statutory reading claims to hold beyond the year of its last page."""
    law = tariff()
    for row in law.tables["mfn"]:
        assert row["verified_to"] <= date(2026, 12, 31).toordinal()
        assert row["first_day"] <= row["verified_to"] or row["standing"] == 2, row["hs"]
    after = date(2027, 1, 1)
    entry = law.entry("mfn", law.find_line("0202300090", after), after)
    assert entry is not None
    assert entry.standing == 2
