"""A merchant's endpoints: where it is called, for which kinds, with which secret.

A secret is shown when it is made and never again; it is kept sealed. After a change the former one signs along for a
day, so that a receiver can be moved without losing a call.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.models import Merchant
from core import audit, clock, config
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from customs import sealing
from shop.notification_models import Delivery, Notice, WebhookEndpoint
from shop.notifications import calls, outside, signing
from shop.notifications.kinds import kinds

MOST = 10
FORMER_FOR = timedelta(hours=24)

TOO_MANY = declare("too_many_endpoints", 422, "A merchant has at most ten webhook endpoints")
DISABLED = declare("endpoint_disabled", 409, "The webhook endpoint is disabled")


def choosable() -> list[str]:
    """The kinds an endpoint can ask for; a test comes to each when it is asked for."""
    return sorted(set(kinds("merchant")) - {"webhook_test"})


def create(actor_id: uuid.UUID, merchant_id: uuid.UUID, url: str, wanted: Sequence[str]) -> dict[str, Any]:
    """A new endpoint with its secret, this once. Raises Problem `invalid_input`, `too_many_endpoints`."""
    secret = signing.new_secret()
    row = WebhookEndpoint(
        id=new_id(),
        merchant_id=merchant_id,
        url=_url(url),
        kinds=_kinds(wanted),
        secret=sealing.seal(secret),
        created_at=clock.now(),
    )
    with transaction() as session:
        # Two that come at once would else both count nine.
        session.execute(select(Merchant.id).where(Merchant.id == merchant_id).with_for_update()).all()
        own = select(func.count()).where(WebhookEndpoint.merchant_id == merchant_id)
        if (session.scalar(own) or 0) >= MOST:
            raise Problem(TOO_MANY)
        session.add(row)
        _log(session, actor_id, "webhook_created", row)
        return {**dump(row), "secret": secret}


def _url(url: str) -> str:
    try:
        outside.checked(url, production=config.current().production)
    except outside.AddressRefused as fault:
        raise invalid("url", str(fault)) from None
    return url


def _kinds(wanted: Sequence[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(choosable()))
    if unknown or not wanted:
        raise invalid("kinds", f"must be some of {', '.join(choosable())}")
    return sorted(set(wanted))


def _log(session: Session, actor_id: uuid.UUID, action: str, row: WebhookEndpoint) -> None:
    """Without the URL's query, which may hold a token."""
    where = row.url.partition("?")[0]
    audit.record(session, str(actor_id), action, "webhook_endpoint", row.id, url=where, kinds=row.kinds)


def _own(session: Session, merchant_id: uuid.UUID, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """The endpoint, locked, if it is the merchant's. Raises Problem `not_found`."""
    own = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.merchant_id == merchant_id)
    row = session.scalars(own.with_for_update()).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such webhook endpoint")
    return row


def change(
    actor_id: uuid.UUID, merchant_id: uuid.UUID, endpoint_id: uuid.UUID, values: dict[str, Any]
) -> dict[str, Any]:
    """Another `url` or `kinds`, or `enabled` or not. What was waiting when it was disabled is dropped, and can be
    replayed. Raises Problem `not_found`, `invalid_input`."""
    with transaction() as session:
        row = _own(session, merchant_id, endpoint_id)
        if "url" in values:
            row.url = _url(values["url"])
            row.failing_since = None  # it was the other that failed
        if "kinds" in values:
            row.kinds = _kinds(values["kinds"])
        if values.get("enabled") is True:
            row.disabled_at = row.disabled_for = row.failing_since = None
        elif values.get("enabled") is False and row.disabled_at is None:
            row.disabled_at, row.disabled_for = clock.now(), "merchant"
            calls.drop_waiting(session, row.id)
        _log(session, actor_id, "webhook_changed", row)
        return dump(row)


def rotate(actor_id: uuid.UUID, merchant_id: uuid.UUID, endpoint_id: uuid.UUID) -> dict[str, Any]:
    """The endpoint with a new secret, shown this once; the former signs along for a day."""
    secret = signing.new_secret()
    with transaction() as session:
        row = _own(session, merchant_id, endpoint_id)
        row.former_secret, row.former_until = row.secret, clock.now() + FORMER_FOR
        row.secret = sealing.seal(secret)
        _log(session, actor_id, "webhook_secret_changed", row)
        return {**dump(row), "secret": secret}


def remove(actor_id: uuid.UUID, merchant_id: uuid.UUID, endpoint_id: uuid.UUID) -> None:
    """Forget an endpoint with its deliveries. Raises Problem `not_found`."""
    with transaction() as session:
        row = _own(session, merchant_id, endpoint_id)
        _log(session, actor_id, "webhook_removed", row)
        session.delete(row)


def test(merchant_id: uuid.UUID, endpoint_id: uuid.UUID) -> dict[str, Any]:
    """Send `webhook_test` to this endpoint alone. Raises Problem `not_found`, `endpoint_disabled`."""
    now = clock.now()
    with transaction() as session:
        row = _own(session, merchant_id, endpoint_id)
        if row.disabled_at is not None:
            raise Problem(DISABLED)
        notice = Notice(id=new_id(), at=now, merchant_id=merchant_id, kind="webhook_test", facts={}, posted_at=now)
        session.add(notice)
        session.flush()  # the delivery points at it
        place = {"notice_id": notice.id, "endpoint_id": endpoint_id}
        delivery = Delivery(id=new_id(), **place, status="waiting", begun_at=now, next_at=now)
        session.add(delivery)
        return {"delivery": str(delivery.id), "event": str(notice.id)}


def own_list(merchant_id: uuid.UUID) -> list[dict[str, Any]]:
    """All endpoints of a merchant, oldest first; there are at most ten."""
    own = select(WebhookEndpoint).where(WebhookEndpoint.merchant_id == merchant_id).order_by(WebhookEndpoint.id)
    return [dump(row) for row in db.session.scalars(own)]


def one(merchant_id: uuid.UUID, endpoint_id: uuid.UUID) -> dict[str, Any]:
    """One own endpoint. Raises Problem `not_found`."""
    own = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.merchant_id == merchant_id)
    row = db.session.scalars(own).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such webhook endpoint")
    return dump(row)


def dump(row: WebhookEndpoint) -> dict[str, Any]:
    """An endpoint as its merchant sees it; never its secret."""
    return {
        "id": str(row.id),
        "url": row.url,
        "kinds": row.kinds,
        "enabled": row.disabled_at is None,
        "disabled_at": clock.instant_text(row.disabled_at),
        "disabled_for": row.disabled_for,
        "failing_since": clock.instant_text(row.failing_since),
        "former_secret_until": clock.instant_text(row.former_until),
        "created_at": clock.instant_text(row.created_at),
    }
