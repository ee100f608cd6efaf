"""Customs' own codes for countries, units and offices, from our words for them.

The tables are the numeric sets that single-window messages use (JGS-20 as read from a 2019 copy; rows marked `assumed`
were not in that copy). Ordinary declarations use the three letters of a country instead.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from core.errors import invalid


@cache
def _table(name: str, key: str) -> dict[str, dict[str, str]]:
    text = files(__package__).joinpath(f"{name}.csv").read_text("utf-8")
    return {row[key]: row for row in csv.DictReader(text.splitlines()) if row[key]}


def country_number(alpha2: str) -> str:
    """The three digits of a country. Raises Problem `invalid_input` for one that is not in the table."""
    row = _table("countries", "alpha2").get(alpha2)
    if row is None:
        raise invalid("origin", f"customs has no number for the country {alpha2}")
    return row["number"]


def is_country(alpha2: str) -> bool:
    return alpha2 in _table("countries", "alpha2")


def country_name(alpha2: str, language: str = "zh") -> str:
    """The country's name, or the two letters when it is not in the table."""
    row = _table("countries", "alpha2").get(alpha2)
    return row[language] if row else alpha2


def unit_code(unit: str) -> str:
    """The three digits of a unit given as our word ("kg"), in Chinese or as the code itself.

    Raises Problem `invalid_input` for anything else.
    """
    for key in ("code", "word", "zh"):
        row = _table("units", key).get(unit)
        if row is not None:
            return row["code"]
    raise invalid("unit", f"customs has no code for the unit {unit}")


def unit_word(code: str) -> str:
    """Our word for a unit of customs, or its Chinese name where we have none."""
    row = _table("units", "code").get(code)
    return (row["word"] or row["zh"]) if row else code


def is_office(code: str) -> bool:
    """Whether the four digits are a customs office."""
    return code in _table("offices", "code")


def office_name(code: str) -> str:
    row = _table("offices", "code").get(code)
    return row["zh"] if row else code
