"""Receipts in quarantine from a shell: seen, tried again, bound, set aside."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable

import click
from flask.cli import with_appcontext

from core.database import end_read
from core.errors import Problem
from customs.quarantine import deciding, views
from customs.quarantine.views import STATES, Filter

_ACTOR = "command"
_SHOWN = 1000


@click.group("quarantine", invoke_without_command=True)
@click.option("--state", type=click.Choice(STATES), default="quarantined", help="Those in quarantine, or set aside.")
@click.option("--number", help="Only those that name this number.")
@click.pass_context
@with_appcontext
def quarantine(context: click.Context, state: str, number: str | None) -> None:
    """List receipts that speak of nothing we know, newest first; exit 1 when there is any."""
    if context.invoked_subcommand is not None:
        return
    rows = views.listing(Filter(state=state, number=number), _SHOWN)
    end_read()
    for row in rows:
        named = " ".join(f"{name}={value}" for name, value in row["key"].items())
        click.echo("  ".join((row["id"], row["kind"], row["status"], row["return_time"], named, row["reason"] or "-")))
    click.echo("no receipts" if not rows else f"{len(rows)} receipts")
    sys.exit(1 if rows else 0)


@quarantine.command("again")
@click.argument("receipt", type=click.UUID, required=False)
@click.option("--all", "every", is_flag=True, help="All that are in quarantine now.")
@with_appcontext
def again(receipt: uuid.UUID | None, every: bool) -> None:
    """Try one again, or all."""
    if (receipt is None) != every:
        raise click.UsageError("name one receipt, or say --all")
    if receipt is None:
        click.echo(f"{deciding.try_all_again(_ACTOR)} tried again")
        return
    _shown(lambda: deciding.try_again(receipt, _ACTOR), "1 tried again")


@quarantine.command("bind")
@click.argument("receipt", type=click.UUID)
@click.argument("document", type=click.UUID)
@click.option("--reason", required=True)
@with_appcontext
def bind(receipt: uuid.UUID, document: uuid.UUID, reason: str) -> None:
    """Say which document a receipt speaks of."""
    _shown(lambda: deciding.bind(receipt, document, _ACTOR, reason), "bound")


@quarantine.command("set-aside")
@click.argument("receipt", type=click.UUID)
@click.option("--reason", required=True)
@with_appcontext
def set_aside(receipt: uuid.UUID, reason: str) -> None:
    """Set a receipt aside, with the reason."""
    _shown(lambda: deciding.set_aside(receipt, _ACTOR, reason), "set aside")


def _shown(step: Callable[[], None], done: str) -> None:
    try:
        step()
    except Problem as problem:
        raise click.ClickException(problem.detail) from None
    click.echo(done)
