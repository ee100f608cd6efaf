"""The yearly allowance of a person (cross-border retail; rules A4, A5): held, used, confirmed, given back.

Callers pass their session, so an allowance moves with the order or not at all. Every change of a year's sums is one
conditional UPDATE behind a CHECK; nothing is read and then decided. Customs keeps its own count, which prevails: our
figure is advisory, since other platforms draw on the same allowance.
Amounts are dutiable values in fen: goods + freight + insurance, without tax. Years are Beijing years. Weights of capped
goods ride along (`customs.weight_caps`). What is used, and what of it is given back, is told to subscribers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from core import clock
from core.database import db, read, run, write
from core.errors import NOT_FOUND, Problem
from core.money import fen_text
from core.prepared import Prepared, Statement
from customs import weight_caps
from customs.models import AllowanceEntry, AllowanceHold, AllowanceYear
from customs.tariff.problems import ANNUAL_LIMIT
from customs.weight_caps import Weight


@dataclass(frozen=True, slots=True)
class Change:
    """An allowance was used, or what was used given back (`kind` as in the statement); `left_fen` is left of the year.

    `account_id` is the account that placed the order; the person may have others.
    """

    person_id: uuid.UUID
    account_id: uuid.UUID
    order_number: str
    year: int
    amount_fen: int
    kind: str
    left_fen: int


Listener = Callable[[Session, Change], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> None:
    """Called with each change, in its transaction."""
    _listeners.append(listener)


def hold(
    session: Session,
    person_id: uuid.UUID,
    order_number: str,
    amount_fen: int,
    year: int,
    limit_fen: int,
    *,
    account_id: uuid.UUID,
    weights: Mapping[str, Weight] | None = None,
) -> None:
    """Reserve `amount_fen` of `year` for an order, and the weights of its capped goods; equal to a limit is allowed.

    Raises Problem `annual_limit`, `weight_cap` with `left` in its body. `account_id` is who placed the order: only that
    account sees the order's number in its statement, though the whole person's allowance shrinks.
    """
    hold_share(session, Share(person_id, account_id, order_number, amount_fen, year, limit_fen), weights)


def hold_share(session: Session, share: Share, weights: Mapping[str, Weight] | None = None) -> None:
    """The same of a share."""
    _reserve(session, share.person_id, share.year, share.amount_fen, share.limit_fen)
    kept = weight_caps.hold(session, share.person_id, share.year, weights) if weights else None
    write(session, share.rows(kept))


@dataclass(frozen=True, slots=True)
class Share:
    """What an order takes of a person's year, for whoever holds it in a statement of his own, as `hold` does.

    `reserving` gives a row back when there is room; `refusal` is for when it does not. Only what `fits` a whole year
    may be tried.
    """

    person_id: uuid.UUID
    account_id: uuid.UUID
    order_number: str
    amount_fen: int
    year: int
    limit_fen: int

    @property
    def fits(self) -> bool:
        return 0 < self.amount_fen <= self.limit_fen

    @property
    def reserving(self) -> Statement:
        year = {"person": self.person_id, "year": self.year, "limit": self.limit_fen}
        return _RESERVED, {**year, "amount": self.amount_fen}

    def rows(self, weights: dict[str, Any] | None = None) -> Prepared:
        """The hold and the entry in the person's statement."""
        who = {"person_id": self.person_id, "account_id": self.account_id, "year": self.year}
        row = {**who, "limit_fen": self.limit_fen, "order_number": self.order_number, "amount_fen": self.amount_fen}
        row |= {"returned_fen": 0, "state": "held", "weights": weights}
        entry = _entry(self.person_id, self.account_id, self.year, self.order_number, self.amount_fen, "held")
        return {AllowanceHold.__table__: [row], AllowanceEntry.__table__: [entry]}

    def refusal(self) -> Problem:
        return _refusal(self.person_id, self.year, self.amount_fen, self.limit_fen)


