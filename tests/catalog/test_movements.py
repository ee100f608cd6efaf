"""Why what is on hand changed: movements are kept for ever, their sum is what is on hand, and the check proves it."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from catalog import lots, movements, recalls, receiving, stock_check
from catalog.lots import Want
from catalog.models import Lot
from core.database import db, transaction
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

BASE = "/api/v1/catalog/manage/lots"


@pytest.fixture
def lot(seller: Seller, bonded: uuid.UUID) -> uuid.UUID:
    return builders.receive(seller, builders.publish(seller, builders.retail()), bonded, "10")


def move(
    seller: Seller, lot: uuid.UUID, kind: str, quantity: str, reference: str = "R1", **more: Any
) -> dict[str, Any]:
    return movements.write(
        "tests", seller.id, lot, {"kind": kind, "quantity": Decimal(quantity), "reference": reference, **more}
    )


def faults() -> list[str]:
    db.session.rollback()
    return list(stock_check.check(db.session()))


def test_what_comes_back_and_what_is_destroyed(client: Any, seller: Seller, lot: uuid.UUID) -> None:
    assert move(seller, lot, "return", "2", "return 7")["on_hand"] == "12"
    assert move(seller, lot, "destruction", "5", "act 12")["on_hand"] == "7"
    receiving.adjust("tests", seller.id, lot, Decimal(6), "one broken")
    told = client.get(f"{BASE}/{lot}/movements", headers=seller.bearer).get_json()["items"]
    assert [(row["kind"], row["quantity"]) for row in told] == [
        ("adjustment", "-1"),
        ("destruction", "-5"),
        ("return", "2"),
        ("receipt", "10"),
    ]
    assert faults() == []


def test_a_reference_moves_a_lot_once(seller: Seller, lot: uuid.UUID) -> None:
    move(seller, lot, "destruction", "1")
    with pytest.raises(Problem) as refused:
        move(seller, lot, "destruction", "1")
    assert (refused.value.code, refused.value.status) == ("moved_already", 409)
    assert faults() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "receipt", "quantity": "1", "reference": "x"}, "kind"),
        ({"kind": "shipment", "quantity": "1", "reference": "x"}, "kind"),
        ({"kind": "return", "quantity": "-1", "reference": "x"}, "quantity"),
        ({"kind": "return", "quantity": "0.5", "reference": "x"}, "quantity"),
        ({"kind": "return", "quantity": "1", "reference": "x", "weight_kg": "1"}, "weight_kg"),
        ({"kind": "recall", "quantity": "1", "reference": "x"}, "kind"),
        ({"kind": "destruction", "quantity": "1"}, "reference"),
    ],
    ids=str,
)
def test_what_cannot_be_moved(client: Any, seller: Seller, lot: uuid.UUID, body: dict[str, str], field: str) -> None:
    answer = client.post(f"{BASE}/{lot}/movements", json=body, headers=seller.bearer)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_a_lot_holds_no_more_than_its_column(client: Any, seller: Seller, lot: uuid.UUID) -> None:
    body = {"kind": "return", "quantity": "99999999999999", "reference": "x"}
    answer = client.post(f"{BASE}/{lot}/movements", json=body, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["errors"]) == (422, {"quantity": ["is more than a lot can hold"]})
    assert faults() == []


def test_nothing_is_destroyed_that_orders_hold(seller: Seller, lot: uuid.UUID) -> None:
    row = db.session.get_one(Lot, lot)
    listing_id = row.listing_id
    with transaction() as session:
        lots.hold(session, [Want(listing_id, Decimal(8))], "order 1")
    with pytest.raises(Problem) as refused:
        move(seller, lot, "destruction", "3")
    assert refused.value.code == "stock_reserved"
    assert move(seller, lot, "destruction", "2")["on_hand"] == "8"


def test_recalled_goods_are_taken_out(seller: Seller, lot: uuid.UUID) -> None:
    recalls.recall("tests", seller.id, lot, "salmonella")
    assert move(seller, lot, "recall", "10")["on_hand"] == "0"


def test_a_movement_is_never_rewritten(seller: Seller, lot: uuid.UUID) -> None:
    for change in ("UPDATE stock_movement SET quantity = 11", "DELETE FROM stock_movement"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(change))


def test_another_merchants_lot_is_not_there(client: Any, other_seller: Seller, lot: uuid.UUID) -> None:
    body = {"kind": "return", "quantity": "1", "reference": "x"}
    assert client.post(f"{BASE}/{lot}/movements", json=body, headers=other_seller.bearer).status_code == 404
    assert client.get(f"{BASE}/{lot}/movements", headers=other_seller.bearer).status_code == 404


def test_the_check_names_the_lot_that_does_not_add_up(app: Any, lot: uuid.UUID) -> None:
    runner = app.test_cli_runner()
    sound = runner.invoke(args=["stock", "check"])
    assert (sound.exit_code, sound.output) == (0, "the stock adds up\n")
    with transaction() as session:
        session.execute(update(Lot).values(on_hand=9, reserved=1))
    broken = runner.invoke(args=["stock", "check"])
    assert broken.exit_code == 1
    assert broken.output.splitlines() == [
        f"lot {lot}: 9 on hand, but its movements sum to 10",
        f"lot {lot}: 1 reserved, but orders hold 0",
        "2 faults",
    ]
