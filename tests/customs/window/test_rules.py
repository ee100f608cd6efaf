"""The rules between fields: each broken alone, in a message that its schema still finds good."""

from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from customs.window import rules
from customs.window.keys import load_signer
from customs.window.messages import MessageRefused, build, validate
from customs.window.schema import schema_of
from customs.window.signature import sign_message
from customs.window.values import new_guid
from tests.customs.window.facts import TRANSFER, direct, documents, filing, line
from tests.customs.window.samples import ours

D = Decimal
TWO = filing(
    lines=(line(), line(item_no="SHRIMP-2")), goods_fen=19998, tax_fen=1412, paid_fen=22110,
    gross_weight_kg=D("7.2"), net_weight_kg=D(6),
)  # fmt: skip


def good(kind: str, mode: str = "1210") -> dict[str, Any]:
    if mode == "9610":
        return documents(direct())[kind]
    return documents(TWO)[kind] if kind in documents(TWO) else ours(kind)


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`lines[2]/qty` changes a line, any other name the head."""
    head = {name: value for name, value in changes.items() if "/" not in name}
    if not document.get("lines"):
        return {**document, **head}
    lines = [dict(each) for each in document["lines"]]
    for name, value in changes.items():
        if "/" in name:
            at, _, element = name.removeprefix("lines[").partition("]/")
            lines[int(at) - 1][element] = value
    return {**document, **head, "lines": lines}


# kind, mode, what is changed, where the breach is named, its sentence
BROKEN = [
    ("311", "1210", {"acturalPaid": D("221.11")}, "OrderHead/acturalPaid", "must be goodsValue + freight + taxTotal - discount"),
    ("311", "1210", {"goodsValue": D("199.97"), "acturalPaid": D("221.09")}, "OrderHead/goodsValue", "must be the sum of totalPrice over the lines"),
    ("311", "1210", {"lines[2]/price": D("33.34")}, "OrderList[2]/totalPrice", "must be price x qty"),
    ("311", "1210", {"lines[1]/qty": D(0), "lines[1]/totalPrice": D(0), "goodsValue": D("99.99"), "acturalPaid": D("121.11")}, "OrderList[1]/qty", "must be above zero"),
    ("311", "1210", {"lines[2]/gnum": 3}, "OrderHead/gnum", "lines must be numbered 1, 2, 3 and so on without a gap"),
    ("411", "1210", {"amountPaid": D(0)}, "PaymentHead/amountPaid", "must be above zero"),
    ("511", "1210", {"weight": D(0)}, "LogisticsHead/weight", "must be above zero"),
    *[("621", "1210", {name: None}, f"InventoryHead/{name}", "required in mode 1210") for name in ("emsNo", "areaCode", "areaName")],
    *[("621", "1210", {name: "X1"}, f"InventoryHead/{name}", "must be left out in mode 1210") for name in ("trafNo", "voyageNo", "billNo")],
    ("621", "1210", {"country": "402"}, "InventoryHead/country", "must be 142 in mode 1210"),
    ("621", "1210", {"lines[2]/itemRecordNo": None}, "InventoryList[2]/itemRecordNo", "required in mode 1210"),
    *[("621", "9610", {name: None}, f"InventoryHead/{name}", "required in mode 9610") for name in ("trafNo", "voyageNo", "billNo")],
    *[("621", "9610", {name: "X1"}, f"InventoryHead/{name}", "must be left out in mode 9610") for name in ("emsNo", "areaCode", "areaName")],
    ("621", "9610", {"country": "142"}, "InventoryHead/country", "must be the country of dispatch in mode 9610, not 142"),
    ("621", "1210", {"assureCode": "4601980D04"}, "InventoryHead/assureCode", "must be the code of the platform, the e-commerce enterprise or the logistics enterprise"),
    ("621", "1210", {"grossWeight": D("5.9")}, "InventoryHead/grossWeight", "must not be below netWeight"),
    ("621", "1210", {"netWeight": D(0)}, "InventoryHead/netWeight", "must be above zero"),
    ("621", "1210", {"lines[1]/totalPrice": D("99.98")}, "InventoryList[1]/totalPrice", "must be price x qty"),
    ("621", "1210", {"lines[1]/gnum": 2, "lines[2]/gnum": 1}, "InventoryHead/gnum", "lines must be numbered 1, 2, 3 and so on without a gap"),
    ("621", "1210", {"lines[1]/qty2": D(1)}, "InventoryList[1]/qty2", "second quantity and second unit go together"),
    ("621", "1210", {"lines[1]/unit2": "035"}, "InventoryList[1]/qty2", "second quantity and second unit go together"),
    ("621", "1210", {"lines[2]/qty1": D(0)}, "InventoryList[2]/qty1", "must be above zero"),
    ("621", "1210", {"lines[2]/qty2": D(0), "lines[2]/unit2": "035"}, "InventoryList[2]/qty2", "must be above zero"),
    ("621", "1210", {"invtNo": "640120261234567890"}, "InventoryHead/invtNo", "a new list has no number yet"),
    ("625", "1210", {"lines[1]/qty": D(0)}, "InvtRefundList[1]/qty", "must be above zero"),
    ("711", "1210", {"lines[2]/gnum": 1}, "DeliveryHead/gnum", "lines must be numbered 1, 2, 3 and so on without a gap"),
    ("711", "1210", {"lines[2]/logisticsNo": "WB1"}, "DeliveryList[2]/logisticsNo", "a parcel enters once"),
]  # fmt: skip


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return load_signer(tmp_path_factory.mktemp("signer"))


@pytest.mark.parametrize(("kind", "mode", "changes", "path", "rule"), BROKEN, ids=lambda value: str(value)[:60])
def test_a_broken_rule_is_the_only_one_named_and_stops_the_message(kind, mode, changes, path, rule):
    document = changed(good(kind, mode), changes)
    found = validate(kind, [document], TRANSFER, new_guid())
    assert [(at.partition("]/")[2], sentence) for at, sentence in found] == [(path, rule)]
    with pytest.raises(MessageRefused) as refused:
        build(kind, [document], TRANSFER, new_guid())
    assert refused.value.violations == found


@pytest.mark.parametrize(("kind", "mode", "changes", "path", "rule"), BROKEN, ids=lambda value: str(value)[:60])
def test_the_schema_does_not_see_it(kind, mode, changes, path, rule, monkeypatch, signer):
    monkeypatch.setattr("customs.window.messages.document_breaches", lambda *_: [])
    xml = sign_message(build(kind, [changed(good(kind, mode), changes)], TRANSFER, new_guid()), signer)
    assert schema_of(kind).validate(etree.fromstring(xml))


def test_a_line_returned_twice_is_named():
    document = ours("625")
    document["lines"] = [document["lines"][0]] * 2
    found = validate("625", [document], TRANSFER, new_guid())
    assert [sentence for _, sentence in found] == ["a line of the original list may stand only once"]


def test_every_rule_has_a_case():
    asked = {kind: {rule for rule in of_kind} for kind, of_kind in rules._RULES.items()}
    for kind, mode, changes, *_ in BROKEN:
        document = changed(good(kind, mode), changes)
        asked[kind] -= {rule for rule in asked[kind] if list(rule(document))}
    document = ours("625")
    asked["625"] -= {rule for rule in asked["625"] if list(rule({**document, "lines": document["lines"] * 2}))}
    assert {kind: left for kind, left in asked.items() if left} == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"lines[1]/price": D("33.33"), "lines[1]/totalPrice": D("99.99")},  # 3 x 33.33
        {"lines[1]/price": D("33.33167"), "lines[1]/totalPrice": D("100")},  # 99.99501 rounds up to a fen
        {"lines[1]/price": D(0), "lines[1]/totalPrice": D(0)},  # a gift
        {"appType": "2", "invtNo": "640120261234567890"},  # an amendment names its list
        {"licenseNo": "26-AB-1234567890123"},
        {"lines[1]/qty2": D("0.5"), "lines[1]/unit2": "035"},
        {"assureCode": "4601960M55"},  # the merchant may stand for its tax
    ],
)
def test_what_the_rules_allow(changes):
    assert validate("621", [changed(good("621"), changes)], TRANSFER, new_guid()) == []


@pytest.mark.parametrize("kind", ["311", "621"])
@pytest.mark.parametrize("number", [D("9E+999999"), D("1E-999999"), D("sNaN"), D("Infinity"), 10**60])
def test_absurd_numbers_are_breaches_and_no_exceptions(kind, number):
    for element in ("lines[1]/price", "lines[1]/qty", "lines[1]/totalPrice", "freight", "goodsValue", "grossWeight"):
        assert validate(kind, [changed(good(kind), {element: number})], TRANSFER, new_guid()) != []
    everywhere = dict.fromkeys(
        ("lines[1]/price", "lines[1]/qty", "lines[2]/totalPrice", "goodsValue", "acturalPaid"), number
    )
    assert validate(kind, [changed(good(kind), everywhere)], TRANSFER, new_guid()) != []


def test_a_product_beyond_usual_precision_is_reckoned_exactly():
    lines = {
        "lines[1]/price": D("99999999999999"),
        "lines[1]/qty": D("99999999999999"),
        "lines[1]/totalPrice": D("99999999999999"),
    }
    assert "must be price x qty" in str(validate("621", [changed(good("621"), lines)], TRANSFER, new_guid()))
