"""Builders of one good order for the window's tests; every test changes the one thing it is about."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from customs.window.documents import (
    inventory_document,
    order_document,
    payment_document,
    transfer_of,
    waybill_document,
)
from customs.window.facts import Company, Consignee, FilingLine, FilingOrder, Person, Shipment, Warehouse
from customs.window.parties import load_parties
from customs.window.values import new_guid

FILED_AT = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
PARTIES = load_parties()
TRANSFER = transfer_of(PARTIES)
MERCHANT = Company("4601960M55", "测试商家有限公司")
BUYER = Person("张三", "11010519491231002X", "13800000000")


def line(**changes) -> FilingLine:
    good = FilingLine(
        item_no="SHRIMP-1",
        name_zh="冷冻阿根廷红虾",
        gcode="0306179090",
        elements=(("品名", "冷冻红虾"), ("品牌", "测试"), ("规格", "1千克/盒")),
        origin_country="402",
        unit="140",
        quantity=Decimal(3),
        total_fen=9999,
        unit1="035",
        quantity1=Decimal(3),
        item_record_no="REC-1",
    )
    return replace(good, **changes)


def bonded(**changes) -> Warehouse:
    good = Warehouse(
        mode="1210",
        customs_code="6401",
        port_code="6401",
        traf_mode="4",
        ems_no="H640122A0001",
        area=Company("4601960W77", "测试保税仓储有限公司"),
    )
    return replace(good, **changes)


def filing(**changes) -> FilingOrder:
    good = FilingOrder(
        number="LF202611230001",
        merchant=MERCHANT,
        buyer=BUYER,
        buyer_account="account-1",
        consignee=Consignee("李四", "13900000000", "北京市北京市朝阳区某路1号", "110105"),
        lines=(line(),),
        goods_fen=9999,
        freight_fen=1000,
        insurance_fen=200,
        tax_fen=706,
        discount_fen=500,
        paid_fen=11405,
        gross_weight_kg=Decimal("3.6"),
        net_weight_kg=Decimal(3),
        payer=BUYER,
        payment_no="PAY202611230001",
        paid_at=FILED_AT,
        waybill_no="WB000000000001",
        warehouse=bonded(),
    )
    return replace(good, **changes)


def direct(**changes) -> FilingOrder:
    """A direct purchase (9610)."""
    shipment = Shipment("5", "CA1234", "CA1234-20261123", "999-12345675", "402")
    return filing(warehouse=Warehouse("9610", "6401", "6401", "5"), shipment=shipment, **changes)


def documents(order: FilingOrder) -> dict[str, dict]:
    makers = {
        "311": order_document,
        "411": payment_document,
        "511": waybill_document,
        "621": inventory_document,
    }
    return {kind: make(order, PARTIES, new_guid(), FILED_AT) for kind, make in makers.items()}
