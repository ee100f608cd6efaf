"""Reading a row out: applied, not applied, requirements, explanation and standing of one assessed line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from core.money import fen_text
from customs.assessments.answers import Facts
from customs.assessments.caps import cap_requirement
from customs.assessments.prepare import Row, exempted, proves_all
from customs.assessments.request import RETAIL, Request
from customs.duty.columns import PREFERENCE, QUOTA, Lines, Selection, Taxes
from customs.duty.considered import not_applied, retail_not_applied
from customs.duty.explanation import Bill, Cited, Levy, full_steps, general_steps, retail_steps
from customs.duty.reading import Reading
from customs.duty.requirements import (
    borrowed_rate,
    cautions,
    conditions,
    doubts,
    exclusion_unknown,
    part_question,
    quota_state,
    requirements,
    weakest,
)
from customs.duty.steps import parameter, period
from customs.duty.terms import TRANSACTION
from customs.duty.valuation import rows_behind
from customs.duty.wording import said
from customs.tariff import Tariff
from customs.tariff.acceptance import is_assumed, row_id
from customs.tariff.tariff import STANDING_WORDS

_DOUBTS = ("quota_state_unknown", "outside_coverage", "threshold_rate_borrowed")


def general_facts(
    tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int], lines: Lines, selection: Selection,
    taxes: Taxes,
) -> Facts:  # fmt: skip
    """The facts of a line under general trade, and of a single retail item that pays in full."""
    at = members[0]
    row, day = rows[at], request.day
    origin = row.line.origin
    reading = Reading(tariff, lines, selection, at, row.hs, origin, day)
    claim = row.line.preference
    claimed = tariff.agreement(claim.agreement, origin) if claim is not None and claim.direct_transport else None
    left = not_applied(reading, proves_all(row.line), claimed)
    needed = [*_needed(tariff, request, rows, members), *_borrowed(selection, at)]
    valued_by = rows_behind(row.valued, tariff, day)
    bill = _bill(row, valued_by, reading, taxes, at)
    steps = (full_steps if request.route == RETAIL else general_steps)(bill)
    applied = _applied(bill)
    standings = [*(str(item["standing"]) for item in applied), *_doubtful(needed), _line_standing(tariff, row, day),
                 *_origin_standing(tariff, reading, selection, at), *_unread_claims(applied[0], left),
                 *_assumed(request), *_value_standing(row, valued_by)]  # fmt: skip
    used = [*_rows(bill), *reading.rows_of_origin(), *valued_by]
    return Facts(applied, left, needed, steps, weakest(iter(standings)), _assumed_rows(tariff, row, day, used))


def _bill(row: Row, valued_by: list[Cited], reading: Reading, taxes: Taxes, at: int) -> Bill:
    duty = reading.duty()
    return Bill(
        row.valued,
        valued_by,
        Levy(duty, reading.duty_charged(duty), int(taxes.duty[at])),
        [Levy(added, reading.charged(added), int(taxes.additions[place])) for place, added in reading.additions()],
        *_taxes(reading, taxes, at),
    )


def _taxes(reading: Reading, taxes: Taxes, at: int) -> tuple[Levy | None, Levy]:
    """Consumption tax and VAT."""
    consumption, vat = reading.consumption(), reading.vat()
    levied = Levy(vat, reading.charged(vat), int(taxes.vat[at]))
    if consumption is None:
        return None, levied
    return Levy(consumption, reading.charged(consumption), int(taxes.consumption_tax[at])), levied


def _applied(bill: Bill) -> list[dict[str, Any]]:
    return [levy.applied.item for levy in bill.levies]


def _rows(bill: Bill) -> list[Cited]:
    return [row for levy in bill.levies for row in levy.applied.rows]


def retail_facts(
    tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int], lines: Lines, selection: Selection,
    taxes: Taxes,
) -> Facts:  # fmt: skip
    """The facts of a line inside the retail limits."""
    at = members[0]
    row, day = rows[at], request.day
    origin = row.line.origin
    limits = tariff.retail_limits(day)
    reading = Reading(tariff, lines, selection, at, row.hs, origin, day)
    valued_by = rows_behind(row.valued, tariff, day)
    bill = Bill(row.valued, valued_by, None, [], *_taxes(reading, taxes, at))
    zero = {"kind": "cross_border_retail", "rate": "0", "source": limits.source, "standing": limits.standing,
            **period(limits.row), **said(law=["law_retail"], name=["cross_border_retail"])}  # fmt: skip
    applied = [zero, *_applied(bill)]
    single = fen_text(limits.single_fen)
    steps = retail_steps(bill, parameter("single_limit", ["yuan", {"amount": single}], limits.row),
                         parameter("tax_share", str(limits.share), limits.row))  # fmt: skip
    listed = tariff.positive_list(row.hs[:8], day)
    needed: list[dict[str, Any]] = []
    if listed is not None and listed.remark:
        needed.append({"code": "positive_list_remark", "detail": listed.remark, "source": listed.source,
                       "standing": listed.standing})  # fmt: skip
    needed += [*cap_requirement(tariff, day, request.lines, row.i), *conditions(tariff, row.hs, origin, day)]
    needed += [*doubts(tariff, row.hs, origin, day, None), *_borrowed(selection, at)]
    standings = [*(str(item["standing"]) for item in applied), *_doubtful(needed), _line_standing(tariff, row, day),
                 *_assumed(request), *_value_standing(row, valued_by)]  # fmt: skip
    if listed is not None:
        standings.append(listed.standing)
    used = [*_rows(bill), *reading.rows_of("positive_list"), *valued_by]
    return Facts(
        applied,
        retail_not_applied(reading, single),
        needed,
        steps,
        weakest(iter(standings)),
        _assumed_rows(tariff, row, day, used),
    )


def _needed(tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int]) -> list[dict[str, Any]]:
    """The requirements of every code the line may be; those of only some of them name the codes."""
    day = request.day
    first = rows[members[0]]
    if request.route == RETAIL:
        origin = first.line.origin
        return [*cap_requirement(tariff, day, request.lines, first.i), *conditions(tariff, first.hs, origin, day),
                *doubts(tariff, first.hs, origin, day, None)]  # fmt: skip
    if len(members) == 1:
        return _needed_by(tariff, first, day)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    codes: dict[tuple[str, str], list[str]] = {}
    for at in members:
        for item in _needed_by(tariff, rows[at], day):
            key = (item["code"], item["detail"])
            found.setdefault(key, item)
            codes.setdefault(key, []).append(rows[at].hs)
    return [item if len(codes[key]) == len(members) else {**item, "codes": codes[key]} for key, item in found.items()]


def _needed_by(tariff: Tariff, row: Row, day: date) -> list[dict[str, Any]]:
    hs, line = row.hs, row.line
    state = quota_state(tariff, hs, line.origin, day)
    needed = [*requirements(tariff, hs, line.origin, day), *doubts(tariff, hs, line.origin, day, state),
              *cautions(tariff, hs, line.origin, day)]  # fmt: skip
    if line.part is None:
        needed += part_question(tariff, hs, day)
    if line.exclusion_no and not exempted(tariff, row, day):
        needed.append(exclusion_unknown(tariff, line.exclusion_no))
    return needed


def _borrowed(selection: Selection, at: int) -> list[dict[str, Any]]:
    return [borrowed_rate()] if at in selection.doubtful else []


def _doubtful(needed: list[dict[str, Any]]) -> Iterator[str]:
    """A requirement says nothing about the tax, a doubt does."""
    return (str(item["standing"]) for item in needed if item["code"] in _DOUBTS)


def _line_standing(tariff: Tariff, row: Row, day: date) -> str:
    """Days before the first reading of the line list, and codes without a known ten-digit split, are assumed."""
    found = tariff.rows[row.number]
    early = day.toordinal() < tariff.read_from
    return "assumed" if early or found["hs"] != row.hs else STANDING_WORDS[found["standing"]]


def _origin_standing(tariff: Tariff, reading: Reading, selection: Selection, at: int) -> Iterator[str]:
    """How sure the origin's class is, or its membership where an agreement applies."""
    kind = int(selection.kind[at])
    if kind == QUOTA or reading.origin is None:
        return
    origins, ordinal = tariff.origins, reading.day.toordinal()
    rows = origins.class_rows.get(reading.country, [])
    if kind == PREFERENCE:
        agreement = tariff.schedule_name(int(selection.agreement[at])).removeprefix("agreement:")
        rows = origins.member_rows[(reading.country, agreement)]
    yield from (STANDING_WORDS[r["standing"]] for r in rows if r["first_day"] <= ordinal <= r["last_day"])


def _unread_claims(duty: dict[str, Any], not_applied: list[dict[str, Any]]) -> Iterator[str]:
    """A proven agreement whose rate was not read might be lower, unless nothing is levied anyway."""
    return ("assumed" for item in not_applied if item.get("claimed_but_unread") and duty["rate"] != "0")


def _value_standing(row: Row, used: list[Cited]) -> Iterator[str]:
    """Rates and shares of the law count; a value by another method than the price is one's own estimate until customs
    agrees (Tariff Law art. 27)."""
    yield from (STANDING_WORDS[found["standing"]] for _, found in used)
    if row.valued.terms is not None and row.valued.terms.method != TRANSACTION:
        yield "assumed"


def _assumed_rows(tariff: Tariff, row: Row, day: date, used: list[Cited]) -> list[str]:
    ordinal = day.toordinal()
    rows = [("lines", tariff.rows[row.number]), *used]
    return sorted({row_id(table, found) for table, found in rows if is_assumed(found, ordinal)})


def _assumed(request: Request) -> Iterator[str]:
    if request.assume_quota or request.assume_rates or request.quota_remaining:
        yield "assumed"
