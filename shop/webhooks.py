"""Stripe's webhooks: verified on the raw bytes, stored once under their own id, acknowledged, then applied by a job.

Order is not guaranteed and an event may be old, so a job never believes what the event says: it fetches the object.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

from prometheus_client import Counter

from core import clock, config, jobs
from core.database import change, read, run, transaction
from core.errors import Problem, declare
from core.prepared import Statement
from shop import disputes, exchanges, incidents, payments, payout_events, refund_findings, settlement
from shop.stripe_events import HANDLED, BadEvent, Event, verify_event

_received = Counter("landfall_stripe_events", "Events of Stripe stored, by what becomes of them", ["standing"])

BAD_WEBHOOK = declare("bad_webhook", 400, "This is not a notice of ours from Stripe")


_STORED = """
    INSERT INTO stripe_event (id, type, object_id, raw, received_at)
    VALUES (%(id)s, %(type)s, %(object)s, %(raw)s, %(now)s) ON CONFLICT DO NOTHING RETURNING id
"""


def receive(raw: bytes, signature: str | None) -> None:
    """Believe, store and enqueue one notice, or raise Problem `bad_webhook` with nothing written."""
    try:
        # Stripe signs with the real time, whatever a rehearsal's clock says.
        event = _believed(raw, signature, time.time())
    except BadEvent as fault:
        raise Problem(BAD_WEBHOOK, fault.reason) from None
    values = {"id": event.id, "type": event.type, "object": event.object_id, "raw": raw, "now": clock.now()}
    with transaction() as session:
        if not run(session, _STORED, values):
            return
        _received.labels(event.standing).inc()
        if event.account is not None:
            if payout_events.receive(session, event):
                return
            incidents.record(session, "foreign_account", "stripe_event", event.id, account=event.account)
        elif event.handled:
            jobs.defer(session, "shop.apply_stripe_event", event_id=event.id)


def _believed(raw: bytes, signature: str | None, now: float) -> Event:
    """A notice about our own account, or, under its own secret, about those of merchants. Raises BadEvent."""
    settings = config.current()
    try:
        return verify_event(raw, signature, settings.stripe_webhook_secret, now)
    except BadEvent:
        if not settings.stripe_connect_secret:
            raise
        event = verify_event(raw, signature, settings.stripe_connect_secret, now)
        if event.account is None:
            raise BadEvent("signed for merchants' accounts, but about none") from None
        return event


_EVENT = """
    SELECT event.type, event.object_id, event.applied_at, payment.purchase_id
    FROM stripe_event AS event LEFT JOIN payment ON payment.intent_id = event.object_id WHERE event.id = %(id)s
"""
_APPLIED = "UPDATE stripe_event SET applied_at = %(now)s WHERE id = %(id)s RETURNING id"


@jobs.task("shop.apply_stripe_event")
def apply_event(event_id: str) -> None:
    """Apply a stored notice by what Stripe says now. Raises GatewayUnavailable, to be tried again."""
    (row,) = read(_EVENT, {"id": event_id})
    if row.applied_at is not None:
        return
    applied = (_APPLIED, {"id": event_id, "now": clock.now()})
    if row.type.startswith("payment_intent."):
        _intent(row.object_id, row.purchase_id, [applied])
        return
    step = _STEPS.get(row.type) or _STEPS.get(row.type.split(".")[0])
    if step is not None:
        step(row.object_id)
    change(*applied)


def _intent(intent_id: str, purchase_id: uuid.UUID | None = None, also: Sequence[Statement] = ()) -> None:
    """Ours by its id, or unknown so far: then the freshly fetched intent says whose it is."""
    if purchase_id is not None:
        payments.look_at(purchase_id, intent_id, also)
    else:
        settlement.apply(exchanges.ask(lambda gateway: gateway.retrieve_intent(intent_id)), also)


def _refund(stripe_id: str) -> None:
    refund_findings.bring(exchanges.ask(lambda gateway: gateway.retrieve_refund(stripe_id)))


def _refunded(charge_id: str) -> None:
    """A charge was refunded in part or whole: by us, or by somebody at Stripe's dashboard."""
    for shown in list(exchanges.each(lambda gateway: gateway.list_charge_refunds(charge_id))):
        refund_findings.bring(shown)


_STEPS: dict[str, Callable[[str], object]] = {
    "refund": _refund,
    "transfer": payout_events.transfer,
    "payout.failed": payout_events.own_failed,
    "charge.refunded": _refunded,
    **dict.fromkeys((kind for kind in HANDLED if kind.startswith("charge.dispute.")), disputes.look),
}
