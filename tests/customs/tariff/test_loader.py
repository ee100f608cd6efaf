"""The loader: every fault at once, each with file and line; an edition is a hash of the files."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from customs.tariff import TariffFault, load_tariff
from tests.cases.law import DATA, tariff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DATA, tmp_path / "law")
    return tmp_path / "law"


def _append(folder: Path, name: str, *rows: str) -> int:
    """Add rows to a table; the line number of the first."""
    path = folder / f"{name}.csv"
    text = path.read_text("utf-8")
    path.write_text(text + "".join(f"{row}\n" for row in rows), "utf-8")
    return text.count("\n") + 1


def _faults(folder: Path) -> list[str]:
    with pytest.raises(TariffFault) as refused:
        load_tariff(folder)
    return [str(fault) for fault in refused.value.faults]


def test_all_faults_are_reported_together(folder: Path) -> None:
    first = _append(folder, "general",
                    "0202300090,70,2012-01-01,,hs-pages,guessed",
                    "02O2300090,70,2012-01-01,,hs-pages,secondary",
                    "0202,seventy,2012-01-01,,hs-pages,secondary",
                    "0203,70,2012-02-30,,hs-pages,secondary",
                    "0204,70,2012-01-01,2011-01-01,hs-pages,secondary",
                    "0206,70,2012-01-01,,no-such-source,secondary",
                    "0207,70")  # fmt: skip
    at = _append(folder, "origin_classes", "WTO_MEMBER,mfn,ZZ,2001-12-11,,wto-members,assumed")
    (folder / "coverage.toml").write_text(
        (folder / "coverage.toml").read_text("utf-8") + '\n[[gap]]\nid = "X"\n', "utf-8"
    )
    faults = _faults(folder)
    assert [fault for fault in faults if fault.startswith("general.csv")] == [
        f"general.csv:{first}: standing: 'guessed' is not official, secondary or assumed",
        f"general.csv:{first + 1}: hs: '02O2300090' is not a tariff code of 2, 4, 6, 8 or 10 digits",
        f"general.csv:{first + 2}: rate: 'seventy' is neither a percentage nor an amount per unit such as 10 CNY/ml",
        f"general.csv:{first + 3}: first_day: '2012-02-30' is not a day of the calendar",
        f"general.csv:{first + 4}: the period ends before it begins",
        f"general.csv:{first + 5}: source: unknown source 'no-such-source'",
        f"general.csv:{first + 6}: 2 cells where the heading has 6",
    ]
    assert f"origin_classes.csv:{at}: country: unknown country 'ZZ'" in faults
    assert any(fault.startswith("coverage.toml:0: X: unknown source") for fault in faults)


def test_two_rows_in_force_on_one_day(folder: Path) -> None:
    at = _append(folder, "vat_rates", "standard,12,2026-06-01,2026-07-01,vat-law,official")
    assert any(f"vat_rates.csv:{at}: standard: in force on the same day as line" in fault for fault in _faults(folder))


def test_days_without_a_row_where_none_may_be_missing(folder: Path) -> None:
    path = folder / "vat_rates.csv"
    rows = [row for row in path.read_text("utf-8").splitlines() if "reduced,11," not in row]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    assert any("reduced: days without a row after line" in fault for fault in _faults(folder))


def test_a_missing_file_and_a_wrong_heading(folder: Path) -> None:
    (folder / "bans.csv").unlink()
    (folder / "quotas.csv").write_text("id,measure\n", "utf-8")
    faults = _faults(folder)
    assert "bans.csv:0: the file is missing" in faults
    assert any(
        fault.startswith("quotas.csv:1: the heading must be id,measure,country,tonnes,first_day") for fault in faults
    )


def test_a_reference_to_nothing(folder: Path) -> None:
    at = _append(folder, "agreement_rates", "NOWHERE,0202,0,2020-01-01,,recalled,assumed")
    assert f"agreement_rates.csv:{at}: agreement: 'NOWHERE' is not in agreements" in _faults(folder)


def test_a_customs_rate_is_of_a_known_currency_in_a_known_quote(folder: Path) -> None:
    at = _append(folder, "exchange_rates",
                 "UDS,7.1,1,2026-05-01,2026-05-31,recalled,assumed",
                 "USD,71,10,2026-05-01,2026-05-31,recalled,assumed",
                 "USD,7.1,1,2026-01-31,2026-01-31,recalled,assumed")  # fmt: skip
    faults = _faults(folder)
    assert f"exchange_rates.csv:{at}: currency: 'UDS' is not in currencies.code" in faults
    assert f"exchange_rates.csv:{at + 1}: per: '10' is not one of 1, 100" in faults
    assert any(f"exchange_rates.csv:{at + 2}: USD: in force on the same day as line" in fault for fault in faults)


def test_bytes_that_are_not_text(folder: Path) -> None:
    (folder / "bans.csv").write_bytes(b"\xff\xfe")
    assert "bans.csv:0: not UTF-8 text" in _faults(folder)


def test_the_edition_is_the_content(folder: Path) -> None:
    assert load_tariff(folder).edition == tariff().edition
    _append(folder, "bans", "CN-TEST,CN,99,ban,a trial,2026-01-01,,recalled,assumed")
    assert load_tariff(folder).edition != tariff().edition


def test_an_operator_adds_an_anti_dumping_duty_per_exporter(folder: Path) -> None:
    """A measure nobody compiled in: an exporter's own rate displaces the rate of all others."""
    from customs.assessments import assess
    from tests.cases.law import general, line

    _append(folder, "measures",
            "AD-TEST,anti_dumping,反倾销税,Anti-dumping duty,a notice,TH,2026-01-01,,recalled,assumed")  # fmt: skip
    _append(folder, "measure_rates",
            "AD-TEST,,16041400,40,,,2026-01-01,,recalled,assumed",
            "AD-TEST,Siam Tuna,16041400,7.5,,,2026-01-01,,recalled,assumed")  # fmt: skip
    law = load_tariff(folder)

    def added(**more: str) -> int:
        [each] = assess(law, general("2026-06-01", line("1604140000", "TH", "1000.00", **more))).lines
        return each.additional_duty_fen

    assert added() == 40_000
    assert added(exporter="Siam Tuna") == 7_500
    assert added(exporter="Somebody Else") == 40_000
    [before] = assess(law, general("2025-12-31", line("1604140000", "TH", "1000.00"))).lines
    assert before.additional_duty_fen == 0


