"""The register of overseas establishments: what the operator has loaded of it, and what it says of a listing's plant.

A country none of whose rows are on file proves nothing: its numbers are unverified. Once there is a row, a number that
is not there, not valid on the day, suspended, or registered for other goods is refused.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.models import ESTABLISHMENT_STANDINGS, Establishment, LawCheck, Listing
from core import audit, clock
from core.database import new_id, transaction
from customs import edition

COLUMNS = ("country", "number", "name", "hs", "valid_from", "valid_to", "standing")
REGISTERED, UNVERIFIED, UNKNOWN, OVER, SUSPENDED, OTHER_GOODS = (
    *("registered", "unverified", "not_on_file", "not_valid", "suspended", "other_goods"),
)
_NOT_A_KEY = re.compile(r"[^0-9A-Z]")
_PREFIX = re.compile(r"[0-9]{2,10}\Z", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./-]{0,39}\Z", re.ASCII)
_BATCH = 1000
_FAULTS_MOST = 100


def key_of(country: str, number: str) -> str:
    """A number in its one spelling: without spaces and marks, in capitals, without the country before it."""
    key = _NOT_A_KEY.sub("", number.upper())
    return key[len(country) :] if key.startswith(country) and len(key) > len(country) else key


@dataclass(slots=True)
class Register:
    """What is on file of the establishments of some listings, and of which of their countries anything is."""

    rows: dict[tuple[str, str], list[Establishment]] = field(default_factory=dict)
    countries: set[str] = field(default_factory=set)

    def says(self, country: str, number: str, hs: str, day: date) -> str:
        """REGISTERED, UNVERIFIED or why the number does not hold for goods of a code on a day."""
        if country not in self.countries:
            return UNVERIFIED
        rows = self.rows.get((country, key_of(country, number)), [])
        if not rows:
            return UNKNOWN
        valid = [row for row in rows if row.valid_from <= day <= (row.valid_to or date.max)]
        fitting = [row for row in valid if not row.prefixes or hs.startswith(tuple(row.prefixes))]
        if not fitting:
            return OTHER_GOODS if any(row.standing == REGISTERED for row in valid) else SUSPENDED if valid else OVER
        newest = max(fitting, key=lambda row: row.valid_from)  # what was said last of these goods holds
        return REGISTERED if newest.standing == REGISTERED else SUSPENDED


def register_of(session: Session, rows: Iterable[Listing]) -> Register:
    """The register as far as it concerns listings; two statements, none when no listing names an establishment."""
    named = [(row.origin, key_of(row.origin, row.establishment_no)) for row in rows if row.establishment_no]
    if not named:
        return Register()
    found: dict[tuple[str, str], list[Establishment]] = defaultdict(list)
    countries = {country for country, _ in named}
    with session.no_autoflush:  # a listing on its way into the shop is not complete yet
        wanted = Establishment.country.in_(countries) & Establishment.key.in_({key for _, key in named})
        for row in session.scalars(select(Establishment).where(wanted)):
            found[row.country, row.key].append(row)
        on_file = select(Establishment.country).where(Establishment.country.in_(countries)).distinct()
        return Register(dict(found), set(session.scalars(on_file)))


# Loading


class RegisterFault(Exception):
    """A file of the register with faults: one a line, with row and column; nothing of it was stored."""


def load(path: Path, actor: str) -> int:
    """Store the rows of a CSV file (UTF-8; columns COLUMNS, `hs` as prefixes split by spaces, blank for all goods).

    A row with the country, number and first day of one on file replaces it, so a register may be loaded again; what is
    in the shop is held to it the same day. All of the file or nothing. Returns how many rows it has. Raises
    RegisterFault.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = _read(csv.DictReader(file, restkey="", strict=True))
        except (UnicodeDecodeError, csv.Error) as fault:
            raise RegisterFault(f"the file cannot be read: {fault}") from None
    with transaction() as session:
        for start in range(0, len(rows), _BATCH):
            _store(session, rows[start : start + _BATCH])
        session.execute(delete(LawCheck).where(LawCheck.day == clock.today()))  # today's check begins anew
        countries = sorted({row["country"] for row in rows})
        audit.record(session, actor, "establishments_loaded", "establishment", "-", rows=len(rows), countries=countries)
    return len(rows)


def _read(reader: csv.DictReader[str]) -> list[dict[str, Any]]:
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise RegisterFault(f"row 1: the columns must be {','.join(COLUMNS)}")
    rows: dict[tuple[str, str, date], dict[str, Any]] = {}
    faults: list[str] = []
    for number, given in enumerate(reader, 2):
        wrong = list(_faults(given))
        if wrong:
            faults.extend(f"row {number}, {fault}" for fault in wrong)
        else:
            row = _row(given)
            key = (row["country"], row["key"], row["valid_from"])
            if key in rows:
                faults.append(f"row {number}, number: stands twice in the file with this first day")
            rows[key] = row
        if len(faults) >= _FAULTS_MOST:
            break
    if faults:
        raise RegisterFault("\n".join(faults[:_FAULTS_MOST]))
    return list(rows.values())


def _faults(given: dict[str, Any]) -> Iterator[str]:
    if "" in given or None in given.values():
        yield "row: must have as many cells as there are columns"
        return
    if given["country"] not in edition.tariff().countries:
        yield "country: must be a country of two capital letters"
    if not _NUMBER.match(given["number"]):
        yield "number: must have 1 to 40 letters, digits, spaces, dots, slashes or hyphens"
    if not 0 < len(given["name"]) <= 200 or not given["name"].isprintable():
        yield "name: must have 1 to 200 printable characters"
    if not all(map(_PREFIX.match, given["hs"].split())):
        yield "hs: must be beginnings of goods codes of 2 to 10 digits, split by spaces"
    days = {name: _day(given[name]) for name in ("valid_from", "valid_to")}
    if days["valid_from"] is None:
        yield "valid_from: must be a day such as 2026-11-23"
    if given["valid_to"] and days["valid_to"] is None:
        yield "valid_to: must be a day such as 2026-11-23, or blank"
    if (days["valid_to"] or date.max) < (days["valid_from"] or date.min):
        yield "valid_to: lies before valid_from"
    if given["standing"] not in ESTABLISHMENT_STANDINGS:
        yield f"standing: must be one of {', '.join(ESTABLISHMENT_STANDINGS)}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _row(given: dict[str, str]) -> dict[str, Any]:
    first, last = _day(given["valid_from"]), _day(given["valid_to"])
    named = {name: given[name] for name in ("country", "number", "name", "standing")}
    key = key_of(given["country"], given["number"])
    return {**named, "key": key, "prefixes": given["hs"].split(), "valid_from": first, "valid_to": last}


def _store(session: Session, rows: list[dict[str, Any]]) -> None:
    now = clock.now()
    statement = insert(Establishment).values([{"id": new_id(), "imported_at": now, **row} for row in rows])
    new = {name: statement.excluded[name] for name in ("number", "name", "prefixes", "valid_to", "standing")}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["country", "key", "valid_from"], set_={**new, "imported_at": statement.excluded.imported_at}
        )
    )
