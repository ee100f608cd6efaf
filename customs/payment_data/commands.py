"""`flask window payment-data`: what customs asked for, what was given up, and taking it up again."""

from __future__ import annotations

import sys
import uuid

import click
from flask.cli import with_appcontext

from core.errors import Problem
from customs.payment_data import requests
from customs.payment_models import REQUEST_STATES

_SHOWN = 100


@click.command("payment-data")
@click.option("--state", type=click.Choice(REQUEST_STATES), help="Only those in this state.")
@click.option("--resend", "chosen", type=click.UUID, help="Take up this one that was given up.")
@click.option("--resend-all", is_flag=True, help="Take up all that were given up.")
@with_appcontext
def payment_data(state: str | None, chosen: uuid.UUID | None, resend_all: bool) -> None:
    """Customs' questions for payment data, newest first; exit 1 while one is given up."""
    taken_up = requests.dead_ids() if resend_all else [chosen] if chosen else []
    for each in taken_up:
        try:
            requests.upload_again(each, "command")
        except Problem as problem:
            raise click.ClickException(f"{each}: {problem.detail}") from None
    if taken_up:
        click.echo(f"{len(taken_up)} taken up again; the worker uploads them")
        return
    for row in requests.listing(state, None, _SHOWN):
        click.echo("  ".join((row["asked_at"], row["id"], row["order"], row["state"], row["answer"] or "")).rstrip())
    dead = len(requests.dead_ids())
    click.echo(f"{dead} given up" if dead else "none is given up")
    sys.exit(1 if dead else 0)
