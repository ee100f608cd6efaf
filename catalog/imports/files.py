"""Where files of listings and their error reports lie: one folder each under LANDFALL_VAR, which all hosts share."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from core import config
from core.errors import Problem
from customs.file_store import FULL, RESERVE

_ROOM = 2  # a file and its error report
_ORPHAN_AFTER = timedelta(hours=1)


def given(import_id: uuid.UUID) -> Path:
    """The file as it was sent; it goes when it is done with."""
    return _folder(import_id) / "listings"


def errors(import_id: uuid.UUID) -> Path:
    return _folder(import_id) / "errors"


def keep(import_id: uuid.UUID, stream: BinaryIO, size: int) -> Path:
    """Store what was sent. Raises Problem storage_full."""
    root = _root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < _ROOM * size + RESERVE:
        raise Problem(FULL, headers={"Retry-After": "600"})
    _folder(import_id).mkdir(mode=0o700, exist_ok=True)
    with given(import_id).open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return given(import_id)


def drop_given(import_id: uuid.UUID) -> None:
    given(import_id).unlink(missing_ok=True)


def remove(import_id: uuid.UUID) -> None:
    """Everything of one import; nothing when it is gone already."""
    shutil.rmtree(_folder(import_id), ignore_errors=True)


def old_folders(now: datetime) -> Iterator[uuid.UUID]:
    """The ids of folders that have lain untouched for a while: those without a row are left over from a killed
    upload."""
    for path in _root().glob("*"):
        with suppress(ValueError, FileNotFoundError):  # not ours, or gone this moment
            if path.stat().st_mtime < (now - _ORPHAN_AFTER).timestamp():
                yield uuid.UUID(path.name)


def _folder(import_id: uuid.UUID) -> Path:
    return _root() / str(import_id)


def _root() -> Path:
    return config.current().var / "imports"
