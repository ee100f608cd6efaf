"""`flask window reconcile`."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from core.errors import Problem
from customs.window_commands import window_group
from shop.books import Progress
from shop.window_check import run
from shop.window_check.faults import Fault
from shop.window_check.kinds import KINDS


@window_group.command("reconcile")
@with_appcontext
def reconcile() -> None:
    """Orders, declarations, allowance, taxes and guarantees agree; the worker does it at 04:00 in Beijing.

    A line for each finding with what to do about it. Exit 0: nothing that is not accepted; 1: findings; 2: a check is
    under way already.
    """
    try:
        left = run.check(_tell, Progress(lambda what: click.echo(f"  {what}", err=True)))
    except Problem as problem:
        if problem.code != run.RUNNING:
            raise
        click.echo(problem.detail, err=True)
        sys.exit(2)
    click.echo("everything agrees" if not left else f"{left} findings")
    sys.exit(1 if left else 0)


def _tell(fault: Fault) -> None:
    click.echo(f"{fault.kind} {fault.subject}: {fault.detail}\n  {KINDS[fault.kind].action}")
