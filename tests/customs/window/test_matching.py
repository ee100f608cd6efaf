"""What the four documents of an order must agree on, and the parties they name."""

from decimal import Decimal

import pytest

from customs.window import matching
from customs.window.matching import Mismatch, mismatches
from customs.window.parties import PartiesInvalid, load_parties
from tests.customs.window.facts import direct, documents, filing, line


def found(made: dict) -> list[str]:
    return [each.path for each in all_of(made)]


def all_of(made: dict) -> list[Mismatch]:
    return mismatches(made["311"], made["411"], made["511"], made["621"])


@pytest.mark.parametrize(
    "order",
    [
        filing(),
        direct(),
        filing(lines=(line(total_fen=5000), line(total_fen=4999, price=Decimal("16.66")))),
        filing(lines=(line(bar_code="6900000000001"), line(item_no="A" * 24), line(bar_code="无"))),
    ],
)
def test_the_documents_of_one_order_agree(order):
    assert found(documents(order)) == []


ONE, OTHER_NO = Decimal("1.00"), "11010519900307123X"
# (document, element, another value, what is found): exactly one element is broken at a time.
BROKEN = [
    ("411", "orderNo", "LF1", ["411/orderNo"]),
    ("411", "ebpCode", "4601960Z99", ["411/ebpCode"]),
    ("411", "ebpName", "别的平台", ["411/ebpName"]),
    ("411", "payCode", "4601960Z99", ["411/payCode"]),
    ("411", "payName", "别的支付", ["411/payName"]),
    ("411", "payTransactionId", "OTHER", ["411/payTransactionId"]),
    ("411", "payerIdType", "2", ["411/payerIdType"]),
    ("411", "payerIdNumber", OTHER_NO, ["411/payerIdNumber"]),
    ("411", "payerName", "别人", ["411/payerName"]),
    ("411", "amountPaid", ONE, ["411/amountPaid"]),
    ("411", "currency", "502", ["411/currency"]),
    ("511", "orderNo", "LF1", ["511/orderNo"]),
    ("511", "consignee", "别人", ["511/consignee"]),
    ("511", "consigneeTelephone", "13700000000", ["511/consigneeTelephone"]),
    ("511", "consigneeAddress", "别处", ["511/consigneeAddress"]),
    ("511", "currency", "502", ["511/currency"]),
    ("511", "freight", ONE, ["621/freight", "511/freight"]),
    ("511", "insuredFee", ONE, ["621/insuredFee", "511/freight"]),
    ("511", "logisticsNo", "OTHER", ["621/logisticsNo"]),
    ("511", "logisticsCode", "4601980Z99", ["621/logisticsCode"]),
    ("511", "logisticsName", "别的物流", ["621/logisticsName"]),
    ("511", "weight", ONE, ["621/grossWeight"]),
    ("511", "packNo", 2, ["621/packNo"]),
    ("511", "billNo", "OTHER", ["621/billNo"]),
    ("621", "orderNo", None, ["621/orderNo"]),
    ("621", "ebpCode", "4601960Z99", ["621/ebpCode"]),
    ("621", "ebpName", "别的平台", ["621/ebpName"]),
    ("621", "ebcCode", "4601960Z99", ["621/ebcCode"]),
    ("621", "ebcName", "别的商家", ["621/ebcName"]),
    ("621", "buyerIdType", "2", ["621/buyerIdType"]),
    ("621", "buyerIdNumber", OTHER_NO, ["621/buyerIdNumber"]),
    ("621", "buyerName", "别人", ["621/buyerName"]),
    ("621", "buyerTelephone", "13700000000", ["621/buyerTelephone"]),
    ("621", "consigneeAddress", "别处", ["621/consigneeAddress"]),
    ("621", "currency", "502", ["621/currency"]),
    ("621", "freight", ONE, ["621/freight", "621/freight"]),
    ("621", "insuredFee", Decimal(0), ["621/insuredFee", "621/freight"]),
    ("621", "logisticsNo", "OTHER", ["621/logisticsNo"]),
    ("621", "grossWeight", ONE, ["621/grossWeight"]),
]


@pytest.mark.parametrize(("kind", "element", "value", "paths"), BROKEN)
def test_each_broken_element_is_named_and_nothing_else(kind, element, value, paths):
    made = documents(filing())
    made[kind] = {**made[kind], element: value}
    assert found(made) == paths


