"""The law at the door of the shop, through the HTTP contract: each refusal names its rule."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from catalog import compliance, elements, listings, seed
from catalog.api import inputs, schemas
from catalog.establishments import Register
from catalog.models import Listing
from core.database import db
from core.errors import Problem
from customs import edition
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage/listings"
DAY = date(2026, 11, 23)


def post(client: Any, seller: Seller, values: dict[str, Any]) -> Any:
    return client.post(MANAGE, json=values, headers=seller.bearer)


def refused(client: Any, seller: Seller, values: dict[str, Any], code: str, field: str) -> dict[str, Any]:
    answer = post(client, seller, values)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (422, code), body
    assert field in body["errors"]
    return body


def test_a_code_that_does_not_exist(client: Any, seller: Seller) -> None:
    refused(client, seller, builders.general(hs="0202309999"), "code_unknown", "hs")
    refused(client, seller, builders.general(hs="02029999"), "code_unknown", "hs")


def test_a_code_that_is_closed_on_the_day(client: Any, seller: Seller) -> None:
    body = refused(client, seller, builders.general(hs="8462211000"), "code_not_in_force", "hs")
    assert "2021-12-31" in body["detail"]


def test_beef_is_not_on_the_retail_list(client: Any, seller: Seller) -> None:
    values = builders.retail(hs="0202300090", origin="AU")
    assert "0202300" in refused(client, seller, values, "not_on_positive_list", "hs")["detail"]


def test_seafood_may_come_bonded_only(client: Any, seller: Seller) -> None:
    body = refused(client, seller, builders.retail(mode="9610"), "mode_not_allowed", "mode")
    assert "1210" in body["detail"]
    assert body["rule"]["source"]


def test_a_banned_origin(client: Any, seller: Seller) -> None:
    for values in (builders.retail(origin="JP"), builders.general(hs="0303131000", origin="JP")):
        body = refused(client, seller, values, "origin_banned", "origin")
        assert "2025-11-19" in body["detail"]
        assert body["rule"]["source"]


def test_an_origin_that_is_no_country(client: Any, seller: Seller) -> None:
    refused(client, seller, builders.general(origin="XX"), "origin_unknown", "origin")


def test_the_ban_is_of_its_time(context: None) -> None:
    row = Listing(origin="JP", hs="0303131000", route="general_trade", unit="kg")
    compliance.check_route(row, date(2025, 11, 18))
    with pytest.raises(Problem, match="JP"):
        compliance.check_route(row, date(2025, 11, 19))


def test_services_have_no_code_and_goods_have_one(client: Any, seller: Seller) -> None:
    service = builders.general(route="services", unit="project", net_weight_kg=None, category="research_design")
    refused(client, seller, service, "listing_incomplete", "hs")
    assert post(client, seller, {name: value for name, value in service.items() if name != "hs"}).status_code == 201
    refused(client, seller, builders.general(unit="project"), "listing_incomplete", "unit")


def submit(client: Any, seller: Seller, values: dict[str, Any]) -> Any:
    listing = post(client, seller, values).get_json()["id"]
    return client.post(f"{MANAGE}/{listing}/submit", headers=seller.bearer)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hs": "03061200"}, "hs"),
        ({"title": {"en": "Lobster"}}, "title.zh"),
        ({"gross_weight_kg": None}, "gross_weight_kg"),
        ({"gross_weight_kg": "0.4"}, "gross_weight_kg"),
        ({"statutory": None}, "statutory.unit1_quantity"),
        ({"statutory": {"unit1_quantity": "0.5"}}, "statutory.unit1_quantity"),
        ({"statutory": {"unit1_quantity": "0.45", "unit2_quantity": "1"}}, "statutory.unit2_quantity"),
        ({"net_content": None}, "net_content"),
        ({"gtin": None}, "gtin"),
        ({"gtin": "4006381333932"}, "gtin"),
        ({"declaration_elements": None}, "declaration_elements"),
        ({"declaration_elements": {"品牌类型": "4"}}, "declaration_elements"),
    ],
    ids=str,
)
def test_what_a_retail_filing_needs(client: Any, seller: Seller, change: dict[str, Any], field: str) -> None:
    answer = submit(client, seller, builders.retail(**change))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "listing_incomplete")
    assert list(answer.get_json()["errors"]) == [field]
    assert all(rule["source"] for rule in answer.get_json()["rules"])


def test_a_missing_element_is_named(client: Any, seller: Seller) -> None:
    given = {name: text for name, text in builders.retail()["declaration_elements"].items() if name != "拉丁名称"}
    answer = submit(client, seller, builders.retail(declaration_elements=given))
    assert answer.get_json()["errors"]["declaration_elements"] == ["拉丁名称 is a declaration element of 0306120000"]


@pytest.mark.parametrize(("text", "said"), [("a|b", "must not hold |"), ("x" * 255, "at most 510 characters together")])
def test_elements_must_fit_into_the_list(client: Any, seller: Seller, text: str, said: str) -> None:
    """An order of them could be paid and never filed, or customs would read one element in another's place."""
    given = {name: text if name not in elements.OPTIONAL else "" for name in builders.retail()["declaration_elements"]}
    answer = submit(client, seller, builders.retail(declaration_elements=given))
    assert answer.status_code == 422, answer.get_json()
    assert any(said in words for words in answer.get_json()["errors"]["declaration_elements"])


