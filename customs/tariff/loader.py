"""Loading one folder of the law's files: read, check, report every fault at once, build the columns."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Collection
from functools import partial
from pathlib import Path

from customs.tariff.acceptance import accept
from customs.tariff.faults import TariffFault
from customs.tariff.reading import Reader, Row
from customs.tariff.tables import TABLES
from customs.tariff.tariff import Tariff


def load_tariff(folder: Path, accepted: Collection[str] = ()) -> Tariff:
    """The law in a folder, with the assumed rows that an operator accepted (see `customs.tariff.acceptance`).

    Raises TariffFault with every fault found, each with file and line.
    """
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand small objects that all stay: collecting among them doubles the time
    try:
        reader = Reader(folder)
        reader.read()
        if reader.faults:
            raise TariffFault(reader.faults)
        tables = accept(reader.tables, accepted) if accepted else reader.tables
        edition = edition_of(folder, accepted)
        return Tariff(edition, tables, reader.sources, reader.coverage, partial(read_reference, folder))
    finally:
        if collecting:
            gc.enable()


def read_reference(folder: Path, name: str) -> list[Row]:
    """The rows of one reference table. Raises TariffFault for a faulty file, KeyError for a name that is none."""
    reader = Reader(folder)
    reader.read_reference(name)
    if reader.faults:
        raise TariffFault(reader.faults)
    return reader.tables[name]


def check_law(folder: Path) -> tuple[Tariff, int]:
    """The law in a folder and its number of reference rows. Raises TariffFault with the faults of all files, those
    of the reference tables too."""
    reader = Reader(folder)
    reader.read_reference()
    try:
        law = load_tariff(folder)
    except TariffFault as found:
        raise TariffFault([*{*found.faults, *reader.faults}]) from None
    if reader.faults:
        raise TariffFault(reader.faults)
    return law, sum(map(len, reader.tables.values()))


def edition_of(folder: Path, accepted: Collection[str] = ()) -> str:
    """A hash over the names and bytes of all data files and the rows accepted: the same law has the same edition."""
    digest = hashlib.sha256()
    names = [*(f"{table.name}.csv" for table in TABLES), "sources.toml", "coverage.toml"]
    for name in sorted(names):
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    digest.update("\n".join(sorted(accepted)).encode())
    return digest.hexdigest()[:16]
