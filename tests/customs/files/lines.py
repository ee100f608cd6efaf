"""Random lines as a file row and as the body of `POST /customs/assessments`, so that both ways can be compared."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from customs.tariff import Tariff

Row = dict[str, str]

_ORIGINS = [*["BR", "AU", "NZ", "US", "CA", "JP", "KR", "DE", "CL", "TH", "ET", "CN", "TW"] * 3, "KP", "ZZ", ""]
_CURRENCIES = ["", *["CNY"] * 12, *["USD"] * 4, "EUR", "EUR", "JPY"]
_UNITS = [*["kg"] * 12, "g", "g", "t", "t", "l", "l", "l", "ml", "piece", "piece", "set", "m2", "dozen"]
_DAYS = [date(2019, 5, 31), date(2024, 8, 24), date(2025, 4, 9), date(2025, 11, 10), date(2026, 1, 1), date(2026, 1, 15),
         date(2026, 2, 1), date(2026, 6, 20), date(2013, 3, 1), date(2016, 4, 8)]  # fmt: skip
_CLAIMS = ["RCEP", "rcep"]


class Lines:
    """Draws lines; every kind of cell is now and then left blank, odd or wrong."""

    def __init__(self, tariff: Tariff, seed: int) -> None:
        self.chance = random.Random(seed)
        self._codes = [row["hs"] for row in tariff.rows]
        special = {row["hs"] for name in ("mfn", "general", "consumption_tax", "measure_rates", "provisional")
                   for row in tariff.tables[name] if not row["rate"] or row["rate"].text.replace(".", "").isdigit() is False
                   }  # fmt: skip
        self._special = [code for code in self._codes if any(code.startswith(hs) for hs in special if hs)]
        self._exporters = [name for name in tariff.origins.exporters if name]
        self._claims = [row["id"] for row in tariff.tables["agreements"]] + _CLAIMS
        self._exclusions = sorted({row["number"] for row in tariff.tables["exclusions"]}) or ["none"]

    def some(self, count: int) -> list[Row]:
        return [self._line() for _ in range(count)]

    def _often(self, share: float) -> bool:
        return self.chance.random() < share

    def _line(self) -> Row:
        pick = self.chance.choice
        day = pick(_DAYS) if self._often(0.4) else date(2016, 6, 1) + timedelta(self.chance.randrange(3800))
        row = {"hs": self._code(), "origin": pick(_ORIGINS), "day": day.isoformat(), "value": self._amount(9),
               "currency": pick(_CURRENCIES)}  # fmt: skip
        if self._often(0.4):
            row["freight"] = self._amount(5)
        if self._often(0.4):
            row["insurance"] = self._amount(4)
        if row["currency"] and self._often(0.7):
            row["exchange_rate"] = pick(["7.1", "0.04823117", "7.10000000", "12", "7.0923"])
        if self._often(0.8):
            row |= {"quantity": self._quantity(), "unit": pick(_UNITS)}
        for name in ("unit1_quantity", "unit2_quantity"):
            if self._often(0.2):
                row[name] = self._quantity()
        if self._often(0.2):
            row |= {"net_content_quantity": self._quantity(), "net_content_unit": pick(["ml", "g", "l", "piece", "kg"])}
        if self._often(0.02):
            row[self.chance.choice(["currency", "unit"])] = "XQZ"
        row |= self._claim(day)
        return row

    def _code(self) -> str:
        code = self.chance.choice(self._special if self._often(0.4) else self._codes)
        if self._often(0.3):
            return code[:8]
        return "0000000000" if self._often(0.02) else code

    def _claim(self, day: date) -> Row:
        row: Row = {}
        if self._often(0.4):
            row["origin_proof"] = self.chance.choice(["true", "false", "1"])
        if self._often(0.2):
            row |= {
                "agreement": "no such agreement" if self._often(0.03) else self.chance.choice(self._claims),
                "certificate_no": "E1",
            }
            if self._often(0.5):
                row["direct_transport"] = self.chance.choice(["true", "false"])
        if self._often(0.2):
            row["origin_evidence"] = self.chance.choice(["declared", "proven", "unproven"])
        if self._often(0.4):
            noon = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
                minutes=self.chance.randrange(16 * 60)
            )
            row["at"] = noon.isoformat().replace("+00:00", "Z")
        if self._often(0.1):
            row["exporter"] = self.chance.choice([*self._exporters, "Nobody Co."])
        if self._often(0.05):
            row["exclusion_no"] = self.chance.choice([*self._exclusions, "X-1"])
        return row

    def _amount(self, digits: int) -> str:
        fen = self.chance.randrange(10 ** self.chance.randrange(1, digits + 2))
        return f"{fen // 100}.{fen % 100:02d}"

    def _quantity(self) -> str:
        return self.chance.choice(["1", "2.5", "10", "1000", "0.00001", "333.33333", "20000"])


def body(row: Row, route: str) -> dict[str, Any]:
    """The same line as a request of its own."""
    line: dict[str, Any] = {name: row[name] for name in ("hs", "value", "currency", "freight", "insurance", "exporter",
                                                         "exclusion_no", "origin_evidence", "quantity", "unit",
                                                         "order") if row.get(name)}  # fmt: skip
    line["origin"] = row["origin"] or None
    line["origin_proof"] = row.get("origin_proof") in ("true", "1")
    line["statutory"] = {name: row[name] for name in ("unit1_quantity", "unit2_quantity") if row.get(name)}
    if row.get("net_content_quantity"):
        line["net_content"] = {"quantity": row["net_content_quantity"], "unit": row["net_content_unit"]}
    if row.get("agreement"):
        line["preference"] = {"agreement": row["agreement"], "certificate_no": row["certificate_no"],
                              "direct_transport": row.get("direct_transport", "true") == "true"}  # fmt: skip
    request: dict[str, Any] = {"route": route, "day": row["day"], "lines": [line]}
    if row.get("at"):
        request["at"] = row["at"]
    if row.get("exchange_rate"):
        request["exchange_rates"] = {row["currency"]: row["exchange_rate"]}
    if row.get("mode"):
        request["mode"] = row["mode"]
    return request
