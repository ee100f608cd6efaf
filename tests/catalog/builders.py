"""What the catalogue's tests stand on: admitted merchants, warehouses, and listings that the law lets through."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from stdnum.cn import uscc

from catalog import attributes, categories, listings, merchants, receiving
from catalog.api import inputs, schemas
from core import accounts, clock
from core.accounts import Actor
from core.database import new_id, transaction
from customs.models import Warehouse

PASSWORD = "a password of the tests"
_serial = itertools.count(1)


def open_account(*roles: str) -> Actor:
    return accounts.register(f"c{next(_serial)}-{uuid.uuid4().hex[:8]}@landfall.example", PASSWORD, "Tester", roles)


def bearer(actor: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.issue_token(actor)[0]}"}


def social_credit_code(serial: int | None = None) -> str:
    body = f"91310115MA1K{(serial or next(_serial)):05d}"
    return body + uscc.calc_check_digit(body)


@dataclass(frozen=True)
class Seller:
    id: uuid.UUID
    owner: Actor
    bearer: dict[str, str]


def application(**changes: Any) -> dict[str, Any]:
    values = {
        "registered_name": "测试贸易有限公司",
        "uscc": social_credit_code(),
        "customs_code": "3122960A17",
        "contact": {"name": "张敏", "phone": "13900000000"},
    }
    return {**values, **changes}


def admit(**changes: Any) -> Seller:
    owner = open_account("consumer")
    merchant_id = uuid.UUID(merchants.apply(owner.id, application(**changes))["id"])
    merchants.decide("tests", merchant_id, "approve", "")
    return Seller(merchant_id, owner, bearer(owner))


def warehouse(mode: str) -> uuid.UUID:
    kinds = {"1210": "bonded", "9610": "direct", "0110": "general"}
    bonded = {"ems_no": "T2991W000001", "area_code": "2991960001", "area_name": "园区企业"} if mode == "1210" else {}
    place = {"zone": "Hangzhou", "customs_code": "2991", "port_code": "2991", "traf_mode": "7"}
    warehouse_id = new_id()
    with transaction() as session:
        session.add(
            Warehouse(id=warehouse_id, name=f"w{next(_serial)}", kind=kinds[mode], mode=mode, **place, **bonded)
        )
    return warehouse_id


def retail(**changes: Any) -> dict[str, Any]:
    """A complete retail listing as a client writes it."""
    values = {
        "sku": f"R-{next(_serial)}",
        "title": {"zh": "加拿大冷冻龙虾 450克", "en": "Canadian frozen lobster, 450 g"},
        "category": "lobster",
        "hs": "0306120000",
        "origin": "CA",
        "route": "cross_border_retail",
        "unit": "piece",
        "price": "168.00",
        "net_weight_kg": "0.45",
        "gross_weight_kg": "0.6",
        "brand": "Fundy Bay",
        "specification": "450克/只",
        "declaration_elements": {
            "品牌类型": "4",
            "制作或保存方法": "冻",
            "状态": "带壳",
            "拉丁名称": "Homarus americanus",
            "个体重量": "450克/只",
            "包装规格": "1只/袋",
        },
        "statutory": {"unit1_quantity": "0.45"},
        "net_content": {"quantity": "450", "unit": "g"},
        "gtin": "无",
        "cold_chain": True,
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def general(**changes: Any) -> dict[str, Any]:
    """A complete general-trade listing as a client writes it."""
    values = {
        "sku": f"G-{next(_serial)}",
        "title": {"zh": "澳洲冷冻去骨牛肉", "en": "Australian frozen boneless beef"},
        "category": "beef_boneless",
        "hs": "0202300090",
        "origin": "AU",
        "route": "general_trade",
        "unit": "kg",
        "price": "88.00",
        "net_weight_kg": "1",
        "brand": "Coolibah Plains",
        "specification": "20千克/箱",
        "establishment_no": "AU 0412",
        "cold_chain": True,
    }
    merged = {name: value for name, value in {**values, **changes}.items() if value is not None}
    needed = attributes.missing(merged["category"], merged.get("attributes", {})) if _known(merged["category"]) else []
    if needed and "attributes" not in changes:
        merged["attributes"] = {each.key: next(iter(each.choices), "as agreed") for each in needed}
    return merged


def _known(category: str) -> bool:
    return any(
        category in (entry["code"], *(shelf["code"] for shelf in entry["children"])) for entry in categories.tree()
    )


def draft(seller: Seller, values: dict[str, Any]) -> uuid.UUID:
    row = inputs.listing_values(schemas.NewListing().load(values))
    return uuid.UUID(listings.create("tests", seller.id, row)["id"])


def publish(seller: Seller, values: dict[str, Any]) -> uuid.UUID:
    listing_id = draft(seller, values)
    listings.move("tests", seller.id, listing_id, "submit")
    listings.review("tests", listing_id, "approve", "")
    return listing_id


def receive(
    seller: Seller, listing_id: uuid.UUID, warehouse_id: uuid.UUID | None, quantity: str, **changes: Any
) -> uuid.UUID:
    values = {
        "listing_id": listing_id,
        "batch_no": f"B{next(_serial)}",
        "produced_on": date(2026, 9, 1),
        "expires_on": clock.today() + timedelta(days=400),
        "quantity": Decimal(quantity),
        "warehouse": None if warehouse_id is None else str(warehouse_id),
        "item_record_no": "REC1",
    }
    return uuid.UUID(receiving.create("tests", seller.id, {**values, **changes})["id"])
