"""What a message must look like: read from the tables of message fields, which the house shares with this window.

Only the tables are shared, as files; how they are read and what is made of them is the window's own.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

CEB = "http://www.chinaport.gov.cn/ceb"
DS = "http://www.w3.org/2000/09/xmldsig#"
TABLES = Path(__file__).parents[2] / "customs" / "window" / "tables"
BYTES_MAX = 8 * 1024 * 1024
SUBSCRIBERS_MAX = 5
NAMESPACES_MAX = 16  # canonical form costs their square for each element they reach
FAULTS_MAX = 20  # told of one document: who sent a hundred wrong lines learns enough from the first
_DECIMAL = re.compile(r"[0-9]{1,14}(\.[0-9]{1,5})?\Z", re.ASCII)
_INTEGER = re.compile(r"[1-9][0-9]*\Z", re.ASCII)
_STRANGE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Unreadable(ValueError):
    """Not a message this window takes."""


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    type: str
    least: int
    most: int
    optional: bool
    values: tuple[str, ...]
    meaning: str

    def fault(self, text: str) -> str | None:
        """What is wrong with the text of this element."""
        if self.type == "decimal":
            return None if _DECIMAL.match(text) else f"{self.name}: not an amount"
        if self.type == "int":
            good = _INTEGER.match(text) and len(text) <= self.most
            return None if good else f"{self.name}: not a whole number"
        if not self.least <= len(text) <= self.most:
            return f"{self.name}: {len(text)} characters, {self.least} to {self.most} allowed"
        if self.values and text not in self.values and not (self.optional and not text):
            return f"{self.name}: must be {' or '.join(self.values)}"
        return f"{self.name}: a control character" if _STRANGE.search(text) else None


@dataclass(slots=True)
class Layout:
    kind: str
    document: str
    head: str
    lines: str
    documents_max: int
    lines_max: int
    signed: bool
    elements: dict[str, list[Element]] = field(default_factory=dict)

    @property
    def own(self) -> list[Element]:
        """The elements of the head, or of the document when it has no head of its own."""
        return self.elements[self.head or self.document]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as read: documents hold text under element names, lines under `lines`; `faults` per document."""

    kind: str
    guid: str
    documents: list[dict[str, Any]]
    faults: list[list[str]]
    root: etree._Element


def _rows(table: str) -> list[dict[str, str]]:
    with (TABLES / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _elements(table: str) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for row in _rows(table):
        needed = row["occurs"] != "0..1" or row["required"] == "yes"
        found.setdefault(row["group"], []).append(
            Element(
                name=row["element"],
                type=row["type"],
                least=max(int(row["min"] or 0), 1 if row["required"] == "yes" and row["occurs"] == "0..1" else 0),
                most=int(row["max"] or 1000),
                optional=not needed,
                values=tuple(row["values"].split()),
                meaning=row["meaning"],
            )
        )
    return found


@cache
def layouts() -> dict[str, Layout]:
    """The messages that are filed here, by their three digits."""
    return {
        row["kind"]: Layout(
            kind=row["kind"],
            document=row["document"],
            head=row["head"],
            lines=row["lines"],
            documents_max=int(row["documents_max"]),
            lines_max=int(row["lines_max"] or 0),
            signed=row["signature"] == "required",
            elements=_elements(f"ceb{row['kind']}"),
        )
        for row in _rows("messages")
        if row["direction"] == "out"
    }


@cache
def common() -> dict[str, list[Element]]:
    """Who transmits a message, and who else receives its receipts."""
    return _elements("transfer")


def read(xml: bytes) -> Message:
    """The message and everything wrong with its form. Raises Unreadable when it cannot even be told what it is."""
    root = _tree(xml)
    name = etree.QName(root)
    kind = name.localname[3:6]
    layout = layouts().get(kind)
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
        faults=[(shared + faults)[:FAULTS_MAX] for _, faults in read_nodes],
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
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() != "UTF-8":
        raise Unreadable("not in UTF-8")
    if root.getroottree().docinfo.doctype or any(not isinstance(node.tag, str) for node in root.iter()):
        raise Unreadable("with a DTD, an entity, a comment or an instruction")
    open_ones = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        open_ones += 1 if event == "start-ns" else -1
        if open_ones > NAMESPACES_MAX:
            raise Unreadable("too many namespaces")
    return root


def _root_faults(root: etree._Element, layout: Layout, documents: int) -> list[str]:
    """The documents, then who transmits, then subscribers, an extension and the signature, in this order."""
    faults = [] if len(root.get("guid", "")) == 36 else ["guid of the message: not 36 characters"]
    if not root.get("version"):
        faults.append("version of the message is missing")
    names = [etree.QName(child).localname for child in root]
    pattern = (
        rf"({layout.document},){{{documents}}}BaseTransfer,(BaseSubscribe,){{0,{SUBSCRIBERS_MAX}}}"
        r"(ExtendMessage,)?(Signature,)?\Z"
    )
    if not re.match(pattern, "".join(f"{name}," for name in names)):
        faults.append(f"the parts of the message are not in their order: {' '.join(dict.fromkeys(names))}"[:200])
    for child in root:
        name = etree.QName(child)
        if name.namespace != (DS if name.localname == "Signature" else CEB):
            faults.append(f"{name.localname[:60]}: wrong namespace")
        if name.localname in common():
            faults += _values(child, common()[name.localname])[1]
    return faults


def _document(node: etree._Element, layout: Layout) -> tuple[dict[str, Any], list[str]]:
    if not layout.head:
        return _values(node, layout.own)
    names = [etree.QName(child).localname for child in node]
    lines = [child for child in node if etree.QName(child).localname == layout.lines]
    faults = []
    if names != [layout.head] + [layout.lines] * len(lines):
        faults.append(f"{layout.document}: parts missing or not in their order")
    if layout.lines and not 1 <= len(lines) <= layout.lines_max:
        faults.append(f"{layout.lines}: {len(lines)} lines")
    head = node.find(f"{{{CEB}}}{layout.head}")
    values, found = _values(head, layout.own) if head is not None else ({}, [f"{layout.head} is missing"])
    values["lines"] = []
    for line in lines[: layout.lines_max]:
        inner, more = _values(line, layout.elements[layout.lines])
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
            faults.append(f"{name.localname[:60]}: not expected here")
        last = max(at, last)
        if at >= 0:
            values.setdefault(name.localname, child.text or "")
    for element in elements:
        if element.name in values:
            fault = element.fault(values[element.name])
            faults += [fault] if fault else []
        elif not element.optional:
            faults.append(f"{element.name} is missing")
    return values, faults
