"""The yearly allowance of a person (cross-border retail; rules A4, A5): held, used, confirmed, given back.

Callers pass their session, so an allowance moves with the order or not at all. Every change of a year's sums is one
conditional UPDATE behind a CHECK; nothing is read and then decided. Customs keeps its own count, which prevails: our
figure is advisory, since other platforms draw on the same allowance.
Amounts are dutiable values in fen: goods + freight + insurance, without tax. Years are Beijing years.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core import clock
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from customs.models import AllowanceEntry, AllowanceHold, AllowanceYear
from customs.tariff.problems import ANNUAL_LIMIT

ENTRIES_MOST = 200


def hold(
    session: Session,
    person_id: uuid.UUID,
    order_number: str,
    amount_fen: int,
    year: int,
    limit_fen: int,
    *,
    account_id: uuid.UUID,
) -> None:
    """Reserve `amount_fen` of `year` for an order; equal to the limit is allowed.

    Raises Problem `annual_limit` with `left` in its body. `account_id` is who placed the order: only that account sees
    the order's number in its statement, though the whole person's allowance shrinks.
    """
    _reserve(session, person_id, year, amount_fen, limit_fen)
    row = {"person_id": person_id, "account_id": account_id, "year": year, "limit_fen": limit_fen}
    session.execute(
        insert(AllowanceHold).values(
            order_number=order_number, amount_fen=amount_fen, returned_fen=0, state="held", **row
        )
    )
    _note(session, person_id, account_id, year, order_number, amount_fen, "held")


def use(session: Session, order_number: str, year: int, limit_fen: int | None = None) -> None:
    """Count the hold as used, in the Beijing year of the payment; a hold of another year moves there.

    Once only: a second call changes nothing. Raises Problem `annual_limit` when the year turned and the new year has no
    room (`limit_fen` is the new year's limit, by default the one held under), `not_found` for an unknown order.
    """
    row = _locked(session, order_number)
    if row.state != "held":
        return
    old, rest = row.year, row.amount_fen - row.returned_fen
    _add(session, row.person_id, old, reserved=-rest, used=rest if old == year else 0)
    if old != year:
        _reserve(session, row.person_id, year, rest, limit_fen or row.limit_fen)
        _add(session, row.person_id, year, reserved=-rest, used=rest)
        _note(session, row.person_id, row.account_id, old, order_number, rest, "moved")
    row.state, row.year = "used", year
    _note(session, row.person_id, row.account_id, year, order_number, rest, "used")


def confirm(session: Session, order_number: str) -> None:
    """The goods are released (800): the use is final but for a return. Changes nothing when already so."""
    row = _locked(session, order_number)
    if row.state == "used":
        row.state = "confirmed"
        _note(
            session,
            row.person_id,
            row.account_id,
            row.year,
            order_number,
            row.amount_fen - row.returned_fen,
            "confirmed",
        )


def give_back(session: Session, order_number: str, amount_fen: int | None = None, kind: str = "cancelled") -> int:
    """Give back part of an order's share (a return) or, without an amount, all that is left; returns the fen given.

    `kind` stands in the statement: `cancelled`, `expired`, `rejected`, `returned`. Giving back all twice gives nothing
    the second time; more than is left is cut to it. Raises Problem `not_found` for an unknown order.
    """
    row = _locked(session, order_number)
    rest = row.amount_fen - row.returned_fen
    given = rest if amount_fen is None else min(amount_fen, rest)
    if given <= 0:
        return 0
    if row.state == "held":
        _add(session, row.person_id, row.year, reserved=-given, used=0)
    else:
        _add(session, row.person_id, row.year, reserved=0, used=-given)
    row.returned_fen += given
    if row.returned_fen == row.amount_fen:
        row.state = "returned"
    _note(session, row.person_id, row.account_id, row.year, order_number, given, kind)
    return given


def left(person_id: uuid.UUID, year: int, limit_fen: int) -> int:
    """What the person may still buy for in `year`, in fen; never below zero."""
    return max(0, limit_fen - sum(_sums(person_id, year)))


def statement(person_id: uuid.UUID | None, year: int, limit_fen: int, *, account_id: uuid.UUID) -> dict[str, Any]:
    """The answer of GET /me/allowance. Sums are the person's; entries only those of the asking account's orders."""
    reserved, used = _sums(person_id, year) if person_id else (0, 0)
    return {
        "year": year,
        "limit": fen_text(limit_fen),
        "used": fen_text(used),
        "reserved": fen_text(reserved),
        "remaining": fen_text(max(0, limit_fen - reserved - used)),
        "entries": [] if person_id is None else _entries(person_id, year, account_id),
    }


def has_open_holds(session: Session, account_id: uuid.UUID) -> bool:
    """Whether orders of this account hold or use an allowance that customs has not confirmed yet."""
    query = select(AllowanceHold.order_number).where(
        AllowanceHold.account_id == account_id, or_(AllowanceHold.state == "held", AllowanceHold.state == "used")
    )
    return session.execute(query.limit(1)).first() is not None


def _reserve(session: Session, person_id: uuid.UUID, year: int, amount_fen: int, limit_fen: int) -> None:
    if amount_fen <= 0:
        raise ValueError("an allowance is held for an amount above zero")
    fresh = upsert(AllowanceYear).values(
        person_id=person_id, year=year, limit_fen=limit_fen, reserved_fen=0, used_fen=0
    )
    session.execute(fresh.on_conflict_do_nothing())
    row = AllowanceYear
    statement = (
        update(row)
        .where(row.person_id == person_id, row.year == year)
        .where(row.reserved_fen + row.used_fen + amount_fen <= limit_fen)
        .values(reserved_fen=row.reserved_fen + amount_fen, limit_fen=limit_fen)
        .returning(row.reserved_fen)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).first() is None:
        reserved, used = session.execute(
            select(row.reserved_fen, row.used_fen).where(row.person_id == person_id, row.year == year)
        ).one()
        rest = fen_text(max(0, limit_fen - reserved - used))
        detail = f"{fen_text(amount_fen)} CNY would pass the yearly allowance of {year}; {rest} CNY are left"
        raise Problem(ANNUAL_LIMIT, detail, left=rest, year=year)


def _add(session: Session, person_id: uuid.UUID, year: int, *, reserved: int, used: int) -> None:
    row = AllowanceYear
    session.execute(
        update(row)
        .where(row.person_id == person_id, row.year == year)
        .values(reserved_fen=row.reserved_fen + reserved, used_fen=row.used_fen + used)
        .execution_options(synchronize_session=False)
    )


def _locked(session: Session, order_number: str) -> AllowanceHold:
    query = select(AllowanceHold).where(AllowanceHold.order_number == order_number)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, f"no allowance is held for order {order_number}")
    return row


def _note(
    session: Session,
    person_id: uuid.UUID,
    account_id: uuid.UUID,
    year: int,
    order_number: str,
    amount_fen: int,
    kind: str,
) -> None:
    session.execute(
        insert(AllowanceEntry).values(
            at=clock.now(),
            person_id=person_id,
            account_id=account_id,
            year=year,
            order_number=order_number,
            amount_fen=amount_fen,
            kind=kind,
        )
    )


def _sums(person_id: uuid.UUID, year: int) -> tuple[int, int]:
    query = select(AllowanceYear.reserved_fen, AllowanceYear.used_fen).where(
        AllowanceYear.person_id == person_id, AllowanceYear.year == year
    )
    row = db.session.execute(query).first()
    return (row[0], row[1]) if row else (0, 0)


def _entries(person_id: uuid.UUID, year: int, account_id: uuid.UUID) -> list[dict[str, Any]]:
    entry = AllowanceEntry
    query = select(entry).where(entry.person_id == person_id, entry.year == year, entry.account_id == account_id)
    rows = db.session.scalars(query.order_by(entry.id.desc()).limit(ENTRIES_MOST))
    return [
        {
            "at": clock.instant_text(row.at),
            "order": row.order_number,
            "amount": fen_text(row.amount_fen),
            "kind": row.kind,
        }
        for row in rows
    ]
