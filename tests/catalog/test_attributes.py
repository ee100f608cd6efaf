"""Attributes are data: each category has its own, what it has not is refused, what it must have is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import attributes, categories
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage/listings"


def all_categories() -> list[str]:
    return [
        code for entry in categories.tree() for code in (entry["code"], *(each["code"] for each in entry["children"]))
    ]


def test_every_attribute_is_whole_and_reads_in_both_languages() -> None:
    for category in all_categories():
        for attribute in attributes.of(category).values():
            assert all((attribute.zh, attribute.en, attribute.rule))
            assert attribute.kind in ("text", "number", "bool", "enum")
            assert bool(attribute.choices) == (attribute.kind in ("bool", "enum"))
            assert attribute.most > 0 or attribute.choices


def test_a_shelf_has_those_of_its_department_too() -> None:
    assert {"cut", "grade"} <= attributes.of("beef_boneless").keys()
    assert {"glazing", "catch_area", "production"} <= attributes.of("lobster").keys()
    assert "cut" not in attributes.of("lobster")
    assert {"price_basis", "iron", "lot_tonnes"} <= attributes.of("ores").keys()
    assert "price_basis" not in attributes.of("metals")


@pytest.mark.parametrize(
    ("category", "given"),
    [
        ("lobster", {"cut": "rib"}),
        ("lobster", {"glazing": "61"}),
        ("lobster", {"glazing": "-1"}),
        ("lobster", {"glazing": "1e1"}),
        ("lobster", {"glazing": "１０"}),
        ("lobster", {"production": "Wild"}),
        ("lobster", {"catch_area": "99"}),
        ("beef", {"halal": "true"}),
        ("beef", {"grade": "x" * 41}),
        ("beef", {"grade": " "}),
        ("machine_tools", {"built": "2020.5"}),
        ("machine_tools", {"built": "1949"}),
        ("research_design", {"model": "X"}),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_its_rule(category: str, given: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        attributes.check(category, given)
    assert list(refused.value.errors) == [f"attributes.{next(iter(given))}"]


def test_what_fits_is_taken() -> None:
    attributes.check("lobster", {"glazing": "7.5", "production": "wild", "catch_area": "21", "lot_size": "5000"})
    attributes.check("beef", {"cut": "striploin", "halal": "yes", "grade": "A5"})
    attributes.check("machine_tools", {"condition": "used", "power": "18.5", "built": "2019", "model": "VMC-850"})


def test_they_are_checked_when_written(client: Any, seller: Seller) -> None:
    answer = client.post(MANAGE, json=builders.retail(attributes={"colour": "blue"}), headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_input")
    assert "glazing" in answer.get_json()["errors"]["attributes.colour"][0], "says what there is"
    made = client.post(MANAGE, json=builders.retail(attributes={"glazing": "10"}), headers=seller.bearer).get_json()
    headers = {**seller.bearer, "If-Match": "*"}
    moved = client.patch(f"{MANAGE}/{made['id']}", json={"category": "beef"}, headers=headers)
    assert list(moved.get_json()["errors"]) == ["attributes.glazing"], "a new shelf, other attributes"
    both = client.patch(f"{MANAGE}/{made['id']}", json={"category": "beef", "attributes": {}}, headers=headers)
    assert both.status_code == 200


def test_what_must_be_said_is_asked_for_at_submission(client: Any, seller: Seller) -> None:
    values = builders.general(category="machine_tools", hs="8457101000", origin="DE", unit="machine", attributes={})
    made = client.post(MANAGE, json=values, headers=seller.bearer).get_json()
    answer = client.post(f"{MANAGE}/{made['id']}/submit", headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "listing_incomplete")
    assert list(answer.get_json()["errors"]) == ["attributes.condition"]
    change = {"attributes": {"condition": "used", "power": "18.5"}}
    client.patch(f"{MANAGE}/{made['id']}", json=change, headers={**seller.bearer, "If-Match": "*"})
    assert client.post(f"{MANAGE}/{made['id']}/submit", headers=seller.bearer).get_json()["status"] == "submitted"


def test_what_must_be_said_stays_said_on_sale(client: Any, seller: Seller) -> None:
    values = builders.general(category="machine_tools", hs="8457101000", origin="DE", unit="machine",
                              attributes={"condition": "used"})  # fmt: skip
    path = f"{MANAGE}/{builders.publish(seller, values)}"
    headers = {**seller.bearer, "If-Match": "*"}
    answer = client.patch(path, json={"attributes": {"power": "18.5"}}, headers=headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["attributes.condition"])
    answer = client.patch(path, json={"attributes": {"condition": "new"}}, headers=headers)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "published")


def test_anybody_may_read_the_rules(client: Any) -> None:
    told = client.get("/api/v1/catalog/attributes?category=ores").get_json()
    basis = next(each for each in told if each["key"] == "price_basis")
    assert (basis["required"], basis["type"], basis["name"]["zh"]) == (True, "enum", "计价基准")
    assert [choice["value"] for choice in basis["choices"]] == ["dry_tonne", "wet_tonne"]
    assert client.get("/api/v1/catalog/attributes?category=nothing").status_code == 422
