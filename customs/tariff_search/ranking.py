"""How well each line answers a query: where the goods themselves stand, then how the words stand in its names.

For a plain word the heading of the goods comes before what is made of them: 牛肉 finds 0201 and 0202, then 1602.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from customs.tariff_search.everyday import Meaning, everyday
from customs.tariff_search.index import Index, Points
from customs.tariff_search.query import Query, Term
from customs.tariff_search.words import tokens

NAME = 1000  # the query is the whole name
HOME = 100  # the code, or a heading where the goods themselves stand
TOGETHER = 10  # the words stand together as typed
OTHER_WORD = 4  # what another word for the same thing loses
BEGINNING_LEAST = 2  # characters of the beginning of an everyday word


def points(index: Index, query: Query) -> Points:
    """Points of every line; nought where a word is missing. Without words every line has one."""
    if not query.terms:
        return np.ones(len(index), np.int16)
    columns = [term_points(index, term) for term in query.terms]
    total = np.where(np.logical_and.reduce([column > 0 for column in columns]), sum(columns), 0).astype(np.int16)
    for run in query.together:
        total[(total > 0) & (index.han(run) > 0)] += TOGETHER
    for number in index.whole(query.text):
        at_home = total[number] >= HOME or not _is_plain_word(query)
        total[number] = NAME if at_home else HOME - 1  # 芝麻 is a line of 2008 and still an oil seed first
    return total


def _is_plain_word(query: Query) -> bool:
    """Whether a query is one everyday word for goods and no more."""
    first = query.terms[0]
    alone = len(query.terms) == 1 and len(tokens(query.text)) == len(first.parts)
    return alone and first.meaning is not None and not first.meaning.is_quality


def term_points(index: Index, term: Term) -> Points:
    """Points of every line for one term."""
    if term.is_number:
        return _number(index, term.text)
    if term.meaning is not None:
        return _meant(index, index.phrase(term.parts, term.meaning.is_quality), term.meaning)
    own = index.phrase(term.parts)
    if not own.any():
        for meaning in begun(term.text):
            own = np.maximum(own, _meant(index, own, meaning))
    return own


def _meant(index: Index, own: Points, meaning: Meaning) -> Points:
    """The word itself, other words for the same thing, and the lines under the headings of the goods; where these are
    named, what the text of another heading mentions is no match."""
    others = [*map(index.han, meaning.han), *(index.phrase(each, meaning.is_quality) for each in meaning.phrases)]
    other = np.maximum.reduce(others)
    found = np.maximum(own, np.maximum(other - OTHER_WORD, 0))
    return np.maximum(found, index.under(meaning.headings, HOME))


def _number(index: Index, text: str) -> Points:
    """A beginning of a code, or a number in a name. A line without a ten-digit split is found by ten digits too."""
    digits = text.replace(".", "")
    low, high = index.range_of(digits) if len(digits) <= 10 else (0, 0)
    if low == high and len(digits) == 10:
        low, high = index.range_of(digits[:8])
        high = low + 1 if index.codes[low:high] == [digits[:8]] else low
    found = index.nothing()
    found[low:high] = HOME
    return np.maximum(found, index.phrase(tuple(text.split("."))))


def begun(text: str) -> Iterator[Meaning]:
    """The meanings of everyday words that begin with a text."""
    if len(text) < BEGINNING_LEAST:
        return
    known = everyday()
    yield from (meaning for word, meaning in known.han.items() if word.startswith(text))
    yield from (meaning for phrase, meaning in known.phrases.items() if " ".join(phrase).startswith(text))
