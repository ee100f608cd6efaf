"""Commands of the whole house; those of one floor stand in its own `commands.py`."""

from __future__ import annotations

import sys

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

import catalog.seed
import customs.seed
import shop.seed
from core import accounts, audit, jobs
from core.database import db, transaction

DEMO_PASSWORD = "landfall-demo"  # noqa: S105 - printed by `make run`, on purpose
DEMO_ACCOUNTS = [
    ("consumer@landfall.example", "林晓 Lin Xiao", ("consumer",)),
    ("company@landfall.example", "周明 Zhou Ming", ("consumer",)),
    ("customs@landfall.example", "Customs desk", ("customs",)),
    ("operator@landfall.example", "Operator", ("operator",)),
]


@click.command()
@with_appcontext
def seed() -> None:
    """Demo accounts and a small real catalogue; run again it changes nothing."""
    for email, name, roles in DEMO_ACCOUNTS:
        known = db.session.scalars(select(accounts.User.id).where(accounts.User.email == email)).first()
        db.session.rollback()
        if known is None:
            accounts.register(email, DEMO_PASSWORD, name, roles)
    for room in (customs.seed, catalog.seed, shop.seed):
        click.echo(f"  {room.__name__}: {room.seed()}")


@click.command()
@click.option("--once", is_flag=True, help="Run what is due now, then stop.")
@with_appcontext
def worker(once: bool) -> None:
    """Run jobs until stopped."""
    jobs.run_worker(current_app._get_current_object(), wait=not once)  # type: ignore[attr-defined]


@click.group("audit")
def audit_group() -> None:
    """The log of who did what."""


@audit_group.command("verify")
@with_appcontext
def audit_verify() -> None:
    """Check every seal of the audit chain; exit 1 and name the rows when one is broken."""
    breaks = list(audit.verify(db.session()))
    for line in breaks:
        click.echo(line)
    click.echo("the audit chain is whole" if not breaks else f"{len(breaks)} breaks")
    sys.exit(1 if breaks else 0)


@jobs.task("core.seal_audit", schedule="* * * * * */10")
def seal_audit() -> None:
    """Chain the audit rows that have come since the last run."""
    with transaction() as session:
        audit.seal(session)


commands = [seed, worker, audit_group]
