"""Finding tariff lines by words in Chinese and English or by code; the order depends on words and edition only.

The index of an edition is made when first asked for (some tenths of a second) and then kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any

import numpy as np

from core import paging
from core.errors import invalid
from customs import edition
from customs.tariff import Tariff
from customs.tariff.faults import TariffFault
from customs.tariff.reading import FOREVER
from customs.tariff_search.index import Index
from customs.tariff_search.query import read
from customs.tariff_search.ranking import points
from customs.tariff_search.suggestions import Near, suggest

Key = tuple[int, str]  # points, code

CLOSED_MOST = 5
POINTS_MOST = 2**15 - 1
_EDITIONS_KEPT = 2
_kept: dict[str, tuple[Index, Near]] = {}
_making = Lock()


@dataclass(slots=True)
class Found:
    """Lines as rows of the list, best first, with the cursor of the next page. `closed` are lines that match better and
    are not in force on the day; with no line at all, `suggestions` are other queries that find something."""

    lines: list[dict[str, Any]]
    following: str | None = None
    suggestions: list[str] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)


def search(day: date, query: str, prefix: str, after: Key | None, limit: int) -> Found:
    """Lines in force on a day that match every word of `query` under `prefix`, best first, then by code; those after
    a key."""
    law = edition.tariff()
    index, near = _index_of(law)
    wanted = read(index, query)
    matched, in_force = points(index, wanted), index.in_force(day.toordinal(), prefix)
    reached = np.where(in_force, matched, 0)
    numbers = _ordered(index, reached, after)[: limit + 1]
    shown, following = paging.page(numbers, limit, lambda n: paging.encode(int(reached[n]), index.codes[n]))
    lines = [show(law, index.codes[number], day) for number in shown]
    if after is not None or not wanted.terms:
        return Found(lines, following)
    low, high = index.range_of(prefix)
    better = np.where(matched > reached.max(), matched, 0)[low:high]
    closed = [_closed(law, low + number) for number in _ordered(index, better, None)[:CLOSED_MOST]]
    if lines:
        return Found(lines, following, closed=closed)

    def finds(text: str) -> bool:
        return bool(points(index, read(index, text))[in_force].any())

    return Found(lines, None, suggest(near, index, wanted, finds), closed)


def after(cursor: str | None) -> Key | None:
    """The sort key that a cursor of this list holds. Raises Problem `invalid_input` for a foreign cursor."""
    key = paging.decode(cursor, int, str)
    if key is None:
        return None
    if not (0 <= key[0] <= POINTS_MOST and key[1].isascii() and key[1].isdigit() and len(key[1]) in (8, 10)):
        raise invalid("cursor", "is not a cursor of this list")
    return key[0], key[1]


def _closed(law: Tariff, number: int) -> dict[str, Any]:
    """A line that matches and is not in force: its names and the days it was or will be."""
    row = law.rows[number]
    first, last = (date.fromordinal(row[name]).isoformat() for name in ("first_day", "last_day"))
    return {"hs": row["hs"], "description": {"zh": row["name_zh"], "en": row["name_en"]},
            "first_day": first, "last_day": last if row["last_day"] < FOREVER else None}  # fmt: skip


def _ordered(index: Index, reached: Any, after: Key | None) -> list[int]:
    """The numbers of the lines reached, most points first, then in code order; those after a key."""
    numbers = np.flatnonzero(reached)
    if after is not None:
        most, code = after
        got = reached[numbers]
        numbers = numbers[(got < most) | ((got == most) & (numbers > _place(index, code)))]
    order: list[int] = numbers[np.argsort(-reached[numbers], kind="stable")].tolist()
    return order


def _place(index: Index, code: str) -> int:
    """The number of a code's line, or of the last before its place when this edition does not have it."""
    low, high = index.range_of(code)
    return index.codes.index(code, low, high) if code in index.codes[low:high] else low - 1


def _index_of(law: Tariff) -> tuple[Index, Near]:
    found = _kept.get(law.edition)
    if found is None:
        with _making:
            found = _kept.get(law.edition)
            if found is None:
                index = Index(law, _headings(law))
                found = (index, Near(index))
                while len(_kept) >= _EDITIONS_KEPT:
                    _kept.pop(next(iter(_kept)))
                _kept[law.edition] = found
    return found


def _headings(law: Tariff) -> list[tuple[str, str]]:
    """Codes and English texts of headings and subheadings of the nomenclature, where the edition carries it."""
    try:
        rows = law.reference("nomenclature")
    except TariffFault:  # lines are found without it, only less well
        return []
    return [(row["code"], row["name_en"]) for row in rows if row["level"] in ("heading", "subheading")]


def show(law: Tariff, hs: str, day: date) -> dict[str, Any]:
    """One line as a row of the list."""
    line = law.line(hs, day)
    return {
        "hs": line.hs,
        "description": line.description,
        "units": line.units,
        "mfn": line.mfn,
        "general": line.general,
        "vat": line.vat,
        "consumption_tax": line.consumption_tax,
        "controls": line.controls,
    }
