"""One line's row read out: what was applied, what was considered and not applied, and why (Tariff Law art. 10-19)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np

from customs.duty.columns import GENERAL, KINDS, MFN, PREFERENCE, PROVISIONAL, QUOTA, Selection
from customs.duty.requirements import excluded, quota_state
from customs.tariff.origins import MFN as MFN_CLASS
from customs.tariff.reading import Row
from customs.tariff.schedules import NONE, Entry
from customs.tariff.tariff import STANDING_WORDS, Tariff

LAW = {
    MFN: "Tariff Law art. 12: origins with most-favoured-nation treatment",
    PROVISIONAL: "Tariff Law art. 13: a provisional rate in force replaces MFN",
    GENERAL: "Tariff Law art. 12: other and unknown origins pay the general rate",
    QUOTA: "Tariff Law art. 14: goods inside the tariff quota",
    PREFERENCE: "Tariff Law art. 12-13: proven preferential origin, the lowest rate",
}
MEASURE_LAW = "Tariff Law art. 16-18"

Item = dict[str, Any]
_TABLES = {MFN: "mfn", PROVISIONAL: "provisional", GENERAL: "general", QUOTA: "quota_rates"}


class Reading:
    """The law of one row. `applied` and `not_applied` are lists of plain dicts, ready for the answer."""

    def __init__(
        self, tariff: Tariff, selection: Selection, i: int, hs: str, number: int, origin: str | None, day: date
    ) -> None:
        self.tariff, self.selection, self.i = tariff, selection, i
        self.hs, self.number, self.origin, self.day = hs, number, origin, day
        self.country = tariff.origins.number[origin] if origin else 0
        self.slot = int(selection.slot[i])

    # Applied

    def duty(self) -> Item:
        """The rate the duty is computed with."""
        kind, entry = int(self.selection.kind[self.i]), self._entry(self.selection.entry[self.i])
        item = _item(KINDS[kind], entry, LAW[kind])
        if kind == PREFERENCE:
            item["agreement"] = self._agreement(int(self.selection.agreement[self.i]))
        return item

    def additions(self) -> list[tuple[tuple[int, int], Item]]:
        """(place in `Selection.added`, item) of each addition levied."""
        items: list[tuple[tuple[int, int], Item]] = []
        added = self.tariff.origins.added
        column = int(np.searchsorted(self.selection.added_at, self.i))
        if column == len(self.selection.added_at) or self.selection.added_at[column] != self.i:
            return items
        for depth, found in enumerate(self.selection.added[:, column].tolist()):
            if found == NONE:
                continue
            entry = self.tariff.entries[found]
            measure = self._measure(entry, depth, added.get(self.country, []))
            item = _item(measure["kind"], entry, f"{MEASURE_LAW}; {measure['law']}")
            item["measure"] = measure["id"]
            if entry.note:
                item["quota"] = entry.note
            items.append(((depth, column), item))
        return items

    def vat(self) -> Item:
        entry = self._entry(self.selection.vat[self.i])
        return {**_item("vat", entry, "VAT Law art. 10 and 14"), "class": entry.note}

    def consumption(self) -> Item | None:
        found = int(self.selection.consumption[self.i])
        if found == NONE:
            return None
        return _item("consumption_tax", self.tariff.entries[found], "Consumption Tax Regulations art. 9")

    # Not applied

    def not_applied(self, proven: bool, claim: str | None) -> list[Item]:
        """Everything looked at and left out, each with its reason."""
        return [*self._base_left(), *self._parts(), *self._preferences(proven, claim), *self._foreign_claim(claim),
                *self._measures_left(),
                *self.consumption_left()]  # fmt: skip

    def _base_left(self) -> Iterator[Item]:
        kind = int(self.selection.kind[self.i])
        most_favoured = self.tariff.origins.rate_class[self.country, self.slot] == MFN_CLASS
        own = self.duty()["rate"]
        mfn, provisional, quota = self._scheduled("mfn"), self._scheduled("provisional"), self._scheduled("quota_rates")
        if mfn is not None and kind != MFN:
            reason = f"the {KINDS[kind].replace('_', ' ')} rate of {own} takes its place"
            if kind == GENERAL:
                reason = self._without_mfn(bool(most_favoured))
            yield _left("mfn", mfn, reason)
        if provisional is not None and kind != PROVISIONAL:
            yield _left("provisional", provisional, f"the {KINDS[kind].replace('_', ' ')} rate of {own} applies"
                        if most_favoured else "general-rate goods never get a provisional rate (art. 12)")  # fmt: skip
        general = self._scheduled("general")
        if general is not None and kind != GENERAL:
            yield _left("general", general, "the origin has a better class")
        if quota is not None and kind != QUOTA:
            yield _left("tariff_quota", quota, f"the {KINDS[kind].replace('_', ' ')} rate of {own} is lower")

    def _without_mfn(self, most_favoured: bool) -> str:
        if most_favoured:
            return "origin not proven while a measure is in force: the general rate is the higher (art. 19)"
        return "origin unknown: the general rate" if self.origin is None else "the origin has no MFN treatment"

    def _parts(self) -> Iterator[Item]:
        for row in self.tariff.by_prefix("provisional").all(self.hs, self.day.toordinal()):
            if row["part"]:
                reason = f"covers only a part of the code: {row['part_name']}"
                yield {"kind": "provisional", "rate": row["rate"].text, "source": row["source"], "reason": reason}

    def _preferences(self, proven: bool, claim: str | None) -> Iterator[Item]:
        schedule = int(self.selection.agreement[self.i])
        applied = self._agreement(schedule) if schedule >= 0 else ""
        ordinal = self.day.toordinal()
        for agreement in self.tariff.origins.agreements.get(self.country, []):
            if agreement == applied:
                continue
            if not any(_runs(row, ordinal) for row in self._memberships(agreement)):
                continue
            entry = self._scheduled(f"agreement:{agreement}")
            given = proven or claim == agreement
            yield {"kind": "agreement", "agreement": agreement, "rate": entry.rate.text if entry else None,
                   "source": entry.source if entry else None,
                   "reason": self._why_not(agreement, entry, given),
                   **({"claimed_but_unread": True} if given and entry is None and not self._suspended(agreement)
                      else {})}  # fmt: skip

    def _foreign_claim(self, claim: str | None) -> Iterator[Item]:
        """A claim to an agreement that the origin does not belong to on that day."""
        ordinal = self.day.toordinal()
        if claim is not None and not any(_runs(r, ordinal) for r in self._memberships(claim)):
            yield {"kind": "agreement", "agreement": claim, "rate": None, "source": None,
                   "reason": f"{self.origin or 'an unknown origin'} is not a member of it on that day"}  # fmt: skip

    def _memberships(self, agreement: str) -> list[Row]:
        return self.tariff.origins.member_rows.get((self.country, agreement), [])

    def _why_not(self, agreement: str, entry: Entry | None, given: bool) -> str:
        suspended = self._suspended(agreement)
        if suspended is not None:
            return f"suspended by {suspended['event']} from {date.fromordinal(suspended['first_day'])}"
        if entry is None:
            return "no rate of this agreement is on file for the code on that day"
        if not given:
            return "proof of origin and direct transport not given"
        return f"not lower than the rate of {self.duty()['rate']} that applies"

    def _suspended(self, agreement: str) -> Row | None:
        return self.tariff.by_prefix("agreement_suspensions").find(
            self.hs, self.day.toordinal(), lambda row: bool(row["agreement"] == agreement)
        )

    def _measures_left(self) -> Iterator[Item]:
        ordinal = self.day.toordinal()
        if (out := excluded(self.tariff, self.hs, self.origin, self.day)) is not None:
            yield {"kind": "safeguard", "measure": out["measure"], "rate": None, "source": out["source"],
                   "reason": "small supplier excluded from the measure"}  # fmt: skip
        state = quota_state(self.tariff, self.hs, self.origin, self.day)
        if state is not None and not state.levied:
            reason = f"inside the quota of {state.quota['tonnes']} t ({state.quota['id']})"
            if state.share is not None:
                reason += f"; {state.share} % used by {state.as_of}"
            yield {"kind": "safeguard", "measure": state.quota["measure"], "rate": state.rate.text,
                   "source": state.quota["source"], "reason": reason, "quota": state.quota["id"]}  # fmt: skip
        for row in self.tariff.by_prefix("measure_suspensions").all(self.hs, ordinal):
            measure = self._measure_row(row["measure"])
            if measure["origin"] in (self.origin, "*"):
                levied = self._levied(row["measure"])
                yield {"kind": measure["kind"], "measure": measure["id"],
                       "rate": levied["rate"].text if levied else None, "source": row["source"],
                       "reason": f"not levied: {row['act']} until {_end(row)}"}  # fmt: skip
        for row in self.tariff.by_prefix("suspended_duties").all(self.hs, ordinal):
            if row["origin"] == self.origin:
                yield {"kind": "retaliatory", "measure": row["id"], "rate": row["rate"].text, "source": row["source"],
                       "reason": f"suspended until {_end(row)}: {row['law']}"}  # fmt: skip

    def consumption_left(self) -> Iterator[Item]:
        listed = self._scheduled("consumption_tax")
        if listed is not None and listed.thresholds and self.selection.consumption[self.i] == NONE:
            words = " and ".join(threshold.text for threshold in listed.thresholds)
            yield _left("consumption_tax", listed, f"the value per unit of net content is below {words}")

    def inside_retail_limits(self, limit: str) -> Iterator[Item]:
        """The duties that general trade would levy and retail inside its limits does not (rule A12)."""
        reason = f"no duty on cross-border retail inside the single limit of {limit}"
        for name, kind in (("mfn", "mfn"), ("provisional", "provisional")):
            entry = self._scheduled(name)
            if entry is not None:
                yield _left(kind, entry, reason)
        for schedule, measure, _ in self.tariff.origins.added.get(self.country, []):
            found = self.tariff.schedules.entry_of(schedule, self.number, self.slot)
            if found != NONE:
                item = _left(self._measure_row(measure)["kind"], self.tariff.entries[found], reason)
                yield {**item, "measure": measure}

    # Rows used

    def rows_of_duty(self) -> Iterator[tuple[str, Row]]:
        """(table, row) of what decides the duty and its additions."""
        kind = int(self.selection.kind[self.i])
        ordinal = self.day.toordinal()
        if kind == PREFERENCE:
            agreement = self._agreement(int(self.selection.agreement[self.i]))
            yield from self.rows_of("agreement_rates", agreement=agreement)
            members = self.tariff.origins.member_rows[(self.country, agreement)]
            yield from (("agreement_members", row) for row in members if _runs(row, ordinal))
        else:
            yield from self.rows_of(_TABLES[kind])
            classes = self.tariff.origins.class_rows.get(self.country, [])
            yield from (("origin_classes", row) for row in classes if _runs(row, ordinal))
        for _, item in self.additions():
            yield from self.rows_of("measure_rates", measure=item["measure"])

    def rows_of_taxes(self) -> Iterator[tuple[str, Row]]:
        """(table, row) of what decides VAT and consumption tax."""
        ordinal = self.day.toordinal()
        for _, member in self.rows_of("vat_classes"):
            yield "vat_classes", member
            rates = self.tariff.tables["vat_rates"]
            yield from (("vat_rates", r) for r in rates if r["class"] == member["class"] and _runs(r, ordinal))
        yield from self.rows_of("consumption_tax")

    def rows_of(self, table: str, **same: str) -> Iterator[tuple[str, Row]]:
        """(table, row) of the row in force for the code whose columns are as given."""
        found = self.tariff.by_prefix(table).find(
            self.hs, self.day.toordinal(), lambda row: all(row[name] == value for name, value in same.items())
        )
        if found is not None:
            yield table, found

    # Looking up

    def _levied(self, measure: str) -> Row | None:
        return self.tariff.by_prefix("measure_rates").find(
            self.hs, self.day.toordinal(), lambda row: bool(row["measure"] == measure)
        )

    def _scheduled(self, name: str) -> Entry | None:
        found = self.tariff.schedules.entry_of(self.tariff.schedules.names[name], self.number, self.slot)
        return None if found == NONE else self.tariff.entries[found]

    def _entry(self, number: Any) -> Entry:
        return self.tariff.entries[int(number)]

    def _agreement(self, schedule: int) -> str:
        return self.tariff.schedule_name(schedule).removeprefix("agreement:")

    def _measure(self, entry: Entry, depth: int, own: list[tuple[int, str, int]]) -> Row:
        """The measure an addition belongs to; under art. 19 it may be another origin's."""
        candidates = [own[depth]] if depth < len(own) else []
        for others in self.tariff.origins.added.values():
            candidates += [others[depth]] if depth < len(others) else []
        for schedule, measure, _ in candidates:
            found = self.tariff.schedules.entry_of(schedule, self.number, self.slot)
            if found != NONE and self.tariff.entries[found] == entry:
                return self._measure_row(measure)
        raise LookupError(f"{self.hs}: an addition without its measure")

    def _measure_row(self, measure: str) -> Row:
        return next(row for row in self.tariff.tables["measures"] if row["id"] == measure)


def _item(kind: str, entry: Entry, law: str) -> Item:
    return {"kind": kind, "rate": entry.rate.text, "source": entry.source or "request",
            "standing": STANDING_WORDS[entry.standing], "law": law}  # fmt: skip


def _left(kind: str, entry: Entry, reason: str) -> Item:
    return {"kind": kind, "rate": entry.rate.text, "source": entry.source, "reason": reason}


def _runs(row: Row, day: int) -> bool:
    return bool(row["first_day"] <= day <= row["last_day"])


def _end(row: Row) -> str:
    return date.fromordinal(row["last_day"]).isoformat()
