"""What to offer when nothing is found: the query with its wrong word put right, or with a word less.

Words are near when they share pairs of letters (characters in Chinese); of these the one with the fewest changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache

from customs.tariff_search import words
from customs.tariff_search.everyday import everyday
from customs.tariff_search.index import Index
from customs.tariff_search.query import Query
from customs.tariff_search.ranking import term_points

MOST = 5
_CANDIDATES = 12
_CHANGES_MOST = 2


class Near:
    """The words of an edition and of everyday, to be found by their parts."""

    def __init__(self, index: Index) -> None:
        known = everyday()
        spoken = [*known.han, *(" ".join(phrase) for phrase in known.phrases)]
        self._everyday = set(spoken)
        self._words = [*spoken, *(word for word in index.vocabulary if len(word) > 3 and not word.isdigit())]
        self._holding: dict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(self._words):
            for part in _parts(word):
                self._holding[part].append(number)

    def words(self, word: str) -> list[str]:
        """The words nearest to one that finds nothing, nearest first; everyday ones before others."""
        shared = Counter(number for part in _parts(word) for number in self._holding.get(part, ()))
        found = []
        for number, _ in shared.most_common(_CANDIDATES * 4):
            other = self._words[number]
            changes = _changes(word, other)
            if 0 < changes <= _allowed(word):
                found.append((changes, other not in self._everyday, other))
        return list(dict.fromkeys(other for _, _, other in sorted(found)))[:_CANDIDATES]


def suggest(near: Near, index: Index, query: Query, finds: Callable[[str], bool]) -> list[str]:
    """At most five queries that find something, nearest to the one that does not."""
    if len(query.terms) == 1 and query.terms[0].is_number:
        return _codes(query.terms[0].text.replace(".", ""), finds)
    found: list[str] = []
    for text in _attempts(near, index, query):
        if text and text not in found and finds(text):
            found.append(text)
            if len(found) == MOST:
                break
    return found


def _codes(digits: str, finds: Callable[[str], bool]) -> list[str]:
    """The longest beginning of a code that exists."""
    return next(([digits[:size]] for size in range(min(len(digits), 10) - 1, 1, -1) if finds(digits[:size])), [])


def _attempts(near: Near, index: Index, query: Query) -> Iterator[str]:
    """The words that find nothing put right (a Chinese run as a whole, too); then the query without them; then the
    words one by one."""
    for run in query.together:
        yield from (query.text.replace(run, word) for word in near.words(run))
    texts = [term.text for term in query.terms]
    missing = [i for i, term in enumerate(query.terms) if not term_points(index, term).any()]
    better = {i: near.words(texts[i]) for i in missing}
    for choice in range(max(map(len, better.values()), default=0)):
        put = {i: found[min(choice, len(found) - 1)] for i, found in better.items() if found}
        yield _joined([put.get(i, text) for i, text in enumerate(texts)])
    if len(texts) > 1:
        for left_out in [missing] if missing else [[i] for i in range(len(texts))]:
            yield _joined([text for i, text in enumerate(texts) if i not in left_out])
        yield from texts


def _joined(texts: list[str]) -> str:
    return ("" if all(map(words.is_han, texts)) else " ").join(texts)


def _parts(word: str) -> set[str]:
    return set(word) if words.is_han(word) else {*words.pairs(f"^{word}$")}


def _allowed(word: str) -> int:
    """How many changes a slip makes: one in a short word, two in a longer one."""
    return 1 if len(word) < 5 else _CHANGES_MOST


@lru_cache(4096)
def _changes(word: str, other: str) -> int:
    """Letters to insert, delete, replace or swap with the neighbour to make one word the other; at most three."""
    if abs(len(word) - len(other)) > _CHANGES_MOST:
        return _CHANGES_MOST + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
    return min(row[-1], _CHANGES_MOST + 1)
