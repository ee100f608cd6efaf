"""What a file may look like, and what is refused as a whole."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from catalog.imports import csv_reader, job
from catalog.models import Listing
from core.database import db
from core.errors import Problem
from tests.catalog.builders import Seller
from tests.catalog.imports import files
from tests.catalog.imports.files import GOODS, bring, csv_of, rows_of

CHINESE = ["货号", "中文名称", "英文名称", "类目", "商品编码", "原产国", "贸易方式", "销售单位", "价格", "净重千克", "品牌",
           "规格型号", "境外企业注册号", "冷链"]  # fmt: skip


def titles(seller: Seller) -> list[str]:
    return [*db.session.scalars(select(Listing.title_zh).filter_by(merchant_id=seller.id).order_by(Listing.sku))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("chinese", [False, True])
def test_encodings_and_headings(seller: Seller, encoding: str, chinese: bool) -> None:
    header, *rows = rows_of(GOODS, {**GOODS, "sku": "G-2", "title_zh": "㐀𠀀牛肉"})
    text = "\r\n".join(",".join(row) for row in [CHINESE if chinese else header, *rows])
    assert bring(seller, text.encode(encoding)).counts == (2, 0, 0, 0)
    assert titles(seller) == [GOODS["title_zh"], "㐀𠀀牛肉"]


def test_quotes_breaks_blank_rows_and_remarks(seller: Seller) -> None:
    quoted = {**GOODS, "description_en": 'He said "yes",\r\nthen left'}
    raw = csv_of(quoted, {}, {**GOODS, "sku": "# remark", "price": "x"}, {**GOODS, "sku": "G-2"}) + b"\r\n\r\n"
    brought = bring(seller, raw)
    assert (brought.counts, brought.done, brought.rows) == ((2, 0, 0, 0), 2, 2)
    row = db.session.scalars(select(Listing).filter_by(sku="G-1")).one()
    assert row.description_en == 'He said "yes",\nthen left'


def test_headings_are_read_however_they_are_written(seller: Seller) -> None:
    row = {"SKU ": "G-1", "Title.zh": "牛肉", "ＴＩＴＬＥ＿ＥＮ": "Beef", "net weight kg": "1"}
    rest = {
        name: value for name, value in GOODS.items() if name not in ("sku", "title_zh", "title_en", "net_weight_kg")
    }
    assert bring(seller, csv_of({**row, **rest})).counts == (1, 0, 0, 0)


def test_elements_and_attributes_in_columns_of_their_own(seller: Seller) -> None:
    row = {
        **GOODS,
        "element:品牌类型": "4",
        "要素：制作或保存方法": "冻",
        "attribute:feeding": "grain",
        "属性:halal": "",
    }
    assert bring(seller, csv_of(row)).counts == (1, 0, 0, 0)
    kept = db.session.scalars(select(Listing).filter_by(sku="G-1")).one()
    assert (kept.declaration_elements, kept.attributes) == (
        [["品牌类型", "4"], ["制作或保存方法", "冻"]],
        {"feeding": "grain"},
    )
    brought = bring(seller, csv_of({**row, "attribute:feeding": "plastic"}))
    assert brought.faults == [("1", "attribute:feeding", "invalid_input")]


def test_rows_that_cannot_be_read_are_told_and_passed_over(seller: Seller) -> None:
    lines = csv_of(GOODS, {**GOODS, "sku": "G-2"}, {**GOODS, "sku": "G-3"}).split(b"\r\n")
    lines[2:2] = [b"too,short", lines[1] + b",too long", b'G-9,"bad"quotes,']
    brought = bring(seller, b"\r\n".join(lines))
    assert brought.counts == (3, 0, 0, 3)
    assert [fault[0::2] for fault in brought.faults] == [(row, "row_unreadable") for row in ("2", "3", "4")]


def test_skus_that_stand_twice_are_refused_the_second_time(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 2)
    rows = [GOODS, {**GOODS, "price": "1.00"}, {**GOODS, "sku": "B-1", "price": "x"}, {**GOODS, "sku": "B-1"}, GOODS]
    brought = bring(seller, csv_of(*rows))
    assert brought.counts == (1, 0, 0, 4)
    assert brought.faults == [("2", "sku", "sku_repeated"), ("3", "price", "invalid_input"),
                              ("4", "sku", "sku_repeated"), ("5", "sku", "sku_repeated")]  # fmt: skip
    assert brought.errors[3]["message"] == "G-1 stands in row 1 already"
    assert db.session.scalars(select(Listing.price_fen)).all() == [8800]


def test_html_and_formulas_are_texts(seller: Seller) -> None:
    nasty = {**GOODS, "title_en": "<script>alert(1)</script>", "brand": "=cmd|' /C calc'!A0", "sku": "=1+1"}
    brought = bring(seller, csv_of(nasty, {**GOODS, "sku": "=2+2", "price": "@x"}))
    assert brought.counts == (1, 0, 0, 1)
    row = db.session.scalars(select(Listing)).one()
    assert (row.title_en, row.brand, row.sku) == (nasty["title_en"], nasty["brand"], "=1+1")
    assert brought.errors[0]["sku"] == "'=2+2"


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b"", "file_unreadable", "empty"),
        (b"sku,colour\nA,red\n", "file_columns_wrong", "colour"),
        (b"sku,sku\nA,B\n", "file_columns_wrong", "twice"),
        (b"title_zh\nA\n", "file_columns_wrong", "sku"),
        (b"sku,element:\nA,x\n", "file_columns_wrong", "element:"),
        (b"sku,merchant_id\nA,x\n", "file_columns_wrong", "merchant_id"),
        (b"sku,id\nA,x\n", "file_columns_wrong", "id"),
        (b"sku;price\nA;1\n", "file_columns_wrong", "sku;price"),
        ("sku,price\nA,1\n".encode("utf-16"), "file_unreadable", "neither UTF-8 nor GB18030"),
        (b"sku,brand\nA,\xff\xff\n", "file_unreadable", "neither"),
        (b"sku\n" + b"x" * (2 << 20), "file_unreadable", "a line has more than"),
        (b'"sku\n', "file_unreadable", "header"),
        (b"\x1f\x8bzipped", "file_unreadable", "compressed"),
        (b"PAR1", "file_unreadable", "Parquet"),
        (b"\xd0\xcf\x11\xe0xls", "file_unreadable", "XLS"),
        (b"sku," + b",".join(b"element:%d" % n for n in range(300)) + b"\n", "file_columns_wrong", "columns"),
    ],
)
def test_a_file_that_is_none_is_refused_at_once(seller: Seller, raw: bytes, code: str, words: str) -> None:
    with pytest.raises(Problem) as refused:
        files.take(seller, raw)
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert words in refused.value.detail + str(refused.value.errors)


def test_mixed_encodings_are_no_text(seller: Seller) -> None:
    good = csv_of(GOODS)
    other: Any = csv_of({**GOODS, "title_zh": "中"}).decode().encode("gb18030")
    with pytest.raises(Problem) as refused:
        files.take(seller, good + other + b"\x81\xff")
    assert refused.value.code == "file_unreadable"


def test_a_row_of_many_lines_has_an_end(seller: Seller) -> None:
    """Such a row grows twelvefold in the memory; one in a hundred thousand of its size is still a row."""
    inside = b'\n","aa' * (csv_reader.RECORD_MOST // 6 + 1)
    with pytest.raises(Problem) as refused:
        files.take(seller, b'sku,"' + inside + b'\n\n\n\n\n\n\n"')
    assert "a row has more than" in refused.value.detail
    key = files.take(seller, b'sku,brand\n"' + inside + b"\n" * 9 + b'",a\n')
    job.run(str(key))
    assert "a row has more than" in files.Brought(seller, key).problem["detail"]


def test_a_file_has_so_many_rows_at_most(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "ROWS_MOST", 4)
    monkeypatch.setattr(job, "CHUNK", 2)
    assert files.bring(seller, files.many(4)).counts == (4, 0, 0, 0)
    with pytest.raises(Problem) as refused:
        files.take(seller, files.many(5))
    assert (refused.value.code, "5,000,000 rows" in refused.value.detail) == ("file_unreadable", True)
    # Lines between quotes are no rows, so what has quotes is counted as it is read.
    assert files.bring(seller, files.many(4, description_en="a\nb\nc")).counts == (0, 4, 0, 0)
    ended = files.bring(seller, files.many(5, description_en="a\nb"))
    assert (ended.status, ended.problem["code"], ended.done) == ("failed", "file_unreadable", 4)
    assert "5,000,000 rows" in ended.problem["detail"]
