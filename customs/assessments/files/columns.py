"""Columns as they come out of a file, before anything is checked: coded words, or what Parquet has already typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BLANK = -1  # the code of a cell without a word


@dataclass(slots=True)
class Words:
    """A column of texts: per row the number of its word in `words`, or BLANK."""

    codes: NDArray[np.int32]
    words: Sequence[str]

    def map(self, of_word: Callable[[str], int], blank: int) -> Ints:
        """A number for each row: `of_word` is asked once for each word."""
        return np.array([*map(of_word, self.words), blank], np.int64)[self.codes]

    def spread(self, of_words: NDArray[Any], blank: Any) -> NDArray[Any]:
        """The same with the numbers of all words given."""
        return np.append(of_words, np.array([blank], of_words.dtype))[self.codes]

    def word(self, row: int) -> str:
        """The text of one row, "" for a blank one."""
        code = int(self.codes[row])
        return "" if code == BLANK else self.words[code]


@dataclass(slots=True)
class Typed:
    """A column that the file has typed: integers of the kind's own scale (amounts 0.01, quantities 0.00001, rates
    10^-8, days ordinals, instants microseconds since 1970 UTC, flags 0 and 1), and which rows have one. `fits` is false
    where the file's own number has more digits than the kind keeps."""

    values: Ints
    given: Bools
    fits: Bools


@dataclass(slots=True)
class Piece:
    """Some rows of a file. `first` is the number of the first one, counted from 1 after the header; `broken` names rows
    that could not be split into the columns, with the reason. `position` is how much of the file was read so far."""

    first: int
    count: int
    columns: dict[str, Words | Typed]
    broken: dict[int, str]
    position: int


def no_words(count: int) -> Words:
    """A column that is not there."""
    return Words(np.full(count, BLANK, np.int32), ())


def used(codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], Ints]:
    """The codes counted anew over the words that they use, and the numbers of those words, ascending."""
    there, place = np.unique(codes, return_inverse=True)
    blanks = int(np.searchsorted(there, 0))  # 1 when some row is blank, which then comes first
    return (place - blanks).astype(np.int32), there[blanks:].astype(np.int64)


def trimmed(codes: NDArray[np.int32], words: Sequence[str]) -> Words:
    """A coded column with the spaces around its words left out and blank words as BLANK."""
    words = [word.strip() for word in words]
    if "" in words:
        numbers = np.array([i if word else BLANK for i, word in enumerate(words)] + [BLANK], np.int32)
        codes = numbers[codes]
    return Words(codes, words)
