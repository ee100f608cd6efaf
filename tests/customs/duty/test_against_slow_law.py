"""The engine against the slow law on thousands of lines nobody chose."""

import random
from datetime import date
from decimal import Decimal

import numpy as np

from customs.duty.batch import GENERAL_TRADE, RETAIL, Batch, levy
from customs.duty.columns import NO_CODE, NO_INSTANT, OK
from tests.cases.law import tariff
from tests.customs.duty import slow_law

ORIGINS = ["US", "CA", "AU", "NZ", "BR", "KR", "JP", "EC", "ET", "KE", "AD", "DE", "CN", "CL", "HK", "KM", "LA", "GL"]
FIRST, LAST = date(2018, 1, 1), date(2027, 12, 31)
INTERESTING = ["02", "03", "1604", "1605", "6802", "7010", "7011", "2204", "8703", "3303", "0404", "0802", "1005"]


def _lines(count: int, seed: int) -> list[tuple[str, str, date, int, bool]]:
    chance = random.Random(seed)
    codes = [row["hs"] for row in tariff().rows if len(row["hs"]) == 10]
    chosen = [code for code in codes if code.startswith(tuple(INTERESTING))]
    return [
        (
            chance.choice(chosen if chance.random() < 0.7 else codes),
            chance.choice(ORIGINS),
            slow_law.day_between(FIRST, LAST, chance.randrange(10**6)),
            chance.choice([0, 1, chance.randrange(10**5), chance.randrange(10**12)]),
            chance.random() < 0.6,
        )
        for _ in range(count)
    ]


def _batch(lines: list[tuple[str, str, date, int, bool]]) -> Batch:
    numbers = tariff().origins.number
    return Batch(
        code=np.array([int(hs) for hs, *_ in lines]),
        origin=np.array([numbers[origin] for _, origin, *_ in lines]),
        day=np.array([day.toordinal() for _, _, day, *_ in lines]),
        value=np.array([value for _, _, _, value, _ in lines]),
        proven=np.array([proven for *_, proven in lines]),
    )


def test_general_trade_agrees_on_random_lines() -> None:
    lines = _lines(6000, seed=20261123)
    levied = levy(tariff(), GENERAL_TRADE, _batch(lines))
    compared = 0
    for i, (hs, origin, day, value, proven) in enumerate(lines):
        bill = slow_law.general_trade(hs, origin, day, Decimal(value) / 100, proven)
        fault = int(levied.fault[i])
        if fault in (NO_CODE, NO_INSTANT):
            continue
        if bill is None or fault != OK:
            by_quantity = "CNY" in tariff().entries[int(levied.entry[i])].rate.text
            assert fault != OK or by_quantity or _taxed_by_quantity(hs, day), (hs, origin, day)
            assert bill is None, (hs, origin, day, fault)
            continue
        ours = [levied.duty[i], levied.additional_duty[i], levied.consumption_tax[i], levied.vat[i]]
        theirs = [bill.duty, bill.additional, bill.consumption, bill.vat]
        assert [Decimal(int(fen)) / 100 for fen in ours] == theirs, (hs, origin, day, value, proven)
        compared += 1
    assert compared > 4000


def test_retail_agrees_on_random_lines() -> None:
    lines = [line for line in _lines(4000, seed=7) if line[3] <= 500_000]
    levied = levy(tariff(), RETAIL, _batch(lines))
    compared = 0
    for i, (hs, _, day, value, _) in enumerate(lines):
        bill = slow_law.retail(hs, day, Decimal(value) / 100)
        if levied.fault[i] != OK or bill is None:
            continue
        ours = (Decimal(int(levied.consumption_tax[i])) / 100, Decimal(int(levied.vat[i])) / 100)
        assert ours == (bill.consumption, bill.vat), (hs, day, value)
        assert levied.duty[i] == levied.additional_duty[i] == 0
        compared += 1
    assert compared > 2000


def _taxed_by_quantity(hs: str, day: date) -> bool:
    row = slow_law.inherited("consumption_tax", hs, day)
    return row is not None and ("CNY" in row["rate"] or bool(row["threshold"]))
