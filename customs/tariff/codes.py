"""Codes to line numbers, one or a million at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads neighbouring codes over the table
_BITS = 17


class Codes:
    """A hash table over the sorted line keys. One multiplication and two gathers find a code; the few that share a
    cell with another are found by binary search."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self._keys = keys
        self._table = np.zeros(1 << _BITS, np.int32)
        self._table[self._cell(keys)] = np.arange(len(keys), dtype=np.int32)

    def find(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The line number of each ten-digit code (eight-digit lines padded with zeros); -1 for an unknown code."""
        found = self._table.take(self._cell(codes)).astype(np.int64)
        missed = np.flatnonzero(self._keys.take(found) != codes)
        if len(missed):
            wanted = codes[missed]
            near = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
            found[missed] = np.where(self._keys[near] == wanted, near, -1)
        return found

    @staticmethod
    def _cell(codes: NDArray[np.int64]) -> NDArray[np.int64]:
        spread = codes.astype(np.uint64) * _SPREAD
        return (spread >> np.uint64(64 - _BITS)).astype(np.int64)
