"""`flask window parties`: everybody a document can name, and what customs would say against it."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from core import clock
from core.database import db, end_read
from customs import parties_check
from customs.payment_port import keeping


@click.command("parties")
@with_appcontext
def parties() -> None:
    """Enterprises of the parties file, of warehouses and merchants, each with its faults; exit 1 when there is one."""
    found = parties_check.everybody(db.session(), clock.today())
    end_read()
    for each in found:
        company = each.company
        days = f"{company.first_day or ''}..{company.last_day or ''}" if company.first_day or company.last_day else ""
        click.echo("  ".join(filter(None, (each.where, each.role, company.code or "-", company.name, days))))
        for fault in each.faults:
            click.echo(f"    ! {fault}")
    faults = sum(len(each.faults) for each in found)
    click.echo(f"payments are declared by: {keeping.declarer().name}")
    click.echo(f"{len(found)} enterprises, {faults} faults" if faults else f"{len(found)} enterprises, no fault")
    sys.exit(1 if faults else 0)
