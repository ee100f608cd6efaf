"""What general trade asks for beside money: licences, permits, certificates, and what is not known about the law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from customs.tariff.rates import Rate
from customs.tariff.reading import Row
from customs.tariff.tariff import ASSUMED, STANDING_WORDS, Tariff

# Supervision codes as printed in the tariff: what the importer must show.
_BY_CODE = {
    "A": ("entry_inspection", "entry inspection and quarantine form"),
    "F": ("cites_import_permit", "import permit for endangered species"),
    "U": ("legal_catch_certificate", "certificate of legal catch"),
    "t": ("tariff_quota_certificate", "tariff quota certificate"),
    "6": ("used_goods_prohibited", "used machinery of this code may not be imported"),
    "1": ("import_licence", "import licence"),
}
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


def requirements(tariff: Tariff, hs: str, origin: str | None, day: date) -> Iterator[dict[str, Any]]:
    """The requirements of general trade for one ten-digit code, each with `code`, `detail`, `source`, `standing`."""
    licence = tariff.licence_required(hs, day)
    if licence is not None:
        yield _row("automatic_import_licence", "automatic import licence before customs declaration", licence)
    codes, ciq, row = tariff.controls(hs, day)
    for letter, (code, detail) in _BY_CODE.items():
        if letter in codes and row is not None:
            yield _row(code, detail, row)
    if "P" in ciq and row is not None:
        yield _row("quarantine", "animal and plant quarantine at entry", row)
    if hs[:2] in _FOOD_OF_ANIMALS:
        yield _said("establishment_registration", "registered overseas establishment and quarantine permit",
                    "meat-access", "secondary")  # fmt: skip
    yield from conditions(tariff, hs, origin, day)


def conditions(tariff: Tariff, hs: str, origin: str | None, day: date) -> Iterator[dict[str, Any]]:
    """Conditions under which goods of an origin may enter; they hold in retail too (rule A12)."""
    row = tariff.import_ban(hs, origin, day)
    if row is not None and row["kind"] == "conditions":
        yield _row("import_conditions", row["text"], row)


def doubts(
    tariff: Tariff, hs: str, origin: str | None, day: date, state: QuotaState | None
) -> Iterator[dict[str, Any]]:
    """What keeps the duty itself from being sure: an unknown quota state, a gap of coverage."""
    if state is not None and not state.levied and not state.known:
        as_of = f"last known on {state.as_of}" if state.as_of else "never read"
        yield _said("quota_state_unknown", f"quota {state.quota['id']} of {state.quota['tonnes']} t: {as_of}; beyond it"
                    f" {state.rate.text} % is added", state.quota["source"], "assumed")  # fmt: skip
    gap = tariff.gap(hs, origin, day)
    if gap is not None:
        yield _said("outside_coverage", str(gap["note"]), str(gap["source"]), "assumed")


def quota_state(tariff: Tariff, hs: str, origin: str | None, day: date) -> QuotaState | None:
    """The state of the country quota that a code and origin fall under; None when no quota does."""
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
    measures = {row["measure"] for row in tariff.by_prefix("measure_rates").all(hs, ordinal)}
    for row in tariff.tables["measure_exclusions"]:
        if row["measure"] in measures and row["country"] == origin and row["first_day"] <= ordinal <= row["last_day"]:
            return row
    return None


def _quota(tariff: Tariff, measure: str, origin: str | None, day: int) -> Row | None:
    mine, others = None, None
    for row in tariff.tables["quotas"]:
        if row["measure"] == measure and row["first_day"] <= day <= row["last_day"]:
            if row["country"] == origin:
                mine = row
            elif row["country"] == "*":
                others = row
    if mine is not None or origin in (None, "CN"):
        return mine
    out = any(r["measure"] == measure and r["country"] == origin and r["first_day"] <= day <= r["last_day"]
              for r in tariff.tables["measure_exclusions"])  # fmt: skip
    return None if out else others


def _state(tariff: Tariff, quota: Row, rate: Rate, day: date) -> QuotaState:
    events = [row for row in tariff.tables["quota_events"] if row["quota"] == quota["id"]]
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


def _row(code: str, detail: str, row: Row) -> dict[str, Any]:
    return _said(code, detail, row["source"], STANDING_WORDS[row["standing"]])


def _said(code: str, detail: str, source: str, standing: str) -> dict[str, Any]:
    return {"code": code, "detail": detail, "source": source, "standing": standing}


def weakest(standings: Iterator[str]) -> str:
    """The weakest of several standings: one assumed row makes the answer assumed."""
    worst = max((STANDING_WORDS.index(word) for word in standings), default=0)
    return STANDING_WORDS[min(worst, ASSUMED)]
