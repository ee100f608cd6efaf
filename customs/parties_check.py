"""Everybody a document can name, with code, name and days: from the parties file, the warehouses, the merchants.

Merchants are kept by a floor above, which answers through `sellers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from customs import filing_documents
from customs.filing_case import warehouse_facts
from customs.models import Warehouse
from customs.window.facts import Company
from customs.window.parties import ROLES, code_fault

PLATFORM = "platform"
_NAME_MOST = 100
_NO_CODE = "sells nothing in cross-border retail without a customs code"


@dataclass(frozen=True, slots=True)
class Seller:
    """A merchant as documents name it: `code` and the name of who holds it; a foreign one needs its agent's number."""

    merchant: str
    code: str | None
    name: str
    foreign: bool = False
    agent_code: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """One enterprise in one role; `where` is the file, a warehouse or a merchant."""

    where: str
    role: str
    company: Company
    faults: tuple[str, ...]


def _nobody() -> Iterable[Seller]:
    return ()


sellers: Callable[[], Iterable[Seller]] = _nobody


def everybody(session: Session, day: date) -> list[Named]:
    """All enterprises with what is wrong about them on a day."""
    found = [*_parties(), *_warehouses(session), *(_seller(each) for each in sellers())]
    return [Named(each.where, each.role, each.company, (*each.faults, *_general(each, day))) for each in found]


def _parties() -> Iterator[Named]:
    own = filing_documents.parties()
    for role in ROLES:
        yield Named("parties", role, getattr(own, role), ())
    guarantor = {"platform": own.platform, "logistics": own.logistics}.get(own.guarantor)
    if guarantor is not None:
        yield Named("parties", "guarantor", guarantor, ())


def _warehouses(session: Session) -> Iterator[Named]:
    own = filing_documents.parties()
    for row in session.scalars(select(Warehouse).where(Warehouse.mode != "0110").order_by(Warehouse.name)):
        place = warehouse_facts(row)
        logistics = place.logistics or own.logistics
        yield Named(row.name, "logistics", logistics, ())
        yield Named(row.name, "declarant", place.agent or own.declarant, ())
        if row.mode == "1210":
            yield Named(row.name, "zone", Company(row.area_code or "", row.area_name or ""), ())
        guarantor = {"platform": own.platform, "logistics": logistics}.get(place.guarantor or own.guarantor)
        if guarantor is not None:  # else it is the merchant, who stands below
            yield Named(row.name, "guarantor", guarantor, ())


def _seller(seller: Seller) -> Named:
    faults = [] if seller.code else [_NO_CODE]
    if seller.foreign and (seller.agent_code is None or code_fault(seller.agent_code)):
        faults.append("a foreign merchant needs a domestic agent with its credit code")
    return Named(seller.merchant, "merchant", Company(seller.code or "", seller.name), tuple(faults))


def _general(named: Named, day: date) -> Iterator[str]:
    company = named.company
    fault = code_fault(company.code) if company.code else None
    if fault:
        yield f"code: {fault}"
    if not company.code and _NO_CODE not in named.faults:
        yield "code: is missing"
    if not 1 <= len(company.name.strip()) <= _NAME_MOST:
        yield f"name: 1 to {_NAME_MOST} characters"
    if not company.registered_on(day):
        yield f"its registration does not cover {day}"
