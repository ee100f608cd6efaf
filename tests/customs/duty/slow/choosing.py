"""Which rate of duty: Tariff Law art. 10-14, preferences that are proven, and what the goods are a part of."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tests.customs.duty.slow.facts import Facts, Refused
from tests.customs.duty.slow.rates import Rate, rate_of
from tests.customs.duty.slow.rows import Law, Row, in_force


def duty(law: Law, facts: Facts, base: Fraction, preferred: bool = True) -> Fraction:
    """The lowest of the base rate and of each proven preference, worked out on `base`; unrounded."""
    amounts = [rate.amount(facts, base) for rate in _preferences(law, facts)] if preferred else []
    if 0 in amounts:
        return Fraction(0)  # nothing is lower, whatever the base rate
    normal = base_rate(law, facts)
    if normal is not None:
        amounts.append(normal.amount(facts, base))
    if not amounts:
        raise Refused("class")
    return min(amounts)


def class_of(law: Law, facts: Facts) -> str | None:
    """mfn or general; an origin that is not known has the general rate (art. 10)."""
    if facts.origin is None:
        return "general"
    classes = {row["class"] for row in law.running("origin_classes", "country", facts.origin, facts.day)}
    return "mfn" if "mfn" in classes else "general" if "general" in classes else None


def base_rate(law: Law, facts: Facts) -> Rate | None:
    """Art. 14 inside a quota, whatever the origin; else art. 12-13: a provisional rate replaces the most favoured, and
    never the general one. None for an origin in no class (rule A10), which may still have a preference."""
    provisional = _provisional(law, facts)
    quota = law.one("quota_rates", facts.hs, facts.day)
    if quota is not None:
        return _read(provisional or quota, facts)
    kind = class_of(law, facts)
    if kind is None:
        return None
    if kind == "general":
        return general_rate(law, facts)
    return _read(provisional or law.one("mfn", facts.hs, facts.day), facts)


def general_rate(law: Law, facts: Facts) -> Rate:
    return _read(law.one("general", facts.hs, facts.day), facts)


def _read(row: Row | None, facts: Facts) -> Rate:
    if row is None or row["rate"] == "none":
        raise Refused("rate")
    return rate_of(row["rate"], int(facts.day[:4]))


def _provisional(law: Law, facts: Facts) -> Row | None:
    if facts.part:
        part = law.one("provisional", facts.hs, facts.day, part="ex", part_name=facts.part)
        if part is not None:
            return part
    row = law.one("provisional", facts.hs, facts.day, part="")
    return None if row is None or row["rate"] == "none" else row


def _preferences(law: Law, facts: Facts) -> Iterator[Rate]:
    """Agreements the origin is a member of on the day, proven, not suspended, with a rate for the goods."""
    if facts.origin is None or facts.unproven:
        return
    for member in law.running("agreement_members", "country", facts.origin, facts.day):
        agreement = member["agreement"]
        if not (facts.proven or facts.claim == agreement):
            continue
        if not any(in_force(row, facts.day) for row in law.named("agreements", "id", agreement)):
            continue
        if law.one("agreement_suspensions", facts.hs, facts.day, agreement=agreement) is not None:
            continue
        row = law.one("agreement_rates", facts.hs, facts.day, agreement=agreement)
        if row is not None and row["rate"] != "none":
            yield rate_of(row["rate"], int(facts.day[:4]))
