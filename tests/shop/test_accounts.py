"""Accounts, identity, addresses, carts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.shop import builders
from tests.shop.test_http import API, Caller

NUMBER = "11010519491231002X"


@pytest.fixture
def caller(client: Any, context: None) -> Caller:
    return Caller(client, builders.open_account("consumer", name="Li"))


def test_an_account_a_token_and_its_end(client: Any, context: None) -> None:
    body = {"email": "New@Landfall.example", "password": "long enough password", "name": "New"}
    opened = client.post(f"{API}/accounts", json=body)
    assert opened.status_code == 201
    assert opened.get_json()["email"] == "new@landfall.example"
    assert client.post(f"{API}/accounts", json=body).get_json()["code"] == "email_taken"
    login = {"email": body["email"], "password": body["password"]}
    token = client.post(f"{API}/tokens", json=login).get_json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    me = client.get(f"{API}/me", headers=headers).get_json()
    assert (me["id"], me["roles"], me["merchant"]) == (opened.get_json()["id"], ["consumer"], None)
    assert client.delete(f"{API}/tokens/current", headers=headers).status_code == 204
    assert client.get(f"{API}/me", headers=headers).status_code == 401


def test_wrong_passwords_are_limited_and_do_not_lock_others_out(client: Any, context: None) -> None:
    email, other = f"{uuid.uuid4().hex}@landfall.example", builders.open_account("consumer")
    wrong = [client.post(f"{API}/tokens", json={"email": email, "password": "x"}).status_code for _ in range(12)]
    assert wrong[:10] == [401] * 10
    assert wrong[10:] == [429] * 2
    right = {"email": other.email, "password": builders.PASSWORD}
    assert all(client.post(f"{API}/tokens", json=right).status_code == 201 for _ in range(12))


def test_a_merchants_person_sees_their_merchant(client: Any, context: None) -> None:
    shelf = builders.open_shelf()
    assert Caller(client, shelf.owner).get("/me").get_json()["merchant"]["id"] == str(shelf.merchant_id)


@pytest.mark.parametrize(
    "typed", [NUMBER, NUMBER.lower(), "110105 1949 1231 002x", "１１０１０５１９４９１２３１００２Ｘ"]
)
def test_one_person_however_typed(caller: Caller, typed: str) -> None:
    answer = caller.call("PUT", "/me/identity", {"name": "李雷", "id_number": typed, "phone": "13900000000"})
    assert answer.get_json() == {"name": "李雷", "id_number": "110***********002X", "verified": True}
    assert caller.get("/me/identity").get_json()["id_number"] == "110***********002X"


def test_a_wrong_checksum_names_the_field(caller: Caller) -> None:
    body = {"name": "李雷", "id_number": "110105194912310021", "phone": "13900000000"}
    answer = caller.call("PUT", "/me/identity", body)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["id_number"]
    assert "194912" not in answer.get_data(as_text=True)
    assert caller.get("/me/identity").status_code == 404


def test_the_allowance_of_a_year(caller: Caller) -> None:
    answer = caller.get("/me/allowance?year=2026").get_json()
    assert answer == {
        "year": 2026,
        "limit": "26000.00",
        "used": "0.00",
        "reserved": "0.00",
        "remaining": "26000.00",
        "entries": [],
    }
    assert caller.get("/me/allowance").status_code == 200
    assert caller.get("/me/allowance?year=1").status_code == 422


def test_addresses_are_kept_changed_and_forgotten(caller: Caller) -> None:
    made = caller.post("/me/addresses", builders.HOME)
    assert made.status_code == 201
    path = f"/me/addresses/{made.get_json()['id']}"
    assert caller.get(path).get_json() == made.get_json()
    assert caller.call("PATCH", path, {"street": "中山路2号"}).get_json()["street"] == "中山路2号"
    without = {name: value for name, value in builders.HOME.items() if name != "district_code"}
    assert caller.call("PUT", path, without).get_json()["district_code"] is None
    assert caller.get("/me/addresses?limit=1").get_json()["items"][0]["street"] == builders.HOME["street"]
    assert caller.call("DELETE", path).status_code == 204
    assert caller.get(path).status_code == 404
    assert caller.get("/me/addresses").get_json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("postcode", "12"),
        ("phone", "abc"),
        ("recipient", ""),
        ("street", "x" * 101),
        ("city", "a\x00b"),
        ("owner", "x"),
    ],
)
def test_bad_addresses_name_the_field(caller: Caller, field: str, value: str) -> None:
    answer = caller.post("/me/addresses", {**builders.HOME, field: value})
    assert answer.status_code == 422
    assert caller.get("/me/addresses").get_json()["items"] == []


def test_an_order_keeps_its_address(caller: Caller, shelf: Any, place: Any) -> None:
    buyer = builders.buyer()
    answer = place(buyer, (builders.put_listing(shelf), "1"))
    mine = Caller(caller.client, buyer)
    address = mine.get("/me/addresses").get_json()["items"][0]["id"]
    assert mine.call("DELETE", f"/me/addresses/{address}").status_code == 204
    order = mine.get(f"/shop/orders/{answer['orders'][0]['id']}").get_json()
    assert order["address"]["street"] == builders.HOME["street"]


def test_a_cart_has_one_row_per_listing(caller: Caller, shelf: Any, place: Any) -> None:
    crab, prawn = builders.put_listing(shelf), builders.put_listing(shelf)
    item = f"/shop/cart/items/{crab}"
    for quantity in ("1", "3"):
        assert caller.call("PUT", item, {"quantity": quantity}).status_code == 200
    assert [(row["listing_id"], row["quantity"]) for row in caller.get("/shop/cart").get_json()["items"]] == [
        (str(crab), "3")
    ]
    whole = {"items": [{"listing_id": str(prawn), "quantity": "2"}, {"listing_id": str(prawn), "quantity": "1"}]}
    body = caller.call("PUT", "/shop/cart", whole).get_json()
    assert [(row["listing_id"], row["quantity"]) for row in body["items"]] == [(str(prawn), "3")]
    assert caller.call("DELETE", f"/shop/cart/items/{prawn}").status_code == 204
    assert caller.call("DELETE", f"/shop/cart/items/{prawn}").status_code == 404
    assert caller.call("PUT", f"/shop/cart/items/{uuid.uuid4()}", {"quantity": "1"}).status_code == 404
    assert caller.call("PUT", item, {"quantity": "0"}).status_code == 422


def test_what_was_ordered_leaves_the_cart(client: Any, shelf: Any, place: Any) -> None:
    crab, prawn, buyer = builders.put_listing(shelf), builders.put_listing(shelf), builders.buyer()
    mine = Caller(client, buyer)
    for listing in (crab, prawn):
        mine.call("PUT", f"/shop/cart/items/{listing}", {"quantity": "1"})
    place(buyer, (crab, "1"))
    assert [row["listing_id"] for row in mine.get("/shop/cart").get_json()["items"]] == [str(prawn)]


@pytest.mark.parametrize("role", ["customs", "operator"])
def test_placing_is_for_consumers(client: Any, context: None, role: str) -> None:
    desk = Caller(client, builders.open_account(role))
    assert desk.post("/shop/orders", {"items": []}, key="k").status_code == 403
