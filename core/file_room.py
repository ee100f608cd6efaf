"""Where files that people send lie, and what came of them: one folder each under LANDFALL_VAR, shared by all hosts."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from core import config
from core.errors import Problem, declare

FULL = declare("storage_full", 503, "There is no room for files just now")

RESERVE = 1 << 30  # bytes of the disk that files leave to everything else
_ORPHAN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FileRoom:
    """The folders under `name`; what is sent is kept as `given_as`, and takes `share` times its size with what comes
    of it."""

    name: str
    given_as: str
    share: int

    @property
    def root(self) -> Path:
        return config.current().var / self.name

    def folder(self, key: uuid.UUID) -> Path:
        return self.root / str(key)

    def given(self, key: uuid.UUID) -> Path:
        """The file as it was sent."""
        return self.folder(key) / self.given_as

    def result(self, key: uuid.UUID) -> Path:
        return self.folder(key) / "result"

    def errors(self, key: uuid.UUID) -> Path:
        return self.folder(key) / "errors"

    def keep(self, key: uuid.UUID, stream: BinaryIO, size: int) -> Path:
        """Store what was sent, all of it or none, whoever else sends it or reads it. Raises Problem storage_full."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self.root).free < self.share * size + RESERVE:
            raise Problem(FULL, headers={"Retry-After": "600"})
        self.folder(key).mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder(key))
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())  # the answer says it is there
        return Path(name).replace(self.given(key))

    def drop_given(self, key: uuid.UUID) -> None:
        self.given(key).unlink(missing_ok=True)

    def remove(self, key: uuid.UUID) -> None:
        """Everything of one file; nothing when it is gone already."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def old_folders(self, now: datetime) -> Iterator[uuid.UUID]:
        """The ids of folders that have lain untouched for a while: those without a row are left over from a killed
        upload."""
        for path in self.root.glob("*"):
            with suppress(ValueError, FileNotFoundError):  # not ours, or gone this moment
                if path.stat().st_mtime < (now - _ORPHAN_AFTER).timestamp():
                    yield uuid.UUID(path.name)
