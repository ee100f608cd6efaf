"""The difference against the engine's own answers: a line and day differ exactly where a change says so."""

import random
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from customs.editions.answers import Answer
from customs.editions.difference import difference
from customs.editions.folder import read_edition
from customs.tariff import Tariff, load_tariff
from tests.customs.editions.small_law import append

CODES = (
    "",
    "03",
    "0303",
    "03031",
    "030311",
    "03031100",
    "0303110000",
    "030312",
    "03031900",
    "0303190010",
    "0303190090",
)
RATES = ("0", "3", "5", "3 + 1 CNY/kg", "none", "10 staged 4 from 2031")
FIRST = date(2031, 1, 1)
DAYS = 3 * 365


def _rows(chance: random.Random) -> list[str]:
    """Rows of an agreement, of many codes that nest, each code with periods that do not overlap."""
    rows = []
    for code in chance.sample(CODES, 6):
        cuts = sorted(chance.sample(range(0, DAYS, 73), 4))
        for begin, end in zip(cuts[::2], cuts[1::2], strict=True):
            first, last = FIRST + timedelta(begin), FIRST + timedelta(end - 1)
            source = chance.choice(("recalled,assumed", "vat-law,official"))
            rows.append(f"TRIAL,{code},{chance.choice(RATES)},{first},{last},{source}")
    return rows


def _answer(law: Tariff, number: int, day: date) -> tuple[object, ...] | None:
    entry = law.entry("agreement:TRIAL", number, day)
    return entry and (entry.rate, entry.source, entry.standing)


def _told(answers: Sequence[Answer], day: date) -> tuple[object, ...] | None:
    """What a change says is answered on a day."""
    if not answers:
        return None
    [answer] = answers
    return (answer.in_year(day.year).values[0], answer.source, answer.standing)


@pytest.mark.parametrize("seed", range(8))
def test_a_change_is_where_the_engine_answers_otherwise(law: Path, tmp_path: Path, seed: int) -> None:
    """Every line and day that differs is told with both answers; every line that is told differs on some such day."""
    chance = random.Random(seed)
    append(law, "agreements", "TRIAL,agreement,试,Trial,,2031-01-01,,recalled,assumed")
    new = Path(shutil.copytree(law, tmp_path / "new"))
    kept = _rows(chance)
    append(law, "agreement_rates", *kept)
    append(new, "agreement_rates", *(kept[:4] if seed % 2 else _rows(chance)))
    before, after = load_tariff(law), load_tariff(new)
    changes = difference(read_edition(law), read_edition(new))
    assert {(change.table, change.subject) for change in changes} == {("agreement_rates", ("TRIAL",))}
    edges = {day for change in changes for day in (change.first_day, change.last_day)}
    days = [date.fromordinal(day) for day in sorted(edges | {FIRST.toordinal() + step for step in range(0, DAYS, 10)})]
    proven: set[tuple[int, str]] = set()
    for number, row in enumerate(before.rows):
        line = row["hs"]
        if not line.startswith("03031") or row["last_day"] < FIRST.toordinal():
            continue
        for day in days:
            answered = _answer(before, number, day), _answer(after, number, day)
            covering = [
                i
                for i, change in enumerate(changes)
                if line in change.lines
                and change.first_day <= day.toordinal() <= change.last_day
                and (_told(change.before, day), _told(change.after, day)) == answered
            ]
            assert bool(covering) == (answered[0] != answered[1]), (line, day)
            proven.update((i, line) for i in covering)
    claimed = {(i, line) for i, change in enumerate(changes) for line in change.lines if line.startswith("03031")}
    assert proven == claimed != set()
