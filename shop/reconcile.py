"""What Stripe knows and we do not: found in its lists, repaired where that is safe, else told to a person.

Webhooks can be lost and answers too, so twice a minute each open intent of ours is looked at (`expiry`), and every few
minutes the lists of new intents, refunds and disputes are gone through since a stored mark, page by page, those that we
never heard of included. The mark is Stripe's own time and moves only after a whole pass; it stays an hour behind, since
what was made in that hour may still change. Open disputes are fetched again whatever their age.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core import clock, jobs
from core.database import db, end_read, transaction
from shop import disputes, exchanges, expiry, incidents, payments, refund_findings, settlement
from shop.models import Payment, Purchase
from shop.payment_models import PaymentDispute, PaymentMark, ReconcileRun
from shop.stripe_gateway import GatewayUnavailable
from shop.stripe_objects import Intent

log = structlog.get_logger()

FIRST_LOOK = 3 * 86400  # seconds; as long as Stripe tries to deliver a webhook
BEHIND = 3600
RUNS_KEPT = 500
UNPAID = ("requires_payment_method", "requires_confirmation", "requires_action")


def run(*, by_hand: bool = False) -> dict[str, int]:
    """One whole pass; says how often what was found or done. Raises GatewayUnavailable, the mark unmoved."""
    found: Counter[str] = Counter()
    whole = False
    try:
        expiry.look_at_open(found)
        _go_through("intents", lambda door, since: door.list_intents(since), _intent, found)
        _go_through("refunds", lambda door, since: door.list_refunds_since(since), refund_findings.bring, found)
        _go_through("disputes", lambda door, since: door.list_disputes(since), disputes.bring, found)
        _open_disputes(found)
        whole = True
    finally:
        _keep(found, whole, by_hand)
    return dict(found)


@jobs.task("shop.reconcile_stripe", schedule="*/5 * * * *")
def reconcile_stripe() -> None:
    """The same by schedule; when Stripe is away the next run does it."""
    try:
        run()
    except GatewayUnavailable:
        log.warning("reconciler_waits")


def _go_through(
    kind: str, listing: Callable[[Any, int], Iterable[Any]], bring: Callable[[Any], str], found: Counter[str]
) -> None:
    """Bring every object of a list since its mark, then move the mark."""
    mark = db.session.scalar(select(PaymentMark.seen_until).where(PaymentMark.kind == kind))
    end_read()
    since = int(time.time()) - FIRST_LOOK if mark is None else mark  # Stripe's time is the real one
    newest = since + BEHIND
    for shown in exchanges.each(lambda door: listing(door, since)):
        newest = max(newest, shown.created)
        found[f"{kind}_seen"] += 1
        outcome = _guarded(kind, shown, bring)
        if outcome != "same":
            found[f"{kind}_{outcome}"] += 1
    row = {"kind": kind, "seen_until": newest - BEHIND}
    with transaction() as session:
        fresh = upsert(PaymentMark).values(**row)
        session.execute(fresh.on_conflict_do_update(index_elements=[PaymentMark.kind], set_=row))


def _guarded(kind: str, shown: Any, bring: Callable[[Any], str]) -> str:
    """One object that cannot be brought must not hide the others; a person is told."""
    try:
        return bring(shown)
    except GatewayUnavailable:
        raise
    except Exception as fault:
        log.exception("not_reconciled", object=shown.id)
        with transaction() as session:
            incidents.record(session, "not_reconciled", kind, shown.id, fault=type(fault).__name__)
        return "failed"


def _intent(shown: Intent) -> str:
    """Known and open: looked at anew. Unknown: ours by its metadata, or nobody's. Open and useless: cancelled."""
    statement = select(Payment.purchase_id, Payment.closed_at).where(Payment.intent_id == shown.id)
    known = db.session.execute(statement).first()
    end_read()
    if known is not None:
        if known.closed_at is not None or shown.status in UNPAID:
            return "same"
        return payments.look(known.purchase_id)
    if shown.status in UNPAID:
        return _unpaid(shown)
    return settlement.apply(exchanges.ask(lambda door: door.retrieve_intent(shown.id)))


def _unpaid(shown: Intent) -> str:
    """An intent that names a purchase of ours and whose id was never stored: its own now, or cancelled."""
    try:
        purchase_id = uuid.UUID(shown.metadata.get("purchase", ""))
    except ValueError:
        return "same"  # somebody else's, and no money has moved
    statement = select(Payment, Purchase.status).join(Purchase, Purchase.id == Payment.purchase_id)
    row = db.session.execute(statement.where(Payment.purchase_id == purchase_id)).first()
    end_read()
    if row is None:
        return "same"
    if row.status == "awaiting_payment" and payments.adopt(row.Payment, shown):
        return "adopted"
    payments.stop(purchase_id, shown.id)
    return "cancelled"


def _open_disputes(found: Counter[str]) -> None:
    owing = (PaymentDispute.state == "won") & (PaymentDispute.booked_fen > 0)  # won, the money not back yet
    undecided = select(PaymentDispute.id).where(PaymentDispute.state.in_(disputes.UNDECIDED) | owing)
    rows = db.session.execute(undecided.order_by(PaymentDispute.id)).all()
    end_read()
    for row in rows:
        outcome = _guarded("disputes", row, lambda known: disputes.look(known.id))
        if outcome != "same":
            found[f"disputes_{outcome}"] += 1


def _keep(found: Counter[str], whole: bool, by_hand: bool) -> None:
    """A run that found something is kept to be read, and the last ones only."""
    done = {name: count for name, count in found.items() if not name.endswith("_seen")}
    if not done and not by_hand:
        return
    with transaction() as session:
        row = insert(ReconcileRun).values(at=clock.now(), whole=whole, found=dict(found)).returning(ReconcileRun.id)
        newest = session.scalars(row).one()
        session.execute(delete(ReconcileRun).where(ReconcileRun.id <= newest - RUNS_KEPT))
    log.info("reconciled", whole=whole, **found)


def runs(limit: int) -> list[dict[str, Any]]:
    """The last runs that found something, newest first."""
    rows = db.session.scalars(select(ReconcileRun).order_by(ReconcileRun.id.desc()).limit(limit))
    return [{"at": clock.instant_text(row.at), "whole": row.whole, "found": row.found} for row in rows]
