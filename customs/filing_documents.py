"""From a declaration to the documents of the single window: facts joined, checked against every rule, built, signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from core import clock, config
from core.errors import Problem
from customs import codes, edition
from customs.filing_case import Case, Paper
from customs.filing_facts import FilingLine, FilingRequest
from customs.persons import same_name
from customs.window import documents, facts, later_documents
from customs.window.keys import HttpSigner, load_signer
from customs.window.matching import Mismatch, mismatches
from customs.window.messages import Violation, build, validate
from customs.window.parties import load_parties
from customs.window.profiles import SIGNING, Signer
from customs.window.signature import sign_message

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


@cache
def _parties(file: Path | None) -> facts.Parties:
    return load_parties(file)


def parties() -> facts.Parties:
    """The enterprises of the settings. Raises PartiesInvalid."""
    return _parties(config.current().parties_file)


@cache
def _signer(url: str | None, cert_no: str | None, folder: Path, profile: str) -> Signer:
    return HttpSigner(url, cert_no or "", SIGNING[profile]) if url else load_signer(folder, cert_no, profile)


def signer() -> Signer:
    """Who signs: the signing server of the settings, or the software test key of the state folder."""
    settings = config.current()
    folder = settings.var / SIGNER_FOLDER
    return _signer(settings.signer_url, settings.signer_cert_no, folder, settings.signer_profile)


def filing_order(case: Case) -> facts.FilingOrder:
    """The facts of the four documents. Raises Problem `invalid_input` for a country or unit without a code."""
    request = case.request
    return facts.FilingOrder(
        number=request.order_number,
        merchant=merchant_of(request),
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
        payment_no=case.payment.transaction_id if case.payment else request.payment_no,
        paid_at=request.paid_at,
        waybill_no=request.waybill_no,
        warehouse=case.warehouse,
        shipment=case.shipment,
    )


def merchant_of(request: FilingRequest) -> facts.Company:
    """The e-commerce enterprise of the documents: the merchant, or a foreign one's domestic agent."""
    return facts.Company(request.merchant_code, request.seller_name or request.merchant_name)


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
    return {
        kind: {**make(order, own, case.paper(kind).guid, filed_at), **case.paper(kind).content.get("again", {})}
        for kind, make in makers.items()
    }


def faults(case: Case, filed_at: datetime) -> list[Violation | Mismatch]:
    """Every rule the four documents break, alone and against each other; empty when they can be signed."""
    try:
        found = contents(case, filed_at)
    except Problem as fault:
        return [Violation(*fault.detail.split(": ", 1))] if ": " in fault.detail else [Violation("order", fault.detail)]
    transfer = documents.transfer_of(parties())
    own = [fault for kind, values in found.items() for fault in validate(kind, [values], transfer, values["guid"])]
    if case.warehouse.mode == "9610" and case.shipment is None:
        own.append(Violation("621/billNo", "no shipment carries the order"))
    own += _registrations(case, clock.beijing_day(filed_at))
    return [*own, *mismatches(found["311"], found["411"], found["511"], found["621"])]


def _registrations(case: Case, day: date) -> list[Violation]:
    """Enterprises that customs does not know on the day of filing, as far as their days are told."""
    known, place = parties(), case.warehouse
    named = (
        ("311/ebpCode", known.platform),
        ("411/payCode", known.payment),
        ("511/logisticsCode", place.logistics or known.logistics),
        ("621/agentCode", place.agent or known.declarant),
        ("BaseTransfer/copCode", known.transmitter),
    )
    return [
        Violation(path, f"the registration of {company.code} does not cover {day}")
        for path, company in named
        if not company.registered_on(day)
    ]


def request_contents(case: Case, paper: Paper, filed_at: datetime) -> documents.Document:
    """A withdrawal, return or delivery notice as values; the first two need customs' number of the list."""
    order, own, said = filing_order(case), parties(), paper.content
    if paper.kind == "513":
        return later_documents.signed_for_document(order, own, paper.guid, filed_at, datetime.fromisoformat(said["at"]))
    shared = {"cop_no": said["cop_no"], "invt_no": case.paper("621").invt_no or "", "reason": said["reason"]}
    if paper.kind == "623":
        return later_documents.cancellation_document(order, own, paper.guid, filed_at, **shared)
    quantities = [(line, Decimal(quantity)) for line, quantity in said["lines"]]
    return later_documents.return_document(order, own, paper.guid, filed_at, **shared, quantities=quantities)


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
