"""Dead letters from a shell: seen, and sent again."""

from __future__ import annotations

import sys
import uuid

import click
from flask.cli import with_appcontext

from core import clock
from core.database import end_read
from core.errors import Problem
from customs.dead_letters import resending, views
from customs.dead_letters.rules import REASONS
from customs.dead_letters.views import Filter

_ACTOR = "command"
_SHOWN = 1000


@click.command("dead-letters")
@click.option("--reason", type=click.Choice(REASONS), help="Only those.")
@click.option("--order", help="Only those of one order.")
@with_appcontext
def dead_letters(reason: str | None, order: str | None) -> None:
    """List what sending has given up, newest first; exit 1 when there is any."""
    wanted = Filter(reason=reason, order=order)
    rows, number = views.listing(wanted, _SHOWN), views.number(wanted)
    end_read()
    for row in rows:
        of = row["order"] or row["shipment"] or "-"
        told = (row["id"], row["kind"], of, row["guid"], row["reason"], f"{row['tries']} tries")
        click.echo("  ".join((*told, f"since {row['since']}", row["last_error"] or "no answer")))
    if len(rows) < number:
        click.echo(f"... and {number - len(rows)} older ones")
    click.echo("no dead letters" if not number else f"{number} dead letters")
    sys.exit(1 if number else 0)


@click.command("resend")
@click.argument("document", type=click.UUID, required=False)
@click.option("--all", "every", is_flag=True, help="All that are dead now.")
@click.option("--reason", type=click.Choice(REASONS), help="With --all: only those.")
@with_appcontext
def resend(document: uuid.UUID | None, every: bool, reason: str | None) -> None:
    """Send dead letters again, under their guid and byte for byte: one, by its id in the list, or all."""
    if (document is None) != every or (reason and not every):
        raise click.UsageError("name one dead letter, or say --all")
    if document is None:
        click.echo(f"{resending.resend_all(Filter(reason=reason), _ACTOR, clock.now())} sent again")
        return
    try:
        resending.resend(document, _ACTOR)
    except Problem as problem:
        raise click.ClickException(problem.detail) from None
    click.echo("1 sent again")
