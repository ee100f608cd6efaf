"""What the tests of quotations stand on: verified companies, listings between companies, requests and offers."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from stdnum.cn import uscc

from core import clock
from core.accounts import Actor
from core.database import transaction
from core.errors import Problem
from shop import addresses, companies, rfq_offers, rfqs
from tests.shop import builders
from tests.shop.builders import Shelf

_serial = itertools.count(1)


def credit_code(serial: int | None = None) -> str:
    """A unified social credit code with the right check character (GB 32100)."""
    body = f"91310000{(serial or next(_serial)):09d}"
    return body + uscc.calc_check_digit(body + "0")


def company_account(*, verified: bool = True, name: str = "上海采购有限公司") -> Actor:
    actor = builders.open_account("consumer", name="Buyer")
    addresses.add(actor.id, dict(builders.HOME))
    told = companies.put(actor.id, name, credit_code())
    if verified:
        companies.decide("operator", uuid.UUID(told["id"]), "verify", "licence seen", told["version"])
    return actor


def machine(shelf: Shelf, *, stock: str = "5", **more: Any) -> uuid.UUID:
    facts = {"category": "machine_tools", "department": "equipment", "unit": "machine", "hs": "8457101000",
             "origin": "DE", "price_fen": 428_000_000, "statutory": {"unit1_quantity": "1", "unit2_quantity": "9500"}}  # fmt: skip
    return builders.put_listing(shelf, route="general_trade", stock=stock, **{**facts, **more})


def ore(shelf: Shelf, *, stock: str = "20000", **more: Any) -> uuid.UUID:
    facts = {"category": "ores", "department": "resources", "unit": "t", "hs": "2601112000", "origin": "AU",
             "price_fen": 86_000, "statutory": {"unit1_quantity": "1000"}}  # fmt: skip
    return builders.put_listing(shelf, route="general_trade", stock=stock, **{**facts, **more})


def service(shelf: Shelf, *, capacity: str = "10", **more: Any) -> uuid.UUID:
    facts = {"category": "research_design", "department": "services", "unit": "project", "hs": None, "origin": "DE",
             "price_fen": 18_000_000, "statutory": {}}  # fmt: skip
    listing_id = builders.put_listing(shelf, route="services", stock="0", **{**facts, **more})
    with transaction() as session:
        builders.add_lot(session, listing_id, None, Decimal(capacity))  # type: ignore[arg-type]
    return listing_id


def asked(listing_id: uuid.UUID, quantity: str = "1", unit: str = "machine", **more: Any) -> dict[str, Any]:
    """A request as its schema reads it."""
    facts = {"destination": "上海", "needed_by": clock.today() + timedelta(days=60), "text": "", "specification": []}
    return {"listing_id": listing_id, "quantity": Decimal(quantity), "unit": unit, **facts, **more}


def request(buyer: Actor, listing_id: uuid.UUID, quantity: str = "1", unit: str = "machine", **more: Any) -> uuid.UUID:
    return rfqs.request(buyer.id, uuid.uuid4(), asked(listing_id, quantity, unit, **more))


def offered(price: str = "100.00", **more: Any) -> dict[str, Any]:
    """An offer as its schema reads it."""
    facts: dict[str, Any] = {
        "currency": "CNY", "exchange_rate": None, "quantity": None, "moisture_percent": None, "incoterm": "DAP",
        "delivery_weeks": 12, "valid_until": clock.now() + timedelta(days=10), "terms": "", "charges": {},
        "service": None,
    }  # fmt: skip
    return {"unit_price": Decimal(price), **facts, **more}


def offer(shelf: Shelf, rfq_id: uuid.UUID, price: str = "100.00", **more: Any) -> uuid.UUID:
    return rfq_offers.make(shelf.owner, rfq_id, uuid.uuid4(), offered(price, **more))


def body(listing_id: uuid.UUID, **more: Any) -> dict[str, Any]:
    """A request as a client writes it."""
    day = (clock.today() + timedelta(days=60)).isoformat()
    facts = {"listing_id": str(listing_id), "quantity": "1", "unit": "machine", "destination": "上海", "needed_by": day}
    return {**facts, **more}


def offer_body(**more: Any) -> dict[str, Any]:
    """An offer as a client writes it."""
    until = clock.instant_text(clock.now() + timedelta(days=10))
    return {"unit_price": "100.00", "incoterm": "DAP", "delivery_weeks": 12, "valid_until": until, **more}


def refused(code: str, step: Callable[[], Any]) -> Problem:
    with pytest.raises(Problem) as caught:
        step()
    assert caught.value.code == code, caught.value
    return caught.value
