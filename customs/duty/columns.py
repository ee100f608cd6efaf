"""The columns of an assessment: one row per line in, one row per line out; every legal step is a named column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MFN, PROVISIONAL, GENERAL, QUOTA, PREFERENCE = range(5)
KINDS = ("mfn", "provisional", "general", "tariff_quota", "agreement")

OK, NO_CLASS, NO_RATE, NO_QUANTITY, NO_INSTANT, NO_CONTENT, NO_VAT, NO_CODE, NO_EXCHANGE = range(9)

# CNY for one unit of a currency on a day (ordinal), and whether it is the rate of that day's month; None: unknown.
Exchange = Callable[[str, int], tuple[Fraction, bool] | None]


@dataclass(slots=True)
class Lines:
    """What is known of each line. `line`: number in the tariff; `origin`: country number, 0 unknown; `day`: ordinal;
    `value`: dutiable value in fen. Optional columns: `proven` (all agreements of the origin), `claim` (schedule number
    of one agreement, else -1), `unproven` (origin not proven, Tariff Law art. 19), `minute` of the Beijing day (else
    -1), `exporter` (number, 0 none), `part` (schedule number of the part of the code the goods are, else -1),
    `exempt` (measures that an exclusion number lifts), `beyond` (beyond a quota that is not used up on the day),
    `exact` (unrounded value in fen, as Fraction or int), `quantity` (by unit word, integers of 0.00001, -1 not given),
    `exchange` for price thresholds in foreign currency.
    """

    line: Ints
    origin: Ints
    day: Ints
    value: Ints
    proven: NDArray[np.bool_] | None = None
    claim: Ints | None = None
    unproven: NDArray[np.bool_] | None = None
    minute: Ints | None = None
    exporter: Ints | None = None
    part: Ints | None = None
    exempt: Sequence[tuple[str, ...]] | None = None
    beyond: NDArray[np.bool_] | None = None
    exact: NDArray[Any] | None = None
    quantity: Mapping[str, Ints] = field(default_factory=dict)
    exchange: Exchange | None = None

    def __len__(self) -> int:
        return len(self.line)


@dataclass(slots=True)
class Selection:
    """What the law selects for each line: entry numbers (NONE: nothing), the kind of the duty, faults.

    `share` is the duty's share of the value in 0.001 % (of a sliding rate the one at the line's price), `agreement` the
    schedule of the agreement applied, else -1. Few lines bear additions, so these stand apart: `added_at` numbers the
    lines that do, `added` has a column for each and a row per possible addition. `doubtful` numbers the lines where a
    price threshold in foreign currency was compared at another month's rate."""

    slot: NDArray[np.int32]
    kind: Ints
    entry: Ints
    share: Ints
    agreement: Ints
    added_at: Ints
    added: NDArray[np.int32]
    vat: Ints
    consumption: Ints
    fault: Ints
    doubtful: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Taxes:
    """Amounts in fen per line; `additions` is shaped as `Selection.added` and sums to `additional_duty`."""

    duty: Ints
    additions: Ints
    additional_duty: Ints
    consumption_tax: Ints
    vat: Ints

    @property
    def total(self) -> Ints:
        return self.duty + self.additional_duty + self.consumption_tax + self.vat
