"""The texts of statements that are put together: rows of several tables at once, several statements sent as one.

Each text is made once and kept, so that the server can keep its plan.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Table

Statement = tuple[str, dict[str, Any]]  # with `%(name)s` for its values
Prepared = Mapping[Any, Sequence[dict[str, Any]]]  # by table, the rows of each all alike

FEW = 20


def among(name: str, values: Collection[Any], kind: str) -> tuple[str, dict[str, Any]]:
    """What a column may be, as `= ANY(...)` wants it, and its values: few are named one by one, for then the server
    keeps its plan, where it plans anew for each array that it is given."""
    if len(values) > FEW:
        return f"CAST(%({name})s AS {kind}[])", {name: list(values)}
    named = {f"{name}_{at}": value for at, value in enumerate(values)}
    listed = ", ".join(f"CAST(%({each})s AS {kind})" for each in named)
    return f"CAST(ARRAY[{listed}] AS {kind}[])", named


def numbered(statements: Sequence[Statement]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Statements that are to be one, their values told apart by the statement's number."""
    values = {f"{name}_{at}": value for at, (_, given) in enumerate(statements) for name, value in given.items()}
    return tuple(_with_number(statement, at) for at, (statement, _) in enumerate(statements)), values


@functools.lru_cache(maxsize=500)
def _with_number(statement: str, number: int) -> str:
    return _VALUE.sub(rf"%(\1_{number})s", statement)


_VALUE = re.compile(r"%\((\w+)\)s")


def inserting(rows: Prepared, others: Sequence[Statement], once: str | None) -> Statement:
    """The statement that `database.write_with` runs."""
    filled = {target: found for target, found in rows.items() if found}
    names = {target: _written(target, found[0]) for target, found in filled.items()}
    values = {
        f"rows_{at}": json.dumps([{**names[target][1], **row} for row in found], default=str, ensure_ascii=False)
        for at, (target, found) in enumerate(filled.items())
    }
    key = tuple((target.name, names[target][0]) for target in filled)
    beside, given = numbered(others)
    return _statement(key, beside, once), {**values, **given}


def _written(target: Table, row: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The columns that are written, and the defaults of those that the row leaves out."""
    defaults = {name: value for name, value in _defaults(target).items() if name not in row}
    return (*row, *defaults), defaults


@functools.cache
def _defaults(target: Table) -> dict[str, Any]:
    given: dict[str, Any] = {column.name: column.default for column in target.columns if column.default is not None}
    return {name: default.arg for name, default in given.items() if default.is_scalar}


def as_read(target: Table, row: dict[str, Any]) -> Any:
    """A prepared row as it will be read once written, column by column: what it leaves out has its default, or none."""
    return SimpleNamespace(**{**_blank(target), **row})


@functools.cache
def _blank(target: Table) -> dict[str, Any]:
    return {**{column.name: None for column in target.columns}, **_defaults(target)}


@functools.lru_cache(maxsize=500)
def _statement(key: tuple[tuple[str, tuple[str, ...]], ...], others: tuple[str, ...], once: str | None) -> str:
    parts = []
    for at, (name, columns) in enumerate(key):
        listed, first = ", ".join(columns), once is not None and at == 0
        source = f"jsonb_populate_recordset(CAST(NULL AS {name}), CAST(%(rows_{at})s AS jsonb))"
        conflict = f" ON CONFLICT ({once}) DO NOTHING" if first else ""
        only = "" if once is None or first else " WHERE EXISTS (SELECT FROM in_0)"
        after = f"{only}{conflict}{' RETURNING 1' if at == 0 else ''}"
        insert = f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {source}{after}"  # noqa: S608 - own names
        parts.append(f"in_{at} AS ({insert})")
    parts += [f"part_{at} AS ({statement})" for at, statement in enumerate(others)]
    counted = ["in_0", *(f"part_{at}" for at in range(len(others)))]
    counts = [f"(SELECT count(*) FROM {name}) AS of_{name}" for name in counted]  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"
