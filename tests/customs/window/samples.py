"""One good document of every kind of message: ours by the makers of documents, those of customs by the tables."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from customs.window.facts import Warehouse
from customs.window.later_documents import (
    cancellation_document,
    return_document,
    signed_for_document,
    tally_document,
)
from customs.window.messages import build
from customs.window.tables import NAMESPACE, Field, message_types
from customs.window.values import new_guid
from tests.customs.window.facts import FILED_AT, PARTIES, TRANSFER, direct, documents, filing

OUTGOING = [kind for kind, message in message_types().items() if message.outgoing]
INCOMING = [kind for kind, message in message_types().items() if not message.outgoing]
_BY_FORMAT = {
    "guid": "A94F6C9A-6D9A-4B47-9B54-0B0F4C1D9A11",
    "time14": "20261123120506",
    "time17": "20261123120506789",
    "day8": "20261123",
    "digits": "1234567890",
    "identity": "11010519491231002X",
}


def ours(kind: str) -> dict[str, Any]:
    """A document as our makers make it."""
    order, own = filing(), {"cop_no": "R1", "invt_no": "640120261234567890", "reason": "买家取消"}
    if kind == "513":
        return signed_for_document(order, PARTIES, new_guid(), FILED_AT, FILED_AT)
    if kind == "623":
        return cancellation_document(order, PARTIES, new_guid(), FILED_AT, **own)
    if kind == "625":
        return return_document(order, PARTIES, new_guid(), FILED_AT, **own, quantities=[(1, Decimal(2))])
    if kind == "711":
        shipment = direct().shipment
        assert shipment is not None
        place, own = Warehouse("9610", "6401", "6401", "5", loct_no="6401Z1"), {"cop_no": "ENTRY1"}
        return tally_document(place, shipment, PARTIES, new_guid(), FILED_AT, **own, parcels=["WB1", "WB2"])
    return documents(order)[kind]


def theirs(kind: str) -> bytes:
    """A message of customs with every element that the table knows."""
    message = message_types()[kind]

    def group(name: str, fields: tuple[Field, ...]) -> str:
        return f"<{name}>{''.join(f'<{f.element}>{_text(f)}</{f.element}>' for f in fields)}</{name}>" if name else ""

    head = group(message.head or message.document, message.head_fields)
    inner = head + group(message.lines, message.line_fields)
    body = f"<{message.document}>{inner}</{message.document}>" if message.head else inner
    guid = _BY_FORMAT["guid"]
    return f'<{message.root} xmlns="{NAMESPACE}" guid="{guid}" version="1.0">{body}</{message.root}>'.encode()


def _text(field: Field) -> str:
    if field.type in ("int", "decimal"):
        return "1" if field.type == "int" else "12.34"
    if field.format:
        return _BY_FORMAT[field.format][: field.max]
    return (field.values or ("1234567890" * 2,))[0][: field.max].ljust(field.min, "1")


def unsigned(kind: str) -> bytes:
    """Our message of the kind."""
    return build(kind, [ours(kind)], TRANSFER, new_guid())


NOW = datetime(2026, 11, 23, tzinfo=UTC)
