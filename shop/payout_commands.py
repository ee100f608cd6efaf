"""Commands of payouts and statements."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import click
from flask.cli import with_appcontext

from core.errors import Problem
from shop import payouts, statement_files, statements


@click.group("payouts")
def group() -> None:
    """Paying merchants."""


@group.command("run")
@with_appcontext
def run() -> None:
    """Promise every merchant what is due; the worker makes the transfers. Run again it promises nothing twice."""
    told = payouts.run()
    for outcome, count in told.items():
        click.echo(f"{outcome} {count}")
    sys.exit(1 if told["failed"] else 0)


@group.command("statement")
@click.argument("merchant", type=click.UUID)
@click.argument("month")
@click.option("--format", "kind", type=click.Choice(("csv", "pdf")), default="csv")
@click.option("--language", type=click.Choice(("zh", "en")), default="zh")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def statement(merchant: uuid.UUID, month: str, kind: str, language: str, file: Path) -> None:
    """Write the statement of a merchant for a month (2026-11) to a file."""
    try:
        found = statements.of(merchant, month)
    except Problem as problem:
        click.echo(problem.detail, err=True)
        sys.exit(1)
    file.write_bytes(b"".join(statement_files.WRITERS[kind](found, language)))
    click.echo(f"{file}: {found.closing} CNY at the end")
