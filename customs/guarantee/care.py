"""Guarantees as people see and change them: opened, refilled, reduced; lists, logs and what waits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from core import audit, clock, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.money import fen_text
from customs import codes
from customs.guarantee.adoption import adopt
from customs.guarantee.reserve import note, wake
from customs.models import Declaration
from customs.money_models import Guarantee, GuaranteeEntry, GuaranteeWait

EXISTS = declare("guarantee_exists", 409, "This guarantor has a guarantee at this office already")
IN_USE = declare("guarantee_in_use", 409, "So much of the guarantee is in use that it cannot be reduced by this")

ALERT_PERCENT = 80
FEN_MOST = 10**13  # a hundred thousand million yuan: far above any guarantee, far below what a column holds


def open_one(actor: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Enter what a guarantor has lodged: `code`, `name`, `office`, `amount` in fen, `alert_percent`.

    Lists that are under way are kept of it. Raises Problem `guarantee_exists`, `invalid_input` for no office or an
    amount too small for those lists.
    """
    if not codes.is_office(values["office"]):
        raise invalid("office", "is no customs office")
    _check(values["amount"])
    row = Guarantee(id=new_id(), in_use_fen=0, amount_fen=values["amount"])
    row.code, row.name, row.office = values["code"], values["name"], values["office"]
    row.alert_percent = values.get("alert_percent") or ALERT_PERCENT
    try:
        with transaction() as session:
            session.add(row)
            session.flush()
            note(session, row.id, "opened", row.amount_fen, actor)
            adopt(session, row)
            told = {"code": row.code, "office": row.office, "amount": fen_text(row.amount_fen)}
            audit.record(session, actor, "guarantee_opened", "guarantee", row.id, **told)
    except IntegrityError:
        raise Problem(EXISTS) from None
    return one(row.id)


def refill(actor: str, guarantee_id: uuid.UUID, amount_fen: int, reference: str | None) -> dict[str, Any]:
    """More was lodged; lists that wait for it go on. Raises Problem `not_found`, `invalid_input`."""
    return _change(actor, guarantee_id, amount_fen, "refilled", reference)


def reduce(actor: str, guarantee_id: uuid.UUID, amount_fen: int, reference: str | None) -> dict[str, Any]:
    """A part was taken back; never of what is in use. Raises Problem `not_found`, `guarantee_in_use`."""
    return _change(actor, guarantee_id, -amount_fen, "reduced", reference)


def _change(actor: str, guarantee_id: uuid.UUID, more: int, kind: str, reference: str | None) -> dict[str, Any]:
    _check(abs(more))
    with transaction() as session:
        table = Guarantee
        changed = (
            update(table)
            .where(table.id == guarantee_id, table.amount_fen + more >= table.in_use_fen)
            .where(table.amount_fen + more <= FEN_MOST)
            .values(amount_fen=table.amount_fen + more)
            .returning(table.amount_fen)
            .execution_options(synchronize_session=False)
        )
        amount = session.scalar(changed)
        if amount is None:
            _why_not(session.get(table, guarantee_id), more)
        note(session, guarantee_id, kind, abs(more), actor, None, reference)
        told = {"by": fen_text(abs(more)), "amount": fen_text(int(amount or 0)), "reference": reference}
        audit.record(session, actor, f"guarantee_{kind}", "guarantee", guarantee_id, **told)
        wake(session, guarantee_id)
    return one(guarantee_id)


def _why_not(row: Guarantee | None, more: int) -> None:
    if row is None:
        raise Problem(NOT_FOUND, "no such guarantee")
    if more > 0:
        raise invalid("amount", "is more than a guarantee can be")
    raise Problem(IN_USE, f"{fen_text(row.in_use_fen)} of {fen_text(row.amount_fen)} CNY are in use")


def _check(amount_fen: int) -> None:
    if not 0 < amount_fen <= FEN_MOST:
        raise invalid("amount", "must be above zero and no more than a guarantee can be")


def find(office: str, code: str | None = None) -> uuid.UUID:
    """A guarantee by its office, and its guarantor where the office has several. Raises Problem `not_found`."""
    query = select(Guarantee.id).where(Guarantee.office == office)
    found = db.session.scalars(query if code is None else query.where(Guarantee.code == code)).all()
    if len(found) != 1:
        raise Problem(NOT_FOUND, f"{len(found)} guarantees at office {office}: name the guarantor's code as well")
    return found[0]


def listing() -> list[dict[str, Any]]:
    """All guarantees with what waits for room, by office and guarantor."""
    waits = select(func.count(), func.coalesce(func.sum(GuaranteeWait.amount_fen), 0), GuaranteeWait.guarantee_id)
    waiting = {
        row[2]: (int(row[0]), int(row[1])) for row in db.session.execute(waits.group_by(waits.selected_columns[2]))
    }
    rows = db.session.scalars(select(Guarantee).order_by(Guarantee.office, Guarantee.code))
    return [_dump(row, *waiting.get(row.id, (0, 0))) for row in rows]


def one(guarantee_id: uuid.UUID) -> dict[str, Any]:
    """One guarantee. Raises Problem `not_found`."""
    row = db.session.get(Guarantee, guarantee_id, populate_existing=True)
    if row is None:
        raise Problem(NOT_FOUND, "no such guarantee")
    waits = select(func.count(), func.coalesce(func.sum(GuaranteeWait.amount_fen), 0))
    count, amount = db.session.execute(waits.where(GuaranteeWait.guarantee_id == guarantee_id)).one()
    return _dump(row, int(count), int(amount))


def entries(guarantee_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """Its log, newest first. Raises Problem `not_found`."""
    one(guarantee_id)
    query = select(GuaranteeEntry, Declaration.number).outerjoin(
        Declaration, Declaration.id == GuaranteeEntry.declaration_id
    )
    query = query.where(GuaranteeEntry.guarantee_id == guarantee_id)
    key = paging.decode(cursor, int)
    if key is not None:
        query = query.where(GuaranteeEntry.id < key[0])
    rows = db.session.execute(query.order_by(GuaranteeEntry.id.desc()).limit(limit + 1)).all()
    kept, following = paging.page(rows, limit, lambda row: paging.encode(row[0].id))
    return {"items": [_entry(entry, number) for entry, number in kept], "next": following}


def _dump(row: Guarantee, waiting: int, waiting_fen: int) -> dict[str, Any]:
    percent = row.in_use_fen * 100 // row.amount_fen if row.amount_fen else 100
    return {
        "id": str(row.id),
        "guarantor": {"code": row.code, "name": row.name},
        "office": row.office,
        "amount": fen_text(row.amount_fen),
        "in_use": fen_text(row.in_use_fen),
        "free": fen_text(row.amount_fen - row.in_use_fen),
        "percent_in_use": percent,
        "alert_percent": row.alert_percent,
        "low": percent >= row.alert_percent,
        "waiting": waiting,
        "waiting_tax": fen_text(waiting_fen),
    }


def _entry(row: GuaranteeEntry, number: str | None) -> dict[str, Any]:
    return {
        "at": clock.instant_text(row.at),
        "kind": row.kind,
        "amount": fen_text(row.amount_fen),
        "declaration": number,
        "actor": row.actor,
        "reference": row.reference,
    }
