"""What may be corrected of a declaration (`fields.csv`), and the corrections read strictly.

Nothing that money, allowance, stock or tax rest on is among them: who wants that changed cancels and orders anew.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import Problem, declare, invalid
from customs.filing_facts import FilingLine, FilingRequest

FIXED = declare("field_fixed", 422, "This field of a declaration is not corrected")
BUYER = "buyer"
_PLAIN = re.compile(r"[0-9]{1,8}(\.[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class CorrectableField:
    """A field of the order or of a line; without a `form` it stays, and `why` says so."""

    name: str
    of: str
    form: str
    most: int
    label: dict[str, str]
    why: dict[str, str]


@cache
def correctable() -> tuple[CorrectableField, ...]:
    """All fields of the table, in its order."""
    with (Path(__file__).parent / "fields.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            CorrectableField(
                row["name"],
                row["of"],
                row["form"],
                int(row["most"] or 0),
                {"zh": row["zh"], "en": row["en"]},
                {"zh": row["why_zh"], "en": row["why_en"]},
            )
            for row in csv.DictReader(file)
        )


def corrected(request: FilingRequest, changes: Mapping[str, Any]) -> tuple[FilingRequest, dict[str, Any]]:
    """The request with the changes in it, and what stood there before, by path; equal values change nothing.

    `changes` has fields of the order, and `lines`: a list of {line, ...fields}. Raises Problem `invalid_input` for a
    field that is not there or a value it cannot hold, `field_fixed` for one that is never corrected.
    """
    was: dict[str, Any] = {}
    _check_shape(changes)
    values = {name: value for name, value in changes.items() if name not in ("lines", BUYER)}
    heads = _changed(request, "order", values, "", was)
    lines = list(request.lines)
    for change in changes.get("lines") or ():
        at = change.get("line")
        if not isinstance(at, int) or isinstance(at, bool) or not 1 <= at <= len(lines):
            raise invalid("lines", f"line must be a number from 1 to {len(lines)}")
        rest = {name: value for name, value in change.items() if name != "line"}
        line = lines[at - 1]
        lines[at - 1] = replace(line, **_changed(line, "line", rest, f"lines[{at}]/", was))
    return replace(request, **heads, lines=tuple(lines)), was


def _check_shape(changes: Mapping[str, Any]) -> None:
    given = changes.get("lines", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise invalid("lines", "must be a list of {line, ...}")
    if changes.get(BUYER, True) is not True:
        raise invalid(BUYER, "is true, or left out")


def _changed(
    stands: FilingRequest | FilingLine, of: str, values: Mapping[str, Any], path: str, was: dict[str, Any]
) -> dict[str, Any]:
    known = {field.name: field for field in correctable() if field.of == of}
    there = {field.name for field in fields(stands)}
    fresh = {}
    for name, value in values.items():
        field = known.get(name)
        if field is None and name not in there:
            raise invalid(f"{path}{name}", "is no field of a declaration")
        if field is None or not field.form:
            raise Problem(FIXED, field.why["en"] if field else f"{path}{name} stays as it was declared")
        read = _READERS[field.form](field, f"{path}{name}", value)
        if read != getattr(stands, name):
            was[f"{path}{name}"] = getattr(stands, name)
            fresh[name] = read
    return fresh


def _text(field: CorrectableField, path: str, value: Any) -> str:
    found = " ".join(value.split()) if isinstance(value, str) and value.isprintable() else ""
    if not 1 <= len(found) <= field.most:
        raise invalid(path, f"must have 1 to {field.most} characters")
    return found


def _digits(field: CorrectableField, path: str, value: Any) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == field.most):
        raise invalid(path, f"must have {field.most} digits")
    return value


def _weight(_: CorrectableField, path: str, value: Any) -> Decimal:
    return _amount(path, value)


def _quantities(field: CorrectableField, path: str, value: Any) -> tuple[Decimal, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= field.most:
        raise invalid(path, f"must be 1 to {field.most} quantities")
    return tuple(_amount(path, each) for each in value)


def _amount(path: str, value: Any) -> Decimal:
    try:
        if not (isinstance(value, str) and _PLAIN.fullmatch(value)) or not Decimal(value) > 0:
            raise InvalidOperation
    except InvalidOperation:
        raise invalid(path, "must be a plain number above zero") from None
    return Decimal(value)


def _pairs(field: CorrectableField, path: str, value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise invalid(path, "must be pairs of name and text")
    found = []
    for pair in value:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise invalid(path, "must be pairs of name and text")
        found.append((_text(field, path, pair[0]), _text(field, path, pair[1])))
    return tuple(found)


_READERS = {"text": _text, "digits": _digits, "weight": _weight, "quantities": _quantities, "pairs": _pairs}
