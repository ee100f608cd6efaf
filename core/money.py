"""Money as integer fen: one half-up rounding, one largest-remainder share, strict text at the edge.

Rounding is half-up on the magnitude (rules A1, A16); sharing follows rule A3. The arithmetic works alike on a Python
int and on a NumPy int64 array, so the quote of three lines and the re-assessment of millions round in one place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

FEN_MAX = 10**15 - 1  # ten million million yuan less a fen: far above any declaration, far below int64
_MONEY = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,2}))?\Z", re.ASCII)


def half_up(numerator: Any, denominator: Any) -> Any:
    """`numerator / denominator` rounded half-up on the magnitude; ints or int64 arrays, denominator positive.

    Arrays hold while `2 * |numerator| + denominator < 2**63`; callers state and check their bounds.
    """
    return half_up_magnitude(abs(numerator), denominator) * ((numerator >= 0) * 2 - 1)


def half_up_magnitude(numerator: Any, denominator: Any) -> Any:
    """`half_up` of what is known not to be negative: half the passes over a column."""
    doubled = numerator + numerator
    doubled += denominator
    doubled //= 2 * denominator
    return doubled


def round_to_fen(yuan: Decimal) -> int:
    """An exact decimal amount in yuan as fen, rounded half-up once."""
    numerator, denominator = (yuan * 100).as_integer_ratio()
    return int(half_up(numerator, denominator))


def share(total: int, keys: Sequence[int]) -> list[int]:
    """Split `total` in proportion to non-negative `keys` by largest remainder, ties to the earlier line (rule A3).

    The parts always sum to `total`. A zero key gets nothing. Raises ValueError when there is no positive key.
    """
    weight = sum(keys)
    if weight <= 0 or min(keys) < 0:
        raise ValueError("sharing needs non-negative keys with a positive sum")
    sign, magnitude = (1, total) if total >= 0 else (-1, -total)
    parts = [magnitude * key // weight for key in keys]
    by_remainder = sorted(range(len(keys)), key=lambda i: (-(magnitude * keys[i] % weight), i))
    for i in by_remainder[: magnitude - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def parse_fen(text: str) -> int:
    """Fen of a plain decimal string such as "531.50"; at most two places, no sign, exponent or group marks.

    Raises ValueError otherwise.
    """
    match = _MONEY.match(text)
    if match is None:
        raise ValueError("not an amount: digits with at most two decimal places, such as 531.50")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def fen_text(fen: int) -> str:
    """Fen as a decimal string with two places: 53150 -> "531.50"."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def plain(number: Decimal) -> str:
    """A decimal without exponent or trailing zeros: Decimal("12.00") -> "12"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_or_none(number: Decimal | None) -> str | None:
    """The same of a number that need not be there."""
    return None if number is None else plain(number)
