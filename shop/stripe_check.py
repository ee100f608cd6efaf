"""The ledger beside Stripe's records: intents, refunds, transfers, fetched page by page and compared in the database.

They are kept in temporary tables, so memory stays flat, and fetched before the snapshot is taken, so no transaction
waits for somebody else's server. What happens in between looks like a difference: each is looked at once more, both
sides anew, before it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from shop import exchanges
from shop.stripe_gateway import GatewayRefused

PAGE = 500
AGAIN_AT_MOST = 200  # beyond so many differences it is no matter of a moment

_TABLES = """
    CREATE TEMPORARY TABLE stripe_intent (id text PRIMARY KEY, received bigint, currency text);
    CREATE TEMPORARY TABLE stripe_refund (id text PRIMARY KEY, amount bigint, paid boolean);
    CREATE TEMPORARY TABLE stripe_transfer
        (id text PRIMARY KEY, amount bigint, reversed bigint, currency text, destination text)
"""
_INTENTS = """
    SELECT coalesce(s.id, p.intent_id) AS id, u.id AS ours, coalesce(u.captured_fen, 0) AS booked,
           coalesce(s.received, 0) AS theirs
    FROM stripe_intent s
    FULL JOIN payment p ON p.intent_id = s.id
    LEFT JOIN purchase u ON u.id = p.purchase_id
    WHERE (s.id IS NOT NULL OR p.intent_id IS NOT NULL)
      AND (coalesce(u.captured_fen, 0) <> coalesce(s.received, 0)
           OR s.received > 0 AND s.currency <> coalesce(u.currency, s.currency))
    ORDER BY 1
"""
_REFUNDS = """
    SELECT coalesce(s.id, r.stripe_id) AS id, r.id AS ours,
           CASE WHEN r.status = 'paid' THEN r.amount_fen ELSE 0 END AS booked,
           CASE WHEN s.paid THEN s.amount ELSE 0 END AS theirs
    FROM stripe_refund s
    FULL JOIN refund r ON r.stripe_id = s.id
    WHERE (s.id IS NOT NULL OR r.stripe_id IS NOT NULL)
      AND CASE WHEN r.status = 'paid' THEN r.amount_fen ELSE 0 END <> CASE WHEN s.paid THEN s.amount ELSE 0 END
    ORDER BY 1
"""
_TRANSFERS = """
    SELECT coalesce(s.id, p.transfer_id) AS id, p.id AS ours, coalesce(p.amount_fen - p.reversed_fen, 0) AS booked,
           coalesce(s.amount - s.reversed, 0) AS theirs
    FROM stripe_transfer s
    FULL JOIN payout p ON p.transfer_id = s.id
    WHERE (s.id IS NOT NULL OR p.transfer_id IS NOT NULL)
      AND (coalesce(p.amount_fen - p.reversed_fen, 0) <> coalesce(s.amount - s.reversed, 0)
           OR s.destination <> p.destination OR s.currency <> p.currency)
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """An object of Stripe's and what is ours of it: both sides in fen."""

    kind: str
    id: str
    ours: Any
    booked: int
    theirs: int

    def __str__(self) -> str:
        owner = {"intent": "purchase", "refund": "refund", "transfer": "payout"}[self.kind]
        mine = f"{owner} {self.ours} has {self.booked}" if self.ours else f"no {owner} of ours knows it"
        return f"{self.kind} {self.id}: Stripe has {self.theirs} fen, {mine}"


def fetch(connection: Connection, note: Callable[[str], None]) -> None:
    """Lay Stripe's records into temporary tables of a connection. Raises GatewayUnavailable or GatewayRefused."""
    for statement in _TABLES.split(";"):
        connection.execute(text(statement))
    connection.commit()
    door = exchanges.gateway()
    _keep(
        connection,
        "INSERT INTO stripe_intent VALUES (:id, :received, :currency) ON CONFLICT DO NOTHING",
        ({"id": each.id, "received": each.received_fen, "currency": each.currency} for each in door.list_intents(0)),
        lambda done: note(f"{done} intents of Stripe"),
    )
    _keep(
        connection,
        "INSERT INTO stripe_refund VALUES (:id, :amount, :paid) ON CONFLICT DO NOTHING",
        (
            {"id": each.id, "amount": each.amount_fen, "paid": each.status == "succeeded"}
            for each in door.list_refunds_since(0)
        ),
        lambda done: note(f"{done} refunds of Stripe"),
    )
    _keep(
        connection,
        "INSERT INTO stripe_transfer VALUES (:id, :amount, :reversed, :currency, :destination) ON CONFLICT DO NOTHING",
        (
            {
                "id": each.id,
                "amount": each.amount_fen,
                "reversed": each.reversed_fen,
                "currency": each.currency,
                "destination": each.destination,
            }
            for each in door.list_transfers(created_after=0)
        ),
        lambda done: note(f"{done} transfers of Stripe"),
    )


def _keep(connection: Connection, statement: str, rows: Iterable[dict[str, Any]], told: Callable[[int], None]) -> None:
    left, done = iter(rows), 0
    while page := list(islice(left, PAGE)):
        connection.execute(text(statement), page)
        connection.commit()
        done += len(page)
        told(done)


def differences(connection: Connection) -> Iterator[Difference]:
    """What differs between the fetched records and the snapshot of the connection's transaction."""
    for kind, statement in (("intent", _INTENTS), ("refund", _REFUNDS), ("transfer", _TRANSFERS)):
        for row in connection.execute(text(statement)):
            yield Difference(kind, row.id, row.ours, row.booked, row.theirs)


_OURS = {
    "intent": "SELECT u.captured_fen FROM payment p JOIN purchase u ON u.id = p.purchase_id WHERE p.intent_id = :id",
    "refund": "SELECT amount_fen FROM refund WHERE stripe_id = :id AND status = 'paid'",
    "transfer": "SELECT amount_fen - reversed_fen FROM payout WHERE transfer_id = :id",
}


def confirmed(connection: Connection, found: list[Difference]) -> Iterator[Difference]:
    """Those that still differ when Stripe and the books are asked again; the connection is outside of a transaction."""
    for position, each in enumerate(found):
        if position >= AGAIN_AT_MOST:
            yield from found[position:]
            return
        theirs = _theirs(each)
        ours = int(connection.scalar(text(_OURS[each.kind]), {"id": each.id}) or 0)
        connection.rollback()
        if ours != theirs or (each.booked, each.theirs) == (ours, theirs):
            yield Difference(each.kind, each.id, each.ours, ours, theirs)


def _theirs(each: Difference) -> int:
    door = exchanges.gateway()
    try:
        if each.kind == "intent":
            return int(door.retrieve_intent(each.id).received_fen)
        if each.kind == "refund":
            refund = door.retrieve_refund(each.id)
            return int(refund.amount_fen) if refund.status == "succeeded" else 0
        transfer = door.retrieve_transfer(each.id)
        return int(transfer.amount_fen - transfer.reversed_fen)
    except GatewayRefused:  # there is no such object
        return 0
