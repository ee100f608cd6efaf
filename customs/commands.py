"""Commands of the customs floor: check the law's files, send again, check the reports."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import update

from core import clock, config
from core.database import db, transaction
from customs import filing
from customs.duty_commands import duty_group
from customs.editions.commands import tariff_diff, tariff_import
from customs.identity_commands import identity_group
from customs.models import WindowDocument
from customs.reports import check
from customs.tariff import TariffFault
from customs.tariff.loader import check_law
from customs.window_commands import window_group
from customs.zone_commands import zone_group


@click.group("tariff")
def tariff_group() -> None:
    """The law's files."""


@tariff_group.command("check")
@click.option("--folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another folder.")
def tariff_check(folder: Path | None) -> None:
    """Read all files and name every fault with file and line; exit 1 when there is one."""
    try:
        law, beside = check_law(folder or config.current().tariff_dir)
    except TariffFault as faults:
        click.echo(str(faults))
        sys.exit(1)
    rows = sum(map(len, law.tables.values()))
    click.echo(f"edition {law.edition}: {len(law.rows)} lines, {rows} rows, {beside} rows for reference, no fault")


tariff_group.add_command(tariff_diff)
tariff_group.add_command(tariff_import)


@click.group("declarations")
def declarations_group() -> None:
    """Declarations at the single window."""


@declarations_group.command("resend")
@click.option("--now", "at_once", is_flag=True, help="Everything customs has not answered, not only what is due.")
@with_appcontext
def declarations_resend(at_once: bool) -> None:
    """Send again, under the same guid, what customs has not answered."""
    if at_once:
        with transaction() as session:
            waiting = update(WindowDocument).where(WindowDocument.next_send_at.is_not(None))
            session.execute(waiting.values(next_send_at=clock.now()))
    filing.resend()
    click.echo("sent what was due")


@click.group("reports")
def reports_group() -> None:
    """Duty reports."""


@reports_group.command("check")
@with_appcontext
def reports_check() -> None:
    """Compare every cut of the report with the declarations; exit 1 and name what differs."""
    found = list(check.breaks(db.session()))
    for line in found:
        click.echo(line)
    click.echo("reports and declarations agree" if not found else f"{len(found)} differences")
    sys.exit(1 if found else 0)


commands = [tariff_group, declarations_group, reports_group, duty_group, identity_group, window_group, zone_group]
