"""What a message must look like: `layout.txt`, read by people and by this module."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

CEB = "http://www.chinaport.gov.cn/ceb"
DS = "http://www.w3.org/2000/09/xmldsig#"
BYTES_MAX = 8 * 1024 * 1024
_DECIMAL = re.compile(r"[0-9]{1,14}(\.[0-9]{1,5})?\Z", re.ASCII)
_INTEGER = re.compile(r"[1-9][0-9]*\Z", re.ASCII)


class Unreadable(ValueError):
    """Not a message this window takes."""


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    optional: bool
    form: str

    def fault(self, text: str) -> str | None:
        """What is wrong with the text of this element."""
        if self.form.startswith("N"):
            return None if _DECIMAL.match(text) else f"{self.name}: not an amount"
        if self.form.startswith("I"):
            good = _INTEGER.match(text) and len(text) <= int(self.form[1:])
            return None if good else f"{self.name}: not a whole number"
        low, _, high = self.form.partition("..")
        if not int(low) <= len(text) <= int(high or low):
            return f"{self.name}: {len(text)} characters, {self.form} allowed"
        return None


@dataclass(slots=True)
class Layout:
    kind: str
    document: str
    head: str
    lines: str
    documents_max: int
    lines_max: int
    signed: bool
    elements: dict[str, list[Element]] = field(default_factory=lambda: {"H": [], "L": []})


@dataclass(frozen=True, slots=True)
class Message:
    """A message as read: documents hold text under element names, lines under `lines`; `faults` per document."""

    kind: str
    guid: str
    documents: list[dict[str, Any]]
    faults: list[list[str]]
    root: etree._Element


@cache
def layouts() -> tuple[dict[str, Layout], dict[str, list[Element]]]:
    found: dict[str, Layout] = {}
    common: dict[str, list[Element]] = {"T": [], "S": []}
    into = common
    for line in Path(__file__).with_name("layout.txt").read_text("utf-8").splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == "message":
            kind, document, head, lines = (word.strip("-") for word in words[1:5])
            layout = Layout(kind, document, head, lines, int(words[5]), int(words[6]), words[7] == "signed")
            found[kind], into = layout, layout.elements
        elif words[0] == "common":
            into = common
        else:
            into[words[0]].append(Element(words[1].rstrip("?"), words[1].endswith("?"), words[2]))
    return found, common


def read(xml: bytes) -> Message:
    """The message and everything wrong with its form. Raises Unreadable when it cannot even be told what it is."""
    root = _tree(xml)
    name = etree.QName(root)
    kind = name.localname[3:6]
    layout = layouts()[0].get(kind)
    if name.namespace != CEB or layout is None or name.localname != f"CEB{kind}Message":
        raise Unreadable("not a message of this window")
    nodes = root.findall(f"{{{CEB}}}{layout.document}")
    if not 1 <= len(nodes) <= layout.documents_max:
        raise Unreadable(f"{len(nodes)} documents")
    shared = _root_faults(root, layout, len(nodes))
    read_nodes = [_document(node, layout) for node in nodes]
    return Message(
        kind=kind,
        guid=root.get("guid", ""),
        documents=[values for values, _ in read_nodes],
        faults=[shared + faults for _, faults in read_nodes],
        root=root,
    )


def _tree(xml: bytes) -> etree._Element:
    if len(xml) > BYTES_MAX or b"<!DOCTYPE" in xml:
        raise Unreadable("too large, or with a DTD")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise Unreadable("not XML") from fault
    if root.getroottree().docinfo.doctype or any(not isinstance(node.tag, str) for node in root.iter()):
        raise Unreadable("with a DTD, an entity, a comment or an instruction")
    return root


def _root_faults(root: etree._Element, layout: Layout, documents: int) -> list[str]:
    """The documents, then who transmits, then subscribers, an extension and the signature, in this order."""
    faults = [] if len(root.get("guid", "")) == 36 else ["guid of the message: not 36 characters"]
    if not root.get("version"):
        faults.append("version of the message is missing")
    names = [etree.QName(child).localname for child in root]
    pattern = (
        rf"({layout.document},){{{documents}}}BaseTransfer,(BaseSubscribe,){{0,5}}(ExtendMessage,)?(Signature,)?\Z"
    )
    if not re.match(pattern, "".join(f"{name}," for name in names)):
        faults.append(f"the parts of the message are not in their order: {' '.join(dict.fromkeys(names))}")
    for child in root:
        name = etree.QName(child)
        if name.namespace != (DS if name.localname == "Signature" else CEB):
            faults.append(f"{name.localname}: wrong namespace")
        for letter, part in (("T", "BaseTransfer"), ("S", "BaseSubscribe")):
            if name.localname == part:
                faults += _values(child, layouts()[1][letter])[1]
    return faults


def _document(node: etree._Element, layout: Layout) -> tuple[dict[str, Any], list[str]]:
    if not layout.head:
        return _values(node, layout.elements["H"])
    names = [etree.QName(child).localname for child in node]
    lines = [child for child in node if etree.QName(child).localname == layout.lines]
    faults = []
    if names != [layout.head] + [layout.lines] * len(lines):
        faults.append(f"{layout.document}: parts missing or not in their order")
    if layout.lines and not 1 <= len(lines) <= layout.lines_max:
        faults.append(f"{layout.lines}: {len(lines)} lines")
    head = node.find(f"{{{CEB}}}{layout.head}")
    values, found = _values(head, layout.elements["H"]) if head is not None else ({}, [f"{layout.head} is missing"])
    values["lines"] = []
    for line in lines:
        inner, more = _values(line, layout.elements["L"])
        values["lines"].append(inner)
        found += more
    return values, faults + found


def _values(node: etree._Element, elements: list[Element]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    faults = []
    order = {element.name: at for at, element in enumerate(elements)}
    last = -1
    for child in node:
        name = etree.QName(child)
        at = order.get(name.localname, -1)
        if at <= last or name.namespace != CEB or len(child):
            faults.append(f"{name.localname}: not expected here")
        last = max(at, last)
        values.setdefault(name.localname, child.text or "")
    for element in elements:
        if element.name in values:
            fault = element.fault(values[element.name])
            faults += [fault] if fault else []
        elif not element.optional:
            faults.append(f"{element.name} is missing")
    return values, faults
