"""What each row bears: read from the answers kept of its state where it is plain, else by a selection of all rows.

The columns with which the words are made (`Computed.all`) are built when somebody first asks for words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from customs.assessments.prepare import Row, claimed, columns_of, proves_all
from customs.assessments.request import Request
from customs.duty.batch import memo_of
from customs.duty.columns import OK, Lines, Selection, Taxes
from customs.duty.memo import PROVEN, UNPROVEN, Memo, Record
from customs.duty.regimes import retail_share, stepwise, tax_inside, tax_on
from customs.duty.selection import select
from customs.tariff import Tariff
from customs.tariff.rates import percent_text
from customs.tariff.schedules import NONE

Law = Callable[[Tariff, Lines, Selection], Taxes]


class Outcome(NamedTuple):
    """Amounts in fen of one row (dutiable value, duty, additional duty, consumption tax, VAT), the fault that keeps it
    from having any, the kind of its duty, and the rates as text."""

    amounts: tuple[int, int, int, int, int]
    fault: int
    kind: int
    duty_rate: str
    vat_rate: str


@dataclass
class Computed:
    """The rows of one request under one regime, computed by columns. `route` names the answers that may be kept."""

    tariff: Tariff
    request: Request
    rows: Sequence[Row]
    law: Law
    route: str | None
    duty: bool = True
    in_full: bool = False

    @cached_property
    def all(self) -> tuple[Lines, Selection, Taxes]:
        lines = columns_of(self.tariff, self.request, self.rows, self.in_full)
        selection = select(self.tariff, lines, duty=self.duty)
        return lines, selection, self.law(self.tariff, lines, selection)


def outcomes(computed: Computed, share: int = 100) -> list[Outcome]:
    """What each row bears; `share` percent of consumption tax and VAT are levied inside the retail limits."""
    if computed.route is not None:
        memo = memo_of(computed.tariff, computed.route)
        kept = [_kept(memo, computed, row) for row in computed.rows]
        if None not in kept:
            amounts = _general if computed.duty else _retail
            return [_outcome(computed.tariff, record, amounts(record, row.valued.fen, share))
                    for record, row in zip(kept, computed.rows, strict=True) if record is not None]  # fmt: skip
    return _by_columns(computed)


def _kept(memo: Memo, computed: Computed, row: Row) -> Record | None:
    line, tariff = row.line, computed.tariff
    if line.origin_evidence == "unproven" or line.exporter or line.part or line.exclusion_no or row.beyond:
        return None
    origin = tariff.origins.number[line.origin] if line.origin else 0
    proof = _proof(tariff, row, origin) if computed.duty else UNPROVEN
    return memo.one(row.number, origin, computed.request.day.toordinal(), proof)


def _proof(tariff: Tariff, row: Row, origin: int) -> int:
    schedule = claimed(tariff, row)
    if proves_all(row.line):
        return PROVEN
    for depth, schedules in enumerate(tariff.origins.preference if schedule >= 0 else ()):
        if schedules[origin] == schedule:
            return 2 + depth
    return UNPROVEN


def _general(record: Record, value: int, _: int) -> tuple[int, int, int, int, int]:
    duty = tax_on(value, record.share)
    additional = sum(tax_on(value, share) for share in record.added)
    consumption, vat = stepwise(value, duty + additional, lambda base: tax_inside(base, record.consumption_share),
                                record.vat_share)  # fmt: skip
    return value, duty, additional, consumption, vat


def _retail(record: Record, value: int, share: int) -> tuple[int, int, int, int, int]:
    inside = record.consumption_share
    return value, 0, 0, retail_share(value, inside, share, inside), retail_share(value, record.vat_share, share, inside)


def _outcome(tariff: Tariff, record: Record, amounts: tuple[int, int, int, int, int]) -> Outcome:
    if record.fault != OK:
        return Outcome(amounts, record.fault, record.kind, "0", "0")
    rate = "0" if record.entry == NONE else tariff.entries[record.entry].rate.text
    return Outcome(amounts, OK, record.kind, rate, tariff.entries[record.vat].rate.text)


def _by_columns(computed: Computed) -> list[Outcome]:
    lines, selection, taxes = computed.all
    columns: Any = (lines.value, taxes.duty, taxes.additional_duty, taxes.consumption_tax, taxes.vat)
    made = []
    for at, amounts in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        fault, entry = int(selection.fault[at]), int(selection.entry[at])
        rate = "0" if entry == NONE else _rate(computed.tariff, entry, int(selection.share[at]))
        vat = "0" if fault != OK else computed.tariff.entries[int(selection.vat[at])].rate.text
        made.append(Outcome(amounts, fault, int(selection.kind[at]), rate, vat))
    return made


def _rate(tariff: Tariff, entry: int, share: int) -> str:
    """The arm of a choice that applies; of a sliding rate the one at the line's price."""
    rate = tariff.entries[entry].rate
    return percent_text(share) if rate.sliding is not None else rate.own_text if rate.known else rate.text
