"""A statement as CSV and as PDF. The same statement gives the same bytes: no clock, no random name, sorted rows.

The PDF carries the glyphs it uses of a Chinese typeface (WenQuanYi Micro Hei), so it reads the same everywhere.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from core.money import fen_text
from customs.reports.table import harmless
from shop.statements import Statement

Writer = Callable[[Statement, str], Iterator[bytes]]

WORDS = {
    "zh": {
        "title": "商家对账单",
        "merchant": "商家",
        "month": "月份（北京时间）",
        "draft": "本月尚未结束，数字仍会变化",
        "unit": "单位：人民币元。正数为应付商家，负数为已付或应收回。",
        "columns": ("日期", "订单或付款", "货款", "退款", "追回", "佣金", "合计"),
        "opening": "期初余额",
        "closing": "期末余额",
        "orders": "订单合计",
        "sent": "付款",
        "came_back": "付款退回",
        "page": "第 {page} 页",
    },
    "en": {
        "title": "Statement for the merchant",
        "merchant": "Merchant",
        "month": "Month (Beijing)",
        "draft": "The month is not over; the figures still change",
        "unit": "In CNY. Positive: owed to the merchant; negative: paid, or to be recovered.",
        "columns": ("Day", "Order or payout", "Goods", "Refunds", "Recovered", "Commission", "Amount"),
        "opening": "Opening balance",
        "closing": "Closing balance",
        "orders": "All orders",
        "sent": "Payout",
        "came_back": "Payout returned",
        "page": "Page {page}",
    },
}
FONT = "WenQuanYi-Micro-Hei"
_SUMS = ("goods", "refunds", "recovered", "taken", "amount")


def _rows(found: Statement, language: str) -> Iterator[tuple[str, ...]]:
    """The table: day, name, five amounts; blank where a row has none."""
    words: dict[str, Any] = WORDS[language]
    yield (str(found.first), words["opening"], "", "", "", "", found.opening)
    for row in found.orders:
        yield (str(row.day), row.number, *(fen_text(getattr(row, name)) for name in _SUMS))
    yield (str(found.last), words["orders"], *(fen_text(found.total(name)) for name in _SUMS))
    for paid in found.payouts:
        yield (str(paid.day), f"{words[paid.kind]} {paid.payout}", "", "", "", "", fen_text(paid.amount))
    yield (str(found.last), words["closing"], "", "", "", "", found.closing)


def as_csv(found: Statement, language: str) -> Iterator[bytes]:
    """UTF-8, CRLF, amounts as plain numbers, no cell that a spreadsheet would run."""
    words: dict[str, Any] = WORDS[language]
    heads = [(words["title"], ""), (words["merchant"], found.merchant_name), (words["month"], found.month)]
    if not found.final:
        heads.append((words["draft"], ""))
    for head in heads:
        yield _line(tuple(harmless(cell) for cell in head))
    yield _line(words["columns"])
    for day, name, *amounts in _rows(found, language):
        yield _line((day, harmless(name), *amounts))


def _line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


_LEFT, _TOP, _STEP, _SIZE = 40, 800, 15, 9
_RIGHT_EDGES = (300, 360, 420, 480, 555)


def as_pdf(found: Statement, language: str) -> Iterator[bytes]:
    """A4, as many pages as it takes; the heads of the columns on each."""
    _font()
    words: dict[str, Any] = WORDS[language]
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(f"{words['title']} {found.month}")
    page, y = 1, _head(canvas, found, words)
    for cells in _rows(found, language):
        if y < 60:
            _foot(canvas, words, page)
            canvas.showPage()
            page, y = page + 1, _columns(canvas, words, _TOP)
        _draw(canvas, cells, y)
        y -= _STEP
    _foot(canvas, words, page)
    canvas.save()
    yield out.getvalue()


@functools.cache
def _font() -> None:
    with resources.as_file(resources.files("paperang_p2_fonts_cjk") / "fonts" / "wqy-microhei.ttc") as path:
        pdfmetrics.registerFont(TTFont(FONT, str(path), subfontIndex=0))


def _head(canvas: Canvas, found: Statement, words: dict[str, Any]) -> float:
    canvas.setFont(FONT, 15)
    canvas.drawString(_LEFT, _TOP, words["title"])
    canvas.setFont(FONT, _SIZE)
    lines = [f"{words['merchant']}: {found.merchant_name}", f"{words['month']}: {found.month}", words["unit"]]
    if not found.final:
        lines.append(words["draft"])
    for number, line in enumerate(lines, 1):
        canvas.drawString(_LEFT, _TOP - 8 - number * _STEP, line)
    return _columns(canvas, words, _TOP - 24 - len(lines) * _STEP)


def _columns(canvas: Canvas, words: dict[str, Any], y: float) -> float:
    _draw(canvas, words["columns"], y)
    canvas.line(_LEFT, y - 4, _RIGHT_EDGES[-1], y - 4)
    return y - _STEP - 2


def _draw(canvas: Canvas, cells: tuple[str, ...], y: float) -> None:
    canvas.setFont(FONT, _SIZE)
    canvas.drawString(_LEFT, y, cells[0])
    canvas.drawString(_LEFT + 58, y, cells[1])
    for edge, cell in zip(_RIGHT_EDGES, cells[2:], strict=True):
        canvas.drawRightString(edge, y, cell)


def _foot(canvas: Canvas, words: dict[str, Any], page: int) -> None:
    canvas.setFont(FONT, 8)
    canvas.drawRightString(_RIGHT_EDGES[-1], 30, words["page"].format(page=page))


WRITERS: dict[str, Writer] = {"csv": as_csv, "pdf": as_pdf}
