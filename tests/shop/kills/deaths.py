"""Where a process is killed: just before and just after each commit, each statement that commits itself, and each call
to somebody else's server.

Between two of these points nothing outlives the process, so a death anywhere is one of these.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from requests.adapters import HTTPAdapter


def arm(die_at: int | None, tell: Callable[[str], None]) -> None:
    """Tell every point as this process passes it, and die at the `die_at`th, counted from one: no handler runs."""
    numbers = count(1)

    def point(name: str) -> None:
        tell(name)
        if next(numbers) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    commit, execute, send = psycopg.Connection.commit, psycopg.Cursor.execute, HTTPAdapter.send

    def mortal_commit(connection: Any) -> None:
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            return commit(connection)
        point("before a commit")
        commit(connection)
        return point("after a commit")

    def mortal_execute(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if not cursor.connection.autocommit or str(query).lstrip()[:6].upper() == "SELECT":
            return execute(cursor, query, *args, **kwargs)
        point("before a statement by itself")
        done = execute(cursor, query, *args, **kwargs)
        point("after a statement by itself")
        return done

    def mortal_send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        name = f"{request.method} {request.path_url.partition('?')[0]}"
        point(f"before {name}")
        answer = send(adapter, request, *args, **kwargs)
        point(f"after {name}")
        return answer

    psycopg.Connection.commit = mortal_commit  # type: ignore[method-assign]
    psycopg.Cursor.execute = mortal_execute  # type: ignore[method-assign, assignment]
    HTTPAdapter.send = mortal_send  # type: ignore[method-assign]
