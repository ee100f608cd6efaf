"""Reading a query: codes in any writing, Chinese cut into words, English words put together to phrases.

A Chinese run is cut where it costs least: everyday words first, then what stands in the names, then single characters;
so 冷冻去骨牛肉 becomes 冷冻, 去骨 and 牛肉, and 牛皮纸 (kraft paper) stays one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from customs.tariff_search import words
from customs.tariff_search.everyday import Meaning, Phrase, everyday
from customs.tariff_search.index import Index

TERMS_MOST = 12
PIECE_MOST = 8  # characters
# What a piece costs.
_EVERYDAY, _SINGLE_GOODS, _STANDS, _BEGUN, _CHARACTER, _UNKNOWN = 10, 16, 25, 26, 30, 100
_SPACED = re.compile(r"[^\x00-\x7f](?: +[^\x00-\x7f])+\Z")  # 牛 肉
_DIGITS_ALONE = re.compile(r"[0-9][0-9 .\-]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must be there: `parts` are a Chinese run, or English stems of one phrase, or a number."""

    parts: Phrase
    meaning: Meaning | None = None

    @property
    def text(self) -> str:
        return " ".join(self.parts)

    @property
    def is_number(self) -> bool:
        return len(self.parts) == 1 and self.parts[0].replace(".", "").isdigit()


@dataclass(frozen=True, slots=True)
class Query:
    """All terms must match. `text` is the plain query, `together` are runs cut into several terms."""

    text: str
    terms: tuple[Term, ...]
    together: tuple[str, ...] = ()


def read(index: Index, query: str) -> Query:
    """The terms of a query; none for one without a word."""
    text = words.plain(query).strip()
    if _SPACED.match(text):
        text = text.replace(" ", "")
    if _DIGITS_ALONE.match(text):
        return Query(text, _code(index, text))
    terms: list[Term] = []
    together: list[str] = []
    for group in _groups(words.tokens(text)):
        if not words.is_han(group[0]):
            terms += _phrases(group)
            continue
        for run in words.between(group[0]):
            cut = _cut(index, run)
            terms += cut
            together += [run] if len(cut) > 1 else []
    return Query(text, tuple(dict.fromkeys(terms[:TERMS_MOST])), tuple(together))


def _code(index: Index, text: str) -> tuple[Term, ...]:
    """Digits alone are one code however spaced (0202.30, 02 02), unless no line has it and spaces part several."""
    joined = re.sub("[^0-9]", "", text)
    groups = text.split()
    low, high = index.range_of(joined) if len(joined) <= 10 else (0, 0)
    if low < high or len(groups) == 1:
        return (Term((joined,)),)
    return tuple(Term((re.sub("[^0-9]", "", group),)) for group in groups[:TERMS_MOST])


def _groups(tokens: list[str]) -> Iterator[list[str]]:
    """Each Chinese run alone, neighbouring other tokens together."""
    group: list[str] = []
    for token in tokens:
        if words.is_han(token):
            if group and (*map(words.stem, group[-1:]), token) in everyday().phrases:  # T恤
                yield from ([group[:-1]] if group[:-1] else [])
                yield [group[-1], token]
                group = []
                continue
            if group:
                yield group
                group = []
            yield [token]
        else:
            group.append(token)
    if group:
        yield group


def _phrases(group: list[str]) -> list[Term]:
    """The longest everyday phrases, the other words one by one; words that only join are left out if others remain."""
    stems = [token if words.is_han(token) else words.stem(token) for token in group]
    known = everyday()
    terms: list[Term] = []
    at = 0
    while at < len(stems):
        for size in range(min(known.most, len(stems) - at), 0, -1):
            phrase = tuple(stems[at : at + size])
            meaning = known.phrases.get(phrase)
            if meaning is not None or size == 1:
                terms.append(Term(phrase, meaning))
                at += size
                break
    return [term for term in terms if term.text not in words.STOPWORDS] or terms


def _cut(index: Index, run: str) -> list[Term]:
    """The cheapest way to cut a run into pieces."""
    best: list[tuple[int, int]] = [(0, 0)]  # cost of the first characters, where the last piece begins
    for end in range(1, len(run) + 1):
        begins = range(max(0, end - PIECE_MOST), end)
        best.append(min((best[begin][0] + _cost(index, run[begin:end]), begin) for begin in begins))
    pieces: list[str] = []
    end = len(run)
    while end:
        begin = best[end][1]
        pieces.insert(0, run[begin:end])
        end = begin
    return [Term((piece,), everyday().han.get(piece)) for piece in pieces]


def _cost(index: Index, piece: str) -> int:
    meaning = everyday().han.get(piece)
    if meaning is not None:
        return _SINGLE_GOODS if len(piece) == 1 and not meaning.is_quality else _EVERYDAY
    if len(piece) == 1:
        return _CHARACTER if index.occurs(piece) else _UNKNOWN
    if index.occurs(piece):
        return _STANDS
    return _BEGUN if any(word.startswith(piece) for word in everyday().han) else _UNKNOWN * len(piece)
