"""A lot that is recalled or in quarantine: not sold from that moment, and freed only by those who may."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from catalog.sale import sale_facts
from core import clock
from core.audit import AuditEntry
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage/lots"
REVIEW = "/api/v1/catalog/review"


@pytest.fixture
def listing(seller: Seller) -> uuid.UUID:
    return builders.publish(seller, builders.retail())


@pytest.fixture
def lot(seller: Seller, listing: uuid.UUID, bonded: uuid.UUID) -> uuid.UUID:
    return builders.receive(seller, listing, bonded, "10", batch_no="L-77")


def available(listing: uuid.UUID) -> int:
    db.session.rollback()
    return int(sale_facts([listing])[listing].available)


def heat(**changes: Any) -> dict[str, str]:
    at = clock.instant_text(clock.now() - timedelta(minutes=5))
    return {"at": at, "celsius": "-9.5", "allowed_celsius": "-18", **changes}  # type: ignore[dict-item]


def test_a_recall_is_at_once_and_for_good(client: Any, seller: Seller, listing: uuid.UUID, lot: uuid.UUID) -> None:
    answer = client.post(f"{MANAGE}/{lot}/recall", json={"reason": "salmonella"}, headers=seller.bearer).get_json()
    assert (answer["blocked"], answer["block_kind"], answer["block_reason"]) == (True, "recall", "salmonella")
    assert answer["blocked_at"] is not None
    assert answer["available"] == "0"
    assert available(listing) == 0
    assert client.get(f"/api/v1/catalog/listings/{listing}").get_json()["available"] == "0"
    freed = client.post(f"{MANAGE}/{lot}/unblock", headers=seller.bearer)
    assert (freed.status_code, freed.get_json()["code"]) == (409, "wrong_state")
    again = client.post(f"{MANAGE}/{lot}/recall", json={"reason": "other"}, headers=seller.bearer).get_json()
    assert (again["block_reason"], again["blocked_at"]) == ("salmonella", answer["blocked_at"])


def test_an_operator_cannot_lift_a_recall_either(client: Any, operator: dict[str, str], lot: uuid.UUID) -> None:
    client.post(f"{REVIEW}/lots/{lot}/recall", json={"reason": "salmonella"}, headers=operator)
    freed = client.post(f"{REVIEW}/lots/{lot}/release", json={"reason": "fine"}, headers=operator)
    assert (freed.status_code, freed.get_json()["code"]) == (409, "wrong_state")


def test_another_merchant_recalls_nothing(
    client: Any, other_seller: Seller, listing: uuid.UUID, lot: uuid.UUID
) -> None:
    for path, body in (("recall", {"reason": "x"}), ("temperature", heat())):
        assert client.post(f"{MANAGE}/{lot}/{path}", json=body, headers=other_seller.bearer).status_code == 404
    assert available(listing) == 10


def test_a_batch_is_recalled_over_all_merchants_at_once(
    client: Any, operator: dict[str, str], seller: Seller, other_seller: Seller, bonded: uuid.UUID, lot: uuid.UUID
) -> None:
    theirs = builders.publish(other_seller, builders.retail())
    second = builders.receive(other_seller, theirs, bonded, "4", batch_no="L-77")
    spared = builders.receive(other_seller, theirs, bonded, "3", batch_no="L-78")
    found = client.get(f"{REVIEW}/lots?batch_no=L-77", headers=operator).get_json()["items"]
    assert {row["id"] for row in found} == {str(lot), str(second)}
    assert {row["merchant"]["id"] for row in found} == {str(seller.id), str(other_seller.id)}
    body = {"batch_no": "L-77", "reason": "salmonella at the plant"}
    answer = client.post(f"{REVIEW}/recalls", json=body, headers=operator).get_json()
    assert {row["id"] for row in answer["items"]} == {str(lot), str(second)}
    assert {row["block_kind"] for row in answer["items"]} == {"recall"}
    assert available(theirs) == 3
    stopped = client.get(f"{REVIEW}/lots", headers=operator).get_json()["items"]
    assert {row["id"] for row in stopped} == {str(lot), str(second)}
    assert str(spared) not in {row["id"] for row in stopped}
    logged = db.session.query(AuditEntry).filter_by(action="lot_recall").all()
    assert {entry.object_id for entry in logged} == {str(lot), str(second)}


def test_a_batch_recall_may_be_of_one_merchant(
    client: Any, operator: dict[str, str], other_seller: Seller, bonded: uuid.UUID, listing: uuid.UUID, lot: uuid.UUID
) -> None:
    theirs = builders.publish(other_seller, builders.retail())
    builders.receive(other_seller, theirs, bonded, "4", batch_no="L-77")
    body = {"batch_no": "L-77", "reason": "x", "merchant_id": str(other_seller.id)}
    assert len(client.post(f"{REVIEW}/recalls", json=body, headers=operator).get_json()["items"]) == 1
    assert (available(theirs), available(listing)) == (0, 10)
    unknown = client.post(f"{REVIEW}/recalls", json={"batch_no": "nothing", "reason": "x"}, headers=operator)
    assert unknown.status_code == 404


def test_a_broken_cold_chain_is_a_quarantine_that_an_operator_lifts(
    client: Any, operator: dict[str, str], seller: Seller, listing: uuid.UUID, lot: uuid.UUID
) -> None:
    answer = client.post(f"{MANAGE}/{lot}/temperature", json=heat(), headers=seller.bearer).get_json()
    assert answer["block_kind"] == "quarantine"
    assert answer["block_reason"].startswith("-9.5 °C at ")
    assert "at most -18 °C" in answer["block_reason"]
    assert available(listing) == 0
    assert client.post(f"{MANAGE}/{lot}/unblock", headers=seller.bearer).status_code == 409
    freed = client.post(f"{REVIEW}/lots/{lot}/release", json={"reason": "core at -17.8"}, headers=operator)
    assert (freed.status_code, freed.get_json()["block_kind"]) == (200, None)
    assert available(listing) == 10


def test_a_quarantine_may_become_a_recall_but_not_the_other_way(client: Any, seller: Seller, lot: uuid.UUID) -> None:
    client.post(f"{MANAGE}/{lot}/temperature", json=heat(), headers=seller.bearer)
    recalled = client.post(f"{MANAGE}/{lot}/recall", json={"reason": "spoiled"}, headers=seller.bearer).get_json()
    assert recalled["block_kind"] == "recall"
    heated = client.post(f"{MANAGE}/{lot}/temperature", json=heat(), headers=seller.bearer).get_json()
    assert (heated["block_kind"], heated["block_reason"]) == ("recall", "spoiled")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"celsius": "-18"}, "celsius"),
        ({"celsius": "-25"}, "celsius"),
        ({"celsius": "1e3"}, "celsius"),
        ({"celsius": "－9"}, "celsius"),
        ({"at": "2099-01-01T00:00:00Z"}, "at"),
        ({"allowed_celsius": "cold"}, "allowed_celsius"),
    ],
    ids=str,
)
def test_a_report_that_tells_nothing(
    client: Any, seller: Seller, lot: uuid.UUID, changes: dict[str, str], field: str
) -> None:
    answer = client.post(f"{MANAGE}/{lot}/temperature", json=heat(**changes), headers=seller.bearer)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_a_hold_of_the_merchant_is_lifted_by_the_merchant(client: Any, seller: Seller, lot: uuid.UUID) -> None:
    held = client.post(f"{MANAGE}/{lot}/block", json={"reason": "label"}, headers=seller.bearer).get_json()
    assert held["block_kind"] == "hold"
    freed = client.post(f"{MANAGE}/{lot}/unblock", headers=seller.bearer).get_json()
    assert (freed["blocked"], freed["block_kind"], freed["blocked_at"]) == (False, None, None)


def test_a_lot_that_an_operator_stopped_is_freed_by_an_operator_only(
    client: Any, operator: dict[str, str], seller: Seller, listing: uuid.UUID, lot: uuid.UUID
) -> None:
    client.post(f"{MANAGE}/{lot}/block", json={"reason": "label"}, headers=seller.bearer)
    stopped = client.post(f"{REVIEW}/lots/{lot}/block", json={"reason": "suspect"}, headers=operator).get_json()
    assert (stopped["block_kind"], stopped["block_reason"]) == ("quarantine", "suspect")
    freed = client.post(f"{MANAGE}/{lot}/unblock", headers=seller.bearer)
    assert (freed.status_code, freed.get_json()["code"]) == (409, "wrong_state")
    assert available(listing) == 0
    assert client.post(f"{REVIEW}/lots/{lot}/release", json={"reason": "good"}, headers=operator).status_code == 200
    assert available(listing) == 10


def test_a_merchant_is_told_what_an_operator_does_to_its_lot(
    client: Any, operator: dict[str, str], seller: Seller, other_seller: Seller, listing: uuid.UUID, lot: uuid.UUID
) -> None:
    client.post(f"{REVIEW}/lots/{lot}/temperature", json=heat(), headers=operator)
    client.post(f"{REVIEW}/lots/{lot}/release", json={"reason": "core at -18"}, headers=operator)
    body = {"batch_no": "L-77", "reason": "salmonella"}
    for _ in range(2):
        client.post(f"{REVIEW}/recalls", json=body, headers=operator)
    path = "/api/v1/catalog/manage/notices"
    told = client.get(path, headers=seller.bearer).get_json()["items"]
    kinds = [row["kind"] for row in told if row["kind"].startswith("lot_")]
    assert kinds == ["lot_recall", "lot_released", "lot_quarantine"]
    assert (told[0]["listing_id"], told[0]["data"]["reason"]) == (str(listing), "salmonella")
    assert (told[0]["data"]["lot"], told[0]["data"]["batch_no"]) == (str(lot), "L-77")
    assert client.get(path, headers=other_seller.bearer).get_json()["items"] == []


def test_what_a_merchant_does_itself_it_is_not_told(client: Any, seller: Seller, lot: uuid.UUID) -> None:
    client.post(f"{MANAGE}/{lot}/recall", json={"reason": "salmonella"}, headers=seller.bearer)
    told = client.get("/api/v1/catalog/manage/notices", headers=seller.bearer).get_json()["items"]
    assert [row["kind"] for row in told if row["kind"].startswith("lot_")] == []
