"""The committed law cut down to a few codes, so that a test loads it in a moment; and commands run on real files."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from openpyxl import Workbook

from customs.commands import tariff_group
from customs.editions.answers import code_column
from customs.tariff.tables import TABLES
from tests.cases.law import DATA

KEPT = ("02013000", "0303", "0306149", "02071", "16041400", "22030000", "85211011")
_LISTS = ("districts", "supervision_modes")
ANNOUNCEMENT = "Tariff Commission Announcement 2025 No.11"
SOURCE = "tariff-commission-announcement-2025-no-11"
OFFICIAL = ("税则号列", "EX①", "商品名称", "2031年最惠国税率(%)", "2031年暂定税率(%)")
OWN = ("hs", "part", "part_name", "rate", "first_day", "last_day", "source", "standing")


def write_small_law(folder: Path) -> Path:
    """A folder of every table with the rows of KEPT and what they inherit."""
    folder.mkdir()
    for name, text in _cut().items():
        (folder / name).write_text(text, "utf-8")
    return folder


@cache
def _cut() -> dict[str, str]:
    texts = {name: (DATA / name).read_text("utf-8") for name in ("sources.toml", "coverage.toml")}
    for table in TABLES:
        text = (DATA / f"{table.name}.csv").read_text("utf-8")
        heading, *rows = csv.reader(io.StringIO(text, newline=""))
        column = code_column(table)
        if column:
            place = heading.index(column)
            rows = [row for row in rows if row[place].startswith(KEPT) or any(k.startswith(row[place]) for k in KEPT)]
        elif table.name in _LISTS:
            rows = rows[:5]
        texts[f"{table.name}.csv"] = _text([heading, *rows])
    return texts


def _text(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def edit(folder: Path, table: str, before: str, after: str) -> None:
    """Replace rows of a table; the text before must be there once."""
    path = folder / f"{table}.csv"
    text = path.read_text("utf-8")
    assert text.count(before) == 1, (table, before, text.count(before))
    path.write_text(text.replace(before, after), "utf-8")


def append(folder: Path, table: str, *rows: str) -> int:
    """Add rows at the end of a table; the line of the first."""
    path = folder / f"{table}.csv"
    text = path.read_text("utf-8")
    path.write_text(text + "".join(f"{row}\n" for row in rows), "utf-8")
    return text.count("\n") + 1


def run(*arguments: object) -> Result:
    """One `tariff` command."""
    return CliRunner().invoke(tariff_group, [str(argument) for argument in arguments], catch_exceptions=False)


def changes(old: Path, new: Path, *options: str) -> list[dict[str, Any]]:
    """What `tariff diff` says, sources apart."""
    answer = run("diff", old, new, "--format", "json", *options)
    assert answer.exit_code in (0, 1), answer.output
    found = json.loads(answer.stdout)["changes"]
    assert answer.exit_code == (1 if found else 0)
    return [change for change in found if change["table"] != "sources"]


def csv_annex(path: Path, *rows: Sequence[str], encoding: str = "utf-8") -> Path:
    path.write_bytes(_text(rows).encode(encoding))
    return path


def workbook(path: Path, *rows: Sequence[Any], formats: dict[str, str] | None = None, merged: str = "") -> Path:
    """A real XLSX file; `formats` gives cells such as "E3" a number format."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for place, form in (formats or {}).items():
        sheet[place].number_format = form
    if merged:
        sheet.merge_cells(merged)
    book.save(path)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def load(law: Path, annex: Path, *options: str, table: str = "provisional", days: bool = True) -> Any:
    given = ["--table", table, "--announcement", ANNOUNCEMENT, "--folder", law]
    if days:
        given += ["--first-day", "2031-01-01", "--last-day", "2031-12-31"]
    if not {"--in-place", "--dry-run", "--output"} & set(options):
        given += ["--output", law.parent / "new"]
    return run("import", annex, *given, *options)


def refused(law: Path, annex: Path, *options: str, **more: Any) -> list[str]:
    """The faults of an import that is refused; nothing is left behind."""
    before, around = contents(law), sorted(law.parent.iterdir())
    answer = load(law, annex, *options, **more)
    assert answer.exit_code == 1, answer.output
    assert (contents(law), sorted(law.parent.iterdir())) == (before, around)
    *faults, last = answer.stderr.splitlines()
    assert last.startswith(f"nothing written: {len(faults)} fault")
    return faults


def added(law: Path, table: str) -> list[list[str]]:
    """The rows of the new edition that the old one lacks, in file order."""
    [old, new] = (list(csv.reader((folder / f"{table}.csv").open(newline=""))) for folder in (law, law.parent / "new"))
    return [row for row in new if row not in old]
