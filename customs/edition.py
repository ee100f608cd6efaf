"""The law this process applies: one loaded tariff, switched as a whole and never in the middle of a quote."""

from __future__ import annotations

from pathlib import Path

from customs.tariff import Tariff, load_tariff

_loaded: list[Tariff] = []


def set_tariff(tariff: Tariff) -> None:
    """Apply another edition from the next request on."""
    _loaded[:] = [tariff]


def load(folder: Path) -> Tariff:
    """Load and apply the law's files; raises when they hold a fault."""
    tariff = load_tariff(folder)
    set_tariff(tariff)
    return tariff


def tariff() -> Tariff:
    """The tariff in use; take it once per use case, so that one answer rests on one edition."""
    if not _loaded:
        raise LookupError("the law is not loaded")
    return _loaded[0]
