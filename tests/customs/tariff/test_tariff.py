"""Reading the law: lines, lists, limits, units; every question names a day."""

from datetime import date, timedelta

import numpy as np
import pytest

from core.errors import Problem
from tests.cases.law import tariff

NOVEMBER = date(2026, 11, 23)


def test_a_line_as_shown() -> None:
    shown = tariff().line("0202300090", NOVEMBER)
    assert shown.description["zh"] == "其他冻藏的去骨牛肉"
    assert shown.description["en"].startswith("Other meat of bovine animals, boneless")
    assert [unit["word"] for unit in shown.units] == ["kg"]
    assert (shown.mfn, shown.general, shown.vat, shown.consumption_tax) == ("12", "70", "9", "0")
    assert "7" in shown.controls


def test_an_eight_digit_line_without_a_known_split_answers_for_its_ten_digit_codes() -> None:
    law = tariff()
    assert law.find_line("0306179090", NOVEMBER) == law.find_line("03061790", NOVEMBER)
    assert law.children("03061790", NOVEMBER) == []


def test_the_elements_of_a_declaration() -> None:
    elements = tariff().declaration_elements("0202300090")
    assert elements[:2] == ["品牌类型", "出口享惠情况"]
    assert tariff().declaration_elements("03061790")


def test_lists_by_day() -> None:
    law = tariff()
    assert law.positive_list("02023000", NOVEMBER) is None
    crab = law.positive_list("03061490", NOVEMBER)
    assert crab is not None
    assert (crab.modes, crab.standing) == (("1210",), "assumed")
    assert law.positive_list("93070090", date(2022, 2, 28)) is not None
    assert law.positive_list("93070090", date(2022, 3, 1)) is None
    sugar = law.positive_list("17019100", NOVEMBER)
    assert sugar is not None
    assert (sugar.cap_kg, sugar.cap_group) == (2, "sugar")


def test_limits_by_day() -> None:
    assert tariff().retail_limits(date(2018, 12, 31)).single_fen == 200_000
    assert tariff().retail_limits(date(2019, 1, 1)).single_fen == 500_000
    assert tariff().retail_limits(NOVEMBER).annual_fen == 2_600_000
    with pytest.raises(Problem):
        tariff().retail_limits(date(2016, 4, 7))


def test_licences_by_day() -> None:
    law = tariff()
    assert law.licence_required("0201100090", date(2013, 6, 1)) is not None
    assert law.licence_required("0201100090", date(2015, 6, 1)) is None  # carcases left the block of 2015
    assert law.licence_required("0202300090", NOVEMBER) is not None
    assert law.licence_required("0303131000", NOVEMBER) is None


def test_units_and_codes() -> None:
    law = tariff()
    assert law.units.words["kg"] == "035"
    assert law.countries["AU"]["number"] == "601"
    assert law.countries["AU"]["alpha3"] == "AUS"
    assert law.currencies["CNY"] == "142"
    assert law.code_list("trade_terms")["1"] == "CIF"
    assert law.units.factor("t", "kg") == 1000
    assert law.units.factor("kg", "l") is None


def test_every_line_in_force_has_a_vat_rate() -> None:
    law = tariff()
    numbers = np.arange(len(law.rows))
    for day in (date(2018, 6, 1), date(2019, 6, 1), date(2025, 6, 1), NOVEMBER):
        slot = np.full(len(numbers), law.slots.of(day.toordinal()))
        assert (law.schedules.entry(law.schedules.names["vat"], numbers, slot) >= 0).all()


def test_the_columns_say_what_the_rows_say() -> None:
    """Each MFN row, read back through the columns on its first and last day and the days beside them."""
    law = tariff()
    mfn = law.schedules.names["mfn"]
    for row in law.tables["mfn"][::37]:
        low, high = law.schedules.range_of(row["hs"])
        own = [i for i in range(low, high) if _own_row(law, i, row)]
        for i in own[:2]:
            for day in (row["first_day"], row["last_day"]):
                found = law.entries[law.schedules.entry_of(mfn, i, law.slots.of(day))]
                assert found.rate == row["rate"], row


def _own_row(law, i: int, row) -> bool:
    """True when no longer prefix speaks for the line."""
    rows = law.by_prefix("mfn").every(law.rows[i]["hs"])
    return all(len(other["hs"]) <= len(row["hs"]) for other in rows)


def test_codes_are_found_however_many_are_asked() -> None:
    law = tariff()
    unknown = np.array([9999999999, 0, 202300091])
    asked = np.concatenate([law.keys[::-1], unknown])
    found = law.codes.find(asked)
    assert (law.keys[found[:-3]] == asked[:-3]).all()
    assert found[-3:].tolist() == [-1, -1, -1]


def test_days_after_the_last_reading_are_assumed() -> None:
    law = tariff()
    number = law.find_line("0202300090", date(2019, 12, 31))
    seen, later = law.entry("mfn", number, date(2019, 12, 31)), law.entry("mfn", number, date(2020, 1, 1))
    assert seen is not None
    assert later is not None
    assert (seen.standing, later.standing) == (1, 2)
    assert seen.rate == later.rate


def test_a_statutory_rate_stands_behind_the_provisional_one() -> None:
    """Frozen Alaska pollock: 5 was provisional in 2018 and 2019, 7 is statutory."""
    law = tariff()
    for day in (date(2018, 12, 1), date(2019, 6, 1)):
        number = law.find_line("0303670000", day)
        provisional, mfn = law.entry("provisional", number, day), law.entry("mfn", number, day)
        assert provisional is not None
        assert mfn is not None
        assert (provisional.rate.text, mfn.rate.text) == ("5", "7")
    assert law.entry("provisional", law.find_line("0303670000", date(2021, 1, 1)), date(2021, 1, 1)) is None


def test_gaps_of_coverage() -> None:
    law = tariff()
    assert law.gap("0202300090", "US", date(2026, 11, 10)) is None
    gap = law.gap("0202300090", "US", date(2026, 11, 10) + timedelta(1))
    assert gap is not None
    assert gap["id"] == "US-AFTER-TRUCE"
    assert law.gap("0202300090", "BR", NOVEMBER) is None
