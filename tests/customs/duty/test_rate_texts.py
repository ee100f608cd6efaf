"""Rates as they are written and told: every text of the law is printed as it was read, every form in both languages."""

from __future__ import annotations

import csv

import pytest

from customs.duty.charges import exact_text, price_phrase, rate_phrase
from customs.duty.wording import say
from customs.tariff.rates import Rate, parse_price, parse_rate
from tests.cases.law import DATA, tariff
from tests.customs.duty import every_form

RATED = (
    "mfn",
    "general",
    "provisional",
    "quota_rates",
    "agreement_rates",
    "measure_rates",
    "consumption_tax",
    "vat_rates",
)


def written() -> list[str]:
    """Every text of a rate in the law, and in the one made for the tests."""
    found = set()
    for table in RATED:
        with open(DATA / f"{table}.csv", encoding="utf-8", newline="") as file:
            found |= {row[column] for row in csv.DictReader(file) for column in ("rate", "below") if row.get(column)}
    for table in set(RATED) & set(every_form.ROWS):
        names = every_form.HEADINGS[table].split(",")
        found |= {row.split(",")[names.index("rate")] for row in every_form.ROWS[table]}
    return sorted(found - {"none"})


def test_every_rate_of_the_law_is_printed_as_it_is_written() -> None:
    texts = written()
    assert len(texts) > 150
    for text in texts:
        rate = parse_rate(text)
        assert rate is not None
        assert rate.text == text


def test_every_price_of_the_law_is_printed_as_it_is_written() -> None:
    prices = {
        part.strip() for row in tariff().tables["consumption_tax"] for part in str(row["threshold"] or "").split(";")
    }
    for text in (
        "10 CNY/ml",
        "370/988 USD/l",
        "10000 CNY/unit1",
        *(each for each in prices if each and "(" not in each),
    ):
        assert parse_price(text).text == text


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("12", "12 %", "12 %"),
        ("0", "0 %", "0 %"),
        ("1.3 CNY/kg", "1.3 CNY/kg", "1.3 元/千克"),
        ("20 + 0.912 CNY/l", "20 % + 0.912 CNY/l", "20 % + 0.912 元/升"),
        ("5 or lower 1.3 CNY/kg", "5 % or lower 1.3 CNY/kg", "5 %或1.3 元/千克，从低"),
        ("5 or higher 0.5 CNY/kg", "5 % or higher 0.5 CNY/kg", "5 %或0.5 元/千克，从高"),
        ("15 up to 5000 USD/set else 3 + 4380 CNY/set", "15 % up to 5000 USD/set else 3 % + 4380 CNY/set",
         "单价不超过5000 USD/套为15 %，否则为3 % + 4380 元/套"),
        ("3 + 4.374 CNY/kg from 2000 CNY/t else 30", "3 % + 4.374 CNY/kg from 2000 CNY/t else 30 %",
         "单价2000 元/吨及以上为3 % + 4.374 元/千克，否则为30 %"),
        ("0.57 CNY/kg from 14 CNY/kg else sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg",
         "0.57 CNY/kg from 14 CNY/kg else sliding: R = 8.87 / P + 2.908 % x P - 1, at most 40 %, P in CNY/kg",
         "单价14 元/千克及以上为0.57 元/千克，否则为滑准税：R = 8.87 ÷ P + 2.908 % × P − 1，最高 40 %，P 以元/千克计"),
        ("unknown", "unknown rate", "税率不明"),
        ("100 CNY/unit1", "100 CNY/first statutory unit", "100 元/法定第一单位"),
    ],
)  # fmt: skip
def test_a_rate_is_told_in_both_languages(text: str, english: str, chinese: str) -> None:
    rate = parse_rate(text)
    assert isinstance(rate, Rate)
    phrase = rate_phrase(rate, tariff().index.units)
    assert (say(phrase, "en"), say(phrase, "zh")) == (english, chinese)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [("10 CNY/ml", "10 CNY/ml", "10 元/毫升"), ("370/988 USD/l", "370/988 USD/l", "370/988 USD/升"),
     ("10000 CNY/unit1", "10000 CNY/first statutory unit", "10000 元/法定第一单位"), ("5 CNY/foo", "5 CNY/foo", "5 元/foo")],
)  # fmt: skip
def test_a_price_is_told_in_both_languages(text: str, english: str, chinese: str) -> None:
    phrase = price_phrase(text, tariff().index.units)
    assert (say(phrase, "en"), say(phrase, "zh")) == (english, chinese)


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [(0, 1, "0"), (100, 1, "1"), (10**12, 1, "10000000000"), (1, 3, "0.003333333333…"), (7, 10**13, "0.000000000000007"),
     (1, 2**14, "0.0000006103515625"), (1, 5**14, "0.0000000000016384"), (3, 2**16, "0.000000457763671875"),
     (3, 5**9 * 2**12, "0.00000000000375"), (1, 7 * 2**13, "0.000000174386…")],
)  # fmt: skip
def test_an_amount_is_shown_to_its_last_decimal_or_cut_after_twelve(
    numerator: int, denominator: int, text: str
) -> None:
    assert exact_text((numerator, denominator)) == text
