"""XML Schemas made from the tables, so that a message can be checked by a validator that is not ours."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lxml import etree

from customs.window.profiles import DS
from customs.window.tables import (
    EXTEND,
    NAMESPACE,
    SUBSCRIBE,
    SUBSCRIBERS_MAX,
    TRANSFER,
    Field,
    MessageType,
    message_types,
    transfer_fields,
)

XS = "http://www.w3.org/2001/XMLSchema"
FOLDER = Path(__file__).with_name("xsd")


@cache
def schema_of(kind: str) -> etree.XMLSchema:
    """The schema of one kind of message, ready to validate."""
    return etree.XMLSchema(etree.fromstring(xsd(kind)))


def write_schemas(folder: Path) -> list[Path]:
    """The schemas of all kinds as files of this folder, made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, message in message_types().items():
        written.append(folder / f"{message.root}.xsd")
        written[-1].write_bytes(xsd(kind))
    return written


def xsd(kind: str) -> bytes:
    """The schema of one kind of message, as the official one says it: order, occurrence, lengths and digits."""
    message = message_types()[kind]
    schema = etree.Element(
        _xs("schema"),
        nsmap={"xs": XS, "ceb": NAMESPACE},
        targetNamespace=NAMESPACE,
        elementFormDefault="qualified",
    )
    sequence = _sequence(_add(schema, "element", name=message.root))
    _document(sequence, message)
    if message.outgoing:
        _fields(sequence, TRANSFER, transfer_fields(TRANSFER), 1, 1)
        _fields(sequence, SUBSCRIBE, transfer_fields(SUBSCRIBE), 0, SUBSCRIBERS_MAX)
        _fields(sequence, EXTEND, transfer_fields(EXTEND), 0, 1)
    _add(sequence, "any", namespace=DS, processContents="skip", minOccurs="1" if message.signed else "0")
    root_type = sequence.getparent()
    for name, low, high in (("guid", 36, 36), ("version", 1, 10)):
        restriction = _restriction(_add(root_type, "attribute", name=name, use="required"), "xs:string")
        _lengths(restriction, low, high)
    return etree.tostring(schema, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _document(parent: etree._Element, message: MessageType) -> None:
    if not message.head:
        _fields(parent, message.document, message.head_fields, 1, message.documents_max)
        return
    document = _element(parent, message.document, 1, message.documents_max)
    sequence = _sequence(document)
    _fields(sequence, message.head, message.head_fields, 1, 1)
    if message.lines:
        _fields(sequence, message.lines, message.line_fields, 1, message.lines_max)


def _fields(parent: etree._Element, name: str, fields: Iterable[Field], low: int, high: int | None) -> None:
    sequence = _sequence(_element(parent, name, low, high))
    for field in fields:
        element = _element(sequence, field.element, 0 if field.optional_in_schema else 1, 1)
        _type(element, field)


def _type(element: etree._Element, field: Field) -> None:
    if field.type == "xml":
        _add(_sequence(element), "any", processContents="skip", minOccurs="0", maxOccurs="unbounded")
    elif field.type == "string":
        _lengths(_restriction(element, "xs:string"), field.min, field.max)
    else:
        restriction = _restriction(element, "xs:int" if field.type == "int" else "xs:decimal")
        _add(restriction, "totalDigits", value=str(field.max))
        if field.type == "decimal":
            _add(restriction, "fractionDigits", value=str(field.fraction))


def _restriction(element: etree._Element, base: str) -> etree._Element:
    return _add(_add(element, "simpleType"), "restriction", base=base)


def _lengths(restriction: etree._Element, low: int, high: int | None) -> None:
    _add(restriction, "minLength", value=str(low))
    if high is not None:
        _add(restriction, "maxLength", value=str(high))


def _element(parent: etree._Element, name: str, low: int, high: int | None) -> etree._Element:
    return _add(parent, "element", name=name, minOccurs=str(low), maxOccurs="unbounded" if high is None else str(high))


def _sequence(element: etree._Element) -> etree._Element:
    return _add(_add(element, "complexType"), "sequence")


def _add(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _xs(tag), attributes)


def _xs(name: str) -> str:
    return f"{{{XS}}}{name}"
