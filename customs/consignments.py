"""General trade: a consignment is assessed, declared on a day with its documents, and released.

The law is that of the day the declaration is completed (Tariff Law art. 20; rule A8), so a draft is assessed anew when
it is filed. Amounts of the draft stand in the invoice currency with the rate that was given; what is declared is CNY.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text, plain, share
from customs import edition
from customs.assessments import AssessedLine, Assessment, assess, parse_request
from customs.declaration_views import detail as declaration_detail
from customs.declarations import TOO_LATE, locked
from customs.models import Declaration, DeclarationLine, Warehouse
from customs.receipt_effects import set_release

DOCUMENTS_MISSING = declare("documents_missing", 422, "Documents that the goods need are missing")

# Requirements that a number on the declaration answers; the others are for the physical control.
NUMBERED = (
    "automatic_import_licence",
    "import_licence",
    "tariff_quota_certificate",
    "cites_import_permit",
    "legal_catch_certificate",
    "establishment_registration",
)
KIND, ROUTE, MODE = "general_trade", "general_trade", "0110"


@dataclass(frozen=True, slots=True)
class Importer:
    """Whose consignment it is; `merchant_id` None for one the desk files for somebody who sells nothing here."""

    merchant_id: uuid.UUID | None
    name: str


def create(
    actor: str,
    importer: Importer,
    values: Mapping[str, Any],
    *,
    consignment_id: uuid.UUID | None = None,
    line_ids: Sequence[uuid.UUID] | None = None,
) -> dict[str, Any]:
    """Assess a consignment and keep it as a draft.

    `values` is the body of POST /customs/consignments: `warehouse_id`, `incoterm` (CIF: freight and insurance are in
    the value; CFR: freight is; FOB: neither), `currency`, `exchange_rate` (yuan for one unit), `freight`, `insurance`
    (None: unknown, then 0.3 %), `documents` (requirement code to number), `day`, `lines`. Raises Problem of the
    assessment with the field as `lines.0.hs`, or `invalid_input`.
    """
    day = values.get("day") or clock.today()
    if day > clock.today():
        raise invalid("day", "lies in the future")
    snapshot = _snapshot(values)
    answer = _assess(snapshot, day)
    identity = consignment_id or new_id()
    with transaction() as session:
        place = session.get(Warehouse, values["warehouse_id"])
        if place is None or place.mode != MODE:
            raise invalid("warehouse_id", "must be a warehouse of mode 0110")
        session.execute(insert(Declaration).values(_head(identity, importer, place, snapshot, answer, day)))
        _write_lines(session, identity, importer, place, snapshot, answer, line_ids)
        audit.record(session, actor, "consignment_drafted", "declaration", identity, importer=importer.name)
    return detail(identity)


def _snapshot(values: Mapping[str, Any]) -> dict[str, Any]:
    """The draft as JSON: the lines as the assessment wants them, header freight and insurance shared over them (A3)."""
    _check_terms(values)
    lines = [{name: _texts(value) for name, value in line.items()} for line in values["lines"]]
    goods = [line["value"] for line in values["lines"]]
    freight = share(values["freight"], goods)
    insurance = None if values["insurance"] is None else share(values["insurance"], goods)
    for number, line in enumerate(lines):
        line["currency"] = values["currency"]
        line["value"] = fen_text(line["value"])
        line["freight"] = fen_text(freight[number])
        if insurance is not None:
            line["insurance"] = fen_text(insurance[number])
    rate = values["exchange_rate"]
    return {
        "incoterm": values["incoterm"],
        "currency": values["currency"],
        "exchange_rates": {} if rate is None else {values["currency"]: rate},
        "freight": fen_text(values["freight"]),
        "insurance": None if values["insurance"] is None else fen_text(values["insurance"]),
        "papers": dict(values["documents"]),
        "lines": lines,
    }


def _texts(value: Any) -> Any:
    """Decimals as text, inside objects too: the draft is JSON."""
    if isinstance(value, Mapping):
        return {name: _texts(part) for name, part in value.items()}
    return plain(value) if isinstance(value, Decimal) else value


def _check_terms(values: Mapping[str, Any]) -> None:
    """What the delivery term includes must not be given again, what it leaves out must be (Tariff Law art. 25)."""
    term, freight, insurance = values["incoterm"], values["freight"], values["insurance"]
    if term in ("CIF", "CFR") and freight:
        raise invalid("freight", f"is in the value under {term}")
    if term == "CIF" and insurance:
        raise invalid("insurance", "is in the value under CIF")
    if term == "FOB" and not freight:
        raise invalid("freight", "is required under FOB: it is part of the dutiable value")
    if (values["currency"] == "CNY") != (values["exchange_rate"] is None):
        rule = "belongs to a foreign currency" if values["currency"] == "CNY" else "is required for a foreign currency"
        raise invalid("exchange_rate", rule)


def _assess(snapshot: Mapping[str, Any], day: date) -> Assessment:
    """The engine's answer for the draft on a day; the same body that anyone may ask."""
    lines = [
        {name: value for name, value in line.items() if value is not None and name != "name"}
        for line in snapshot["lines"]
    ]
    body: dict[str, Any] = {"route": ROUTE, "day": day.isoformat(), "incoterm": snapshot["incoterm"], "lines": lines}
    if snapshot["exchange_rates"]:
        body["exchange_rates"] = snapshot["exchange_rates"]
    return assess(edition.tariff(), parse_request(body))


