"""What an import refuses: every fault at once, each with its row, and nothing is left behind."""

from pathlib import Path
from typing import Any

import pytest

from tests.customs.editions.small_law import (
    OFFICIAL,
    OWN,
    SOURCE,
    append,
    csv_annex,
    load,
    refused,
    workbook,
)


def test_every_fault_at_once_with_its_row(law: Path, tmp_path: Path) -> None:
    append(law, "provisional", "03031400,,,4,2031-06-01,2031-06-30,recalled,assumed")
    there = (law / "provisional.csv").read_text("utf-8").count("\n")
    annex = csv_annex(
        tmp_path / "annex.csv", OFFICIAL,
        ("0303.1400", "", "冻鳟鱼", "7", "5"),
        ("0303.1100", "", "冻红大麻哈鱼", "7", "T1"),
        ("0303.1200", "", "其他冻大麻哈鱼", "7", ""),
        ("", "", "合并单元格", "7", "5"),
        ("0303.12O0", "", "字母", "7", "5"),
        ("9999.9999", "", "没有", "7", "5"),
        ("0303.1310", "maybe", "冻大西洋鲑鱼", "7", "5"),
        ("ex0303.1310", "", "", "7", "5"),
        ("0303.2300", "", "冻罗非鱼", "7", "5", "6"),
        ("0303.2400", "", "冻鲶鱼"),
        ("0303.2500", "", "冻鲤科鱼", "7", "5元"),
        ("0303.2500", "", "冻鲤科鱼", "7", "5元/缸"),
        ("0303.2500", "", "冻鲤科鱼", "7", "5"),
        ("0303.2500", "", "冻鲤科鱼", "7", "6"),
    )  # fmt: skip
    blank = "blank; of merged cells only the first holds a value, fill in the rest"
    assert refused(law, annex) == [
        f"annex.csv:2: 03031400: in force on the same day as line {there} of provisional.csv (2031-06-01 to 2031-06-30)",
        "annex.csv:3: rate: 'T1' points at a note of the annex: say what it stands for with --mark T1=RATE",
        f"annex.csv:4: rate: {blank}",
        f"annex.csv:5: hs: {blank}",
        "annex.csv:6: hs: '0303.12O0' is not a tariff code",
        "annex.csv:7: 99999999: no tariff line is or begins so (lines.csv)",
        "annex.csv:8: ex mark: 'maybe' is neither ex nor blank",
        "annex.csv:9: marked ex: the name of the part is blank",
        "annex.csv:10: 6 cells where the heading has 5",
        "annex.csv:11: 3 cells where the heading has 5",
        "annex.csv:12: rate: '5元' is not a rate that can be read in one way",
        "annex.csv:13: rate: '5元/缸': no unit '缸' with a word of ours (units.csv)",
        "annex.csv:15: 03032500: in force on the same day as row 14",
    ]


def test_cells_of_a_workbook_that_cannot_be_trusted(law: Path, tmp_path: Path) -> None:
    annex = workbook(
        tmp_path / "annex.xlsx", ("税号", "商品名称", "暂定税率"),
        ("03031400", "冻鳟鱼", "=1+4"), (3031400, "冻鳟鱼", 5), ("03031100", "冻红大麻哈鱼", 0.05),
        ("03031200", "其他冻大麻哈鱼", 5), (None, "合并", 5), (30312, "其他", 5), merged="A5:A6",
    )  # fmt: skip
    assert refused(law, annex) == [
        "annex.xlsx:2: rate: a formula",
        "annex.xlsx:3: hs: '3031400' is not a tariff code; as a number it may have lost its leading zero, store it as text",
        "annex.xlsx:4: rate: '0.05' may be a share or a percentage: write 0.05% or 5%",
        "annex.xlsx:6: hs: blank; of merged cells only the first holds a value, fill in the rest",
        "annex.xlsx:7: hs: '30312' as a number may have lost its leading zero, store it as text",
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("03031400", "", "", "5", "2031-02-30", "2031-12-31", "", ""), "first_day: '2031-02-30' is not a day of the calendar"),
        (("03031400", "", "", "5", "", "2031-12-31", "", ""), "first_day: blank"),
        (("03031400", "", "", "5", "2031-02-01", "2030-12-31", "", ""), "the period ends before it begins"),
        (("03031400", "", "", "5", "1031-02-01", "2031-12-31", "", ""), "first_day: '1031-02-01' is outside 1990 to 2099"),
        (("03031400", "", "", "-5", "2031-02-01", "2031-12-31", "", ""), "rate: '-5' is not a rate that can be read in one way"),
        (("03031400", "", "", "5", "2031-02-01", "2031-12-31", "", "sure"), "standing: 'sure' is not official, secondary or assumed"),
        (("03031400", "", "", "5", "2031-02-01", "2031-12-31", "piie-2019", ""), f"source: 'piie-2019' is not the source of this import, '{SOURCE}'"),
        (("0303130000", "", "", "5", "2031-02-01", "2031-12-31", "", ""), "0303130000: no such tariff line is in force from 2031-02-01 to 2031-12-31 (lines.csv)"),
    ],
)  # fmt: skip
def test_one_bad_row(law: Path, tmp_path: Path, row: tuple[str, ...], fault: str) -> None:
    if fault.startswith("0303130000"):
        found = next(x for x in (law / "lines.csv").read_text("utf-8").splitlines() if x.startswith("0303130000"))
        assert ",2023-12-31," in found
    assert refused(law, csv_annex(tmp_path / "annex.csv", OWN, row), days=False) == [f"annex.csv:2: {fault}"]


