"""The fast way for good values: what the tables say of a group, made once into one regular expression and one template.

Nine messages in ten thousand are wrong, so the question whether any field is comes first, and is one match over all
texts of the group; which one and why is asked only then, of `checks`. A plan never takes what `checks` refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from core.money import plain
from customs.window.tables import Field, message_types, transfer_fields
from customs.window.values import CONTROL, GUID, identity_holds, time_exists

# Stands between the texts; no text may hold it.
_BETWEEN = "\0"
_SHAPES_MAX = 1000
_PROOFS: dict[str, Callable[[str], bool]] = {"identity": identity_holds, "time14": time_exists, "day8": time_exists}
_FORMATS = {"guid": GUID, "identity": "[0-9]{17}[0-9X]", "time14": "[0-9]{14}", "day8": "[0-9]{8}"}


class _Shape(NamedTuple):
    """How a group is written when just these elements are given."""

    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    decimals: tuple[int, ...]
    integers: tuple[int, ...]
    good: re.Pattern[str]
    proofs: tuple[tuple[int, Callable[[str], bool]], ...]
    template: str


class Plan:
    """One group of fields, such as the head of a list."""

    def __init__(self, group: str, fields: Sequence[Field], beside: str = "") -> None:
        """`beside` is a name that may stand among the values without being one of the fields."""
        self._group = group
        self._fields = fields
        self._beside = beside
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def write(self, values: Mapping[str, Any]) -> str | None:
        """The group in canonical form; None when any field breaks a rule."""
        names = tuple([name for name, value in values.items() if value is not None])
        shape = self._shapes.get(names) or self._learn(names)
        if shape is None:
            return None
        texts = list(shape.pick(values))
        for at in shape.decimals:
            value = texts[at]
            if value.__class__ is not Decimal and value.__class__ is not int:
                return None
            text = str(value)
            # Most amounts stand as they are; the others have an exponent or a zero too many.
            texts[at] = plain(Decimal(value)) if text[-1] == "0" or "E" in text else text
        for at in shape.integers:
            if texts[at].__class__ is not int:
                return None
            texts[at] = str(texts[at])
        try:
            joined = _BETWEEN.join(texts)
        except TypeError:
            return None
        if shape.good.fullmatch(joined) is None:
            return None
        for at, proof in shape.proofs:
            if not proof(texts[at]):
                return None
        if "&" in joined or "<" in joined or ">" in joined:
            texts = [_escape(text) for text in texts]
        return shape.template % tuple(texts)

    def _learn(self, names: tuple[str, ...]) -> _Shape | None:
        shape = self._shape(set(names) - {self._beside})
        if shape is not None:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            self._shapes[names] = shape
        return shape

    def _shape(self, names: set[str]) -> _Shape | None:
        given = [field for field in self._fields if field.element in names]
        missing = any(field.required and field.element not in names for field in self._fields)
        if missing or len(given) != len(names) or len(given) < 2:
            return None
        inner = "".join(f"<ceb:{field.element}>%s</ceb:{field.element}>" for field in given)
        return _Shape(
            pick=itemgetter(*(field.element for field in given)),
            decimals=tuple(at for at, field in enumerate(given) if field.type == "decimal"),
            integers=tuple(at for at, field in enumerate(given) if field.type == "int"),
            good=re.compile(_BETWEEN.join(map(_pattern, given))),
            proofs=tuple((at, _PROOFS[field.format]) for at, field in enumerate(given) if field.format in _PROOFS),
            template=f"<ceb:{self._group}>{inner}</ceb:{self._group}>",
        )


def _pattern(field: Field) -> str:
    """What a text of the field looks like; a format's own test comes on top."""
    if field.values:
        return f"(?:{'|'.join(map(re.escape, field.values))})"
    if field.type == "decimal":
        whole = (field.max or 0) - field.fraction
        return rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})(?:\.[0-9]{{1,{field.fraction}}})?"
    if field.type == "int":
        return rf"[1-9][0-9]{{0,{(field.max or 1) - 1}}}"
    if field.format in _FORMATS:
        return _FORMATS[field.format]
    length = f"{{{max(field.min, 1)},{field.max or ''}}}"
    if field.format == "digits":
        return f"[0-9]{length}"
    return rf"(?=\s*[^\s\0])[^{CONTROL}]{length}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def head_plan(kind: str) -> Plan:
    """The head of a document of the kind, or the whole of one without lines."""
    message = message_types()[kind]
    return Plan(message.head or message.document, message.head_fields, "lines" if message.lines else "")


@cache
def line_plan(kind: str) -> Plan:
    message = message_types()[kind]
    return Plan(message.lines, message.line_fields)


@cache
def transfer_plan(group: str) -> Plan:
    return Plan(group, transfer_fields(group))
