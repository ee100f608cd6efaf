"""From plain values to an envelope and back, by the table.

A group is a dict of its children by name, an element that may stand several times a list, an element with attributes a
dict with its `text`. Data is bytes. Elements not in the table are left out when reading, as newer editions add some.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from lxml import etree

from customs.window.dxp.tables import ANSWER, MESSAGE, NAMESPACE, Node, envelope_of
from customs.window.messages import BYTES_MAX, MessageUnreadable, read_tree
from customs.window.transport import EnvelopeUnreadable

ENVELOPE_BYTES_MAX = 2 * BYTES_MAX  # base64 makes four bytes of three

Values = Mapping[str, Any]


def build(message: str, values: Values) -> bytes:
    """The envelope as UTF-8 XML. Raises ValueError naming the element that breaks the table."""
    layout = envelope_of(message)
    root = etree.Element(_tag(message), nsmap={"dxp": NAMESPACE})
    _fill(root, layout, values, message)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _fill(element: etree._Element, node: Node, values: Values, path: str) -> None:
    unknown = set(values) - {child.name for child in node.children} - {"text"}
    if unknown:
        raise ValueError(f"{path}: no {', '.join(sorted(unknown))} here")
    for child in node.children:
        value = values.get(child.name, child.fixed or None)
        if child.attribute:
            if value is not None:
                element.set(child.name[1:], _checked(child, value, f"{path}/{child.name}"))
            elif child.least:
                raise ValueError(f"{path}/{child.name}: required")
            continue
        found = [] if value is None else list(value) if child.repeated else [value]
        _count(child, len(found), f"{path}/{child.name}")
        for each in found:
            _append(element, child, each, f"{path}/{child.name}")


def _append(parent: etree._Element, node: Node, value: Any, path: str) -> None:
    element = etree.SubElement(parent, _tag(node.name))
    if node.type == "group":
        _fill(element, node, value, path)
        return
    text = value["text"] if node.children else value
    element.text = _checked(node, text, path) or None
    if node.children:
        _fill(element, node, value, path)


def _checked(node: Node, value: Any, path: str) -> str:
    """The text of a value, which the table allows. Raises ValueError."""
    text = base64.b64encode(value).decode() if node.type == "base64" else str(value)
    rule = _breach(node, text)
    if rule is not None:
        raise ValueError(f"{path}: {rule}")
    return text


def _breach(node: Node, text: str) -> str | None:
    if node.fixed and text != node.fixed:
        return f"must be {node.fixed}"
    if node.max is not None and not node.min <= len(text) <= node.max:
        return f"must have {node.min} to {node.max} characters"
    try:
        if node.type == "dateTime":
            datetime.fromisoformat(text)
        elif node.type == "date":
            date.fromisoformat(text[:10])  # a schema's date may carry a zone
    except ValueError:
        return "is not a date" if node.type == "date" else "is not a time"
    return None


def _count(node: Node, found: int, path: str) -> None:
    if found < node.least or (node.most is not None and found > node.most):
        raise ValueError(f"{path}: stands {found} times, must {node.least} to {node.most or 'many'}")


def read(content: bytes) -> tuple[str, dict[str, Any]]:
    """The kind of envelope (DxpMsg or DxpRep) and its values. Raises EnvelopeUnreadable."""
    try:
        root = read_tree(content, ENVELOPE_BYTES_MAX)
    except MessageUnreadable as fault:
        raise EnvelopeUnreadable(str(fault)) from fault
    return read_envelope(root)


def read_envelope(root: etree._Element) -> tuple[str, dict[str, Any]]:
    """As `read`, from a tree that `messages.read_tree` gave."""
    name = etree.QName(root)
    if name.namespace != NAMESPACE or name.localname not in (MESSAGE, ANSWER):
        raise EnvelopeUnreadable("not an envelope of the exchange")
    try:
        return name.localname, _read_group(root, envelope_of(name.localname), name.localname)
    except ValueError as fault:
        raise EnvelopeUnreadable(str(fault)[:300]) from fault


def _read_group(element: etree._Element, node: Node, path: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for child in node.children:
        here = f"{path}/{child.name}"
        if child.attribute:
            value = element.get(child.name[1:])
            found: list[Any] = [] if value is None else [_read_text(child, value, here)]
        else:
            found = [_read_node(each, child, here) for each in element.findall(_tag(child.name))]
        _count(child, len(found), here)
        if found:
            values[child.name] = found if child.repeated else found[0]
    return values


def _read_node(element: etree._Element, node: Node, path: str) -> Any:
    if node.type == "any":
        return element.text or ""
    if node.type == "group":
        return _read_group(element, node, path)
    if len(element):
        raise ValueError(f"{path}: must hold text only")
    text = _read_text(node, element.text or "", path)
    return {**_read_group(element, node, path), "text": text} if node.children else text


def _read_text(node: Node, text: str, path: str) -> Any:
    if node.type == "base64":
        return _decoded(text, path)
    rule = _breach(node, text)
    if rule is not None:
        raise ValueError(f"{path}: {rule}")
    return text


def _decoded(text: str, path: str) -> bytes:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ValueError(f"{path}: is not base64") from fault
    if not 0 < len(data) <= BYTES_MAX:
        raise ValueError(f"{path}: holds nothing, or more than {BYTES_MAX} bytes")
    return data


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