def test_headings_that_do_not_do(law: Path, tmp_path: Path) -> None:
    def of(*rows: tuple[str, ...], **more: Any) -> list[str]:
        return refused(law, csv_annex(tmp_path / "annex.csv", *rows), **more)

    assert of(("税号", "商品名称"), ("03031400", "冻鳟鱼")) == ["annex.csv:1: no column for the rate of provisional"]
    assert of(("税号", "商品编码", "暂定税率")) == ["annex.csv:1: two columns for hs: '税号' and '商品编码'"]
    assert of(("商品名称", "暂定税率"), ("冻鳟鱼", "5"))[0].startswith("annex.csv:0: no heading with a column for hs")
    assert of(("税号", "暂定税率")) == ["annex.csv:0: no row"]
    assert of(("税号", "暂定税率"), ("03031400", "5"), days=False) == [
        "annex.csv:1: no column first_day: say --first-day",
        "annex.csv:1: no column last_day: say --last-day",
    ]
    assert of(("税号", "暂定税率", "实施日期", "截止日期"), ("03031400", "5", "2031-01-01", "2031-01-31")) == [
        "annex.csv:1: first_day is said for every row, and the file has a column for it",
        "annex.csv:1: last_day is said for every row, and the file has a column for it",
    ]
    assert of(("税号", "EX", "税率"), ("03031400", "ex", "5"), table="general") == [
        "annex.csv:2: marked ex: general has no parts of codes"
    ]
    assert of(("税号", "税率"), ("03031400", "5"), table="agreement_rates") == [
        "annex.csv:2: agreement: '' is not in agreements"
    ]


def test_an_unread_column_is_named(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率", "监管机关"), ("03031400", "5", "海关"))
    assert "columns not read: 监管机关" in load(law, annex).stdout


def test_files_that_are_no_annex(law: Path, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK not a workbook")
    assert refused(law, tmp_path / "a.xlsx")[0].startswith("a.xlsx:0: not readable as XLSX")
    (tmp_path / "b.csv").write_bytes("税号,暂定税率\n".encode("gb18030") + b"\xff\xff\n")
    assert refused(law, tmp_path / "b.csv") == ["b.csv:0: not text in UTF-8, UTF-16 or GB18030"]
    (tmp_path / "c.csv").write_text('税号,暂定税率\n03031400,"5"x\n', "utf-8")
    assert refused(law, tmp_path / "c.csv")[0].startswith("c.csv:2: not readable as CSV")
    (tmp_path / "d.xls").write_bytes(b"")
    assert refused(law, tmp_path / "d.xls") == ["d.xls:0: the old XLS format is not read: save it as XLSX or CSV"]


def test_one_sheet_of_several(law: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    annex = workbook(tmp_path / "annex.xlsx", ("税号", "暂定税率"), ("03031400", "5"))
    book = load_workbook(annex)
    book.active.title = "附件1"
    book.create_sheet("附件2").append(["税号", "暂定税率"])
    book.save(annex)
    assert refused(law, annex) == ["annex.xlsx:0: several sheets, name one of them: 附件1, 附件2"]
    assert refused(law, annex, "--sheet", "附件3") == ["annex.xlsx:0: no sheet '附件3', it has 附件1, 附件2"]
    assert load(law, annex, "--sheet", "附件1").exit_code == 0
