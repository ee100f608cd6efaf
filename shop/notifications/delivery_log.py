"""What became of each mail and call, try by try, and either made once more."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.accounts import User
from core.database import db, transaction
from core.errors import NOT_FOUND, Problem
from shop import cursors
from shop.notification_models import Delivery, DeliveryAttempt, Notice, WebhookEndpoint
from shop.notifications import calls, inbox
from shop.notifications.endpoints import DISABLED

KEEP = timedelta(days=30)
BATCH = 5000


def page_of(
    merchant_id: uuid.UUID, endpoint_id: uuid.UUID, status: str | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    """Deliveries to an endpoint, newest first. The endpoint must be the merchant's."""
    return _page(_own(merchant_id).where(Delivery.endpoint_id == endpoint_id), status, limit, cursor, _dump)


def page_of_all(status: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    """All mails and calls, newest first, with where they go; for operators."""
    statement = (
        select(Delivery, Notice, User.email, WebhookEndpoint.url)
        .join(Notice, Notice.id == Delivery.notice_id)
        .outerjoin(User, User.id == Delivery.account_id)
        .outerjoin(WebhookEndpoint, WebhookEndpoint.id == Delivery.endpoint_id)
    )
    return _page(statement, status, limit, cursor, _dump_for_operators)


def _page(
    statement: Select[*tuple[Any, ...]], status: str | None, limit: int, cursor: str | None, dump: Any
) -> dict[str, Any]:
    if status is not None:
        statement = statement.where(Delivery.status == status)
    seen = cursors.after(cursor)
    if seen is not None:
        statement = statement.where(Delivery.id < seen)
    rows = db.session.execute(statement.order_by(Delivery.id.desc()).limit(limit + 1)).all()
    dumped = [dump(*row) for row in rows[:limit]]
    return {"items": dumped, "next": cursors.page([row.Delivery for row in rows], limit)[1]}


def _own(merchant_id: uuid.UUID) -> Select[*tuple[Any, ...]]:
    statement = select(Delivery, Notice).join(Notice, Notice.id == Delivery.notice_id)
    own = statement.join(WebhookEndpoint, WebhookEndpoint.id == Delivery.endpoint_id)
    return own.where(WebhookEndpoint.merchant_id == merchant_id)


def one(merchant_id: uuid.UUID, delivery_id: uuid.UUID) -> dict[str, Any]:
    """A delivery with its body and every try. Raises Problem `not_found`."""
    row = db.session.execute(_own(merchant_id).where(Delivery.id == delivery_id)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such delivery")
    notice = row.Notice
    body = calls.body_of(notice.id, notice.kind, clock.instant_text(notice.at), notice.facts)
    return {**_dump(row.Delivery, notice), "body": json.loads(body), "tries": tries_of(delivery_id)}


def tries_of(delivery_id: uuid.UUID) -> list[dict[str, Any]]:
    """Every try of a delivery, oldest first. Raises Problem `not_found`."""
    if db.session.get(Delivery, delivery_id) is None:
        raise Problem(NOT_FOUND, "no such delivery")
    tries = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery_id).order_by(DeliveryAttempt.id)
    return [_try(row) for row in db.session.scalars(tries)]


def replay(actor_id: uuid.UUID, merchant_id: uuid.UUID, delivery_id: uuid.UUID) -> dict[str, Any]:
    """Call once more, under the same event id, with three days of tries; one that waits is tried at once.

    Raises Problem `not_found`, `endpoint_disabled`.
    """
    with transaction() as session:
        _lock_endpoint(session, merchant_id, delivery_id)
        return _once_more(session, actor_id, delivery_id)


def mail_again(actor_id: uuid.UUID, delivery_id: uuid.UUID) -> dict[str, Any]:
    """Mail once more, by an operator. Raises Problem `not_found`; a merchant's calls are its own to replay."""
    with transaction() as session:
        known = select(Delivery.id).where(Delivery.id == delivery_id, Delivery.account_id.is_not(None))
        if session.scalar(known) is None:
            raise Problem(NOT_FOUND, "no such mail")
        return _once_more(session, actor_id, delivery_id)


def _once_more(session: Session, actor_id: uuid.UUID, delivery_id: uuid.UUID) -> dict[str, Any]:
    row = session.get_one(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    row.status, row.attempts = "waiting", 0
    row.begun_at = row.next_at = clock.now()
    audit.record(session, str(actor_id), "notice_replayed", "delivery", delivery_id)
    return _dump(row, session.get_one(Notice, row.notice_id))


def _lock_endpoint(session: Session, merchant_id: uuid.UUID, delivery_id: uuid.UUID) -> None:
    """The endpoint before the delivery, as everywhere."""
    endpoint = session.scalars(
        select(WebhookEndpoint)
        .join(Delivery, Delivery.endpoint_id == WebhookEndpoint.id)
        .where(Delivery.id == delivery_id, WebhookEndpoint.merchant_id == merchant_id)
        .with_for_update(of=WebhookEndpoint)
    ).first()
    if endpoint is None:
        raise Problem(NOT_FOUND, "no such delivery")
    if endpoint.disabled_at is not None:
        raise Problem(DISABLED)


def _dump(row: Delivery, notice: Notice) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "endpoint": str(row.endpoint_id) if row.endpoint_id else None,
        "event": str(notice.id),
        "type": notice.kind,
        "status": row.status,
        "attempts": row.attempts,
        "next_at": clock.instant_text(row.next_at) if row.status == "waiting" else None,
        "sent_at": clock.instant_text(row.sent_at),
        "created_at": clock.instant_text(notice.at),
    }


def _dump_for_operators(row: Delivery, notice: Notice, email: str | None, url: str | None) -> dict[str, Any]:
    """With its words and where it goes, but not the URL's query, which may hold a token."""
    return {**_dump(row, notice), "to": email or str(url).partition("?")[0], **inbox.words(notice)}


def _try(row: DeliveryAttempt) -> dict[str, Any]:
    told = {"ms": row.ms, "status": row.status, "answer": row.answer, "fault": row.fault}
    return {"at": clock.instant_text(row.at), **told}


@jobs.task("shop.forget_deliveries", schedule="23 4 * * *", alone=True)
def forget() -> None:
    """The log is kept for thirty days, the notices themselves in the inbox for good."""
    over = (
        select(Delivery.id)
        .where(Delivery.status != "waiting", Delivery.next_at < clock.now() - KEEP)
        .order_by(Delivery.id)
        .limit(BATCH)
    )
    gone = BATCH
    while gone == BATCH:
        with transaction() as session:
            gone = len(session.scalars(delete(Delivery).where(Delivery.id.in_(over)).returning(Delivery.id)).all())
