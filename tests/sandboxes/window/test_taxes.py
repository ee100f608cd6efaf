"""The window's own tax, against figures published or worked out by hand."""

from decimal import Decimal

import pytest

from sandboxes.window.limits import full_tax
from sandboxes.window.taxes import assess, share


def listed(*lines: dict, freight: str = "0", insurance: str = "0") -> dict:
    return {"lines": list(lines), "freight": freight, "insuredFee": insurance, "declTime": "20261123"}


def line(total: str, gcode: str, **changes: str) -> dict:
    base = {"gnum": "1", "gcode": gcode, "totalPrice": total, "qty": "1", "qty1": "1", "unit1": "035", "gmodel": "x"}
    return {**base, **changes}


def taxes(*args, **kwargs) -> list[tuple[str, str, str]]:
    document = listed(*args, **kwargs)
    return [(str(one.duty), str(one.consumption), str(one.vat)) for one in assess(document, full_tax(document))]


@pytest.mark.parametrize(
    ("total", "gcode", "content", "duty", "consumption", "vat"),
    [
        ("500.00", "1905310000", "", "0", "0", "45.5"),
        ("300.00", "0306179090", "", "0", "0", "18.9"),
        ("9.90", "1905310000", "", "0", "0", "0.9"),
        ("19.99", "0802120000", "", "0", "0", "1.26"),
        ("1000.00", "3304990099", "50ml", "0", "123.53", "107.06"),
        ("288.00", "2204210000", "", "0", "22.4", "29.12"),
        ("5000.00", "1905310000", "", "0", "0", "455"),
        ("500.00", "3304990099", "50ml", "0", "61.76", "53.53"),
        ("499.99", "3304990099", "50ml", "0", "0", "45.5"),
        ("6800.00", "3304990099", "50ml", "68", "1212", "1050.4"),
    ],
)
def test_one_line(total, gcode, content, duty, consumption, vat):
    found = taxes(line(total, gcode, gmodel=f"品名|{content}"))
    assert [tuple(map(Decimal, one)) for one in found] == [(Decimal(duty), Decimal(consumption), Decimal(vat))]


def test_spirits_pay_by_price_and_by_litre():
    # composite (200 + 0.7 x 0.912) / 0.8; consumption tax 20 % of it and 0.6384; VAT 13 % of it; all at 70 %
    found = taxes(line("200.00", "2208300000", qty1="0.7", unit1="095"))
    assert found == [("0", "35.56", "22.82")]


def test_dear_goods_without_a_known_duty_are_not_assessed():
    assert assess(listed(line("6000.00", "8471300000")), full=True) is None
    assert assess(listed(line("4000.00", "8471300000")), full=False) is not None


@pytest.mark.parametrize(
    ("day", "total", "full"),
    [
        ("20181231", "2000.00", False),
        ("20181231", "2000.01", True),
        ("20190101", "5000.00", False),
        ("20190101", "5000.01", True),
    ],
)
def test_the_limit_of_a_purchase_has_its_days(day, total, full):
    assert full_tax({**listed(line(total, "3304990099")), "declTime": day}) is full


@pytest.mark.parametrize(
    ("amount", "values", "parts"),
    [
        ("10.00", ["1", "1", "1"], ["3.34", "3.33", "3.33"]),
        ("0.01", ["1", "2"], ["0", "0.01"]),
        ("5.00", ["0", "7"], ["0", "5"]),
        ("0.02", ["0", "0"], ["0.01", "0.01"]),
    ],
)
def test_freight_is_shared_to_the_fen(amount, values, parts):
    lines = [{"qty": "1"} for _ in values]
    found = share(Decimal(amount), lines, [Decimal(value) for value in values])
    assert found == [Decimal(part) for part in parts]


def test_freight_counts_in_the_taxable_price():
    lines = [line("100.00", "1905310000"), line("200.00", "1905310000", gnum="2")]
    found = assess(listed(*lines, freight="10.00", insurance="1.00"), full=False)
    assert [one.price for one in found] == [Decimal("103.66"), Decimal("207.34")]
