"""What holds for a whole file: the route, the form of the result, exchange rates, the supervision mode."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.errors import invalid
from customs.assessments.request import GENERAL_TRADE, RETAIL
from customs.assessments.retail import RETAIL_MODES

CSV, PARQUET = "csv", "parquet"
FORMATS = (CSV, PARQUET)
ROUTES = (GENERAL_TRADE, RETAIL)  # the routes that go by tariff code
_RATE = re.compile(r"([A-Z]{3})=((?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,8})?)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Options:
    """`rates` are CNY for one unit of a currency; a line's own `exchange_rate` goes before, the law's table after."""

    route: str = GENERAL_TRADE
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    mode: str | None = None

    def __post_init__(self) -> None:
        if self.route not in ROUTES:
            raise invalid("route", f"one of {', '.join(ROUTES)}")
        if self.mode is not None and self.mode not in RETAIL_MODES:
            raise invalid("mode", f"one of {', '.join(RETAIL_MODES)}")


def parse_rates(text: str) -> dict[str, Decimal]:
    """Rates of the form "USD=7.1,EUR=7.8". Raises Problem invalid_input."""
    rates = {}
    for part in text.split(","):
        match = _RATE.match(part.strip())
        if match is None or not Decimal(match[2]):
            raise invalid("rates", "CNY for one unit of a currency, such as USD=7.1,EUR=7.8")
        rates[match[1]] = Decimal(match[2])
    return rates
