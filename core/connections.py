"""Connections whose prepared statements last.

The server parses and plans a statement that psycopg has sent five times only once more. But psycopg forgets its
prepared statements at every ROLLBACK, and tells the server so, since what a transaction created may be gone with it.
Ours end every read by a rollback and create nothing: there they are kept. After a failed statement psycopg's way holds.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

# More than all statements of a request path together, so that none pushes another out.
PREPARED_MOST = 400


class LastingConnection(psycopg.Connection[Any]):
    """A connection that keeps its prepared statements when a sound transaction is rolled back."""

    def rollback(self) -> None:
        if self.info.transaction_status != TransactionStatus.INTRANS:
            super().rollback()
            return
        with self.lock:
            self.wait(self._exec_command(b"ROLLBACK"))


def use(engine: Engine) -> None:
    """Let an engine make such connections."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: tuple[Any, ...], options: dict[str, Any]) -> LastingConnection:
        connection = LastingConnection.connect(*args, **options)
        connection.prepared_max = PREPARED_MOST
        return connection
