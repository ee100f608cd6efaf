"""From plain values to the XML of a message and back, by the tables.

`build` collects every breach of every document and raises them together, before anything is signed. `parse` goes by
namespace, never by prefix, forbids DTDs and entities, and leaves out elements it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree

from customs.window.checks import Document, Transfer, Violation, count_violations, violations
from customs.window.plans import head_plan, line_plan, transfer_plan
from customs.window.rules import document_breaches
from customs.window.tables import (
    EXTEND,
    NAMESPACE,
    SUBSCRIBERS_MAX,
    TRANSFER,
    Field,
    MessageType,
    message_types,
    transfer_fields,
)
from customs.window.values import breaches, is_guid

VERSION = "1.0"
DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"
BYTES_MAX = 4 * 1024 * 1024  # a hundred lists of 60 lines, or seventy of 99
DOCUMENTS_MAX = 10_000  # where the specification has no limit (816, 818)
DEPTH_MAX = 12
_SIGNATURE_BYTES = 16 * 1024  # room for a signature with its certificate
ATTRIBUTES_MAX = 1000
NAMESPACES_MAX = 16  # canonical form costs their square for each element they reach
_TOO_WIDE = etree.XPath(f"count(//@*) > {ATTRIBUTES_MAX}")
_BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")
_TOO_DEEP = etree.XPath("boolean(" + "/*" * (DEPTH_MAX + 1) + ")")


class MessageRefused(ValueError):
    """The values do not make a lawful message; `violations` holds every breach."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{path}: {rule}" for path, rule in violations))
        self.violations = list(violations)


class MessageUnreadable(ValueError):
    """What came is not a message of the single window."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What two parties add to a message by agreement: a name, a version and an XML element of their own."""

    name: str
    version: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message as read: all values are text; a document holds its elements, and its lines under `lines`."""

    kind: str
    guid: str
    version: str
    documents: tuple[dict[str, Any], ...]
    transfer: dict[str, str]


class Built(bytes):
    """A message as `build` writes it: the XML declaration, then everything in its canonical form."""

    @property
    def canonical(self) -> bytes:
        return self[len(DECLARATION) :]


def build(
    kind: str, documents: Sequence[Document], transfer: Transfer, guid: str, extension: Extension | None = None
) -> Built:
    """The message of `kind` ("311") as UTF-8 XML, unsigned. Raises MessageRefused with every breach.

    A document maps element names to str, int or Decimal; its lines are a list under `lines`. None means left out.
    """
    message = outgoing(kind)
    closing = _closing(transfer)
    whole = _joined([_document(message, document) for document in documents])
    if whole is None or closing is None or not is_guid(guid) or count_violations(message, documents):
        raise MessageRefused(violations(message, documents, transfer, guid))
    opening = f'<ceb:{message.root} xmlns:ceb="{NAMESPACE}" guid="{guid}" version="{VERSION}">'
    body = f"{opening}{whole}{closing}</ceb:{message.root}>".encode()
    built = Built(DECLARATION + (body if extension is None else _extended(body, extension)))
    if len(built) > BYTES_MAX - _SIGNATURE_BYTES:
        raise MessageRefused([Violation(message.root, "too long; put fewer documents into one message")])
    return built


def validate(kind: str, documents: Sequence[Document], transfer: Transfer, guid: str) -> list[Violation]:
    """Every breach that would stop `build`, in the order of the message."""
    return violations(outgoing(kind), documents, transfer, guid)


def outgoing(kind: str) -> MessageType:
    """The layout of a kind we may send. Raises ValueError for any other."""
    message = message_types().get(kind)
    if message is None or not message.outgoing:
        raise ValueError(f"{kind} is not a kind of message to send")
    return message


def _document(message: MessageType, document: Document) -> str | None:
    """The document in canonical form; None when it breaks any rule."""
    head = head_plan(message.kind).write(document)
    if head is None:
        return None
    given = document.get("lines") or ()
    if message.lines and not 1 <= len(given) <= message.lines_max:
        return None
    plan = line_plan(message.kind)
    lines = _joined([plan.write(line) for line in given]) if message.lines else ""
    if lines is None or document_breaches(message.kind, document):
        return None
    return f"<ceb:{message.document}>{head}{lines}</ceb:{message.document}>" if message.head else head


def _joined(parts: list[str | None]) -> str | None:
    return None if None in parts else "".join(parts)  # type: ignore[arg-type]


@lru_cache(256)
def _closing(transfer: Transfer) -> str | None:
    if len(transfer.subscribers) > SUBSCRIBERS_MAX:
        return None
    return _joined([transfer_plan(group).write(values) for group, values in transfer.groups()])


def _extended(body: bytes, extension: Extension) -> bytes:
    """The message with its extension, canonical again. Raises MessageRefused."""
    root = etree.fromstring(body)
    group = etree.SubElement(root, _tag(EXTEND))
    for name, text in (("name", extension.name), ("version", extension.version)):
        field = next(field for field in transfer_fields(EXTEND) if field.element == name)
        found = breaches(field, text)
        if found:
            raise MessageRefused([Violation(f"{EXTEND}/{name}", rule) for rule in found])
        etree.SubElement(group, _tag(name)).text = text
    try:
        etree.SubElement(group, _tag("Message")).append(read_tree(extension.content))
        return canonical(root)
    except MessageUnreadable as fault:
        raise MessageRefused([Violation(f"{EXTEND}/Message", str(fault))]) from fault


def canonical(element: etree._Element) -> bytes:
    """Canonical XML 1.0 without comments of the element, with the namespaces it inherits. Raises MessageUnreadable."""
    try:
        return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)
    except etree.C14NError as fault:  # a namespace named by no absolute URI, which canonical form does not know
        raise MessageUnreadable("no canonical form: a namespace is not named by an absolute URI") from fault


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def read_tree(xml: bytes, bytes_max: int = BYTES_MAX) -> etree._Element:
    """The root of a document from outside. Raises MessageUnreadable for a DTD, an entity or anything too large.

    Comments are dropped while reading, so no text can be split by one between what is signed and what is read.
    """
    if len(xml) > bytes_max:
        raise MessageUnreadable(f"more than {bytes_max} bytes")
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
    if b"\0" in xml[:200] and not xml.startswith(_BYTE_ORDERS):
        raise MessageUnreadable("neither UTF-8 nor UTF-16 with its mark")
    if _TOO_WIDE(root):
        raise MessageUnreadable(f"more than {ATTRIBUTES_MAX} attributes")
    if _too_many_namespaces(root):
        raise MessageUnreadable(f"more than {NAMESPACES_MAX} namespaces at once")
    # Without a DTD nothing can name an entity, so every node left is an element or a text.
    if _TOO_DEEP(root):
        raise MessageUnreadable(f"more than {DEPTH_MAX} levels")
    return root


def _too_many_namespaces(root: etree._Element) -> bool:
    open_ones = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        open_ones += 1 if event == "start-ns" else -1
        if open_ones > NAMESPACES_MAX:
            return True
    return False


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
    if not 1 <= len(documents) <= (message.documents_max or DOCUMENTS_MAX):
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
