"""Customs' own codes for countries, units and offices, from our words for them; the tables belong to the law's files.

Single-window messages use the numbers of countries (JGS-20); ordinary declarations their three letters.
"""

from __future__ import annotations

from core.errors import invalid
from customs import edition


def country_number(alpha2: str) -> str:
    """The three digits of a country. Raises Problem `invalid_input` for one without."""
    row = edition.tariff().countries.get(alpha2)
    if row is None or not row["number"]:
        raise invalid("origin", f"customs has no number for the country {alpha2}")
    return str(row["number"])


def country_name(alpha2: str, language: str = "zh") -> str:
    """The country's name, or the two letters when it is not on file."""
    row = edition.tariff().countries.get(alpha2)
    return str(row[f"name_{language}"]) if row else alpha2


def unit_code(unit: str) -> str:
    """The three digits of a unit given as our word ("kg") or as the code. Raises Problem `invalid_input`."""
    law = edition.tariff()
    if unit in law.units.words:
        return law.units.words[unit]
    if unit in law.code_list("units"):
        return unit
    raise invalid("unit", f"customs has no code for the unit {unit}")


def is_office(code: str) -> bool:
    """Whether the four digits are a customs office."""
    return code in edition.tariff().code_list("districts")
