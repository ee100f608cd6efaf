"""From a declaration to the documents of the single window: facts joined, checked against every rule, built, signed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import config
from core.errors import Problem
from customs import codes, edition, sealing
from customs.filing_facts import FilingLine, FilingRequest, join
from customs.models import Declaration, Shipment, Warehouse, WindowDocument
from customs.persons import same_name
from customs.window import documents, facts
from customs.window.keys import HttpSigner, load_signer
from customs.window.matching import mismatches
from customs.window.messages import Violation, build, validate
from customs.window.parties import load_parties
from customs.window.signature import Signer, sign_message

SIGNER_FOLDER = "signer"

# What receipts call a document, element by element; the first one finds it.
REFERENCES = {
    "311": ("orderNo", "ebpCode", "ebcCode"),
    "411": ("payTransactionId", "payCode"),
    "511": ("logisticsNo", "logisticsCode"),
    "513": ("logisticsNo", "logisticsCode", "logisticsStatus"),
    "621": ("copNo", "customsCode", "ebpCode", "ebcCode", "agentCode"),
    "623": ("copNo", "customsCode", "ebpCode", "ebcCode", "agentCode"),
    "625": ("copNo", "customsCode", "ebpCode", "ebcCode", "agentCode"),
}


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


@dataclass(frozen=True, slots=True)
class Case:
    """A retail declaration with all that its documents need, read at one moment."""

    id: uuid.UUID
    status: str
    request: FilingRequest
    buyer: facts.Person
    warehouse: facts.Warehouse
    shipment: facts.Shipment | None
    papers: tuple[Paper, ...]

    def paper(self, kind: str) -> Paper:
        return next(paper for paper in self.papers if paper.kind == kind)


@cache
def _parties(file: Path | None) -> facts.Parties:
    return load_parties(file)


def parties() -> facts.Parties:
    """The enterprises of the settings. Raises PartiesInvalid."""
    return _parties(config.current().parties_file)


@cache
def _signer(url: str | None, cert_no: str | None, folder: Path) -> Signer:
    return HttpSigner(url, cert_no or "") if url else load_signer(folder, cert_no)


def signer() -> Signer:
    """Who signs: the signing server of the settings, or the software test key of the state folder."""
    settings = config.current()
    return _signer(settings.signer_url, settings.signer_cert_no, settings.var / SIGNER_FOLDER)


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
        _warehouse(place),
        _shipment(session, place, row.created_at),
        papers,
    )


def _warehouse(place: Warehouse) -> facts.Warehouse:
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


def _shipment(session: Session, place: Warehouse, opened_at: datetime) -> facts.Shipment | None:
    """The crossing of a direct purchase: the site's latest open one."""
    if place.mode != "9610":
        return None
    query = select(Shipment).where(Shipment.warehouse_id == place.id, Shipment.closed.is_(False))
    row = session.scalars(query.order_by(Shipment.id.desc()).limit(1)).first()
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


def filing_order(case: Case) -> facts.FilingOrder:
    """The facts of the four documents. Raises Problem `invalid_input` for a country or unit without a code."""
    request = case.request
    return facts.FilingOrder(
        number=request.order_number,
        merchant=facts.Company(request.merchant_code, request.merchant_name),
        buyer=case.buyer,
        buyer_account=request.buyer_account,
        consignee=facts.Consignee(
            request.consignee_name,
            request.consignee_phone,
            request.consignee_address,
            request.consignee_district_code,
        ),
        lines=tuple(_line(line) for line in request.lines),
        goods_fen=request.goods_fen,
        freight_fen=request.freight_fen,
        insurance_fen=request.insurance_fen,
        tax_fen=request.tax_fen,
        discount_fen=request.discount_fen,
        paid_fen=request.paid_fen,
        gross_weight_kg=request.gross_weight_kg,
        net_weight_kg=request.net_weight_kg,
        payer=_payer(case),
        payment_no=request.payment_no,
        paid_at=request.paid_at,
        waybill_no=request.waybill_no,
        warehouse=case.warehouse,
        shipment=case.shipment,
    )


