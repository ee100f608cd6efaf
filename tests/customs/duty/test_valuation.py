"""Dutiable value and quantities, exact to the last decimal."""

from decimal import Decimal

import pytest

from core.errors import Problem
from customs.duty.valuation import NetContent, Quantities, value
from tests.cases.law import tariff

NOTHING = {"unit1": "l", "unit1_quantity": None, "unit2": "kg", "unit2_quantity": None}


def test_a_line_is_converted_once_and_rounded_once() -> None:
    valued = value(Decimal("33.33"), Decimal("1.11"), Decimal("0.05"), "USD", {"USD": Decimal("7.12345")})
    assert valued.exact == Decimal("245.6877905")
    assert valued.fen == 24569


def test_half_a_fen_is_rounded_up() -> None:
    assert value(Decimal("0.05"), Decimal(0), Decimal(0), "JPY", {"JPY": Decimal("0.1")}).fen == 1
    assert value(Decimal("0.0499"), Decimal(0), Decimal(0), "JPY", {"JPY": Decimal("0.1")}).fen == 0


def test_unknown_insurance_is_three_per_mille_of_goods_and_freight() -> None:
    valued = value(Decimal(1000), Decimal(100), None, "CNY", {})
    assert (valued.insurance, valued.insurance_assumed, valued.fen) == (Decimal("3.300"), True, 110330)


@pytest.mark.parametrize("rate", [{}, {"USD": Decimal(0)}, {"EUR": Decimal(7)}])
def test_a_currency_needs_its_rate(rate: dict[str, Decimal]) -> None:
    with pytest.raises(Problem) as refused:
        value(Decimal(1), Decimal(0), None, "USD", rate)
    assert refused.value.code == "exchange_rate_missing"


@pytest.mark.parametrize(
    ("sold", "unit", "label", "wanted", "parts"),
    [
        ("3", "bottle", ("700", "ml"), "l", 210_000),
        ("3", "bottle", ("700", "ml"), "ml", 210_000_000),
        ("2", "t", None, "kg", 200_000_000),
        ("500", "g", None, "kg", 50_000),
        ("0.5", "kg", ("500", "g"), "g", 50_000_000),
        ("3", "bottle", None, "l", -1),
        ("3", "kg", None, "l", -1),
        ("2", "box", ("10", "piece"), "piece", 2_000_000),
        ("2", "piece", None, "piece", 200_000),
        ("7", "no such unit", None, "kg", -1),
    ],
)
def test_quantities_in_the_unit_a_rate_asks_for(
    sold: str, unit: str, label: tuple[str, str] | None, wanted: str, parts: int
) -> None:
    content = NetContent(Decimal(label[0]), label[1]) if label else None
    given = Quantities(quantity=Decimal(sold), unit=unit, net_content=content, **NOTHING)
    assert given.of(tariff().units, wanted) == parts


def test_the_statutory_quantity_goes_first() -> None:
    given = Quantities(Decimal(10), "l", "l", Decimal("9.5"), "kg", Decimal(10), None)
    assert given.of(tariff().units, "l") == 950_000
    assert given.of(tariff().units, "kg") == 1_000_000
    assert given.of(tariff().units, "unit1") == 950_000
