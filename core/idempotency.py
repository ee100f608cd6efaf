"""A creating POST sent twice with one key has one effect and one answer, byte for byte.

Scope: account, method, path. Only final answers are kept (2xx and 4xx, never 409 or 429; a 5xx frees the key). When a
process dies half way, the key may be taken over after a minute: the service then finds what the first run stored by
`attempt()`, which stays the same, so nothing is created twice.
"""

from __future__ import annotations

import functools
import hashlib
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Response, current_app, g, request
from sqlalchemy import LargeBinary, String, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base, change, changes, id_column, new_id, transaction
from core.errors import Problem, declare
from core.jobs import task
from core.prepared import Statement
from core.web import actor, as_problem, problem_response

KEY_MISSING = declare("idempotency_key_required", 400, "This call needs an Idempotency-Key header")
KEY_BAD = declare("idempotency_key_invalid", 400, "An Idempotency-Key has 1 to 255 visible ASCII characters")
KEY_REUSED = declare("idempotency_key_reused", 422, "This Idempotency-Key was used with another body")
IN_PROGRESS = declare("request_in_progress", 409, "The first request with this Idempotency-Key is still running")

TAKEOVER_AFTER = timedelta(seconds=60)
KEEP = timedelta(hours=48)
_KEY = re.compile(r"[!-~]{1,255}\Z")


class IdempotencyKey(Base):
    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("account_id", "method", "path", "key"),)

    id: Mapped[uuid.UUID] = id_column()
    account_id: Mapped[uuid.UUID]
    method: Mapped[str] = mapped_column(String(10))
    path: Mapped[str] = mapped_column(String(500))
    key: Mapped[str] = mapped_column(String(255))
    body_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    started_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    content_type: Mapped[str | None] = mapped_column(String(100))
    location: Mapped[str | None] = mapped_column(String(500))
    body: Mapped[bytes | None]
    request_id: Mapped[str | None] = mapped_column(String(40))


def attempt() -> uuid.UUID:
    """The identity of this request across repetitions; a fresh one when no key was given."""
    if "attempt" not in g:
        g.attempt = new_id()
    found: uuid.UUID = g.attempt
    return found


def also(statements: Sequence[Statement]) -> None:
    """Have these statements committed together with the answer of this request, whatever it will be."""
    g.setdefault("with_answer", []).extend(statements)


def _body_digest() -> bytes:
    return hashlib.sha256(request.get_data(cache=True)).digest()


def idempotent(
    required: bool = True, digest: Callable[[], bytes] = _body_digest
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for a creating view, outside of argument parsing. `digest` tells bodies apart; a view that takes files
    gives its own, which does not hold them in memory."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def run(*args: Any, **kwargs: Any) -> Any:
            key = request.headers.get("Idempotency-Key")
            if key is None and not required:
                return view(*args, **kwargs)
            if key is None:
                raise Problem(KEY_MISSING, errors={"Idempotency-Key": ["is required"]})
            if not _KEY.match(key):
                raise Problem(KEY_BAD, errors={"Idempotency-Key": ["must have 1 to 255 visible ASCII characters"]})
            replay = _claim(key, digest())
            return replay if replay is not None else _run_once(view, args, kwargs)

        return run

    return decorate


def _claim(key: str, digest: bytes) -> Response | None:
    """Take the key, or answer as the first run did. Raises `idempotency_key_reused` or `request_in_progress`."""
    scope = {"account_id": actor().id, "method": request.method, "path": request.path[:500], "key": key}
    fresh_id, now = new_id(), clock.now()
    if change(_CLAIM, {"id": fresh_id, "body_digest": digest, "started_at": now, **scope}):
        g.attempt = fresh_id
        return None
    with transaction() as session:
        row = session.scalars(select(IdempotencyKey).filter_by(**scope)).one_or_none()
        if row is None:  # a fault has just freed the key
            raise Problem(IN_PROGRESS, headers={"Retry-After": "1"})
        session.expunge(row)
        if row.body_digest == digest and row.status is None and _take_over(session, row.id, now):
            g.attempt = row.id
            return None
    if row.body_digest != digest:
        raise Problem(KEY_REUSED)
    if row.status is None:
        raise Problem(IN_PROGRESS, headers={"Retry-After": "1"})
    answer = Response(row.body or b"", row.status, content_type=row.content_type)
    answer.headers["X-Request-Id"] = row.request_id or ""
    answer.headers["Idempotent-Replayed"] = "true"
    if row.location:
        answer.headers["Location"] = row.location
    return answer


def _take_over(session: Session, row_id: uuid.UUID, now: datetime) -> bool:
    statement = (
        update(IdempotencyKey)
        .where(IdempotencyKey.id == row_id, IdempotencyKey.status.is_(None))
        .where(IdempotencyKey.started_at < now - TAKEOVER_AFTER)
        .values(started_at=now)
        .returning(IdempotencyKey.id)
    )
    return session.execute(statement).first() is not None


def _run_once(view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Response:
    try:
        answer = current_app.make_response(view(*args, **kwargs))
    except Exception as error:
        answer = problem_response(as_problem(error))
    final = answer.status_code < 500 and answer.status_code not in (409, 429)
    if final:
        values = {
            "status": answer.status_code,
            "content_type": answer.content_type,
            "location": answer.headers.get("Location"),
            "body": answer.get_data(),
            "request_id": g.request_id,
        }
        last: Statement = (_KEEP, {"id": g.attempt, **values})
    else:
        last = ("DELETE FROM idempotency_key WHERE id = %(id)s", {"id": g.attempt})
    changes([*g.pop("with_answer", ()), last])
    return answer


# Each is one statement and one transaction, so it is sent as one.
_CLAIM = """
    INSERT INTO idempotency_key (id, account_id, method, path, key, body_digest, started_at)
    VALUES (%(id)s, %(account_id)s, %(method)s, %(path)s, %(key)s, %(body_digest)s, %(started_at)s)
    ON CONFLICT (account_id, method, path, key) DO NOTHING RETURNING id
"""
_KEEP = """
    UPDATE idempotency_key SET status = %(status)s, content_type = %(content_type)s, location = %(location)s,
           body = %(body)s, request_id = %(request_id)s
    WHERE id = %(id)s
"""


@task("core.forget_idempotency_keys", schedule="17 * * * *")
def forget_old_keys() -> None:
    """Keys are kept two days; clients are promised one."""
    with transaction() as session:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.started_at < clock.now() - KEEP))
