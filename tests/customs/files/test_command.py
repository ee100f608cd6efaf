"""`flask duty assess FILE`: the endpoint's code without its server, job or database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from customs.duty_commands import duty_group

LINES = "hs,origin,day,value,currency\n0202300090,BR,2026-02-01,1000.00,\n0202300090,BR,2026-02-01,1000.00,EUR\n"


@pytest.fixture
def lines(app: Any, tmp_path: Path) -> Path:
    path = tmp_path / "lines.csv"
    path.write_text(LINES)
    return path


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(duty_group, ["assess", *map(str, arguments)])


def test_all_rows_assessed(lines: Path) -> None:
    done = call(lines, "--rates", "EUR=7.5")
    assert done.exit_code == 0, done.output
    assert "2 rows, 0 failed" in done.output
    assert len((lines.parent / "lines.assessed.csv").read_text().splitlines()) == 3


def test_some_rows_failed(lines: Path) -> None:
    done = call(lines, "--output", lines.parent / "o.parquet", "--errors", lines.parent / "e.csv")
    assert done.exit_code == 1, done.output
    assert (lines.parent / "o.parquet").read_bytes()[:4] == b"PAR1"
    assert (lines.parent / "e.csv").read_text().splitlines()[1].startswith("2,currency,exchange_rate_missing,")


@pytest.mark.parametrize(
    ("text", "arguments"), [("hs,origin\n", ()), (LINES, ("--rates", "x")), (LINES, ("--rates", "XQZ=7"))]
)
def test_a_file_that_cannot_be_assessed(lines: Path, text: str, arguments: tuple[str, ...]) -> None:
    lines.write_text(text)
    done = call(lines, *arguments)
    assert done.exit_code == 2
    assert not (lines.parent / "lines.assessed.csv").exists()
