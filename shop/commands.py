"""Commands of the shop."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from shop import books, payout_commands, reconcile
from shop.notifications.commands import notices_group
from shop.stripe_gateway import GatewayError, GatewayUnavailable
from shop.window_check import commands as _window_check  # noqa: F401 - adds its command to `flask window`


@click.group("ledger")
def ledger_group() -> None:
    """The books."""


@ledger_group.command("check")
@click.option("--offline", is_flag=True, help="Do not ask Stripe for its records.")
@with_appcontext
def ledger_check(offline: bool) -> None:
    """The books agree with themselves, orders, refunds, declarations, tax bills, payouts and Stripe's records.

    One line per fault, naming its object; exit 1 when there is one, 2 when Stripe does not answer.
    """
    progress = books.Progress(lambda what: click.echo(f"  {what}", err=True))
    count = 0
    try:
        for fault in books.check(offline=offline, note=progress):
            click.echo(fault)
            count += 1
    except GatewayError as error:
        click.echo(f"Stripe cannot be asked: {error}; --offline checks the rest", err=True)
        sys.exit(2)
    click.echo("the books balance" if not count else f"{count} faults")
    sys.exit(1 if count else 0)


@click.group("payments")
def payments_group() -> None:
    """Payments at Stripe."""


@payments_group.command("reconcile")
@with_appcontext
def payments_reconcile() -> None:
    """Go through Stripe's intents, refunds and disputes once and repair what differs; exit 1 when Stripe is away."""
    try:
        found = reconcile.run(by_hand=True)
    except GatewayUnavailable as fault:
        click.echo(f"Stripe cannot be reached: {fault}")
        sys.exit(1)
    for name, count in sorted(found.items()):
        click.echo(f"{name} {count}")
    click.echo("reconciled")


commands = [payments_group, ledger_group, payout_commands.group, notices_group]
