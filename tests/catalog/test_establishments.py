"""The register of overseas plants: loaded from a file, asked by day, and what it says decides."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog import compliance, establishments, registrations
from catalog.establishments import Register, RegisterFault
from catalog.models import Establishment, Listing
from core.database import db
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage/listings"
HEAD = "country,number,name,hs,valid_from,valid_to,standing\n"
DAY = date(2026, 11, 23)


def row(**changes: Any) -> Establishment:
    values = {"country": "AU", "number": "0412", "key": "0412", "name": "Plant", "prefixes": ["0201", "0202"],
              "valid_from": date(2024, 1, 1), "valid_to": date(2028, 12, 31), "standing": "registered"}  # fmt: skip
    return Establishment(**{**values, **changes})


def register(*rows: Establishment) -> Register:
    found: dict[tuple[str, str], list[Establishment]] = {}
    for each in rows:
        found.setdefault((each.country, each.key), []).append(each)
    return Register(found, {each.country for each in rows})


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "unverified"),
        ([row(country="NZ")], "unverified"),
        ([row(key="9999")], "not_on_file"),
        ([row()], "registered"),
        ([row(valid_from=DAY, valid_to=DAY)], "registered"),
        ([row(valid_to=None)], "registered"),
        ([row(valid_to=date(2026, 11, 22))], "not_valid"),
        ([row(valid_from=date(2026, 11, 24))], "not_valid"),
        ([row(standing="suspended")], "suspended"),
        ([row(standing="cancelled")], "suspended"),
        ([row(prefixes=["0204"])], "other_goods"),
        ([row(prefixes=[])], "registered"),
        ([row(valid_to=date(2025, 1, 1)), row(valid_from=date(2026, 6, 1))], "registered"),  # renewed
        ([row(), row(valid_from=date(2026, 6, 1), standing="suspended")], "suspended"),
        ([row(valid_from=date(2026, 6, 1), standing="suspended"), row()], "suspended"),
        ([row(), row(valid_from=date(2026, 12, 1), standing="suspended")], "registered"),  # not yet
        ([row(), row(valid_from=date(2026, 6, 1), prefixes=["0204"], standing="suspended")], "registered"),
        ([row(standing="suspended"), row(valid_from=date(2026, 6, 1))], "registered"),  # taken up again
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_register_says(rows: list[Establishment], says: str) -> None:
    assert register(*rows).says("AU", "AU 0412", "0202300090", DAY) == says


@pytest.mark.parametrize(
    ("written", "key"),
    [("AU 0412", "0412"), ("au-0412", "0412"), ("0412", "0412"), ("SIF 0337", "SIF0337"), ("AU", "AU")],
)
def test_a_number_is_one_however_written(written: str, key: str) -> None:
    assert establishments.key_of("AU", written) == key


def test_the_decree_of_the_day() -> None:
    assert registrations.in_force(date(2021, 12, 31)) is None
    for day, name in ((date(2022, 1, 1), "gacc-248"), (date(2026, 5, 31), "gacc-248"), (date(2026, 6, 1), "gacc-280")):
        decree = registrations.in_force(day)
        assert decree is not None
        assert decree.id == name
        assert decree.demands("0202300090")
        assert not decree.demands("8457101000")
    assert registrations.decrees()[0].may_demand("0409000000")
    assert not registrations.decrees()[1].may_demand("0409000000"), "the new catalogue was not read"


def beef(**changes: Any) -> Listing:
    values = {"route": "general_trade", "hs": "0202300090", "origin": "AU", "unit": "kg", "title_zh": "牛肉",
              "net_weight_kg": 1, "establishment_no": "AU 0412", "category": "beef", "attributes": {}}  # fmt: skip
    return Listing(**{**values, **changes})


def test_refusals_name_the_decree_of_their_day(app: Any) -> None:
    known = register(row(standing="suspended"))
    for day, decree in ((date(2026, 5, 31), "248"), (date(2026, 6, 1), "280")):
        with pytest.raises(Problem) as refused:
            compliance.check_law(beef(), day, known)
        assert refused.value.code == "establishment_refused"
        assert decree in str(refused.value.extra["rule"])
        with pytest.raises(Problem) as missing:
            compliance.check_law(beef(establishment_no=None), day, known)
        assert decree in str(missing.value.extra["rules"])
    compliance.check_law(beef(), DAY, register(row()))
    compliance.check_law(beef(), DAY, Register())


def test_retail_is_exempt(app: Any) -> None:
    lobster = {"route": "cross_border_retail", "mode": "1210", "hs": "0306120000", "origin": "CA"}
    compliance._check_plant(beef(**lobster), DAY, register(row(country="CA", standing="suspended")))


def load(tmp_path: Path, text: str, coding: str = "utf-8") -> int:
    path = tmp_path / "register.csv"
    path.write_bytes((HEAD + text).encode(coding))
    return establishments.load(path, "tests")


def test_a_file_is_loaded_and_loaded_again(context: None, tmp_path: Path) -> None:
    text = (
        "AU,AU 0412,Coolibah Plains,0201 0202,2024-01-01,2028-12-31,registered\nNZ,ME 15,某厂,,2024-01-01,,registered\n"
    )
    assert load(tmp_path, text, "utf-8-sig") == 2
    assert load(tmp_path, text.replace("registered", "suspended", 1)) == 2
    db.session.rollback()
    rows = {each.country: each for each in db.session.query(Establishment)}
    assert {country: each.standing for country, each in rows.items()} == {"AU": "suspended", "NZ": "registered"}
    assert (rows["AU"].key, rows["AU"].prefixes, rows["NZ"].valid_to) == ("0412", ["0201", "0202"], None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("XX,1,Plant,,2024-01-01,,registered", "row 2, country"),
        ("AU,=1+1,Plant,,2024-01-01,,registered", "row 2, number"),
        ("AU,1,,,2024-01-01,,registered", "row 2, name"),
        ("AU,1,Plant,02AB,2024-01-01,,registered", "row 2, hs"),
        ("AU,1,Plant,,2024-13-01,,registered", "row 2, valid_from"),
        ("AU,1,Plant,,2024-01-01,soon,registered", "row 2, valid_to"),
        ("AU,1,Plant,,2024-01-02,2024-01-01,registered", "lies before"),
        ("AU,1,Plant,,2024-01-01,,fine", "row 2, standing"),
        ("AU,1,Plant,,2024-01-01,", "as many cells"),
        ("AU,1,Plant,,2024-01-01,,registered,more", "as many cells"),
        ("AU,1,A,,2024-01-01,,registered\nAU,AU 1,B,,2024-01-01,,registered", "stands twice"),
    ],
)
def test_a_fault_is_named_and_nothing_is_stored(context: None, tmp_path: Path, text: str, told: str) -> None:
    good = "NZ,ME 15,Plant,,2024-01-01,,registered\n"
    with pytest.raises(RegisterFault, match=told):
        load(tmp_path, text + "\n" + good)
    assert db.session.query(Establishment).count() == 0


def test_a_file_of_another_form_is_refused(context: None, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    for raw in (b"number,country\n", b"\xff\xfe\x00", b""):
        path.write_bytes(raw)
        with pytest.raises(RegisterFault):
            establishments.load(path, "tests")


def test_the_command(app: Any, context: None, tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(HEAD + "AU,0412,Plant,02,2024-01-01,,registered\n")
    done = app.test_cli_runner().invoke(args=["establishments", "import", str(path)])
    assert (done.exit_code, done.output.strip()) == (0, "1 establishments stored")
    path.write_text(HEAD + "AU,0412,Plant,02,never,,registered\n")
    refused = app.test_cli_runner().invoke(args=["establishments", "import", str(path)])
    assert refused.exit_code == 1
    assert "row 2, valid_from" in refused.output


def needs(client: Any, seller: Seller, listing: Any) -> dict[str, Any]:
    answer = client.get(f"{MANAGE}/{listing}/requirements", headers=seller.bearer)
    return {each["code"]: each for each in answer.get_json()["items"]}


def test_a_listing_is_held_to_it_at_submission(client: Any, seller: Seller, tmp_path: Path) -> None:
    listing = builders.draft(seller, builders.general())
    assert "establishment_unverified" in needs(client, seller, listing)
    load(tmp_path, "AU,0499,Other plant,02,2024-01-01,,registered\n")
    answer = client.post(f"{MANAGE}/{listing}/submit", headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "establishment_refused")
    assert list(answer.get_json()["errors"]) == ["establishment_no"]
    assert "establishment_refused" in needs(client, seller, listing)
    load(tmp_path, "AU,0412,Plant,02,2024-01-01,,registered\n")
    assert client.post(f"{MANAGE}/{listing}/submit", headers=seller.bearer).get_json()["status"] == "submitted"
    found = needs(client, seller, listing)
    assert "establishment_verified" in found
    assert {"automatic_import_licence", "quarantine"} <= found.keys()
    assert found["establishment_verified"]["phrases"]["detail"]["zh"]
