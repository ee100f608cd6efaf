"""Services from abroad: what is withheld, whatever the price; the table of kinds holds together."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import half_up, parse_fen
from customs.assessments import Request, assess
from customs.assessments.request import Service
from customs.duty.services import service_row, share_of, withheld
from tests.cases.law import tariff
from tests.customs.duty.test_explanation import computed

SETTINGS = settings(max_examples=100, deadline=None, derandomize=True)
DAY = date(2026, 11, 23)


def ask(*services: Service, day: date = DAY, **more: Any) -> Any:
    return assess(tariff(), Request("services", day, [], services=services, **more))


@SETTINGS
@given(st.integers(0, 10**12), st.integers(0, 100_000))
def test_amount_and_tax_make_the_price_and_the_tax_is_rounded_once(price: int, share: int) -> None:
    sales, vat = withheld(price, share, includes_tax=True)
    assert sales + vat == price
    exact = Fraction(price * share, 100_000 + share)
    assert vat == half_up(exact.numerator, exact.denominator)
    net, on_top = withheld(price, share, includes_tax=False)
    assert (net, on_top) == (price, half_up(price * share, 100_000))


@SETTINGS
@given(st.integers(0, 10**9), st.booleans())
def test_the_steps_can_be_computed(fen: int, includes_tax: bool) -> None:
    answer = ask(Service("design", Decimal(fen) / 100, price_includes_tax=includes_tax)).to_dict()
    line = answer["lines"][0]
    assert line["tax"] == line["vat"]
    assert line["duty"] == line["additional_duty"] == line["consumption_tax"] == "0.00"
    for step in line["explanation"]:
        assert abs(computed(step["formula"]) * 100 - parse_fen(step["amount"])) <= Fraction(1, 2)


def test_every_kind_is_taxed_at_six_or_exempt_on_every_day_since_it_began() -> None:
    rows = tariff().tables["service_rates"]
    for kind in {row["service"] for row in rows}:
        begun = min(row["first_day"] for row in rows if row["service"] == kind)
        for day in (date.fromordinal(begun), date(2016, 5, 1), date(2025, 12, 31), date(2026, 1, 1), DAY):
            row = service_row(tariff(), kind, day)
            assert (share_of(row), row["treatment"] in ("taxed", "exempt")) == (6000, True)


def test_lines_add_up_and_keep_their_order() -> None:
    answer = ask(Service("design", Decimal(106)), Service("technology_transfer", Decimal(50)),
                 Service("software", Decimal(100), price_includes_tax=False)).to_dict()  # fmt: skip
    assert [line["service"] for line in answer["lines"]] == ["design", "technology_transfer", "software"]
    assert [line["hs"] for line in answer["lines"]] == [None, None, None]
    assert (answer["totals"]["vat"], answer["totals"]["dutiable_value"]) == ("12.00", "250.00")
    assert "waived" not in answer["totals"]


def test_an_exemption_that_is_assumed_is_named() -> None:
    line = ask(Service("technology_transfer", Decimal(100))).to_dict()["lines"][0]
    assert line["assumed"] == ["service_rates:technology_transfer@2026-01-01"]
    assert [step["amount"] for step in line["explanation"]] == ["100.00", "0.00"]


@pytest.mark.parametrize("day", [date(2016, 4, 30), date(2025, 12, 31), date(2026, 1, 1)])
def test_the_law_that_is_cited_is_the_law_of_the_day(day: date) -> None:
    cited = ask(Service("design", Decimal(106)), day=day).to_dict()["lines"][0]["applied"][0]["law"]
    wanted = {2016: "Caishui 2013 No.37", 2025: "Caishui 2016 No.36", 2026: "VAT Law"}[day.year]
    assert wanted in cited
