"""An XLSX workbook written as a stream: every cell a text of its own place, so that nothing is collected."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from xml.sax.saxutils import escape

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_MOST = 1 << 20
_AT_ONCE = 500  # rows
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same listings give the same bytes
# What XML cannot hold, and what a reader would take for that: _x000D_
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class _Pipe(io.RawIOBase):
    """What the archive writes, until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def workbook(sheets: Sequence[tuple[str, Iterable[Sequence[str]]]]) -> Iterator[bytes]:
    """The bytes of a workbook of sheets, (name, rows of texts) each; the first row of a sheet stands still."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _frame([name for name, _ in sheets]).items():
            archive.writestr(_entry(name), text)
        for number, (_, rows) in enumerate(sheets, 1):
            with archive.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w", force_zip64=True) as part:
                for text in _sheet(rows):
                    part.write(text.encode())
                    if data := pipe.taken():
                        yield data
    yield pipe.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _sheet(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield (f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
           '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
           '<sheetFormatPr defaultColWidth="18" defaultRowHeight="15"/><sheetData>')  # fmt: skip
    ready: list[str] = []
    for number, cells in enumerate(rows, 1):
        ready.append(_row(number, cells))
        if len(ready) == _AT_ONCE:
            yield "".join(ready)
            ready = []
    yield "".join(ready)
    yield "</sheetData></worksheet>"


def _row(number: int, cells: Sequence[str]) -> str:
    filled = [f'<c r="{_letters(at)}{number}" t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
              for at, cell in enumerate(cells) if cell]  # fmt: skip
    return f'<row r="{number}">{"".join(filled)}</row>'


def _text(cell: str) -> str:
    return escape(_UNFIT.sub(lambda match: f"_x{ord(match[0]):04X}_", cell))


@lru_cache(1024)
def _letters(at: int) -> str:
    """The name of a column, 0 is A."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _frame(names: Sequence[str]) -> dict[str, str]:
    """The parts that say which sheets there are."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets, types, relations = [], [], []
    for number, name in enumerate(names, 1):
        part = f"worksheets/sheet{number}.xml"
        sheets.append(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>')
        types.append(f'<Override PartName="/xl/{part}" ContentType="{kinds}.worksheet+xml"/>')
        relations.append(f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="{part}"/>')
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>{"".join(types)}</Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{''.join(sheets)}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{''.join(relations)}</Relationships>",
    }
