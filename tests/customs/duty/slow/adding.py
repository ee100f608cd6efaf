"""What is levied on top: trade remedies and retaliation (Tariff Law art. 16-19), each measure an amount of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from tests.customs.duty.slow.facts import Facts, Refused
from tests.customs.duty.slow.rates import rate_of
from tests.customs.duty.slow.rows import Law, Row, in_force

ANY_OTHER = "ZZ"  # a country that no measure and no quota names


def additions(law: Law, facts: Facts, base: Fraction, origin: str | None = None) -> list[Fraction]:
    """Unrounded amounts on `base`; `origin` in place of that of the line: the burden of a country. `*` is every origin,
    the unknown one too, but not goods of China that come home."""
    origin = origin or facts.origin
    levied = []
    for measure in law.table("measures"):
        everywhere = measure["origin"] == "*" and origin != "CN"
        if not (everywhere or measure["origin"] == origin) or not in_force(measure, facts.day):
            continue
        row = _rate_row(law, facts, measure["id"])
        if row is not None and _reached(law, facts, measure["id"], origin):
            levied.append(rate_of(row["rate"], int(facts.day[:4])).amount(facts, base))
    return levied


def heaviest(law: Law, facts: Facts, base: Fraction) -> list[Fraction]:
    """The additions of the country, and the exporter, that bear most on these goods that day (art. 19)."""
    named = {row["origin"] for row in law.table("measures")} | {row["country"] for row in law.table("quotas")}
    exporters = {"", *(row["exporter"] for row in law.of_code("measure_rates", facts.hs))}
    burdens = [
        additions(law, replace(facts, exporter=exporter), base, country)
        for country in sorted(named - {"*"} | {ANY_OTHER})
        for exporter in sorted(exporters)
    ]
    return max(burdens, key=lambda burden: (sum(burden), len(burden)), default=[])


def _reached(law: Law, facts: Facts, measure: str, origin: str | None) -> bool:
    """Is the measure levied on this origin: not suspended, not lifted by a number, beyond its quota if it has one?"""
    if law.one("measure_suspensions", facts.hs, facts.day, measure=measure) is not None:
        return False
    if facts.exclusion_no and law.one("exclusions", facts.hs, facts.day, measure=measure, number=facts.exclusion_no):
        return False
    if any(row["country"] == origin for row in law.running("measure_exclusions", "measure", measure, facts.day)):
        return False
    if not law.named("quotas", "measure", measure):
        return True
    quotas = list(law.running("quotas", "measure", measure, facts.day))
    own = [row for row in quotas if row["country"] == origin] or [row for row in quotas if row["country"] == "*"]
    return any(_used_up(law, row["id"], facts.day) for row in own)


def _used_up(law: Law, quota: str, day: str) -> bool:
    """From the official start only; a share that was used, however high, starts nothing (rule A7)."""
    return any(row["event"] == "surcharge_starts" for row in law.running("quota_events", "quota", quota, day))


def _rate_row(law: Law, facts: Facts, measure: str) -> Row | None:
    """The row of the minute. Without one it must be the same at every minute of the day (rule A19)."""
    rows = [
        row for row in law.of_code("measure_rates", facts.hs) if row["measure"] == measure and in_force(row, facts.day)
    ]
    if facts.minute is not None:
        return _at(rows, facts, facts.minute)
    found = [_at(rows, facts, minute) for minute in sorted({0, *_turns(rows, facts.day)})]
    if any(row is not found[0] for row in found):
        raise Refused("instant")
    return found[0]


def _at(rows: list[Row], facts: Facts, minute: int) -> Row | None:
    """The exporter's own row, else that for all; the longest prefix stands first."""
    running = [row for row in rows if _runs_at(row, facts.day, minute)]
    own = [row for row in running if facts.exporter and row["exporter"] == facts.exporter]
    return next(iter(own or [row for row in running if not row["exporter"]]), None)


def _runs_at(row: Row, day: str, minute: int) -> bool:
    if row["first_time"] and row["first_day"] == day and minute < _minute(row["first_time"]):
        return False
    return not (row["last_time"] and row["last_day"] == day and minute >= _minute(row["last_time"]))


def _turns(rows: list[Row], day: str) -> Iterator[int]:
    for row in rows:
        if row["first_time"] and row["first_day"] == day:
            yield _minute(row["first_time"])
        if row["last_time"] and row["last_day"] == day:
            yield _minute(row["last_time"])


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)
