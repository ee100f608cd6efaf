"""Which skus of a file have been seen, at twelve bytes each: a set of a million texts would take a hundred times that.

Kept as sorted runs of hashes, each run at least twice the next, so that a block of rows is looked up in few searches.
Two skus of one hash among a million are a matter of one file in thirty million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Run = tuple[NDArray[np.uint64], NDArray[np.uint32]]  # hashes in their order, the row each was seen in


class Seen:
    """The skus of the rows before."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def add(self, skus: Sequence[str], rows: Sequence[int]) -> list[int]:
        """The row in which each sku was seen first; 0 for one that is new. All of them are seen from now on."""
        if not skus:
            return []
        digests = b"".join(
            hashlib.blake2b(sku.encode("utf-8", "surrogatepass"), digest_size=8).digest() for sku in skus
        )
        hashes = np.frombuffer(digests, np.uint64)
        numbers = np.array(rows, np.uint32)
        before = np.zeros(len(hashes), np.uint32)
        for run in self._runs:
            before = np.where(before == 0, _looked_up(run, hashes), before)
        order = np.argsort(hashes, kind="stable")
        run = hashes[order], numbers[order]
        inside = _looked_up(run, hashes)
        before = np.where((before == 0) & (inside != numbers), inside, before)
        self._keep(run)
        return [int(row) for row in before]

    def _keep(self, run: _Run) -> None:
        while self._runs and len(self._runs[-1][0]) < 2 * len(run[0]):
            before = self._runs.pop()
            run = np.concatenate((before[0], run[0])), np.concatenate((before[1], run[1]))
            del before  # or the memory would hold them twice while they are sorted
            order = np.argsort(run[0], kind="stable")  # of the same sku, the earlier row stays the first
            run = run[0][order], run[1][order]
        self._runs.append(run)


def _looked_up(run: _Run, hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The first row of each hash in a run, 0 where it is not there."""
    known, rows = run
    at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[at] == hashes, rows[at], np.uint32(0))
