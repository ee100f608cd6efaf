"""PostgreSQL through SQLAlchemy: one base, one transaction per use case, readable constraint names.

`transaction()` is the only way to commit. It refuses to nest, so a service is one unit of work; and outbound calls
assert that none is open (`assert_no_transaction`), because a row lock must never wait for somebody else's server.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import psycopg
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import DateTime, MetaData, Numeric
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
    two trips to the server and as much time again. The server keeps its plan of a statement that is asked often;
    `planned_anew` is for those whose best plan depends on the values.
    """
    engine = db.engine
    pooled = engine.raw_connection()
    connection: Any = pooled.driver_connection
    try:
        connection.autocommit = True
        cursor = connection.cursor(row_factory=namedtuple_row)
        found: list[Any] = cursor.execute(statement, values, prepare=False if planned_anew else None).fetchall()
        return found
    except psycopg.OperationalError:
        if connection.broken:  # the server has gone: so have the others of the pool
            engine.dispose()
        raise
    finally:
        if not connection.closed:
            connection.autocommit = False
        pooled.close()


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
