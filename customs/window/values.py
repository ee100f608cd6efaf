"""Checks and texts of single values: each breach is a sentence, nothing is cut, rounded or guessed."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from stdnum.cn import ric

from core.money import plain
from customs.window.tables import Field

GUID = "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"
# What XML 1.0 cannot carry, and line breaks, which no field of a declaration needs.
CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff"
_GUID = re.compile(rf"{GUID}\Z", re.ASCII)
_DIGITS = re.compile(r"[0-9]+\Z", re.ASCII)
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]\Z", re.ASCII)
_CONTROL = re.compile(f"[{CONTROL}]")
_LENGTHS = {"time14": 14, "day8": 8}


def new_guid() -> str:
    """A fresh identity for a message or document: an upper-case UUID with hyphens, 36 characters."""
    return str(uuid.uuid4()).upper()


def is_guid(text: str) -> bool:
    return _GUID.match(text) is not None


def is_identity(text: str) -> bool:
    """18 characters, an existing birthday and the right check character (GB 11643, ISO 7064 MOD 11-2)."""
    return bool(_IDENTITY.match(text)) and identity_holds(text)


def identity_holds(text: str) -> bool:
    """Of 17 digits and a check character: whether they belong together."""
    return time_exists(text[6:14]) and ric.calc_check_digit(text) == text[17]


def is_return_time(text: str) -> bool:
    """17 digits of Beijing clock time, to the millisecond; the first hours of year 1 have no instant in UTC."""
    return len(text) == 17 and bool(_DIGITS.match(text)) and text[0] != "0" and time_exists(text[:14])


@lru_cache(1000)
def time_exists(digits: str) -> bool:
    """Of 8 digits of a day, or 14 with a clock time: whether the calendar has it."""
    day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    try:
        datetime(*day, int(digits[8:10] or 0), int(digits[10:12] or 0), int(digits[12:] or 0))  # noqa: DTZ001
    except ValueError:
        return False
    return True


def breaches(field: Field, value: object) -> list[str]:
    """Every rule of the field that a present value breaks."""
    if field.type == "decimal":
        return _decimal_breaches(field, value)
    if field.type == "int":
        return _int_breaches(field, value)
    if not isinstance(value, str):
        return [f"must be text, not {type(value).__name__}"]
    return _text_breaches(field, value)


def _decimal_breaches(field: Field, value: object) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
        return [f"must be a decimal number, not {type(value).__name__}"]
    number = Decimal(value)
    if not number.is_finite():
        return ["must be a finite number"]
    if number.is_signed():
        return ["must not be negative"]
    whole, _, fraction = plain(number).partition(".")
    found = []
    if len(fraction) > field.fraction:
        found.append(f"at most {field.fraction} decimal places, here {len(fraction)}")
    if field.max is not None and len(whole) > field.max - field.fraction:
        found.append(f"at most {field.max - field.fraction} digits before the point")
    return found


def _int_breaches(field: Field, value: object) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        return [f"must be a whole number, not {type(value).__name__}"]
    if value < 1:
        return ["must be at least 1"]
    if field.max is not None and len(str(value)) > field.max:
        return [f"at most {field.max} digits"]
    return _value_breaches(field, str(value))


def _text_breaches(field: Field, value: str) -> list[str]:
    found = []
    if not value.strip():
        found.append("must not be blank")
    if _CONTROL.search(value):
        found.append("must not hold control characters or line breaks")
    if field.max is not None and len(value) > field.max:
        found.append(f"at most {field.max} characters, here {len(value)}")
    elif len(value) < field.min:
        found.append(f"at least {field.min} characters, here {len(value)}")
    return found + _value_breaches(field, value) + _format_breaches(field, value)


def _value_breaches(field: Field, value: str) -> list[str]:
    if field.values and value not in field.values:
        return [f"must be {' or '.join(field.values)}, not {value[:20]}"]
    return []


def _is_time(text: str) -> bool:
    return bool(_DIGITS.match(text)) and time_exists(text)


def _format_breaches(field: Field, value: str) -> list[str]:
    match field.format:
        case "guid" if not is_guid(value):
            return ["must be an upper-case UUID with hyphens"]
        case "digits" if not _DIGITS.match(value):
            return ["must be digits only"]
        case "identity" if not is_identity(value):
            return ["must be a resident identity number of 18 characters with the right check character"]
        case "time14" | "day8" if len(value) != _LENGTHS[field.format] or not _is_time(value):
            return [f"must be an existing time of {_LENGTHS[field.format]} digits"]
        case "time17" if not is_return_time(value):
            return ["must be an existing time of 17 digits"]
    return []
