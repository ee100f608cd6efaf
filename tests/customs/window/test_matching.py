"""What the four documents of an order must agree on, and the parties they name."""

from decimal import Decimal

import pytest

from customs.window.matching import mismatches
from customs.window.parties import PartiesInvalid, load_parties
from tests.customs.window.facts import direct, documents, filing, line


def found(made: dict) -> list[str]:
    return [path for path, _ in mismatches(made["311"], made["411"], made["511"], made["621"])]


@pytest.mark.parametrize(
    "order",
    [filing(), direct(), filing(lines=(line(total_fen=5000), line(total_fen=4999, price=Decimal("16.66"))))],
)
def test_the_documents_of_one_order_agree(order):
    assert found(documents(order)) == []


@pytest.mark.parametrize(
    ("kind", "element", "value", "path"),
    [
        ("411", "amountPaid", Decimal("1.00"), "411/amountPaid"),
        ("411", "payerIdNumber", "11010519900307123X", "411/payerIdNumber"),
        ("411", "payerName", "别人", "411/payerName"),
        ("411", "payTransactionId", "OTHER", "411/payTransactionId"),
        ("511", "consignee", "别人", "511/consignee"),
        ("511", "consigneeAddress", "别处", "511/consigneeAddress"),
        ("511", "logisticsNo", "OTHER", "621/logisticsNo"),
        ("621", "insuredFee", Decimal(0), "621/freight"),
        ("621", "buyerName", "别人", "621/buyerName"),
        ("621", "orderNo", None, "621/orderNo"),
    ],
)
def test_each_disagreement_is_named(kind, element, value, path):
    made = documents(filing())
    made[kind] = {**made[kind], element: value}
    assert path in found(made)


def test_lines_correspond_one_to_one():
    made = documents(filing())
    other = {**made["621"]["lines"][0], "qty": Decimal(2), "gname": "别的"}
    assert found({**made, "621": {**made["621"], "lines": [other]}}) == [
        "621/InventoryList[1]/qty",
        "621/InventoryList[1]/gname",
    ]
    assert found({**made, "621": {**made["621"], "lines": []}}) == ["621/InventoryList"]


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
