"""A piece of a file, as every form of file is read."""

from __future__ import annotations

from dataclasses import dataclass

Record = list[str] | str

ROWS_MOST = 5_000_000  # of a file; each leaves twelve bytes in the memory until the file is done with
TOO_LONG = f"the file has more than {ROWS_MOST:,} rows: send it in parts"


@dataclass(frozen=True, slots=True)
class Block:
    """Some records of a file, the header left out. `first` counts from 1; a record is its cells, as many as the header
    has, or what is wrong with it. `percent` of the file is read when it is done."""

    first: int
    records: list[Record]
    percent: int


def fitted(cells: list[str], width: int) -> Record:
    """The cells of a record brought to the width of the header; blank ones beyond it do not count."""
    if len(cells) == width or not cells:
        return cells or [""] * width
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    return f"has {len(cells)} fields, the header has {width}"
