"""Commands of the shop."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from core.database import db
from shop import ledger


@click.group("ledger")
def ledger_group() -> None:
    """The books."""


@ledger_group.command("check")
@with_appcontext
def ledger_check() -> None:
    """Every posting sums to zero and the cash of every purchase is what was captured less refunds."""
    faults = list(ledger.check(db.session()))
    for fault in faults:
        click.echo(fault)
    click.echo("the books balance" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


commands = [ledger_group]
