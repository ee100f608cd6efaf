"""Reading a row out: applied, not applied, requirements, explanation and standing of one assessed line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.money import fen_text, plain
from customs.assessments.answers import Facts
from customs.assessments.prepare import Row, proves_all
from customs.assessments.request import Request
from customs.duty.bounds import QUANTITY_PARTS
from customs.duty.columns import PREFERENCE, QUOTA, Lines, Selection, Taxes
from customs.duty.explanation import RETAIL_LAW, general_steps, retail_steps
from customs.duty.reading import Reading
from customs.duty.requirements import conditions, doubts, quota_state, requirements, weakest
from customs.tariff import Tariff
from customs.tariff.acceptance import is_assumed, row_id
from customs.tariff.tariff import STANDING_WORDS


def general_facts(
    tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int], lines: Lines, selection: Selection,
    taxes: Taxes,
) -> Facts:  # fmt: skip
    """The facts of a line under general trade, and of a single retail item that pays in full."""
    at = members[0]
    row, day = rows[at], request.day
    origin = row.line.origin
    reading = Reading(tariff, selection, at, row.hs, row.number, origin, day)
    duty, additions, vat, consumption = reading.duty(), reading.additions(), reading.vat(), reading.consumption()
    applied = [duty, *(item for _, item in additions), *([consumption] if consumption else []), vat]
    claim = row.line.preference
    claimed = tariff.agreement(claim.agreement, origin) if claim is not None and claim.direct_transport else None
    not_applied = reading.not_applied(proves_all(row.line), claimed)
    needed = _needed(tariff, request, rows, members)
    steps = general_steps(
        row.valued, duty, int(taxes.duty[at]),
        [(item, int(taxes.additions[place])) for place, item in additions],
        consumption, int(taxes.consumption_tax[at]), vat, int(taxes.vat[at]), _quantities(tariff, row, applied),
    )  # fmt: skip
    standings = [*(str(item["standing"]) for item in applied), *_doubtful(needed), _line_standing(tariff, row, day),
                 *_origin_standing(tariff, reading, selection, at), *_unread_claims(duty, not_applied),
                 *_assumed(request)]  # fmt: skip
    used = [*reading.rows_of_duty(), *reading.rows_of_taxes()]
    return Facts(applied, not_applied, needed, steps, weakest(iter(standings)), _assumed_rows(tariff, row, day, used))


def retail_facts(
    tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int], lines: Lines, selection: Selection,
    taxes: Taxes,
) -> Facts:  # fmt: skip
    """The facts of a line inside the retail limits."""
    at = members[0]
    row, day = rows[at], request.day
    limits = tariff.retail_limits(day)
    reading = Reading(tariff, selection, at, row.hs, row.number, row.line.origin, day)
    vat, consumption = reading.vat(), reading.consumption()
    zero = {"kind": "cross_border_retail", "rate": "0", "source": limits.source, "standing": limits.standing,
            "law": RETAIL_LAW}  # fmt: skip
    applied = [zero, *([consumption] if consumption else []), vat]
    listed = tariff.positive_list(row.hs[:8], day)
    needed: list[dict[str, Any]] = []
    if listed is not None and listed.remark:
        needed.append({"code": "positive_list_remark", "detail": listed.remark, "source": listed.source,
                       "standing": listed.standing})  # fmt: skip
    needed += conditions(tariff, row.hs, row.line.origin, day)
    needed += doubts(tariff, row.hs, row.line.origin, day, None)
    steps = retail_steps(row.valued, limits.share, limits.single_fen, consumption, int(taxes.consumption_tax[at]), vat,
                         int(taxes.vat[at]), _quantities(tariff, row, applied))  # fmt: skip
    standings = [*(str(item["standing"]) for item in applied), *_doubtful(needed), _line_standing(tariff, row, day),
                 *_assumed(request)]  # fmt: skip
    if listed is not None:
        standings.append(listed.standing)
    left = [*reading.inside_retail_limits(fen_text(limits.single_fen)), *reading.consumption_left()]
    used = [*reading.rows_of_taxes(), *reading.rows_of("positive_list")]
    return Facts(applied, left, needed, steps, weakest(iter(standings)), _assumed_rows(tariff, row, day, used))


def _needed(tariff: Tariff, request: Request, rows: Sequence[Row], members: list[int]) -> list[dict[str, Any]]:
    """The requirements of every code the line may be; those of only some of them name the codes."""
    if request.route != "general_trade":
        row = rows[members[0]]
        origin, day = row.line.origin, request.day
        return [*conditions(tariff, row.hs, origin, day), *doubts(tariff, row.hs, origin, day, None)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    codes: dict[tuple[str, str], list[str]] = {}
    for at in members:
        row = rows[at]
        state = quota_state(tariff, row.hs, row.line.origin, request.day)
        for item in (*requirements(tariff, row.hs, row.line.origin, request.day),
                     *doubts(tariff, row.hs, row.line.origin, request.day, state)):  # fmt: skip
            key = (item["code"], item["detail"])
            found.setdefault(key, item)
            codes.setdefault(key, []).append(row.hs)
    return [item if len(codes[key]) == len(members) else {**item, "codes": codes[key]} for key, item in found.items()]


def _doubtful(needed: list[dict[str, Any]]) -> Iterator[str]:
    """A requirement says nothing about the tax, a doubt does."""
    return (str(item["standing"]) for item in needed if item["code"] in ("quota_state_unknown", "outside_coverage"))


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


def _assumed_rows(tariff: Tariff, row: Row, day: date, used: list[tuple[str, Any]]) -> list[str]:
    ordinal = day.toordinal()
    rows = [("lines", tariff.rows[row.number]), *used]
    return sorted({row_id(table, found) for table, found in rows if is_assumed(found, ordinal)})


def _assumed(request: Request) -> Iterator[str]:
    if request.assume_quota or request.assume_rates:
        yield "assumed"


def _quantities(tariff: Tariff, row: Row, applied: list[dict[str, Any]]) -> dict[str, str]:
    """For each applied rate per unit, the quantity it was computed on, in words."""
    words = {}
    for item in applied:
        rate = str(item["rate"])
        if "CNY/" in rate:
            unit = rate.rpartition("CNY/")[2]
            parts = row.quantities.of(tariff.units, unit)
            words[rate] = f"{plain(_whole(parts))} {unit}"
    return words


def _whole(parts: int) -> Decimal:
    return Decimal(parts) / QUANTITY_PARTS
