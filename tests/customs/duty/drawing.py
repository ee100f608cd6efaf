"""Lines nobody chose: goods of every form of rate, origins of every class, and days at the edges of the law."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

from tests.customs.duty.slow.facts import Facts, fen, yuan
from tests.customs.duty.slow.measuring import measured, statutory_units
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
    "KR", "KR", "EC", "KE", "DE", "CN", "CL", "PE", "HK", "LA", "TH", "MN", "IN", "BY", "GL",
)  # fmt: skip
EDGED = (
    "agreement_members", "agreement_rates", "agreement_suspensions", "consumption_tax", "general", "lines",
    "measure_rates", "measure_suspensions", "mfn", "origin_classes", "provisional", "quota_rates", "vat_classes",
    "vat_rates", "quotas", "quota_events", "exclusions", "measures",
)  # fmt: skip
BY_PACK = ("3303", "3304")  # the price asked is one per ml, gram or piece on the label


@dataclass(frozen=True)
class Drawn:
    """A line as declared: `quantity` in `unit`, `second` in `second_unit`, `content` of the whole line in `content_unit`."""

    facts: Facts
    quantity: Fraction
    unit: str
    second: Fraction | None = None
    second_unit: str = ""
    content: Fraction | None = None
    content_unit: str = ""


class Drawing:
    """Draws from one law. The same seed draws the same lines."""

    def __init__(self, law: Law, seed: int) -> None:
        self.law, self.chance = law, random.Random(seed)

    @cached_property
    def codes(self) -> list[str]:
        return sorted({row["hs"] for row in self.law.table("lines") if len(row["hs"]) == 10})

    @cached_property
    def by_goods(self) -> list[list[str]]:
        return [[code for code in self.codes if code.startswith(prefixes)] for prefixes in GOODS.values()]

    @cached_property
    def edges(self) -> list[str]:
        """The day before, on and after each first and last day of the law, in the range drawn from."""
        found = set()
        for name in EDGED:
            for row in self.law.table(name):
                found |= set(around(row))
        return sorted(day for day in found if FIRST <= day <= LAST)

    def lines(self, count: int) -> list[Drawn]:
        """Every edge of the law is drawn where there are that many lines."""
        edges = self.chance.sample(self.edges, len(self.edges))
        return [self.line(edges[i] if i < len(edges) else None) for i in range(count)]

    def line(self, edge: str | None = None) -> Drawn:
        chance = self.chance
        hs = self._code()
        day = edge or self._day(hs)
        if chance.random() < 0.99:
            hs, day = self._in_force(hs, day)
        origin = self._origin(hs, day)
        quantity = Fraction(chance.choice([1, 10, 100, chance.randrange(1, 10**6)]), chance.choice([1, 1, 10, 100]))
        first, second_unit = statutory_units(self.law, hs, day)
        packed = hs.startswith(BY_PACK)
        unit = "box" if packed or not first else first
        content = Fraction(chance.choice([1, 5, 30, 50, 100, 500])) if packed else None
        content_unit = chance.choice(["ml", "g", "piece"]) if packed else ""
        second = Fraction(chance.randrange(1, 10**6), 10) if second_unit and second_unit != unit and not packed else None
        given = [(quantity, unit)]
        if second is not None:
            given.append((second, second_unit))
        if content is not None:
            given.append((content, content_unit))
        if chance.random() < 0.004:
            given, second, content, unit = [(quantity, "carton")], None, None, "carton"
        amounts = measured(self.law, hs, day, *given)
        facts = Facts(
            hs, origin, day, self._value(hs, day, amounts), amounts, exchange=rates_of(day), **self._claims(hs, origin, day)
        )
        return Drawn(facts, quantity, unit, second, second_unit, content, content_unit)

    def _code(self) -> str:
        return self.chance.choice(self.chance.choice(self.by_goods))

    def _day(self, hs: str) -> str:
        """Half of the days at an edge of a row that is written for the code, the others anywhere."""
        if self.chance.random() < 0.5:
            rows = self.law.of_code(self.chance.choice(CODED), hs)
            days = [day for row in rows for day in around(row) if FIRST <= day <= LAST]
            if days:
                return self.chance.choice(days)
        first, last = date.fromisoformat(FIRST), date.fromisoformat(LAST)
        return (first + timedelta(self.chance.randrange((last - first).days))).isoformat()

    def _in_force(self, hs: str, day: str) -> tuple[str, str]:
        """Another code of the same goods where this one has no line or no rate on the day."""
        goods = [codes for codes in self.by_goods if hs in codes]
        for _ in range(40):
            if any(self.law.running("lines", "hs", hs, day)) and self._rated(hs, day):
                break
            hs = self.chance.choice(self.chance.choice(goods))
        return hs, day

    def _rated(self, hs: str, day: str) -> bool:
        rows = [self.law.one(name, hs, day) for name in ("quota_rates", "provisional", "mfn")]
        tax = self.law.one("consumption_tax", hs, day)
        return any(row and row["rate"] != "unknown" for row in rows) and not (tax and tax["rate"] == "unknown")

    def _origin(self, hs: str, day: str) -> str | None:
        """Origins at the general rate for goods that have one, but for a few."""
        origin = self.chance.choice(ORIGINS)
        general = self.law.one("general", hs, day) or self.law.one("quota_rates", hs, day)
        for _ in range(40):
            if general or self.chance.random() < 0.02:
                break
            classes = {row["class"] for row in self.law.running("origin_classes", "country", origin or "", day)}
            if "mfn" in classes:
                break
            origin = self.chance.choice(ORIGINS)
        return origin

    def _claims(self, hs: str, origin: str | None, day: str) -> dict[str, object]:
        chance = self.chance
        given: dict[str, object] = {}
        agreements = [row["agreement"] for row in self.law.running("agreement_members", "country", origin or "", day)]
        if chance.random() < 0.45:
            given["proven"] = True
        elif chance.random() < 0.4 and agreements:
            given["claim"] = chance.choice(agreements)
        if chance.random() < 0.08:
            given["unproven"] = True
        rows = [row for row in self.law.of_code("measure_rates", hs) if in_force(row, day)]
        turning = any(row[f"{which}_time"] and row[f"{which}_day"] == day for row in rows for which in ("first", "last"))
        if chance.random() < (0.97 if turning else 0.1):
            given["minute"] = chance.choice([0, 719, 720, 721, 780, 781, 1439, chance.randrange(1440)])
        exporters = sorted({row["exporter"] for row in rows if row["exporter"]})
        if exporters and chance.random() < 0.6:
            given["exporter"] = chance.choice(exporters)
        return given

    def _value(self, hs: str, day: str, amounts: dict[str, Fraction]) -> Fraction:
        """Any number of fen; where a price turns the tax, often the fen around the turn."""
        row = self.law.one("consumption_tax", hs, day)
        if row and row["threshold"] and self.chance.random() < 0.6:
            for price in threshold_of(row["threshold"]):
                rate = {"CNY": Fraction(1), **rates_of(day)}.get(price.currency)
                if price.unit in amounts and rate is not None:
                    turn = price.amount * rate * amounts[price.unit]
                    return max(yuan(fen(turn) + self.chance.choice([-1, 0, 1])), Fraction(0))
        pick = self.chance.choice([0, 1, self.chance.randrange(10**5), self.chance.randrange(10**8),
                                   self.chance.randrange(10**12)])  # fmt: skip
        return yuan(pick)


CODED = (
    "agreement_rates", "agreement_suspensions", "consumption_tax", "lines", "measure_rates", "measure_suspensions",
    "mfn", "provisional", "vat_classes",
)  # fmt: skip


def rates_of(day: str) -> dict[str, Fraction]:
    """Yuan for one unit of the month, made up; for one month none is known."""
    month = int(day[:4]) * 12 + int(day[5:7])
    return {} if day.startswith("2027-03") else {"USD": Fraction(60000 + month * 7919 % 15000, 10000)}


def around(row: Row) -> list[str]:
    """The day before, on and after the first and the last day of a row."""
    ends = [date.fromisoformat(row[name]) for name in ("first_day", "last_day") if row[name]]
    return [(end + timedelta(step)).isoformat() for end in ends for step in (-1, 0, 1)]
