"""Goods codes for what a merchant types, best first; a person chooses, and answers for the choice.

The order is that of the tariff search, with codes that goods of the category usually have before others and, for
cross-border retail, those that the list is open for before those it is not. Words that find nothing are tried as the
search itself suggests them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from catalog import categories
from catalog.models import RETAIL, RETAIL_MODES
from core import clock
from customs import edition, tariff_search
from customs.tariff import Tariff

_LOOKED_AT = 60


def suggest(q: str, limit: int, category: str | None = None, route: str | None = None) -> dict[str, Any]:
    """`{items, suggestions}`: codes in force today with units, elements, the retail list and the duty at a glance.

    Raises Problem `category_unknown`.
    """
    day, law = clock.today(), edition.tariff()
    usual = categories.usual_codes(category) if category else ()
    found = tariff_search.search(day, q, "", None, _LOOKED_AT)
    lines = list(found.lines)
    for prefix in usual:  # what stands far down in the whole tariff may be near in the category
        lines += tariff_search.search(day, q, prefix, None, limit).lines
    unique = list({line["hs"]: line for line in lines}.values())
    told = [_told(law, line, day, usual) for line in unique]
    told.sort(key=lambda line: (not line["usual"], route == RETAIL and not line["retail"]["open"]))
    return {"items": told[:limit], "suggestions": found.suggestions, "day": day.isoformat(), "edition": law.edition}


def _told(law: Tariff, line: dict[str, Any], day: date, usual: tuple[str, ...]) -> dict[str, Any]:
    hs = line["hs"]
    rates = {name: line[name] for name in ("mfn", "vat", "consumption_tax")}
    return {
        "hs": hs,
        "description": line["description"],
        "units": line["units"],
        "usual": bool(usual) and hs.startswith(usual),
        "declaration_elements": law.declaration_elements(hs),
        "retail": retail_list(law, hs, day),
        "duty": rates,
        "controls": line["controls"],
        "licence": law.licence_required(hs, day) is not None,
    }


def retail_list(law: Tariff, hs: str, day: date) -> dict[str, Any]:
    """Whether the retail import list is open for a code on a day, in which modes, and what its remark and cap say."""
    entry = law.positive_list(hs[:8], day)
    if entry is None:
        return {"open": False, "modes": [], "remark": "", "cap_kg": None, "standing": None}
    cap = None if entry.cap_kg is None else str(entry.cap_kg)
    modes = list(entry.modes or RETAIL_MODES)
    return {"open": True, "modes": modes, "remark": entry.remark, "cap_kg": cap, "standing": entry.standing}


def of_code(hs: str) -> dict[str, Any] | None:
    """The same of one code; None when it is not in force today."""
    day, law = clock.today(), edition.tariff()
    if hs not in law.in_force(day, hs):
        return None
    return _told(law, tariff_search.show(law, hs, day), day, ())
