"""What stands around a line: its place in the nomenclature, the notes of its names, what is unsafe in its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from customs.tariff import Tariff
from customs.tariff.faults import TariffFault
from customs.tariff.reading import Row
from customs.tariff.tariff import STANDING_WORDS
from customs.tariff_views.facts import Fact, runs, source

_WIDTHS = (2, 4, 5, 6)  # chapter, heading, subheading of one dash, subheading


def headings(law: Tariff, hs: str, day: date) -> list[Fact]:
    """Chapter, heading and subheadings above a code on a day, widest first; none where the edition has none."""
    known = _by_code(law, "nomenclature", "code")
    rows = (row for width in _WIDTHS for row in known.get(hs[:width], ()) if runs(row, day))
    return [{"level": row["level"], "code": row["code"], "description": {"zh": "", "en": row["name_en"]},
             "source": source(law, row["source"]), "standing": STANDING_WORDS[row["standing"]]}
            for row in rows if row["level"] != "section"]  # fmt: skip


def notes(law: Tariff, codes: Sequence[str], day: date) -> list[Fact]:
    """What the code list adds to the names of some lines, in Chinese."""
    known = _by_code(law, "line_notes", "hs")
    return [{"hs": code, "text": {"zh": row["note_zh"], "en": ""}, "source": source(law, row["source"]),
             "standing": STANDING_WORDS[row["standing"]]}
            for code in codes for row in known.get(code, ()) if runs(row, day)]  # fmt: skip


def cautions(law: Tariff, hs: str, origin: str | None, day: date) -> list[Fact]:
    """What is known to be unsafe in the data behind the answer."""
    return [{"kind": row["kind"], "agreement": row["agreement"] or None,
             "text": {"zh": row["note_zh"], "en": row["note_en"]}, "source": source(law, row["source"])}
            for row in law.cautions(hs, origin, day)]  # fmt: skip


@lru_cache(maxsize=4)
def _by_code(law: Tariff, table: str, column: str) -> dict[str, list[Row]]:
    """A reference table by code; empty where it cannot be read, since no answer rests on it."""
    found: dict[str, list[Row]] = {}
    for row in _reference(law, table):
        found.setdefault(row[column], []).append(row)
    return found


def _reference(law: Tariff, table: str) -> Iterator[Row]:
    try:
        yield from law.reference(table)
    except TariffFault:
        return
