"""The grammar of rates."""

from decimal import Decimal
from fractions import Fraction

import pytest

from customs.tariff.rates import LOWER, UP_TO, Rate, Staged, parse_price, parse_rate


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
    assert (rate.ad_valorem, rate.how, rate.other) == (15_000, LOWER, Rate(3_000, 43_800_000, "set"))


def test_a_choice_by_unit_price() -> None:
    rate = parse_rate("15 up to 5000 USD/set else 3 + 4380 CNY/set")
    assert isinstance(rate, Rate)
    assert rate.price is not None
    assert (rate.how, rate.price.numerator, rate.price.currency, rate.price.unit) == (UP_TO, 5000, "USD", "set")
    beer = parse_price("370/988 USD/l")
    assert Fraction(beer.numerator, beer.denominator) == Fraction(370, 988)


@pytest.mark.parametrize(
    "text",
    ["0", "12", "4.8", "1.3 CNY/kg", "0 CNY/l", "20 + 0.912 CNY/l", "0.2227 CNY/l", "unknown",
     "15 or lower 3 + 4380 CNY/set", "5 or higher 0.5 CNY/kg", "15 up to 5000 USD/set else 3 + 4380 CNY/set",
     "30 up to 2000 USD/set else 3 + 4374 CNY/set", "12 staged 10 from 2015", "11.5 staged 20 from 2022",
     "0.57 CNY/kg from 14 CNY/kg else sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg"],
)  # fmt: skip
def test_a_rate_is_printed_as_it_was_written(text: str) -> None:
    rate = parse_rate(text)
    assert rate is not None
    assert rate.text == text


@pytest.mark.parametrize(
    ("price", "percent"),
    # 8.87 / 10 + 0.02908 x 10 - 1 = 0.1778; three decimals, half up; the cap; where the curve ends
    [("10", "17.8"), ("14", "4.1"), ("6", "40"), ("0.01", "40"), ("13.999", "4.1"), ("11.25", "11.6")],
)
def test_the_sliding_duty_on_cotton_of_2013(price: str, percent: str) -> None:
    rate = parse_rate("sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg")
    assert isinstance(rate, Rate)
    assert rate.sliding is not None
    assert rate.sliding.at(Fraction(price)) == int(Decimal(percent) * 1000)


def test_nothing_and_not_known() -> None:
    assert parse_rate("none") is None
    assert parse_rate("unknown") == Rate(known=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 %",
        "-1",
        "1e3",
        "٣",
        "12.0001",
        "1001",
        "twelve",
        "5 CNY",
        "1 CNY/KG",
        "012",
        "1 USD/kg",
        "1 CNY/kg + 2 CNY/l",
        "5 or lower",
        "5 or lower 3 or lower 1",
        "5 from 3 else 2",
        "sliding 1/P",
        "5 up to 3 USD/kg",
    ],
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
