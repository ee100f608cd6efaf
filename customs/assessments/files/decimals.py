"""Decimal texts as integers, a whole column at a time: strict, exact, without a float."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from customs.assessments.files.columns import Bools, Ints

_POINT, _ZERO = ord("."), ord("0")


def parse(words: Sequence[str], whole: int, decimals: int) -> tuple[Ints, Bools]:
    """Each plain decimal ("531.50") as an integer of 10^-decimals, and which words are one: at most `whole` digits
    without leading zeros, then at most `decimals` (together at most 18). Others have the value 0."""
    count = len(words)
    lengths = np.fromiter(map(len, words), np.int64, count)
    # What is not ASCII becomes "?": one byte for one character, and no digit.
    text = np.frombuffer("".join(words).encode("ascii", "replace") + b"?", np.uint8)
    starts = np.cumsum(lengths) - lengths
    fits = (lengths > 0) & (lengths <= whole + 1 + decimals)
    value = np.zeros(count, np.int64)
    places = np.full(count, -1, np.int64)  # digits after the point; -1 before it
    for at in range(int(lengths[fits].max(initial=0))):
        inside = fits & (lengths > at)
        char = text.take(np.where(inside, starts + at, len(text) - 1))
        digit = inside & (char - _ZERO <= 9)
        point = inside & (char == _POINT) & (places < 0)
        fits &= digit | point | ~inside
        value = np.where(digit, value * 10 + (char - _ZERO), value)
        places += point | (digit & (places >= 0))
    fits &= _well_formed(text, starts, lengths, places, whole, decimals)
    return np.where(fits, value * _tens(decimals).take(decimals - np.maximum(places, 0), mode="clip"), 0), fits


def _well_formed(
    text: NDArray[np.uint8], starts: Ints, lengths: Ints, places: Ints, whole: int, decimals: int
) -> Bools:
    before = lengths - np.where(places < 0, 0, places + 1)
    leading_zero = (text.take(starts) == _ZERO) & (before > 1)
    formed: Bools = (before >= 1) & (before <= whole) & (places != 0) & (places <= decimals) & ~leading_zero
    return formed


def _tens(most: int) -> Ints:
    return np.array([10**n for n in range(most + 1)], np.int64)


def rescale(values: Ints, given: int, wanted: int, most: int) -> tuple[Ints, Bools]:
    """Integers of 10^-given as integers of 10^-wanted, and where that is exact and from 0 to `most`."""
    if given <= wanted:
        factor = 10 ** (wanted - given)
        fits = (values >= 0) & (values <= most // factor)
        return np.where(fits, values, 0) * factor, fits
    divisor = 10 ** (given - wanted)
    if divisor > np.iinfo(np.int64).max:
        return np.zeros(len(values), np.int64), values == 0
    scaled = values // divisor
    fits = (values >= 0) & (scaled <= most) & (scaled * divisor == values)
    return np.where(fits, scaled, 0), fits
