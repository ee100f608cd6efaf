"""A retail declaration read at one moment, with all that its documents need."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from customs import codes, sealing
from customs.filing_facts import FilingRequest, join
from customs.models import Declaration, Warehouse, WindowDocument
from customs.payment_models import PaymentDeclaration
from customs.payment_port.port import Declared
from customs.shipments import crossings
from customs.window import facts


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of the case as it stood when it was read."""

    id: uuid.UUID
    kind: str
    guid: str
    status: str
    built: bool
    content: Mapping[str, Any]
    invt_no: str | None

    @property
    def ready(self) -> bool:
        """Whether it is ours to send and made, or customs has it from somebody else."""
        return self.built or self.status == "received"


@dataclass(frozen=True, slots=True)
class Case:
    """A retail declaration with all that its documents need, read at one moment.

    `sealed` is what names people, as it is kept: a correction seals it anew, so another one means another moment.
    """

    id: uuid.UUID
    status: str
    request: FilingRequest
    buyer: facts.Person
    warehouse: facts.Warehouse
    shipment: facts.Shipment | None
    papers: tuple[Paper, ...]
    payment: Declared | None = None
    sealed: bytes = b""

    def paper(self, kind: str) -> Paper:
        return next(paper for paper in self.papers if paper.kind == kind)


def read_case(session: Session, declaration_id: uuid.UUID) -> Case | None:
    """The case of a retail declaration; None for another kind or an unknown one."""
    row = session.get(Declaration, declaration_id, populate_existing=True)
    if row is None or row.kind != "retail" or row.private is None:
        return None
    private = json.loads(sealing.unseal(row.private))
    buyer = facts.Person(private.pop("buyer_name"), private.pop("buyer_number"), private.pop("buyer_phone"))
    query = select(WindowDocument).where(WindowDocument.declaration_id == declaration_id).order_by(WindowDocument.id)
    papers = tuple(
        Paper(each.id, each.kind, each.guid, each.status, each.xml is not None, each.content, each.invt_no)
        for each in session.scalars(query.execution_options(populate_existing=True))
    )
    place = session.get_one(Warehouse, row.warehouse_id)
    return Case(
        row.id,
        row.status,
        join(row.snapshot, private),
        buyer,
        warehouse_facts(place),
        _shipment(session, row.id),
        papers,
        _payment(session.get(PaymentDeclaration, row.id, populate_existing=True)),
        row.private,
    )


def _payment(row: PaymentDeclaration | None) -> Declared | None:
    """What a payment enterprise has made of the payment; None while it has not declared it, or is not asked."""
    if row is None or row.transaction_id is None or row.ver_dept is None:
        return None
    return Declared(row.transaction_id, row.ver_dept, row.verified_no, row.identity_check or "not_told")


def warehouse_facts(place: Warehouse) -> facts.Warehouse:
    """A warehouse as the documents name it."""
    return facts.Warehouse(
        mode=place.mode,
        customs_code=place.customs_code,
        port_code=place.port_code,
        traf_mode=place.traf_mode,
        loct_no=place.loct_no,
        ems_no=place.ems_no,
        area=_company(place.area_code, place.area_name),
        agent=_company(place.agent_code, place.agent_name),
        logistics=_company(place.logistics_code, place.logistics_name),
        guarantor=place.guarantor,  # type: ignore[arg-type]
    )


def _company(code: str | None, name: str | None) -> facts.Company | None:
    return facts.Company(code, name) if code and name else None


def _shipment(session: Session, declaration_id: uuid.UUID) -> facts.Shipment | None:
    """The crossing that carries a direct purchase."""
    row = crossings.crossing_of(session, declaration_id)
    if row is None:
        return None
    return facts.Shipment(
        row.traf_mode,
        row.traf_no,
        row.voyage_no,
        row.bill_no,
        codes.country_number(row.dispatch_country),
        row.entry_day,
    )
