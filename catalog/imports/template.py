"""The empty form: its headings, and for each column what it may hold, with an example; as CSV or XLSX.

In CSV rules and examples stand in rows that begin with "# ", which the import passes over; so the filled form may keep
them. In XLSX they have a sheet of their own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from catalog.imports import form, xlsx_writer
from catalog.imports.cells import harmless
from catalog.imports.columns import Column, columns
from catalog.imports.entries import REMARK

CSV, XLSX = "csv", "xlsx"
FORMATS = (CSV, XLSX)
MIMES = {CSV: "text/csv", XLSX: xlsx_writer.MIME}
BOM = "\ufeff"  # without it spreadsheets take UTF-8 for the system's own encoding

_WORDS = {"en": ("optional", "required", "one of the two is required"), "zh": ("选填", "必填", "两项至少填一项")}
_RULES = {
    "en": ("Rules", ("column", "Chinese name", "needed", "what a cell may hold", "example")),
    "zh": ("填写说明", ("列名（英文）", "列名（中文）", "是否必填", "可填内容", "示例")),
}
_SHEET = {"en": "Listings", "zh": "商品"}


def template(file_format: str, language: str) -> Iterator[bytes]:
    """The bytes of the form. `language`: zh or en."""
    return _xlsx(language) if file_format == XLSX else _csv(language)


def _csv(language: str) -> Iterator[bytes]:
    rules = [f"{_needed(column, language)}: {_rule(column, language)}" for column in columns().values()]
    examples = [column.example for column in columns().values()]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(form.headings(language))
    for cells in (rules, examples):
        writer.writerow(map(harmless, [f"{REMARK}{cells[0]}", *cells[1:]]))
    yield (BOM + text.getvalue()).encode()


def _xlsx(language: str) -> Iterator[bytes]:
    name, titles = _RULES[language]
    rules = [
        (column.name, column.zh, _needed(column, language), _rule(column, language), column.example)
        for column in columns().values()
    ]
    return xlsx_writer.workbook([(_SHEET[language], [form.headings(language)]), (name, [titles, *rules])])


def _needed(column: Column, language: str) -> str:
    return _WORDS[language][len(column.place) if column.required else 0]


def _rule(column: Column, language: str) -> str:
    return column.rule_zh if language == "zh" else column.rule
