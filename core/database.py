"""PostgreSQL through SQLAlchemy: one base, one transaction per use case, readable constraint names.

`transaction()` is the only way to commit, but for a change that is one statement (`change`) or a few (`changes`). It
refuses to nest, so a service is one unit of work; and outbound calls assert that none is open
(`assert_no_transaction`), because a row lock must never wait for somebody else's server.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import psycopg
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import ExecStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import CheckConstraint, DateTime, MetaData, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry

from core.prepared import Prepared, Statement, inserting, numbered

_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """All tables: named constraints (migrations need the names), instants with time zone, JSON as jsonb."""

    registry = registry(
        metadata=_metadata,
        type_annotation_map={datetime: DateTime(timezone=True), dict[str, Any]: JSONB, list[Any]: JSONB},
    )


db = SQLAlchemy(model_class=Base)
migrate = Migrate(db=db, directory="migrations", compare_type=True)

Quantity = Numeric(19, 5)

_open: ContextVar[bool] = ContextVar("transaction_open", default=False)


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: commit at the end, roll back on any error. Nesting is a programming error."""
    if _open.get():
        raise RuntimeError("a transaction is already open: a service opens exactly one")
    session: Session = db.session()
    if session.in_transaction():
        # A read before it began an implicit transaction; its snapshot must not leak into this unit of work.
        session.rollback()
    token = _open.set(True)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _open.reset(token)


def read(statement: str, values: dict[str, Any], *, planned_anew: bool = False) -> list[Any]:
    """The rows of one SELECT as named tuples; `%(name)s` stands for a value.

    One statement needs no transaction around it, and a page of the shop is one statement: going past SQLAlchemy saves
    two trips to the server and as much time again. Where the session is in a transaction, the statement is part of it.
    The server keeps its plan of a statement that is asked often; `planned_anew` is for those whose best plan depends on
    the values.
    """
    prepare = False if planned_anew else None
    session = db.session()
    return (
        _within(session, statement, values, prepare) if session.in_transaction() else _alone(statement, values, prepare)
    )


def reads(statements: Sequence[Statement]) -> list[list[Any]]:
    """The rows of several SELECTs, sent together: one trip to the server. Otherwise as `read`."""
    session = db.session()
    if session.in_transaction():
        return [_within(session, statement, values, None) for statement, values in statements]
    with _pooled() as connection, _by_itself(connection), connection.pipeline():
        asked = [connection.cursor(row_factory=namedtuple_row) for _ in statements]
        for cursor, (statement, values) in zip(asked, statements, strict=True):
            cursor.execute(statement, values)
        return [cursor.fetchall() for cursor in asked]


def run(session: Session, statement: str, values: dict[str, Any]) -> list[Any]:
    """One statement past the mapper in the session's transaction; returns its rows as named tuples.

    For the path of an order: what the mapper would build, compile and fetch costs ten times the statement itself. What
    the session has not written yet goes first; what it has read before, it does not read again.
    """
    return _within(session, statement, values, None)


def _within(session: Session, statement: str, values: dict[str, Any], prepare: bool | None) -> list[Any]:
    session.flush()
    connection: Any = session.connection().connection.driver_connection
    try:
        return _rows(connection, statement, values, prepare)
    except psycopg.OperationalError:
        if connection.broken:
            session.invalidate()
            db.engine.dispose()
        raise


def change(statement: str, values: dict[str, Any]) -> list[Any]:
    """One statement that writes, committed by itself; returns its rows. Raises RuntimeError inside a transaction.

    What was read before it is given back first, as `transaction()` does.
    """
    if _open.get():
        raise RuntimeError("a transaction is open: the statement belongs into it")
    end_read()
    return _alone(statement, values)


def changes(statements: Sequence[Statement]) -> None:
    """Several statements that write, sent as one and committed together; otherwise as `change`. They see the database
    as it was before all of them, and must not touch the same row."""
    (*first, last), values = numbered(statements)
    parts = [f"part_{at} AS ({statement})" for at, statement in enumerate(first)]
    change(f"WITH {', '.join(parts)} {last}" if parts else last, values)


def _alone(statement: str, values: dict[str, Any], prepare: bool | None = None) -> list[Any]:
    with _pooled() as connection, _by_itself(connection):
        return _rows(connection, statement, values, prepare)


@contextmanager
def _by_itself(connection: Any) -> Iterator[None]:
    """Each statement is its own transaction."""
    connection.autocommit = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.autocommit = False


@contextmanager
def _pooled() -> Iterator[Any]:
    """A connection of the pool without a session around it."""
    engine = db.engine
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    try:
        yield connection
    except psycopg.OperationalError:
        if connection.broken:  # the server has gone: so have the others of the pool
            engine.dispose()
        raise
    finally:
        pooled.close()


def _rows(connection: Any, statement: str, values: dict[str, Any], prepare: bool | None) -> list[Any]:
    cursor = connection.cursor(row_factory=namedtuple_row)
    cursor.execute(statement, values, prepare=prepare)
    # `description` would tell the same, but makes an object of each column.
    return cursor.fetchall() if cursor.pgresult.status == ExecStatus.TUPLES_OK else []


def write(session: Session, rows: Prepared, once: str | None = None) -> bool:
    """Insert prepared rows into several tables by one statement, in the order given; all rows of a table are alike.

    A column that is not named has its default. Values are JSON, identifiers, numbers and instants. With `once`, unique
    columns of the first table: where its row is known already nothing at all is written, and the answer is False.
    """
    return bool(any(rows.values()) and write_with(session, rows, [], once)[0])


def write_with(session: Session, rows: Prepared, others: Sequence[Statement], once: str | None = None) -> list[int]:
    """The same together with other statements, each with a RETURNING and about rows of its own; one trip to the server.

    How many rows came back: of the first table, then of each other statement. Where the first row is known already the
    others have run all the same: the caller rolls them back.
    """
    (counts,) = run(session, *inserting(rows, others, once))
    return list(counts)


def one_of(column: str, words: Sequence[str]) -> CheckConstraint:
    """The constraint that a column holds one of these words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(word) for word in words)})", name=f"{column}_known")


def end_read() -> None:
    """Give back the connection a read has used, before waiting for somebody else's server."""
    if not _open.get():
        db.session.rollback()


def assert_no_transaction() -> None:
    """Called before every outbound request: no row lock may wait for another system. Raises RuntimeError."""
    if _open.get():
        raise RuntimeError("an outbound call inside a database transaction")
    end_read()


def new_id() -> uuid.UUID:
    """A time-ordered identifier (RFC 9562, version 7): index-friendly, and it tells nothing but its age."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def id_column() -> Any:
    """The usual primary key of a public object."""
    return mapped_column(primary_key=True, default=new_id)
