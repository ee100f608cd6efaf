"""What is wrong with a message, for people: form, rules and signature, each finding with its place.

It asks neither database nor settings, so that whoever builds messages can pass without an account.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from cryptography import x509
from lxml import etree

from customs.window.checks import Violation, document_violations, field_violations
from customs.window.diagnosis import cause
from customs.window.messages import MessageUnreadable, Parsed, parse_tree, read_tree
from customs.window.profiles import DS
from customs.window.schema import schema_of
from customs.window.signature import SignatureInvalid, enclosed_certificate, is_signed, verify
from customs.window.tables import NAMESPACE, SUBSCRIBE, TRANSFER, Field, MessageType, message_types, transfer_fields
from customs.window.values import is_guid

_DECIMAL = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,18}", re.ASCII)


class Finding(NamedTuple):
    """One thing that is wrong: which check found it, where, and what."""

    check: str
    where: str
    what: str


@dataclass(slots=True)
class Verdict:
    """What was looked at, whose signature holds, and all that is wrong."""

    kind: str
    documents: int = 0
    signed_by: str | None = None
    trusted: bool = False
    findings: list[Finding] = field(default_factory=list)


def examine(xml: bytes, trusted: Collection[x509.Certificate] | None, at: datetime) -> Verdict:
    """The verdict on one message. Without `trusted`, the signature need only fit the certificate it brings along.

    Raises MessageUnreadable for what is no message of the single window at all.
    """
    root = read_tree(xml)
    name = etree.QName(root)
    message = message_types().get(name.localname[3:-7])
    if message is None or (name.namespace, name.localname) != (NAMESPACE, message.root):
        raise MessageUnreadable("not a message of the single window")
    verdict = Verdict(message.kind)
    verdict.findings += _form(root, message)
    verdict.findings += _rules(root, message, verdict)
    verdict.findings += _signature(root, message, trusted, at, verdict)
    return verdict


def _form(root: etree._Element, message: MessageType) -> list[Finding]:
    schema = schema_of(message.kind)
    schema.validate(root if message.outgoing else _known(root, message))
    return [
        Finding("schema", f"line {fault.line}", fault.message.replace(f"{{{NAMESPACE}}}", ""))
        for fault in schema.error_log
        # A missing signature is named once, as such.
        if is_signed(root) or "Missing child" not in fault.message or f"{{{DS}}}*" not in fault.message
    ]


def _known(root: etree._Element, message: MessageType) -> etree._Element:
    """What customs sends without what the tables do not know: the description has elements the schema has not."""
    whole = copy.deepcopy(root)
    inside = {
        message.root: {message.document},
        message.document: {message.head, message.lines},
        message.head or message.document: {field.element for field in message.head_fields},
        message.lines: {field.element for field in message.line_fields},
    }
    for element in list(whole.iter(*(f"{{{NAMESPACE}}}{name}" for name in inside if name))):
        known = inside[etree.QName(element).localname]
        for child in list(element):
            if etree.QName(child).namespace == NAMESPACE and etree.QName(child).localname not in known:
                element.remove(child)
    return whole


def _rules(root: etree._Element, message: MessageType, verdict: Verdict) -> list[Finding]:
    found = []
    if not is_guid(root.get("guid", "")):
        found.append(Finding("rule", f"{message.root}/@guid", "must be an upper-case UUID with hyphens"))
    try:
        parsed = parse_tree(root)
    except MessageUnreadable as fault:
        return [*found, Finding("rule", message.root, str(fault))]
    verdict.documents = len(parsed.documents)
    violations = document_violations(message, _values(message, parsed)) + _transfer_violations(root, message)
    return found + [Finding("rule", *violation) for violation in violations]


def _transfer_violations(root: etree._Element, message: MessageType) -> list[Violation]:
    found = []
    if message.outgoing and root.find(f"{{{NAMESPACE}}}{TRANSFER}") is None:
        found.append(Violation(TRANSFER, "required"))
    for group in (TRANSFER, SUBSCRIBE):
        fields = transfer_fields(group)
        for element in root.iterfind(f"{{{NAMESPACE}}}{group}"):
            texts = {etree.QName(child).localname: child.text or "" for child in element}
            found += field_violations(fields, group, _typed(fields, texts))
    return found


def _values(message: MessageType, parsed: Parsed) -> list[dict[str, Any]]:
    """The documents as they would be built: numbers as numbers, empty elements that may be empty left out."""
    found = []
    for document in parsed.documents:
        values = _typed(message.head_fields, document)
        if message.lines:
            values["lines"] = [_typed(message.line_fields, line) for line in document["lines"]]
        found.append(values)
    return found


def _typed(fields: tuple[Field, ...], texts: dict[str, Any]) -> dict[str, Any]:
    return {each.element: _value(each, texts[each.element]) for each in fields if each.element in texts}


def _value(each: Field, text: str) -> Any:
    """A number only where the text is one; anything else stays a text, which the checks then refuse."""
    if not text and each.min == 0 and each.type == "string":
        return None
    if each.type == "decimal" and _DECIMAL.fullmatch(text):
        return Decimal(text)
    return int(text) if each.type == "int" and _INTEGER.fullmatch(text) else text


def _signature(
    root: etree._Element,
    message: MessageType,
    trusted: Collection[x509.Certificate] | None,
    at: datetime,
    verdict: Verdict,
) -> list[Finding]:
    if not is_signed(root):
        return [Finding("signature", message.root, "must be signed")] if message.signed or trusted is not None else []
    try:
        known = [enclosed_certificate(root)] if trusted is None else trusted
        verdict.signed_by = verify(root, known, at)
        verdict.trusted = trusted is not None
    except SignatureInvalid as fault:
        found = [Finding("signature", "Signature", str(fault))]
        why = _cause(fault, root)
        return [*found, Finding("signature", "Signature", f"because {why}")] if why else found
    return []


def _cause(fault: SignatureInvalid, root: etree._Element) -> str | None:
    try:
        return cause(fault, root, enclosed_certificate(root))
    except SignatureInvalid:
        return None
