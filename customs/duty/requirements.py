"""What general trade asks for beside money: licences, permits, certificates, and what is not known about the law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from customs.duty.charges import rate_phrase
from customs.duty.wording import Phrase, said
from customs.tariff.index import text_of
from customs.tariff.rates import Rate
from customs.tariff.reading import Row
from customs.tariff.tariff import ASSUMED, STANDING_WORDS, Tariff

# Supervision codes as printed in the tariff: what the importer must show.
_BY_CODE = {
    "A": "entry_inspection",
    "F": "cites_import_permit",
    "U": "legal_catch_certificate",
    "t": "tariff_quota_certificate",
    "6": "used_goods_prohibited",
    "1": "import_licence",
}
_OF_THE_LIST = ("list_unread",)  # these concern the retail import list, not a rate
_FOOD_OF_ANIMALS = ("02", "03", "16")


@dataclass(frozen=True, slots=True)
class QuotaState:
    """Where the country quota of a safeguard stands on a day (rule A7): `levied` once its surcharge has started;
    `known` while a fact not older than the month of the day says that it is open."""

    quota: Row
    rate: Rate
    levied: bool
    known: bool
    as_of: date | None
    share: str | None


def requirements(tariff: Tariff, hs: str, origin: str | None, day: date) -> list[dict[str, Any]]:
    """The requirements of general trade for one ten-digit code, each with `code`, `detail`, `source`, `standing`."""
    whatever_origin = tariff.index.kept(("requirements", hs, day), lambda: [*_of_code(tariff, hs, day)])
    return [*whatever_origin, *conditions(tariff, hs, origin, day)]


def _of_code(tariff: Tariff, hs: str, day: date) -> Iterator[dict[str, Any]]:
    licence = tariff.licence_required(hs, day)
    if licence is not None:
        yield _row("automatic_import_licence", licence)
    codes, ciq, row = tariff.controls(hs, day)
    for letter, code in _BY_CODE.items():
        if letter in codes and row is not None:
            yield _row(code, row)
    inspected = tariff.inspection(hs, day) if "P" in ciq else None
    if inspected is not None:
        yield _row("quarantine", inspected)
    if hs[:2] in _FOOD_OF_ANIMALS:
        yield _said("establishment_registration", ["establishment_registration"], "meat-access", "secondary")


def conditions(tariff: Tariff, hs: str, origin: str | None, day: date) -> Iterator[dict[str, Any]]:
    """Conditions under which goods of an origin may enter; they hold in retail too (rule A12)."""
    row = tariff.import_ban(hs, origin, day)
    if row is not None and row["kind"] == "conditions":
        yield _row("import_conditions", row, text_of(row, "text"))


def doubts(
    tariff: Tariff, hs: str, origin: str | None, day: date, state: QuotaState | None
) -> Iterator[dict[str, Any]]:
    """What keeps the duty itself from being sure: an unknown quota state, a gap of coverage."""
    if state is not None and not state.levied and not state.known:
        figures = {"quota": state.quota["id"], "tonnes": str(state.quota["tonnes"]),
                   "rate": rate_phrase(state.rate, tariff.index.units)}  # fmt: skip
        phrase = ["quota_last_known", {**figures, "day": str(state.as_of)}] if state.as_of else (
            ["quota_never_read", figures])  # fmt: skip
        yield _said("quota_state_unknown", phrase, state.quota["source"], "assumed")
    gap = tariff.gap(hs, origin, day)
    if gap is not None:
        yield _said("outside_coverage", text_of(gap, "note"), str(gap["source"]), "assumed")


def cautions(tariff: Tariff, hs: str, origin: str | None, day: date) -> list[dict[str, Any]]:
    """What is known to be unsafe in the rows behind the rates of a code; it does not lower the standing, which is that
    of the rows themselves."""

    def found() -> list[dict[str, Any]]:
        rows = [row for row in tariff.cautions(hs, origin, day) if row["kind"] not in _OF_THE_LIST]
        return [{**_row("caution", row, {"en": row["note_en"], "zh": row["note_zh"]}), "kind": row["kind"]}
                for row in rows]  # fmt: skip

    made: list[dict[str, Any]] = tariff.index.kept(("cautions", hs, origin, day), found)
    return made


def part_question(tariff: Tariff, hs: str, day: date) -> Iterator[dict[str, Any]]:
    """The parts ("ex") of a code that have a rate of their own: is the line one of them?"""
    for row in tariff.by_prefix("provisional").all(hs, day.toordinal()):
        if row["part"] and row["rate"] is not None:
            rate = rate_phrase(row["rate"], tariff.index.units)
            phrase = ["part_question", {"part": text_of(row, "part_name"), "rate": rate}]
            yield {**_row("part_question", row, phrase), "part": row["part_name"]}


def exclusion_unknown(tariff: Tariff, number: str) -> dict[str, Any]:
    """An exclusion number that is not on file for the code and day lifts nothing."""
    return _said("exclusion_not_on_file", ["exclusion_not_on_file", {"number": number}], "request", "assumed")


def borrowed_rate() -> dict[str, Any]:
    """A price threshold in foreign currency that was compared at another month's rate."""
    return _said("threshold_rate_borrowed", ["threshold_rate_borrowed"], "exchange_rates.csv", "assumed")