def _payer(case: Case) -> facts.Person:
    """The buyer, spelled as on the card, unless somebody else paid; then the documents will not match, as they must."""
    told = case.request.payer_name
    if told is None or same_name(told, case.buyer.name):
        return case.buyer
    return facts.Person(told, case.buyer.id_number, case.buyer.phone)


def _line(line: FilingLine) -> facts.FilingLine:
    units = [codes.unit_code(unit) for unit in line.statutory_units or statutory_units(line.hs)]
    second = line.statutory[1] if len(line.statutory) > 1 and len(units) > 1 else None
    return facts.FilingLine(
        item_no=line.sku,
        name_zh=line.title_zh,
        gcode=line.hs,
        elements=line.elements,
        origin_country=codes.country_number(line.origin),
        unit=codes.unit_code(line.unit),
        quantity=line.quantity,
        total_fen=line.goods_fen,
        unit1=units[0] if units else "",
        quantity1=line.statutory[0] if line.statutory else Decimal(0),
        unit2=units[1] if second is not None else None,
        quantity2=second,
        price=line.price,
        bar_code=line.gtin,
        item_record_no=line.item_record_no,
        licence_no=line.licence_no,
    )


def statutory_units(hs: str) -> tuple[str, ...]:
    """Customs' codes of the one or two units in which a goods code is counted. Raises Problem `code_unknown`."""
    return tuple(unit for unit in edition.tariff().statutory_units(hs) if unit)


def contents(case: Case, filed_at: datetime) -> dict[str, documents.Document]:
    """The four documents of the order as values. Raises Problem `invalid_input`."""
    order, own = filing_order(case), parties()
    makers = {
        "311": documents.order_document,
        "411": documents.payment_document,
        "511": documents.waybill_document,
        "621": documents.inventory_document,
    }
    return {kind: make(order, own, case.paper(kind).guid, filed_at) for kind, make in makers.items()}


def faults(case: Case, filed_at: datetime) -> list[Violation]:
    """Every rule the four documents break, alone and against each other; empty when they can be signed."""
    try:
        found = contents(case, filed_at)
    except Problem as fault:
        return [Violation(*fault.detail.split(": ", 1))] if ": " in fault.detail else [Violation("order", fault.detail)]
    transfer = documents.transfer_of(parties())
    own = [fault for kind, values in found.items() for fault in validate(kind, [values], transfer, values["guid"])]
    if case.warehouse.mode == "9610" and case.shipment is None:
        own.append(Violation("621/billNo", "the warehouse has no open shipment"))
    return own + mismatches(found["311"], found["411"], found["511"], found["621"])


def request_contents(case: Case, paper: Paper, filed_at: datetime) -> documents.Document:
    """A withdrawal, return or delivery notice as values; the first two need customs' number of the list."""
    order, own, said = filing_order(case), parties(), paper.content
    if paper.kind == "513":
        return documents.signed_for_document(order, own, paper.guid, filed_at, datetime.fromisoformat(said["at"]))
    shared = {"cop_no": said["cop_no"], "invt_no": case.paper("621").invt_no or "", "reason": said["reason"]}
    if paper.kind == "623":
        return documents.cancellation_document(order, own, paper.guid, filed_at, **shared)
    quantities = [(line, Decimal(quantity)) for line, quantity in said["lines"]]
    return documents.return_document(order, own, paper.guid, filed_at, **shared, quantities=quantities)


@dataclass(frozen=True, slots=True)
class Signed:
    """A document ready to be sent, and what receipts will call it."""

    xml: bytes
    reference: str
    identifiers: dict[str, str]


def sign(kind: str, values: documents.Document) -> Signed:
    """Build and sign one document. Raises MessageRefused, SigningFailed."""
    xml = sign_message(build(kind, [values], documents.transfer_of(parties()), values["guid"]), signer())
    names: Sequence[str] = REFERENCES[kind]
    return Signed(xml, str(values[names[0]]), {name: str(values[name]) for name in names})
