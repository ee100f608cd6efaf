"""What a parcel costs: a dated price list by gross weight and temperature class (`freight.toml`)."""

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
    """One price list in force over `period`; prices in fen."""

    period: Period
    source: str
    first_kg: dict[str, int]
    further_kg: dict[str, int]
    insurance_percent: Decimal

    def freight_fen(self, gross_kg: Decimal, cold_chain: bool) -> int:
        """The first kilogram, then every further one begun; one cold line makes the parcel a cold one."""
        temperature = CLASSES[cold_chain]
        further = max(0, int(gross_kg.to_integral_value(rounding=ROUND_CEILING)) - 1)
        return self.first_kg[temperature] + further * self.further_kg[temperature]

    def insurance_fen(self, goods_fen: int) -> int:
        """Insurance on the goods value, rounded half-up once."""
        return round_to_fen(Decimal(goods_fen) / 100 * self.insurance_percent / 100)


@functools.cache
def _tariffs() -> list[FreightTariff]:
    raw = tomllib.loads((Path(__file__).parent / "freight.toml").read_text())
    return [
        FreightTariff(
            Period(row["first_day"], row["last_day"]),
            row["source"],
            {name: parse_fen(row["first_kg"][name]) for name in CLASSES},
            {name: parse_fen(row["further_kg"][name]) for name in CLASSES},
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