def _head(
    identity: uuid.UUID,
    importer: Importer,
    place: Warehouse,
    snapshot: Mapping[str, Any],
    answer: Assessment,
    day: date,
) -> dict[str, Any]:
    return {
        "id": identity,
        "number": f"G{identity.hex[:8].upper()}{identity.hex[-11:].upper()}",
        "kind": KIND,
        "merchant_id": importer.merchant_id,
        "merchant_name": importer.name,
        "warehouse_id": place.id,
        "mode": MODE,
        "office": place.customs_code,
        "zone": place.zone,
        "status": "draft",
        "edition": answer.edition,
        "standing": answer.standing,
        "assessed_on": day,
        "snapshot": dict(snapshot),
    }


def _write_lines(
    session: Session,
    identity: uuid.UUID,
    importer: Importer,
    place: Warehouse,
    snapshot: Mapping[str, Any],
    answer: Assessment,
    line_ids: Sequence[uuid.UUID] | None,
) -> None:
    shared = {
        "declaration_id": identity,
        "route": ROUTE,
        "mode": MODE,
        "merchant_id": importer.merchant_id,
        "merchant_name": importer.name,
        "zone": place.zone,
        "office": place.customs_code,
    }
    rows = [
        {**shared, **_line(given, found), "id": line_ids[at] if line_ids else new_id(), "position": at + 1}
        for at, (given, found) in enumerate(zip(snapshot["lines"], answer.lines, strict=True))
    ]
    session.execute(insert(DeclarationLine), rows)


def _line(given: Mapping[str, Any], found: AssessedLine) -> dict[str, Any]:
    """A line in CNY: all of its value, freight and insurance stand in the dutiable value; the parts in the draft."""
    return {
        "hs": found.hs,
        "name": (given.get("name") or edition.tariff().names(found.hs)[0])[:250],
        "origin": found.origin,
        "quantity": given["quantity"],
        "unit": given["unit"],
        "value_fen": found.dutiable_value_fen,
        "freight_fen": 0,
        "insurance_fen": 0,
        "dutiable_value_fen": found.dutiable_value_fen,
        "duty_fen": found.duty_fen,
        "additional_duty_fen": found.additional_duty_fen,
        "consumption_tax_fen": found.consumption_tax_fen,
        "vat_fen": found.vat_fen,
        "tax_fen": found.tax_fen,
        "charged_tax_fen": found.tax_fen,
        "assessment": found.to_dict(),
    }


def file(
    actor: str, consignment_id: uuid.UUID, day: date | None = None, owner: uuid.UUID | None = None
) -> dict[str, Any]:
    """Declare a draft under the law of the day; lines are assessed anew and then stay as they are.

    Raises Problem `not_found`, `declaration_state`, `documents_missing` naming each document, or the assessment's.
    """
    when = day or clock.today()
    if when > clock.today():
        raise invalid("day", "lies in the future")
    draft = _own(consignment_id, owner)
    answer = _assess(draft.snapshot, when)
    _check_codes(answer)
    _check_documents(draft.snapshot["papers"], answer)
    with transaction() as session:
        row = locked(session, consignment_id)
        if row.status != "draft":
            raise Problem(TOO_LATE, f"a consignment that is {row.status} is not filed again")
        _rewrite(session, row, answer, when)
        row.status, row.filed_on = "declared", when
        audit.record(session, actor, "consignment_filed", "declaration", consignment_id, day=when.isoformat())
    return detail(consignment_id)


