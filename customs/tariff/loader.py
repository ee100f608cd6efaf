"""Loading one folder of the law's files: read, check, report every fault at once, build the columns."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Collection
from pathlib import Path

from customs.tariff.acceptance import accept
from customs.tariff.faults import TariffFault
from customs.tariff.reading import Reader
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
        return Tariff(edition_of(folder, accepted), tables, reader.sources, reader.coverage)
    finally:
        if collecting:
            gc.enable()


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
