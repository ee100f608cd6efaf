"""Kilograms of capped goods that a person may import in a year, by group of lines (rule A24): sugar, rice.

A ledger beside the allowance: its figures ride on the allowance's hold of an order and move with it. Whoever calls has
locked the person's allowance of the year, so one person's weights are never locked in two orders; the sums still change
by one conditional UPDATE behind a CHECK. Weights are net kilograms with five decimals.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.database import db
from core.errors import Problem
from core.money import plain
from customs.assessments.caps import WEIGHT_CAP
from customs.person_models import WeightCapYear as Sums


@dataclass(frozen=True, slots=True)
class Weight:
    """So much of a group under its cap of the day."""

    kg: Decimal
    cap_kg: Decimal


def hold(session: Session, person_id: uuid.UUID, year: int, weights: Mapping[str, Weight]) -> dict[str, Any] | None:
    """Reserve; returns what the hold of the order keeps. Raises Problem `weight_cap` with `left` in its body."""
    for group in sorted(weights):
        _reserve(session, person_id, year, group, weights[group])
    kept = {
        group: {"kg": str(weight.kg), "returned": "0", "cap": str(weight.cap_kg)}
        for group, weight in sorted(weights.items())
    }
    return kept or None


def use(session: Session, person_id: uuid.UUID, old: int, year: int, kept: Mapping[str, Any]) -> None:
    """Count what was reserved in `old` as used in `year`. Raises Problem `weight_cap` when a new year has no room."""
    for group, each in sorted(kept.items()):
        rest = _rest(each)
        _add(session, person_id, old, group, reserved=-rest, used=rest if old == year else Decimal(0))
        if old != year:
            _reserve(session, person_id, year, group, Weight(rest, Decimal(each["cap"])))
            _add(session, person_id, year, group, reserved=-rest, used=rest)


def give_back(
    session: Session,
    person_id: uuid.UUID,
    year: int,
    kept: Mapping[str, Any],
    part: Mapping[str, Decimal] | None,
    *,
    used: bool,
) -> dict[str, Any]:
    """Give back a part by group, at most what is left, or without one all of it; returns what the hold then keeps."""
    after = {group: dict(each) for group, each in kept.items()}
    for group, each in sorted(after.items()):
        given = _rest(each) if part is None else min(part.get(group, Decimal(0)), _rest(each))
        if given > 0:
            sums = {"used": -given, "reserved": Decimal(0)} if used else {"used": Decimal(0), "reserved": -given}
            _add(session, person_id, year, group, **sums)
            each["returned"] = str(Decimal(each["returned"]) + given)
    return after


def left(person_id: uuid.UUID, year: int, caps: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What the person may still import of each group in `year`, in kg; never below zero."""
    rows = {row["group"]: Decimal(row["held_kg"]) + Decimal(row["used_kg"]) for row in sums(person_id, year)}
    return {group: max(Decimal(0), cap - rows.get(group, Decimal(0))) for group, cap in caps.items()}


def sums(person_id: uuid.UUID, year: int) -> list[dict[str, str]]:
    """The person's groups of the year with cap, held, used and left, in kg."""
    query = select(Sums).where(Sums.person_id == person_id, Sums.year == year).order_by(Sums.cap_group)
    return [
        {
            "group": row.cap_group,
            "cap_kg": plain(row.cap_kg),
            "held_kg": plain(row.reserved_kg),
            "used_kg": plain(row.used_kg),
            "left_kg": plain(row.cap_kg - row.reserved_kg - row.used_kg),
        }
        for row in db.session.scalars(query.execution_options(populate_existing=True))
    ]


def _rest(each: Mapping[str, str]) -> Decimal:
    return Decimal(each["kg"]) - Decimal(each["returned"])


def _reserve(session: Session, person_id: uuid.UUID, year: int, group: str, weight: Weight) -> None:
    key = {"person_id": person_id, "year": year, "cap_group": group}
    fresh = upsert(Sums).values(**key, cap_kg=weight.cap_kg, reserved_kg=0, used_kg=0)
    session.execute(fresh.on_conflict_do_nothing())
    statement = (
        update(Sums)
        .where(Sums.person_id == person_id, Sums.year == year, Sums.cap_group == group)
        .where(Sums.reserved_kg + Sums.used_kg + weight.kg <= weight.cap_kg)
        .values(reserved_kg=Sums.reserved_kg + weight.kg, cap_kg=weight.cap_kg)
        .returning(Sums.reserved_kg)
        .execution_options(synchronize_session=False)
    )
    if session.execute(statement).first() is None:
        query = select(Sums.reserved_kg + Sums.used_kg).where(Sums.person_id == person_id, Sums.year == year)
        rest = plain(max(Decimal(0), weight.cap_kg - session.scalars(query.where(Sums.cap_group == group)).one()))
        above = f"{plain(weight.kg)} kg of {group} would pass the {plain(weight.cap_kg)} kg"
        detail = f"{above} that a person may import in {year}; {rest} kg are left"
        raise Problem(WEIGHT_CAP, detail, left=rest, group=group, year=year)


def _add(session: Session, person_id: uuid.UUID, year: int, group: str, *, reserved: Decimal, used: Decimal) -> None:
    session.execute(
        update(Sums)
        .where(Sums.person_id == person_id, Sums.year == year, Sums.cap_group == group)
        .values(reserved_kg=Sums.reserved_kg + reserved, used_kg=Sums.used_kg + used)
        .execution_options(synchronize_session=False)
    )
