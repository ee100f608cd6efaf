"""The merchant's side over HTTP: the life of a listing, tenants apart, bad input refused."""

import uuid
from typing import Any

import pytest

from catalog.models import Listing, ListingVersion
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage"
REVIEW = "/api/v1/catalog/review"
SHELF = "/api/v1/catalog/listings"


def create(client: Any, seller: Seller, **changes: Any) -> dict[str, Any]:
    answer = client.post(f"{MANAGE}/listings", json=builders.retail(**changes), headers=seller.bearer)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def step(client: Any, seller: Seller, listing: str, move: str) -> Any:
    return client.post(f"{MANAGE}/listings/{listing}/{move}", headers=seller.bearer)


def decide(client: Any, operator: dict[str, str], listing: str, decision: str, reason: str = "") -> Any:
    return client.post(f"{REVIEW}/{listing}", json={"decision": decision, "reason": reason}, headers=operator)


def change(client: Any, seller: Seller, listing: dict[str, Any], **values: Any) -> Any:
    headers = {**seller.bearer, "If-Match": f'"{listing["version"]}"'}
    return client.patch(f"{MANAGE}/listings/{listing['id']}", json=values, headers=headers)


def test_the_life_of_a_listing(client: Any, seller: Seller, operator: dict[str, str]) -> None:
    listing = create(client, seller)
    path = f"{SHELF}/{listing['id']}"
    assert listing["status"] == "draft"
    assert client.get(path).status_code == 404
    assert step(client, seller, listing["id"], "publish").get_json()["code"] == "wrong_state"
    assert step(client, seller, listing["id"], "submit").get_json()["status"] == "submitted"
    assert client.get(path).status_code == 404
    assert step(client, seller, listing["id"], "publish").status_code == 409
    waiting = client.get(f"{REVIEW}/listings", headers=operator).get_json()["items"]
    assert [(each["id"], each["merchant"]["id"]) for each in waiting] == [(listing["id"], str(seller.id))]
    assert decide(client, operator, listing["id"], "approve").get_json()["status"] == "published"
    assert client.get(path).get_json()["landed_price"]
    assert step(client, seller, listing["id"], "publish").status_code == 200
    assert step(client, seller, listing["id"], "withdraw").get_json()["status"] == "withdrawn"
    assert client.get(path).status_code == 404
    assert step(client, seller, listing["id"], "publish").get_json()["status"] == "published"
    assert client.get(path).status_code == 200


def test_a_rejected_listing_comes_back_with_the_reason(client: Any, seller: Seller, operator: dict[str, str]) -> None:
    listing = create(client, seller)["id"]
    step(client, seller, listing, "submit")
    assert decide(client, operator, listing, "reject").status_code == 422
    assert decide(client, operator, listing, "reject", "照片不符").status_code == 200
    found = client.get(f"{MANAGE}/listings/{listing}", headers=seller.bearer).get_json()
    assert (found["status"], found["reasons"]) == ("draft", ["照片不符"])


def test_a_listing_taken_down_does_not_come_back_unseen(client: Any, seller: Seller, operator: dict[str, str]) -> None:
    listing = create(client, seller)["id"]
    step(client, seller, listing, "submit")
    decide(client, operator, listing, "approve")
    assert decide(client, operator, listing, "reject", "recalled").get_json()["status"] == "withdrawn"
    assert step(client, seller, listing, "publish").status_code == 409
    assert client.get(f"{SHELF}/{listing}").status_code == 404
    assert step(client, seller, listing, "submit").get_json()["status"] == "submitted"


def test_a_published_listing_may_change_its_price_but_not_what_it_is(
    client: Any, seller: Seller, operator: dict[str, str]
) -> None:
    listing = create(client, seller)
    step(client, seller, listing["id"], "submit")
    listing = decide(client, operator, listing["id"], "approve").get_json()
    listing = change(client, seller, listing, price="200.00").get_json()
    assert listing["status"] == "published"
    assert client.get(f"{SHELF}/{listing['id']}").get_json()["price"] == "200.00"
    listing = change(client, seller, listing, origin="US").get_json()
    assert listing["status"] == "submitted"
    assert client.get(f"{SHELF}/{listing['id']}").status_code == 404
    step(client, seller, listing["id"], "withdraw")
    assert step(client, seller, listing["id"], "publish").status_code == 409


def test_every_version_is_kept(client: Any, seller: Seller) -> None:
    listing = create(client, seller)
    change(client, seller, listing, price="200.00")
    rows = db.session.query(ListingVersion).order_by(ListingVersion.version).all()
    assert [(row.version, row.facts["price_fen"]) for row in rows] == [(1, 16800), (2, 20000)]


