"""Workbooks: what other programs write is read, and what is made to hurt is refused with the memory flat."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from catalog.imports import xlsx_parts, xlsx_reader, xlsx_writer
from catalog.imports.reader import open_source
from catalog.models import Listing
from core.database import db
from core.errors import Problem
from tests.catalog.builders import Seller
from tests.catalog.imports.files import GOODS, archive, bring, rows_of, xlsx_of

ROOT = Path(__file__).parents[3]
SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = b"</sheetData></worksheet>"
SKU = b'<row r="1"><c r="A1" t="inlineStr"><is><t>sku</t></is></c></row>'


def saved(rows: list[list[Any]]) -> bytes:
    """A workbook as openpyxl writes it: shared strings, numbers, booleans."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def read(path: Path, raw: bytes) -> list[Any]:
    path.write_bytes(raw)
    return [record for block in open_source(path).blocks(3) for record in block.records]


def test_a_workbook_of_another_program(seller: Seller) -> None:
    header, row = rows_of(GOODS)
    typed: list[Any] = [*row]
    typed[header.index("price")] = 88.5
    typed[header.index("net_weight_kg")] = 1
    typed[header.index("cold_chain")] = True
    assert bring(seller, saved([header, typed, [None] * 3, ["# remark"], [*row[:0], "G-2", *typed[1:]]])).counts == (
        2,
        0,
        0,
        0,
    )
    kept = db.session.scalars(select(Listing).filter_by(sku="G-1")).one()
    assert (kept.title_zh, kept.price_fen, kept.cold_chain, str(kept.net_weight_kg)) == (
        GOODS["title_zh"],
        8850,
        True,
        "1.00000",
    )


def test_numbers_are_read_as_a_person_reads_them(tmp_path: Path) -> None:
    rows = [["sku", "price", "gtin"], [0.1 + 0.2, 6901234567892, 1e16], [1.5e-7, "00012", 12.0], ["'=1", -3, None]]
    assert read(tmp_path / "x", saved(rows)) == [
        ["0.3", "6901234567892", "10000000000000000"],
        ["0.00000015", "00012", "12"],
        ["'=1", "-3", ""],
    ]


def test_rows_that_the_sheet_leaves_out_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    cell = b'<c r="A%d" t="inlineStr"><is><r><t>A</t></r><rPh><t>no</t></rPh><r><t>%d</t></r></is></c>'
    rows = b"".join(b'<row r="%d">%s</row>' % (n, cell % (n, n)) for n in (4, 9))
    book = archive({SHEET: HEAD + b'<row r="2">' + SKU[11:].replace(b"A1", b"A2") + rows + TAIL}, xlsx_of({"sku": ""}))
    assert read(tmp_path / "x", book) == [[""], ["A4"], [""], [""], [""], [""], ["A9"]]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    texts = ["a<b>&\"c'", " space ", "tab\tline\nbreak", "_x000D_", "\ufffe\uffff", "=1", "牛肉🦞", "", "x" * 5000]
    raw = b"".join(
        xlsx_writer.workbook([("a & b", [["sku", *[f"element:{n}" for n in range(8)]], texts]), ("2", [["no"]])])
    )
    assert read(tmp_path / "x", raw) == [texts]
    assert raw == b"".join(
        xlsx_writer.workbook([("a & b", [["sku", *[f"element:{n}" for n in range(8)]], texts]), ("2", [["no"]])])
    )
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(xlsx_writer.workbook([("s", [["a", "=b"], ["1", ""]])]))))["s"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["a", "=b"], ["1", None]]
    assert sheet["B1"].data_type != "f"


def deep() -> bytes:
    return HEAD + b"<x>" * 100_000


def with_directory(raw: bytes, entries: int, size: int) -> bytes:
    at = raw.rfind(b"PK\x05\x06")
    return raw[: at + 10] + struct.pack("<HI", entries, size) + raw[at + 16 :]


def patched(raw: bytes, at: int, other: bytes) -> bytes:
    return raw[:at] + other + raw[at + len(other) :]


