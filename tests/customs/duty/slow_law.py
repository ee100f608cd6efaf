"""The same law written a second time, slowly and plainly: rows scanned from the files, one line at a time, Decimal.

It shares no code with `customs`: an error would have to be made twice, in two forms, to go unseen.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

DATA = Path(__file__).parents[3] / "customs" / "data"
FEN = Decimal("0.01")


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(FEN, ROUND_HALF_UP)


@cache
def table(name: str) -> list[dict[str, str]]:
    with open(DATA / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


@cache
def by_code(name: str) -> dict[str, list[dict[str, str]]]:
    found = defaultdict(list)
    for row in table(name):
        found[row["hs"]].append(row)
    return found


def runs(row: dict[str, str], day: date) -> bool:
    return row["first_day"] <= day.isoformat() and (not row["last_day"] or day.isoformat() <= row["last_day"])


def inherited(name: str, hs: str, day: date, **same: str) -> dict[str, str] | None:
    for width in range(10, -1, -1):
        for row in by_code(name).get(hs[:width], ()) if width <= len(hs) else ():
            if len(row["hs"]) == width and runs(row, day) and all(row[k] == v for k, v in same.items()):
                return row
    return None


@dataclass(frozen=True)
class Bill:
    duty: Decimal
    additional: Decimal
    consumption: Decimal
    vat: Decimal


def percent(rate: str, day: date) -> Decimal:
    """Only shares of the value, staged or not: the slow law refuses the other forms."""
    if " staged " in rate:
        base, _, steps, _, first = rate.split()
        cuts = day.year - int(first) + 1
        left = max(int(steps) - cuts, 0)
        return (Decimal(base) * left / int(steps)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return Decimal(rate)


def share_only(rate: str) -> bool:
    return "CNY" not in rate and rate not in ("unknown", "none")


def general_trade(hs: str, origin: str, day: date, value: Decimal, proven: bool) -> Bill | None:
    """None where this law cannot answer: a rate missing, or not a mere share of the value."""
    rate = duty_rate(hs, origin, day, proven)
    vat = vat_rate(hs, day)
    consumption = inherited("consumption_tax", hs, day)
    if rate is None or vat is None:
        return None
    if consumption is not None and (consumption["threshold"] or not share_only(consumption["rate"])):
        return None
    duty = half_up(value * rate / 100)
    additional = sum((half_up(value * extra / 100) for extra in additions(hs, origin, day)), Decimal(0))
    c = Decimal(consumption["rate"]) / 100 if consumption else Decimal(0)
    tax = half_up((value + duty + additional) / (1 - c) * c)
    return Bill(duty, additional, tax, half_up((value + duty + additional + tax) * vat / 100))


def retail(hs: str, day: date, value: Decimal) -> Bill | None:
    vat = vat_rate(hs, day)
    consumption = inherited("consumption_tax", hs, day)
    if vat is None or (consumption and (consumption["threshold"] or not share_only(consumption["rate"]))):
        return None
    c = Decimal(consumption["rate"]) / 100 if consumption else Decimal(0)
    whole = value / (1 - c)
    seventy = Decimal("0.7")
    return Bill(Decimal(0), Decimal(0), half_up(whole * c * seventy), half_up(whole * vat / 100 * seventy))


def duty_rate(hs: str, origin: str, day: date, proven: bool) -> Decimal | None:
    rates = []
    base = base_rate(hs, origin, day)
    if base is not None:
        if not share_only(base["rate"]):
            return None
        rates.append(percent(base["rate"], day))
    if proven:
        for row in table("agreement_members"):
            if row["country"] == origin and runs(row, day):
                found = agreement_rate(row["agreement"], hs, day)
                if found is not None:
                    rates.append(found)
    return min(rates) if rates else None


def base_rate(hs: str, origin: str, day: date) -> dict[str, str] | None:
    quota = inherited("quota_rates", hs, day)
    if quota is not None:
        return quota
    classes = [row["class"] for row in table("origin_classes") if row["country"] == origin and runs(row, day)]
    if classes == ["general"]:
        return inherited("general", hs, day)
    if classes == ["mfn"]:
        return inherited("provisional", hs, day, part="") or inherited("mfn", hs, day)
    return None


def agreement_rate(agreement: str, hs: str, day: date) -> Decimal | None:
    if inherited("agreement_suspensions", hs, day, agreement=agreement) is not None:
        return None
    row = inherited("agreement_rates", hs, day, agreement=agreement)
    return None if row is None or row["rate"] == "none" else percent(row["rate"], day)


def additions(hs: str, origin: str, day: date) -> list[Decimal]:
    levied = []
    for measure in table("measures"):
        if measure["origin"] not in (origin, "*"):
            continue
        row = inherited("measure_rates", hs, day, measure=measure["id"])
        if row is None or inherited("measure_suspensions", hs, day, measure=measure["id"]) is not None:
            continue
        quotas = [quota for quota in table("quotas") if quota["measure"] == measure["id"]]
        if quotas and not used_up(quotas, origin, day):
            continue
        levied.append(Decimal(row["rate"]))
    return levied


def used_up(quotas: list[dict[str, str]], origin: str, day: date) -> bool:
    own = [quota for quota in quotas if quota["country"] == origin and runs(quota, day)]
    starts = {row["quota"]: row for row in table("quota_events") if row["event"] == "surcharge_starts"}
    return any(quota["id"] in starts and starts[quota["id"]]["first_day"] <= day.isoformat() for quota in own)


def vat_rate(hs: str, day: date) -> Decimal | None:
    member = inherited("vat_classes", hs, day)
    if member is None:
        return None
    rows = [row for row in table("vat_rates") if row["class"] == member["class"] and runs(row, day)]
    return Decimal(rows[0]["rate"]) if rows else None


def day_between(first: date, last: date, at: int) -> date:
    return first + timedelta(at % ((last - first).days + 1))
