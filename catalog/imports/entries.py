"""The records of a file as rows of listings: blank ones and remarks left out, each known by its sku and its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from catalog.api import schemas
from catalog.imports.block import Block, Record
from catalog.imports.cells import unquoted
from catalog.imports.header import Layout
from catalog.imports.rows import Fault
from catalog.imports.seen import Seen
from core.errors import INVALID, declare

UNREADABLE = declare("row_unreadable", 422, "The row cannot be read")
REPEATED = declare("sku_repeated", 422, "The sku stands in the file twice")

REMARK = "# "  # no sku begins so, since none has a space: the rules and examples of the template stay where they are
_BETWEEN, _FORM = "\x1f", b"1"  # the form of what is digested: another number makes every row be looked at again
DIGEST_SIZE = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: its number after the header, its cells, and what is wrong with it before it is looked into."""

    row: int
    sku: str
    cells: list[str]
    digest: bytes
    fault: Fault | None = None


class EntryReader:
    """Makes the entries of one file, in its order."""

    def __init__(self, layout: Layout) -> None:
        self._at, self._seen = layout.sku, Seen()
        self._signature = _FORM + _BETWEEN.join(layout.names).encode() + b"\n"
        field: Any = schemas.NewListing().fields["sku"]
        self._read_sku = field.read

    def entries(self, block: Block) -> list[Entry]:
        """The rows of a block; those that an earlier run has done must be read too, so that their skus are known."""
        found = [self._entry(row, record) for row, record in _rows(block, self._at)]
        good = [entry for entry in found if entry.fault is None]
        before = dict(zip((entry.row for entry in good), self._before(good), strict=True))
        return [_repeated(entry, before[entry.row]) if before.get(entry.row) else entry for entry in found]

    def _before(self, entries: Sequence[Entry]) -> list[int]:
        return self._seen.add([entry.sku for entry in entries], [entry.row for entry in entries])

    def _entry(self, row: int, record: Record) -> Entry:
        if isinstance(record, str):
            return Entry(row, "", [], b"", Fault("row", UNREADABLE, record))
        joined = _BETWEEN.join(record)
        cells = [*map(unquoted, record)] if "'" in joined else record
        digest = hashlib.blake2b(self._signature, digest_size=DIGEST_SIZE)
        digest.update(joined.encode("utf-8", "surrogatepass"))
        sku = cells[self._at].strip()
        try:
            return Entry(row, self._read_sku(sku), cells, digest.digest())
        except ValidationError as fault:
            return Entry(row, sku, cells, b"", Fault("sku", INVALID, str(fault.messages[0]) if sku else "is required"))


def _rows(block: Block, sku: int) -> Iterator[tuple[int, Record]]:
    """Records that say something, with their numbers."""
    for row, record in enumerate(block.records, block.first):
        if isinstance(record, str) or (any(record) and not record[sku].startswith(REMARK)):
            yield row, record


def _repeated(entry: Entry, before: int) -> Entry:
    fault = Fault("sku", REPEATED, f"{entry.sku} stands in row {before} already")
    return Entry(entry.row, entry.sku, entry.cells, entry.digest, fault)
