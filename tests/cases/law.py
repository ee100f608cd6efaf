"""The law as committed, loaded once per test process, and case files read as requests."""

import tomllib
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from customs.assessments import Line, Request, parse_request
from customs.tariff import Tariff, load_tariff

CASES = Path(__file__).parent
DATA = Path(__file__).parents[2] / "customs" / "data"


@cache
def tariff() -> Tariff:
    return load_tariff(DATA)


def cases() -> list[Any]:
    """Every case of every file, in file order."""
    files = [tomllib.loads(path.read_text("utf-8")) for path in sorted(CASES.glob("*.toml"))]
    return [case for file in files for case in file.get("case", ())]


def request_of(case: dict[str, Any]) -> Request:
    """A case as the body of POST /customs/assessments, then as a request; one `line`, or several `lines`."""
    lines = [{"quantity": "100", "unit": "kg", "insurance": "0.00", **given}
             for given in case.get("lines") or [case["line"]]]  # fmt: skip
    for line in lines:
        if line["insurance"] == "":
            del line["insurance"]
    body = {"route": case["route"], "day": case["day"].isoformat(), "lines": lines}
    body |= {
        key: case[key]
        for key in ("mode", "annual_used", "exchange_rates", "assume", "incoterm", "costs", "from")
        if key in case
    }
    if "at" in case:
        body["at"] = case["at"].isoformat()
    return parse_request(body)


def line(hs: str, origin: str | None, value: str, **more: Any) -> Line:
    given = {"quantity": Decimal(100), "unit": "kg", "insurance": Decimal(0), **more}
    return Line(hs=hs, origin=origin, value=Decimal(value), **given)


def general(day: str, *lines: Line, **more: Any) -> Request:
    return Request("general_trade", date.fromisoformat(day), lines, **more)


def retail(day: str, *lines: Line, **more: Any) -> Request:
    return Request("cross_border_retail", date.fromisoformat(day), lines, **more)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