def with_method(raw: bytes, method: int) -> bytes:
    """The archive as if its parts were packed in another way."""
    found = bytearray(raw)
    for mark, behind in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = -1
        while (at := raw.find(mark, at + 1)) >= 0:
            struct.pack_into("<H", found, at + behind, method)
    return bytes(found)


GOOD = xlsx_of({"sku": "A"})
BOMBS = {
    "ratio": archive({SHEET: HEAD + b" " * (80 << 20) + TAIL}, GOOD),
    "strings": archive({"xl/sharedStrings.xml": bytes(range(256)) * (66 << 12)}, GOOD),
    "entries": archive({**{f"x{n}": "" for n in range(2100)}}, GOOD),
    "directory": with_directory(GOOD, 5, 1 << 30),
    "no directory": GOOD[:-22],
    "cut": GOOD[: len(GOOD) // 2],
    "no sheet": archive({"xl/workbook.xml": "<workbook/>"}, GOOD),
    "sheet elsewhere": archive({"xl/_rels/workbook.xml.rels": '<r><Relationship Id="rId1" Target="../../etc/passwd"/></r>'}, GOOD),
    "empty sheet": archive({SHEET: HEAD + TAIL}, GOOD),
    "not xml": archive({SHEET: b"\x00\x01"}, GOOD),
    "entities": archive({SHEET: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + HEAD + SKU + TAIL}, GOOD),
    "outside entity": archive({SHEET: b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + HEAD + SKU + TAIL}, GOOD),
    "entities of the workbook": archive({"xl/workbook.xml": '<!DOCTYPE x [<!ENTITY a "b">]><workbook>&a;</workbook>'}, GOOD),
    "rows backwards": archive({SHEET: HEAD + SKU + SKU + TAIL}, GOOD),
    "row of nowhere": archive({SHEET: HEAD + b'<row r="99999999999999">' + SKU[11:] + TAIL}, GOOD),
    "no such string": archive({SHEET: HEAD + b'<row r="1"><c r="A1" t="s"><v>7</v></c></row>' + TAIL}, GOOD),
    "only zip": archive({"a.txt": "hello"}),
    "number beyond all bounds": archive({SHEET: HEAD + b'<row r="1"><c r="A1"><v>1e9999999</v></c></row>' + TAIL}, GOOD),
    "another name": patched(GOOD, GOOD.find(SHEET.encode()), b"y"),
    "no part there": patched(GOOD, GOOD.find(SHEET.encode()) - 30, b"none"),
    "another method": with_method(GOOD, 9),
    "lzma": with_method(GOOD, 14),
    "bzip2": with_method(GOOD, 12),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem) as refused:
        read(tmp_path / "x", BOMBS[name])
    assert refused.value.code in ("file_unreadable", "file_columns_wrong")


def test_a_locked_workbook_is_refused(tmp_path: Path) -> None:
    raw = bytearray(GOOD)
    for at in (raw.find(b"PK\x03\x04") + 6, raw.find(b"PK\x01\x02") + 8):
        raw[at] |= 1
    with pytest.raises(Problem) as refused:
        read(tmp_path / "x", bytes(raw))
    assert "password" in refused.value.detail


@pytest.mark.parametrize(
    "inside",
    [
        b'<row r="2"><c r="A2" t="inlineStr"><is><t>' + b"ab" * (1 << 20),
        b'<row r="2"><c r="' + b"AB" * (1 << 20),
        b'<row r="2"><!--' + b"ab" * (1 << 20),
    ],
)
def test_a_cell_or_tag_without_an_end_ends_the_reading(
    tmp_path: Path, inside: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_parts, "RATIO_MOST", 1 << 30)
    with pytest.raises(Problem):
        read(tmp_path / "x", archive({SHEET: HEAD + SKU + inside}, GOOD))


@pytest.mark.parametrize(
    "tags",
    [
        b"".join(b"<row%d/>" % n for n in range(600)),
        b"<x " + b"".join(b'a%d="" ' % n for n in range(600)) + b"/>",
    ],
)
def test_kinds_of_tags_have_an_end(tmp_path: Path, tags: bytes) -> None:
    """The parser keeps the name of each for good."""
    with pytest.raises(Problem) as refused:
        read(tmp_path / "x", archive({SHEET: HEAD + SKU + tags + TAIL}, GOOD))
    assert "kinds of tags" in refused.value.detail


def test_what_is_remembered_is_short(tmp_path: Path) -> None:
    long = b"ZZZZ" + b"Q" * 50_000 + b"1"
    cells = b'<c r="%s"/><c r="B2"><v>1.%s</v></c>' % (long, b"0" * 50_000)
    xlsx_reader._column.cache_clear()
    xlsx_reader._read_number.cache_clear()
    sheet = HEAD + SKU + b'<row r="2"><c r="A2"><v>1.50</v></c>' + cells + b"</row>" + TAIL
    assert read(tmp_path / "x", archive({SHEET: sheet}, GOOD)) == ["has 2 fields, the header has 1"]
    assert xlsx_reader._read_number.cache_info().currsize == 1
    assert xlsx_reader._column("ZZZZ") == xlsx_reader._column("ZZZY") == xlsx_reader.COLUMNS_MOST + 1
    assert xlsx_reader._column.cache_info().currsize <= 5


def test_a_sheet_that_does_not_begin_is_refused(tmp_path: Path) -> None:
    """What stands before the first row is read while the sender waits."""
    noise = b"".join(
        b"<x/>" * 20_000 + b"<!--%s-->" % random.Random(n).randbytes(400).hex().encode() for n in range(60)
    )
    assert len(noise) > xlsx_reader.BEFORE_MOST
    with pytest.raises(Problem) as refused:
        read(tmp_path / "x", archive({SHEET: HEAD + noise + SKU + TAIL}, GOOD))
    assert "hold no row" in refused.value.detail
    row = b'<row r="2"><c r="A2"><v>7</v></c></row></sheetData>'
    assert read(tmp_path / "x", archive({SHEET: HEAD + SKU + row + noise + b"</worksheet>"}, GOOD)) == [["7"]]


def test_too_large_in_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_parts, "TOTAL_MOST", 1000)
    with pytest.raises(Problem) as refused:
        read(tmp_path / "x", GOOD)
    assert "unpacks to more than" in refused.value.detail


