"""`tariff diff` and `tariff import`: editions compared, an annex written as a new one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from core import config
from customs.editions import report
from customs.editions.annex import Record
from customs.editions.difference import difference
from customs.editions.folder import read_edition
from customs.editions.importing import Outcome, Refused, import_annex
from customs.editions.plan import OPEN, Plan, told
from customs.tariff.faults import TariffFault
from customs.tariff.rates import parse_rate
from customs.tariff.reading import FIRST, FOREVER, STANDINGS
from customs.tariff.tables import TABLES, Table

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NAMES = click.Choice(sorted(table.name for table in TABLES))
_BY_NAME = {table.name: table for table in TABLES}


class _Day(click.ParamType[str]):
    """A day as ISO text, or, where an end may be open, the word for that."""

    name = "day"

    def __init__(self, *, open_end: bool = False) -> None:
        self.open_end = open_end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value or (self.open_end and value == OPEN):
            return str(value)
        try:
            day = datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2026-01-01" + (f" or {OPEN}" if self.open_end else ""))
        if not FIRST <= day.toordinal() <= FOREVER:
            self.fail(f"{value!r} is outside 1990 to 2099")
        return day.isoformat()


@click.command("diff")
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER, required=False)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option(
    "--table",
    "tables",
    type=click.Choice([*_NAMES.choices, "sources", "coverage"]),
    multiple=True,
    help="Only this table; may be said again.",
)
@click.option("--prefix", default="", metavar="HS", help="Only what reaches codes that begin so.")
@click.option("--day", type=_Day(), help="Only what differs on this day.")  # fmt: skip
def tariff_diff(old: Path, new: Path | None, form: str, tables: tuple[str, ...], prefix: str, day: str | None) -> None:
    """What the law in folder NEW (default: the one in force) changes against OLD, by code and day.

    Exit 0: no change; 1: changes; 2: a folder has faults.
    """
    if not (prefix == "" or (prefix.isascii() and prefix.isdigit())):
        raise click.BadParameter(f"{prefix!r} is not the beginning of a tariff code", param_hint="--prefix")
    try:
        before, after = read_edition(old), read_edition(new or config.current().tariff_dir)
    except TariffFault as faults:
        click.echo(str(faults), err=True)
        sys.exit(2)
    wanted = report.Filter(tables, prefix, date.fromisoformat(day) if day else None)
    changes = [change for change in difference(before, after) if wanted(change)]
    if form == "csv":
        click.echo(report.as_csv(changes), nl=False)
    elif form == "json":
        click.echo(report.as_json(before, after, changes), nl=False)
    else:
        click.echo(report.as_table(before, after, changes), nl=False)
    sys.exit(1 if changes else 0)


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--table", "name", type=_NAMES, required=True, help="The table that the rows go into.")
@click.option("--announcement", required=True, help='As cited: "Tariff Commission Announcement 2025 No.11".')
@click.option("--title", default="", help="What the announcement is about.")
@click.option("--issuer", default="", help="Who announced it.")
@click.option("--issued", type=_Day(), default="", help="The day of issue.")
@click.option("--first-day", type=_Day(), default="", help="The first day in force, unless the file has the column.")
@click.option("--last-day", type=_Day(open_end=True), default="", help=f'The last day in force, or "{OPEN}".')
@click.option("--verified-to", type=_Day(), default="", help="mfn: the day to which the reading is vouched for.")
@click.option("--standing", type=click.Choice(list(STANDINGS)), default="official", show_default=True)
@click.option("--source-id", default="", help="The id in sources.toml; made of the announcement when not said.")
@click.option("--sheet", default="", help="Which sheet of a workbook.")
@click.option("--agreement", default="", help="The agreement of every row.")
@click.option("--measure", default="", help="The measure of every row.")
@click.option("--exporter", default="", help="The exporter of every row.")
@click.option("--edition", default="", help="The edition of the list.")
@click.option(
    "--value", "values", multiple=True, metavar="COLUMN=TEXT", help="Any other column, the same in every row."
)
@click.option("--mark", "marks", multiple=True, metavar="T1=RATE", help="What a mark of the annex stands for.")
@click.option("--supersede", is_flag=True, help="Let open-ended rows end the day before the new ones begin.")
@click.option(
    "--whole-list", "whole", is_flag=True, help="The annex is the whole list: codes it does not name end too."
)
@click.option("--folder", type=_FOLDER, help="The law to check against (default: the one in force).")
@click.option("--output", type=click.Path(path_type=Path), help="The folder of the new edition.")
@click.option("--in-place", is_flag=True, help="Write into the folder itself.")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
def tariff_import(
    file: Path, name: str, folder: Path | None, output: Path | None, in_place: bool, dry_run: bool, sheet: str,
    values: tuple[str, ...], marks: tuple[str, ...], **said: Any,
) -> None:  # fmt: skip
    """Write an official annex (CSV or XLSX) as rows of a table, into a new edition of the law.

    Nothing is written when any row has a fault: all are named with their row. Exit 1 on a fault.
    """
    if sum((output is not None, in_place, dry_run)) != 1:
        raise click.UsageError("say one of --output FOLDER, --in-place, --dry-run")
    table = _BY_NAME[name]
    fixed = {column: said.pop(column) for column in ("agreement", "measure", "exporter", "edition")}
    fixed = _columns(table, {column: text for column, text in fixed.items() if text} | _pairs(values, "--value"))
    plan = Plan(table, fixed=fixed, marks=_rates(_pairs(marks, "--mark")), **said)
    try:
        outcome = import_annex(
            file, plan, folder or config.current().tariff_dir, output, in_place=in_place, sheet=sheet, watch=_watched
        )
    except (Refused, TariffFault) as faults:
        for fault in faults.faults:
            click.echo(str(fault), err=True)
        click.echo(f"nothing written: {_count(len(faults.faults), 'fault')}", err=True)
        sys.exit(1)
    _tell(plan, outcome, output)


def _pairs(texts: Iterable[str], hint: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise click.BadParameter(f"{text!r} is not NAME=TEXT", param_hint=hint)
        pairs[name.strip()] = value.strip()
    return pairs


def _columns(table: Table, fixed: dict[str, str]) -> dict[str, str]:
    for column in fixed:
        if column not in table.columns:
            raise click.UsageError(f"{table.name} has no column {column}; it has {', '.join(table.columns)}")
    return fixed


def _rates(marks: Mapping[str, str]) -> dict[str, str]:
    for mark, text in marks.items():
        try:
            parse_rate(text)
        except ValueError as error:
            raise click.BadParameter(f"{mark}: {error}", param_hint="--mark") from None
    return dict(marks)


def _watched(records: Iterable[Record], total: int) -> Iterator[Record]:
    """Pass the records on; after a second of it, show how far it is."""
    began = time.monotonic()
    bar: Any = None
    try:
        for n, record in enumerate(records, start=1):
            yield record
            if bar is not None:
                bar.update(1)
            elif n % 256 == 0 and n < total and time.monotonic() - began > 1:
                bar = click.progressbar(length=total, label="rows", file=sys.stderr)
                bar.__enter__()
                bar.update(n)
    finally:
        if bar is not None:
            bar.__exit__(None, None, None)


def _tell(plan: Plan, outcome: Outcome, output: Path | None) -> None:
    checked, rows = outcome.checked, _count(len(outcome.checked.rows), "row")
    for note in outcome.notes:
        click.echo(note)
    if outcome.new is None:
        return click.echo(f"already there: edition {outcome.old.name} holds every row; nothing changed")
    if output and not outcome.written:
        return click.echo(f"already there: {output} is edition {outcome.new}; nothing changed")
    by_line = {row["line"]: row for row in outcome.old.tables[plan.table.name]}
    for line, last_day in sorted(checked.closed.items()):
        written = outcome.old.written(plan.table, by_line[line])
        key = " / ".join(written[column] for column in plan.table.key if written[column])
        click.echo(f"line {line} of {plan.table.name}.csv ends on {told(last_day)}: {key} from {written['first_day']}")
    click.echo(report.counted(outcome.changes), nl=False)
    if checked.there:
        click.echo(f"{_count(checked.there, 'row')} already there")
    if outcome.written:
        where = f"to {output}" if output else "in place"
        click.echo(f"{rows} written {where}: edition {outcome.new}, source {plan.source}")
    else:
        for cells in checked.rows:
            click.echo(f"would write {','.join(cells)}")
        click.echo(f"{rows} would be written; nothing was")
    return None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
