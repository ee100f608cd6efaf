"""The outbox: deliveries made out for each notice, taken one try at a time, with what became of each try.

A try takes a delivery by moving its `next_at` on; whoever dies with it in hand leaves it to be taken again after
`LEASE`, so everything is delivered at least once, under an id that stays the same. No order is promised.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from catalog.models import MerchantMember
from core import clock
from core.database import new_id, transaction
from shop.models import table
from shop.notification_models import Delivery, DeliveryAttempt, Notice, WebhookEndpoint
from shop.notifications.kinds import stored

BATCH = 200
LEASE = timedelta(seconds=60)
TRY_FOR = timedelta(days=3)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try; `final` says that trying again cannot help."""

    at: datetime
    ms: int
    done: bool
    final: bool = False
    status: int | None = None
    answer: str | None = None
    fault: str | None = None


def wait_after(attempts: int) -> timedelta:
    """How long to wait after the n-th failed try: 10 s, 40 s, 160 s ... at most 8 hours, each give or take a fifth, so
    that what failed together does not come back together."""
    longest = LONGEST_WAIT // FIRST_WAIT
    wait = FIRST_WAIT * min(4 ** min(attempts - 1, 10), longest)
    return wait * random.randint(800, 1200) / 1000  # noqa: S311 - spreads load, guards nothing


def make_out() -> int:
    """Write the deliveries of notices that have none yet; returns how many notices were looked at."""
    fresh = (
        select(Notice.id, Notice.account_id, Notice.merchant_id, Notice.kind)
        .where(Notice.posted_at.is_(None))
        .order_by(Notice.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with transaction() as session:
        rows = session.execute(fresh).all()
        if rows:
            _deliver_to(session, [*_to_people(rows), *_to_endpoints(session, rows), *_to_owners(session, rows)])
            ids = [row.id for row in rows]
            session.execute(update(table(Notice)).where(Notice.id.in_(ids)).values(posted_at=clock.now()))
    return len(rows)


def _to_people(rows: Sequence[Any]) -> Iterable[tuple[uuid.UUID, str, uuid.UUID]]:
    for row in rows:
        if row.account_id is not None and stored("person", row.kind).mail:
            yield row.id, "account_id", row.account_id


def _to_endpoints(session: Session, rows: Sequence[Any]) -> Iterable[tuple[uuid.UUID, str, uuid.UUID]]:
    merchants = {row.merchant_id for row in rows} - {None}
    open_ones = select(WebhookEndpoint.id, WebhookEndpoint.merchant_id, WebhookEndpoint.kinds)
    open_ones = open_ones.where(WebhookEndpoint.merchant_id.in_(merchants), WebhookEndpoint.disabled_at.is_(None))
    endpoints = session.execute(open_ones).all() if merchants else []
    for row in rows:
        for endpoint in endpoints:
            if endpoint.merchant_id == row.merchant_id and row.kind in endpoint.kinds:
                yield row.id, "endpoint_id", endpoint.id


def _to_owners(session: Session, rows: Sequence[Any]) -> Iterable[tuple[uuid.UUID, str, uuid.UUID]]:
    mailed = [row for row in rows if row.merchant_id is not None and stored("merchant", row.kind).mail]
    if not mailed:
        return
    owners = select(MerchantMember.user_id, MerchantMember.merchant_id).where(MerchantMember.role == "owner")
    found = session.execute(owners.where(MerchantMember.merchant_id.in_({row.merchant_id for row in mailed}))).all()
    for row in mailed:
        for owner in found:
            if owner.merchant_id == row.merchant_id:
                yield row.id, "account_id", owner.user_id


def _deliver_to(session: Session, wanted: Iterable[tuple[uuid.UUID, str, uuid.UUID]]) -> None:
    now = clock.now()
    blank = {"account_id": None, "endpoint_id": None, "status": "waiting", "attempts": 0}
    rows = [
        {**blank, "id": new_id(), "notice_id": notice_id, column: address, "begun_at": now, "next_at": now}
        for notice_id, column, address in wanted
    ]
    if rows:
        session.execute(upsert(table(Delivery)).on_conflict_do_nothing(), rows)


def take(session: Session, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the due deliveries that nobody else has in hand, now in the caller's."""
    now = clock.now()
    free = (
        select(Delivery.id)
        .where(Delivery.id.in_(ids), Delivery.status == "waiting", Delivery.next_at <= now)
        .with_for_update(skip_locked=True)
    )
    found = list(session.scalars(free))
    if found:
        session.execute(update(table(Delivery)).where(Delivery.id.in_(found)).values(next_at=now + LEASE))
    return found


def note(session: Session, tried: Mapping[uuid.UUID, Tried]) -> None:
    """Write tries and what they make of their deliveries; one that has been sent stays sent."""
    theirs = select(Delivery).where(Delivery.id.in_(list(tried))).order_by(Delivery.id).with_for_update()
    rows = session.scalars(theirs.execution_options(populate_existing=True)).all()
    if rows:  # those whose account or endpoint has gone are gone too
        session.execute(insert(table(DeliveryAttempt)), [_attempt(row.id, tried[row.id]) for row in rows])
    for row in rows:
        _become(row, tried[row.id])


def _attempt(delivery_id: uuid.UUID, tried: Tried) -> dict[str, Any]:
    told = {"answer": _storable(tried.answer), "fault": _storable(tried.fault)}
    return {"delivery_id": delivery_id, "at": tried.at, "ms": tried.ms, "status": tried.status, **told}


def _storable(text: str | None) -> str | None:
    """What somebody else's server has said; PostgreSQL stores no NUL."""
    return text and text.replace("\x00", "")


def _become(row: Delivery, tried: Tried) -> None:
    row.attempts += 1
    last_at = row.begun_at + TRY_FOR
    if tried.done:
        row.status, row.sent_at = "sent", tried.at
    elif row.status == "waiting" and (tried.final or tried.at >= last_at):
        row.status = "failed"
    elif row.status == "waiting":
        row.next_at = min(tried.at + wait_after(row.attempts), last_at)
