"""The ground a demonstration stands on: warehouses, a border crossing and a year of released consignments.

Everything goes through the services, so every amount is the engine's. Identifiers are derived from words, so running it
again changes nothing and the catalogue can point its lots at `CONSIGNMENT_LINES`.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core import clock
from core.database import db, end_read
from customs import consignments, filing_documents, warehouses
from customs.api.schemas import NewConsignment, NewShipment, NewWarehouse
from customs.consignments import Importer
from customs.guarantee import care as guarantee
from customs.models import Declaration, Shipment, Warehouse
from customs.money_models import Guarantee
from customs.shipments import service as shipments
from customs.zone_stock import entries, moves
from customs.zone_stock_models import ZoneEntry

_FILE = Path(__file__).with_name("demo.toml")
_SPACE = uuid.UUID("2f6f0a3c-5a0e-4d55-9f55-3c1d5f3f8a20")
# Demonstration merchants are named by their account on every floor: the catalogue derives their identifiers alike.
_MERCHANTS = uuid.UUID("6a3f3b5e-6a55-4a6c-9d0f-0f1c6f0a7b11")
_ACTOR = "seed"
_GUARANTEE_FEN = 2_000_000_000

_facts: dict[str, Any] = tomllib.loads(_FILE.read_text("utf-8"))


def _identifier(*parts: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, "/".join(parts))


def merchant_id(account: str) -> uuid.UUID:
    """The identifier of a demonstration merchant."""
    return uuid.uuid5(_MERCHANTS, account)


WAREHOUSES: dict[str, uuid.UUID] = {key: _identifier("warehouse", key) for key in _facts["warehouse"]}
CONSIGNMENT_LINES: dict[str, uuid.UUID] = {
    line["key"]: _identifier("line", line["key"]) for each in _facts["consignment"] for line in each["line"]
}
"""Released general trade lines by key such as "AU-BEEF-0202300090"; `merchant` of a key is who imported it."""

LINE_OWNERS: dict[str, uuid.UUID] = {
    line["key"]: merchant_id(each["account"]) for each in _facts["consignment"] for line in each["line"]
}


def seed() -> str:
    """Fill the ground; says what there is. Consignments of days that have not come are left out."""
    for key, facts in _facts["warehouse"].items():
        if db.session.get(Warehouse, WAREHOUSES[key]) is None:
            warehouses.add(_ACTOR, NewWarehouse().load(facts), warehouse_id=WAREHOUSES[key])
    _shipment()
    _guarantees()
    done = sum(_consignment(facts) for facts in _facts["consignment"])
    db.session.rollback()
    return f"{len(WAREHOUSES)} warehouses, {done} released consignments"


def _guarantees() -> None:
    """What the sandbox's platform has lodged with the offices of its retail warehouses."""
    own = filing_documents.parties().platform
    known = set(db.session.scalars(select(Guarantee.office).where(Guarantee.code == own.code)))
    places = select(Warehouse.customs_code).where(Warehouse.mode != "0110").distinct().order_by(Warehouse.customs_code)
    offices = [office for office in db.session.scalars(places) if office not in known]
    end_read()
    for office in offices:
        values = {"code": own.code, "name": own.name, "office": office, "amount": _GUARANTEE_FEN}
        guarantee.open_one(_ACTOR, values)


def _shipment() -> None:
    place = WAREHOUSES["direct"]
    known = db.session.scalars(select(Shipment.id).where(Shipment.warehouse_id == place)).first()
    if known is None:
        shipments.add(_ACTOR, NewShipment().load({**_facts["shipment"], "warehouse_id": str(place)}))


def _consignment(facts: dict[str, Any]) -> bool:
    """Drafted, declared and released on its days, taken up where an earlier run was interrupted."""
    identity = _identifier("consignment", facts["key"])
    if facts["released_on"] > clock.today():
        return False
    status = _status(identity)
    if status is None:
        lines = [{name: value for name, value in line.items() if name != "key"} for line in facts["line"]]
        terms: dict[str, Any] = {
            name: facts[name] for name in ("currency", "exchange_rate", "documents") if name in facts
        }
        body = {"warehouse_id": str(WAREHOUSES["general"]), "day": f"{facts['filed_on']}", **terms, "lines": lines}
        importer = Importer(merchant_id(facts["account"]), facts["importer"])
        keys = [CONSIGNMENT_LINES[line["key"]] for line in facts["line"]]
        consignments.create(_ACTOR, importer, NewConsignment().load(body), consignment_id=identity, line_ids=keys)
        status = "draft"
    if status == "draft":
        consignments.file(_ACTOR, identity, _day(facts, "filed_on"))
        status = "declared"
    if status == "declared":
        consignments.release(_ACTOR, identity, _day(facts, "released_on"))
    return True


def enter_zone(account: str, lines: Sequence[Mapping[str, Any]]) -> None:
    """A demonstration merchant's bonded goods come into the zone over the first line: lines as entries take them.

    Taken up where an earlier run was interrupted; an entry that has arrived stays as it is.
    """
    facts, identity = _facts["zone_entry"][account], _identifier("zone-entry", account)
    status = db.session.scalar(select(ZoneEntry.status).where(ZoneEntry.id == identity))
    db.session.rollback()
    if status is None:
        head = {name: facts[name] for name in ("traf_mode", "traf_no", "bill_no", "dispatch_country")}
        body = {**head, "warehouse_id": WAREHOUSES["bonded"], "lines": lines}
        status = entries.create(_ACTOR, merchant_id(account), body, entry_id=identity)["status"]
    for before, step in (
        ("draft", "submit"),
        ("submitted", "record"),
        ("recorded", "check"),
        ("checked", "release"),
        ("released", "arrive"),
    ):
        if status == before:
            told = moves.Told(facts.get(step))
            status = entries.take(_ACTOR, "customs", identity, step, told)["status"]


def _status(identity: uuid.UUID) -> str | None:
    found = db.session.scalar(select(Declaration.status).where(Declaration.id == identity))
    db.session.rollback()
    return found


def _day(facts: dict[str, Any], name: str) -> date:
    day: date = facts[name]
    return day