def _own(consignment_id: uuid.UUID, owner: uuid.UUID | None) -> Declaration:
    query = select(Declaration).where(Declaration.id == consignment_id, Declaration.kind == KIND)
    if owner is not None:
        query = query.where(Declaration.merchant_id == owner)
    row = db.session.scalars(query).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such consignment")
    return row


def _check_codes(answer: Assessment) -> None:
    """A declaration names ten digits (rule A11); eight are enough to ask."""
    for at, line in enumerate(answer.lines):
        if len(line.hs) != 10:
            raise invalid(f"lines.{at}.hs", "a declaration needs the code of ten digits")


def _check_documents(papers: Mapping[str, str], answer: Assessment) -> None:
    missing = missing_documents(papers, [line.to_dict() for line in answer.lines])
    if missing:
        errors = {f"documents.{code}": [f"is required: {text}"] for code, text in missing.items()}
        raise Problem(DOCUMENTS_MISSING, f"missing: {', '.join(sorted(missing))}", errors=errors)


def missing_documents(papers: Mapping[str, str], lines: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Codes of the numbered documents that some line needs and the declaration does not name, with their words."""
    return {
        need["code"]: need["detail"]
        for line in lines
        for need in line.get("requirements", ())
        if need["code"] in NUMBERED and not papers.get(need["code"])
    }


def _rewrite(session: Session, row: Declaration, answer: Assessment, day: date) -> None:
    """Lines under the law of the filing day, keeping their identities: lots may point at them."""
    old = select(DeclarationLine.id).where(DeclarationLine.declaration_id == row.id)
    ids = list(session.scalars(old.order_by(DeclarationLine.position)))
    place = session.get_one(Warehouse, row.warehouse_id)
    session.execute(delete(DeclarationLine).where(DeclarationLine.declaration_id == row.id))
    _write_lines(session, row.id, Importer(row.merchant_id, row.merchant_name), place, row.snapshot, answer, ids)
    row.edition, row.standing, row.assessed_on = answer.edition, answer.standing, day


def store_released(
    session: Session, importer: Importer, place: Warehouse, values: Mapping[str, Any], day: date
) -> tuple[uuid.UUID, Assessment]:
    """Goods that leave a bonded zone for the domestic market: declared and released on one day, by the law of that day
    (Tariff Law art. 21), in the caller's transaction. Raises Problem of the assessment, `documents_missing`.
    """
    snapshot = _snapshot(values)
    answer = _assess(snapshot, day)
    _check_codes(answer)
    _check_documents(snapshot["papers"], answer)
    identity = new_id()
    head = _head(identity, importer, place, snapshot, answer, day) | {"status": "declared", "filed_on": day}
    session.execute(insert(Declaration).values(head))
    _write_lines(session, identity, importer, place, snapshot, answer, None)
    row = locked(session, identity)
    set_release(session, row, min(datetime.combine(day, time(12), clock.BEIJING), clock.now()))
    row.status = "released"
    return identity, answer


def release(actor: str, consignment_id: uuid.UUID, day: date | None = None) -> dict[str, Any]:
    """Customs let the goods go: the lines become facts of the reports, and lots may be received from them.

    Raises Problem `not_found`, `declaration_state`, `invalid_input` for a day before filing or in the future.
    """
    when = day or clock.today()
    if when > clock.today():
        raise invalid("day", "lies in the future")
    _own(consignment_id, None)
    with transaction() as session:
        row = locked(session, consignment_id)
        if row.status != "declared" or row.filed_on is None:
            raise Problem(TOO_LATE, f"a consignment that is {row.status} cannot be released")
        if when < row.filed_on:
            raise invalid("day", f"lies before the filing on {row.filed_on}")
        instant = clock.now() if day is None else datetime.combine(when, time(12), clock.BEIJING)
        set_release(session, row, min(instant, clock.now()))
        row.status = "released"
        audit.record(session, actor, "consignment_released", "declaration", consignment_id, day=when.isoformat())
    return detail(consignment_id)


def detail(consignment_id: uuid.UUID, owner: uuid.UUID | None = None) -> dict[str, Any]:
    """A consignment with its lines, taxes, terms and what documents it still lacks. Raises Problem `not_found`."""
    row = _own(consignment_id, owner)
    lines = db.session.scalars(
        select(DeclarationLine.assessment)
        .where(DeclarationLine.declaration_id == row.id)
        .order_by(DeclarationLine.position)
    )
    terms = {name: row.snapshot[name] for name in ("incoterm", "currency", "exchange_rates", "freight", "insurance")}
    missing = missing_documents(row.snapshot["papers"], list(lines))
    return declaration_detail(consignment_id) | terms | {"missing_documents": missing}
