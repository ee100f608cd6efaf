"""Declaration elements (申报要素): what is said of goods of a code, by name, in the order of the code.

Names in the tables carry hints in brackets, 制作或保存方法(冻); a merchant may write them with or without. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

_BRACKET = re.compile(r"[(\[〔【].*", re.DOTALL)

# Imports never have a preference of the exporting country to state: customs' code for that is 3.
EXPORT_PREFERENCE, NOT_FOR_IMPORTS = "出口享惠情况", "3"
GTIN = "GTIN"
OPTIONAL = {EXPORT_PREFERENCE, GTIN, "CAS", "其他"}


def plain_name(name: str) -> str:
    """A name without its hint."""
    return _BRACKET.sub("", unicodedata.normalize("NFKC", name)).strip()


def _given(values: Mapping[str, str]) -> dict[str, str]:
    return {plain_name(name): text for name, text in values.items()}


def missing(names: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Elements of the code that are not given and cannot be filled in."""
    given = _given(values)
    return [name for name in map(plain_name, names) if name not in OPTIONAL and not given.get(name)]


def unknown(names: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """What is given but is no element of the code."""
    known = set(map(plain_name, names))
    return [name for name in _given(values) if name not in known]


def in_order(names: Sequence[str], values: Mapping[str, str], gtin: str | None) -> list[list[str]]:
    """All elements of the code as [name, value], so that each stands where customs reads it; blank where not given."""
    given = {**_given(values), GTIN: gtin if gtin and gtin.isdigit() else ""}  # one bar code, the listing's
    filled = {EXPORT_PREFERENCE: NOT_FOR_IMPORTS}
    return [[name, given.get(name) or filled.get(name, "")] for name in map(plain_name, names)]


def say_the_same(given: Mapping[str, str], kept: Mapping[str, str]) -> bool:
    """Whether elements mean what is kept already: order, hints, blanks and what is filled in make no difference."""
    ours, theirs = (
        {name: text for name, text in _given(values).items() if text and name != GTIN} for values in (given, kept)
    )
    filled = {EXPORT_PREFERENCE} - ours.keys()
    return ours == {name: text for name, text in theirs.items() if name not in filled}
