"""The words of one edition's lines, ready to be asked: which lines hold a Chinese run or an English word, and how.

Chinese names are kept by pairs of neighbouring characters, English ones by stems in order (so a beginning is a slice),
the texts of headings by stems over ranges of lines. An answer is a column of points, one per line; nought is no match.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from customs.tariff import Tariff
from customs.tariff_search import words
from customs.tariff_search.everyday import Phrase

Points = NDArray[np.int16]
Numbers = NDArray[np.int32]

# How a word stands in a name. The head of a Chinese word is its end: 去骨牛肉 is 牛肉, 牛肉罐头 is not.
WORD, END, BEGINNING, INSIDE = 40, 36, 30, 20
HEADING_WORD, HEADING_BEGINNING = 12, 8
INSIDE_LEAST = 4  # letters: shorter ones stand inside nearly everything
_KEPT = 256  # columns of recent words, 24 KB each
# What the text of a heading says it is not.
_ELSEWHERE = re.compile(r"\b(?:excluding|except|other than|not including|not elsewhere)\b[^;]*")
_NEVER = "\uffff"  # after every word that begins with a given text


class Index:
    """Made once per edition; what it hands out must not be changed."""

    def __init__(self, law: Tariff, headings: Iterable[tuple[str, str]] = ()) -> None:
        self.first, self.last = law.line_first, law.line_last
        self.codes = [row["hs"] for row in law.rows]
        self.range_of = law.schedules.range_of
        self.zh = [words.plain(row["name_zh"]) for row in law.rows]
        self._grams = self._gathered(self._grams_of(name) for name in self.zh)
        english = [words.stems(words.plain(row["name_en"])) for row in law.rows]
        self._words = self._gathered({*stems, *words.stems(zh)} for stems, zh in zip(english, self.zh, strict=True))
        self.vocabulary = sorted(self._words)
        self._whole: dict[str, list[int]] = defaultdict(list)
        for number, stems in enumerate(english):
            for name in {compact(self.zh[number]), "".join(stems)} - {""}:
                self._whole[name].append(number)
        self._headings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for code, text in headings:
            lines = self.range_of(code)
            for stem in set(words.stems(_ELSEWHERE.sub(" ", words.plain(text)))) - words.STOPWORDS:
                self._headings[stem].append(lines)
        self._heading_words = sorted(self._headings)
        self.han = lru_cache(_KEPT)(self._han)
        self.word = lru_cache(_KEPT)(self._word)

    def __len__(self) -> int:
        return len(self.codes)

    @staticmethod
    def _grams_of(name: str) -> set[str]:
        return {gram for run in words.runs(name) for gram in (*run, *words.pairs(run))}

    @staticmethod
    def _gathered(found: Iterable[Iterable[str]]) -> dict[str, Numbers]:
        lists: dict[str, list[int]] = defaultdict(list)
        for number, parts in enumerate(found):
            for part in parts:
                lists[part].append(number)
        return {part: np.array(numbers, np.int32) for part, numbers in lists.items()}

    def in_force(self, day: int, prefix: str) -> NDArray[np.bool_]:
        """Which lines are in force on a day under a beginning of a code."""
        low, high = self.range_of(prefix)
        found = np.zeros(len(self), bool)
        found[low:high] = (self.first[low:high] <= day) & (day <= self.last[low:high])
        return found

    def whole(self, text: str) -> list[int]:
        """The lines whose whole name, Chinese or English, is a text."""
        names = {compact(text), "".join(words.stems(text))}
        return [number for name in names for number in self._whole.get(name, ())]

    def under(self, prefixes: Iterable[str], points: int) -> Points:
        """Points for every line under one of some beginnings of codes."""
        found = self.nothing()
        for prefix in prefixes:
            low, high = self.range_of(prefix)
            found[low:high] = points
        return found

    def nothing(self) -> Points:
        return np.zeros(len(self), np.int16)

    def occurs(self, run: str) -> bool:
        """Whether a Chinese run stands in any name."""
        return any(run in self.zh[number] for number in self._holding(run))

    def _holding(self, run: str) -> Numbers:
        """Lines that hold every pair of neighbours of a run."""
        grams = words.pairs(run) or [run]
        if not all(gram in self._grams for gram in grams):
            return np.zeros(0, np.int32)
        lists = sorted((self._grams[gram] for gram in grams), key=len)
        return reduce(lambda a, b: np.intersect1d(a, b, assume_unique=True), lists)

    def _han(self, run: str) -> Points:
        """Where a Chinese run stands in the names."""
        found = self.nothing()
        for number in self._holding(run):
            found[number] = _standing(run, self.zh[number])
        return found

    def _word(self, word: str, headings: bool = True) -> Points:
        """Where an English word stands in the names or, if asked for, in the texts of their headings."""
        found = self.nothing()
        if headings:
            self._at_heading(found, word)
        for own in _slice(self.vocabulary, word):
            numbers = self._words[own]
            found[numbers] = np.maximum(found[numbers], WORD if own == word else BEGINNING)
        if not found.any() and len(word) >= INSIDE_LEAST:
            for own in self.vocabulary:
                if word in own:
                    found[self._words[own]] = INSIDE
        return found

    def _at_heading(self, found: Points, word: str) -> None:
        for own in _slice(self._heading_words, word):
            points = HEADING_WORD if own == word else HEADING_BEGINNING
            for low, high in self._headings[own]:
                np.maximum(found[low:high], points, out=found[low:high])

    def phrase(self, phrase: Phrase, headings: bool = True) -> Points:
        """Where all words of a phrase stand; the weakest counts."""
        columns = [self.han(part) if words.is_han(part) else self.word(part, headings) for part in phrase]
        return reduce(np.minimum, columns)


def compact(text: str) -> str:
    """A plain text without spaces and punctuation."""
    return "".join(words.tokens(text))


def _slice(vocabulary: list[str], word: str) -> list[str]:
    """The words of a sorted list that begin with a word; the word alone when it is too short for a beginning."""
    low = bisect_left(vocabulary, word)
    if len(word) < 2:
        return vocabulary[low : low + 1] if vocabulary[low : low + 1] == [word] else []
    return vocabulary[low : bisect_left(vocabulary, word + _NEVER)]


def _standing(run: str, name: str) -> int:
    """How a run stands in a name; nought when only its pairs do."""
    if run not in name:
        return 0
    parts = [part for part in words.fragments(name) if run in part]
    if run in parts:
        return WORD
    if any(part.endswith(run) for part in parts):
        return END
    return BEGINNING if any(part.startswith(run) for part in parts) else INSIDE