def test_elements_are_kept_in_the_order_of_the_code(client: Any, seller: Seller) -> None:
    given = dict(reversed(builders.retail()["declaration_elements"].items()))
    listing = post(client, seller, builders.retail(declaration_elements=given)).get_json()["id"]
    client.post(f"{MANAGE}/{listing}/submit", headers=seller.bearer)
    kept = db.session.scalars(select(Listing.declaration_elements)).one()
    assert [name for name, _ in kept[:3]] == ["品牌类型", "出口享惠情况", "制作或保存方法"]
    assert kept[1] == ["出口享惠情况", "3"]


def test_meat_needs_its_plant(client: Any, seller: Seller) -> None:
    answer = submit(client, seller, builders.general(establishment_no=None))
    assert list(answer.get_json()["errors"]) == ["establishment_no"]


def test_the_law_is_asked_again_at_publication(
    client: Any, seller: Seller, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that leaves the list between submission and review does not enter the shop."""
    listing = builders.draft(seller, builders.retail())
    listings.move("tests", seller.id, listing, "submit")
    monkeypatch.setattr(type(edition.tariff()), "positive_list", lambda *_: None)
    answer = client.post(f"/api/v1/catalog/review/{listing}", json={"decision": "approve"}, headers=operator)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "not_on_positive_list")
    assert listings.managed(seller.id, listing)["status"] == "submitted"


def _demo() -> list[dict[str, Any]]:
    files = sorted(seed.DEMO.glob("*.toml"))
    return [listing for path in files for listing in tomllib.loads(Path(path).read_text("utf-8"))["listing"]]


def test_the_demonstration_holds_by_the_law_of_its_day(app: Any) -> None:
    faults = []
    routes: dict[str, int] = {}
    for facts in _demo():
        given = {name: value for name, value in facts.items() if name != "lot"}
        row = Listing(status="draft")
        listings.apply(row, inputs.listing_values(schemas.NewListing().load(given)))
        try:
            compliance.check_all(row, DAY, Register())
        except Problem as fault:
            faults.append((facts["sku"], fault.code, fault.errors))
        routes[row.route] = routes.get(row.route, 0) + 1
    assert faults == []
    assert sum(routes.values()) >= 60
    assert set(routes) == {"cross_border_retail", "general_trade", "services"}


def test_names_of_elements_are_taken_with_or_without_their_hint() -> None:
    names = ["品牌类型", "制作或保存方法(冻)", "状态（带壳、去壳）", "个体重量[如1000-2000克/条(块)等]"]
    given = {"品牌类型": "4", "制作或保存方法（冻）": "冻", "状态": "带壳", "个体重量": "1千克"}
    assert elements.missing(names, given) == []
    assert elements.unknown(names, given) == []
    assert elements.in_order(names, given, None) == [
        ["品牌类型", "4"],
        ["制作或保存方法", "冻"],
        ["状态", "带壳"],
        ["个体重量", "1千克"],
    ]
