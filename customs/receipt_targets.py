"""What a receipt speaks of: the document it names, whether that one is really ours, and what its state means above."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from customs.correction_models import WindowDocumentVersion
from customs.declarations import LIST, PAPERS
from customs.models import WindowDocument
from customs.window import statuses
from customs.window.receipts import Receipt, State, apply

DOCUMENT_OF = {"312": "311", "412": "411", "512": "511", "514": "513", "622": "621", "624": "623", "626": "625"}
REFERENCE = {
    "312": "orderNo",
    "412": "payTransactionId",
    "512": "logisticsNo",
    "514": "logisticsNo",
    "622": "copNo",
    "624": "copNo",
    "626": "copNo",
}
BILLS = ("816", "818")
NOT_SENT = ("draft", "refused")
AMEND = "2"  # appType: what customs holds is changed

UNKNOWN = "speaks of no document we have sent"
UNMOVED = "repeated, older, or no way from here"
REPLACED = "speaks of a document that was filed again since"
AFTER_ALL = "customs released a list that we hold for ended"

# What a state of the list means for the declaration; what is missing changes nothing.
MEANING = {
    "declaring": "declared",
    "sent": "declared",
    "received": "declared",
    "concluded": "declared",
    "manual_check": "held",
    "inspection": "held",
    "detained": "held",
    "released": "released",
    "closed": "closed",
    "returned_abroad": "returned_abroad",
    "rejected": "rejected",
    "error": "rejected",
}
MOVES = {
    "filed": ("declared", "held", "released", "closed", "rejected", "returned_abroad"),
    "declared": ("held", "released", "closed", "rejected", "returned_abroad"),
    "held": ("held", "released", "closed", "rejected", "returned_abroad"),
    "released": ("closed", "returned_abroad"),
}


def find(session: Session, receipt: Receipt, key: Mapping[str, Any]) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The document a receipt speaks of, and its declaration."""
    query = select(WindowDocument.id, WindowDocument.declaration_id).where(WindowDocument.status.not_in(NOT_SENT))
    if receipt.kind in BILLS:
        query = query.where(WindowDocument.kind == LIST, WindowDocument.invt_no == key.get("invtNo"))
    elif receipt.kind == "900":
        query = query.where(WindowDocument.guid == key.get("oriCopMsgId"))
    elif receipt.kind in DOCUMENT_OF:
        reference = key.get(REFERENCE[receipt.kind])
        query = query.where(
            WindowDocument.kind == DOCUMENT_OF[receipt.kind], WindowDocument.reference == (reference or "")
        )
    else:
        return None
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None


def replaced(session: Session, receipt: Receipt, key: Mapping[str, Any]) -> bool:
    """Whether it reports on a message that another has followed since."""
    if receipt.kind != "900":
        return False
    query = select(WindowDocumentVersion.id).where(WindowDocumentVersion.guid == key.get("oriCopMsgId", ""))
    return session.scalar(query) is not None


def conflict(
    kind: str, identifiers: Mapping[str, Any], invt_no: str | None, key: Mapping[str, Any], said_no: str
) -> str | None:
    """Somebody else's document under the same number: an enterprise or list number that is not ours."""
    for name, ours in identifiers.items():
        if name in key and key[name] != ours:
            return f"{name} is not the one we filed"
    if kind == LIST and said_no and invt_no and said_no != invt_no:
        return "invtNo is not the one customs gave before"
    return None


def moved(
    kind: str, status: str, return_time: str | None, reached: str | None, content: Mapping[str, Any], receipt: Receipt
) -> State | None:
    """The document's new state, or None when the receipt moves nothing."""
    before = "filed" if status == "ready" else status
    return apply(before, return_time, receipt, reached) or _known(kind, before, content, receipt)


def _known(kind: str, before: str, content: Mapping[str, Any], receipt: Receipt) -> State | None:
    """A paper of which customs says that it has it already is received: our first sending had arrived.

    Said of a change it means that the change was not made.
    """
    fault = statuses.fault_of(receipt.status)
    waiting = before in ("filed", "declaring", "sent", "send_failed", "pending")
    if not waiting or fault is None or fault.effect != "known" or kind not in PAPERS:
        return None
    changing = content.get("again", {}).get("appType") == AMEND
    return State(statuses.ERROR if changing else "received", receipt.return_time)


def after_all(kind: str, status: str, return_time: str | None, receipt: Receipt) -> bool:
    """A release of goods whose list we hold for sent back or withdrawn: no move of ours, but a person must hear it."""
    ended = kind == LIST and status in ("rejected", "error", "cancelled")
    return ended and receipt.status in ("800", "899") and receipt.return_time >= (return_time or "")


def reached_after(status: str, reached: str | None, new: str) -> str | None:
    """Where the document stood before a state that hides or ends its way."""
    if new in statuses.HIDING_STATES:
        return reached if status in statuses.HIDING_STATES else ("filed" if status == "ready" else status)
    return reached
