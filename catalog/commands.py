"""Commands of the catalogue: the register of overseas establishments, the daily check of the law, the stock."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from catalog import establishments, recheck, stock_check
from catalog.models import LawCheck
from core import clock
from core.database import db
from customs import edition


@click.group("establishments")
def establishments_group() -> None:
    """Overseas establishments on the register."""


@establishments_group.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def establishments_import(file: Path) -> None:
    """Store a CSV file (country,number,name,hs,valid_from,valid_to,standing); exit 1 and name every fault."""
    try:
        count = establishments.load(file, "command")
    except establishments.RegisterFault as faults:
        click.echo(str(faults))
        sys.exit(1)
    click.echo(f"{count} establishments stored")


@click.group("listings")
def listings_group() -> None:
    """Listings in the shop."""


@listings_group.command("recheck")
@with_appcontext
def listings_recheck() -> None:
    """Hold all published listings to the law of today now, as the worker does after midnight."""
    recheck.recheck()
    row = db.session.get_one(LawCheck, (clock.today(), edition.tariff().edition))
    click.echo(f"{row.checked} listings checked, {row.withdrawn} withdrawn")


@click.group("stock")
def stock_group() -> None:
    """What lies in the warehouses."""


@stock_group.command("check")
@with_appcontext
def stock_check_command() -> None:
    """On hand is the sum of each lot's movements, and what is reserved is what orders hold; exit 1 if not."""
    session = db.session()
    # One snapshot for all of it: orders go on while it is read.
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    faults = list(stock_check.check(session))
    for fault in faults:
        click.echo(fault)
    click.echo("the stock adds up" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


commands = [establishments_group, listings_group, stock_group]
