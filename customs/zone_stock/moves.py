"""The steps of entries and exits: from where to where, who may take each, and whether it has a paper's number."""

from __future__ import annotations

import csv
import uuid
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock
from core.accounts import FORBIDDEN
from core.errors import Problem, declare, invalid
from customs.zone_stock_models import ZoneStep

STEP_REFUSED = declare("zone_step_refused", 409, "What stands there does not allow this step now")

_FILE = Path(__file__).with_name("moves.csv")


@dataclass(frozen=True, slots=True)
class Move:
    """One allowed step."""

    target: str
    who: frozenset[str]
    paper: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a step: the number of its paper, its day, a remark."""

    number: str | None = None
    day: date | None = None
    detail: str | None = None


@cache
def moves() -> dict[tuple[str, str, str], Move]:
    """By object, state and step."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {
            (row["object"], row["from"], row["step"]): Move(
                row["to"], frozenset(row["who"].split()), row["paper"] == "yes"
            )
            for row in csv.DictReader(file)
        }


def steps(kind: str) -> tuple[str, ...]:
    """All steps of an entry or an exit, in the order of the table."""
    return tuple(dict.fromkeys(step for known, _, step in moves() if known == kind))


def open_steps(kind: str, status: str, role: str) -> list[dict[str, object]]:
    """What a role may do next, for pages."""
    return [
        {"step": step, "paper": move.paper}
        for (known, state, step), move in moves().items()
        if known == kind and state == status and role in move.who
    ]


def allowed(kind: str, status: str, step: str, role: str) -> Move:
    """The move, or why it is refused. Raises Problem `zone_step_refused`, `forbidden`."""
    move = moves().get((kind, status, step))
    if move is None:
        raise Problem(STEP_REFUSED, f"{step}: the {kind} is {status}")
    if role not in move.who:
        raise Problem(FORBIDDEN, f"{step} is taken by {' or '.join(sorted(move.who))}")
    return move


def write(session: Session, object_id: uuid.UUID, step: str, move: Move, told: Told, actor: str) -> date:
    """Keep the step; answers its day. Raises Problem `invalid_input` for a missing number or a day out of order."""
    if move.paper and not told.number:
        raise invalid("number", "is required: the paper of this step has one")
    day = told.day or clock.today()
    before = session.scalar(select(func.max(ZoneStep.day)).where(ZoneStep.object_id == object_id))
    if day > clock.today():
        raise invalid("day", "lies in the future")
    if before is not None and day < before:
        raise invalid("day", f"lies before the step of {before}")
    facts = {"number": told.number, "day": day, "detail": told.detail, "actor": actor}
    session.add(ZoneStep(object_id=object_id, step=step, **facts))
    return day


def steps_of(session: Session, object_id: uuid.UUID) -> list[dict[str, object]]:
    """The steps taken, in order."""
    rows = session.scalars(select(ZoneStep).where(ZoneStep.object_id == object_id).order_by(ZoneStep.id))
    return [
        {
            "step": row.step,
            "number": row.number,
            "day": row.day.isoformat(),
            "detail": row.detail,
            "at": clock.instant_text(row.at),
        }
        for row in rows
    ]
