"""One edition of the law: its rows for reading, its columns for computing. Immutable; every question names a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem
from customs.tariff import origins, problems
from customs.tariff.build import SURCHARGE_DELAY, Stretches
from customs.tariff.codes import Codes
from customs.tariff.columns import EntryColumns
from customs.tariff.index import Index
from customs.tariff.lookup import ByPrefix
from customs.tariff.origins import Origins
from customs.tariff.rates import Rate
from customs.tariff.reading import FIRST, FOREVER, Row
from customs.tariff.schedules import NONE, Entry, Schedules, Slots, Stretch
from customs.tariff.states import States
from customs.tariff.trading_days import TradingDays
from customs.tariff.units import Units

STANDING_WORDS = ("official", "secondary", "assumed")
ASSUMED = 2
ASSUMPTIONS_KEPT = 4  # each holds its own columns, about 3 MB


@dataclass(frozen=True, slots=True)
class TariffLine:
    """One line as shown to users: names by language, unit codes, the rates of a day as text (None: not on file)."""

    hs: str
    description: dict[str, str]
    units: list[dict[str, str]]
    mfn: str | None
    general: str | None
    vat: str | None
    consumption_tax: str
    controls: str
    first_day: date
    last_day: date | None
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class ListEntry:
    """What the retail import list says of a code: `modes` empty means the remark on modes was not read."""

    hs: str
    modes: tuple[str, ...]
    remark: str
    cap_kg: Decimal | None
    cap_group: str
    edition: str
    source: str
    standing: str


@dataclass(frozen=True, slots=True)
class RetailLimits:
    """Limits of a day in fen, and the share in percent of VAT and consumption tax that is levied inside them; `row` is
    where they stand."""

    single_fen: int
    annual_fen: int
    share: int
    source: str
    standing: str
    row: Row


class Tariff:
    """The law of one folder. `edition` is a hash of its files; `schedules`, `origins` and `slots` are the columns."""

    def __init__(
        self,
        edition: str,
        tables: dict[str, list[Row]],
        sources: Mapping[str, Any],
        coverage: Mapping[str, Any],
        reference: Callable[[str], list[Row]],
    ) -> None:
        self.edition = edition
        self.tables = tables
        self.sources = sources
        self.coverage = coverage
        self._read_reference = reference
        self.rows = sorted(tables["lines"], key=lambda row: line_key(row["hs"]))
        self.keys: NDArray[np.int64] = np.array([line_key(row["hs"]) for row in self.rows], np.int64)
        self.codes = Codes(self.keys)
        self.line_first: NDArray[np.int64] = np.array([row["first_day"] for row in self.rows], np.int64)
        self.line_last: NDArray[np.int64] = np.array([row["last_day"] for row in self.rows], np.int64)
        self.read_from = coverage["read_from"].toordinal()
        self._build(Stretches(tables))

    def _build(self, stretches: Stretches) -> None:
        lines = (day for row in self.rows for day in (row["first_day"], row["last_day"] + 1))
        days = {*stretches.boundaries(), *origins.boundaries(self.tables), *lines}
        self.slots = Slots(days)
        self.schedules = Schedules(self.keys, self.slots)
        for name, content in stretches.of.items():
            self.schedules.add(name, content)
        self.schedules.freeze()
        self.origins = Origins(self.tables, self.schedules, self.slots)
        self.units = Units(self.tables["units"])
        self.columns = EntryColumns(stretches.entries.all, self.units)
        self.entries: list[Entry] = self.columns.entries
        self.memos: dict[bool, Any] = {}  # answers kept by customs.duty.memo; a new edition starts without any

    @cached_property
    def states(self) -> States:
        """Lines and origins that the law treats alike; made when first asked."""
        return States(self)

    @cached_property
    def index(self) -> Index:
        """Rows of the small tables by what they are asked for."""
        return Index(self.tables)

    # Codes

    def find_line(self, hs: str, day: date) -> int:
        """The number of a line. Raises Problem code_unknown, code_not_in_force, before_coverage, or code_ambiguous for
        eight digits that are split into ten-digit lines."""
        number = self._number.get(hs)
        if number is None and len(hs) == 10 and hs[:8] in self._number:
            number = self._number[hs[:8]]  # no ten-digit split of this line is on file
        if number is None:
            raise self._no_line(hs, day)
        row = self.rows[number]
        if not row["first_day"] <= day.toordinal() <= row["last_day"]:
            raise self._before(hs, day, row["first_day"]) or Problem(
                problems.CODE_NOT_IN_FORCE,
                f"{hs}: not in force on {day} (lines.csv has it from {_iso(row['first_day'])}"
                f" to {_iso(row['last_day']) if row['last_day'] < FOREVER else 'further notice'})",
            )
        return number

    def _no_line(self, hs: str, day: date) -> Problem:
        low, high = self.schedules.range_of(hs)
        if len(hs) != 8 or low == high:
            return Problem(problems.CODE_UNKNOWN, f"{hs}: no such code in the tariff of this edition (lines.csv)")
        children = self.children(hs, day)
        if children:
            return Problem(problems.CODE_AMBIGUOUS, f"{hs}: name one of {', '.join(children)}")
        detail = f"{hs}: none of its ten-digit codes is in force on {day} (lines.csv)"
        first = min(row["first_day"] for row in self.rows[low:high])
        return self._before(hs, day, first) or Problem(problems.CODE_NOT_IN_FORCE, detail)

    def _before(self, hs: str, day: date, first: int) -> Problem | None:
        """Days before the list of lines was read say nothing of a code that the list has."""
        if day.toordinal() >= min(first, self.read_from):
            return None
        detail = f"{hs}: {day} lies before the first day the code is on file for, {_iso(first)} (lines.csv)"
        return Problem(problems.BEFORE_COVERAGE, detail)

    def children(self, hs8: str, day: date) -> list[str]:
        """The ten-digit codes of an eight-digit code in force on a day, in code order."""
        low, high = self.schedules.range_of(hs8)
        ordinal = day.toordinal()
        rows = self.rows[low:high]
        return [r["hs"] for r in rows if len(r["hs"]) == 10 and r["first_day"] <= ordinal <= r["last_day"]]

    @cached_property
    def _number(self) -> dict[str, int]:
        return {row["hs"]: i for i, row in enumerate(self.rows)}

    # Reading one line

    def line(self, hs: str, day: date) -> TariffLine:
        """Everything shown of a line on a day. An eight-digit code answers with its first ten-digit code."""
        wanted = hs
        if len(hs) == 8 and hs not in self._number:
            wanted = next(iter(self.children(hs, day)), hs)
        number = self.find_line(wanted, day)
        row = self.rows[number]
        return TariffLine(
            hs=hs,
            description={"zh": row["name_zh"], "en": row["name_en"]},
            units=[self.units.shown(code) for code in (row["unit1"], row["unit2"]) if code],
            mfn=self._text("mfn", number, day),
            general=self._text("general", number, day),
            vat=self._text("vat", number, day),
            consumption_tax=self._text("consumption_tax", number, day) or "0",
            controls=self.controls(hs, day)[0],
            first_day=date.fromordinal(row["first_day"]),
            last_day=date.fromordinal(row["last_day"]) if row["last_day"] < FOREVER else None,
            source=row["source"],
            standing=STANDING_WORDS[row["standing"]],
        )

    def names(self, hs: str) -> tuple[str, str]:
        """The Chinese and the English name of a line, whatever the day."""
        row = self.rows[self._number[hs]]
        return row["name_zh"], row["name_en"]

    def in_force(self, day: date, prefix: str = "") -> list[str]:
        """The codes of all lines in force on a day under a prefix, in code order."""
        low, high = self.schedules.range_of(prefix)
        ordinal = day.toordinal()
        return [row["hs"] for row in self.rows[low:high] if row["first_day"] <= ordinal <= row["last_day"]]

    def words(self) -> list[tuple[str, str, str]]:
        """(code, Chinese name, English name) of every line: what a search index is made of."""
        return [(row["hs"], row["name_zh"], row["name_en"]) for row in self.rows]

    def declaration_elements(self, hs: str) -> list[str]:
        """The declaration elements (申报要素) of a code, in filing order."""
        row = self._row_of(hs)
        text = self._elements[row["elements"]]
        return [part for part in text.split("|") if part]

    def statutory_units(self, hs: str) -> tuple[str, str]:
        """The codes of the first and second statutory unit; the second may be blank."""
        row = self._row_of(hs)
        return row["unit1"], row["unit2"]

    def _row_of(self, hs: str) -> Row:
        number = self._number.get(hs, self._number.get(hs[:8]))
        if number is None:
            low, high = self.schedules.range_of(hs)
            if low == high:
                raise Problem(problems.CODE_UNKNOWN, f"{hs}: no such code in the tariff of this edition (lines.csv)")
            number = low
        return self.rows[number]

    @cached_property
    def _elements(self) -> dict[str, str]:
        return {row["id"]: row["elements"] for row in self.tables["elements"]}

    def entry(self, schedule: str, number: int, day: date) -> Entry | None:
        """The entry of one schedule for a line number on a day."""
        found = self.schedules.entry_of(self.schedules.names[schedule], number, self.slots.of(day.toordinal()))
        return None if found == NONE else self.entries[found]

    def schedule_name(self, number: int) -> str:
        """The name of a schedule by its number."""
        return self._schedule_names[number]

    @cached_property
    def _schedule_names(self) -> list[str]:
        return list(self.schedules.names)

    def _text(self, schedule: str, number: int, day: date) -> str | None:
        entry = self.entry(schedule, number, day)
        return None if entry is None else entry.rate.text

    # Controls and lists

    def controls(self, hs: str, day: date) -> tuple[str, str, Row | None]:
        """Supervision codes of a code and its inspection classes, with the row of the codes; blank when not on file."""
        row, inspected = self.by_prefix("controls").find(hs, day.toordinal()), self.inspection(hs, day)
        return row["codes"] if row else "", inspected["ciq"] if inspected else "", row

    def inspection(self, hs: str, day: date) -> Row | None:
        """The row with the inspection and quarantine classes (`ciq`) of a code, which may stand at a shorter prefix
        than its supervision codes; None when not on file."""
        return self.by_prefix("controls").find(hs, day.toordinal(), lambda row: bool(row["ciq"]))

    def agreement(self, name: str, origin: str | None) -> str:
        """The id of an agreement named by its id or another name, whatever the case; of several that share a name
        ("RCEP") the one of the origin. Raises Problem agreement_unknown."""
        wanted = name.strip().upper()
        shared = [row["id"] for row in self.tables["agreements"]
                  if wanted in (row["id"].upper(), *row["also"].upper().split(";"))]  # fmt: skip
        own = self.origins.agreements.get(self.origins.number.get(origin or "", 0), [])
        found = next((agreement for agreement in shared if agreement in own), shared[0] if shared else None)
        if found is None:
            raise Problem(problems.AGREEMENT_UNKNOWN, f"{name}: no such agreement (agreements.csv)")
        return found

    def licence_required(self, hs: str, day: date) -> Row | None:
        """The row that asks for an automatic import licence: the dated catalogue, else supervision code 7 or O."""
        listed = self.by_prefix("licence_catalogue").find(hs, day.toordinal())
        if listed is not None:
            return listed if listed["listed"] == "yes" else None
        codes, _, row = self.controls(hs, day)
        return row if "7" in codes or "O" in codes else None

    def positive_list(self, hs8: str, day: date) -> ListEntry | None:
        """What the retail import list in force says of a code; None when it is not on the list."""
        row = self.by_prefix("positive_list").find(hs8, day.toordinal())
        if row is None:
            return None
        modes = tuple(mode for mode in row["modes"].split(";") if mode)
        return ListEntry(row["hs"], modes, row["remark"], row["cap_kg"], row["cap_group"], row["edition"],
                         row["source"], STANDING_WORDS[row["standing"]])  # fmt: skip

    def retail_limits(self, day: date) -> RetailLimits:
        """The retail limits of a day. Raises Problem retail_not_in_force before 8 April 2016."""
        ordinal = day.toordinal()
        for row in self.tables["retail_limits"]:
            if row["first_day"] <= ordinal <= row["last_day"]:
                return RetailLimits(int(row["single_limit"] * 100), int(row["annual_limit"] * 100),
                                    int(row["tax_share"]), row["source"], STANDING_WORDS[row["standing"]],
                                    row)  # fmt: skip
        raise Problem(problems.RETAIL_NOT_IN_FORCE, f"no retail limits are in force on {day} (retail_limits.csv)")

    def waivers(self, day: date) -> dict[str, int]:
        """Per tax the amount in fen up to which one declaration is not charged (Tariff Law art. 32, rule A20)."""
        ordinal = day.toordinal()
        rows = [row for row in self.tables["waivers"] if row["first_day"] <= ordinal <= row["last_day"]]
        return {row["tax"]: int(row["amount"] * 100) for row in rows}

    def parameter(self, name: str, day: date) -> Row:
        """The row of a legal parameter (a limit, a threshold, a share) in force on a day, its number under `value`.
        Raises Problem parameter_missing."""
        ordinal = day.toordinal()
        for row in self._parameters.get(name, ()):
            if row["first_day"] <= ordinal <= row["last_day"]:
                return row
        raise Problem(problems.PARAMETER_MISSING, f"{name}: not in force on {day} (parameters.csv)")

    @cached_property
    def _parameters(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.tables["parameters"]:
            found.setdefault(row["id"], []).append(row)
        return found

    def exchange_rate(self, currency: str, day: date) -> tuple[Decimal, Row]:
        """CNY for one unit of a currency at the customs rate of a day, exact, and its row (Tariff Law art. 60).
        Raises Problem currency_unknown or exchange_rate_missing."""
        if currency not in self.currencies:
            raise Problem(problems.CURRENCY_UNKNOWN, f"{currency}: no such currency (currencies.csv)")
        rows, ordinal = self._exchange_rows.get(currency, []), day.toordinal()
        at = bisect_right(rows, ordinal, key=lambda row: int(row["first_day"])) - 1
        if at < 0 or rows[at]["last_day"] < ordinal or not rows[at]["rate"]:
            detail = f"{currency}: no customs rate of {day:%Y-%m} is on file (exchange_rates.csv)"
            raise Problem(problems.EXCHANGE_RATE_MISSING, detail)
        row = rows[at]
        return (row["rate"] if row["per"] == "1" else row["rate"].scaleb(-2)), row

    @cached_property
    def trading_days(self) -> TradingDays:
        """The calendar on which the day of a customs rate moves."""
        return TradingDays(self.tables["market_holidays"])

    def nearest_rate(self, currency: str, day: int) -> tuple[Fraction, bool] | None:
        """CNY for one unit of a currency on a day (ordinal) for price thresholds, and whether it is the rate of that
        day: else the latest before it on file, else the first after it. None when the currency has no rate at all."""
        rows = self._exchange_rows.get(currency, ())
        if not rows:
            return None
        earlier = [row for row in rows if row["first_day"] <= day]
        row = earlier[-1] if earlier else rows[0]
        return Fraction(row["rate"]) / int(row["per"]), row["first_day"] <= day <= row["last_day"]

    @cached_property
    def _exchange_rows(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in sorted(self.tables.get("exchange_rates", ()), key=lambda row: int(row["first_day"])):
            found.setdefault(row["currency"], []).append(row)
        return found

    def import_ban(self, hs: str, origin: str | None, day: date) -> Row | None:
        """The row in force for a code and origin whose `kind` is "ban", or "conditions" under which it may enter."""
        return self.by_prefix("bans").find(hs, day.toordinal(), lambda row: row["origin"] == origin)

    def gap(self, hs: str, origin: str | None, day: date) -> Mapping[str, Any] | None:
        """The known gap of coverage (`id`, `note`, `source`) that a code, origin and day fall in."""
        for gap in self.coverage.get("gap", ()):
            if gap["origin"] != origin or day < gap["first_day"] or day > gap.get("last_day", date.max):
                continue
            if any(hs.startswith(prefix) for prefix in gap["hs"]):
                return gap
        return None

    def cautions(self, hs: str, origin: str | None, day: date) -> list[Row]:
        """What is known to be unsafe in the data behind an answer for a code, an origin and a day: rows with `kind`,
        `note_zh` and `note_en`, one a kind and agreement. The longest prefix speaks, and with a blank note it lifts."""
        own = self.origins.agreements.get(self.origins.number.get(origin or "", 0), [])
        said: dict[tuple[str, str], Row] = {}
        for row in self.by_prefix("cautions").all(hs, day.toordinal()):
            if not row["agreement"] or row["agreement"] in own:
                said.setdefault((row["kind"], row["agreement"]), row)
        return [row for row in said.values() if row["note_en"]]

    def by_prefix(self, table: str) -> ByPrefix:
        """A table's rows by code."""
        found = self._prefixed.get(table)
        if found is None:
            found = self._prefixed[table] = ByPrefix(self.tables[table])
        return found

    @cached_property
    def _prefixed(self) -> dict[str, ByPrefix]:
        return {}

    # Code lists

    @cached_property
    def countries(self) -> dict[str, Row]:
        """alpha-2 -> row with alpha3, number, name_zh, name_en."""
        return {row["alpha2"]: row for row in self.tables["countries"]}

    @cached_property
    def currencies(self) -> dict[str, str]:
        """ISO 4217 code -> customs number."""
        return {row["code"]: row["number"] for row in self.tables["currencies"]}

    def reference(self, table: str) -> list[Row]:
        """The rows of a table that answers do not rest on ("nomenclature", "zones", see `tables.REFERENCE_TABLES`),
        read when first asked. Raises TariffFault for a faulty file, KeyError for a name that is none."""
        rows = self._reference.get(table)
        if rows is None:
            rows = self._reference[table] = self._read_reference(table)
        return rows

    @cached_property
    def _reference(self) -> dict[str, list[Row]]:
        return {}

    def code_list(self, name: str) -> dict[str, str]:
        """Code -> Chinese name of districts, transport_modes, trade_terms, package_types and the like."""
        return {row["code"]: row["name_zh"] for row in self.tables[name]}

    # What if

    def assuming(self, quotas: Mapping[str, date], rates: Sequence[tuple[str, str, Rate]]) -> Tariff:
        """The same law with quotas taken as used up on a day and rates put in by hand; all of it `assumed`.

        `rates` holds (schedule, prefix, rate), the schedule being a name such as "mfn", "vat" or "agreement:KR".
        Raises Problem quota_unknown or agreement_unknown for what this edition does not have.
        """
        key = (tuple(sorted(quotas.items())), tuple(rates))
        known = self._assumed.get(key)
        if known is None:
            known = self._assuming(quotas, rates)
            if len(self._assumed) >= ASSUMPTIONS_KEPT:
                self._assumed.pop(next(iter(self._assumed)))
            self._assumed[key] = known
        return known

    @cached_property
    def _assumed(self) -> dict[Any, Tariff]:
        return {}

    def _assuming(self, quotas: Mapping[str, date], rates: Sequence[tuple[str, str, Rate]]) -> Tariff:
        tables = dict(self.tables)
        events = [row for row in self.tables["quota_events"]
                  if row["quota"] not in quotas or row["event"] != "surcharge_starts"]  # fmt: skip
        tables["quota_events"] = [*events, *map(self._used_up, quotas, quotas.values())]
        stretches = Stretches(tables)
        for schedule, prefix, rate in rates:
            if schedule not in stretches.of:
                raise Problem(problems.AGREEMENT_UNKNOWN, f"{schedule}: no such kind of rate in this edition")
            entry = stretches.entries.id(Entry(rate, "", ASSUMED, note="assumed by the request"))
            stretches.of[schedule].append(Stretch(prefix, FIRST, FOREVER, entry, layer=2))
        other = Tariff.__new__(Tariff)
        own = ("_prefixed", "_schedule_names", "_assumed", "states", "index")  # caches over what is about to change
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name not in own})
        other.tables = tables
        other._build(stretches)
        return other

    def _used_up(self, quota: str, day: date) -> Row:
        known = next((row for row in self.tables["quotas"] if row["id"] == quota), None)
        if known is None:
            raise Problem(problems.QUOTA_UNKNOWN, f"{quota}: no such quota (quotas.csv)")
        first = day.toordinal() + SURCHARGE_DELAY
        return {**known, "quota": quota, "event": "surcharge_starts", "share": None, "first_day": first,
                "last_day": known["last_day"], "source": "", "standing": ASSUMED}  # fmt: skip


def line_key(hs: str) -> int:
    """The number a line is sorted by; a line of eight digits stands where its ten-digit codes would."""
    return int(hs) * 10 ** (10 - len(hs))


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