def test_a_change_needs_the_etag_that_was_read(client: Any, seller: Seller) -> None:
    answer = client.post(f"{MANAGE}/listings", json=builders.retail(), headers=seller.bearer)
    listing, etag = answer.get_json(), answer.headers["ETag"]
    path = f"{MANAGE}/listings/{listing['id']}"

    def patch(**headers: str) -> Any:
        return client.patch(path, json={"price": "1.00"}, headers={**seller.bearer, **headers})

    assert patch().status_code == 428
    assert patch(**{"If-Match": '"77"'}).status_code == 412
    assert patch(**{"If-Match": "nonsense"}).status_code == 412
    fresh = patch(**{"If-Match": etag})
    assert fresh.status_code == 200
    assert fresh.headers["ETag"] != etag
    assert patch(**{"If-Match": etag}).get_json()["code"] == "version_changed"
    assert patch(**{"If-Match": "*"}).status_code == 200
    assert client.get(path, headers=seller.bearer).get_json()["version"] == 3


def test_a_sku_is_used_once_by_a_merchant(client: Any, seller: Seller, other_seller: Seller) -> None:
    create(client, seller, sku="SAME")
    again = client.post(f"{MANAGE}/listings", json=builders.retail(sku="SAME"), headers=seller.bearer)
    assert (again.status_code, again.get_json()["code"]) == (409, "sku_taken")
    create(client, other_seller, sku="SAME")


def test_the_same_key_creates_once(client: Any, seller: Seller) -> None:
    headers = {**seller.bearer, "Idempotency-Key": "k1"}
    body = builders.retail()
    first, second = (client.post(f"{MANAGE}/listings", json=body, headers=headers) for _ in range(2))
    assert (first.data, first.status_code) == (second.data, 201)
    assert db.session.query(Listing).count() == 1


BAD = [
    {"price": "-1.00"},
    {"price": "0"},
    {"price": "1.999"},
    {"price": 12},
    {"price": "NaN"},
    {"price": "1E+100"},
    {"price": "99999999999999999.00"},
    {"sku": "a b"},
    {"sku": "鱼"},
    {"sku": ""},
    {"sku": "x" * 65},
    {"title": "beef"},
    {"title": {}},
    {"title": {"zh": "a\x00"}},
    {"title": {"zh": "\ud800"}},
    {"title": {"zh": "x" * 201}},
    {"title": {"fr": "homard"}},
    {"category": "fish_and_chips"},
    {"category": "../.."},
    {"hs": "0306.12"},
    {"hs": "03061"},
    {"hs": 306120000},
    {"origin": "Canada"},
    {"route": "smuggling"},
    {"mode": "0110"},
    {"unit": "barrel of laughs"},
    {"net_weight_kg": "-0.45"},
    {"net_weight_kg": "0"},
    {"net_weight_kg": "0.123456"},
    {"net_weight_kg": 0.45},
    {"declaration_elements": ["品牌类型"]},
    {"declaration_elements": {"品牌类型": 4}},
    {"declaration_elements": {f"e{n}": "x" for n in range(41)}},
    {"statutory": {"unit1_quantity": "1", "unit3_quantity": "1"}},
    {"net_content": {"quantity": "450"}},
    {"net_content": {"quantity": "450", "unit": "stone"}},
    {"cold_chain": "yes"},
    {"attributes": {"k": {"deep": "er"}}},
    {"merchant_id": "00000000-0000-0000-0000-000000000000"},
    {"status": "published"},
    {"tax_fen": 0},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad)[:60])
def test_bad_fields_are_refused_and_nothing_is_written(client: Any, seller: Seller, bad: dict[str, Any]) -> None:
    answer = client.post(f"{MANAGE}/listings", json={**builders.retail(), **bad}, headers=seller.bearer)
    assert answer.status_code == 422, answer.get_json()
    assert answer.get_json()["errors"]
    listing = create(client, seller)
    patched = change(client, seller, listing, **bad)
    assert patched.status_code == 422
    db.session.rollback()
    assert db.session.query(Listing).count() == 1


@pytest.mark.parametrize(
    "missing",
    ["sku", "title", "category", "hs", "origin", "route", "unit", "price", "net_weight_kg", "brand", "specification"],
)
def test_what_a_listing_needs(client: Any, seller: Seller, missing: str) -> None:
    answer = client.post(f"{MANAGE}/listings", json=builders.retail(**{missing: None}), headers=seller.bearer)
    assert answer.status_code == 422
    assert missing in answer.get_json()["errors"]


LOT = {
    "batch_no": "B1",
    "produced_on": "2026-09-01",
    "expires_on": "2028-09-01",
    "quantity": "10",
    "item_record_no": "R1",
}


def test_lots_come_in(client: Any, seller: Seller, bonded: uuid.UUID) -> None:
    listing = create(client, seller)["id"]
    body = {**LOT, "listing_id": listing, "warehouse": str(bonded)}
    answer = client.post(f"{MANAGE}/lots", json=body, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["available"]) == (201, "10")
    again = client.post(f"{MANAGE}/lots", json=body, headers=seller.bearer)
    assert (again.status_code, again.get_json()["code"]) == (409, "lot_exists")
    assert client.get(f"{MANAGE}/lots", headers=seller.bearer).get_json()["items"] == [answer.get_json()]
    counted = client.post(
        f"{MANAGE}/lots/{answer.get_json()['id']}/count",
        json={"counted": "8", "reason": "2 broken"},
        headers=seller.bearer,
    )
    assert counted.get_json()["on_hand"] == "8"


