"""New rows against rows that the law has: refused, or the open ones end the day before. None is edited."""

import shutil
from datetime import datetime
from pathlib import Path

from customs.tariff import load_tariff
from tests.customs.editions.small_law import (
    SOURCE,
    added,
    append,
    changes,
    csv_annex,
    edit,
    load,
    refused,
)


def test_open_rows_end_the_day_before_only_when_told(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "最惠国税率(%)"), ("03031400", "6"))
    [there] = [
        n for n, row in enumerate((law / "mfn.csv").read_text("utf-8").splitlines(), 1) if row.startswith("03031400,")
    ]
    [fault] = refused(law, annex, table="mfn")
    assert fault.startswith(f"annex.csv:2: 03031400: in force on the same day as line {there} of mfn.csv (")
    assert fault.endswith(" to open end); --supersede ends it the day before")
    answer = load(law, annex, "--supersede", table="mfn")
    assert answer.exit_code == 0, answer.output
    assert f"line {there} of mfn.csv ends on 2030-12-31: 03031400 from " in answer.stdout
    [closed, row] = added(law, "mfn")
    assert (closed[0], closed[4]) == ("03031400", "2030-12-31")
    assert row == ["03031400", "6", "2031-12-31", "2031-01-01", "2031-12-31", SOURCE, "official"]
    found = changes(law, tmp_path / "new")
    assert [(c["code"], c["kind"], c["first_day"], c["last_day"], c["after"]) for c in found] == [
        ("03031400", "changed", "2031-01-01", "2031-12-31", "6"),
        ("03031400", "removed", "2032-01-01", None, ""),
    ]
    assert "already there" in load(tmp_path / "new", annex, "--supersede", "--in-place", table="mfn").stdout


def test_an_open_end_is_vouched_for_to_the_end_of_its_first_year(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "最惠国税率(%)"), ("03031400", "6"))
    days = ["--first-day", "2031-07-01", "--last-day", "open", "--supersede"]
    load(law, annex, *days, table="mfn", days=False)
    assert added(law, "mfn")[-1][2:5] == ["2031-12-31", "2031-07-01", ""]
    shutil.rmtree(tmp_path / "new")
    load(law, annex, *days, "--verified-to", "2033-12-31", table="mfn", days=False)
    assert added(law, "mfn")[-1][2:5] == ["2033-12-31", "2031-07-01", ""]


def test_rows_with_an_end_are_never_touched(law: Path, tmp_path: Path) -> None:
    at = append(law, "provisional", "03031400,,,4,2031-01-01,2031-12-31,recalled,assumed",
                "03031100,,,4,2031-02-01,,recalled,assumed")  # fmt: skip
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"), ("03031100", "5"))
    assert refused(law, annex, "--supersede") == [
        f"annex.csv:2: 03031400: in force on the same day as line {at} of provisional.csv (2031-01-01 to 2031-12-31)",
        f"annex.csv:3: 03031100: in force on the same day as line {at + 1} of provisional.csv (2031-02-01 to open end)",
    ]


def test_a_new_list_replaces_the_old_one_whole(law: Path, tmp_path: Path) -> None:
    """Codes that a new edition of the retail list no longer names end with the old edition."""
    annex = csv_annex(tmp_path / "list.csv", ("税则号列", "货品名称"), ("03061490", "蟹"))
    days = ["--first-day", "2031-01-01", "--last-day", "open", "--edition", "2031", "--supersede"]
    load(law, annex, *days, table="positive_list", days=False)
    assert [row[0] for row in added(law, "positive_list")] == ["03061490", "03061490"]
    assert load_tariff(tmp_path / "new").positive_list("16041400", datetime(2031, 1, 1).date()) is not None
    shutil.rmtree(tmp_path / "new")
    load(law, annex, *days, "--whole-list", table="positive_list", days=False)
    whole = load_tariff(tmp_path / "new")
    listed = [whole.positive_list(code, datetime(2031, 1, 1).date()) for code in ("16041400", "22030000", "03061490")]
    assert [entry and entry.edition for entry in listed] == [None, None, "2031"]


def test_longer_codes_that_stay_in_force_are_named(law: Path, tmp_path: Path) -> None:
    at = append(law, "provisional", "0201300010,,,4,2031-01-01,,recalled,assumed")
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("02013000", "5"))
    answer = load(law, annex)
    assert f"02013000: longer codes keep their own rows: 0201300010 (line {at})" in answer.stdout
    assert [change["lines"] for change in changes(law, tmp_path / "new")] == [1]


def test_a_fault_that_only_the_whole_folder_shows_leaves_nothing_behind(law: Path, tmp_path: Path) -> None:
    """VAT rates may leave no day without a row: the loader says so after the rows are written."""
    annex = csv_annex(tmp_path / "vat.csv", ("class", "增值税税率"), ("standard", "12"))
    days = ["--first-day", "2031-01-01", "--last-day", "open"]
    edit(law, "vat_rates", "standard,13,2026-01-01,,", "standard,13,2026-01-01,2029-12-31,")
    [fault] = refused(law, annex, *days, table="vat_rates", days=False)
    assert "standard: days without a row after line" in fault
