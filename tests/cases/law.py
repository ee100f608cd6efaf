"""The law as committed, loaded once per test process, and case files read as requests."""

import tomllib
from collections.abc import Iterable, Iterator
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


def cases(case: str = "case", edge: str = "edge") -> list[Any]:
    """Every case of every file, in file order; an `edge` is one line on several days, each a case of its own."""
    files = [tomllib.loads(path.read_text("utf-8")) for path in sorted(CASES.glob("*.toml"))]
    return [each for file in files for each in (*file.get(case, ()), *_of_edges(file.get(edge, ())))]


def made_cases() -> list[Any]:
    """The cases on the law made for the tests, tests/customs/duty/every_form.py."""
    return cases("made", "made_edge")


def _of_edges(edges: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for edge in edges:
        for day in edge["days"]:
            instant = f" {day['at']:%H:%M:%S}" if "at" in day else ""
            yield {**edge, **day, "name": f"{edge['name']}: {day['day']}{instant}"}


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
