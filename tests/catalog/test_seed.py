"""The demonstration: filled through the same services, and again without a change."""

from collections import Counter
from typing import Any

import pytest

import catalog.seed
import customs.seed
from catalog.models import Listing, Lot, StockMovement
from core import accounts
from core.database import db
from customs.zone_stock import differences
from customs.zone_stock_models import BookItem, ZoneEntry

DEPARTMENTS = {"beef", "mutton", "aquatic_products", "consumer_goods", "equipment", "services", "resources"}


def state() -> list[Any]:
    db.session.rollback()
    rows = db.session.query(Listing.id, Listing.version, Listing.status).order_by(Listing.id).all()
    return [*rows, db.session.query(Lot).count(), db.session.query(StockMovement).count()]


@pytest.mark.usefixtures("context")
def test_the_seed_fills_the_shop_once(client: Any) -> None:
    customs.seed.seed()
    assert "5 merchants" in catalog.seed.seed()
    first = state()
    catalog.seed.seed()
    assert state() == first
    rows = db.session.query(Listing).all()
    assert len(rows) >= 60
    assert {row.department for row in rows} == DEPARTMENTS
    assert [row.sku for row in rows if row.status != "published" or row.hindrance or not row.shown] == []
    assert min(Counter(row.merchant_id for row in rows).values()) >= 4
    items = client.get("/api/v1/catalog/listings?limit=100").get_json()["items"]
    assert len(items) == len(rows)
    assert [card["sku"] for card in items if card["available"] == "0"] == []
    for card in items:
        found = client.get(f"/api/v1/catalog/listings/{card['id']}").get_json()
        assert found["landed_price"], found["sku"]
    assert differences.report() == []  # what lies in the zone came in by entries, and the account book agrees
    assert {row.status for row in db.session.query(ZoneEntry)} == {"arrived"}
    assert db.session.query(BookItem).count() == len([row for row in rows if row.mode == "1210"])
    borne = [row for row in rows if '"borne":{' in (row.detail or "")]
    assert len(borne) >= 10
    for name in ("merchant", "merchant2"):
        actor = accounts.check_login(f"{name}@landfall.example", catalog.seed.PASSWORD)
        assert actor.has("merchant")
