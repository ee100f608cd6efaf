"""An annex becomes a new edition of the law: written whole or not at all, and once."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from customs.assessments import assess
from customs.tariff import load_tariff
from tests.cases.law import general, line
from tests.customs.editions.small_law import (
    ANNOUNCEMENT,
    OFFICIAL,
    SOURCE,
    append,
    changes,
    contents,
    csv_annex,
    load,
    refused,
    run,
)


def test_an_annex_is_imported_and_the_goods_are_priced_by_it(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", OFFICIAL, ("0201.30.00", "", "鲜冷去骨牛肉", "12", "5%"))
    before = contents(law)
    answer = load(
        law, annex, "--title", "Provisional rates 2031", "--issuer", "Tariff Commission", "--issued", "2030-12-20"
    )
    assert answer.exit_code == 0, answer.output
    new = tmp_path / "new"
    assert contents(law) == before
    assert changes(law, new) == [
        {
            "table": "provisional", "subject": "", "code": "02013000", "lines": 2, "kind": "added",
            "first_day": "2031-01-01", "last_day": "2031-12-31",
            "before": "", "before_source": "", "before_standing": "",
            "after": "5", "after_source": SOURCE, "after_standing": "official",
        }
    ]  # fmt: skip
    old_law, new_law = load_tariff(law), load_tariff(new)
    assert f"edition {new_law.edition}, source {SOURCE}" in answer.stdout

    def duty(law_of: Any, day: str) -> int:
        return (
            assess(law_of, general(day, line("0201300090", "US", "1000.00", origin_evidence="declared")))
            .lines[0]
            .duty_fen
        )

    assert [duty(each, "2031-06-01") for each in (old_law, new_law)] == [12_000, 5_000]
    assert [duty(new_law, day) for day in ("2030-12-31", "2032-01-01")] == [12_000, 12_000]
    source = new_law.sources[SOURCE]
    assert (source["title"], source["issuer"], source["document"], source["issued"], source["in_force"]) == (
        "Provisional rates 2031", "Tariff Commission", ANNOUNCEMENT, "2030-12-20", "2031-01-01")  # fmt: skip
    assert source["how"]
    assert source["files"][0].startswith("provisional: annex.csv sha256 ")


def test_only_the_table_and_the_sources_change_and_rows_keep_their_bytes(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", OFFICIAL, ("03031400", "", "冻鳟鱼", "7", "5"))
    load(law, annex)
    old, new = contents(law), contents(tmp_path / "new")
    assert {name for name in old if old[name] != new[name]} == {"provisional.csv", "sources.toml"}
    [row] = set(new["provisional.csv"].splitlines()) - set(old["provisional.csv"].splitlines())
    rest = [line for line in new["provisional.csv"].splitlines(True) if line.rstrip() != row]
    assert b"".join(rest) == old["provisional.csv"]
    assert (
        sorted(new["provisional.csv"].splitlines()[1:], key=lambda x: x.split(b",")[:3])
        == new["provisional.csv"].splitlines()[1:]
    )
    entry = new["sources.toml"].index(f"[{SOURCE}]".encode())
    end = new["sources.toml"].index(b"\n\n", entry) + 2
    assert new["sources.toml"][:entry] + new["sources.toml"][end:] == old["sources.toml"]


def test_importing_twice_changes_nothing(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", OFFICIAL, ("03031400", "", "冻鳟鱼", "7", "5"))
    load(law, annex)
    new = tmp_path / "new"
    before = contents(new)
    for again in (
        load(law, annex),
        load(new, annex, "--in-place"),
        load(new, annex, "--output", str(tmp_path / "third")),
    ):
        assert again.exit_code == 0
        assert "already there" in again.stdout
        assert again.stdout.rstrip().endswith("nothing changed")
    assert contents(new) == before
    assert not (tmp_path / "third").exists()


def test_in_place_writes_into_the_folder(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", OFFICIAL, ("03031400", "", "冻鳟鱼", "7", "5"))
    old = shutil.copytree(law, tmp_path / "old")
    answer = load(law, annex, "--in-place")
    assert answer.exit_code == 0, answer.output
    assert [change["code"] for change in changes(old, law)] == ["03031400"]
    assert sorted(tmp_path.iterdir()) == [annex, law, old]
    load_tariff(law)


def test_a_dry_run_shows_rows_and_differences_and_writes_nothing(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", OFFICIAL, ("03031400", "", "冻鳟鱼", "7", "5"))
    before = contents(law)
    answer = load(law, annex, "--dry-run")
    assert answer.exit_code == 0
    assert f"would write 03031400,,,5,2031-01-01,2031-12-31,{SOURCE},official" in answer.stdout
    assert "provisional: 1 added; 1 line\n" in answer.stdout
    assert (contents(law), sorted(tmp_path.iterdir())) == (before, [annex, law])


# The announcement and the place


def test_the_source_id(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"))
    given = ["--table", "provisional", "--folder", law, "--first-day", "2031-01-01", "--last-day", "2031-12-31"]

    def told(announcement: str, *more: str) -> str:
        return run("import", annex, *given, "--dry-run", "--announcement", announcement, *more).output

    assert ",tariff-commission-2025-11,official" in told("税委会公告2025年第11号")
    assert ",own-name,official" in told("公告", "--source-id", "own-name")
    assert "source id: none can be made of '公告': say --source-id" in told("公告")
    assert "'Own Name' is no id such as" in told("公告", "--source-id", "Own Name")
    assert "piie-2019: it is the source" in told(ANNOUNCEMENT, "--source-id", "piie-2019")


def test_a_second_annex_of_the_same_announcement_shares_its_source(law: Path, tmp_path: Path) -> None:
    load(law, csv_annex(tmp_path / "one.csv", ("税号", "暂定税率"), ("03031400", "5")))
    new = tmp_path / "new"
    second = csv_annex(tmp_path / "two.csv", ("税号", "协定税率(%)"), ("03031400", "1"))
    answer = load(new, second, "--agreement", "CL", "--in-place", table="agreement_rates")
    assert answer.exit_code == 0, answer.output
    files = load_tariff(new).sources[SOURCE]["files"]
    assert [file.partition(" sha256 ")[0] for file in files] == ["agreement_rates: two.csv", "provisional: one.csv"]


def test_places_that_will_not_do(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("kept", "utf-8")
    [fault] = refused(law, annex, "--output", str(tmp_path / "full"))
    assert fault.endswith("holds something already: a new edition needs a folder of its own")
    assert refused(law, annex, "--output", str(law / "inner"))[0].endswith("a new edition needs a folder of its own")
    assert refused(law, annex, "--output", str(annex))[0].endswith("is a file: a new edition needs a folder")
    (tmp_path / "empty").mkdir()
    assert load(law, annex, "--output", str(tmp_path / "empty")).exit_code == 0
    load_tariff(tmp_path / "empty")


@pytest.mark.parametrize(
    "options",
    [
        ("--in-place", "--dry-run"),
        ("--dry-run", "--first-day", "1 January"),
        ("--dry-run", "--agreement", "CL"),
        ("--dry-run", "--value", "rate"),
        ("--dry-run", "--standing", "sure"),
    ],
)
def test_options_that_mean_nothing(law: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"))
    assert load(law, annex, *options).exit_code == 2
    assert sorted(tmp_path.iterdir()) == [annex, law]


def test_an_announcement_is_needed(law: Path, tmp_path: Path) -> None:
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"))
    answer = run("import", annex, "--table", "provisional", "--folder", law, "--dry-run")
    assert (answer.exit_code, "--announcement" in answer.stderr) == (2, True)


def test_faults_of_the_law_itself_come_first(law: Path, tmp_path: Path) -> None:
    at = append(law, "provisional", "0303,,,cheap,2031-01-01,,recalled,assumed")
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), ("03031400", "5"))
    answer = load(law, annex)
    assert answer.exit_code == 1
    assert f"provisional.csv:{at}: rate:" in answer.stderr


def test_progress_is_shown_after_a_second(law: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(100))
    monkeypatch.setattr("customs.editions.commands.time.monotonic", lambda: next(seconds))
    shown = ["03031400"] * 1500
    annex = csv_annex(tmp_path / "annex.csv", ("税号", "暂定税率"), *((code, "5") for code in shown))
    answer = load(law, annex)
    assert answer.exit_code == 1
    assert answer.stderr.startswith("rows")