def use(session: Session, order_number: str, year: int, limit_fen: int | None = None) -> None:
    """Count the hold as used, in the Beijing year of the payment; a hold of another year moves there.

    Once only: a second call changes nothing. Raises Problem `annual_limit`, `weight_cap` when the year turned and the
    new year has no room (`limit_fen` is the new year's limit, by default the one held under), `not_found` for an
    unknown order.
    """
    row = _locked(session, order_number)
    if row.state != "held":
        return
    old, rest = row.year, row.amount_fen - row.returned_fen
    free = _add(session, row.person_id, old, reserved=-rest, used=rest if old == year else 0)
    if old != year:
        _reserve(session, row.person_id, year, rest, limit_fen or row.limit_fen)
        free = _add(session, row.person_id, year, reserved=-rest, used=rest)
        _note(session, row.person_id, row.account_id, old, order_number, rest, "moved")
    if row.weights:
        weight_caps.use(session, row.person_id, old, year, row.weights)
    row.state, row.year = "used", year
    _note(session, row.person_id, row.account_id, year, order_number, rest, "used")
    _tell(session, row, rest, "used", free)


_USED = """
    WITH hold AS (
        UPDATE allowance_hold SET state = 'used'
        WHERE order_number = %(order)s AND state = 'held' AND year = %(year)s
        RETURNING person_id, account_id, order_number, year, weights, amount_fen - returned_fen AS rest
    ), sums AS (
        UPDATE allowance_year AS y SET reserved_fen = y.reserved_fen - hold.rest, used_fen = y.used_fen + hold.rest
        FROM hold WHERE y.person_id = hold.person_id AND y.year = hold.year
        RETURNING y.limit_fen - y.reserved_fen - y.used_fen AS free
    ), entry AS (
        INSERT INTO allowance_entry (person_id, account_id, year, at, order_number, amount_fen, kind)
        SELECT person_id, account_id, year, %(now)s, order_number, rest, 'used' FROM hold
    )
    SELECT hold.*, sums.free FROM hold CROSS JOIN sums
"""


def use_of(session: Session, order_number: str, year: int) -> bool:
    """`use` in one statement, of a hold of this very year; False for any other, of which nothing was changed."""
    rows = run(session, _USED, {"order": order_number, "year": year, "now": clock.now()})
    for row in rows:
        if row.weights:
            weight_caps.use(session, row.person_id, year, year, row.weights)
        _tell(session, row, row.rest, "used", row.free)
    return bool(rows)


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


def give_back(
    session: Session,
    order_number: str,
    amount_fen: int | None = None,
    kind: str = "cancelled",
    weights: Mapping[str, Decimal] | None = None,
) -> int:
    """Give back part of an order's share (a return) or, without an amount, all that is left; returns the fen given.

    `kind` stands in the statement: `cancelled`, `expired`, `rejected`, `returned`; `weights` are the kilograms of
    capped goods that go with a part. Giving back all twice gives nothing the second time; more than is left is cut to
    it. Raises Problem `not_found` for an unknown order.
    """
    row = _locked(session, order_number)
    rest = row.amount_fen - row.returned_fen
    given = rest if amount_fen is None else min(amount_fen, rest)
    if given <= 0:
        return 0
    used = row.state != "held"
    free = _add(session, row.person_id, row.year, reserved=0 if used else -given, used=-given if used else 0)
    row.returned_fen += given
    if row.weights:
        part = None if row.returned_fen == row.amount_fen else weights or {}
        row.weights = weight_caps.give_back(session, row.person_id, row.year, row.weights, part, used=used)
    if row.returned_fen == row.amount_fen:
        row.state = "returned"
    _note(session, row.person_id, row.account_id, row.year, order_number, given, kind)
    if used:
        _tell(session, row, given, kind, free)
    return given


def taken_by(account_id: uuid.UUID, year: int) -> tuple[uuid.UUID, int] | None:
    """The person an account buys for, and how much of `year` they hold or have used; None when it has not said."""
    return taken_of(read(*taking(account_id, year)))


def taking(account_id: uuid.UUID, year: int) -> Statement:
    """What `taken_by` asks, for whoever asks it together with others."""
    return _TAKEN_BY, {"account": account_id, "year": year}


def taken_of(rows: Sequence[Any]) -> tuple[uuid.UUID, int] | None:
    """What was answered."""
    return (rows[0].person_id, rows[0].taken) if rows else None


