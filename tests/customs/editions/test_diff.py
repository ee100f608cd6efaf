"""What an edition changes: by code and day, as answered and not as the rows happen to be cut."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from tests.customs.editions.small_law import append, changes, edit, run

DUCK = "02013000,12,2019-12-31,2018-01-01,,piie-2019,secondary\n"


@pytest.fixture
def new(law: Path) -> Path:
    """A second folder, the same law until the test edits it."""
    return Path(shutil.copytree(law, law.parent / "new"))


def _facts(found: list[dict], *names: str) -> list[tuple]:
    return [tuple(change[name] for name in names) for change in found]


def test_the_same_law_has_no_change(law: Path, new: Path) -> None:
    answer = run("diff", law, new)
    assert (answer.exit_code, answer.stdout.splitlines()[-1]) == (0, "no change")


def test_a_rate_that_changes_on_a_day(law: Path, new: Path) -> None:
    append(law, "provisional", "02013000,,,8,2031-01-01,2031-12-31,recalled,assumed")
    append(new, "provisional",
           "02013000,,,8,2031-01-01,2031-06-30,recalled,assumed",
           "02013000,,,5,2031-07-01,2031-12-31,vat-law,official")  # fmt: skip
    [change] = changes(law, new)
    assert change == {
        "table": "provisional", "subject": "", "code": "02013000", "lines": 2, "kind": "changed",
        "first_day": "2031-07-01", "last_day": "2031-12-31",
        "before": "8", "before_source": "recalled", "before_standing": "assumed",
        "after": "5", "after_source": "vat-law", "after_standing": "official",
    }  # fmt: skip


def test_a_row_cut_in_two_with_the_same_answer_is_no_change(law: Path, new: Path) -> None:
    append(law, "provisional", "02013000,,,8,2031-01-01,2031-12-31,recalled,assumed")
    append(new, "provisional",
           "02013000,,,8,2031-01-01,2031-03-31,recalled,assumed",
           "02013000,,,8,2031-04-01,2031-12-31,recalled,assumed")  # fmt: skip
    assert changes(law, new) == []


def test_rows_moved_to_longer_codes_with_the_same_answer_are_no_change(law: Path, new: Path) -> None:
    append(law, "provisional", "02013000,,,8,2031-01-01,2031-12-31,recalled,assumed")
    append(new, "provisional",
           "0201300010,,,8,2031-01-01,2031-12-31,recalled,assumed",
           "0201300090,,,8.0,2031-01-01,2031-12-31,recalled,assumed")  # fmt: skip
    assert changes(law, new) == []


def test_another_source_alone_is_told_apart(law: Path, new: Path) -> None:
    append(law, "provisional", "02013000,,,8,2031-01-01,2031-12-31,recalled,assumed")
    append(new, "provisional", "02013000,,,8,2031-01-01,2031-12-31,vat-law,official")
    assert _facts(changes(law, new), "kind", "before_standing", "after_standing") == [
        ("restated", "assumed", "official")
    ]


def test_a_reading_carried_further_changes_the_standing_of_those_days(law: Path, new: Path) -> None:
    edit(new, "mfn", DUCK, DUCK.replace("2019-12-31", "2021-12-31"))
    assert _facts(changes(law, new), "kind", "first_day", "last_day", "before_standing", "after_standing") == [
        ("restated", "2020-01-01", "2021-12-31", "assumed", "secondary")
    ]


def test_a_prefix_row_is_reported_once_with_the_lines_it_reaches(law: Path, new: Path) -> None:
    """Of four lines under the prefix one has a row of its own, one has one for half of the time, one comes later."""
    for folder, rate in ((law, "3"), (new, "4")):
        append(folder, "lines",
               "0201300091,试,A trial,035,,E7,2031-01-01,,recalled,assumed",
               "0201300092,试,A trial,035,,E7,2032-01-01,,recalled,assumed")  # fmt: skip
        append(folder, "provisional",
               f"020130,,,{rate},2031-01-01,2031-12-31,recalled,assumed",
               "0201300010,,,9,2031-01-01,2031-12-31,recalled,assumed",
               "0201300090,,,9,2031-01-01,2031-06-30,recalled,assumed")  # fmt: skip
    [change] = changes(law, new)
    assert (change["code"], change["before"], change["after"], change["lines"]) == ("020130", "3", "4", 2)
    assert (change["first_day"], change["last_day"]) == ("2031-01-01", "2031-12-31")


def test_a_prefix_row_that_longer_codes_answer_for_everywhere_changes_nothing(law: Path, new: Path) -> None:
    for folder, rate in ((law, "3"), (new, "4")):
        append(folder, "provisional",
               f"02013000,,,{rate},2031-01-01,2031-12-31,recalled,assumed",
               "0201300010,,,9,2031-01-01,2031-12-31,recalled,assumed",
               "0201300090,,,9,2031-01-01,2031-12-31,recalled,assumed")  # fmt: skip
    assert changes(law, new) == []


def test_a_row_taken_away_falls_back_to_the_prefix(law: Path, new: Path) -> None:
    for folder in (law, new):
        append(folder, "provisional", "0201,,,3,2031-01-01,2031-12-31,recalled,assumed")
    append(law, "provisional", "02013000,,,8,2031-01-01,2031-12-31,recalled,assumed")
    assert _facts(changes(law, new), "code", "kind", "before", "after") == [("02013000", "changed", "8", "3")]


def test_none_is_no_rate(law: Path, new: Path) -> None:
    append(new, "provisional", "02013000,,,none,2031-01-01,2031-12-31,recalled,assumed")
    assert changes(law, new) == []
    append(law, "provisional", "0201,,,3,2031-01-01,2031-12-31,recalled,assumed")
    append(new, "provisional", "0201,,,3,2031-01-01,2031-12-31,recalled,assumed")
    assert _facts(changes(law, new), "code", "kind", "before", "after") == [("02013000", "removed", "3", "")]


def test_a_staged_rate_is_compared_year_by_year(law: Path, new: Path) -> None:
    append(law, "agreement_rates", "CL,16041400,10 staged 5 from 2031,2031-01-01,2032-12-31,recalled,assumed")
    append(new, "agreement_rates",
           "CL,16041400,8,2031-01-01,2031-12-31,recalled,assumed",
           "CL,16041400,7,2032-01-01,2032-12-31,recalled,assumed")  # fmt: skip
    assert _facts(changes(law, new), "subject", "first_day", "last_day", "before", "after") == [
        ("CL", "2032-01-01", "2032-12-31", "6", "7")
    ]


def test_an_end_within_a_day_concerns_that_day(law: Path, new: Path) -> None:
    row = "US-2018,,16041400,30,{first},{last},2031-01-01,2031-12-31,recalled,assumed"
    append(law, "measure_rates", row.format(first="", last=""))
    append(new, "measure_rates", row.format(first="", last="13:01"))
    assert _facts(changes(law, new), "code", "first_day", "last_day", "after") == [
        ("16041400", "2031-12-31", "2031-12-31", "last_time 13:01")
    ]


def test_a_list_is_asked_by_code_whatever_its_edition(law: Path, new: Path) -> None:
    append(law, "positive_list", "0303140000,1210,,,,old,2031-01-01,,recalled,assumed")
    append(new, "positive_list",
           "0303140000,1210,,,,old,2031-01-01,2031-12-31,recalled,assumed",
           "0303140000,1210;9610,,,,next,2032-01-01,,recalled,assumed")  # fmt: skip
    assert _facts(changes(law, new), "code", "kind", "first_day", "before", "after") == [
        ("0303140000", "changed", "2032-01-01", "1210; edition old", "1210;9610; edition next")
    ]


def test_lines_members_limits_measures_and_events(law: Path, new: Path) -> None:
    line = next(x for x in (law / "lines.csv").read_text("utf-8").splitlines(True) if x.startswith("0201300010"))
    edit(new, "lines", line, line.replace("hs-zh-2019", "hs-pages"))
    append(new, "lines", "0201300091,试,A trial,035,,E7,2031-01-01,,recalled,assumed")
    append(new, "agreement_members", "CL,FR,2031-01-01,,recalled,assumed")
    append(new, "measures", "X-1,safeguard,试,A trial,a notice,FR,2031-01-01,,recalled,assumed")
    append(new, "quota_events", "BEEF-SG-BR-2026,surcharge_starts,,2026-12-01,2026-12-31,recalled,assumed")
    edit(new, "retail_limits", "5000,26000,70,2019-01-01,,", "5000,26000,70,2019-01-01,2030-12-31,")
    append(new, "retail_limits", "8000,26000,70,2031-01-01,,recalled,assumed")
    found = {(c["table"], c["subject"], c["code"]): c for c in changes(law, new)}
    assert [(key, c["kind"]) for key, c in found.items()] == [
        (("lines", "", "0201300010"), "restated"),
        (("lines", "", "0201300091"), "added"),
        (("agreement_members", "CL / FR", ""), "added"),
        (("measures", "X-1", ""), "added"),
        (("quota_events", "BEEF-SG-BR-2026 / surcharge_starts", ""), "added"),
        (("retail_limits", "", ""), "changed"),
    ]
    limits = found[("retail_limits", "", "")]
    assert (limits["before"], limits["after"], limits["first_day"], limits["last_day"]) == (
        "5000", "8000", "2031-01-01", None)  # fmt: skip


def test_declaration_elements_are_what_they_say_and_not_their_number(law: Path, new: Path) -> None:
    elements = (law / "elements.csv").read_text("utf-8").splitlines(True)
    seven = next(line for line in elements if line.startswith("E7,"))
    append(new, "elements", seven.replace("E7,", "E9999,").rstrip("\n"))
    text = (new / "lines.csv").read_text("utf-8")
    (new / "lines.csv").write_text(text.replace(",E7,", ",E9999,"), "utf-8")
    assert changes(law, new) == []
    edit(new, "elements", seven.replace("E7,", "E9999,"), seven.replace("E7,", "E9999,").replace("|", "|试|", 1))
    assert {(c["table"], c["code"]) for c in changes(law, new)} == {("lines", "0201300010"), ("lines", "0201300090")}


def test_sources_and_gaps_of_coverage(law: Path, new: Path) -> None:
    coverage = new / "coverage.toml"
    coverage.write_text(coverage.read_text("utf-8").replace("CA-LOBSTER-2027", "CA-CRAB-2027"), "utf-8")
    answer = json.loads(run("diff", law, new, "--format", "json").stdout)
    assert _facts(answer["changes"], "table", "subject", "kind", "first_day") == [
        ("coverage", "gap CA-CRAB-2027", "added", None),
        ("coverage", "gap CA-LOBSTER-2027", "removed", None),
    ]


def test_filters_and_the_exit_code_that_follows_them(law: Path, new: Path) -> None:
    append(new, "provisional",
           "0201,,,3,2031-01-01,2031-12-31,recalled,assumed",
           "0303140000,,,4,2032-01-01,2032-12-31,recalled,assumed")  # fmt: skip
    append(new, "agreement_members", "CL,FR,2031-01-01,,recalled,assumed")
    assert [c["code"] for c in changes(law, new, "--prefix", "02013000")] == ["0201"]
    assert [c["code"] for c in changes(law, new, "--prefix", "0303")] == ["0303140000"]
    assert changes(law, new, "--prefix", "16") == []
    assert [c["table"] for c in changes(law, new, "--table", "agreement_members")] == ["agreement_members"]
    assert [c["code"] for c in changes(law, new, "--day", "2032-12-31", "--table", "provisional")] == ["0303140000"]
    assert changes(law, new, "--day", "2033-01-01", "--table", "provisional") == []


def test_the_table_and_the_csv_tell_the_same(law: Path, new: Path) -> None:
    append(new, "provisional", "0303,ex,冻鱼,3,2031-01-01,,recalled,assumed")
    answer = run("diff", law, new)
    assert answer.exit_code == 1
    lines = answer.stdout.splitlines()
    place = lines.index("provisional")
    assert "ex / 冻鱼" in lines[place + 1]
    assert "2031-01-01 to open end" in lines[place + 1]
    assert lines[place + 1].endswith("added  nothing -> 3 (recalled, assumed)")
    assert lines[-1].startswith("provisional: 1 added; ")
    [row] = csv.DictReader(io.StringIO(run("diff", law, new, "--format", "csv").stdout))
    assert (row["code"], row["kind"], row["first_day"], row["last_day"], row["after"]) == (
        "0303", "added", "2031-01-01", "", "3")  # fmt: skip
    assert lines[-1] == f"provisional: 1 added; {row['lines']} lines"


def test_a_folder_with_faults_is_exit_2(law: Path, new: Path) -> None:
    at = append(new, "provisional", "0303,,,3,2031-02-30,,recalled,assumed")
    answer = run("diff", law, new)
    assert answer.exit_code == 2
    assert f"provisional.csv:{at}: first_day: '2031-02-30' is not a day of the calendar" in answer.stderr


@pytest.mark.parametrize("option", [("--prefix", "02O1"), ("--day", "2031-02-30"), ("--table", "tariffs")])
def test_options_that_mean_nothing(law: Path, new: Path, option: tuple[str, str]) -> None:
    assert run("diff", law, new, *option).exit_code == 2
