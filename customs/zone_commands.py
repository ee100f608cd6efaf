"""Commands of bonded stock."""

from __future__ import annotations

import sys
from typing import Any

import click
from flask.cli import with_appcontext

from customs.zone_stock import differences


@click.group("zone")
def zone_group() -> None:
    """Bonded stock."""


@zone_group.command("check")
@with_appcontext
def zone_check() -> None:
    """Compare the account books with the stock in the zones; exit 1 and name what differs."""
    found = differences.report()
    for row in found:
        click.echo(_words(row))
    click.echo("account books and stock agree" if not found else f"{len(found)} differences")
    sys.exit(1 if found else 0)


def _words(row: dict[str, Any]) -> str:
    place = f"{row['ems_no']} item {row['item_record_no']}"
    return f"{place}: {row['kind']}, difference {row['difference']} {row.get('unit', '')}".rstrip()
