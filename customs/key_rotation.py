"""Sealing everything anew under the present key, in batches, while the shop is open.

A row is written only if it still holds what was read, so whoever writes it meanwhile wins; what an instance that was
not restarted yet seals under the former key is found by the next pass. Sealed texts name their key, so a run that was
stopped goes on where it was, and a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, Select, func, select, update

from core import audit
from core.database import Base, transaction
from customs import sealing

BATCH = 200


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over a column did; `lost` are the keys of rows that no key of the settings opens."""

    column: str
    moved: int
    lost: tuple[str, ...]


def sealed_columns() -> list[Column[Any]]:
    """Every column of sealed texts, by table."""
    tables = Base.metadata.sorted_tables
    return [column for table in tables for column in table.columns if column.info.get("sealed")]


def rotate(actor: str, note: Callable[[str, int], None], batch: int = BATCH) -> list[Pass]:
    """Bring all sealed texts under the present key; passes go on until one finds nothing left to move.

    `note` is called after each batch with the column and its count so far.
    """
    passes: list[Pass] = []
    while True:
        fresh = [_pass(column, note, batch) for column in sealed_columns()]
        passes += fresh
        if not any(each.moved for each in fresh):
            break
    with transaction() as session:
        moved = sum(each.moved for each in passes)
        audit.record(session, actor, "identity_key_rotated", "identity_key", "current", moved=moved)
    return [each for each in passes if each.moved or each.lost]


def _pass(column: Column[Any], note: Callable[[str, int], None], batch: int) -> Pass:
    moved, lost, after = 0, [], None
    while True:
        with transaction() as session:
            rows = session.execute(_stale(column, after, batch)).all()
            for key, sealed in rows:
                try:
                    fresh = sealing.seal(sealing.unseal(sealed))
                except InvalidTag:
                    lost.append(str(key))
                    continue
                same = update(column.table).where(_key_of(column) == key, column == sealed)
                statement = same.values({column.name: fresh}).returning(_key_of(column))
                moved += session.execute(statement).first() is not None
        if not rows:
            return Pass(_name(column), moved, tuple(lost))
        after = rows[-1][0]
        note(_name(column), moved)


def _stale(column: Column[Any], after: Any, batch: int) -> Select[Any]:
    """A batch of texts that are not under the present key, in the order of their rows."""
    key, present = _key_of(column), sealing.header(sealing.secrets()[0])
    statement = select(key, column).where(column.is_not(None), _head(column) != present)
    if after is not None:
        statement = statement.where(key > after)
    return statement.order_by(key).limit(batch)


def _key_of(column: Column[Any]) -> Column[Any]:
    [key] = column.table.primary_key.columns
    return key


def _head(column: Column[Any]) -> Any:
    return func.substring(column, 1, sealing.HEADER_BYTES)


def _name(column: Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"


def count() -> Iterator[tuple[str, dict[str, int]]]:
    """Each column with how many of its texts stand under the `present` key, `old` ones of the settings, or `other`:
    without a key's name, or under a key that the settings lack."""
    present, *old = (sealing.header(secret) for secret in sealing.secrets())
    for column in sealed_columns():
        found = {"present": 0, "old": 0, "other": 0}
        with transaction() as session:
            head = _head(column)
            for start, number in session.execute(select(head, func.count()).where(column.is_not(None)).group_by(head)):
                kind = "present" if start == present else "old" if start in old else "other"
                found[kind] += number
        yield _name(column), found
