"""The tax of a list, worked out by the window itself in exact fractions, rounded once per tax and line.

Within the limit of one purchase it pays 70 % of consumption tax and VAT and no duty (2018 No.49); a single dearer
article pays all three in full. Freight and insurance are shared over the lines by their value.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

WITHIN = Fraction(7, 10)
_CONTENT = re.compile(r"(\d+(?:\.\d+)?)\s*(ml|毫升|g|克)(?![A-Za-z])", re.IGNORECASE)
_KILOGRAM, _GRAM, _LITRE = "035", "036", "095"


@dataclass(frozen=True, slots=True)
class Rate:
    percent: Fraction
    specific: Fraction
    threshold: Fraction | None
    per: str


@dataclass(frozen=True, slots=True)
class TaxLine:
    gnum: str
    gcode: str
    price: Decimal
    duty: Decimal
    vat: Decimal
    consumption: Decimal


@cache
def _rates() -> dict[str, dict[str, list[Rate]]]:
    table: dict[str, dict[str, list[Rate]]] = {"vat": {}, "consumption": {}, "duty": {}}
    with Path(__file__).with_name("rates.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            threshold = Fraction(row["threshold"]) if row["threshold"] else None
            rate = Rate(Fraction(row["percent"]) / 100, Fraction(row["specific"] or 0), threshold, row["per"])
            table[row["tax"]].setdefault(row["prefix"], []).append(rate)
    return table


def _rates_for(tax: str, gcode: str) -> list[Rate]:
    for length in range(len(gcode), -1, -1):
        found = _rates()[tax].get(gcode[:length])
        if found:
            return found
    return []


def assess(document: dict[str, Any], full: bool) -> list[TaxLine] | None:
    """The tax of every line of a list, in `full` or as retail; None when the rate of a duty is not in `rates.csv`."""
    lines = document["lines"]
    values = [Decimal(line["totalPrice"]) for line in lines]
    freight = share(Decimal(document["freight"]), lines, values)
    insurance = share(Decimal(document["insuredFee"]), lines, values)
    prices = [sum(parts, Decimal(0)) for parts in zip(values, freight, insurance, strict=True)]
    found = [_line(line, price, full) for line, price in zip(lines, prices, strict=True)]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def share(amount: Decimal, lines: list[dict[str, str]], values: list[Decimal]) -> list[Decimal]:
    """An amount in fen split by value (by quantity when all is free), the largest remainders getting the odd fen."""
    weights = [int(value * 100) for value in values]
    if not sum(weights):
        weights = [int(Decimal(line["qty"]) * 100_000) for line in lines]
    fen = int(amount * 100)
    parts = [fen * weight // sum(weights) for weight in weights]
    order = sorted(range(len(parts)), key=lambda at: (-(fen * weights[at] % sum(weights)), at))
    for at in order[: fen - sum(parts)]:
        parts[at] += 1
    return [Decimal(part) / 100 for part in parts]


def _line(line: dict[str, str], price: Decimal, full: bool) -> TaxLine | None:
    exact = Fraction(price)
    duties = _rates_for("duty", line["gcode"])
    if full and not duties:
        return None
    duty = exact * duties[0].percent if full else Fraction(0)
    consumption = _consumption(line, exact, duty)
    vat = (exact + duty + consumption) * _rates_for("vat", line["gcode"])[0].percent
    part = Fraction(1) if full else WITHIN
    return TaxLine(line["gnum"], line["gcode"], price, fen(duty), fen(vat * part), fen(consumption * part))


def _consumption(line: dict[str, str], price: Fraction, duty: Fraction) -> Fraction:
    for rate in _rates_for("consumption", line["gcode"]):
        if rate.threshold is not None and price / _content(line, rate.per) < rate.threshold:
            continue
        specific = rate.specific * _content(line, rate.per) if rate.specific else Fraction(0)
        composite = (price + duty + specific) / (1 - rate.percent)
        return composite * rate.percent + specific
    return Fraction(0)


def _content(line: dict[str, str], per: str) -> Fraction:
    """How many pieces, litres or grams the line holds; a gram stands for a millilitre, as the threshold does."""
    quantity = Fraction(line["qty"])
    if per == "piece":
        return quantity
    label = _CONTENT.search(line["gmodel"])
    if label:
        grams = Fraction(label[1]) * quantity
    else:
        step = {_KILOGRAM: 1000, _LITRE: 1000, _GRAM: 1}.get(line["unit1"])
        grams = Fraction(line["qty1"]) * step if step else quantity * 1000
    return grams / 1000 if per == "litre" else grams


def fen(amount: Fraction) -> Decimal:
    """Half up to the fen; amounts are never negative."""
    return Decimal((amount * 200 + 1) // 2) / 100
