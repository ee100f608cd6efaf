"""The window's memory: one SQLite file. What a step changed is on disk before anybody is answered.

Only what is asked for is read, so the process stays as small with a million documents as with ten.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Database:
    """`<folder>/window.sqlite`; identity numbers stand in it, so only its owner may read it.

    One connection, guarded by `lock`; change it only inside `step`. A step that fails half way changes nothing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "window.sqlite"
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(Path(__file__).with_name("schema.sql").read_text("utf-8"))
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._depth = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """One whole step; steps inside it belong to it."""
        with self.lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
            self.changed.notify_all()

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Change something; inside a step."""
        if not self._depth:
            raise RuntimeError("no step")
        return self._connection.execute(sql, values)

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self.lock:
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        with self.lock:
            row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def fact(self, name: str, otherwise: str = "") -> str:
        row = self.one("SELECT value FROM facts WHERE name = ?", name)
        return str(row["value"]) if row else otherwise

    def set_fact(self, name: str, value: str) -> None:
        self.run("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)

    def next_serial(self) -> int:
        """A number never given before."""
        serial = int(self.fact("serial", "0")) + 1
        self.set_fact("serial", str(serial))
        return serial

    def close(self) -> None:
        with self.lock:
            self._connection.close()
