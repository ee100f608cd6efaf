"""Commands of the shelf: its counters, and who is shown how often."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from flask.cli import with_appcontext

from catalog import exposure, shelf_counts


@click.group("catalog")
def catalog_group() -> None:
    """The shelf of the shop."""


@catalog_group.command("check")
@with_appcontext
def catalog_check() -> None:
    """The counters of the shelf equal its table; exit 1 and name every place where they do not."""
    faults = list(shelf_counts.check())
    for fault in faults:
        click.echo(fault)
    click.echo("the counters are right" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


@catalog_group.command("recount")
@with_appcontext
def catalog_recount() -> None:
    """Count the shelf anew, while the shop is open."""
    click.echo(f"counted anew; {shelf_counts.recount()} places were wrong")


_DAY = click.DateTime(formats=["%Y-%m-%d"])


@catalog_group.command("exposure")
@click.option("--from", "first", type=_DAY, help="First Beijing day; by default 29 days before the last.")
@click.option("--to", "last", type=_DAY, help="Last Beijing day; by default today.")
@with_appcontext
def catalog_exposure(first: datetime | None, last: datetime | None) -> None:
    """Cards shown by category and merchant with their concentration (HHI), beside that of the listings."""
    days = exposure.period(first.date() if first else None, last.date() if last else None)
    report = exposure.report(*days)
    click.echo(f"{report['from']} to {report['to']}")
    for row in report["categories"]:
        click.echo(
            f"{row['category']}: {row['shown']} cards of {row['merchants']} merchants,"
            f" HHI {row['hhi']} (listings {row['hhi_listed']})"
        )
        for seller in row["largest"]:
            shares = f"{seller['share']} % of cards, {seller['share_listed']} % of listings"
            click.echo(f"  {seller['merchant']['name']}: {seller['shown']}, {shares}")


commands = [catalog_group]
