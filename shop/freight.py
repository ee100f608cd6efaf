"""What a parcel costs: a dated price list by gross weight, temperature class and delivery zone (`freight.toml`)."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from pathlib import Path

from core.money import parse_fen, round_to_fen
from core.periods import Period

CLASSES = ("ambient", "cold_chain")


@dataclass(frozen=True, slots=True)
class FreightTariff:
    """One price list in force over `period`; by zone and class the first kilogram and a further one, in fen."""

    period: Period
    source: str
    prices: dict[str, dict[str, tuple[int, int]]]
    insurance_percent: Decimal

    def serves(self, zone: str, cold_chain: bool) -> bool:
        """Whether such a parcel is carried there at all."""
        return CLASSES[cold_chain] in self.prices.get(zone, {})

    def freight_fen(self, gross_kg: Decimal, cold_chain: bool, zone: str) -> int:
        """The first kilogram, then every further one begun; one cold line makes the parcel a cold one.

        Raises KeyError where such parcels are not carried.
        """
        first, each = self.prices[zone][CLASSES[cold_chain]]
        return first + each * max(0, int(gross_kg.to_integral_value(rounding=ROUND_CEILING)) - 1)

    def insurance_fen(self, goods_fen: int) -> int:
        """Insurance on the goods value, rounded half-up once."""
        return round_to_fen(Decimal(goods_fen) / 100 * self.insurance_percent / 100)


@functools.cache
def _tariffs() -> list[FreightTariff]:
    raw = tomllib.loads((Path(__file__).parent / "freight.toml").read_text("utf-8"))
    return [
        FreightTariff(
            Period(row["first_day"], row["last_day"]),
            row["source"],
            {
                zone: {name: (parse_fen(first), parse_fen(each)) for name, (first, each) in classes.items()}
                for zone, classes in row["prices"].items()
            },
            Decimal(row["insurance_percent"]),
        )
        for row in raw["tariff"]
    ]


def tariff_on(day: date) -> FreightTariff:
    """The price list in force. Raises LookupError naming day and file when there is none."""
    for entry in _tariffs():
        if day in entry.period:
            return entry
    raise LookupError(f"no delivery price list in freight.toml covers {day}")
