"""Every breach of a message that may not be sent: the fields by the tables, then the rules between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from customs.window.rules import document_breaches
from customs.window.tables import SUBSCRIBE, SUBSCRIBERS_MAX, TRANSFER, Field, MessageType, transfer_fields
from customs.window.values import breaches, is_guid

Document = Mapping[str, Any]


class Violation(NamedTuple):
    """One broken rule: where (such as `Order[1]/OrderHead/acturalPaid`) and which."""

    path: str
    rule: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Who transmits: customs code and name, user number on the exchange, and up to five further receivers.

    A subscriber is a pair of scope (ALL, DATA or RET) and user number.
    """

    cop_code: str
    cop_name: str
    dxp_id: str
    subscribers: tuple[tuple[str, str], ...] = ()

    def groups(self) -> list[tuple[str, Document]]:
        """The groups that close a message, each with its values."""
        sender = {"copCode": self.cop_code, "copName": self.cop_name, "dxpMode": "DXP", "dxpId": self.dxp_id}
        found: list[tuple[str, Document]] = [(TRANSFER, sender)]
        for scope, address in self.subscribers:
            found.append((SUBSCRIBE, {"status": scope, "dxpMode": "DXP", "dxpAddress": address}))
        return found


def violations(message: MessageType, documents: Sequence[Document], transfer: Transfer, guid: str) -> list[Violation]:
    """Every breach, in the order of the message."""
    found = [] if is_guid(guid) else [Violation(f"{message.root}/@guid", "must be an upper-case UUID with hyphens")]
    return found + document_violations(message, documents) + transfer_violations(transfer)


def document_violations(message: MessageType, documents: Sequence[Document]) -> list[Violation]:
    """The breaches of the documents, of a message that comes as well as of one that goes."""
    found = count_violations(message, documents)
    for at, document in enumerate(documents, 1):
        found += _document_violations(message, f"{message.document}[{at}]", document)
    return found


def count_violations(message: MessageType, documents: Sequence[Document]) -> list[Violation]:
    """How many documents there may be, and that no two are one."""
    found = []
    if not documents:
        found.append(Violation(message.root, f"needs at least one {message.document}"))
    if message.documents_max is not None and len(documents) > message.documents_max:
        found.append(Violation(message.root, f"at most {message.documents_max} {message.document} in one message"))
    if len({document.get("guid") for document in documents}) != len(documents):
        found.append(Violation(message.root, "two documents share a guid"))
    return found


def transfer_violations(transfer: Transfer) -> list[Violation]:
    found = []
    if len(transfer.subscribers) > SUBSCRIBERS_MAX:
        found.append(Violation(SUBSCRIBE, f"at most {SUBSCRIBERS_MAX} subscribers"))
    for group, values in transfer.groups():
        found += field_violations(transfer_fields(group), group, values)
    return found


def _document_violations(message: MessageType, path: str, document: Document) -> list[Violation]:
    head = f"{path}/{message.head}" if message.head else path
    found = field_violations(message.head_fields, head, document, extra=("lines",) if message.lines else ())
    lines = document.get("lines") or ()
    if message.lines and not 1 <= len(lines) <= message.lines_max:
        found.append(Violation(f"{path}/{message.lines}", f"1 to {message.lines_max} lines, here {len(lines)}"))
    for at, line in enumerate(lines, 1):
        found += field_violations(message.line_fields, f"{path}/{message.lines}[{at}]", line)
    for element, rule in document_breaches(message.kind, document):
        found.append(Violation(f"{head}/{element}".replace(f"{head}/lines[", f"{path}/{message.lines}["), rule))
    return found


def field_violations(
    fields: Sequence[Field], path: str, values: Document, extra: Sequence[str] = ()
) -> list[Violation]:
    """Every breach of one group of fields."""
    known = {field.element for field in fields} | set(extra)
    given = [name for name, value in values.items() if value is not None]
    found = [Violation(f"{path}/{name}", "no such element here") for name in given if name not in known]
    for field in fields:
        value = values.get(field.element)
        if value is None:
            found += [Violation(f"{path}/{field.element}", "required")] if field.required else []
            continue
        found += [Violation(f"{path}/{field.element}", rule) for rule in breaches(field, value)]
    return found
