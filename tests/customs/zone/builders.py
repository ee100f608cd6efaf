"""What the tests of bonded stock stand on."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from catalog.models import Lot
from core import clock
from core.database import db, end_read
from customs.zone_stock import differences, entries
from customs.zone_stock.moves import Told
from customs.zone_stock_models import BookItem
from tests.catalog import builders as catalogue
from tests.catalog.builders import Seller

_serial = itertools.count(1)
PAPERS = {"record": "ZR-1", "check": "QD-1", "release": "HF-1"}


@dataclass(frozen=True)
class Zone:
    seller: Seller
    warehouse: uuid.UUID
    listing: uuid.UUID


def open_zone() -> Zone:
    seller = catalogue.admit()
    listing = catalogue.publish(seller, catalogue.retail(mode="1210"))
    return Zone(seller, catalogue.warehouse("1210"), listing)


def line(zone: Zone, **changes: Any) -> dict[str, Any]:
    good = {
        "listing_id": zone.listing,
        "quantity": Decimal(100),
        "value": 800000,
        "currency": "CNY",
        "batch_no": f"B{next(_serial)}",
        "produced_on": date(2026, 9, 1),
        "expires_on": clock.today() + timedelta(days=400),
    }
    return {**good, **changes}


def draft(zone: Zone, *lines: dict[str, Any], warehouse: uuid.UUID | None = None) -> uuid.UUID:
    body = {
        "warehouse_id": warehouse or zone.warehouse,
        "traf_mode": "2",
        "traf_no": "COSCO STAR/044W",
        "bill_no": "COSU6401",
        "dispatch_country": "CA",
        "lines": list(lines) or [line(zone)],
    }
    return uuid.UUID(entries.create("tests", zone.seller.id, body)["id"])


def step(entry_id: uuid.UUID, name: str, **more: Any) -> dict[str, Any]:
    return entries.take("tests", "customs", entry_id, name, Told(PAPERS.get(name)), **more)


def bring_in(zone: Zone, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An entry all the way in."""
    entry_id = draft(zone, *lines, **more)
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    return step(entry_id, "arrive")


def item(zone: Zone, warehouse: uuid.UUID | None = None) -> BookItem:
    end_read()
    query = select(BookItem).where(BookItem.warehouse_id == (warehouse or zone.warehouse))
    found = db.session.scalars(query).one()
    db.session.expunge(found)
    end_read()
    return found


def balance(zone: Zone, warehouse: uuid.UUID | None = None) -> tuple[str, str]:
    """What the book holds and what of it is claimed."""
    found = item(zone, warehouse)
    return f"{found.on_book:f}".rstrip("0").rstrip("."), f"{found.reserved:f}".rstrip("0").rstrip(".") or "0"


def lot_of(entry: dict[str, Any], at: int = 0) -> Lot:
    end_read()
    found = db.session.get(Lot, uuid.UUID(entry["lines"][at]["lot_id"]))
    assert found is not None
    db.session.expunge(found)
    end_read()
    return found


def log(zone: Zone) -> list[tuple[str, str]]:
    """The entries of the book, oldest first."""
    rows = differences.one(item(zone).id, None, 100)["entries"]
    end_read()
    return [(row["kind"], row["quantity"]) for row in reversed(rows)]
