"""Assessing a file of lines from the command line: the code of the endpoint, without its server, job or database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from core.errors import Problem
from core.money import fen_text
from customs import edition
from customs.assessments.files import CSV, FORMATS, PARQUET, Options, Outcome, Progress, assess_file, open_source
from customs.assessments.files.options import ROUTES, parse_rates
from customs.assessments.retail import RETAIL_MODES

SOME_FAILED, UNREADABLE = 1, 2
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW = click.Path(path_type=Path, dir_okay=False)


@click.group("duty")
def duty_group() -> None:
    """What goods would bear."""


@duty_group.command("assess")
@click.argument("file", type=_FILE)
@click.option("--route", type=click.Choice(ROUTES), default=ROUTES[0], show_default=True)
@click.option("--mode", type=click.Choice(RETAIL_MODES), help="Supervision mode of retail lines that name none.")
@click.option("--output", type=_NEW, help="The result; by default beside FILE.")
@click.option("--errors", type=_NEW, help="The error report; by default beside FILE.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Of the result; by default as --output is named.")
@click.option("--rates", help="CNY for one unit, such as USD=7.1,EUR=7.8.")
def duty_assess(
    file: Path,
    route: str,
    mode: str | None,
    output: Path | None,
    errors: Path | None,
    form: str | None,
    rates: str | None,
) -> None:
    """Assess a CSV or Parquet FILE of lines (docs/assessment-files.md).

    Exit 0: every row bears amounts; 1: some rows failed and stand in the error report; 2: the file cannot be assessed.
    """
    form = form or (PARQUET if output is not None and output.suffix == ".parquet" else CSV)
    output = output or file.with_name(f"{file.stem}.assessed.{form}")
    errors = errors or file.with_name(f"{file.stem}.errors.csv")
    try:
        options = Options(route, parse_rates(rates) if rates else {}, mode)
        with click.progressbar(length=open_source(file).rows, label=file.name, file=sys.stderr) as bar:
            outcome = assess_file(edition.tariff(), file, output, errors, options, form, _Shown(bar))
    except Problem as problem:
        click.echo(f"{problem.title}: {problem.detail}", err=True)
        sys.exit(UNREADABLE)
    _say(outcome, output, errors)
    sys.exit(SOME_FAILED if outcome.failed else 0)


class _Shown:
    """Moves the bar to where the file is."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, progress: Progress) -> None:
        self._bar.length = progress.rows
        self._bar.update(progress.done - self._bar.pos)


def _say(outcome: Outcome, output: Path, errors: Path) -> None:
    click.echo(f"{outcome.rows} rows, {outcome.failed} failed, edition {outcome.edition}")
    for name, fen in outcome.totals.items():
        click.echo(f"  {name:<16} {fen_text(fen):>24}")
    click.echo(f"{output}  sha256 {outcome.sha256}")
    if outcome.failed:
        click.echo(f"{errors}")