def test_a_gap_of_a_million_rows_is_passed_over(tmp_path: Path) -> None:
    last = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>end</t></is></c></row>' % (xlsx_reader.ROWS_MOST, 9)
    path = tmp_path / "x"
    path.write_bytes(archive({SHEET: HEAD + SKU + last + TAIL}, GOOD))
    blocks = list(open_source(path).blocks(100_000))
    assert sum(len(block.records) for block in blocks) == xlsx_reader.ROWS_MOST - 1
    assert blocks[-1].records[-1] == ["end"]


_PROGRAM = """
import sys
from pathlib import Path
from catalog.imports.reader import open_source
def high(): return int(dict(line.split(":", 1) for line in open("/proc/self/status"))["VmHWM"].split()[0]) // 1024
before = high()
count = sum(len(block.records) for block in open_source(Path(sys.argv[1])).blocks(1000))
print(count, high() - before)
"""


def test_a_wide_and_long_sheet_takes_little_memory(tmp_path: Path) -> None:
    """Five hundred cells to a row, most of them nobody's, in a sheet of thirty MiB."""
    row = "".join(f'<c r="{xlsx_writer._letters(n)}{{0}}" t="inlineStr"><is><t>{n}</t></is></c>' for n in range(500))
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        with zipfile.ZipFile(io.BytesIO(GOOD)) as other:
            for name in set(other.namelist()) - {SHEET}:
                made.writestr(name, other.read(name))
        with made.open(SHEET, "w") as part:
            part.write(HEAD + SKU)
            for number in range(2, 1000):
                part.write(f'<row r="{number}">{row.replace("{0}", str(number))}</row>'.encode())
            part.write(TAIL)
    done = subprocess.run([sys.executable, "-c", _PROGRAM, path], cwd=ROOT, capture_output=True, text=True, check=True)
    count, more = map(int, done.stdout.split())
    assert (count, more < 30) == (998, True), done.stdout
