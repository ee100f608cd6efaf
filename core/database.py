"""PostgreSQL through SQLAlchemy: one base, one transaction per use case, readable constraint names.

`transaction()` is the only way to commit, but for a change that is one statement (`change`). It refuses to nest, so a
service is one unit of work; and outbound calls assert that none is open (`assert_no_transaction`), because a row lock
must never wait for somebody else's server.
"""

from __future__ import annotations

import functools
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import psycopg
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import CheckConstraint, DateTime, MetaData, Numeric, Table, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry

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
    if session.in_transaction():
        session.flush()
        return _rows(session.connection().connection.driver_connection, statement, values, prepare)
    return _alone(statement, values, prepare)


def change(statement: str, values: dict[str, Any]) -> list[Any]:
    """One statement that writes, committed by itself; returns its rows. Raises RuntimeError inside a transaction.

    What was read before it is given back first, as `transaction()` does.
    """
    if _open.get():
        raise RuntimeError("a transaction is open: the statement belongs into it")
    end_read()
    return _alone(statement, values)


def _alone(statement: str, values: dict[str, Any], prepare: bool | None = None) -> list[Any]:
    engine = db.engine
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    try:
        connection.autocommit = True
        return _rows(connection, statement, values, prepare)
    except psycopg.OperationalError:
        if connection.broken:  # the server has gone: so have the others of the pool
            engine.dispose()
        raise
    finally:
        if not connection.closed:
            connection.autocommit = False
        pooled.close()


def _rows(connection: Any, statement: str, values: dict[str, Any], prepare: bool | None) -> list[Any]:
    cursor = connection.cursor(row_factory=namedtuple_row)
    cursor.execute(statement, values, prepare=prepare)
    return cursor.fetchall() if cursor.description else []


def write(session: Session, rows: Mapping[Any, Sequence[dict[str, Any]]], once: str | None = None) -> bool:
    """Insert prepared rows into several tables by one statement, in the order given; all rows of a table are alike.

    A column that is not named has its default. Values are JSON, identifiers, numbers and instants. With `once`, unique
    columns of the first table: where its row is known already nothing at all is written, and the answer is False.
    """
    filled = {target: found for target, found in rows.items() if found}
    if not filled:
        return False
    names = {target: _written(target, found[0]) for target, found in filled.items()}
    values = {
        f"rows_{at}": json.dumps([{**names[target][1], **row} for row in found], default=str, ensure_ascii=False)
        for at, (target, found) in enumerate(filled.items())
    }
    key = tuple((target.name, names[target][0]) for target in filled)
    return session.execute(_statement(key, once), values).first() is not None


def _written(target: Table, row: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The columns that are written, and the defaults of those that the row leaves out."""
    defaults = {name: value for name, value in _defaults(target).items() if name not in row}
    return (*row, *defaults), defaults


@functools.cache
def _defaults(target: Table) -> dict[str, Any]:
    given: dict[str, Any] = {column.name: column.default for column in target.columns if column.default is not None}
    return {name: default.arg for name, default in given.items() if default.is_scalar}


@functools.cache
def _statement(key: tuple[tuple[str, tuple[str, ...]], ...], once: str | None) -> TextClause:
    parts = []
    for at, (name, columns) in enumerate(key):
        listed, first = ", ".join(columns), once is not None and at == 0
        source = f"jsonb_populate_recordset(CAST(NULL AS {name}), CAST(:rows_{at} AS jsonb))"
        after = f" ON CONFLICT ({once}) DO NOTHING RETURNING 1" if first else ""
        only = "" if once is None or first else " WHERE EXISTS (SELECT FROM in_0)"
        insert = f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {source}{only}{after}"  # noqa: S608 - own names
        parts.append(f"in_{at} AS ({insert})")
    last = "SELECT 1" if once is None else "SELECT 1 FROM in_0"
    return text(f"WITH {', '.join(parts)} {last}")


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
