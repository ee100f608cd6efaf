"""Stripe's webhooks: verified on the raw bytes, stored once under their own id, acknowledged, then applied by a job.

Order is not guaranteed and an event may be old, so a job never believes what the event says: it fetches the object.
"""

from __future__ import annotations

import time

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core import clock, config, jobs
from core.database import db, end_read, transaction
from core.errors import Problem, declare
from shop import exchanges, incidents, payments, refunds, settlement
from shop.models import Payment, Refund, StripeEvent
from shop.stripe_events import BadEvent, verify_event

BAD_WEBHOOK = declare("bad_webhook", 400, "This is not a notice of ours from Stripe")


def receive(raw: bytes, signature: str | None) -> None:
    """Believe, store and enqueue one notice, or raise Problem `bad_webhook` with nothing written."""
    try:
        # Stripe signs with the real time, whatever a rehearsal's clock says.
        event = verify_event(raw, signature, config.current().stripe_webhook_secret, time.time())
    except BadEvent as fault:
        raise Problem(BAD_WEBHOOK, fault.reason) from None
    values = {"id": event.id, "type": event.type, "object_id": event.object_id, "raw": raw, "received_at": clock.now()}
    with transaction() as session:
        fresh = insert(StripeEvent).values(**values).on_conflict_do_nothing().returning(StripeEvent.id)
        if session.execute(fresh).first() is None:
            return
        if event.account is not None:
            incidents.record(session, "foreign_account", "stripe_event", event.id, account=event.account)
        elif event.handled:
            jobs.defer(session, "shop.apply_stripe_event", event_id=event.id)


@jobs.task("shop.apply_stripe_event")
def apply_event(event_id: str) -> None:
    """Apply a stored notice by what Stripe says now. Raises GatewayUnavailable, to be tried again."""
    row = db.session.execute(
        select(StripeEvent.type, StripeEvent.object_id, StripeEvent.applied_at).where(StripeEvent.id == event_id)
    ).one()
    end_read()
    if row.applied_at is not None:
        return
    kind = row.type.split(".")[0]
    if kind == "payment_intent":
        _intent(row.object_id)
    elif kind == "refund":
        _refund(row.object_id)
    elif row.type == "charge.dispute.created":
        _dispute(event_id, row.object_id)
    with transaction() as session:
        session.execute(update(StripeEvent).where(StripeEvent.id == event_id).values(applied_at=clock.now()))


def _intent(intent_id: str) -> None:
    """Ours by its id, or unknown so far: then the freshly fetched intent says whose it is."""
    purchase_id = db.session.scalar(select(Payment.purchase_id).where(Payment.intent_id == intent_id))
    end_read()
    if purchase_id is not None:
        payments.look(purchase_id)
    else:
        settlement.apply(exchanges.ask(lambda gateway: gateway.retrieve_intent(intent_id)))


def _refund(stripe_id: str) -> None:
    refund_id = db.session.scalar(select(Refund.id).where(Refund.stripe_id == stripe_id))
    end_read()
    if refund_id is not None:
        refunds.pay_refund(str(refund_id))


def _dispute(event_id: str, dispute_id: str) -> None:
    """The bank takes money back: a person decides what becomes of the order; nothing is refunded on its strength."""
    with transaction() as session:
        incidents.record(session, "chargeback", "dispute", dispute_id, event=event_id)
