"""What an official annex may look like: encodings, headings, codes, days and rates as they are printed."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from tests.customs.editions.small_law import (
    OFFICIAL,
    OWN,
    SOURCE,
    added,
    csv_annex,
    load,
    refused,
    workbook,
)

BODY = (
    ("", "", "", "", ""),
    ("0303.14.00", "", "冻鳟鱼", "7", "5%"),
    ("ex 0303 1100", "", "冻红大麻哈鱼", "7", "２"),
    ("03031200", "EX", "其他冻大麻哈鱼", "7", "0.5%"),
    ("02071200", "", "冻的整只鸡", "1.3元/千克", "0.8 元／公斤"),
)
EXPECTED = [
    ["02071200", "", "", "0.8 CNY/kg", "2031-01-01", "2031-12-31", SOURCE, "official"],
    ["03031100", "ex", "冻红大麻哈鱼", "2", "2031-01-01", "2031-12-31", SOURCE, "official"],
    ["03031200", "ex", "其他冻大麻哈鱼", "0.5", "2031-01-01", "2031-12-31", SOURCE, "official"],
    ["03031400", "", "", "5", "2031-01-01", "2031-12-31", SOURCE, "official"],
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(law: Path, tmp_path: Path, encoding: str) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("附件1 进口商品暂定税率表",), OFFICIAL, *BODY, encoding=encoding)
    answer = load(law, annex)
    assert answer.exit_code == 0, answer.output
    assert added(law, "provisional") == EXPECTED


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_separators(law: Path, tmp_path: Path, delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (OFFICIAL, *BODY))
    (tmp_path / "annex.csv").write_text(text, "utf-8")
    assert load(law, tmp_path / "annex.csv").exit_code == 0
    assert added(law, "provisional") == EXPECTED


def test_a_workbook(law: Path, tmp_path: Path) -> None:
    annex = workbook(
        tmp_path / "annex.xlsx", ("附件1 进口商品暂定税率表",), (), OFFICIAL,
        ("0303.14.00", None, "冻鳟鱼", 7, 0.05), (), ("ex 0303 1100", None, "冻红大麻哈鱼", 7, 2),
        (3031200, "EX", "其他冻大麻哈鱼", 7, 0.5), ("02071200", None, "冻的整只鸡", "1.3元/千克", "0.8 元／公斤"),
        ("注：EX表示该税目中部分商品",), formats={"E4": "0%", "A7": "00000000"}, merged="A1:E1",
    )  # fmt: skip
    answer = load(law, annex)
    assert answer.exit_code == 0, answer.output
    assert added(law, "provisional") == EXPECTED
    assert "row 9 passed over, a heading or a note: 注：EX表示该税目中部分商品" in answer.stdout


def test_five_columns_without_a_heading(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", *BODY[1:])
    load(law, annex)
    assert added(law, "provisional") == EXPECTED
    shutil.rmtree(tmp_path / "new")
    whole = csv_annex(tmp_path / "annex.csv", ("03031400", "", "冻鳟鱼", "7", "5%"))
    answer = load(law, whole, "--supersede", table="mfn")
    assert answer.exit_code == 0, answer.output
    assert added(law, "mfn")[-1] == ["03031400", "7", "2031-12-31", "2031-01-01", "2031-12-31", SOURCE, "official"]


def test_the_projects_own_headings_with_days_of_each_row(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(
        tmp_path / "annex.csv", OWN,
        ("03031400", "", "", "0.5", "2031-01-01", "2031-06-30", "", "secondary"),
        ("03031400", "", "", "5", "2031/7/1", "", "", ""),
    )  # fmt: skip
    answer = load(law, annex, days=False)
    assert answer.exit_code == 0, answer.output
    assert added(law, "provisional") == [
        ["03031400", "", "", "0.5", "2031-01-01", "2031-06-30", SOURCE, "secondary"],
        ["03031400", "", "", "5", "2031-07-01", "", SOURCE, "official"],
    ]


def test_days_as_chinese_text_and_as_dates_of_a_workbook(law: Path, tmp_path: Path) -> None:
    annex = workbook(tmp_path / "annex.xlsx", ("税号", "暂定税率", "实施日期", "截止日期"),
                     ("03031400", "5%", datetime(2031, 1, 1), "2031年6月30日"))  # fmt: skip
    answer = load(law, annex, days=False)
    assert answer.exit_code == 0, answer.output
    assert added(law, "provisional")[0][4:6] == ["2031-01-01", "2031-06-30"]


def test_other_tables_take_what_every_row_shares_from_the_command(law: Path, tmp_path: Path) -> None:
    rates = csv_annex(
        tmp_path / "cl.csv", ("序号", "税则号列", "货品名称", "协定税率(%)"), ("1", "1604.1400", "金枪鱼", "0")
    )
    steps = [("agreement_rates", rates, ["--agreement", "CL"], ["CL", "16041400", "0"])]
    extra = csv_annex(tmp_path / "us.csv", ("税目", "加征税率"), ("1604.1400", "30%"))
    measure = ["--measure", "CA-2025", "--exporter", "Somebody"]
    steps.append(("measure_rates", extra, measure, ["CA-2025", "Somebody", "16041400", "30"]))
    listed = csv_annex(tmp_path / "list.csv", ("税则号列", "货品名称", "备注"), ("0303.1400", "冻鳟鱼", "仅限网购保税"))
    steps.append(("positive_list", listed, ["--edition", "2031"], ["03031400", "", "仅限网购保税", "", "", "2031"]))
    licence = csv_annex(tmp_path / "licence.csv", ("商品编码", "商品名称"), ("0303140000", "冻鳟鱼"))
    shared = ["--value", "listed=yes", "--value", "group=fish"]
    steps.append(("licence_catalogue", licence, shared, ["0303140000", "yes", "fish"]))
    seen = csv_annex(
        tmp_path / "controls.csv", ("商品编码", "监管条件", "检验检疫类别"), ("0303140000", "AB", "P.R/Q.S")
    )
    steps.append(("controls", seen, [], ["0303140000", "AB", "P.R/Q.S"]))
    money = csv_annex(tmp_path / "money.csv", ("币种", "汇率", "per"), ("USD", "7.0123", "1"))
    steps.append(("exchange_rates", money, [], ["USD", "7.0123", "1"]))
    quota = csv_annex(tmp_path / "events.csv", ("quota", "event", "share"), ("BEEF-SG-BR-2026", "state", "91.5"))
    steps.append(("quota_events", quota, [], ["BEEF-SG-BR-2026", "state", "91.5"]))
    for table, annex, options, expected in steps:
        answer = load(law, annex, *options, table=table)
        assert answer.exit_code == 0, answer.output
        [row] = added(law, table)
        assert row[: len(expected)] == expected, table
        shutil.rmtree(tmp_path / "new")


def test_choices_and_compound_rates(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率(%)"),
                      ("85211011", "15%或3%+4380元/套,两者从低"), ("22030000", "每升1.2元"))  # fmt: skip
    answer = load(law, annex)
    assert answer.exit_code == 0, answer.output
    assert [row[3] for row in added(law, "provisional")] == ["1.2 CNY/l", "15 or lower 3 + 4380 CNY/set"]


def test_a_mark_stands_for_what_the_operator_says(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("02071200", "T1"))
    assert refused(law, annex) == [
        "annex.csv:2: rate: 'T1' points at a note of the annex: say what it stands for with --mark T1=RATE"
    ]
    assert load(law, annex, "--mark", "T1=0.8 CNY/kg").exit_code == 0
    assert added(law, "provisional")[0][3] == "0.8 CNY/kg"
    assert load(law, annex, "--mark", "T1=cheap").exit_code == 2
