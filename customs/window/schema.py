"""XML Schemas made from the tables, so that a message can be checked by a validator that is not ours."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from customs.window.signature import DS
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

XS = "http://www.w3.org/2001/XMLSchema"


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
    _add(sequence, "any", namespace=DS, processContents="skip", minOccurs="1" if message.signed else "0")
    root_type = sequence.getparent()
    _add(root_type, "attribute", name="guid", use="required", type="xs:string")
    _add(root_type, "attribute", name="version", use="required", type="xs:string")
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
    restriction = _add(_add(element, "simpleType"), "restriction", base=_base(field))
    if field.type == "decimal":
        _add(restriction, "totalDigits", value=str(field.max))
        _add(restriction, "fractionDigits", value=str(field.fraction))
    elif field.type == "string":
        _add(restriction, "minLength", value=str(field.min))
        if field.max is not None:
            _add(restriction, "maxLength", value=str(field.max))


def _base(field: Field) -> str:
    return {"decimal": "xs:decimal", "int": "xs:int"}.get(field.type, "xs:string")


def _element(parent: etree._Element, name: str, low: int, high: int | None) -> etree._Element:
    return _add(parent, "element", name=name, minOccurs=str(low), maxOccurs="unbounded" if high is None else str(high))


def _sequence(element: etree._Element) -> etree._Element:
    return _add(_add(element, "complexType"), "sequence")


def _add(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _xs(tag), attributes)


def _xs(name: str) -> str:
    return f"{{{XS}}}{name}"
