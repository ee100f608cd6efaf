"""`flask window guarantee`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import with_appcontext

from core.errors import Problem
from core.money import fen_text, parse_fen
from customs.guarantee import by_hand, care

ACTOR = "command"


@click.group("guarantee")
def guarantee_group() -> None:
    """Guarantees under which goods are released before their tax is paid."""


@guarantee_group.command("show")
@with_appcontext
def show() -> None:
    """Every guarantee: lodged, in use, left, and what waits for room; exit 1 while something waits or runs low."""
    rows = care.listing()
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("no guarantee is entered: nothing is kept of any, and no filing is held up")
    sys.exit(1 if any(row["low"] or row["waiting"] for row in rows) else 0)


@guarantee_group.command("open")
@click.argument("office")
@click.argument("code")
@click.argument("name")
@click.argument("amount")
@click.option("--alert", type=click.IntRange(1, 100), default=care.ALERT_PERCENT, help="Percent in use that warns.")
@with_appcontext
def open_one(office: str, code: str, name: str, amount: str, alert: int) -> None:
    """Enter a guarantee: the office, the guarantor's customs code and name, and the amount in yuan."""
    values = {"office": office, "code": code, "name": name, "amount": _fen(amount), "alert_percent": alert}
    _done(lambda: care.open_one(ACTOR, values))


@guarantee_group.command("refill")
@click.argument("office")
@click.argument("amount")
@click.option("--guarantor", help="The guarantor's customs code, where the office has several.")
@click.option("--reference", help="The bank's or customs' number of what was lodged.")
@with_appcontext
def refill(office: str, amount: str, guarantor: str | None, reference: str | None) -> None:
    """Add yuan to what is lodged at an office; lists that wait for room go on by themselves."""
    _done(lambda: care.refill(ACTOR, care.find(office, guarantor), _fen(amount), reference))


@guarantee_group.command("release")
@click.argument("number")
@click.option("--reason", required=True, help="Why the list needs it no more.")
@with_appcontext
def release(number: str, reason: str) -> None:
    """Give back what a list keeps though it has ended or its bill is consolidated: the finding `guarantee_kept`."""
    _told(lambda: by_hand.release(ACTOR, number, reason), "given back")


@guarantee_group.command("keep")
@click.argument("number")
@click.option("--reason", required=True, help="Why nothing is kept for the list.")
@with_appcontext
def keep(number: str, reason: str) -> None:
    """Keep the tax of a list that is under way and keeps nothing: the finding `guarantee_missing`."""
    _told(lambda: by_hand.keep(ACTOR, number, reason), "kept")


def _told(step: Callable[[], int], what: str) -> None:
    try:
        click.echo(f"{fen_text(step())} CNY {what}")
    except Problem as problem:
        raise click.ClickException(problem.detail) from None


def _fen(text: str) -> int:
    try:
        return parse_fen(text)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None


def _done(step: Any) -> None:
    try:
        click.echo(_line(step()))
    except Problem as problem:
        raise click.ClickException(problem.detail) from None


def _line(row: dict[str, Any]) -> str:
    told = (
        f"{row['office']} {row['guarantor']['code']} {row['guarantor']['name']}: {row['amount']} CNY, in use"
        f" {row['in_use']} ({row['percent_in_use']} %), left {row['free']}"
    )
    return f"{told}; {row['waiting']} lists wait for {row['waiting_tax']} CNY" if row["waiting"] else told
