"""Everyday words (`everyday.csv`): what people call goods, the headings where these stand, the tariff's own words.

A row of the file holds `words` that mean the same in either language, the `headings` (beginnings of codes) under which
the goods themselves stand, and `also` other words of the tariff for them. A row without headings is an adjective.
Not law: nothing here decides a rate, it only finds lines.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from customs.tariff_search.words import is_han, plain, stem, tokens

FILE = Path(__file__).with_name("everyday.csv")

Phrase = tuple[str, ...]  # English stems (and Chinese runs: T恤) that stand for one thing together


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row: goods or a quality, by every name."""

    headings: tuple[str, ...]
    han: tuple[str, ...]
    phrases: tuple[Phrase, ...]

    @property
    def is_quality(self) -> bool:
        return not self.headings


@dataclass(frozen=True, slots=True)
class Everyday:
    """Word -> meaning. `most` is the number of words of the longest English phrase."""

    han: dict[str, Meaning]
    phrases: dict[Phrase, Meaning]
    most: int


@cache
def everyday() -> Everyday:
    """The file as read. Raises ValueError for a word that stands in two rows."""
    han: dict[str, Meaning] = {}
    phrases: dict[Phrase, Meaning] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            meaning = _meaning(row)
            words, own = _split(row["words"])
            for known, word in [*((han, word) for word in words), *((phrases, phrase) for phrase in own)]:
                if known.setdefault(word, meaning) is not meaning:  # type: ignore[attr-defined]
                    raise ValueError(f"{FILE.name}: {word} stands in two rows")
    return Everyday(han, phrases, max(map(len, phrases)))


def _meaning(row: dict[str, str]) -> Meaning:
    han, phrases = _split(";".join((row["words"], row["also"])))
    headings = tuple(heading for heading in row["headings"].split(";") if heading)
    return Meaning(headings, tuple(dict.fromkeys(han)), tuple(dict.fromkeys(phrases)))


def _split(text: str) -> tuple[list[str], list[Phrase]]:
    """The words of a cell, Chinese apart from others."""
    parts = [plain(part).strip() for part in text.split(";") if part.strip()]
    han = [part for part in parts if is_han(part)]
    return han, [tuple(stem(word) for word in tokens(part)) for part in parts if not is_han(part)]
