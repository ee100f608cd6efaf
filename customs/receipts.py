"""Receipts from customs: proved, stored once, acknowledged at once, applied by a job in the order of their times.

A receipt is what it says (kind, document, status, time), so a repeated one is the same row. One that speaks of nothing
we have sent is kept in quarantine; it is looked at again when its list number becomes known.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509
from lxml import etree
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import clock, config
from core.database import db, end_read, new_id, transaction
from core.errors import Problem, declare
from core.jobs import defer, task
from customs import receipt_effects, receipt_targets, sealing
from customs.models import WindowMessage, WindowReceipt
from customs.persons import veiled
from customs.receipt_batches import applying
from customs.window.keys import load_trusted
from customs.window.messages import MessageUnreadable, parse, parse_tree, read_tree
from customs.window.receipts import Receipt, ReceiptUnreadable, plain_receipt, read_receipts
from customs.window.signature import SignatureInvalid, is_signed, verify

log = structlog.get_logger()

UNREADABLE = declare("receipt_unreadable", 400, "The body is not a receipt of the single window")
UNPROVED = declare("receipt_signature", 400, "The receipt is not signed as it must be")

_BATCH = 1000
AHEAD_MOST = timedelta(days=366)  # a rehearsal's clock may stand still; a time beyond that is nobody's
AHEAD = "its time lies ahead of ours"
_JOB_LOCK = "customs.receipts"
ELSEWHERE = "elsewhere"

# What a receipt may say about the document it speaks of; everything both sides name has to agree.
NAMES = (
    "orderNo",
    "payTransactionId",
    "logisticsNo",
    "logisticsStatus",
    "copNo",
    "ebpCode",
    "ebcCode",
    "payCode",
    "logisticsCode",
    "agentCode",
    "customsCode",
    "preNo",
    "rkdNo",
    "invtNo",
    "taxNo",
    "oriCopMsgId",
    "oriMessageType",
)


@cache
def _trusted(file: Path | None) -> tuple[x509.Certificate, ...]:
    return load_trusted(file)


def store(xml: bytes) -> dict[str, int]:
    """Keep the receipts of one message; returns how many are new and how many were here already.

    Raises Problem `receipt_unreadable` or `receipt_signature` before anything is written.
    """
    try:
        root = read_tree(xml)
        signer = _proof(root)
        parsed = parse_tree(root)
        found = read_receipts(parsed)
    except (MessageUnreadable, ReceiptUnreadable) as fault:
        raise Problem(UNREADABLE, str(fault)) from None
    with transaction() as session:
        message_id = _message(session, xml, signer)
        latest = latest_time()
        ids = sorted(new_id() for _ in found)  # those of one time are applied as they stand in their message
        rows = [
            {
                "id": receipt_id,
                "identity": _identity(receipt.identity),
                "kind": receipt.kind,
                "key": {name: document[name] for name in NAMES if document.get(name)},
                "status": receipt.status,
                "return_time": receipt.return_time,
                "info": veiled(receipt.return_info)[:1000],
                "message_id": message_id,
                "position": position,
                **first_state(receipt.return_time, latest),
                "received_at": clock.now(),
            }
            for position, (receipt_id, receipt, document) in enumerate(zip(ids, found, parsed.documents, strict=True))
        ]
        fresh = sum(_new_ones(session, rows[at : at + _BATCH]) for at in range(0, len(rows), _BATCH))
        if fresh:
            wake(session)
    return {"stored": fresh, "repeated": len(rows) - fresh}


def _new_ones(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    statement = upsert(WindowReceipt).values(rows).on_conflict_do_nothing(index_elements=[WindowReceipt.identity])
    return len(session.execute(statement.returning(WindowReceipt.id)).all())


def latest_time() -> str:
    """The last `returnTime` that counts by itself: one far ahead would make every later receipt an older one."""
    return f"{(clock.now() + AHEAD_MOST).astimezone(clock.BEIJING):%Y%m%d%H%M%S}999"


def first_state(return_time: str, latest: str) -> dict[str, str | None]:
    """Where a receipt stands that was not applied yet."""
    ahead = return_time > latest
    return {"state": "quarantined" if ahead else "stored", "reason": AHEAD if ahead else None}


def _message(session: Session, xml: bytes, signer: str | None) -> uuid.UUID:
    """The message, kept once."""
    digest = hashlib.sha256(xml).digest()
    fresh = upsert(WindowMessage).values(
        id=new_id(), digest=digest, raw=sealing.seal(xml), signer=signer, received_at=clock.now()
    )
    session.execute(fresh.on_conflict_do_nothing(index_elements=[WindowMessage.digest]))
    return session.scalars(select(WindowMessage.id).where(WindowMessage.digest == digest)).one()


def _proof(root: etree._Element) -> str | None:
    """The signer's certificate number, or None for an unsigned receipt while those are accepted."""
    settings = config.current()
    if not is_signed(root):
        if settings.require_signed_receipts:
            raise Problem(UNPROVED, "receipts must be signed")
        return None
    try:
        return verify(root, _trusted(settings.trusted_cert_file), clock.now())[:80]
    except SignatureInvalid as fault:
        raise Problem(UNPROVED, str(fault)) from None


