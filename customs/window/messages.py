"""From plain values to the XML of a message and back, by the tables.

`build` collects every breach of every document and raises them together, before anything is signed. `parse` goes by
namespace, never by prefix, forbids DTDs and entities, and leaves out elements it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lxml import etree

from customs.window.rules import document_breaches
from customs.window.tables import (
    NAMESPACE,
    SUBSCRIBE,
    SUBSCRIBERS_MAX,
    TRANSFER,
    Field,
    MessageType,
    message_types,
    transfer_fields,
)
from customs.window.values import breaches, is_guid, text_of

VERSION = "1.0"
BYTES_MAX = 4 * 1024 * 1024  # a hundred lists of 99 lines stay below; more is not ours
DEPTH_MAX = 12

Document = Mapping[str, Any]


class Violation(NamedTuple):
    """One broken rule: where (such as `Order[1]/OrderHead/acturalPaid`) and which."""

    path: str
    rule: str


class MessageRefused(ValueError):
    """The values do not make a lawful message; `violations` holds every breach."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{path}: {rule}" for path, rule in violations))
        self.violations = list(violations)


class MessageUnreadable(ValueError):
    """What came is not a message of the single window."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Who transmits: customs code and name, user number on the exchange, and up to five further receivers.

    A subscriber is a pair of scope (ALL, DATA or RET) and user number.
    """

    cop_code: str
    cop_name: str
    dxp_id: str
    subscribers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message as read: all values are text; a document holds its elements, and its lines under `lines`."""

    kind: str
    guid: str
    version: str
    documents: tuple[dict[str, Any], ...]
    transfer: dict[str, str]


def build(kind: str, documents: Sequence[Document], transfer: Transfer, guid: str) -> bytes:
    """The message of `kind` ("311") as UTF-8 XML, unsigned. Raises MessageRefused with every breach.

    A document maps element names to str, int or Decimal; its lines are a list under `lines`. None means left out.
    """
    message = outgoing(kind)
    closing = _closing(transfer)
    violations = validate(kind, documents, transfer, guid)
    if violations:
        raise MessageRefused(violations)
    root = etree.Element(_tag(message.root), {"guid": guid, "version": VERSION}, nsmap={"ceb": NAMESPACE})
    for document in documents:
        _append_document(root, message, document)
    for group, values in closing:
        _append_fields(etree.SubElement(root, _tag(group)), transfer_fields(group), values)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def validate(kind: str, documents: Sequence[Document], transfer: Transfer, guid: str) -> list[Violation]:
    """Every breach that would stop `build`, in the order of the message."""
    message = outgoing(kind)
    found = [] if is_guid(guid) else [Violation(f"{message.root}/@guid", "must be an upper-case UUID with hyphens")]
    found += _count_violations(message, documents)
    for at, document in enumerate(documents, 1):
        found += _document_violations(message, f"{message.document}[{at}]", document)
    if len(transfer.subscribers) > SUBSCRIBERS_MAX:
        found.append(Violation(SUBSCRIBE, f"at most {SUBSCRIBERS_MAX} subscribers"))
    for group, values in _closing(transfer):
        found += _field_violations(transfer_fields(group), group, values)
    return found


def outgoing(kind: str) -> MessageType:
    """The layout of a kind we may send. Raises ValueError for any other."""
    message = message_types().get(kind)
    if message is None or not message.outgoing:
        raise ValueError(f"{kind} is not a kind of message to send")
    return message


def _closing(transfer: Transfer) -> list[tuple[str, Document]]:
    sender = {"copCode": transfer.cop_code, "copName": transfer.cop_name, "dxpMode": "DXP", "dxpId": transfer.dxp_id}
    groups: list[tuple[str, Document]] = [(TRANSFER, sender)]
    for scope, address in transfer.subscribers:
        groups.append((SUBSCRIBE, {"status": scope, "dxpMode": "DXP", "dxpAddress": address}))
    return groups


def _count_violations(message: MessageType, documents: Sequence[Document]) -> list[Violation]:
    found = []
    if not documents:
        found.append(Violation(message.root, f"needs at least one {message.document}"))
    if message.documents_max is not None and len(documents) > message.documents_max:
        found.append(Violation(message.root, f"at most {message.documents_max} {message.document} in one message"))
    guids = [document.get("guid") for document in documents]
    if len(set(guids)) != len(guids):
        found.append(Violation(message.root, "two documents share a guid"))
    return found


def _document_violations(message: MessageType, path: str, document: Document) -> list[Violation]:
    head = f"{path}/{message.head}" if message.head else path
    found = _field_violations(message.head_fields, head, document, extra=("lines",) if message.lines else ())
    lines = document.get("lines") or ()
    if message.lines and not 1 <= len(lines) <= message.lines_max:
        found.append(Violation(f"{path}/{message.lines}", f"1 to {message.lines_max} lines, here {len(lines)}"))
    for at, line in enumerate(lines, 1):
        found += _field_violations(message.line_fields, f"{path}/{message.lines}[{at}]", line)
    for element, rule in document_breaches(message.kind, document):
        found.append(Violation(f"{head}/{element}".replace(f"{head}/lines[", f"{path}/{message.lines}["), rule))
    return found


def _field_violations(
    fields: Sequence[Field], path: str, values: Document, extra: Sequence[str] = ()
) -> list[Violation]:
    known = {field.element for field in fields} | set(extra)
    found = [Violation(f"{path}/{name}", "no such element here") for name in values if name not in known]
    for field in fields:
        value = values.get(field.element)
        if value is None:
            found += [Violation(f"{path}/{field.element}", "required")] if field.required else []
            continue
        found += [Violation(f"{path}/{field.element}", rule) for rule in breaches(field, value)]
    return found


def _append_document(root: etree._Element, message: MessageType, document: Document) -> None:
    element = etree.SubElement(root, _tag(message.document))
    head = etree.SubElement(element, _tag(message.head)) if message.head else element
    _append_fields(head, message.head_fields, document)
    for line in document.get("lines") or ():
        _append_fields(etree.SubElement(element, _tag(message.lines)), message.line_fields, line)


def _append_fields(parent: etree._Element, fields: Iterable[Field], values: Document) -> None:
    for field in fields:
        value = values.get(field.element)
        if value is not None:
            etree.SubElement(parent, _tag(field.element)).text = text_of(value)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def read_tree(xml: bytes) -> etree._Element:
    """The root of a document from outside. Raises MessageUnreadable for a DTD, an entity or anything too large.

    Comments are dropped while reading, so no text can be split by one between what is signed and what is read.
    """
    if len(xml) > BYTES_MAX:
        raise MessageUnreadable(f"more than {BYTES_MAX} bytes")
    if b"<!DOCTYPE" in xml:
        raise MessageUnreadable("a DTD is not allowed")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise MessageUnreadable("not well-formed XML") from fault
    # Again on the tree: in UTF-16 the bytes above would not have shown it.
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise MessageUnreadable("a DTD is not allowed")
    _check_depth(root)
    return root


def _check_depth(root: etree._Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):
            raise MessageUnreadable("an entity is not allowed")
        depth += 1 if event == "start" else -1
        if depth > DEPTH_MAX:
            raise MessageUnreadable(f"more than {DEPTH_MAX} levels")


def parse(xml: bytes) -> Parsed:
    """A message of any kind we know. Raises MessageUnreadable; unknown elements are left out."""
    return parse_tree(read_tree(xml))


def parse_tree(root: etree._Element) -> Parsed:
    """As `parse`, from a tree that `read_tree` gave."""
    name = etree.QName(root)
    kind = name.localname[3:-7]
    message = message_types().get(kind)
    if name.namespace != NAMESPACE or message is None or name.localname != message.root:
        raise MessageUnreadable("not a message of the single window")
    documents = root.findall(_tag(message.document))
    if not documents or (message.documents_max is not None and len(documents) > message.documents_max):
        raise MessageUnreadable(f"{message.root} holds {len(documents)} {message.document}")
    transfer = root.find(_tag(TRANSFER))
    return Parsed(
        kind=kind,
        guid=root.get("guid", ""),
        version=root.get("version", ""),
        documents=tuple(_read_document(message, element) for element in documents),
        transfer=_read_fields(transfer_fields(), transfer) if transfer is not None else {},
    )


def _read_document(message: MessageType, element: etree._Element) -> dict[str, Any]:
    head = element
    if message.head:
        heads = element.findall(_tag(message.head))
        if len(heads) != 1:
            raise MessageUnreadable(f"{message.document} needs one {message.head}")
        head = heads[0]
    values: dict[str, Any] = _read_fields(message.head_fields, head)
    if message.lines:
        lines = element.findall(_tag(message.lines))
        if len(lines) > message.lines_max:
            raise MessageUnreadable(f"{message.document} holds more than {message.lines_max} lines")
        values["lines"] = [_read_fields(message.line_fields, line) for line in lines]
    return values


def _read_fields(fields: Iterable[Field], parent: etree._Element) -> dict[str, str]:
    values: dict[str, str] = {}
    for field in fields:
        found = parent.findall(_tag(field.element))
        if len(found) > 1:
            raise MessageUnreadable(f"{field.element} stands twice")
        if found:
            if len(found[0]):
                raise MessageUnreadable(f"{field.element} must hold text only")
            text = found[0].text or ""
            if field.max is not None and field.type == "string" and len(text) > field.max:
                raise MessageUnreadable(f"{field.element} has more than {field.max} characters")
            values[field.element] = text
    return values
