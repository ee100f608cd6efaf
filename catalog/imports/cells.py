"""What single cells hold: formulas made harmless and read back, objects of texts in one cell, flags."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from catalog.imports.rules import NO, YES
from core import strict_json
from core.errors import Problem

# A spreadsheet takes such text for a formula. Apostrophes before it count, so that what is written is what is read.
_FORMULA = re.compile(r"'*[=+\-@\t\r|%]")
_QUOTED = re.compile(r"''*[=+\-@\t\r|%]")
_RESERVED = re.compile(r"[=;\n]|^\s*\{|^\s|\s$")
FLAGS = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}


def harmless(text: str) -> str:
    """Text that would be a formula gets an apostrophe in front."""
    return f"'{text}" if _FORMULA.match(text) else text


def unquoted(text: str) -> str:
    """The text again: one apostrophe before a formula is the form's, not the merchant's."""
    return text[1:] if _QUOTED.match(text) else text


def read_flag(text: str) -> bool:
    """A word for yes or no. Raises ValidationError."""
    found = FLAGS.get(text.casefold())
    if found is None:
        raise ValidationError(f"must be one of {', '.join(FLAGS)}")
    return found


def read_texts(text: str) -> dict[str, Any]:
    """`name=value; name=value`, or a JSON object. Raises ValidationError."""
    if text.startswith("{"):
        return _object(text)
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, re.split("[;；\n]", text))):
        name, equals, value = map(str.strip, part.replace("＝", "=").partition("="))
        if not equals or not name:
            raise ValidationError("must be name=value; name=value, or a JSON object")
        if name in found:
            raise ValidationError(f"{name} stands twice")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def _object(text: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(text.encode())
    except (Problem, UnicodeEncodeError):
        raise ValidationError("must be a JSON object of texts") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValidationError("must be a JSON object of texts")
    return found


def write_texts(values: Mapping[str, str]) -> str:
    """An object of texts in one cell; as JSON where the short form would be read in another way."""
    parts = [*values, *values.values()]
    if any(_RESERVED.search(part) or "；" in part or "＝" in part or not part for part in parts):
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return "; ".join(f"{name}={value}" for name, value in values.items())
