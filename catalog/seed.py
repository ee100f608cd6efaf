"""A small catalogue for a first look: five merchants and their listings, through the same services and the same law.

Identifiers are derived from account, sku and batch, so that running it again changes nothing.
"""

from __future__ import annotations

import tomllib
import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from catalog import listings, merchants, notices, quality, receiving
from catalog.api import inputs, schemas
from catalog.models import RETAIL, SERVICES, Listing, Lot, Merchant
from core import accounts
from core.database import db
from core.money import round_to_fen
from customs.models import Warehouse
from customs.seed import CONSIGNMENT_LINES, enter_zone

DEMO = Path(__file__).parent / "demo"
PASSWORD = "landfall-demo"  # noqa: S105 - the demo accounts' password is printed by `make run`, on purpose
_SPACE = uuid.UUID("6a3f3b5e-6a55-4a6c-9d0f-0f1c6f0a7b11")
_ACTOR = "seed"


def identifier(*parts: str) -> uuid.UUID:
    """The same words give the same identifier on every machine."""
    return uuid.uuid5(_SPACE, "/".join(parts))


def seed() -> str:
    """Fill the shop; says what there is. Raises LookupError when the customs floor has no warehouses yet."""
    places = {"0110": _warehouse("0110")}
    for path in sorted(DEMO.glob("*.toml")):
        _merchant(tomllib.loads(path.read_text("utf-8")), places)
    quality.reckon_all()  # the place of a price is known once all prices are there
    count = db.session.query(Listing).filter(Listing.status == "published").count()
    db.session.rollback()
    return f"{count} listings of {len(list(DEMO.glob('*.toml')))} merchants"


def _warehouse(mode: str) -> str:
    found = db.session.scalars(select(Warehouse.id).where(Warehouse.mode == mode).order_by(Warehouse.name)).first()
    if found is None:
        raise LookupError(f"there is no warehouse of mode {mode}: seed the customs floor first")
    return str(found)


def _merchant(facts: dict[str, Any], places: dict[str, str]) -> None:
    merchant_id = identifier(facts["account"])
    new = db.session.get(Merchant, merchant_id) is None
    if new:
        owner = _account(facts["account"], facts["contact"]["name"])
        given = {name: facts[name] for name in ("registered_name", "uscc", "customs_code", "contact")}
        merchants.apply(owner, schemas.NewMerchant().load(given), merchant_id=merchant_id)
        merchants.decide(_ACTOR, merchant_id, "approve", "demonstration")
    bonded: list[dict[str, Any]] = []
    for listing in facts["listing"]:
        bonded += _listing(merchant_id, listing, places)
    if bonded:
        enter_zone(facts["account"], bonded)
    if new:
        notices.read_all(merchant_id)  # that what came with the shop was approved is no news


def _account(email: str, name: str) -> uuid.UUID:
    known = db.session.scalars(select(accounts.User.id).where(accounts.User.email == email)).first()
    return known or accounts.register(email, PASSWORD, name).id


def _listing(merchant_id: uuid.UUID, facts: dict[str, Any], places: dict[str, str]) -> list[dict[str, Any]]:
    """A listing in the shop with its lots; answers with the lines of those that enter a bonded zone."""
    lots = facts.pop("lot", [])
    listing_id = identifier(str(merchant_id), facts["sku"])
    status = db.session.scalar(select(Listing.status).where(Listing.id == listing_id))
    if status is None:
        values = inputs.listing_values(schemas.NewListing().load(facts))
        status = listings.create(_ACTOR, merchant_id, values, listing_id)["status"]
    if status == "draft":  # also when an earlier run was interrupted here
        status = listings.move(_ACTOR, merchant_id, listing_id, "submit")["status"]
    if status == "submitted":
        listings.review(_ACTOR, listing_id, "approve", "")
    if facts["route"] == RETAIL:
        return [_entry_line(listing_id, Decimal(facts["price"]), lot) for lot in lots if _is_new(listing_id, lot)]
    for lot in lots:
        _lot(merchant_id, listing_id, facts["route"], lot, places)
    return []


def _is_new(listing_id: uuid.UUID, lot: dict[str, Any]) -> bool:
    """Not there yet: also demonstrations of before entries were kept have their lots."""
    known = select(Lot.id).where(Lot.listing_id == listing_id, Lot.batch_no == lot["batch_no"])
    return db.session.scalar(known) is None


def _entry_line(listing_id: uuid.UUID, price: Decimal, lot: dict[str, Any]) -> dict[str, Any]:
    """Declared at the first line for what the merchant paid abroad: here three fifths of the price in the shop."""
    quantity = Decimal(lot["quantity"])
    same = ("batch_no", "produced_on", "expires_on", "item_record_no")
    return {
        "listing_id": listing_id,
        "quantity": quantity,
        "value": round_to_fen(price * quantity * 3 / 5),
        **{name: lot.get(name) for name in same},
    }


def _lot(
    merchant_id: uuid.UUID, listing_id: uuid.UUID, route: str, lot: dict[str, Any], places: dict[str, str]
) -> None:
    lot_id = identifier(str(listing_id), lot["batch_no"])
    if db.session.get(Lot, lot_id) is not None:
        return
    given = {name: value.isoformat() if isinstance(value, date) else value for name, value in lot.items()}
    given["listing_id"] = str(listing_id)
    if "consignment" in given:
        given["consignment_line_id"] = str(CONSIGNMENT_LINES[given.pop("consignment")])
    if route != SERVICES:
        given["warehouse"] = places["0110"]
    receiving.create(_ACTOR, merchant_id, schemas.NewLot().load(given), lot_id)
