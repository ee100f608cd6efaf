"""The append-only journal: one JSON line per finished step, on disk before the answer leaves.

A line is the unit of atomicity. A crash can only tear the last one, which was then never answered; it is cut off on the
next start. Anything else unreadable stops the start, because a payment processor must not guess.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JournalFault(Exception):
    """The journal cannot be used; the message names the file and what to do."""


class Journal:
    """`<place>/journal.jsonl`, or `place` itself if it ends in `.jsonl`; held by one process at a time."""

    def __init__(self, place: Path) -> None:
        self.path = place if place.suffix == ".jsonl" else place / "journal.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalFault(f"{self.path} is in use by another Stripe sandbox") from None
        self._cut_torn_tail()
        self._seq = 0

    def replay(self) -> Iterator[dict[str, Any]]:
        """All lines from the first; afterwards appending goes on from the last sequence number."""
        for number, entry in enumerate(self._lines(), 1):
            if entry.get("seq") != number:
                raise JournalFault(f"{self.path} line {number}: sequence number {entry.get('seq')}, expected {number}")
            self._seq = number
            yield entry

    def append(self, entry: dict[str, Any], *, durable: bool) -> int:
        """Write one line; with `durable` it is on disk on return. The caller holds the store's lock."""
        line = json.dumps({"seq": self._seq + 1, **entry}, ensure_ascii=False, separators=(",", ":"))
        self._file.write(line.encode("utf-8") + b"\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())
        self._seq += 1
        return self._seq

    def after(self, seq: int, limit: int) -> list[dict[str, Any]]:
        """At most `limit` lines whose sequence number is greater than `seq`."""
        found: list[dict[str, Any]] = []
        last = self._seq
        for entry in self._lines():
            if entry["seq"] > seq:
                found.append(entry)
            if len(found) >= limit or entry["seq"] >= last:
                break
        return found

    def close(self) -> None:
        self._file.close()

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return  # being written by another thread this very moment
                try:
                    yield json.loads(line)
                except ValueError:
                    raise JournalFault(f"{self.path} line {number} is not JSON: restore or remove the file") from None

    def _cut_torn_tail(self) -> None:
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            if size == 0:
                return
            keep = _end_of_last_line(file, size)
            if keep != size:
                file.truncate(keep)
                os.fsync(file.fileno())


def _end_of_last_line(file: Any, size: int) -> int:
    """The offset just after the last newline, read backwards in blocks."""
    block, end = 65536, size
    while end > 0:
        start = max(0, end - block)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return int(start + found + 1)
        end = start
    return 0
