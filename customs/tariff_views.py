"""One tariff line read out: every row of the law in force for a code, an origin and a day, with its source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Problem, invalid
from customs import edition
from customs.assessments import Line, NetContent, Request, assess
from customs.assessments.request import GENERAL_TRADE
from customs.tariff import Tariff
from customs.tariff.reading import Row
from customs.tariff.schedules import NONE, Entry
from customs.tariff.tariff import STANDING_WORDS
from customs.tariff_search import show

_BASE = ("mfn", "general", "provisional", "quota_rates", "vat", "consumption_tax")
_CLASS_WORDS = {0: "unknown", 1: "mfn", 2: "general"}

Fact = dict[str, Any]


def detail(hs: str, origin: str | None, day: date) -> Fact:
    """Everything in force. Raises Problem `code_unknown`, `code_not_in_force`, `invalid_input` for a wrong origin."""
    law = edition.tariff()
    if origin is not None and origin not in law.countries:
        raise invalid("origin", f"no such country: {origin}")
    shown = show(law, hs, day)
    children = [] if len(hs) == 10 else law.children(hs, day)
    number = law.find_line(children[0] if children else hs, day)
    return {
        **shown,
        "day": day.isoformat(),
        "edition": law.edition,
        "origin": origin,
        "rate_class": _rate_class(law, origin, day),
        "children": children,
        "declaration_elements": law.declaration_elements(hs),
        "in_force": [*_rates(law, number, day), *_preferences(law, number, origin, day),
                     *_additions(law, number, origin, day)],
        "controls_in_force": list(_controls(law, hs, origin, day)),
        "coverage_gap": _gap(law, hs, origin, day),
        **_considered(law, hs, origin, day),
    }  # fmt: skip


def _considered(law: Tariff, hs: str, origin: str | None, day: date) -> Fact:
    """What general trade without a proof of origin applies, and what it leaves out and why: the engine's own words.

    Asked for one statutory unit worth 1,000 yuan; `refused` says why there is no answer (a ban, a day without a rate).
    """
    unit = law.units.word_of(law.statutory_units(hs)[0]) or "piece"
    content = NetContent(Decimal(1000), "g")
    line = Line(hs, origin, Decimal(1), unit, Decimal(1000), insurance=Decimal(0), unit1_quantity=Decimal(1),
                unit2_quantity=Decimal(1), net_content=content)  # fmt: skip
    try:
        found = assess(law, Request(GENERAL_TRADE, day, [line])).lines[0]
    except Problem as problem:
        return {"applied": [], "not_applied": [], "requirements": [],
                "refused": {"code": problem.code, "detail": problem.detail}}  # fmt: skip
    return {"applied": found.applied, "not_applied": found.not_applied, "requirements": found.requirements,
            "standing": found.standing, "refused": None}  # fmt: skip


def _fact(law: Tariff, kind: str, entry: Entry, **more: Any) -> Fact:
    found = {
        "kind": kind,
        "rate": entry.rate.text,
        "source": source(law, entry.source),
        "standing": STANDING_WORDS[entry.standing],
        **more,
    }
    if entry.thresholds:
        found["from_price"] = [amount.text for amount in entry.thresholds]
        found["rate_below"] = entry.below.text if entry.below else None
    return found


def source(law: Tariff, name: str) -> Fact:
    """A source as users read it: id, title, issuer, document."""
    known = law.sources.get(name, {})
    return {"id": name, **{key: str(known[key]) for key in ("title", "issuer", "document", "how") if key in known}}


def _rates(law: Tariff, number: int, day: date) -> Iterator[Fact]:
    for name in _BASE:
        entry = law.entry(name, number, day)
        if entry is not None:
            yield _fact(law, name.removesuffix("s") if name == "quota_rates" else name, entry)


def _rate_class(law: Tariff, origin: str | None, day: date) -> str:
    country = 0 if origin is None else law.origins.number[origin]
    return _CLASS_WORDS[int(law.origins.rate_class[country, law.slots.of(day.toordinal())])]


def _preferences(law: Tariff, number: int, origin: str | None, day: date) -> Iterator[Fact]:
    """Rates of agreements the origin belongs to on that day; they need a certificate of origin."""
    if origin is None:
        return
    country = law.origins.number[origin]
    for agreement in law.origins.agreements.get(country, ()):
        members = law.origins.member_rows[(country, agreement)]
        entry = law.entry(f"agreement:{agreement}", number, day)
        if entry is not None and any(_in_force(row, day) for row in members):
            yield _fact(law, "agreement", entry, agreement=agreement, needs="proof of origin and direct transport")


def _additions(law: Tariff, number: int, origin: str | None, day: date) -> Iterator[Fact]:
    """Duties on top: safeguard, anti-dumping, countervailing, retaliatory."""
    if origin is None:
        return
    exporters = {code: name for name, code in law.origins.exporters.items()}
    kinds = {row["id"]: row for row in law.tables["measures"]}
    slot = law.slots.of(day.toordinal())
    for schedule, measure, exporter in law.origins.added.get(law.origins.number[origin], ()):
        found = law.schedules.entry_of(schedule, number, slot)
        if found != NONE:
            row = kinds[measure]
            yield _fact(
                law,
                row["kind"],
                law.entries[found],
                measure=measure,
                name={"zh": row["name_zh"], "en": row["name_en"]},
                legal_basis=row["law"],
                exporter=exporters.get(exporter) or None,
            )


def _in_force(row: Row, day: date) -> bool:
    return bool(row["first_day"] <= day.toordinal() <= row["last_day"])


def _row_fact(law: Tariff, kind: str, row: Row, **more: Any) -> Fact:
    return {"kind": kind, "source": source(law, row["source"]), "standing": STANDING_WORDS[row["standing"]], **more}


def _controls(law: Tariff, hs: str, origin: str | None, day: date) -> Iterator[Fact]:
    codes, inspection, row = law.controls(hs, day)
    if row is not None:
        yield _row_fact(law, "supervision", row, codes=codes, inspection=inspection)
    licence = law.licence_required(hs, day)
    if licence is not None:
        yield _row_fact(law, "automatic_import_licence", licence)
    listed = law.positive_list(hs[:8], day)
    if listed is not None:
        yield {
            "kind": "retail_positive_list",
            "edition": listed.edition,
            "modes": list(listed.modes),
            "remark": listed.remark,
            "source": source(law, listed.source),
            "standing": listed.standing,
        }
    ban = law.import_ban(hs, origin, day) if origin else None
    if ban is not None:
        yield _row_fact(law, ban["kind"], ban, text=ban["text"])


def _gap(law: Tariff, hs: str, origin: str | None, day: date) -> Fact | None:
    """The known gap of our reading that the question falls into."""
    found = law.gap(hs, origin, day)
    return None if found is None else {"id": str(found["id"]), "note": str(found["note"])}
