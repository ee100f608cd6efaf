"""One tariff line read out: every row of the law in force for a code, an origin and a day, with its source; what is
not applied and why; what has to be asked; and the line over time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Problem, invalid
from customs.assessments import Line, NetContent, Request, assess
from customs.assessments.request import GENERAL_TRADE
from customs.tariff import Tariff, problems
from customs.tariff.reading import FOREVER
from customs.tariff_search import show
from customs.tariff_views.background import cautions, headings, notes
from customs.tariff_views.controls import controls, gap, questions, quotas
from customs.tariff_views.facts import Fact, source
from customs.tariff_views.history import history, line_fact, named, nearest, predecessors, successors
from customs.tariff_views.rates import in_force, rate_class

__all__ = ["detail", "source"]


def detail(law: Tariff, hs: str, origin: str | None, day: date) -> Fact:
    """Everything in force. Raises Problem `code_unknown` and `code_not_in_force`, both naming the nearest codes in
    force, `invalid_input` for an unknown country."""
    if origin is not None and origin not in law.countries:
        raise invalid("origin", f"no such country: {origin}")
    try:
        shown = show(law, hs, day)
    except Problem as problem:
        raise _with_neighbours(law, problem, hs, day) from None
    children = [] if len(hs) == 10 else law.children(hs, day)
    members = children or [hs]
    numbers = [law.find_line(code, day) for code in members]
    rates = _joint({code: in_force(law, number, origin, day) for code, number in zip(members, numbers, strict=True)})
    return {
        **shown,
        "day": day.isoformat(),
        "edition": law.edition,
        "origin": origin,
        "rate_class": rate_class(law, origin, day),
        "line": line_fact(law, numbers[0]),
        "children": children,
        "children_named": [named(law.rows[law.find_line(code, day)]) for code in children],
        "headings": headings(law, hs, day),
        "notes": notes(law, members, day),
        "cautions": cautions(law, hs, origin, day),
        "declaration_elements": law.declaration_elements(hs),
        "in_force": rates,
        "controls_in_force": _joint({code: list(controls(law, code, origin, day)) for code in members}),
        "quotas": quotas(law, members[0], origin, day),
        "questions": questions(law, members[0], day, rates),
        "coverage_gap": gap(law, hs, origin, day),
        **_considered(law, hs, origin, day),
        "history": history(law, numbers[0]),
        "predecessors": predecessors(law, numbers[0]),
        "successors": successors(law, numbers[0]),
    }


def _joint(facts: Mapping[str, list[Fact]]) -> list[Fact]:
    """The facts of several ten-digit codes as one list; what holds for only some names these in `only_for`."""
    told: list[tuple[Fact, list[str]]] = []
    for code, own in facts.items():
        for fact in own:
            same = next((codes for known, codes in told if known == fact), None)
            if same is None:
                told.append((fact, [code]))
            else:
                same.append(code)
    return [fact if len(codes) == len(facts) else {**fact, "only_for": codes} for fact, codes in told]


def _with_neighbours(law: Tariff, problem: Problem, hs: str, day: date) -> Problem:
    """The same refusal with the codes that may have been meant, and the days of a line that is closed."""
    near = nearest(law, hs, day)
    extra: dict[str, Any] = {"nearest": near}
    detail = problem.detail
    if near:
        detail += f"; nearest: {', '.join(row['hs'] for row in near)}"
    if problem.code in (problems.CODE_NOT_IN_FORCE, problems.BEFORE_COVERAGE):
        extra |= _closed(law, hs)
    return Problem(problem.code, detail, errors=problem.errors or {"hs": [problem.detail]}, **extra)


def _closed(law: Tariff, hs: str) -> Fact:
    """When the lines under a code were or will be in force, and what took their place."""
    low, high = law.schedules.range_of(hs)
    if low == high:
        low, high = law.schedules.range_of(hs[:8])
    rows = law.rows[low:high]
    last = max(row["last_day"] for row in rows)
    after = {row["hs"]: row for number in range(low, high) for row in successors(law, number)}
    return {
        "first_day": date.fromordinal(min(row["first_day"] for row in rows)).isoformat(),
        "last_day": date.fromordinal(last).isoformat() if last < FOREVER else None,
        "successors": [after[code] for code in sorted(after)],
    }


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
        told: Fact = {name: [_resolved(law, item) for item in getattr(found, name)]
                      for name in ("applied", "not_applied", "requirements")}  # fmt: skip
        return {**told, "standing": found.standing, "refused": None}
    except Problem as problem:
        refused = {"code": problem.code, "detail": problem.detail}
        return {"applied": [], "not_applied": [], "requirements": [], "standing": None, "refused": refused}


def _resolved(law: Tariff, item: Mapping[str, Any]) -> Fact:
    """An item of the engine with its source told in full."""
    name = item.get("source")
    return {**item, "source": source(law, name) if isinstance(name, str) else name}
