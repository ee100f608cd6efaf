"""Commands about what is told."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import case, func, select

from core import clock
from core.database import db
from shop.notification_models import Delivery, Notice, WebhookEndpoint


@click.group("notices")
def notices_group() -> None:
    """Mails and webhooks."""


@notices_group.command("status")
@with_appcontext
def status() -> None:
    """How many deliveries are in which state, what waits longest, and which endpoints fail."""
    way = case((Delivery.account_id.is_not(None), "mail"), else_="webhook")
    counted = select(way.label("way"), Delivery.status, func.count().label("count")).group_by("way", Delivery.status)
    for row in db.session.execute(counted.order_by("way", Delivery.status)):
        click.echo(f"{row.way} {row.status}: {row.count}")
    unposted = db.session.scalar(select(func.count()).where(Notice.posted_at.is_(None)))
    click.echo(f"notices not made out yet: {unposted}")
    oldest = db.session.scalar(select(func.min(Delivery.begun_at)).where(Delivery.status == "waiting"))
    click.echo(f"waiting since: {clock.instant_text(oldest) or 'nothing waits'}")
    failing = select(WebhookEndpoint).where(WebhookEndpoint.failing_since.is_not(None))
    for endpoint in db.session.scalars(failing.order_by(WebhookEndpoint.failing_since)):
        state = "disabled" if endpoint.disabled_at else "failing"
        click.echo(f"{state} since {clock.instant_text(endpoint.failing_since)}: endpoint {endpoint.id}")
