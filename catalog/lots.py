"""Stock: lots and who holds how much of them, first expired first out.

`on_hand` is the sum of a lot's movements and changes only with one; `reserved` is what unshipped orders hold. Both
change by conditional UPDATEs on rows locked in id order, behind the CHECK 0 <= reserved <= on_hand, so that the last
unit is sold once however many ask for it. Demand is summed for each listing before anything is taken.
"""

from __future__ import annotations

import functools
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Numeric, Uuid, column, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from catalog import zones
from catalog.models import STOPPED, Listing, Lot, StockMovement
from core import clock
from core.database import run
from core.errors import Problem, declare
from core.money import plain
from core.prepared import Statement, among

# Of a sales unit that is a measure, parts can be sold.
MEASURES = ("kg", "t", "g", "l", "ml", "m", "hour")
# The days a parcel is on its way to the standard zone: so much of its life a lot loses at least before it arrives.
TRANSIT_DAYS = zones.standard().transit_days
# The condition on a lot under which it may be sold on the day `today`, as SQL; `saleable` says the same.
SALEABLE = "NOT blocked AND (expires_on IS NULL OR expires_on - least_life_days >= :today)"

RULE = ("least_life_days", "least_life_percent")  # of a listing; its lots carry what follows

OUT_OF_STOCK = declare("out_of_stock", 409, "There is not enough in stock")
LOT_STOPPED = declare("lot_stopped", 409, "The lot is recalled or in quarantine: nothing of it leaves the warehouse")


@dataclass(frozen=True, slots=True)
class Want:
    """So much of a listing, from one warehouse when it is named."""

    listing_id: uuid.UUID
    quantity: Decimal
    warehouse_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """So much of one lot, held for an order. `warehouse_id` is None for services; `weight_kg` is the real weight of
    pieces sold by the kilogram, once they are picked.
    """

    lot_id: uuid.UUID
    listing_id: uuid.UUID
    quantity: Decimal
    warehouse_id: uuid.UUID | None
    item_record_no: str | None
    batch_no: str
    weight_kg: Decimal | None = None


def saleable(day: date, extra_days: int = 0) -> tuple[Any, ...]:
    """Conditions on Lot under which it may be sold on a day, to where it travels `extra_days` longer than usual."""
    day += timedelta(days=extra_days)
    return Lot.blocked.is_(False), or_(Lot.expires_on.is_(None), Lot.expires_on - Lot.least_life_days >= day)