@pytest.mark.parametrize(
    "bad",
    [
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": "1.5"},
        {"quantity": "1e3"},
        {"expires_on": None},
        {"expires_on": "2026-02-30"},
        {"expires_on": "2020-01-01"},
        {"produced_on": "2099-01-01"},
        {"produced_on": "2028-09-01"},
        {"item_record_no": None},
        {"warehouse": None},
        {"warehouse": "nowhere"},
        {"warehouse": "00000000-0000-7000-8000-000000000000"},
        {"consignment_line_id": "00000000-0000-7000-8000-000000000000"},
        {"batch_no": ""},
        {"reserved": "5"},
    ],
    ids=str,
)
def test_bad_lots_are_refused(client: Any, seller: Seller, bonded: uuid.UUID, bad: dict[str, Any]) -> None:
    listing = create(client, seller)["id"]
    body = {**LOT, "listing_id": listing, "warehouse": str(bonded), **bad}
    answer = client.post(f"{MANAGE}/lots", json=body, headers=seller.bearer)
    assert answer.status_code == 422, answer.get_json()
    assert answer.get_json()["errors"]


def test_a_lot_goes_into_a_warehouse_of_its_mode(client: Any, seller: Seller, store: uuid.UUID) -> None:
    listing = create(client, seller)["id"]
    body = {**LOT, "listing_id": listing, "warehouse": str(store)}
    answer = client.post(f"{MANAGE}/lots", json=body, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "warehouse_wrong")


def test_tenants_are_apart(client: Any, seller: Seller, other_seller: Seller, bonded: uuid.UUID) -> None:
    listing = create(client, seller)
    body = {**LOT, "listing_id": listing["id"], "warehouse": str(bonded)}
    lot = client.post(f"{MANAGE}/lots", json=body, headers=seller.bearer).get_json()["id"]
    theirs = other_seller.bearer
    paths = {
        ("GET", f"listings/{listing['id']}"): None,
        ("PATCH", f"listings/{listing['id']}"): {"price": "1.00"},
        ("POST", f"listings/{listing['id']}/submit"): None,
        ("POST", f"listings/{listing['id']}/publish"): None,
        ("POST", f"listings/{listing['id']}/withdraw"): None,
        ("POST", "lots"): {**body, "batch_no": "B2"},
        ("GET", f"lots/{lot}"): None,
        ("POST", f"lots/{lot}/count"): {"counted": "0", "reason": "mine now"},
        ("POST", f"lots/{lot}/block"): {"reason": "mine now"},
        ("POST", f"lots/{lot}/unblock"): None,
    }
    for (method, path), sent in paths.items():
        headers = {**theirs, "If-Match": "*"}
        answer = client.open(f"{MANAGE}/{path}", method=method, json=sent, headers=headers)
        assert answer.status_code == 404, (method, path, answer.get_json())
    for path in ("listings", "lots", f"lots?listing_id={listing['id']}"):
        assert client.get(f"{MANAGE}/{path}", headers=theirs).get_json()["items"] == []
    assert client.get(f"{MANAGE}/listings/{listing['id']}", headers=seller.bearer).get_json() == listing


@pytest.mark.parametrize("path", ["listings/not-an-id", "listings/00000000-0000-7000-8000-000000000000", "lots/x"])
def test_what_is_no_object_is_404(client: Any, seller: Seller, path: str) -> None:
    assert client.get(f"{MANAGE}/{path}", headers=seller.bearer).status_code == 404


def test_who_may_not(client: Any, context: None, seller: Seller, operator: dict[str, str]) -> None:
    consumer = builders.bearer(builders.open_account("consumer"))
    assert client.get(f"{MANAGE}/listings").status_code == 401
    for headers in (consumer, operator):
        assert client.post(f"{MANAGE}/listings", json=builders.retail(), headers=headers).status_code == 403
    listing = create(client, seller)["id"]
    assert decide(client, seller.bearer, listing, "approve").status_code == 403
    assert client.get(f"{REVIEW}/merchants", headers=seller.bearer).status_code == 403
    homeless = builders.bearer(builders.open_account("merchant"))
    assert client.get(f"{MANAGE}/listings", headers=homeless).status_code == 403


def test_what_is_in_the_shop_stays_whole(client: Any, seller: Seller, operator: dict[str, str]) -> None:
    """Words may change on sale, but not to what the listing was not let in with."""
    listing = create(client, seller)
    assert change(client, seller, listing, title={"en": "Lobster"}).status_code == 200  # a draft may be anything
    listing = create(client, seller)
    step(client, seller, listing["id"], "submit")
    listing = decide(client, operator, listing["id"], "approve").get_json()
    refused = change(client, seller, listing, title={"zh": "Lobster"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "listing_incomplete")
    assert list(refused.get_json()["errors"]) == ["title.zh"]
    kept = client.get(f"{MANAGE}/listings/{listing['id']}", headers=seller.bearer).get_json()
    assert (kept["status"], kept["title"]) == ("published", listing["title"])
    assert change(client, seller, listing, title={"zh": "龙虾"}).get_json()["status"] == "published"
