"""Lines nobody chose: goods of every form of rate, origins of every class, and days at the edges of the law."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any

from tests.customs.duty.slow.facts import Facts, fen, yuan
from tests.customs.duty.slow.measuring import dutiable, measured, statutory_units
from tests.customs.duty.slow.rates import threshold_of
from tests.customs.duty.slow.rows import Law, Row, in_force

FIRST, LAST = "2018-01-01", "2029-01-31"
GOODS = {
    "chicken": ("0207", "0504"), "beef": ("0201", "0202"), "mutton and pork": ("0203", "0204"),
    "aquatic": ("03", "1604", "1605"), "wine, spirits, beer": ("2203", "2204", "2205", "2206", "2208"),
    "cosmetics": ("3303", "3304"), "watches": ("9101", "9102"), "cars": ("8703", "8711", "8521"),
    "quota goods": ("1001", "1005", "1006", "1101", "1701", "3102", "3105", "5101", "5105", "5201", "5203"),
    "stone and glass": ("6802", "7010", "7011"), "film and oil": ("3701", "3702", "2709", "2710"),
    "nuts and feed": ("0802", "0811", "1211", "1511", "2306"), "all": ("",),
}  # fmt: skip
ORIGINS: Sequence[str | None] = (
    "US", "US", "US", "CA", "CA", "AU", "AU", "JP", "JP", "ET", "TZ", "KM", "AD", "BT", None, "NZ", "BR", "AR", "UY",
    "KR", "KR", "EC", "KE", "DE", "CN", "CL", "PE", "HK", "LA", "KH", "TH", "MN", "IN", "BY",
)  # fmt: skip
NO_CLASS = "GL"
CODED = (
    "agreement_rates", "agreement_suspensions", "consumption_tax", "lines", "measure_rates", "measure_suspensions",
    "mfn", "provisional", "vat_classes",
)  # fmt: skip
EDGED = (
    *CODED, "agreement_members", "exclusions", "general", "measures", "origin_classes", "quota_events", "quota_rates",
    "quotas", "vat_rates",
)  # fmt: skip
BY_PACK = ("3303", "3304")  # the price asked is one per ml, gram or piece on the label


@dataclass(frozen=True)
class Drawn:
    """A line as it is declared, and the facts the law needs of it. `content` is of one piece."""

    facts: Facts
    quantity: Fraction
    unit: str
    second: Fraction | None
    content: tuple[Fraction, str] | None
    goods: Fraction
    freight: Fraction
    insurance: Fraction | None
    currency: str


class Drawing:
    """Draws from one law; the same seed draws the same lines. `favoured` codes are half of them; with `claims` goods
    are said to be a part of a code, and exclusion numbers are given."""

    def __init__(self, law: Law, seed: int, favoured: Sequence[str] = (), claims: bool = False) -> None:
        self.law, self.chance, self.favoured, self.claims = law, random.Random(seed), favoured, claims

    @cached_property
    def by_goods(self) -> list[list[str]]:
        codes = sorted({row["hs"] for row in self.law.table("lines") if len(row["hs"]) == 10})
        return [[code for code in codes if code.startswith(prefixes)] for prefixes in GOODS.values()]

    @cached_property
    def ended(self) -> list[str]:
        """Codes that ended, in the range drawn from."""
        return sorted({row["hs"] for row in self.law.table("lines") if FIRST <= row["last_day"] <= LAST})

    @cached_property
    def edges(self) -> list[str]:
        """The day before, on and after each first and last day of the law, in the range drawn from."""
        found = {day for name in EDGED for row in self.law.table(name) for day in around(row)}
        return sorted(found)

    def lines(self, count: int, retail: bool = False) -> list[Drawn]:
        """Every edge of the law is drawn where there are that many lines."""
        edges = self.chance.sample(self.edges, len(self.edges))
        return [self.line(edges[i] if i < len(edges) else None, retail) for i in range(count)]

    def line(self, edge: str | None = None, retail: bool = False) -> Drawn:
        chance, law = self.chance, self.law
        hs, day = self._goods(edge)
        origin = self._origin(hs, day)
        quantity = Fraction(chance.choice([1, 1, 10, 100, chance.randrange(1, 10**6)]), chance.choice([1, 1, 10, 100]))
        if retail:
            quantity = Fraction(chance.choice([1, 1, 2]))
        first, other = statutory_units(law, hs, day)
        content = second = None
        claims = self._given(hs, origin, day)
        odd = chance.random() < 0.006 and not {"proven", "claim", "unproven"} & set(claims)
        unit = "carton" if odd else first or "box"
        if hs.startswith(BY_PACK):
            unit = "box"
            if chance.random() < 0.98:
                content = (Fraction(chance.choice([1, 5, 30, 50, 100, 500])), chance.choice(["ml", "g", "piece"]))
        elif other and other != unit and unit != "carton":
            second = Fraction(chance.randrange(1, 10**6), 10)
        amounts = measured(law, hs, day, (quantity, unit), *([(second, other)] if second is not None else []),
                           *([(content[0] * quantity, content[1])] if content else []))  # fmt: skip
        goods, freight, insurance, currency = price = self._price(hs, day, amounts, retail)
        rate = {"CNY": Fraction(1), **rates_of(day)}[currency]
        value = dutiable(goods, freight, insurance, rate, self._insurance_share(day))
        facts = Facts(hs, origin, day, value, amounts, exchange=rates_of(day), **claims)
        return Drawn(facts, quantity, unit, second, content, *price)

    def _goods(self, edge: str | None) -> tuple[str, str]:
        """A code and a day; but for a few, with a line and a rate that day."""
        chance = self.chance
        groups = [self.favoured] if self.favoured and chance.random() < 0.5 else self.by_goods
        goods = self.ended if chance.random() < 0.006 else chance.choice(groups)
        hs = chance.choice(goods)
        day = edge or self._day(hs)
        for _ in range(0 if goods is self.ended else 40):
            if any(self.law.running("lines", "hs", hs, day)) and self._rated(hs, day):
                break
            hs = chance.choice(goods)
        return hs, day

    def _day(self, hs: str) -> str:
        """Half of the days at an edge of a row that is written for the code, a few where the law turns within the day,
        the others anywhere."""
        turns = [day for row in self.law.of_code("measure_rates", hs) for day in turning_days(row)]
        if turns and self.chance.random() < 0.05:
            return self.chance.choice(turns)
        if self.chance.random() < 0.5:
            rows = self.law.of_code(self.chance.choice(CODED), hs)
            days = [day for row in rows for day in around(row)]
            if days:
                return self.chance.choice(days)
        first, last = date.fromisoformat(FIRST), date.fromisoformat(LAST)
        return (first + timedelta(self.chance.randrange((last - first).days))).isoformat()

    def _rated(self, hs: str, day: str) -> bool:
        rows = [self.law.one(name, hs, day) for name in ("quota_rates", "provisional", "mfn")]
        tax = self.law.one("consumption_tax", hs, day)
        rated = any(row and row["rate"] not in ("unknown", "none") for row in rows)
        return rated and not (tax and tax["rate"] == "unknown")

    def _origin(self, hs: str, day: str) -> str | None:
        """Origins at the general rate for goods that have one, but for a few."""
        if self.chance.random() < 0.006:
            return NO_CLASS
        origin = self.chance.choice(ORIGINS)
        rows = [row for row in self.law.of_code("measure_rates", hs) if in_force(row, day)]
        if rows and self.chance.random() < 0.2:
            [measure] = self.law.named("measures", "id", self.chance.choice(rows)["measure"])
            return measure["origin"] if measure["origin"] != "*" else origin
        general = self.law.one("general", hs, day) or self.law.one("quota_rates", hs, day)
        while not general and not self._has_mfn(origin, day) and self.chance.random() > 0.01:
            origin = self.chance.choice(ORIGINS)
        return origin

    def _has_mfn(self, origin: str | None, day: str) -> bool:
        return any(row["class"] == "mfn" for row in self.law.running("origin_classes", "country", origin or "", day))

    def _given(self, hs: str, origin: str | None, day: str) -> dict[str, Any]:
        """What is claimed of the origin, the minute, the exporter."""
        chance, given = self.chance, dict[str, Any]()
        agreements = [row["agreement"] for row in self.law.running("agreement_members", "country", origin or "", day)]
        if chance.random() < 0.45:
            given["proven"] = True
        elif chance.random() < 0.4 and agreements:
            given["claim"] = chance.choice(agreements)
        rows = [row for row in self.law.of_code("measure_rates", hs) if in_force(row, day)]
        if chance.random() < 0.06 and (not rows or self.law.one("general", hs, day)):
            given["unproven"] = True
        if chance.random() < (0.6 if any(day in turning_days(row) for row in rows) else 0.1):
            given["minute"] = chance.choice([0, 719, 720, 721, 780, 781, 1439, chance.randrange(1440)])
        exporters = sorted({row["exporter"] for row in rows if row["exporter"]})
        if exporters and chance.random() < 0.6:
            given["exporter"] = chance.choice(exporters)
        if self.claims:
            given |= self._claimed(hs, day)
        return given

    def _claimed(self, hs: str, day: str) -> dict[str, Any]:
        given: dict[str, Any] = {}
        parts = [row["part_name"] for row in self.law.of_code("provisional", hs) if row["part"] and in_force(row, day)]
        numbers = [row["number"] for row in self.law.of_code("exclusions", hs)]
        if parts and self.chance.random() < 0.7:
            given["part"] = self.chance.choice(parts)
        if numbers and self.chance.random() < 0.7:
            given["exclusion_no"] = self.chance.choice(numbers)
        return given

    def _price(
        self, hs: str, day: str, amounts: dict[str, Fraction], retail: bool
    ) -> tuple[Fraction, Fraction, Fraction | None, str]:
        """Goods, freight, insurance, currency. Where a price turns the tax, often the fen around the turn."""
        chance, row = self.chance, self.law.one("consumption_tax", hs, day)
        if row and row["threshold"] and chance.random() < 0.6:
            for price in threshold_of(row["threshold"]):
                rate = {"CNY": Fraction(1), **rates_of(day)}.get(price.currency)
                if price.unit in amounts and rate is not None:
                    turn = price.amount * rate * amounts[price.unit]
                    goods = max(yuan(fen(turn) + chance.choice([-1, 0, 1])), Fraction(0))
                    return goods, Fraction(0), Fraction(0), "CNY"
        most = 2 * 10**6 if retail else 10**11
        goods = yuan(chance.choice([0, 1, chance.randrange(10**5), chance.randrange(10**6), chance.randrange(most)]))
        if chance.random() < 0.6:
            return goods, Fraction(0), Fraction(0), "CNY"
        insurance = None if chance.random() < 0.5 and not retail else yuan(chance.randrange(10**4))
        return goods, yuan(chance.randrange(10**5)), insurance, "CNY" if retail else chance.choice(["CNY", "USD"])

    def _insurance_share(self, day: str) -> Fraction:
        rows = self.law.running("parameters", "id", "unknown_insurance_share", day)
        return Fraction(next(rows)["value"]) / 100


def rates_of(day: str) -> dict[str, Fraction]:
    """Yuan for one unit in the month, made up; in June nobody knows the euro."""
    month = int(day[:4]) * 12 + int(day[5:7])
    known = {"USD": Fraction(60000 + month * 7919 % 15000, 10000), "EUR": Fraction(75000 + month * 7919 % 9000, 10000)}
    return {"USD": known["USD"]} if day[5:7] == "06" else known


def turning_days(row: Row) -> list[str]:
    """The days within which a row begins or ends."""
    return [row[f"{end}_day"] for end in ("first", "last") if row[f"{end}_time"]]


def around(row: Row) -> list[str]:
    """The day before, on and after the first and the last day of a row, in the range drawn from."""
    ends = [date.fromisoformat(row[name]) for name in ("first_day", "last_day") if row[name]]
    days = [(end + timedelta(step)).isoformat() for end in ends for step in (-1, 0, 1)]
    return [day for day in days if FIRST <= day <= LAST]
