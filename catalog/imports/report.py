"""The error report: CSV of row, field, code, message, what is allowed, and the sku, one line for each fault."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from catalog.imports.cells import harmless
from catalog.imports.columns import allowed
from catalog.imports.drafts import Judged

HEADINGS = ("row", "field", "code", "message", "allowed", "sku")
FAULTS_MOST = 10  # of one row
SIZE_MOST = 256 << 20  # a longer one helps nobody; what fails is counted all the same
_LONG = 500
ENDS = "the report ends here: mend these rows first"


def header() -> bytes:
    return _csv([HEADINGS])


def lines(failed: Iterable[Judged]) -> bytes:
    """The lines of some rows."""
    return _csv(
        (str(judged.entry.row), *map(_cell, (fault.field, fault.code, fault.message, allowed(fault.field))),
         _cell(judged.entry.sku[:64]))
        for judged in failed
        for fault in judged.faults[:FAULTS_MOST]
    )  # fmt: skip


def _cell(text: str) -> str:
    return harmless(text[:_LONG])


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


class Report:
    """The report of a run, written behind what stands there already. Whatever was written after that, by a run that was
    killed before it could say so, goes."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size

    def write(self, failed: Iterable[Judged]) -> int:
        """Add rows to the report on the disk; its size with them. It counts only when that is kept (`keep`)."""
        more = b"" if self._size else header()
        if self._size < SIZE_MOST:
            more += lines(failed)
            if self._size + len(more) >= SIZE_MOST:
                more += _csv([("", "row", "", ENDS, "", "")])
        if not more:
            return self._size
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.truncate(self._size)
            file.seek(self._size)
            file.write(more)
            file.flush()
            os.fsync(file.fileno())
        return self._size + len(more)

    def keep(self, size: int) -> None:
        """What was written is told to the database: the next rows come after it."""
        self._size = size
