"""The rates in force for a line, an origin and a day: of the base classes, of agreements, of measures on top."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from core.money import plain
from customs.tariff import Tariff
from customs.tariff.rates import Staged
from customs.tariff.reading import FOREVER
from customs.tariff.schedules import NONE
from customs.tariff_views.facts import Fact, fact_of_day, runs

BASE = {
    "mfn": "mfn",
    "provisional": "provisional",
    "general": "general",
    "quota_rates": "quota_rate",
    "vat": "vat",
    "consumption_tax": "consumption_tax",
}  # schedule -> kind
_CLASS_WORDS = {0: "unknown", 1: "mfn", 2: "general"}


def in_force(law: Tariff, number: int, origin: str | None, day: date) -> list[Fact]:
    """Every rate in force, whoever may claim it."""
    return [*_base(law, number, day), *_preferences(law, number, origin, day), *_additions(law, number, origin, day)]


def rate_class(law: Tariff, origin: str | None, day: date) -> str:
    """mfn, general, or unknown when the origin's class is not on file; an unknown origin bears the general rate."""
    country = 0 if origin is None else law.origins.number[origin]
    return _CLASS_WORDS[int(law.origins.rate_class[country, law.slots.of(day.toordinal())])]


def _base(law: Tariff, number: int, day: date) -> Iterator[Fact]:
    for schedule, kind in BASE.items():
        fact = fact_of_day(law, kind, schedule, number, day)
        if fact is None:
            continue
        if schedule == "mfn":
            fact |= _verified(law, number, day)
        if schedule == "vat":
            entry = law.entry("vat", number, day)
            fact["class"] = entry.note if entry else ""
        yield fact


def _verified(law: Tariff, number: int, day: date) -> Fact:
    """The day to which the MFN rate was read, where it is not read further."""
    row = law.by_prefix("mfn").find(law.rows[number]["hs"], day.toordinal())
    known = row is not None and row["verified_to"] < FOREVER
    return {"verified_to": date.fromordinal(row["verified_to"]).isoformat()} if row is not None and known else {}


def _preferences(law: Tariff, number: int, origin: str | None, day: date) -> Iterator[Fact]:
    """Rates of agreements the origin belongs to on that day; they need proof of origin and direct transport."""
    if origin is None:
        return
    country = law.origins.number[origin]
    names = {row["id"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in law.tables["agreements"]}
    for agreement in law.origins.agreements.get(country, ()):
        if not any(runs(row, day) for row in law.origins.member_rows[(country, agreement)]):
            continue
        fact = fact_of_day(law, "agreement", f"agreement:{agreement}", number, day, agreement=agreement,
                           name=names[agreement], needs=["proof_of_origin", "direct_transport"])  # fmt: skip
        if fact is not None:
            yield fact | _staged(law, number, agreement, day)


def _staged(law: Tariff, number: int, agreement: str, day: date) -> Fact:
    """Base, steps and first year of a rate that is cut year by year (rule A23); the fact itself has the day's rate."""
    row = law.by_prefix("agreement_rates").find(
        law.rows[number]["hs"], day.toordinal(), lambda row: bool(row["agreement"] == agreement)
    )
    if row is None or not isinstance(row["rate"], Staged):
        return {}
    staged = row["rate"]
    final = staged.first_year + staged.steps - 1
    return {"staged": {"base": plain(staged.base), "steps": staged.steps, "first_year": staged.first_year,
                       "last_cut": final, "last_rate": staged.in_year(final).text}}  # fmt: skip


def _additions(law: Tariff, number: int, origin: str | None, day: date) -> Iterator[Fact]:
    """Duties on top: safeguard, anti-dumping, countervailing, retaliatory, reciprocal."""
    if origin is None:
        return
    exporters = {code: name for name, code in law.origins.exporters.items()}
    measures = {row["id"]: row for row in law.tables["measures"]}
    slot = law.slots.of(day.toordinal())
    for schedule, measure, exporter in law.origins.added.get(law.origins.number[origin], ()):
        if law.schedules.entry_of(schedule, number, slot) == NONE:
            continue
        row = measures[measure]
        name = {"zh": row["name_zh"], "en": row["name_en"]}
        fact = fact_of_day(law, row["kind"], law.schedule_name(schedule), number, day, measure=measure, name=name,
                           legal_basis=row["law"], exporter=exporters.get(exporter) or None)  # fmt: skip
        if fact is not None:
            yield fact
