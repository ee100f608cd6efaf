"""Rows an operator has accepted: assumed until somebody who answers for it has read the text.

A row is named by its table, its key and its first day, such as "mfn:02023000@2018-01-01"; an accepted row counts as
secondary, and an accepted reading also for the days after its last reading. Who accepted it, when and on what text is
kept by whoever calls `load_tariff`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from customs.tariff.reading import FOREVER, STANDINGS, Row
from customs.tariff.tables import TABLES

ASSUMED = STANDINGS["assumed"]
_KEYS = {table.name: table.key for table in TABLES}


def row_id(table: str, row: Row) -> str:
    """The name of a row."""
    key = "/".join(str(row[name]) for name in _KEYS[table])
    return f"{table}:{key}@{date.fromordinal(row['first_day'])}"


def is_assumed(row: Row, day: int) -> bool:
    """True when the row is assumed on a day: by its standing, or because the day lies after its last reading."""
    return bool(row["standing"] == ASSUMED or day > row.get("verified_to", FOREVER))


def accept(tables: dict[str, list[Row]], accepted: Collection[str]) -> dict[str, list[Row]]:
    """The same tables with the accepted rows raised; the tables given stay as they are."""
    wanted = set(accepted)
    touched = {name.partition(":")[0] for name in wanted} & set(tables)
    raised = dict(tables)
    for name in touched:
        raised[name] = [_raised(row) if row_id(name, row) in wanted else row for row in tables[name]]
    return raised


def _raised(row: Row) -> Row:
    changed = {**row, "standing": min(row["standing"], STANDINGS["secondary"])}
    if "verified_to" in row:
        changed["verified_to"] = FOREVER
    return changed
