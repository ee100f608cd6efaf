"""The window's memory: one JSON line per step on disk before anything is answered, read again at the start.

A line holds all records of one step, so a step counts whole or not at all; a line torn by a crash was never answered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Journal:
    """`<folder>/window.jsonl`; identity numbers stand in it, so only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "window.jsonl"
        self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")

    def replay(self) -> Iterator[list[Record]]:
        """Every step from the first; a torn last line is cut off."""
        self._file.seek(0)
        good = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            yield json.loads(line)
            good += len(line)
        self._file.truncate(good)

    def append(self, records: list[Record]) -> None:
        self._file.write(json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
