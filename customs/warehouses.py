"""Warehouses: the places a declaration names."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import audit
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from customs import codes
from customs.models import Warehouse

NAME_TAKEN = declare("warehouse_exists", 409, "A warehouse of this name exists")

MODE_OF_KIND = {"bonded": "1210", "direct": "9610", "general": "0110"}
_BONDED_ONLY = ("ems_no", "area_code", "area_name")
_COMPANIES = ("agent", "logistics")


def add(actor: str, values: Mapping[str, Any], *, warehouse_id: uuid.UUID | None = None) -> dict[str, Any]:
    """Register a warehouse; `agent` and `logistics` are {code, name} or None.

    Raises Problem `invalid_input` when kind and mode differ, a bonded one lacks its account book or another has one, or
    an office does not exist; `warehouse_exists` for a name in use.
    """
    _check(values)
    row = Warehouse(id=warehouse_id or new_id())
    for name in ("name", "kind", "mode", "zone", "customs_code", "port_code", "traf_mode", "loct_no", "guarantor"):
        setattr(row, name, values.get(name))
    for name in _BONDED_ONLY:
        setattr(row, name, values.get(name))
    for role in _COMPANIES:
        company = values.get(role) or {}
        setattr(row, f"{role}_code", company.get("code"))
        setattr(row, f"{role}_name", company.get("name"))
    try:
        with transaction() as session:
            session.add(row)
            session.flush()
            audit.record(session, actor, "warehouse_added", "warehouse", row.id, name=row.name, mode=row.mode)
            return dump(row)
    except IntegrityError:
        raise Problem(NAME_TAKEN, errors={"name": ["is taken"]}) from None


def _check(values: Mapping[str, Any]) -> None:
    if MODE_OF_KIND[values["kind"]] != values["mode"]:
        raise invalid("mode", f"a {values['kind']} warehouse has mode {MODE_OF_KIND[values['kind']]}")
    for name in _BONDED_ONLY:
        if (values["mode"] == "1210") != bool(values.get(name)):
            rule = "is required in mode 1210" if values["mode"] == "1210" else "belongs to mode 1210 only"
            raise invalid(name, rule)
    for name in ("customs_code", "port_code"):
        if not codes.is_office(values[name]):
            raise invalid(name, "is no customs office")


def listing() -> list[dict[str, Any]]:
    """All warehouses by name."""
    return [dump(row) for row in db.session.scalars(select(Warehouse).order_by(Warehouse.name))]


def find(warehouse_id: uuid.UUID) -> dict[str, Any]:
    """One warehouse. Raises Problem `not_found`."""
    row = db.session.get(Warehouse, warehouse_id)
    if row is None:
        raise Problem(NOT_FOUND, "no such warehouse")
    return dump(row)


def dump(row: Warehouse) -> dict[str, Any]:
    plain = ("name", "kind", "mode", "zone", "customs_code", "port_code", "loct_no", "traf_mode", "ems_no", "area_code")
    companies = {
        role: {"code": getattr(row, f"{role}_code"), "name": getattr(row, f"{role}_name")}
        if getattr(row, f"{role}_code")
        else None
        for role in _COMPANIES
    }
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in plain},
        "area_name": row.area_name,
        "guarantor": row.guarantor,
        **companies,
    }