def _identity(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@task("customs.apply_receipts")
def apply_receipts() -> None:
    """Apply what is stored, oldest `returnTime` first; one that fails keeps no other from its turn.

    Those that only move a document are applied together; those of which somebody above must hear one after the other.
    """
    failed: list[uuid.UUID] = []
    moved = True
    while moved:
        query = select(WindowReceipt.id).where(WindowReceipt.state == "stored", WindowReceipt.id.not_in(failed))
        waiting = db.session.scalars(query.order_by(WindowReceipt.return_time, WindowReceipt.id).limit(_BATCH)).all()
        end_read()
        if not waiting:
            break
        done, left = _together(waiting)
        moved = done > 0  # another worker may hold all that is left
        for receipt_id in left:
            try:
                moved |= apply_one(receipt_id) != ELSEWHERE
            except Exception:
                log.exception("receipt_not_applied", receipt=str(receipt_id))
                failed.append(receipt_id)
    if failed:
        raise RuntimeError(f"{len(failed)} receipts could not be applied")


def _together(waiting: Sequence[uuid.UUID]) -> tuple[int, list[uuid.UUID]]:
    """Apply those that can be applied together; returns how many, and which are left for one after the other."""
    try:
        with transaction() as session:
            done, later, numbers = applying.apply(session, waiting)
            _release_quarantine(session, numbers)
    except Exception:
        log.exception("receipts_not_applied_together", receipts=len(waiting))
        return 0, list(waiting)
    return len(done), [each for each in waiting if each not in done and each not in later]


@task("customs.apply_receipts_left", schedule="* * * * * */15")
def apply_receipts_left() -> None:
    """Receipts whose job failed for good are not lost."""
    apply_receipts()


def apply_one(receipt_id: uuid.UUID) -> str:
    """Apply one stored receipt in a transaction of its own; returns what became of it."""
    with transaction() as session:
        query = select(WindowReceipt).where(WindowReceipt.id == receipt_id, WindowReceipt.state == "stored")
        row = session.scalars(query.with_for_update(skip_locked=True)).first()
        if row is None:
            return ELSEWHERE
        outcome = receipt_effects.apply_receipt(session, _receipt(session, row), row.key, row.document_id)
        row.state, row.reason, row.declaration_id = outcome.state, outcome.reason, outcome.declaration_id
        row.applied_at = clock.now()
        if outcome.numbered:
            _release_quarantine(session, [outcome.numbered])
        return outcome.state


def _receipt(session: Session, row: WindowReceipt) -> Receipt:
    """The receipt as a value; read again from its message where the row does not hold all of it."""
    if row.info is not None and row.kind not in receipt_targets.BILLS:
        return plain_receipt(row.kind, row.key, row.status, row.return_time, row.info)
    raw = session.scalars(select(WindowMessage.raw).where(WindowMessage.id == row.message_id)).one()
    return _read_again(raw)[row.position]


@lru_cache(maxsize=1)  # bills of one message follow each other; read for each of them, 5,000 would take an hour
def _read_again(raw: bytes) -> list[Receipt]:
    return read_receipts(parse(sealing.unseal(raw)))


def _release_quarantine(session: Session, numbers: Sequence[str]) -> None:
    """Receipts about these lists that came too early have their turn now."""
    if not numbers:
        return
    statement = (
        update(WindowReceipt)
        .where(WindowReceipt.state == "quarantined", WindowReceipt.key["invtNo"].astext.in_(numbers))
        .where(WindowReceipt.return_time <= latest_time())
        .values(state="stored", reason=None)
        .returning(WindowReceipt.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).first() is not None:
        wake(session)


def wake(session: Session) -> None:
    """Have what is stored applied once this transaction is committed."""
    defer(session, "customs.apply_receipts", lock=_JOB_LOCK)


def listing(state: str | None, after: uuid.UUID | None, limit: int) -> list[dict[str, Any]]:
    """Receipts, newest first, for the desk; `after` is the id of the last one seen."""
    query = select(WindowReceipt)
    if state is not None:
        query = query.where(WindowReceipt.state == state)
    if after is not None:
        query = query.where(WindowReceipt.id < after)
    rows = db.session.scalars(query.order_by(WindowReceipt.id.desc()).limit(limit))
    return [
        {
            "id": str(row.id),
            "kind": row.kind,
            "key": row.key,
            "status": row.status,
            "return_time": row.return_time,
            "state": row.state,
            "reason": row.reason,
            "declaration": None if row.declaration_id is None else str(row.declaration_id),
            "received_at": clock.instant_text(row.received_at),
        }
        for row in rows
    ]