def quota_state(tariff: Tariff, hs: str, origin: str | None, day: date) -> QuotaState | None:
    """The state of the country quota that a code and origin fall under; None when no quota does."""
    state: QuotaState | None = tariff.index.kept(
        ("quota", hs, origin, day), lambda: _quota_state(tariff, hs, origin, day)
    )
    return state


def _quota_state(tariff: Tariff, hs: str, origin: str | None, day: date) -> QuotaState | None:
    ordinal = day.toordinal()
    rated = tariff.by_prefix("measure_rates").all(hs, ordinal)
    for row in rated:
        quota = _quota(tariff, row["measure"], origin, ordinal)
        if quota is not None:
            return _state(tariff, quota, row["rate"], day)
    return None


def excluded(tariff: Tariff, hs: str, origin: str | None, day: date) -> Row | None:
    """The row that excludes an origin from a measure on a code."""
    ordinal = day.toordinal()
    for rated in tariff.by_prefix("measure_rates").all(hs, ordinal):
        row = _exclusion(tariff, rated["measure"], origin, ordinal)
        if row is not None:
            return row
    return None


def _exclusion(tariff: Tariff, measure: str, origin: str | None, day: int) -> Row | None:
    for row in tariff.index.exclusions.get(measure, ()):
        if row["country"] == origin and row["first_day"] <= day <= row["last_day"]:
            return row
    return None


def _quota(tariff: Tariff, measure: str, origin: str | None, day: int) -> Row | None:
    mine, others = None, None
    for row in tariff.index.quotas.get(measure, ()):
        if row["first_day"] <= day <= row["last_day"]:
            if row["country"] == origin:
                mine = row
            elif row["country"] == "*":
                others = row
    if mine is not None or origin == "CN":
        return mine
    return None if _exclusion(tariff, measure, origin, day) else others


def _state(tariff: Tariff, quota: Row, rate: Rate, day: date) -> QuotaState:
    events = tariff.index.quota_events.get(quota["id"], ())
    starts = [row["first_day"] for row in events if row["event"] == "surcharge_starts"]
    states = [row for row in events if row["event"] == "state"]
    month = day.replace(day=1).toordinal()
    latest = max(states, key=lambda row: row["first_day"], default=None)
    known = bool(starts) or (latest is not None and latest["first_day"] >= month)
    return QuotaState(
        quota,
        rate,
        levied=bool(starts) and min(starts) <= day.toordinal(),
        known=known,
        as_of=date.fromordinal(latest["first_day"]) if latest else None,
        share=str(latest["share"]) if latest else None,
    )


def _row(code: str, row: Row, detail: Phrase = None) -> dict[str, Any]:
    return _said(code, detail or [code], row["source"], STANDING_WORDS[row["standing"]])


def _said(code: str, detail: Phrase, source: str, standing: str) -> dict[str, Any]:
    return {"code": code, **said(detail=detail), "source": source, "standing": standing}


def weakest(standings: Iterator[str]) -> str:
    """The weakest of several standings: one assumed row makes the answer assumed."""
    worst = max((STANDING_WORDS.index(word) for word in standings), default=0)
    return STANDING_WORDS[min(worst, ASSUMED)]