def test_rates_in_two_arms_take_the_lower(folder: Path) -> None:
    from customs.assessments import assess
    from tests.cases.law import general, line

    _append(folder, "provisional", "85211011,,,15 or lower 3 + 4380 CNY/set,2026-01-01,2026-12-31,recalled,assumed")
    law = load_tariff(folder)

    def duty(value: str) -> int:
        sold = line("8521101100", "DE", value, quantity=1, unit="set")
        return assess(law, general("2026-06-01", sold)).lines[0].duty_fen

    assert duty("10000.00") == 150_000
    assert duty("36500.00") == 547_500  # where the arms meet
    assert duty("100000.00") == 738_000


def test_every_row_has_days_a_source_and_a_standing() -> None:
    law = tariff()
    for name, rows in law.tables.items():
        for row in rows:
            assert row["first_day"] <= row["last_day"], name
            assert row["source"] in law.sources, name
            assert row["standing"] in (0, 1, 2), name


def test_every_source_says_what_it_is() -> None:
    for name, source in tariff().sources.items():
        assert source["title"], name
        assert source["how"], name


def test_a_code_is_only_answered_while_it_is_in_force() -> None:
    law = tariff()
    assert law.children("03061490", date(2023, 12, 31)) != law.children("03061490", date(2024, 1, 1))
