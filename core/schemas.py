"""Strict fields: a value is refused rather than guessed. Each names the rule it enforces.

The stock fields turn 1.9 into 1, take full-width digits and "1_000", and let NUL and lone surrogates through to the
database (fault list C3). These take exactly what docs/api promises: ASCII digits, plain decimals, clean text.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, ValidationError, fields
from marshmallow import Schema as _Schema

from core.clock import instant_text
from core.money import FEN_MAX, fen_text, parse_fen, plain

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,13})(\.[0-9]{1,5})?\Z", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII
)
# Unicode categories Cc and Cs, which have stood still since Unicode 2; one search, since files have millions of texts.
_UNCLEAN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNCLEAN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGITS = re.compile(r"(0|[1-9][0-9]{0,17})\Z", re.ASCII)


class Schema(_Schema):
    """Unknown fields are refused; order is kept."""

    class Meta:
        unknown = RAISE


class _Described:
    """What the specification says of a field beyond its type."""

    metadata: Any

    def describe(self, **facts: Any) -> None:
        self.metadata = {**self.metadata, **facts}


class _Strict(_Described, fields.String):
    """A field whose JSON form is a string and nothing else."""

    rule = "must be a string"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError(self.rule)
        return self.read(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.write(value)

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> str:
        return str(value)


class Text(_Strict):
    """Human text: no control characters, no lone surrogates, bounded length in characters."""

    def __init__(self, most: int, *, least: int = 1, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most, self.least, self.lines = most, least, lines
        self.describe(minLength=least, maxLength=most)

    def read(self, text: str) -> str:
        if not self.least <= len(text) <= self.most or (self.least and not text.strip()):
            raise ValidationError(f"must have {self.least} to {self.most} characters")
        if (_UNCLEAN_LINES if self.lines else _UNCLEAN).search(text):
            raise ValidationError("must not hold control characters or lone surrogates")
        return text


class Pattern(_Strict):
    """Text of one fixed form."""

    def __init__(self, pattern: str, rule: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.form, self.rule = re.compile(rf"(?:{pattern})\Z", re.ASCII), rule
        self.describe(pattern=f"^{pattern}$")

    def read(self, text: str) -> str:
        if not self.form.match(text):
            raise ValidationError(self.rule)
        return text


class Money(_Strict):
    """A decimal string with at most two places; fen inside."""

    rule = 'must be an amount as a string such as "531.50"'

    def __init__(self, *, least: int = 0, most: int = FEN_MAX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most
        self.describe(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,2})?$", example="531.50")

    def read(self, text: str) -> int:
        try:
            fen = parse_fen(text)
        except ValueError:
            raise ValidationError(self.rule) from None
        if not self.least <= fen <= self.most:
            raise ValidationError(f"must be from {fen_text(self.least)} to {fen_text(self.most)}")
        return fen

    def write(self, value: int) -> str:
        return fen_text(value)


class Quantity(_Strict):
    """A decimal string with at most five places, above zero unless told otherwise; Decimal inside."""

    rule = 'must be a plain decimal as a string such as "3" or "0.25", with at most 14 digits and 5 decimal places'

    def __init__(self, *, zero: bool = False, most: Decimal | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zero, self.most = zero, most
        self.describe(pattern=r"^(0|[1-9][0-9]{0,13})(\.[0-9]{1,5})?$", example="3")

    def read(self, text: str) -> Decimal:
        if not _DECIMAL.match(text):
            raise ValidationError(self.rule)
        number = Decimal(text)
        if number == 0 and not self.zero:
            raise ValidationError("must be above zero")
        if self.most is not None and number > self.most:
            raise ValidationError(f"must be at most {plain(self.most)}")
        return number

    def write(self, value: Decimal) -> str:
        return plain(value)


class Day(_Strict):
    """A Beijing day, 2026-11-23."""

    rule = "must be a day such as 2026-11-23"

    def read(self, text: str) -> date:
        if not _DAY.match(text):
            raise ValidationError(self.rule)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ValidationError(self.rule) from None

    def write(self, value: date) -> str:
        return value.isoformat()


class Instant(_Strict):
    """An instant with its zone, RFC 3339; aware UTC inside."""

    rule = "must be an instant such as 2026-11-23T08:00:00Z"

    def read(self, text: str) -> datetime:
        if not _INSTANT.match(text):
            raise ValidationError(self.rule)
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(self.rule) from None

    def write(self, value: datetime) -> str:
        return instant_text(value) or ""


class Id(_Strict):
    """The identifier of a public object."""

    rule = "must be an identifier"

    def read(self, text: str) -> uuid.UUID:
        try:
            found = uuid.UUID(text)
        except ValueError:
            raise ValidationError(self.rule) from None
        if str(found) != text:
            raise ValidationError(self.rule)
        return found


class Choice(_Strict):
    """One of a closed list of words."""

    def __init__(self, *words: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words
        self.describe(enum=[*words, None] if self.allow_none else list(words))

    def read(self, text: str) -> str:
        if text not in self.words:
            raise ValidationError(f"must be one of {', '.join(self.words)}")
        return text


class WholeNumber(_Described, fields.Field):
    """A JSON integer (never a bool, fraction or string); in a query, ASCII digits."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most
        self.describe(type="integer", minimum=least, maximum=most)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        from_query = type(data) is not dict  # webargs hands query strings in a mapping of its own
        if from_query and isinstance(value, str) and _DIGITS.match(value):
            value = int(value)
        if type(value) is not int or not self.least <= value <= self.most:
            raise ValidationError(f"must be a whole number from {self.least} to {self.most}")
        return value


class Flag(_Described, fields.Field):
    """true or false; in a query also 1 or 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.describe(type="boolean")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if type(data) is not dict and value in ("1", "0", "true", "false"):
            return value in ("1", "true")
        if type(value) is not bool:
            raise ValidationError("must be true or false")
        return value


def country(**kwargs: Any) -> Pattern:
    return Pattern("[A-Z]{2}", "must be a country of two capital letters (ISO 3166-1)", **kwargs)


def hs_code(**kwargs: Any) -> Pattern:
    return Pattern("[0-9]{8}|[0-9]{10}", "must be a code of 8 or 10 digits without dots", **kwargs)


def currency(**kwargs: Any) -> Pattern:
    return Pattern("[A-Z]{3}", "must be a currency of three capital letters (ISO 4217)", **kwargs)
