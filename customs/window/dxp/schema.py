"""The XML Schema of the envelope, made from its table, for a validator that is not ours."""

from __future__ import annotations

from lxml import etree

from customs.window.dxp.tables import MESSAGE, NAMESPACE, Node, envelope_of
from customs.window.schema import XS
from customs.window.signature import DS

_TYPES = {"dateTime": "xs:dateTime", "date": "xs:date", "base64": "xs:base64Binary"}


def xsd(message: str) -> bytes:
    """The schema of DxpMsg or DxpRep: order, occurrence and lengths."""
    schema = etree.Element(
        _xs("schema"), nsmap={"xs": XS, "dxp": NAMESPACE}, targetNamespace=NAMESPACE, elementFormDefault="qualified"
    )
    root = _add(schema, "element", name=message)
    _content(root, envelope_of(message), signed=message == MESSAGE)
    return etree.tostring(schema, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _content(element: etree._Element, node: Node, *, signed: bool = False) -> None:
    elements = [child for child in node.children if not child.attribute]
    attributes = [child for child in node.children if child.attribute]
    if node.type == "group":
        complex_type = _add(element, "complexType")
        sequence = _add(complex_type, "sequence")
        for child in elements:
            _element(sequence, child)
        if signed:
            _add(sequence, "any", namespace=DS, processContents="skip", minOccurs="0")
        _attributes(complex_type, attributes)
    elif attributes:
        complex_type = _add(element, "complexType")
        # Attributes beside a text need an extension, whose base is a named type: lengths are checked by ourselves.
        _attributes(_add(_add(complex_type, "simpleContent"), "extension", base="xs:string"), attributes)
    elif node.type != "any":
        _text(element, node)


def _element(sequence: etree._Element, node: Node) -> None:
    most = "unbounded" if node.most is None else str(node.most)
    _content(_add(sequence, "element", name=node.name, minOccurs=str(node.least), maxOccurs=most), node)


def _attributes(parent: etree._Element, attributes: list[Node]) -> None:
    for node in attributes:
        attribute = _add(parent, "attribute", name=node.name[1:], use="required" if node.least else "optional")
        if node.fixed:
            attribute.set("fixed", node.fixed)
        _text(attribute, node)


def _text(parent: etree._Element, node: Node) -> None:
    restriction = _add(_add(parent, "simpleType"), "restriction", base=_TYPES.get(node.type, "xs:string"))
    if node.max is not None:
        _add(restriction, "minLength", value=str(node.min))
        _add(restriction, "maxLength", value=str(node.max))


def _add(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _xs(tag), attributes)


def _xs(name: str) -> str:
    return f"{{{XS}}}{name}"
