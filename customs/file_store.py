"""Where files of lines and what came of them lie: one folder each under LANDFALL_VAR, which all hosts share."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from core import config
from core.errors import Problem, declare

FULL = declare("storage_full", 503, "There is no room for files just now")

RESERVE = 1 << 30  # bytes of the disk that files leave to everything else
ROOM = 3  # a file, its result and its error report take about three times the file
_ORPHAN_AFTER = timedelta(hours=1)


def folder(file_id: uuid.UUID) -> Path:
    return _root() / str(file_id)


def given(file_id: uuid.UUID) -> Path:
    """The file as it was sent."""
    return folder(file_id) / "lines"


def result(file_id: uuid.UUID) -> Path:
    return folder(file_id) / "result"


def errors(file_id: uuid.UUID) -> Path:
    return folder(file_id) / "errors"


def keep(file_id: uuid.UUID, stream: BinaryIO, size: int) -> Path:
    """Store what was sent. Raises Problem storage_full."""
    root = _root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < ROOM * size + RESERVE:
        raise Problem(FULL, headers={"Retry-After": "600"})
    folder(file_id).mkdir(mode=0o700, exist_ok=True)
    with given(file_id).open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return given(file_id)


def remove(file_id: uuid.UUID) -> None:
    """Everything of one file; nothing when it is gone already."""
    shutil.rmtree(folder(file_id), ignore_errors=True)


def old_folders(now: datetime) -> Iterator[uuid.UUID]:
    """The ids of folders that have lain untouched for a while: those without a row are left over from a killed
    upload."""
    for path in _root().glob("*"):
        with suppress(ValueError, FileNotFoundError):  # not ours, or gone this moment
            if path.stat().st_mtime < (now - _ORPHAN_AFTER).timestamp():
                yield uuid.UUID(path.name)


def _root() -> Path:
    return config.current().var / "assessments"