def test_every_pair_that_is_compared_is_broken_once():
    compared = {(b, name) for _, _, b, name in matching._EQUAL + matching._WHERE_BOTH}
    named = {tuple(path.split("/")) for _, _, _, paths in BROKEN for path in paths}
    assert compared <= named


LINE = [
    ("gnum", 7, "gnum"),
    ("itemNo", "OTHER", "itemNo"),
    ("itemName", "别的", "itemName"),
    ("gname", "别的", "gname"),
    ("barCode", "6900000000001", "barCode"),
    ("gmodel", "别的|规格", "gmodel"),
    ("unit", "011", "unit"),
    ("qty", Decimal(2), "qty"),
    ("price", Decimal("33.34"), "price"),
    ("totalPrice", Decimal("99.98"), "totalPrice"),
    ("currency", "502", "currency"),
    ("country", "303", "country"),
]


@pytest.mark.parametrize(("element", "value", "name"), LINE)
def test_each_broken_element_of_a_line_is_named(element, value, name):
    made = documents(filing(lines=(line(total_fen=5000), line(total_fen=4999))))
    first, second = made["621"]["lines"]
    made["621"] = {**made["621"], "lines": [first, {**second, element: value}]}
    assert found(made) == [f"621/InventoryList[2]/{name}"]


def test_every_element_of_a_line_that_is_compared_is_broken_once():
    assert {name for _, name in matching._LINE_EQUAL} <= {name for _, _, name in LINE}


def test_lines_correspond_one_to_one():
    made = documents(filing())
    (short,) = all_of({**made, "621": {**made["621"], "lines": []}})
    assert (short.path, short.values) == ("621/InventoryList", (("311/OrderList", "1"), ("621/InventoryList", "0")))


def test_both_values_are_shown_and_personal_ones_masked():
    made = documents(filing())
    changed = {"amountPaid": ONE, "payerName": "欧阳别人", "payerIdNumber": OTHER_NO}
    told = {each.path: each.values for each in all_of({**made, "411": {**made["411"], **changed}})}
    assert told["411/amountPaid"] == (("311/acturalPaid", "114.05"), ("411/amountPaid", "1"))
    assert told["411/payerName"] == (("311/buyerName", "张*"), ("411/payerName", "欧***"))
    masked = (("311/buyerIdNumber", "110***********002X"), ("411/payerIdNumber", "110***********123X"))
    assert told["411/payerIdNumber"] == masked
    phone = all_of({**made, "511": {**made["511"], "consigneeTelephone": "13712345678"}})
    assert phone[0].values == (("311/consigneeTelephone", "***0000"), ("511/consigneeTelephone", "***5678"))
    address = all_of({**made, "511": {**made["511"], "consigneeAddress": "上海市黄浦区某路9号"}})
    assert address[0].values[1] == ("511/consigneeAddress", "上海市黄浦区…")
    gone = all_of({**made, "621": {**made["621"], "orderNo": None}})
    assert gone[0].values[1] == ("621/orderNo", "–")


GOOD = """
guarantor = "merchant"
[exchange]
dxp_id = "D"
receiver_id = "R"
""" + "".join(
    f'[{role}]\ncode = "46019600{at:02d}"\nname = "某公司"\n'
    for at, role in enumerate(("platform", "payment", "logistics", "declarant", "transmitter"))
)


def test_parties_come_from_a_file(tmp_path):
    file = tmp_path / "parties.toml"
    file.write_text(GOOD, "utf-8")
    parties = load_parties(file)
    assert (parties.guarantor, parties.payment.code, parties.dxp_id) == ("merchant", "4601960001", "D")
    assert documents(filing())["621"]["assureCode"] == load_parties().platform.code


def test_every_fault_of_the_parties_is_named(tmp_path):
    file = tmp_path / "parties.toml"
    bad = GOOD.replace('"4601960000"', '"46-1"').replace('"merchant"', '"payment"').replace('dxp_id = "D"', "")
    file.write_text(bad.replace("[transmitter]", "[transmiter]"), "utf-8")
    with pytest.raises(PartiesInvalid) as refused:
        load_parties(file)
    for part in ("platform.code", "guarantor", "exchange.dxp_id", "transmitter", "transmiter: not a party"):
        assert part in str(refused.value)
    for text in ("", "x = ", "\xff"):
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(PartiesInvalid):
            load_parties(file)
    with pytest.raises(PartiesInvalid):
        load_parties(tmp_path / "none.toml")
