"""The grammar of rates."""

from decimal import Decimal

import pytest

from customs.tariff.rates import Rate, Staged, parse_rate


@pytest.mark.parametrize(
    ("text", "ad_valorem", "specific", "unit"),
    [("12", 12_000, 0, None), ("4.8", 4_800, 0, None), ("0", 0, 0, None), ("11.032", 11_032, 0, None),
     ("1.3 CNY/kg", 0, 13_000, "kg"), ("20 + 0.912 CNY/l", 20_000, 9_120, "l"), ("0.2227 CNY/l", 0, 2_227, "l")],
)  # fmt: skip
def test_forms(text: str, ad_valorem: int, specific: int, unit: str | None) -> None:
    rate = parse_rate(text)
    assert rate == Rate(ad_valorem, specific, unit)
    assert isinstance(rate, Rate)
    assert rate.text == text


def test_two_arms() -> None:
    rate = parse_rate("15 or lower 3 + 4380 CNY/set")
    assert isinstance(rate, Rate)
    assert (rate.ad_valorem, rate.lower) == (15_000, Rate(3_000, 43_800_000, "set"))
    assert rate.text == "15 or lower 3 + 4380 CNY/set"


def test_nothing_and_not_known() -> None:
    assert parse_rate("none") is None
    assert parse_rate("unknown") == Rate(known=False)


@pytest.mark.parametrize(
    "text", ["", "12 %", "-1", "1e3", "٣", "12.0001", "1001", "twelve", "5 CNY", "1 CNY/KG", "012"]
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "year", "percent"),
    [("12 staged 10 from 2015", 2015, "10.8"), ("12 staged 10 from 2015", 2020, "4.8"),
     ("12 staged 10 from 2015", 2024, "0"), ("12 staged 10 from 2015", 2050, "0"),
     ("10 staged 11 from 2022", 2022, "9.1"), ("12 staged 11 from 2022", 2025, "7.6"),
     ("12 staged 20 from 2022", 2022, "11.4"), ("12 staged 20 from 2022", 2041, "0"),
     ("5 staged 10 from 2024", 2024, "4.5"), ("7 staged 10 from 2024", 2025, "5.6")],
)  # fmt: skip
def test_staged_rates_as_the_schedules_print_them(text: str, year: int, percent: str) -> None:
    staged = parse_rate(text)
    assert isinstance(staged, Staged)
    assert staged.in_year(year).ad_valorem == int(Decimal(percent) * 1000)
