"""The duty engine beside what the machine can do at all: an archive of a million lines, and a quote of three.

The archive is timed beside a NumPy copy of the same columns in and out, the floor below which no engine on columns
can go, and beside OpenFisca on three bare steps of the same lines. Four lines in five are food, of all its codes alike;
twenty origins, three years of days, half of the preferences proven. Times are of the processor, one core.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from customs.assessments import Line, Request, assess
from customs.duty.batch import GENERAL_TRADE, RETAIL, Batch, levy
from customs.duty.columns import OK
from customs.tariff import Tariff, load_tariff

DATA = Path(__file__).parents[1] / "customs" / "data"
ROWS = 1_000_000
ORIGINS = ["BR", "AR", "UY", "AU", "NZ", "US", "CA", "JP", "KR", "DE", "FR", "NO", "CL", "PE", "EC", "TH", "VN", "ID",
           "ET", "CH"]  # fmt: skip
FIRST, LAST = date(2023, 11, 23), date(2026, 11, 22)
FOOD = ("02", "03", "04", "1602", "1604", "1605")
FOOD_SHARE = 0.8

Figure = dict[str, Any]


def archive(tariff: Tariff, rows: int = ROWS) -> Batch:
    """Lines as an archive holds them; the same for every run."""
    chance = np.random.default_rng(20261123)
    always = (tariff.line_first <= FIRST.toordinal()) & (tariff.line_last >= LAST.toordinal())
    priced = [i for i in np.flatnonzero(always).tolist() if tariff.entry("mfn", i, FIRST) is not None]
    food = np.array([i for i in priced if tariff.rows[i]["hs"].startswith(FOOD)])
    other = np.array([i for i in priced if not tariff.rows[i]["hs"].startswith(FOOD)])
    chosen = np.where(chance.random(rows) < FOOD_SHARE, chance.choice(food, rows), chance.choice(other, rows))
    numbers = np.array([tariff.origins.number[origin] for origin in ORIGINS], np.int64)
    return Batch(
        code=tariff.keys[chosen],
        origin=chance.choice(numbers, rows),
        day=chance.integers(FIRST.toordinal(), LAST.toordinal() + 1, rows),
        value=chance.integers(1, 10**9, rows),
        proven=chance.random(rows) < 0.5,
        minute=np.full(rows, 12 * 60, np.int64),
        quantity={
            unit: np.full(rows, 10**7, np.int64) for unit in ("kg", "l", "m2", "ml", "g", "piece", "unit1", "set")
        },
    )


def copied(batch: Batch) -> list[Any]:
    """The floor: read the columns in, write as many columns out."""
    out = [column.copy() for column in (batch.code, batch.origin, batch.day, batch.value)]
    return [*out, *(batch.value.copy() for _ in range(7))]


def time_archive(tariff: Tariff, route: str) -> list[Figure]:
    """Lines per second on one core, the first time of an edition and then, each as a share of the copy's."""
    batch = archive(tariff)
    start = time.process_time()
    levied = levy(tariff, route, batch)
    first = time.process_time() - start
    failed = int((levied.fault != OK).sum())
    if failed > ROWS // 50:
        raise RuntimeError(f"{failed} of {ROWS} lines of the archive could not be computed")
    floor = ROWS / _median(lambda: copied(batch), 7)
    name = f"duty: 1,000,000 lines, {route}"
    return [
        _figure(f"{name}, first time", ROWS / first, "lines/s", floor),
        _figure(name, ROWS / _median(lambda: levy(tariff, route, batch), 7), "lines/s", floor),
    ]


def time_openfisca(tariff: Tariff) -> list[Figure]:
    """The same lines beside OpenFisca's three steps on rates given to it; nothing where it is not installed."""
    try:
        from bench import openfisca_taxes
    except ModuleNotFoundError:
        return []
    batch = archive(tariff)
    rate = np.full(ROWS, 0.12), np.full(ROWS, 0.1), np.full(ROWS, 0.09)
    given = dict(zip(openfisca_taxes.GIVEN, (batch.value / 100, *rate), strict=True))
    taxes = openfisca_taxes.system()
    theirs = ROWS / _median(lambda: openfisca_taxes.compute(taxes, given), 7)
    ours = ROWS / _median(lambda: levy(tariff, GENERAL_TRADE, batch), 7)
    return [_figure("duty: law and all steps, beside openfisca's three", ours, "lines/s", theirs)]


def three_lines(day: date = date(2026, 2, 1)) -> Request:
    """A consignment of three lines with a claim, a surtax and foreign currency."""
    lines = [
        Line("0202300090", "BR", Decimal(20000), "kg", Decimal("104000.00"), "USD", Decimal("1200.00"), Decimal(0)),
        Line("0202300090", "AU", Decimal(18000), "kg", Decimal("99000.00"), "USD", Decimal("900.00"), None,
             origin_proof=True),
        Line("0303892000", "US", Decimal(5000), "kg", Decimal("22000.00"), "USD", Decimal("300.00"), None),
    ]  # fmt: skip
    return Request("general_trade", day, lines, exchange_rates={"USD": Decimal("7.1000")})


def time_quote(tariff: Tariff) -> list[Figure]:
    """Microseconds for three lines: the amounts, and the whole answer with explanation as bytes; beside the bytes."""
    request = three_lines()
    whole = assess(tariff, request).to_dict()
    amounts = _median(lambda: assess(tariff, request), 300)
    answer = _median(lambda: json.dumps(assess(tariff, request).to_dict()), 300)
    floor = _median(lambda: json.dumps(whole), 300)
    return [
        _figure("duty: three lines, amounts", amounts * 1e6, "us", floor * 1e6),
        _figure("duty: three lines, whole answer with explanation", answer * 1e6, "us", floor * 1e6),
    ]


def time_loading() -> Figure:
    """Seconds from files to columns, beside reading the same bytes."""
    seconds = _median(lambda: load_tariff(DATA), 3)
    floor = _median(lambda: [path.read_bytes() for path in DATA.iterdir() if path.is_file()], 3)
    return _figure("duty: loading the law", seconds, "s", floor)


def run() -> list[Figure]:
    """Every figure, each with its baseline measured in the same run."""
    tariff = load_tariff(DATA)
    return [
        *time_archive(tariff, GENERAL_TRADE),
        *time_archive(tariff, RETAIL),
        *time_openfisca(tariff),
        *time_quote(tariff),
        time_loading(),
    ]


def _median(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def _figure(name: str, value: float, unit: str, baseline: float) -> Figure:
    return {"name": name, "value": round(value, 6), "unit": unit, "baseline": round(baseline, 6),
            "ratio": round(value / baseline, 4)}  # fmt: skip