def least_life(produced_on: date | None, expires_on: date | None, days: int | None, percent: int | None) -> int:
    """How many days a lot must have left to be sold: its listing's rule at delivery, and the days on the way.

    A share is of the whole life, rounded up; of a lot whose first day is not known it cannot be told, nor is it asked.
    """
    if percent is not None and produced_on is not None and expires_on is not None:
        days = -(-(expires_on - produced_on).days * percent // 100)
    return TRANSIT_DAYS + (days or 0)


def keep_rule(session: Session, listings: Sequence[Listing]) -> None:
    """Reckon the remaining life that listings now ask for anew for each of their lots; the caller has locked them."""
    if not listings:
        return
    rules = {row.id: (row.least_life_days, row.least_life_percent) for row in listings}
    statement = select(Lot).where(Lot.listing_id.in_(rules)).order_by(Lot.id).with_for_update()
    with session.no_autoflush:  # a listing on its way out of the shop is not complete before its card is
        for lot in session.scalars(statement.execution_options(populate_existing=True)):
            lot.least_life_days = least_life(lot.produced_on, lot.expires_on, *rules[lot.listing_id])


def hold(session: Session, wants: Iterable[Want], ref: str, extra_days: int = 0) -> list[Allocation]:
    """Hold what is wanted in the caller's transaction; all of it or nothing. As `choose`, and held at once."""
    taken = choose(session, wants, ref, extra_days)
    if taken:
        check_reserved(taken, len(run(session, *reserving(taken))))
    return taken


def choose(session: Session, wants: Iterable[Want], ref: str, extra_days: int = 0) -> list[Allocation]:
    """Lock the lots of what is wanted and choose from them, first expired first; the caller runs `reserving` on them in
    the same transaction.

    A lot must keep its least life on a way that is `extra_days` longer than to the standard zone. Raises Problem
    `out_of_stock` naming each listing that falls short and what is left of it. `ref` (the order) is said in the
    refusal; what was taken is the caller's to keep.
    """
    demand: dict[tuple[uuid.UUID, uuid.UUID | None], Decimal] = defaultdict(Decimal)
    for want in wants:
        demand[want.listing_id, want.warehouse_id] += want.quantity
    lots = _locked(session, {listing_id for listing_id, _ in demand}, extra_days)
    free = {lot.id: lot.on_hand - lot.reserved for lot in lots}
    taken: list[Allocation] = []
    short: dict[str, str] = {}
    # Those bound to a warehouse choose first: the others can make do with what is left.
    for (listing_id, warehouse_id), wanted in sorted(demand.items(), key=lambda item: item[0][1] is None):
        fitting = [lot for lot in lots if lot.listing_id == listing_id and warehouse_id in (None, lot.warehouse_id)]
        left = sum((free[lot.id] for lot in fitting), Decimal(0))
        if left < wanted:
            short[str(listing_id)] = plain(left)
            continue
        taken += _take(fitting, wanted, free)
    if short:
        said = ", ".join(f"{listing_id} has {left} left" for listing_id, left in short.items())
        raise Problem(OUT_OF_STOCK, f"{said}; nothing was held for {ref}", available=short)
    return taken


# The lots that may be sold, in id order. A merchant suspended since the price was asked sells nothing any more.
_LOCKED = """
    SELECT lot.id, lot.listing_id, lot.on_hand, lot.reserved, lot.expires_on, lot.created_at, lot.warehouse_id,
           lot.item_record_no, lot.batch_no
    FROM lot JOIN listing ON listing.id = lot.listing_id JOIN merchant ON merchant.id = listing.merchant_id
    WHERE lot.listing_id = ANY({listings}) AND lot.on_hand > lot.reserved AND NOT lot.blocked
      AND (lot.expires_on IS NULL OR lot.expires_on - lot.least_life_days >= %(day)s)
      AND merchant.status = 'approved'
    ORDER BY lot.id FOR UPDATE OF lot
"""


def _locked(session: Session, listing_ids: set[uuid.UUID], extra_days: int) -> Sequence[Any]:
    """The lots that may be sold, locked, then put in the order in which they are used up."""
    listings, values = among("listing", listing_ids, "uuid")
    values["day"] = clock.today() + timedelta(days=extra_days)
    rows = run(session, _LOCKED.format(listings=listings), values)
    return sorted(rows, key=lambda lot: (lot.expires_on or date.max, lot.created_at, lot.id))


def _take(lots: Sequence[Any], wanted: Decimal, free: dict[uuid.UUID, Decimal]) -> list[Allocation]:
    taken = []
    for lot in lots:
        part = min(wanted, free[lot.id])
        if part > 0:
            free[lot.id] -= part
            wanted -= part
            place = (lot.warehouse_id, lot.item_record_no, lot.batch_no)
            taken.append(Allocation(lot.id, lot.listing_id, part, *place))
    return taken


def reserving(taken: Iterable[Allocation]) -> Statement:
    """The statement that holds chosen parts of locked lots."""
    by_lot = _by_lot(taken)
    lots = {f"lot_{at}": lot_id for at, lot_id in enumerate(by_lot)}
    return _reserved(len(by_lot)), {**lots, **{f"part_{at}": part for at, part in enumerate(by_lot.values())}}


@functools.cache
def _reserved(count: int) -> str:
    """For so many lots: row by row, since the server plans a statement anew each time when it is given an array."""
    parts = ", ".join(f"(CAST(%(lot_{at})s AS uuid), CAST(%(part_{at})s AS numeric))" for at in range(count))
    return f"""
        UPDATE lot SET reserved = lot.reserved + part.quantity FROM (VALUES {parts}) AS part (lot_id, quantity)
        WHERE lot.id = part.lot_id AND lot.on_hand - lot.reserved >= part.quantity AND NOT lot.blocked
        RETURNING lot.id
    """  # noqa: S608 - numbered names


def check_reserved(taken: Iterable[Allocation], count: int) -> None:
    """Every lot must have taken the change; anything else is a fault of ours and rolls the whole order back."""
    if count != len(_by_lot(taken)):
        raise RuntimeError("refused to reserve more than a lot holds")


def give_back(session: Session, allocations: Iterable[Allocation]) -> None:
    """Free what an order held: it expired or was cancelled. The caller sees to it that this happens once."""
    by_lot = _lock(session, allocations)
    statement, part = _update_of(by_lot)
    statement = statement.where(Lot.reserved >= part.c.quantity).values(reserved=Lot.reserved - part.c.quantity)
    _expect(session, statement, len(by_lot), "free more than is reserved")


def take_out(session: Session, allocations: Iterable[Allocation], ref: str) -> None:
    """The goods leave the warehouse: what was held is no longer on hand. `ref` (the order) can do so once.

    Raises Problem `lot_stopped` when one of the lots is recalled or in quarantine: its lock tells which came first.
    """
    allocations = list(allocations)
    by_lot = _lock(session, allocations)
    _refuse_stopped(session, by_lot)
    _leave(session, by_lot, "shipment", ref, _weigh_out(session, allocations))


def write_off(session: Session, allocations: Iterable[Allocation], ref: str) -> None:
    """What was held for an order is not there, or not fit to be sent: it is no longer on hand."""
    _leave(session, _lock(session, allocations), "adjustment", ref, {})


def _leave(
    session: Session, by_lot: dict[uuid.UUID, Decimal], kind: str, ref: str, weights: dict[uuid.UUID, Decimal]
) -> None:
    """Take held quantities off locked lots and write their movements."""
    statement, part = _update_of(by_lot)
    enough = (Lot.reserved >= part.c.quantity, Lot.on_hand >= part.c.quantity)
    left = {"reserved": Lot.reserved - part.c.quantity, "on_hand": Lot.on_hand - part.c.quantity}
    _expect(session, statement.where(*enough).values(**left), len(by_lot), "take out more than is reserved")
    moves = [
        {
            "lot_id": lot_id,
            "at": clock.now(),
            "kind": kind,
            "quantity": -quantity,
            "weight_kg": weights.get(lot_id),
            "reference": ref,
        }
        for lot_id, quantity in by_lot.items()
    ]
    if moves:
        session.execute(insert(StockMovement), moves)


def _refuse_stopped(session: Session, lot_ids: Iterable[uuid.UUID]) -> None:
    stopped = select(Lot.batch_no).where(Lot.id.in_(lot_ids), Lot.block_kind.in_(STOPPED)).order_by(Lot.batch_no)
    found = session.scalars(stopped).all()
    if found:
        raise Problem(LOT_STOPPED, f"batch {', '.join(found)} is recalled or in quarantine")


def _weigh_out(session: Session, allocations: Sequence[Allocation]) -> dict[uuid.UUID, Decimal]:
    """Take the real weights off the lots they leave; by lot, negative, as the movements tell it."""
    weights: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for allocation in allocations:
        if allocation.weight_kg is not None:
            weights[allocation.lot_id] -= allocation.weight_kg
    for lot_id, weight in weights.items():
        session.execute(update(Lot).where(Lot.id == lot_id).values(weight_kg=func.coalesce(Lot.weight_kg, 0) + weight))
    return weights


def _by_lot(allocations: Iterable[Allocation]) -> dict[uuid.UUID, Decimal]:
    total: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for allocation in allocations:
        total[allocation.lot_id] += allocation.quantity
    return dict(sorted(total.items()))


def _lock(session: Session, allocations: Iterable[Allocation]) -> dict[uuid.UUID, Decimal]:
    by_lot = _by_lot(allocations)
    session.execute(select(Lot.id).where(Lot.id.in_(by_lot)).order_by(Lot.id).with_for_update()).all()
    return by_lot


def _update_of(by_lot: dict[uuid.UUID, Decimal]) -> tuple[Any, Any]:
    """One UPDATE over all lots, joined with the quantity of each: two arrays, as a VALUES is compiled on each call."""
    ids, quantities = literal(list(by_lot), ARRAY(Uuid)), literal(list(by_lot.values()), ARRAY(Numeric(19, 5)))
    columns = (column("lot_id", Uuid), column("quantity", Numeric(19, 5)))
    part = func.unnest(ids, quantities).table_valued(*columns, name="part").render_derived()
    return update(Lot).where(Lot.id == part.c.lot_id).execution_options(synchronize_session=False), part


def _expect(session: Session, statement: Any, count: int, what: str) -> None:
    """Every lot must have taken the change; anything else is a fault of ours and rolls the whole order back."""
    if count and len(session.execute(statement.returning(Lot.id)).all()) != count:
        raise RuntimeError(f"refused to {what}")
