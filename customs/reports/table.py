"""A report as CSV: UTF-8, CRLF, amounts as plain numbers, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import Any

from core.money import fen_text
from customs.reports.duty import AMOUNTS, COUNTS, EMPTY, Report, headings

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def as_csv(report: Report) -> bytes:
    """Header, rows in their order, totals last; an empty report says so."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    keys = headings(report.by)
    writer.writerow([*keys, *COUNTS, *AMOUNTS])
    for row in report.rows:
        writer.writerow([*(harmless(str(row[cut])) for cut in keys), *_numbers(row)])
    label = "total" if report.rows else f"total ({EMPTY})"
    writer.writerow([label, *[""] * (len(keys) - 1), *_numbers(report.totals)])
    return text.getvalue().encode()


def harmless(cell: str) -> str:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _numbers(row: dict[str, Any]) -> list[str]:
    return [str(row[name]) for name in COUNTS] + [fen_text(row[name]) for name in AMOUNTS]
