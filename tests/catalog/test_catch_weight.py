"""Sold by the piece, priced by the kilogram: the listing, its lots, what a quote may say of the weight."""

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from catalog import catch_weight, lots, receiving, stock_check
from core.database import db, transaction
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

BASE = "/api/v1/catalog/manage"


def ham(**changes: Any) -> dict[str, Any]:
    """A ham of nominally 4.5 kg at 88.88 yuan a kilogram."""
    weight = {"priced_by": "kg", "price_per_kg": "88.88", "piece_weight_kg": "4.5", "weight_tolerance": 10}
    return builders.general(**{"unit": "piece", "price": None, "net_weight_kg": None, **weight, **changes})


def create(client: Any, seller: Seller, **changes: Any) -> Any:
    return client.post(f"{BASE}/listings", json=ham(**changes), headers=seller.bearer)


def test_the_price_of_a_piece_follows_from_its_nominal_weight(client: Any, seller: Seller) -> None:
    made = create(client, seller)
    told = made.get_json()
    assert made.status_code == 201
    assert (told["price"], told["price_per_kg"], told["net_weight_kg"]) == ("399.96", "88.88", "4.5")
    assert (told["priced_by"], told["piece_weight_kg"], told["weight_tolerance"]) == ("kg", "4.5", 10)
    dearer = client.patch(
        f"{BASE}/listings/{told['id']}", json={"price_per_kg": "90.01"}, headers={**seller.bearer, "If-Match": "*"}
    ).get_json()
    assert dearer["price"] == "405.05"  # 405.045, half-up


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price_per_kg": None}, "price_per_kg"),
        ({"piece_weight_kg": None}, "piece_weight_kg"),
        ({"weight_tolerance": None}, "weight_tolerance"),
        ({"weight_tolerance": 11}, "weight_tolerance"),
        ({"piece_weight_kg": "0"}, "piece_weight_kg"),
        ({"price": "400.00"}, "price"),
        ({"unit": "kg"}, "unit"),
        ({"priced_by": "unit", "price": "1.00", "net_weight_kg": "1"}, "price_per_kg"),
        ({"priced_by": "pound"}, "priced_by"),
        ({"price_per_kg": "0.01", "piece_weight_kg": "0.001"}, "price_per_kg"),
        ({"price_per_kg": "1000000000.00", "piece_weight_kg": "10000"}, "price_per_kg"),
    ],
    ids=str,
)
def test_what_does_not_go_together(client: Any, seller: Seller, changes: dict[str, Any], field: str) -> None:
    answer = create(client, seller, **changes)
    assert (answer.status_code, next(iter(answer.get_json()["errors"]))) == (422, field)


def test_retail_goods_are_priced_by_the_kilogram_too(client: Any, seller: Seller) -> None:
    """They are filed when they are weighed."""
    weight = {"priced_by": "kg", "price_per_kg": "300.00", "piece_weight_kg": "0.45", "weight_tolerance": 5}
    body = builders.retail(price=None, **weight)
    answer = client.post(f"{BASE}/listings", json=body, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["price"], answer.get_json()["net_weight_kg"]) == (
        201,
        "135.00",
        "0.45",
    )


def test_what_is_sold_by_quotation_is_not_priced_by_the_kilogram(client: Any, seller: Seller) -> None:
    machine = {"category": "machine_tools", "hs": "8457101000", "origin": "DE"}
    answer = create(client, seller, **machine, establishment_no=None, cold_chain=None)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["priced_by"])


def test_a_listing_may_go_back_to_a_price_by_the_piece(client: Any, seller: Seller) -> None:
    listing = create(client, seller).get_json()["id"]
    plain = client.patch(
        f"{BASE}/listings/{listing}",
        json={"priced_by": "unit", "price": "400.00"},
        headers={**seller.bearer, "If-Match": "*"},
    ).get_json()
    assert (plain["price"], plain["price_per_kg"], plain["piece_weight_kg"]) == ("400.00", None, None)


@pytest.mark.parametrize(
    ("pieces", "weight", "taken"),
    [("10", "45", True), ("10", "40.5", True), ("10", "49.5", True), ("10", "40.4", False), ("10", "49.50001", False),
     ("10", None, False)],
)  # fmt: skip
def test_a_lot_comes_in_with_pieces_and_weight(
    seller: Seller, store: uuid.UUID, pieces: str, weight: str | None, taken: bool
) -> None:
    listing = builders.draft(seller, ham())
    given = None if weight is None else Decimal(weight)
    if not taken:
        with pytest.raises(Problem, match="weight_kg"):
            builders.receive(seller, listing, store, pieces, weight_kg=given)
        return
    lot = builders.receive(seller, listing, store, pieces, weight_kg=given)
    told = receiving.own_one(seller.id, lot)
    assert (told["on_hand"], told["weight_kg"]) == (pieces, weight)
    counted = receiving.adjust("tests", seller.id, lot, Decimal(9), "one lost", Decimal("40.2"))
    assert (counted["on_hand"], counted["weight_kg"]) == ("9", "40.2")
    assert list(stock_check.check(db.session())) == []


def test_no_more_kilograms_are_destroyed_than_the_lot_weighs(client: Any, seller: Seller, store: uuid.UUID) -> None:
    lot = builders.receive(seller, builders.draft(seller, ham()), store, "10", weight_kg=Decimal(45))
    body = {"kind": "destruction", "quantity": "1", "weight_kg": "4500", "reference": "act 1"}
    answer = client.post(f"{BASE}/lots/{lot}/movements", json=body, headers=seller.bearer)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["weight_kg"])
    assert receiving.own_one(seller.id, lot)["weight_kg"] == "45"


def test_a_lot_from_before_the_listing_was_priced_by_the_kilogram_is_weighed_out(
    client: Any, seller: Seller, store: uuid.UUID
) -> None:
    """Its weight is not known; what leaves it is, and the check still adds up."""
    listing = builders.publish(seller, builders.general(unit="piece"))
    builders.receive(seller, listing, store, "10")
    weight = {"priced_by": "kg", "price_per_kg": "88.88", "piece_weight_kg": "4.5", "weight_tolerance": 10}
    headers = {**seller.bearer, "If-Match": "*"}
    assert client.patch(f"{BASE}/listings/{listing}", json=weight, headers=headers).status_code == 200
    with transaction() as session:
        taken = lots.hold(session, [lots.Want(listing, Decimal(2))], "order 1")
    with transaction() as session:
        lots.take_out(session, [replace(each, weight_kg=Decimal(9)) for each in taken], "order 1")
    assert list(stock_check.check(db.session())) == []


def test_goods_priced_by_the_unit_have_no_weight_in_stock(seller: Seller, store: uuid.UUID) -> None:
    listing = builders.draft(seller, builders.general())
    with pytest.raises(Problem, match="weight_kg"):
        builders.receive(seller, listing, store, "10", weight_kg=Decimal(10))


def test_what_is_told_of_a_line() -> None:
    facts = {"priced_by": "kg", "kg_price_fen": 8888, "piece_weight_kg": "4.50000", "weight_tolerance": 10}
    assert catch_weight.told(facts, Decimal(2)) == {
        "price_per_kg": "88.88",
        "nominal_weight_kg": "9",
        "tolerance_percent": 10,
        "least_weight_kg": "8.1",
        "most_weight_kg": "9.9",
    }
    assert catch_weight.told({"priced_by": "unit"}, Decimal(2)) is None
    assert catch_weight.told({}, Decimal(2)) is None, "an order of before the rule"
