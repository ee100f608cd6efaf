"""Calls of merchants' endpoints: taken from the outbox fairly, sent side by side, each noted as it comes back.

An endpoint that fails is asked for one delivery at a time until it answers again; after three days without a success it
is disabled and its merchant told. What it missed can be replayed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core import audit, clock, config
from core.database import assert_no_transaction, db, transaction
from customs import sealing
from shop import notify
from shop.models import table
from shop.notification_models import Delivery, Notice, WebhookEndpoint
from shop.notifications import outbox, outside, signing
from shop.notifications.outbox import TRY_FOR, Tried

AT_ONCE = 32
OF_ONE_MERCHANT = 4  # so that eight slow merchants must come together before anybody waits for them
AGENT = "Landfall-Webhooks/1"

# Of each merchant that has no call under way, the deliveries that are due longest; a failing endpoint is only probed.
_DUE = text(
    "SELECT id FROM ("
    "  SELECT due.id, due.next_at, row_number() OVER ("
    "    PARTITION BY endpoint.merchant_id ORDER BY endpoint.failing_since IS NOT NULL, due.next_at) AS turn"
    "  FROM webhook_endpoint AS endpoint, LATERAL ("
    "    SELECT id, next_at FROM delivery"
    "    WHERE endpoint_id = endpoint.id AND status = 'waiting' AND next_at <= :now"
    "    ORDER BY next_at LIMIT CASE WHEN endpoint.failing_since IS NULL THEN :most ELSE 1 END) AS due"
    "  WHERE endpoint.disabled_at IS NULL AND endpoint.merchant_id <> ALL(CAST(:busy AS uuid[]))"
    "  AND endpoint.id <> ALL(CAST(:failed AS uuid[]))) AS ranked"
    " WHERE turn <= :most ORDER BY turn, next_at LIMIT :room"
)


def send_due(until: float) -> int:
    """Make the calls that are due, taking more until that moment (monotonic); returns how many were tried.

    An endpoint that fails is left alone for the rest of the run: a quick no would else burn a try of all that waits.
    """
    production, tried = config.current().production, 0
    failed: set[uuid.UUID] = set()
    flying: dict[Future[outside.Answer], Any] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            fresh = _take(flying.values(), failed) if time.monotonic() < until else []
            assert_no_transaction()
            for parcel in fresh:
                try:
                    body, headers = written(parcel)
                except InvalidTag:
                    _note(parcel, outside.Answer(0, fault="no key of ours opens the endpoint's secret"))
                    tried += 1
                    failed.add(parcel.endpoint_id)
                else:
                    flying[pool.submit(outside.post, parcel.url, body, headers, production=production)] = parcel
            if not fresh and not flying:
                return tried
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                parcel = flying.pop(future)
                tried += 1
                if not _note(parcel, future.result()):
                    failed.add(parcel.endpoint_id)


def _take(flying: Collection[Any], failed: Collection[uuid.UUID]) -> list[Any]:
    room, busy = AT_ONCE - len(flying), list({parcel.merchant_id for parcel in flying})
    limits = {"now": clock.now(), "most": OF_ONE_MERCHANT, "busy": busy, "failed": list(failed), "room": room}
    with transaction() as session:
        mine = outbox.take(session, session.scalars(_DUE, limits).all())
    if not mine:
        return []
    endpoint, columns = WebhookEndpoint, (Delivery.id, Delivery.endpoint_id, Notice.at, Notice.kind, Notice.facts)
    statement = (
        select(*columns, Notice.id.label("notice_id"), endpoint.merchant_id, endpoint.url)
        .add_columns(endpoint.secret, endpoint.former_secret, endpoint.former_until)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(endpoint, endpoint.id == Delivery.endpoint_id)
    )
    return list(db.session.execute(statement.where(Delivery.id.in_(mine)).order_by(Delivery.id)))


def written(parcel: Any) -> tuple[bytes, dict[str, str]]:
    """Body and headers; the body of a notice is the same at each try, the signature is of now. Raises InvalidTag."""
    body = body_of(parcel.notice_id, parcel.kind, clock.instant_text(parcel.at), parcel.facts)
    keys = [sealing.unseal(parcel.secret).decode()]
    if parcel.former_until is not None and parcel.former_until > clock.now():
        keys.append(sealing.unseal(parcel.former_secret).decode())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        # The receiver compares with the real time, whatever a rehearsal's clock says.
        signing.HEADER: signing.signature(body, keys, int(time.time())),
    }
    return body, headers


def body_of(notice_id: uuid.UUID, kind: str, created: str | None, facts: dict[str, Any]) -> bytes:
    """What an endpoint gets, byte for byte the same each time."""
    event = {"id": str(notice_id), "type": kind, "created": created, "data": facts}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _note(parcel: Any, answer: outside.Answer) -> bool:
    """Write what came of a call; whether it was taken. The endpoint is locked first, as by whoever manages it."""
    done = 200 <= answer.status < 300
    tried = Tried(clock.now(), answer.ms, done, False, answer.status or None, answer.text or None, answer.fault)
    with transaction() as session:
        row = session.get(WebhookEndpoint, parcel.endpoint_id, with_for_update=True, populate_existing=True)
        if row is not None:
            row.failing_since = None if done else row.failing_since or tried.at
            outbox.note(session, {parcel.id: tried})
    return done


def close_failing() -> None:
    """Endpoints that have done nothing but fail for three days are closed, and their merchants told."""
    now = clock.now()
    hopeless = select(WebhookEndpoint).where(
        WebhookEndpoint.disabled_at.is_(None), WebhookEndpoint.failing_since <= now - TRY_FOR
    )
    with transaction() as session:
        for row in session.scalars(hopeless.order_by(WebhookEndpoint.id).with_for_update()):
            row.disabled_at, row.disabled_for = now, "failing"
            drop_waiting(session, row.id)
            where = row.url.partition("?")[0]  # the query may hold a token
            notify.merchant(session, row.merchant_id, "webhook_disabled", endpoint=str(row.id), url=where)
            audit.record(session, "shop", "webhook_disabled", "webhook_endpoint", row.id, why="failing")


def drop_waiting(session: Session, endpoint_id: uuid.UUID) -> None:
    """What a closed endpoint was waiting for goes nowhere, until it is replayed."""
    theirs = update(table(Delivery)).where(Delivery.endpoint_id == endpoint_id, Delivery.status == "waiting")
    session.execute(theirs.values(status="dropped"))
