"""One line's row read out: the rates applied and the rows of the law they stand in (Tariff Law art. 10-19).

What was considered and not applied is told by `customs.duty.considered`. What is read depends on the code, the day and
what was selected; it is kept for the next line that asks the same, so nobody may change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from customs.duty.charges import Charge, rate_phrase, unit_names
from customs.duty.columns import GENERAL, KINDS, MFN, PREFERENCE, PROVISIONAL, QUOTA, Lines, Selection
from customs.duty.explanation import Applied, Cited
from customs.duty.steps import Parameter, day_text, parameter, period
from customs.duty.wording import Phrase, said, told
from customs.tariff.index import names_of, text_of
from customs.tariff.rates import Staged
from customs.tariff.reading import Row
from customs.tariff.schedules import NONE, Entry
from customs.tariff.tariff import STANDING_WORDS, Tariff

_TABLES = {MFN: "mfn", PROVISIONAL: "provisional", GENERAL: "general", QUOTA: "quota_rates",
           PREFERENCE: "agreement_rates"}  # fmt: skip
_UNDATED = {"first_day": None, "last_day": None}  # the request put the rate in

Item = dict[str, Any]


class Reading:
    """The law of one row: code, origin and day, and what was selected for it."""

    def __init__(
        self, tariff: Tariff, lines: Lines, selection: Selection, i: int, hs: str, origin: str | None, day: date
    ) -> None:
        self.tariff, self.lines, self.selection, self.i = tariff, lines, selection, i
        self.hs, self.origin, self.day, self.ordinal = hs, origin, day, day.toordinal()
        self.number = int(lines.line[i])
        self.country = tariff.origins.number[origin] if origin else 0
        self.slot, self.kind, self.entry = int(selection.slot[i]), int(selection.kind[i]), int(selection.entry[i])
        self.agreement = _suffix(tariff, int(selection.agreement[i]))
        self.part = "" if lines.part is None else _suffix(tariff, int(lines.part[i]))
        self.beyond = lines.beyond is not None and bool(lines.beyond[i])
        self.exempt = () if lines.exempt is None else lines.exempt[i]
        self.index = tariff.index

    # Applied

    def duty(self) -> Applied:
        """The rate the duty is computed with."""
        return self._kept("duty", self.entry, self.kind, self.agreement, self.part, make=self._duty)

    def additions(self) -> list[tuple[tuple[int, int], Applied]]:
        """(place in `Selection.added`, what is added) of each addition levied."""
        column = int(np.searchsorted(self.selection.added_at, self.i))
        if column == len(self.selection.added_at) or self.selection.added_at[column] != self.i:
            return []
        numbers = self.selection.added[:, column].tolist()
        return [((depth, column), self._kept("added", number, make=lambda number=number: self._addition(number)))
                for depth, number in enumerate(numbers) if number != NONE]  # fmt: skip

    def vat(self) -> Applied:
        number = int(self.selection.vat[self.i])
        return self._kept("vat", number, make=lambda: self._vat(number))

    def consumption(self) -> Applied | None:
        number = int(self.selection.consumption[self.i])
        return None if number == NONE else self._kept("consumption", number, make=lambda: self._consumption(number))

    def charged(self, applied: Applied) -> Charge:
        """What a rate charges on this line: with its quantity."""
        charge = applied.charge
        if not charge.unit:
            return charge
        return replace(charge, quantity=int(self.lines.quantity[charge.unit][self.i]))

    def duty_charged(self, applied: Applied) -> Charge:
        """The same for the duty, whose share of the value may slide with the price."""
        charge, share = self.charged(applied), int(self.selection.share[self.i])
        return charge if charge.share == share else replace(charge, share=share)

    def _kept(self, what: str, *depends_on: Any, make: Any) -> Applied:
        found: Applied = self.index.kept((what, self.hs, self.ordinal, *depends_on), make)
        return found

    # Made once

    def _duty(self) -> Applied:
        name = KINDS[self.kind]
        if self.kind == PREFERENCE:
            rows = [*self.rows_of("agreement_rates", agreement=self.agreement)]
            named: Phrase = ["named_rate", {"kind": [name], "name": self.index.agreements[self.agreement]}]
            more = {"agreement": self.agreement, **said(name=named)}
        else:
            rows, more = self._rows_of_rate(), {}
        return self._applied(name, self.entry, [f"law_{name}"], rows, rows, more)

    def _rows_of_rate(self) -> list[Cited]:
        """A part of the code that has a rate of its own goes before the whole."""
        if self.kind != PROVISIONAL:
            return [*self.rows_of(_TABLES[self.kind])]
        own = [*self.rows_of("provisional", part_name=self.part)] if self.part else []
        return own or [*self.rows_of("provisional", part="")]

    def _addition(self, number: int) -> Applied:
        entry = self.tariff.entries[number]
        measure = self.index.measures[entry.measure]
        named: Phrase = ["named_rate", {"kind": [measure["kind"]], "name": names_of(measure)}]
        more = {"measure": measure["id"], **said(name=named)}
        rows = [*self.rows_of("measure_rates", measure=measure["id"], rate=entry.rate)]
        law = [["law_measures"], text_of(measure, "law")]
        if not entry.note:
            return self._applied(measure["kind"], number, law, rows, rows, more)
        # The surcharge begins on the day of the event, whenever the measure itself began (rule A7).
        start = min((row for row in self.index.quota_events[entry.note] if row["event"] == "surcharge_starts"),
                    key=lambda row: int(row["first_day"]))  # fmt: skip
        begun = [(table, {**row, "first_day": max(row["first_day"], start["first_day"])}) for table, row in rows]
        return self._applied(measure["kind"], number, law, begun, rows, {**more, "quota": entry.note},
                             [parameter("surcharge_start", entry.note, start)])  # fmt: skip

    def _vat(self, number: int) -> Applied:
        members = [*self.rows_of("vat_classes")]
        rates = [("vat_rates", rate) for _, member in members for rate in self.index.vat_rates.get(member["class"], ())
                 if runs(rate, self.ordinal)]  # fmt: skip
        classes = [parameter("vat_class", member["class"], member) for _, member in members]
        more = {"class": self.tariff.entries[number].note}
        return self._applied("vat", number, ["law_vat_rate"], rates, [*members, *rates], more, classes)

    def _consumption(self, number: int) -> Applied:
        rows = [*self.rows_of("consumption_tax")]
        thresholds = [parameter("price_threshold", "; ".join(price.text for price in row["threshold"]), row)
                      for _, row in rows if row["threshold"]]  # fmt: skip
        return self._applied("consumption_tax", number, ["law_consumption_rate"], rows, rows, {}, thresholds)

    def _applied(
        self, kind: str, number: int, law: Phrase, stands: list[Cited], rows: list[Cited], more: Item,
        parameters: list[Parameter] | None = None,
    ) -> Applied:  # fmt: skip
        """An entry that applies; it `stands` in the first of these rows, unless the request put it in by hand."""
        entry, columns = self.tariff.entries[number], self.tariff.columns
        charge = Charge(int(columns.ad_valorem[number]))
        if columns.unit[number]:
            word = columns.units[int(columns.unit[number])]
            charge = Charge(charge.share, int(columns.specific[number]), word, 0, unit_names(word, self.index.units))
        days = self._period(stands[0][1]) if stands and entry.source else _UNDATED
        own: Parameter = {"name": kind, "value": entry.rate.text, "source": entry.source or "request", **days,
                          "standing": STANDING_WORDS[entry.standing]}  # fmt: skip
        item = {"kind": kind, "rate": entry.rate.text, "source": own["source"], "standing": own["standing"], **days,
                **more, **said(law=law)}  # fmt: skip
        if "phrases" in more:
            item["phrases"] = {**more["phrases"], **item["phrases"]}
        if not entry.rate.is_share:
            own["phrases"] = {"value": rate_phrase(entry.rate, self.index.units)}
        of_step = told([["law_duty"], law] if kind in KINDS else law)
        return Applied(item, charge, [own, *(parameters or ())], rows, of_step)

    def _period(self, row: Row) -> dict[str, str | None]:
        """The days of a rate; of a staged one those of the step that the day falls in."""
        days, rate = period(row), row.get("rate")
        if not isinstance(rate, Staged):
            return days
        final = rate.first_year + rate.steps - 1
        begin = date(min(self.day.year, final), 1, 1).toordinal()
        if self.day.year < final:
            days["last_day"] = day_text(min(row["last_day"], date(self.day.year, 12, 31).toordinal()))
        return {**days, "first_day": day_text(max(row["first_day"], begin))}

    # Rows used

    def rows_of_origin(self) -> Iterator[Cited]:
        """(table, row) of what makes the origin belong to the class, or the agreement, that applies."""
        if self.kind == PREFERENCE:
            members = self.tariff.origins.member_rows[(self.country, self.agreement)]
            yield from (("agreement_members", row) for row in members if runs(row, self.ordinal))
        else:
            classes = self.tariff.origins.class_rows.get(self.country, ())
            yield from (("origin_classes", row) for row in classes if runs(row, self.ordinal))

    def rows_of(self, table: str, **same: Any) -> Iterator[Cited]:
        """(table, row) of the row in force for the code whose columns are as given."""
        found = self.tariff.by_prefix(table).find(
            self.hs, self.ordinal, lambda row: all(row[name] == value for name, value in same.items())
        )
        if found is not None:
            yield table, found

    # Looking up

    def scheduled(self, name: str) -> Entry | None:
        """The entry of a schedule for the line on the day."""
        found = self.tariff.schedules.entry_of(self.tariff.schedules.names[name], self.number, self.slot)
        return None if found == NONE else self.tariff.entries[found]

    def duty_rate(self) -> Phrase:
        """The duty rate in words."""
        return rate_phrase(self.tariff.entries[self.entry].rate, self.index.units)


def _suffix(tariff: Tariff, schedule: int) -> str:
    """The agreement, or the part of a code, that a schedule is of; blank for none (-1)."""
    return tariff.schedule_name(schedule).partition(":")[2] if schedule >= 0 else ""


def runs(row: Row, day: int) -> bool:
    return bool(row["first_day"] <= day <= row["last_day"])
