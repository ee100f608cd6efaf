"""What a call may be given: one table of readers per endpoint, refusals worded and coded as Stripe does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandboxes.stripe.errors import invalid

Reader = Callable[[Any, str], Any]
Spec = Mapping[str, Reader]

AMOUNT_MAX = 99_999_999  # Stripe takes amounts of up to eight digits
METADATA_KEYS_MAX = 50
_INTEGER = re.compile(r"-?[0-9]{1,18}\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}\Z", re.ASCII)


def read(tree: Mapping[str, Any], spec: Spec, required: tuple[str, ...] = (), prefix: str = "") -> dict[str, Any]:
    """The parameters of `tree` as `spec` reads them; unknown and missing names are refused."""
    for name in tree:
        if name not in spec:
            shown = _name(prefix, name)
            raise invalid(f"Received unknown parameter: {shown}", shown, "parameter_unknown")
    for name in required:
        if tree.get(name) in (None, ""):
            shown = _name(prefix, name)
            raise invalid(f"Missing required param: {shown}.", shown, "parameter_missing")
    return {name: spec[name](value, _name(prefix, name)) for name, value in tree.items()}


def _name(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def text(longest: int = 500) -> Reader:
    def reader(value: Any, name: str) -> str | None:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {name}", name)
        if len(value) > longest:
            raise invalid(
                f"Invalid string: {name} must be at most {longest} characters", name, "parameter_invalid_string"
            )
        return value or None

    return reader


def integer(least: int, most: int) -> Reader:
    def reader(value: Any, name: str) -> int:
        if not isinstance(value, str) or not _INTEGER.match(value):
            raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        number = int(value)
        if number < least:
            raise invalid(f"This value must be greater than or equal to {least}.", name, "parameter_invalid_integer")
        if number > most:
            raise invalid(f"This value must be less than or equal to {most}.", name, "parameter_invalid_integer")
        return number

    return reader


def amount(value: Any, name: str) -> int:
    """An amount in the currency's smallest unit: a whole number from 1 to 99,999,999."""
    number = integer(1, 10**18)(value, name)
    if number > AMOUNT_MAX:
        raise invalid(f"Amount must be no more than {AMOUNT_MAX}", name, "amount_too_large")
    return int(number)


def currency(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _CURRENCY.match(value):
        raise invalid(f"Invalid currency: {value}", name)
    return value.lower()


def choice(*allowed: str) -> Reader:
    def reader(value: Any, name: str) -> str:
        if value not in allowed:
            raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", name)
        return str(value)

    return reader


def flag(value: Any, name: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def group(spec: Spec, required: tuple[str, ...] = ()) -> Reader:
    def reader(value: Any, name: str) -> dict[str, Any]:
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise invalid(f"Invalid hash: {name}", name, "parameter_invalid_empty")
        return read(value, spec, required, name)

    return reader


def several(item: Reader, most: int = 100) -> Reader:
    def reader(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(f"Invalid array: {name}", name)
        if len(value) > most:
            raise invalid(f"Array {name} has more than {most} entries", name)
        return [item(entry, f"{name}[{i}]") for i, entry in enumerate(value)]

    return reader


def metadata(value: Any, name: str) -> dict[str, str]:
    """Changes to metadata: an empty value removes its key; keys have 40 characters, values 500."""
    if value == "":
        return {}
    if isinstance(value, list):
        value = {str(i): entry for i, entry in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise invalid("Metadata must be a set of key-value pairs of text", name)
    for key, entry in value.items():
        if len(key) > 40 or len(entry) > 500:
            raise invalid("Metadata keys have at most 40 characters, values at most 500", f"{name}[{key[:40]}]")
    return value


def merge_metadata(known: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    merged = {key: value for key, value in {**known, **changes}.items() if value != ""}
    if len(merged) > METADATA_KEYS_MAX:
        raise invalid(f"Metadata has at most {METADATA_KEYS_MAX} keys", "metadata")
    return merged


def accepted(value: Any, name: str) -> Any:
    """A documented parameter that changes nothing here: taken and given back unread."""
    return value


COMMON: Spec = {"expand": several(text(200), 20)}
_INSTANT = integer(0, 10**12)
_INSTANTS = group({bound: _INSTANT for bound in ("gt", "gte", "lt", "lte")})


def created(value: Any, name: str) -> dict[str, int]:
    """Bounds on the creation instant; a plain instant is both bounds."""
    if isinstance(value, dict):
        return dict(_INSTANTS(value, name))
    return {"gte": _INSTANT(value, name), "lte": _INSTANT(value, name)}


LISTING: Spec = {
    "limit": integer(1, 100),
    "starting_after": text(100),
    "ending_before": text(100),
    "created": created,
}
ADDRESS = group({part: text(500) for part in ("city", "country", "line1", "line2", "postal_code", "state")})
