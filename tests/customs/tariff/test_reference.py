"""Tables beside the law: read when asked, no part of the edition, checked by `flask tariff check`."""

import shutil
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from customs.tariff import TariffFault, load_tariff
from customs.tariff.loader import check_law
from customs.tariff.reading import Row
from tests.cases.law import DATA, tariff


def test_the_nomenclature_is_whole() -> None:
    rows = tariff().reference("nomenclature")
    levels = Counter(row["level"] for row in rows)
    assert levels == {"section": 21, "chapter": 97, "heading": 1_229, "subheading": 5_613}
    assert {row["code"] for row in rows if row["filing"] == "no"} == {"99", "9999", "999999"}
    codes = {row["code"] for row in rows}
    assert [row["code"] for row in rows if row["parent"] and row["parent"] not in codes] == []
    assert [row["code"] for row in rows if not row["parent"] and row["level"] != "section"] == ["99"]


def test_zones_and_cities() -> None:
    assert Counter(row["batch"] for row in tariff().reference("zones")) == {"before 2020": 4, "2020": 10, "2022": 6}
    cities = Counter((row["programme"], row["batch"]) for row in tariff().reference("pilot_cities"))
    batches = [cities[("comprehensive_pilot_zone", str(batch))] for batch in range(1, 9)]
    assert batches == [1, 12, 22, 24, 46, 27, 33, 16]


def test_statistics_keep_what_was_printed() -> None:
    rows = tariff().reference("statistics_trade")
    july = {row["flow"]: row["value"] for row in rows
            if row["first_day"] == date(2013, 7, 1).toordinal() and row["adjusted"] == "no"}  # fmt: skip
    assert (july["export"], july["import"], july["balance"]) == (Decimal("186.0"), Decimal("168.2"), Decimal("17.8"))
    months: defaultdict[int, Row] = defaultdict(dict)
    for row in rows:
        if row["adjusted"] == "yes":
            months[row["first_day"]][row["flow"]] = row["value"]
    assert len(months) == 324
    for flows in months.values():
        assert abs(flows["export"] - flows["import"] - flows["balance"]) <= Decimal("0.002")


def test_every_reference_row_has_days_a_source_and_a_standing() -> None:
    for name in ("nomenclature", "line_notes", "areas", "list_editions", "zones", "pilot_cities", "statistics_trade",
                 "statistics_commodities"):  # fmt: skip
        for row in tariff().reference(name):
            assert row["first_day"] <= row["last_day"], name
            assert row["source"] in tariff().sources, name
    assert len(tariff().reference("line_notes")) == 5_870


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DATA, tmp_path / "law")
    return tmp_path / "law"


def test_a_table_beside_the_law_is_no_part_of_the_edition(folder: Path) -> None:
    (folder / "zones.csv").unlink()
    law = load_tariff(folder)
    assert law.edition == tariff().edition
    with pytest.raises(TariffFault, match=r"zones.csv:0: the file is missing"):
        law.reference("zones")
    with pytest.raises(KeyError):
        law.reference("mfn")


def test_the_check_reads_the_tables_beside_the_law_too(folder: Path) -> None:
    law, rows = check_law(folder)
    assert (law.edition, rows) == (tariff().edition, 14_285)
    with open(folder / "zones.csv", "a", encoding="utf-8") as file:
        file.write("2030,某地,Somewhere,,2030-02-30,2030-01-01,,recalled,assumed\n")
    with open(folder / "bans.csv", "a", encoding="utf-8") as file:
        file.write("X,ZZ,03,ban,a trial,2026-01-01,,recalled,assumed\n")
    with pytest.raises(TariffFault) as refused:
        check_law(folder)
    faults = [str(fault) for fault in refused.value.faults]
    assert any(fault.startswith("bans.csv:") for fault in faults)
    assert any(fault.startswith("zones.csv:22: announced: '2030-02-30'") for fault in faults)


def test_goods_of_a_territory_have_an_origin() -> None:
    """Falkland squid, Guam: origins of the alpha-3 list of declarations, though without a number of the older one."""
    for alpha2, alpha3 in (("FK", "FLK"), ("GU", "GUM"), ("SH", "SHN")):
        assert tariff().countries[alpha2]["alpha3"] == alpha3
    beside = {row["alpha3"] or row["number"] for row in tariff().reference("areas")}
    assert {"CAI", "ZZZ", "999"} <= beside
