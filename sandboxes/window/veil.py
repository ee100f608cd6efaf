"""What anybody may see of a document: amounts and numbers, and of the person only that it is the same one."""

from __future__ import annotations

import hashlib
from typing import Any

from sandboxes.window.store import Document

_PERSONAL = ("buyer", "payer", "consignee", "telephone")


def personal(element: str) -> bool:
    """Whether an element tells something about a person."""
    return element.startswith(_PERSONAL)


def veil(identity: str) -> str:
    """The same person gives the same text, from which the number cannot simply be read."""
    return hashlib.sha256(b"sandbox-window:" + identity.encode()).hexdigest()[:16]


def shown(document: Document, history: list[dict[str, str]]) -> dict[str, Any]:
    content = document.content
    person = content.get("buyerIdNumber") or content.get("payerIdNumber")
    return {
        "number": document.number,
        "kind": document.kind,
        "name": document.name,
        "guid": document.guid,
        "order_no": document.order_no,
        "status": document.status,
        "pre_no": document.pre_no,
        "invt_no": document.invt_no,
        "bill": document.bill,
        "history": history,
        "content": {name: value for name, value in content.items() if not personal(name)},
        "person": veil(person) if person else None,
    }
