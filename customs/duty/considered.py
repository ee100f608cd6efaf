"""What was looked at for a line and not applied, each with its reason: users ask "why not the lower rate?"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from customs.duty.charges import price_phrase
from customs.duty.columns import GENERAL, KINDS, MFN, PROVISIONAL, QUOTA
from customs.duty.reading import Item, Reading, runs
from customs.duty.requirements import QuotaState, excluded, quota_state
from customs.duty.steps import day_text
from customs.duty.wording import Phrase, said
from customs.tariff.index import names_of, text_of
from customs.tariff.origins import MFN as MFN_CLASS
from customs.tariff.reading import FOREVER, Row
from customs.tariff.schedules import NONE, Entry


def not_applied(reading: Reading, proven: bool, claim: str | None) -> list[Item]:
    """Everything looked at and left out in general trade. The same reasons serve every line that is alike in what they
    depend on; whoever gets them must not change them."""
    selected = (reading.kind, reading.entry, reading.agreement, int(reading.selection.consumption[reading.i]))
    given = (proven, claim, reading.part, reading.beyond, reading.exempt)
    key = ("left", reading.hs, reading.origin, reading.ordinal, *selected, *given)
    made: list[Item] = reading.index.kept(key, lambda: [*_left_out(reading, proven, claim)])
    return [*made]


def _left_out(reading: Reading, proven: bool, claim: str | None) -> Iterator[Item]:
    yield from _base_left(reading)
    yield from _parts(reading)
    yield from _preferences(reading, proven, claim)
    yield from _foreign_claim(reading, claim)
    yield from _measures_left(reading)
    yield from _consumption_left(reading)


def retail_not_applied(reading: Reading, limit: str) -> list[Item]:
    """What retail inside its limits leaves out; `limit` is the single limit in CNY."""
    key = ("retail", reading.hs, reading.origin, reading.ordinal, int(reading.selection.consumption[reading.i]), limit)
    made: list[Item] = reading.index.kept(
        key, lambda: [*_inside_retail_limits(reading, limit), *_consumption_left(reading)]
    )
    return [*made]


def _consumption_left(reading: Reading) -> Iterator[Item]:
    """Consumption tax that the price per unit does not reach."""
    listed = reading.scheduled("consumption_tax")
    if listed is None or not listed.thresholds or reading.selection.consumption[reading.i] != NONE:
        return
    below, *others = [price_phrase(threshold.text, reading.index.units) for threshold in listed.thresholds]
    for price in others:
        below = ["or_price", {"one": below, "other": price}]
    yield _left("consumption_tax", listed, ["below_threshold", {"price": below}])


def _inside_retail_limits(reading: Reading, limit: str) -> Iterator[Item]:
    """The duties that general trade would levy (rule A12)."""
    reason = ["inside_retail", {"limit": limit}]
    for kind in ("mfn", "provisional"):
        entry = reading.scheduled(kind)
        if entry is not None:
            yield _left(kind, entry, reason)
    for schedule, measure, _ in reading.tariff.origins.added.get(reading.country, ()):
        found = reading.tariff.schedules.entry_of(schedule, reading.number, reading.slot)
        if found != NONE:
            entry = reading.tariff.entries[found]
            yield _measure_left(reading, measure, entry.rate.text, entry.source, reason, {})


def _base_left(reading: Reading) -> Iterator[Item]:
    kind = reading.kind
    most_favoured = bool(reading.tariff.origins.rate_class[reading.country, reading.slot] == MFN_CLASS)
    mfn, provisional = reading.scheduled("mfn"), reading.scheduled("provisional")
    if mfn is not None and kind != MFN:
        reason = _without_mfn(reading, most_favoured) if kind == GENERAL else _instead(reading, "takes_its_place")
        yield _left("mfn", mfn, reason)
    if provisional is not None and kind != PROVISIONAL:
        reason = _instead(reading, "other_applies") if most_favoured else ["no_provisional"]
        yield _left("provisional", provisional, reason)
    general, quota = reading.scheduled("general"), reading.scheduled("quota_rates")
    if general is not None and kind != GENERAL:
        yield _left("general", general, ["better_class"])
    if quota is not None and kind != QUOTA:
        yield _left("tariff_quota", quota, _instead(reading, "other_is_lower"))


def _instead(reading: Reading, key: str) -> Phrase:
    """A reason that names the rate which applies."""
    return [key, {"kind": [KINDS[reading.kind]], "rate": reading.duty_rate()}]


def _without_mfn(reading: Reading, most_favoured: bool) -> Phrase:
    if most_favoured:
        return ["origin_unproven"]
    return ["origin_unknown"] if reading.origin is None else ["without_mfn"]


def _parts(reading: Reading) -> Iterator[Item]:
    for row in reading.tariff.by_prefix("provisional").all(reading.hs, reading.ordinal):
        if row["part"] and row["part_name"] != reading.part:
            yield {"kind": "provisional", "rate": row["rate"].text, "source": row["source"],
                   **said(reason=["only_a_part", {"part": text_of(row, "part_name")}])}  # fmt: skip


def _preferences(reading: Reading, proven: bool, claim: str | None) -> Iterator[Item]:
    for agreement in reading.tariff.origins.agreements.get(reading.country, ()):
        if agreement == reading.agreement or not _member(reading, agreement):
            continue
        entry, suspended = reading.scheduled(f"agreement:{agreement}"), _suspended(reading, agreement)
        given = proven or claim == agreement
        unread = {"claimed_but_unread": True} if given and entry is None and suspended is None else {}
        yield _agreement_left(reading, agreement, entry, _why_not(reading, entry, suspended, given), unread)


def _foreign_claim(reading: Reading, claim: str | None) -> Iterator[Item]:
    """A claim to an agreement that the origin does not belong to on that day."""
    if claim is not None and not _member(reading, claim):
        origin = reading.index.countries[reading.origin] if reading.origin else ["unknown_origin"]
        yield _agreement_left(reading, claim, None, ["not_a_member", {"origin": origin}], {})


def _agreement_left(reading: Reading, agreement: str, entry: Entry | None, reason: Phrase, more: Item) -> Item:
    name = ["named_rate", {"kind": ["agreement"], "name": reading.index.agreements[agreement]}]
    return {"kind": "agreement", "agreement": agreement, "rate": entry.rate.text if entry else None,
            "source": entry.source if entry else None, **said(name=name, reason=reason), **more}  # fmt: skip


def _member(reading: Reading, agreement: str) -> bool:
    rows = reading.tariff.origins.member_rows.get((reading.country, agreement), ())
    return any(runs(row, reading.ordinal) for row in rows)


def _suspended(reading: Reading, agreement: str) -> Row | None:
    return reading.tariff.by_prefix("agreement_suspensions").find(
        reading.hs, reading.ordinal, lambda row: bool(row["agreement"] == agreement)
    )


def _why_not(reading: Reading, entry: Entry | None, suspended: Row | None, given: bool) -> Phrase:
    if suspended is not None:
        return ["suspended_by", {"event": suspended["event"], "day": day_text(suspended["first_day"])}]
    if entry is None:
        return ["rate_not_on_file"]
    return ["not_lower", {"rate": reading.duty_rate()}] if given else ["proof_missing"]


def _measures_left(reading: Reading) -> Iterator[Item]:
    tariff, hs, day = reading.tariff, reading.hs, reading.ordinal
    out = excluded(tariff, hs, reading.origin, reading.day)
    state = quota_state(tariff, hs, reading.origin, reading.day)
    if out is not None:
        yield _measure_left(reading, out["measure"], None, out["source"], ["small_supplier"], {})
    if state is not None and not state.levied and not reading.beyond:
        yield _measure_left(reading, state.quota["measure"], state.rate.text, state.quota["source"],
                            _inside_quota(state), {"quota": state.quota["id"]})  # fmt: skip
    for measure in dict.fromkeys(reading.exempt):
        rate, source = _levied(reading, measure), reading.index.measures[measure]["source"]
        yield _measure_left(reading, measure, rate, source, ["exempted"], {})
    for row in tariff.by_prefix("measure_suspensions").all(hs, day):
        if reading.index.measures[row["measure"]]["origin"] in (reading.origin, "*"):
            reason = ["not_levied", {"act": text_of(row, "act"), "day": _end(row)}]
            yield _measure_left(reading, row["measure"], _levied(reading, row["measure"]), row["source"], reason, {})
    for row in tariff.by_prefix("suspended_duties").all(hs, day):
        if row["origin"] == reading.origin:
            reason = ["suspended_until", {"day": _end(row), "law": text_of(row, "law")}]
            yield {"kind": "retaliatory", "measure": row["id"], "rate": row["rate"].text, "source": row["source"],
                   **said(reason=reason)}  # fmt: skip


def _levied(reading: Reading, measure: str) -> str | None:
    """The rate of a measure for the code, whether or not it is levied."""
    return next((row["rate"].text for _, row in reading.rows_of("measure_rates", measure=measure)), None)


def _inside_quota(state: QuotaState) -> Phrase:
    figures = {"tonnes": str(state.quota["tonnes"]), "quota": state.quota["id"]}
    if state.share is None:
        return ["inside_quota", figures]
    return ["inside_quota_used", {**figures, "share": state.share, "day": str(state.as_of)}]


def _measure_left(
    reading: Reading, measure: str, rate: str | None, source: str, reason: Phrase, more: dict[str, Any]
) -> Item:
    row = reading.index.measures[measure]
    name = ["named_rate", {"kind": [row["kind"]], "name": names_of(row)}]
    return {"kind": row["kind"], "measure": measure, "rate": rate, "source": source,
            **said(name=name, reason=reason), **more}  # fmt: skip


def _left(kind: str, entry: Entry, reason: Phrase) -> Item:
    return {"kind": kind, "rate": entry.rate.text, "source": entry.source, **said(reason=reason)}


def _end(row: Row) -> Phrase:
    return ["further_notice"] if row["last_day"] >= FOREVER else day_text(row["last_day"])
