"""The search of the tariff and one line read out, beside the plainest thing that could be done: a scan of all names.

Every query is an everyday word, another each time, so what is timed is not one word kept from the time before. The scan
only finds names that hold the word; it neither ranks, nor knows synonyms, nor shows a line.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from bench.duty import DATA, Figure, _figure, _median
from customs import edition, tariff_search
from customs.tariff import Tariff, load_tariff
from customs.tariff_search import words
from customs.tariff_search.everyday import everyday
from customs.tariff_search.index import Index
from customs.tariff_views import detail

DAY = date(2026, 11, 23)
QUERIES = 300
PAGE = 24


def time_search(law: Tariff, name: str, queries: Sequence[str], language: int) -> Figure:
    """Median microseconds of one query, first page, beside the median scan of the names of its language."""
    names = [words.plain(row[language]) for row in law.words()]
    tariff_search.search(DAY, queries[0], "", None, PAGE)  # the index is made
    ours = _each(queries, lambda text: tariff_search.search(DAY, text, "", None, PAGE))
    scan = _each(queries, lambda text: [number for number, own in enumerate(names) if text in own])
    return _figure(f"tariff: search, {name}", ours * 1e6, "us", scan * 1e6)


def time_detail(law: Tariff) -> Figure:
    """Median microseconds of a line read out as JSON, beside turning the same answer into JSON."""
    codes = law.in_force(DAY, "02") + law.in_force(DAY, "8457")
    whole = detail(law, codes[0], "AU", DAY)
    ours = _each(codes, lambda hs: json.dumps(detail(law, hs, "AU", DAY)))
    floor = _median(lambda: json.dumps(whole), 300)
    return _figure("tariff: one line read out", ours * 1e6, "us", floor * 1e6)


def time_index(law: Tariff) -> Figure:
    """Milliseconds to make the index of an edition, beside one pass that only brings the names to one form."""
    headings = [(row["code"], row["name_en"]) for row in law.reference("nomenclature") if row["level"] != "section"]
    seconds = _median(lambda: Index(law, headings), 3)
    floor = _median(lambda: [words.plain(text) for row in law.words() for text in row[1:]], 3)
    return _figure("tariff: making the index", seconds * 1e3, "ms", floor * 1e3)


def run() -> list[Figure]:
    """Every figure, each with its baseline measured in the same run."""
    law = load_tariff(DATA)
    edition.set_tariff(law)
    known = everyday()
    chinese = list(known.han)[:QUERIES]
    english = [" ".join(phrase) for phrase in known.phrases][:QUERIES]
    mixed = [f"frozen {text}" for text in english[:QUERIES]]
    return [
        time_search(law, "Chinese word", chinese, 1),
        time_search(law, "English word", english, 2),
        time_search(law, "two English words", mixed, 2),
        time_detail(law),
        time_index(law),
    ]


def _each(given: Sequence[str], work: Callable[[str], Any]) -> float:
    """The median over all that is given, each once."""
    taken = []
    for text in given:
        start = time.perf_counter()
        work(text)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