_TAKEN_BY = """
    SELECT who.person_id, coalesce(y.reserved_fen + y.used_fen, 0) AS taken
    FROM account_person AS who
    LEFT JOIN allowance_year AS y ON y.person_id = who.person_id AND y.year = %(year)s
    WHERE who.account_id = %(account)s
"""


def has_open_holds(session: Session, account_id: uuid.UUID) -> bool:
    """Whether orders of this account hold or use an allowance that customs has not confirmed yet."""
    query = select(AllowanceHold.order_number).where(
        AllowanceHold.account_id == account_id, or_(AllowanceHold.state == "held", AllowanceHold.state == "used")
    )
    return session.execute(query.limit(1)).first() is not None


_RESERVED = """
    INSERT INTO allowance_year AS y (person_id, year, limit_fen, reserved_fen, used_fen)
    VALUES (%(person)s, %(year)s, %(limit)s, %(amount)s, 0)
    ON CONFLICT (person_id, year) DO UPDATE
    SET reserved_fen = y.reserved_fen + excluded.reserved_fen, limit_fen = excluded.limit_fen
    WHERE y.reserved_fen + y.used_fen + excluded.reserved_fen <= excluded.limit_fen
    RETURNING year
"""


def _reserve(session: Session, person_id: uuid.UUID, year: int, amount_fen: int, limit_fen: int) -> None:
    if amount_fen <= 0:
        raise ValueError("an allowance is held for an amount above zero")
    values = {"person": person_id, "year": year, "limit": limit_fen, "amount": amount_fen}
    taken = amount_fen <= limit_fen and run(session, _RESERVED, values)
    if not taken:
        raise _refusal(person_id, year, amount_fen, limit_fen)


def _refusal(person_id: uuid.UUID, year: int, amount_fen: int, limit_fen: int) -> Problem:
    reserved, used = sums(person_id, year)
    rest = fen_text(max(0, limit_fen - reserved - used))
    detail = f"{fen_text(amount_fen)} CNY would pass the yearly allowance of {year}; {rest} CNY are left"
    return Problem(ANNUAL_LIMIT, detail, left=rest, year=year)


def _add(session: Session, person_id: uuid.UUID, year: int, *, reserved: int, used: int) -> int:
    """Change the sums; returns what is then left of the year."""
    row = AllowanceYear
    statement = (
        update(row)
        .where(row.person_id == person_id, row.year == year)
        .values(reserved_fen=row.reserved_fen + reserved, used_fen=row.used_fen + used)
        .returning(row.limit_fen - row.reserved_fen - row.used_fen)
        .execution_options(synchronize_session=False)
    )
    return int(session.scalars(statement).one())


def _locked(session: Session, order_number: str) -> AllowanceHold:
    query = select(AllowanceHold).where(AllowanceHold.order_number == order_number)
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, f"no allowance is held for order {order_number}")
    return row


def _tell(session: Session, row: Any, amount_fen: int, kind: str, left_fen: int) -> None:
    change = Change(row.person_id, row.account_id, row.order_number, row.year, amount_fen, kind, left_fen)
    for listener in _listeners:
        listener(session, change)


def _note(
    session: Session,
    person_id: uuid.UUID,
    account_id: uuid.UUID,
    year: int,
    order_number: str,
    amount_fen: int,
    kind: str,
) -> None:
    entry = _entry(person_id, account_id, year, order_number, amount_fen, kind)
    session.execute(insert(AllowanceEntry), entry)


def _entry(
    person_id: uuid.UUID, account_id: uuid.UUID, year: int, order_number: str, amount_fen: int, kind: str
) -> dict[str, Any]:
    who = {"person_id": person_id, "account_id": account_id, "year": year}
    return {**who, "at": clock.now(), "order_number": order_number, "amount_fen": amount_fen, "kind": kind}


def sums(person_id: uuid.UUID, year: int) -> tuple[int, int]:
    """What the person has reserved and used of `year`, in fen."""
    query = select(AllowanceYear.reserved_fen, AllowanceYear.used_fen).where(
        AllowanceYear.person_id == person_id, AllowanceYear.year == year
    )
    row = db.session.execute(query).first()
    return (row[0], row[1]) if row else (0, 0)
