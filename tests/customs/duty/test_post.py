"""Personal articles: the tables hold together, the price and the tax follow the rule whatever the figures."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Problem
from core.money import parse_fen
from customs.assessments import Line, Request, assess
from customs.duty import post
from customs.duty.post import Band, listed_total, measured, reached
from customs.duty.valuation import NetContent, Quantities
from customs.tariff.rates import parse_price
from tests.cases.law import tariff
from tests.customs.duty.test_explanation import computed

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
DAY = date(2026, 11, 23)
BAND = Band({"value": Decimal("0.5")}, {"value": Decimal(2)})

amounts = st.integers(1, 199_999).map(lambda fen: Decimal(fen) / 100)


def article(category: str | None, value: Any, quantity: str = "1", unit: str = "piece", **more: Any) -> Line:
    return Line(more.pop("hs", ""), "US", Decimal(quantity), unit, Decimal(value), post_category=category, **more)


def by_post(*lines: Line, day: date = DAY, **more: Any) -> Any:
    return assess(tariff(), Request("personal_post", day, lines, **more))


# The tables


def test_every_class_a_category_names_has_a_rate_on_its_days() -> None:
    law = tariff()
    for row in law.tables["post_categories"]:
        last = min(row["last_day"], date(2030, 1, 1).toordinal())
        for name in {row["class"], row["below"]} - {""}:
            for day in (row["first_day"], last):
                assert post.class_rate(law, name, date.fromordinal(day))["rate"] > 0


def test_a_threshold_and_the_class_below_it_stand_together() -> None:
    assert all(bool(row["threshold"]) == bool(row["below"]) for row in tariff().tables["post_categories"])


def test_listed_prices_are_by_a_known_unit() -> None:
    rows = tariff().tables["post_prices"]
    assert sum(row["price"] is not None for row in rows) > 150
    assert all(tariff().units.known(row["unit"]) for row in rows if row["price"] is not None)
    assert all(row["unit"] == "" for row in rows if row["price"] is None)


def test_every_member_is_the_beginning_of_a_line() -> None:
    codes = [row["hs"] for row in tariff().rows]
    idle = [row["hs"] for row in tariff().tables["post_members"]
            if not any(code.startswith(row["hs"]) for code in codes)]  # fmt: skip
    assert idle == []


def test_every_category_can_be_assessed_today() -> None:
    names = {row["id"] for row in tariff().tables["post_categories"]}
    content = NetContent(Decimal(10), "g")
    for name in sorted(names):
        listed = post.article_of(tariff(), name, "", DAY).price
        unit = "piece" if listed is None or listed["price"] is None else listed["unit"]
        [line] = by_post(article(name, "10.00", unit=unit, net_content=content)).to_dict()["lines"]
        assert line["duty_rate"] in ("3", "13", "20", "50")


# The price


@pytest.mark.parametrize(
    ("paid", "within"), [(50, False), (51, True), (100, True), (199, True), (200, False), (0, False), (10**6, False)]
)
def test_twice_and_half_of_the_listed_price_are_outside(paid: int, within: bool) -> None:
    assert BAND.holds(Fraction(paid), Fraction(100)) is within


def of(quantity: str, unit: str, content: NetContent | None = None) -> Quantities:
    return Quantities(Decimal(quantity), unit, "", None, "", None, content)


@pytest.mark.parametrize(
    ("quantities", "unit", "parts"),
    [
        (of("2", "kg"), "kg", 200_000),
        (of("500", "g"), "kg", 50_000),
        (of("3", "can", NetContent(Decimal(900), "g")), "kg", 270_000),
        (of("3", "can"), "kg", -1),
        (of("4", "each"), "piece", 400_000),
        (of("4", "item"), "machine", 400_000),
        (of("4", "packet"), "piece", -1),
        (of("4", "bottle"), "bottle", 400_000),
        (of("4", "piece"), "bottle", -1),
        (of("4", "piece"), "sheet", -1),
    ],
)
def test_a_quantity_in_the_unit_of_the_table(quantities: Quantities, unit: str, parts: int) -> None:
    assert measured(quantities, tariff().units, unit) == parts


def test_a_listed_price_of_a_quantity_is_exact() -> None:
    assert listed_total(Decimal("0.5"), 1) == Fraction(1, 2000)


@pytest.mark.parametrize(("fen", "answer"), [(49_999, False), (50_000, True), (50_001, True)])
def test_the_threshold_itself_is_reached(fen: int, answer: bool) -> None:
    prices = [parse_price("10 CNY/ml"), parse_price("10 CNY/g")]
    assert reached(fen, prices, of("1", "piece", NetContent(Decimal(50), "ml")), tariff().units) is answer
    assert reached(fen, prices, of("1", "piece", NetContent(Decimal(50), "g")), tariff().units) is answer
    assert reached(fen, prices, of("1", "piece"), tariff().units) is None


# The tax


@SETTINGS
@given(st.sampled_from(["other_food", "other_clothing", "other_alcohol", "cancer_medicine"]), amounts,
       st.integers(0, 5000).map(lambda n: date(2012, 4, 15) + timedelta(n)))  # fmt: skip
def test_the_tax_is_one_amount_and_its_steps_can_be_computed(category: str, value: Decimal, day: date) -> None:
    line = by_post(article(category, value), day=day).to_dict()["lines"][0]
    assert line["tax"] == line["duty"]
    assert line["additional_duty"] == line["consumption_tax"] == line["vat"] == "0.00"
    exact = parse_fen(line["dutiable_value"]) * Fraction(line["duty_rate"]) / 100
    assert abs(parse_fen(line["duty"]) - exact) <= Fraction(1, 2)
    for step in line["explanation"]:
        assert abs(computed(step["formula"]) * 100 - parse_fen(step["amount"])) <= Fraction(1, 2)


@SETTINGS
@given(amounts, amounts)
def test_more_paid_for_what_has_no_listed_price_is_never_less_tax(one: Decimal, other: Decimal) -> None:
    taxes = [by_post(article("handbags", value)).totals["tax"] for value in sorted((one, other))]
    assert taxes == sorted(taxes)


@SETTINGS
@given(st.lists(st.tuples(amounts, st.sampled_from("ABC")), min_size=1, max_size=6))
def test_limit_and_waiver_count_by_parcel_in_any_order(drawn: list[tuple[Decimal, str]]) -> None:
    lines = [article("other_food", value, "2", "kg", parcel=parcel) for value, parcel in drawn]
    sums = {parcel: sum(value for value, its in drawn if its == parcel) for _, parcel in drawn}
    if max(sums.values()) > 2000:
        with pytest.raises(Problem) as refused:
            by_post(*lines)
        assert refused.value.code == "post_limit"
        return
    answer, again = by_post(*lines), by_post(*lines[::-1])
    assert answer.totals == again.totals
    taxes = {parcel: sum(item.tax_fen for item, (_, its) in zip(answer.lines, drawn, strict=True) if its == parcel)
             for parcel in sums}  # fmt: skip
    assert answer.waived == again.waived
    assert sum(answer.waived.values()) == sum(tax for tax in taxes.values() if tax <= 5000)
    assert sum(line.tax_fen for line in answer.lines) == answer.totals["tax"]


# Sureness and words


def test_a_waiver_that_is_recalled_makes_the_answer_assumed() -> None:
    before = by_post(article("milk_powder", "200.00", "1", "kg"), day=date(2024, 11, 30))
    assert (before.waived, before.to_dict()["standing"]) == ({"duty": 2600}, "secondary")
    assert by_post(article("other_food", "100.00")).to_dict()["standing"] == "assumed"
    assert by_post(article("other_food", "1000.00")).to_dict()["standing"] == "secondary"


def test_the_assumed_rows_are_named_and_can_be_accepted() -> None:
    line = by_post(article(None, "300.00", "2", "kg", hs="0902109000")).lines[0]
    assert line.assumed == ["parameters:post_price_least@2024-12-01", "parameters:post_price_most@2024-12-01",
                            "post_members:0902@2012-04-15"]  # fmt: skip


def test_a_refusal_names_the_parcel_the_way_out_and_the_country() -> None:
    lines = [article("handbags", "10.00"), article("handbags", "900.00", "2", parcel="B")]
    with pytest.raises(Problem) as refused:
        by_post(*lines, day=date(2024, 11, 30), sent_from="HK")
    problem = refused.value
    assert (problem.code, problem.extra["line"]) == ("post_limit", 1)
    assert "Hong Kong" in problem.detail
    assert "general trade" in str(problem.extra["hint"])
    assert list(problem.errors) == ["lines.1.value"]


def test_a_line_says_what_it_was_taken_for() -> None:
    line = by_post(article(None, "300.00", "2", "kg", hs="0902109000", parcel="7")).to_dict()["lines"][0]
    assert (line["hs"], line["post_category"], line["parcel"]) == ("0902109000", "tea", "7")
    named = by_post(article("tea", "300.00", "2", "kg")).to_dict()["lines"][0]
    assert (named["hs"], named["post_category"]) == (None, "tea")


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (article("tea", "300.00", unit="parsec"), "unit_mismatch", "unit"),
        (article("tea", "300.00", "0", "kg"), "out_of_bounds", "quantity"),
        (article("tea", "300.00", "1000000001", "kg"), "out_of_bounds", "quantity"),
        (article("grand_pianos", "9000000000.00", "120000"), "out_of_bounds", "value"),
        (article("handbags", "100.00", currency="XXX"), "currency_unknown", "currency"),
        (article("handbags", "100.00", currency="EUR"), "exchange_rate_missing", "currency"),
        (article("handbags", "-1.00"), "out_of_bounds", "value"),
    ],
)
def test_what_cannot_be_computed_names_its_field(line: Line, code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        by_post(line)
    assert (refused.value.code, list(refused.value.errors)) == (code, [f"lines.0.{field}"])
