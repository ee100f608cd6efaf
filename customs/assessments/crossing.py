"""A consignment that crosses the quota of a safeguard: refused, split, or surcharged as a whole, as the asker chooses.

How much is left is the asker's word (`assume.quota_remaining`, in kg); customs' own count decides in the end (rule A7),
so the answer is assumed. Lines draw on what is left in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.errors import Problem
from core.money import fen_text, plain, share
from customs.assessments.answers import Facts
from customs.assessments.prepare import Row, in_field, of_line
from customs.assessments.request import Request
from customs.duty.bounds import QUANTITY_PARTS
from customs.duty.requirements import quota_state, weakest
from customs.duty.steps import step
from customs.duty.valuation import Quantities, Valued
from customs.duty.value_step import valuation_step
from customs.duty.wording import told
from customs.tariff import Tariff, problems

REFUSE, SPLIT, SURCHARGE = CROSSING_RULES = ("refuse", "split", "surcharge")
_WORDS, _LAW = told(["value_split"]), told(["law_quota_split"])


def crossed(tariff: Tariff, request: Request, rows: Sequence[Row]) -> list[Row]:
    """The same rows, those beyond what is left of a quota marked, and the one that crosses it treated by
    `request.crossing`. Raises Problem quota_unknown, quota_crossed or quantity_needed."""
    left = {quota: int(kg * QUANTITY_PARTS) for quota, kg in request.quota_remaining.items()}
    for quota in left:
        if not any(row["id"] == quota for row in tariff.tables["quotas"]):
            problem = Problem(problems.QUOTA_UNKNOWN, f"{quota}: no such quota (quotas.csv)")
            raise in_field(problem, "assume.quota_remaining")
    inside: dict[int, int] = {}  # line -> parts of a kg inside the quota
    made: list[Row] = []
    for row in rows:
        quota = _quota(tariff, request, row)
        if quota not in left:
            made.append(row)
            continue
        parts = _kilograms(tariff, row)
        if row.i not in inside:
            inside[row.i] = min(parts, left[quota])
            left[quota] -= inside[row.i]
        made.extend(_portions(row, inside[row.i], parts, request.crossing, quota))
    return made


def _quota(tariff: Tariff, request: Request, row: Row) -> str:
    """The quota a row draws on; blank when it draws on none, or on one that is used up already."""
    state = quota_state(tariff, row.hs, row.line.origin, request.day)
    return "" if state is None or state.levied else str(state.quota["id"])


def _kilograms(tariff: Tariff, row: Row) -> int:
    parts = row.quantities.of(tariff.units, "kg")
    if parts < 0:
        problem = Problem(problems.QUANTITY_NEEDED, f"{row.hs}: a quota by weight needs the quantity in kg")
        raise of_line(in_field(problem, "quantity"), row.i)
    return parts


def _portions(row: Row, inside: int, parts: int, rule: str, quota: str) -> list[Row]:
    if inside == parts:
        return [row]
    if inside == 0 or rule == SURCHARGE:
        return [replace(row, beyond=True)]
    if rule == REFUSE:
        detail = (f"{quota}: {_kg(inside)} kg are left and the line holds {_kg(parts)} kg; split the consignment, or"
                  f" choose split or surcharge in assume.crossing")  # fmt: skip
        raise of_line(in_field(Problem(problems.QUOTA_CROSSED, detail), "quantity"), row.i)
    values = share(row.valued.fen, [inside, parts - inside])
    return [_portion(row, fen, kg, parts, beyond) for fen, kg, beyond in
            zip(values, (inside, parts - inside), (False, True), strict=True)]  # fmt: skip


def _portion(row: Row, fen: int, kg: int, parts: int, beyond: bool) -> Row:
    valued = replace(row.valued, fen=fen, exact=Decimal(fen) / 100)
    return replace(row, valued=valued, quantities=_scaled(row.quantities, kg, parts), beyond=beyond, whole=row.valued)


def _scaled(quantities: Quantities, kg: int, parts: int) -> Quantities:
    """The quantities of a portion, to five decimals as they are declared."""

    def part(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else Decimal(int(amount * QUANTITY_PARTS) * kg // parts) / QUANTITY_PARTS

    first, second = part(quantities.unit1_quantity), part(quantities.unit2_quantity)
    sold = part(quantities.quantity) or Decimal(0)
    return replace(quantities, quantity=sold, unit1_quantity=first, unit2_quantity=second)


def joined(whole: Valued, portions: Sequence[Row], facts: Sequence[Facts]) -> Facts:
    """The words of a split line: what applies to either portion, and the steps of each."""
    first, second = facts
    applied = [*first.applied, *(item for item in second.applied if item not in first.applied)]
    left = [*first.not_applied, *(item for item in second.not_applied if item not in first.not_applied)]
    needed = [*first.requirements, *(item for item in second.requirements if item not in first.requirements)]
    valued = {**valuation_step(whole, ()), "parameters": first.explanation[0]["parameters"]}
    steps = [valued, _split_step(whole, portions)]
    steps += [*_of_portion(first, "inside"), *_of_portion(second, "beyond")]
    standing = weakest(iter((first.standing, second.standing)))
    return Facts(applied, left, needed, steps, standing, sorted({*first.assumed, *second.assumed}))


def _split_step(whole: Valued, portions: Sequence[Row]) -> dict[str, Any]:
    inside, beyond = (fen_text(row.valued.fen) for row in portions)
    return step("quota_split", f"{inside} + {beyond}", _WORDS, {"inside": inside, "beyond": beyond}, whole.fen, _LAW)


def _of_portion(facts: Facts, name: str) -> Iterator[dict[str, Any]]:
    return ({**made, "portion": name} for made in facts.explanation[1:])


def _kg(parts: int) -> str:
    return plain(Decimal(parts) / QUANTITY_PARTS)
