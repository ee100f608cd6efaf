"""The arrival tally (711): the parcels of a crossing that entered the supervised place, told before they are inspected.

Kept like every other document: its guid and bytes stand before it is sent, and it is sent again until customs answers.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import assert_no_transaction, db, end_read, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.jobs import defer, task
from customs import codes, filing_case, filing_documents, sealing, sending
from customs.dead_letters import attempts
from customs.dead_letters.rules import REFUSED
from customs.models import Declaration, Shipment, Warehouse
from customs.persons import veiled
from customs.shipments import crossings
from customs.window import documents, facts, later_documents
from customs.window import receipts as window
from customs.window.messages import MessageRefused, build
from customs.window.receipts import Receipt
from customs.window.signature import sign_message
from customs.window.values import new_guid
from customs.zone_stock_models import ArrivalTally, ShipmentOrder

NOTHING = declare("tally_empty", 409, "No parcel of this crossing waits to be tallied")
NOT_ARRIVED = declare("shipment_not_arrived", 409, "The crossing has not arrived")

KIND = "711"
LISTED = ("filed", "declared", "held", "released", "closed")
_LEFT_AFTER = timedelta(seconds=20)
_BATCH, _PARCELS_MOST = 50, 9999


def open_tally(session: Session, actor: str, shipment: Shipment) -> ArrivalTally | None:
    """A tally of the parcels whose lists customs has and which no tally names yet; None when there are none.

    The caller has locked the crossing. It takes the place of refused ones, which are dead letters no more.
    """
    query = (
        select(Declaration.id, Declaration.snapshot["waybill_no"].astext)
        .join(ShipmentOrder, ShipmentOrder.declaration_id == Declaration.id)
        .where(ShipmentOrder.shipment_id == shipment.id, ShipmentOrder.tallied.is_(False))
        .where(Declaration.status.in_(LISTED))
        .order_by(Declaration.id)
        .limit(_PARCELS_MOST)
    )
    found = session.execute(query).all()
    if not found:
        return None
    identity = new_id()
    cop_no = f"R{identity.hex[:8].upper()}{identity.hex[-11:].upper()}"
    parcels = [waybill for _, waybill in found]
    tally = ArrivalTally(
        id=identity, shipment_id=shipment.id, guid=new_guid(), cop_no=cop_no, parcels=parcels, status="draft"
    )
    ids = [declaration_id for declaration_id, _ in found]
    replaced = ArrivalTally.shipment_id == shipment.id, ArrivalTally.status == "refused"
    session.execute(update(ArrivalTally).where(*replaced).values(dead_at=None, dead_reason=None))
    session.add(tally)
    session.execute(update(ShipmentOrder).where(ShipmentOrder.declaration_id.in_(ids)).values(tallied=True))
    session.flush()
    audit.record(session, actor, "arrival_tallied", "shipment", shipment.id, number=cop_no, parcels=len(parcels))
    defer(session, "customs.file_tally", tally_id=str(tally.id))
    return tally


def file(actor: str, shipment_id: uuid.UUID) -> dict[str, Any]:
    """Tally what has arrived since. Raises Problem `not_found`, `shipment_not_arrived`, `tally_empty`."""
    with transaction() as session:
        shipment = crossings.locked(session, shipment_id)
        if shipment.entry_day is None or shipment.entry_day > clock.today():
            raise Problem(NOT_ARRIVED)
        tally = open_tally(session, actor, shipment)
        if tally is None:
            raise Problem(NOTHING)
        return dump(tally)


@task("customs.file_tally")
def file_tally(tally_id: str) -> None:
    """Build, sign, keep and send a tally; run again it goes on where it stopped."""
    _go_on(uuid.UUID(tally_id))


def _go_on(identity: uuid.UUID) -> str | None:
    """Returns how the attempt to send it ended, or None when there was none."""
    tally = db.session.get(ArrivalTally, identity, populate_existing=True)
    draft = tally is not None and tally.status == "draft"
    values = _values(db.session(), tally) if tally is not None and draft else None
    end_read()
    if values is not None:
        _keep(identity, values)
    return sending.send_row(ArrivalTally, identity, refuse)


def _values(session: Session, tally: ArrivalTally) -> documents.Document:
    shipment = session.get_one(Shipment, tally.shipment_id)
    place = session.get_one(Warehouse, shipment.warehouse_id)
    own = filing_documents.parties()
    crossing = facts.Shipment(
        shipment.traf_mode,
        shipment.traf_no,
        shipment.voyage_no,
        shipment.bill_no,
        codes.country_number(shipment.dispatch_country),
        shipment.entry_day,
    )
    return later_documents.tally_document(
        filing_case.warehouse_facts(place),
        crossing,
        own,
        tally.guid,
        clock.now(),
        cop_no=tally.cop_no,
        parcels=tally.parcels,
    )


def _keep(tally_id: uuid.UUID, values: documents.Document) -> None:
    assert_no_transaction()
    transfer = documents.transfer_of(filing_documents.parties())
    try:
        xml = sign_message(build(KIND, [values], transfer, values["guid"]), filing_documents.signer())
    except MessageRefused as fault:
        _unbuildable(tally_id, str(fault))
        return
    with transaction() as session:
        tally = session.get_one(ArrivalTally, tally_id, with_for_update=True, populate_existing=True)
        if tally.status == "draft":
            tally.xml, tally.status, tally.next_send_at = sealing.seal(xml), "ready", clock.now()


def refuse(tally_id: uuid.UUID, words: str, attempt_id: int | None = None) -> None:
    """The window will not take these bytes: a dead letter. Its parcels may be tallied anew only when no earlier attempt
    can have arrived; else customs may have it.
    """
    words = veiled(words)
    with transaction() as session:
        tally = session.get_one(ArrivalTally, tally_id, with_for_update=True, populate_existing=True)
        if tally.status in ("ready", "filed") and tally.dead_reason != REFUSED:
            if not tally.may_have_arrived:
                _mark(session, tally, tallied=False)
                tally.status, tally.return_info = "refused", words[:1000]
            sending.bury(session, tally, REFUSED)
        if attempt_id is not None:
            attempts.end(session, attempt_id, KIND, "refused", words)


def _unbuildable(tally_id: uuid.UUID, words: str) -> None:
    """It breaks a rule, so there is nothing to send; its parcels may be tallied anew."""
    with transaction() as session:
        tally = session.get_one(ArrivalTally, tally_id, with_for_update=True, populate_existing=True)
        if tally.status == "draft":
            _mark(session, tally, tallied=False)
            tally.status, tally.return_info = "refused", words[:1000]
            audit.record(session, "filing", "tally_refused", "shipment", tally.shipment_id, number=tally.cop_no)


def resend(tally_id: uuid.UUID, actor: str) -> None:
    """Send a dead one again: the same guid, the same bytes. Raises Problem `not_found` when it is none."""
    shipment_id = db.session.scalar(select(ArrivalTally.shipment_id).where(ArrivalTally.id == tally_id))
    end_read()
    if shipment_id is None:
        raise Problem(NOT_FOUND, "no such dead letter")
    with transaction() as session:
        crossings.locked(session, shipment_id)
        tally = session.get_one(ArrivalTally, tally_id, with_for_update=True, populate_existing=True)
        if tally.dead_at is None:
            raise Problem(NOT_FOUND, "no such dead letter")
        now, reason = clock.now(), tally.dead_reason
        sending.lift(tally)
        tally.attempts, tally.trying_since, tally.next_send_at = 0, now, now
        if tally.status == "refused":  # its parcels are still free: a newer tally would have lifted it
            tally.status, tally.return_info = "ready", None
            _mark(session, tally, tallied=True)
        about = {"document": str(tally_id), "kind": KIND, "reason": reason}
        audit.record(session, actor, "dead_letter_resent", "shipment", shipment_id, **about)
        defer(session, "customs.file_tally", tally_id=str(tally_id))


def _mark(session: Session, tally: ArrivalTally, *, tallied: bool) -> None:
    """Say of its parcels whether a tally names them."""
    own = (
        select(ShipmentOrder.declaration_id)
        .join(Declaration, Declaration.id == ShipmentOrder.declaration_id)
        .where(ShipmentOrder.shipment_id == tally.shipment_id)
        .where(Declaration.snapshot["waybill_no"].astext.in_(tally.parcels))
    )
    session.execute(update(ShipmentOrder).where(ShipmentOrder.declaration_id.in_(own)).values(tallied=tallied))


@task("customs.resend_tallies", schedule="* * * * * */10", alone=True)
def resend_tallies() -> None:
    """Send again what customs has not answered, and take up tallies whose job was lost."""
    now = clock.now()
    left = (ArrivalTally.status == "draft") & (ArrivalTally.created_at < now - _LEFT_AFTER)
    query = select(ArrivalTally.id).where(or_(ArrivalTally.next_send_at <= now, left))
    query = query.order_by(ArrivalTally.next_send_at, ArrivalTally.id)
    found = db.session.scalars(query.limit(_BATCH)).all()
    end_read()
    sending.in_turn(_go_on, found)


def apply(session: Session, receipt: Receipt, key: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a receipt (712) does to its tally: the state of the receipt and why."""
    query = select(ArrivalTally).where(ArrivalTally.cop_no == (key.get("copNo") or "")).with_for_update()
    tally = session.scalars(query.execution_options(populate_existing=True)).first()
    if tally is None or tally.status in ("draft", "refused"):
        return "quarantined", "speaks of no tally we have sent"
    tally.pre_no = tally.pre_no or receipt.pre_no[:18] or None
    tally.rkd_no = tally.rkd_no or (key.get("rkdNo") or "")[:18] or None
    before = "filed" if tally.status == "ready" else tally.status
    state = window.apply(before, tally.return_time, receipt)
    if state is None:
        return "ignored", "repeated, older, or no way from here"
    tally.status, tally.return_time = state.status, state.return_time
    tally.return_status, tally.return_info, tally.attempts = receipt.status, receipt.return_info[:1000], 0
    sending.lift(tally)
    seconds = sending.wait_seconds(KIND, tally.status, 1)
    tally.next_send_at = None if seconds is None else clock.now() + timedelta(seconds=seconds)
    if tally.status in ("rejected", "error"):
        _mark(session, tally, tallied=False)
    return "applied", None


def dump(tally: ArrivalTally) -> dict[str, Any]:
    return {
        "id": str(tally.id),
        "copNo": tally.cop_no,
        "preNo": tally.pre_no,
        "rkdNo": tally.rkd_no,
        "status": tally.status,
        "returnStatus": tally.return_status,
        "returnTime": tally.return_time,
        "returnInfo": tally.return_info,
        "deadReason": tally.dead_reason,
        "parcels": len(tally.parcels),
        "created_at": clock.instant_text(tally.created_at),
    }
