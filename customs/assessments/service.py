"""Assess a request: columns in, engine, rows out. One law for one line and for a million."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from core.errors import Problem, invalid
from core.money import fen_text
from customs.assessments.answers import AssessedLine, Assessment, Facts
from customs.assessments.caps import WEIGHT_CAP
from customs.assessments.costs import with_costs
from customs.assessments.crossing import crossed, joined
from customs.assessments.facts import general_facts, retail_facts
from customs.assessments.outcomes import Computed, Outcome, outcomes
from customs.assessments.post import assess_post
from customs.assessments.prepare import Row, in_field, of_line, rows_of
from customs.assessments.request import GENERAL_TRADE, PERSONAL_POST, RETAIL, ROUTES, SERVICES, Request
from customs.assessments.retail import NO_INSURANCE, in_full, retail_blocks
from customs.assessments.services import assess_services
from customs.duty import columns as c
from customs.duty.columns import Lines, Selection, Taxes
from customs.duty.regimes import general_trade, retail, retail_in_full
from customs.tariff import Tariff, problems
from customs.tariff.origins import MFN as MFN_CLASS
from customs.tariff.rates import Rate

LINES_MAX = 1000  # more go through the file endpoint
_FIELDS = {problems.NOT_ON_POSITIVE_LIST: "hs", problems.ORIGIN_BANNED: "origin", problems.MODE_NOT_ALLOWED: "mode",
           WEIGHT_CAP: "quantity", problems.QUANTITY_NEEDED: "quantity"}  # fmt: skip


def assess(tariff: Tariff, request: Request) -> Assessment:
    """What the lines bear. Raises Problem with a code of `customs.tariff.problems`; `errors` is keyed
    "lines.<i>.<field>" and the extra `line` names the line."""
    if not 1 <= len(request.services or request.lines) <= LINES_MAX:
        raise invalid("lines", f"between 1 and {LINES_MAX} lines")
    if request.route not in ROUTES:
        raise invalid("route", f"one of {', '.join(ROUTES)}")
    if request.route == SERVICES:
        return assess_services(tariff, request)
    if request.route == PERSONAL_POST:
        return assess_post(tariff, request)
    if request.assume_quota or request.assume_rates:
        rates = [(_schedule(tariff, rate.kind), rate.hs, rate.parsed()) for rate in request.assume_rates]
        tariff = _assuming(tariff, request, rates)
    if request.costs is not None:
        request = with_costs(tariff, request)
    if request.route == RETAIL:
        return Assessment(request.day, tariff.edition, request.route, _retail(tariff, request))
    lines = _general(tariff, request)
    return Assessment(request.day, tariff.edition, request.route, lines, tariff.waivers(request.day))


def _assuming(tariff: Tariff, request: Request, rates: Sequence[tuple[str, str, Rate]]) -> Tariff:
    try:
        return tariff.assuming(request.assume_quota, rates)
    except Problem as problem:
        raise in_field(problem, "assume.quota") from None


def _schedule(tariff: Tariff, kind: str) -> str:
    if kind in ("mfn", "general", "provisional", "vat", "consumption_tax"):
        return kind
    name = f"agreement:{kind}"
    if name not in tariff.schedules.names:
        raise Problem(problems.AGREEMENT_UNKNOWN, f"{kind}: no such kind of rate or agreement",
                      errors={"assume.rates": [f"{kind}: no such kind of rate or agreement"]})  # fmt: skip
    return name


def _general(tariff: Tariff, request: Request) -> list[AssessedLine]:
    rows = rows_of(tariff, request)
    for row in rows:
        _refuse_ban(tariff, row, request.day)
    if request.quota_remaining:
        rows = crossed(tariff, request, rows)
    computed = Computed(tariff, request, rows, general_trade, GENERAL_TRADE)
    return _answers(computed, outcomes(computed), general_facts)


def _retail(tariff: Tariff, request: Request) -> list[AssessedLine]:
    """Lines inside the limits and single items above them run as two batches of the same engine."""
    try:
        limits = tariff.retail_limits(request.day)
    except Problem as problem:
        raise in_field(problem, "day") from None
    rows = rows_of(tariff, request, NO_INSURANCE)
    left = limits.annual_fen - request.annual_used_fen
    blocks = retail_blocks(tariff, request.day, request.mode, request.lines, left, request.exchange_rates)
    hard = [block for block in blocks if not block["production_only"]]
    if hard:
        raise _blocked(hard)
    values = {row.i: row.valued.fen for row in rows}
    full = in_full(limits, request.lines, [values[i] for i in range(len(request.lines))])
    answers: dict[int, AssessedLine] = {}
    inside = [row for row in rows if not full[row.i]]
    if inside:

        def law(tariff: Tariff, lines: Lines, selection: Selection) -> Taxes:
            return retail(tariff, lines, selection, limits.share)

        computed = Computed(tariff, request, inside, law, RETAIL, duty=False)
        made = _answers(computed, outcomes(computed, limits.share), retail_facts)
        answers.update(zip(dict.fromkeys(row.i for row in inside), made, strict=True))
    above = [row for row in rows if full[row.i]]
    if above:
        computed = Computed(tariff, request, above, retail_in_full, None, in_full=True)
        made = _answers(computed, outcomes(computed), general_facts)
        answers.update(zip(dict.fromkeys(row.i for row in above), made, strict=True))
    return [answers[i] for i in range(len(request.lines))]


def _blocked(blocks: list[dict[str, Any]]) -> Problem:
    """The first obstacle as the refusal, all of them in its body."""
    first = blocks[0]
    errors: dict[str, list[str]] = {}
    for block in blocks:
        field = _FIELDS.get(block["code"], "value")
        where = field if field == "mode" else f"lines.{block['line']}.{field}"
        errors.setdefault(where, []).append(f"{block['detail']}; {block['hint']}")
    shown = [{key: block[key] for key in ("code", "line", "detail", "hint")} for block in blocks]
    return Problem(first["code"], first["detail"], errors=errors, line=first["line"], hint=first["hint"], blocked=shown)


def _refuse_ban(tariff: Tariff, row: Row, day: date) -> None:
    ban = tariff.import_ban(row.hs, row.line.origin, day)
    if ban is not None and ban["kind"] == "ban":
        problem = Problem(problems.ORIGIN_BANNED, f"{row.hs} of {row.line.origin}: {ban['text']} (bans.csv)")
        raise of_line(in_field(problem, "origin"), row.i)


def _answers(computed: Computed, found: Sequence[Outcome], facts: Any) -> list[AssessedLine]:
    """One answer per line, of its one row, of the ten-digit rows of its eight digits, or of its portions."""
    request, rows = computed.request, computed.rows
    groups: dict[int, dict[bool, list[int]]] = {}
    for at, row in enumerate(rows):
        groups.setdefault(row.i, {}).setdefault(row.beyond, []).append(at)
    made = []
    for i, portions in groups.items():
        for members in portions.values():
            _check(computed, members, found)
        firsts = [found[members[0]] for members in portions.values()]
        amounts = [sum(parts) for parts in zip(*(outcome.amounts for outcome in firsts), strict=True)]
        line = request.lines[i]
        made.append(AssessedLine(line.hs, line.origin, amounts, (firsts[0].duty_rate, firsts[0].vat_rate),
                                 _reader(facts, computed, list(portions.values()))))  # fmt: skip
    return made


def _check(computed: Computed, members: list[int], found: Sequence[Outcome]) -> None:
    _same_answer(computed.tariff, computed.rows, members, found)
    fault = found[members[0]].fault
    if fault != c.OK:
        raise _fault(computed.tariff, computed.rows[members[0]], fault, computed.request.day)


def _reader(facts: Any, computed: Computed, portions: list[list[int]]) -> Any:
    def read() -> Facts:
        made: list[Facts] = [facts(computed.tariff, computed.request, computed.rows, members, *computed.all)
                             for members in portions]  # fmt: skip
        first = computed.rows[portions[0][0]]
        if len(made) == 1 or first.whole is None:
            return made[0]
        return joined(first.whole, [computed.rows[members[0]] for members in portions], made)

    return read


def _same_answer(tariff: Tariff, rows: Sequence[Row], members: list[int], found: Sequence[Outcome]) -> None:
    """Rule A11: an eight-digit code is answered when all its ten-digit codes give the same answer."""
    if len({found[m] for m in members}) == 1:
        return
    row = rows[members[0]]
    children = [
        {"hs": rows[m].hs, "duty_rate": found[m].duty_rate if found[m].fault == c.OK else None,
         "tax": fen_text(sum(found[m].amounts[1:])) if found[m].fault == c.OK else None,
         "name": tariff.names(rows[m].hs)[0]}
        for m in members
    ]  # fmt: skip
    detail = f"{row.line.hs}: its ten-digit codes differ; name one of {', '.join(str(ch['hs']) for ch in children)}"
    raise of_line(in_field(Problem(problems.CODE_AMBIGUOUS, detail, children=children), "hs"), row.i)


def _fault(tariff: Tariff, row: Row, fault: int, day: date) -> Problem:
    hs = row.hs
    if fault == c.NO_RATE:
        return of_line(in_field(_no_rate(tariff, row, day), "hs"), row.i)
    if fault == c.NO_QUANTITY:
        return of_line(_no_quantity(tariff, row), row.i)
    code, field, detail = {
        c.NO_CLASS: (problems.ORIGIN_UNKNOWN_CLASS, "origin",
                     f"{row.line.origin}: neither in an MFN group nor at the general rate (origin_classes.csv)"),
        c.NO_VAT: (problems.RATE_MISSING, "hs", f"{hs}: no VAT rate is on file for that day (vat_classes.csv)"),
        c.NO_INSTANT: (problems.INSTANT_NEEDED, "at", "the law changes within that day: give `at`"),
        c.NO_CONTENT: (problems.QUANTITY_NEEDED, "net_content",
                       f"{hs}: a price threshold needs the net content or the statutory quantity"),
        c.NO_EXCHANGE: (problems.EXCHANGE_RATE_MISSING, "currency",
                        f"{hs}: its rate turns on a price in foreign currency, whose rate of {day:%Y-%m} is missing"),
    }[fault]  # fmt: skip
    return of_line(in_field(Problem(code, detail), field), row.i)


def _no_quantity(tariff: Tariff, row: Row) -> Problem:
    """A rate per unit whose quantity cannot be told: the unit given measures something else, or only counts."""
    line, statutory = row.line, [tariff.units.word_of(code) for code in tariff.statutory_units(row.hs) if code]
    wanted = " and ".join(word for word in statutory if word)
    if tariff.units.measures(line.unit):
        detail = f"{row.hs}: {line.unit} is not a unit of this code, which is measured in {wanted}"
        return in_field(Problem(problems.UNIT_MISMATCH, detail), "unit")
    detail = f"{row.hs}: a rate per unit needs the quantity in its unit; this code is measured in {wanted}"
    return in_field(Problem(problems.QUANTITY_NEEDED, detail), "quantity")


def _no_rate(tariff: Tariff, row: Row, day: date) -> Problem:
    """Nothing in force is an error that names code, day and file; never zero."""
    country = tariff.origins.number[row.line.origin] if row.line.origin else 0
    most_favoured = tariff.origins.rate_class[country, tariff.slots.of(day.toordinal())] == MFN_CLASS
    table = "mfn" if most_favoured else "general"
    readings = [r["first_day"] for r in tariff.by_prefix(table).every(row.hs)]
    if readings and min(readings) > day.toordinal():
        first = date.fromordinal(min(readings))
        detail = f"{row.hs}: the first reading is of {first}, after {day} ({table}.csv)"
        return Problem(problems.BEFORE_COVERAGE, detail)
    return Problem(problems.RATE_MISSING, f"{row.hs}: a rate it needs is not on file on {day} ({table}.csv)")
