"""The officers' thread outlives what keeps a step from being written."""

import sqlite3

from sandboxes.window import officers
from sandboxes.window.clock import Clock
from sandboxes.window.database import Database
from sandboxes.window.officers import Officers
from sandboxes.window.store import Store


def test_a_full_disk_puts_no_document_aside(tmp_path, monkeypatch):
    database = Database(tmp_path)
    store = Store(database, Clock())
    with store.step():
        document = store.put("621", "LF1", {"guid": "G", "orderNo": "LF1"}, "B1")
        store.plan(document, [[0, "120", ""]])

    def full(_number: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    helper = Officers(store, None, None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(helper, "_advance", full)
    monkeypatch.setattr(officers, "IDLE_SECONDS", 0.01)
    helper._safely(document)
    kept = store.numbered(document.number)
    assert kept is not None
    assert kept.plan == [[0, "120", ""]]
    database.close()
