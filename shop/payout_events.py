"""What Stripe tells of transfers and of payouts at the bank. An event says where to look: the object is fetched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import clock, jobs
from core.database import db, end_read, transaction
from shop import exchanges, incidents, payout_accounts, payout_returns, payouts
from shop.models import StripeEvent
from shop.payout_models import Payout
from shop.stripe_connect import BankPayout
from shop.stripe_events import Event
from shop.stripe_objects import Transfer

BANK = ("payout.paid", "payout.failed")


def receive(session: Session, event: Event) -> bool:
    """Enqueue a stored notice about a merchant's account; False when the account is none of ours."""
    if event.account is None or payout_accounts.merchant_of(session, event.account) is None:
        return False
    if event.type in BANK:
        facts: dict[str, Any] = {"kind": event.type, "object_id": event.object_id, "account": event.account}
        jobs.defer(session, "shop.apply_bank_event", event_id=event.id, **facts)
    return True


@jobs.task("shop.apply_bank_event")
def apply_bank_event(event_id: str, kind: str, object_id: str, account: str) -> None:
    """Apply a notice of a merchant's account by what Stripe says now. Raises GatewayUnavailable, to be tried again."""
    _bank(kind, object_id, account)
    with transaction() as session:
        session.execute(update(StripeEvent).where(StripeEvent.id == event_id).values(applied_at=clock.now()))


def transfer(transfer_id: str) -> None:
    """A transfer was made or reversed, by us or by somebody at Stripe's dashboard."""
    made: Transfer = exchanges.ask(lambda door: door.retrieve_transfer(transfer_id))
    payout_id = _of(made.metadata) or db.session.scalar(select(Payout.id).where(Payout.transfer_id == transfer_id))
    end_read()
    if payout_id is None:
        with transaction() as session:
            incidents.record(session, "foreign_transfer", "transfer", transfer_id, amount_fen=made.amount_fen)
        return
    payouts.sent(payout_id, made)
    payout_returns.came_back(payout_id, made)


def own_failed(object_id: str) -> None:
    """Our own balance did not reach our own bank: nobody's orders, but somebody must look."""
    with transaction() as session:
        incidents.record(session, "own_payout_failed", "stripe_payout", object_id)


def _bank(kind: str, object_id: str, account: str) -> None:
    """Ours by what we wrote on it; else, when an account of the merchant's own fails to pay its bank, the newest payout
    of that very amount. What belongs to none is told to a person and changes no books."""
    answer: BankPayout = exchanges.ask(lambda door: door.retrieve_bank_payout(account, object_id))
    payout_id = _of(answer.metadata) or _by_amount(account, answer)
    if payout_id is not None:
        payout_returns.settle(payout_id, answer)
    elif kind == "payout.failed":
        with transaction() as session:
            told = {"account": account[-4:], "amount_fen": answer.amount_fen}
            incidents.record(session, "bank_payout_failed", "stripe_payout", object_id, **told)


def _of(metadata: Mapping[str, str]) -> uuid.UUID | None:
    """The payout that an object says it belongs to, if there is one."""
    try:
        named = uuid.UUID(metadata.get("payout", ""))
    except ValueError:
        return None
    found = db.session.scalar(select(Payout.id).where(Payout.id == named))
    end_read()
    return found


def _by_amount(account: str, answer: BankPayout) -> uuid.UUID | None:
    mine = (Payout.destination == account, Payout.amount_fen == answer.amount_fen, Payout.status == "paid")
    free = Payout.bank_id.is_(None) | (Payout.bank_id == answer.id)
    statement = select(Payout.id).where(*mine, free, ~Payout.own, Payout.reversed_fen == 0)
    found = db.session.scalars(statement.order_by(Payout.id.desc()).limit(1)).first()
    end_read()
    return found
