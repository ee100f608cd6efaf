"""The shop as a client sees it: names and shapes of the contract, strict input, one effect per key."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from core import clock
from shop import payments
from tests.shop import builders, state

API = "/api/v1"


@pytest.fixture
def signed(client: Any, shelf: Any, stripe: Any) -> Any:
    """A buyer's calls: `signed.post(path, json)` with the token and, where asked, a key."""
    return Caller(client, builders.buyer())


class Caller:
    def __init__(self, client: Any, actor: Any) -> None:
        self.client, self.actor, self.headers = client, actor, builders.token_of(actor)

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.open(f"{API}{path}", method=method, json=body, headers=headers)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        return self.call("POST", path, body, key)


def items(*pairs: tuple[uuid.UUID, str]) -> list[dict[str, str]]:
    return [{"listing_id": str(listing_id), "quantity": quantity} for listing_id, quantity in pairs]


def test_from_quote_to_paid_order_the_amounts_stay(signed: Any, shelf: Any, stripe: Any) -> None:
    """Price shown = charged = filed, to the fen."""
    crab, prawn = builders.put_listing(shelf, price_fen=3333), builders.put_listing(shelf, price_fen=7777)
    quote = signed.post("/shop/quotes", {"items": items((crab, "3"), (prawn, "1"))}).get_json()
    assert quote["blocked"] == []
    placed = signed.post("/shop/orders", {"quote": quote["quote"]}, key="k1")
    assert placed.status_code == 201
    answer = placed.get_json()
    assert answer["total"] == quote["total"]
    same = ("goods", "freight", "insurance", "discount", "duty", "consumption_tax", "vat", "tax", "total", "merchant")
    for quoted, ordered in zip(quote["orders"], answer["orders"], strict=True):
        assert [ordered[name] for name in same] == [quoted[name] for name in same]
        for before, after in zip(quoted["lines"], ordered["lines"], strict=True):
            assert before.items() <= after.items()
    assert signed.get(f"/shop/purchases/{answer['purchase']}").get_json() == answer  # as it is read back
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    order = signed.get(f"/shop/orders/{answer['orders'][0]['id']}").get_json()
    assert order["status"] == "paid"
    assert order["waybill_no"]
    assert [entry["event"] for entry in order["timeline"]] == ["placed", "paid"]
    assert signed.get(f"/shop/purchases/{answer['purchase']}").get_json()["payment"] == answer["payment"]
    listed = signed.get("/shop/orders").get_json()
    assert [each["id"] for each in listed["items"]] == [each["id"] for each in reversed(answer["orders"])]


def test_the_filing_says_what_the_quote_said(signed: Any, shelf: Any, stripe: Any) -> None:
    from core.database import db
    from shop import filing
    from shop.models import Order

    crab = builders.put_listing(shelf, price_fen=3333)
    quote = signed.post("/shop/quotes", {"items": items((crab, "3"))}).get_json()
    answer = signed.post("/shop/orders", {"quote": quote["quote"]}, key="k").get_json()
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    session = state.fresh()
    request = filing.request_of(session, session.get_one(Order, uuid.UUID(answer["orders"][0]["id"])))
    (line,), (quoted,) = request.lines, quote["orders"][0]["lines"]
    money = {"goods": line.goods_fen, "freight": line.freight_fen, "vat": line.vat_fen, "tax": line.tax_fen}
    assert {name: Decimal(fen) / 100 for name, fen in money.items()} == {name: Decimal(quoted[name]) for name in money}
    assert request.paid_fen == payments_total(answer)
    assert request.goods_fen + request.freight_fen + request.insurance_fen + request.tax_fen == request.paid_fen
    assert request.consignee_address == "浙江省杭州市西湖区文三路1号"
    db.session.rollback()


def payments_total(answer: dict[str, Any]) -> int:
    return int(answer["payment"]["amount"])


def test_one_key_is_one_order_and_the_same_bytes(signed: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf)
    body = {"items": items((crab, "1"))}
    first, second = signed.post("/shop/orders", body, key="k"), signed.post("/shop/orders", body, key="k")
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert state.stock(crab)[1] == 1
    assert signed.post("/shop/orders", {"items": items((crab, "2"))}, key="k").status_code == 422
    assert signed.post("/shop/orders", body).get_json()["code"] == "idempotency_key_required"


def test_one_key_in_parallel_is_one_order(app: Any, signed: Any, shelf: Any) -> None:
    crab, gate = builders.put_listing(shelf), Barrier(8)
    body = {"items": items((crab, "1"))}

    def send(_: int) -> int:
        gate.wait()
        headers = {**signed.headers, "Idempotency-Key": "k"}
        return app.test_client().post(f"{API}/shop/orders", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert 201 in answers
    assert set(answers) <= {201, 409}
    assert state.stock(crab)[1] == 1


def test_two_hundred_buyers_over_http(app: Any, signed: Any, shelf: Any, stripe: Any) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", stock="1")
    body = {"items": items((beef, "1"))}

    def send(number: int) -> tuple[int, str]:
        headers = {**signed.headers, "Idempotency-Key": f"k{number}"}
        answer = app.test_client().post(f"{API}/shop/orders", json=body, headers=headers)
        return answer.status_code, answer.content_type

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(200)))
    assert answers.count((201, "application/json")) == 1
    assert answers.count((409, "application/problem+json")) == 199
    assert state.stock(beef) == (Decimal(1), Decimal(1))


@pytest.mark.parametrize(
    "extra",
    [
        {"status": "paid"},
        {"total": "0.01"},
        {"price": "0.01"},
        {"tax": "0.00"},
        {"account_id": str(uuid.UUID(int=1))},
        {"paid": True},
    ],
)
def test_fields_that_are_ours_are_refused(signed: Any, shelf: Any, extra: dict[str, Any]) -> None:
    crab = builders.put_listing(shelf)
    for body in ({"items": items((crab, "1")), **extra}, {"items": [{**items((crab, "1"))[0], **extra}]}):
        assert signed.post("/shop/orders", body, key=uuid.uuid4().hex).status_code == 422
        assert signed.post("/shop/quotes", body).status_code == 422
    assert state.stock(crab)[1] == 0


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "-0", "1.5", "1e3", "1E+1000000", "１２", "1_000", "NaN", "Infinity", "9" * 40, "", " 1", 1, 1.0, True, None, [], "1000001"]
)  # fmt: skip
def test_quantities_that_are_none_are_refused(signed: Any, shelf: Any, quantity: Any) -> None:
    crab = builders.put_listing(shelf)
    body = {"items": [{"listing_id": str(crab), "quantity": quantity}]}
    for path, key in (("/shop/quotes", None), ("/shop/orders", uuid.uuid4().hex)):
        answer = signed.post(path, body, key=key)
        assert answer.status_code == 422
        assert "items.0.quantity" in answer.get_json()["errors"]


def test_weighed_goods_may_be_fractions(signed: Any, shelf: Any) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090", unit="kg", price_fen=3333)
    quote = signed.post("/shop/quotes", {"items": items((beef, "0.25"))}).get_json()
    assert quote["orders"][0]["lines"][0]["goods"] == "8.33"  # 8.3325, half up
    assert quote["orders"][0]["lines"][0]["quantity"] == "0.25"


@pytest.mark.parametrize("body", [{}, {"items": []}, {"quote": "x", "items": []}, {"quote": ""}, {"items": "x"}, []])
def test_an_order_is_either_a_quote_or_items(signed: Any, body: Any) -> None:
    assert signed.post("/shop/orders", body, key="k").status_code == 422


def test_a_quote_is_ours_unchanged_and_in_time(signed: Any, shelf: Any, client: Any, move_clock: Any) -> None:
    crab = builders.put_listing(shelf)
    token = signed.post("/shop/quotes", {"items": items((crab, "1"))}).get_json()["quote"]
    other = Caller(client, builders.buyer())
    assert other.post("/shop/orders", {"quote": token}, key="a").get_json()["code"] == "quote_invalid"
    assert signed.post("/shop/orders", {"quote": token[:-2] + "AA"}, key="b").get_json()["code"] == "quote_invalid"
    move_clock(901)
    assert signed.post("/shop/orders", {"quote": token}, key="c").get_json()["code"] == "quote_expired"
    assert state.stock(crab)[1] == 0


def test_a_quote_is_honoured_when_the_price_rises_and_refused_when_the_listing_goes(signed: Any, shelf: Any) -> None:
    from catalog.models import Listing
    from core.database import transaction

    crab = builders.put_listing(shelf, price_fen=10000)
    quote = signed.post("/shop/quotes", {"items": items((crab, "1"))}).get_json()
    with transaction() as session:
        session.get_one(Listing, crab).price_fen = 20000
    answer = signed.post("/shop/orders", {"quote": quote["quote"]}, key="a").get_json()
    assert answer["total"] == quote["total"]
    with transaction() as session:
        session.get_one(Listing, crab).status = "withdrawn"
    assert signed.post("/shop/orders", {"quote": quote["quote"]}, key="b").get_json()["code"] == "quote_stale"


def test_anybody_may_ask_for_a_price_and_sees_the_taxes(client: Any, shelf: Any) -> None:
    crab = builders.put_listing(shelf)
    answer = client.post(f"{API}/shop/quotes", json={"items": items((crab, "1"))})
    body = answer.get_json()
    assert answer.status_code == 200
    assert [entry["code"] for entry in body["blocked"]] == ["identity_required"]
    assert Decimal(body["orders"][0]["tax"]) > 0


def test_everything_that_hinders_is_said_at_once(signed: Any, shelf: Any) -> None:
    from catalog.models import Listing
    from core.database import transaction

    short = builders.put_listing(shelf, stock="1")
    gone, service = builders.put_listing(shelf), builders.put_listing(shelf, route="services", hs=None)
    dear = builders.put_listing(builders.open_shelf(), price_fen=300000)
    with transaction() as session:
        session.get_one(Listing, gone).status = "withdrawn"
    wanted = items((short, "2"), (gone, "1"), (service, "1"), (dear, "2"), (uuid.uuid4(), "1"))
    body = signed.post("/shop/quotes", {"items": wanted}).get_json()
    found = {(entry["code"], entry["listing_id"]) for entry in body["blocked"] if entry["listing_id"]}
    assert ("out_of_stock", str(short)) in found
    assert ("listing_unavailable", str(gone)) in found
    assert ("not_for_consumers", str(service)) in found
    assert "single_limit" in {entry["code"] for entry in body["blocked"]}
    assert body["quote"] is None
    answer = signed.post("/shop/orders", {"items": wanted}, key="k")
    assert answer.status_code in (409, 422)
    assert len(answer.get_json()["blocked"]) == len(body["blocked"])


def test_other_peoples_objects_do_not_exist(signed: Any, shelf: Any, client: Any) -> None:
    answer = signed.post("/shop/orders", {"items": items((builders.put_listing(shelf), "1"))}, key="k").get_json()
    order, stranger = answer["orders"][0]["id"], Caller(client, builders.buyer())
    address = signed.get("/me/addresses").get_json()["items"][0]["id"]
    merchant = Caller(client, builders.open_shelf().owner)
    calls = [
        ("GET", f"/shop/orders/{order}"),
        ("GET", f"/shop/purchases/{answer['purchase']}"),
        ("POST", f"/shop/orders/{order}/cancel"),
        ("POST", f"/shop/purchases/{answer['purchase']}/payment"),
        ("GET", f"/me/addresses/{address}"),
        ("DELETE", f"/me/addresses/{address}"),
    ]
    for who in (stranger, merchant):
        for method, path in calls:
            assert who.call(method, path, key="k").status_code == 404, path
        assert who.call("PATCH", f"/me/addresses/{address}", {"street": "x"}).status_code == 404
    shipped = merchant.post(f"/shop/orders/{order}/ship", {"at": clock.instant_text(clock.now())})
    assert shipped.status_code == 404
    assert stranger.post(f"/shop/orders/{order}/ship", {"at": clock.instant_text(clock.now())}).status_code == 403
    assert state.statuses(answer) == ["awaiting_payment"]


def test_a_merchant_sees_its_own_paid_orders_only(signed: Any, shelf: Any, stripe: Any, client: Any) -> None:
    other = builders.open_shelf()
    bought = items((builders.put_listing(shelf), "1"), (builders.put_listing(other), "1"))
    answer = signed.post("/shop/orders", {"items": bought}, key="k").get_json()
    owner = Caller(client, shelf.owner)
    assert owner.get("/catalog/manage/orders").get_json()["items"] == []
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    seen = owner.get("/catalog/manage/orders").get_json()["items"]
    assert [order["merchant"]["id"] for order in seen] == [str(shelf.merchant_id)]
    assert signed.get("/catalog/manage/orders").status_code == 403


def test_a_cancel_without_a_body_is_understood(signed: Any, shelf: Any) -> None:
    answer = signed.post("/shop/orders", {"items": items((builders.put_listing(shelf), "1"))}, key="k").get_json()
    path = f"/shop/orders/{answer['orders'][0]['id']}/cancel"
    assert signed.post(path).get_json()["status"] == "cancelled"
    assert signed.post(path, {"reason": "again"}).get_json()["status"] == "cancelled"
    assert signed.post(path, {"state": "x"}).status_code == 422


def test_payment_comes_later_when_stripe_was_away(signed: Any, shelf: Any, stripe: Any) -> None:
    stripe.down = True
    answer = signed.post("/shop/orders", {"items": items((builders.put_listing(shelf), "1"))}, key="k").get_json()
    assert answer["payment"] is None
    path = f"/shop/purchases/{answer['purchase']}/payment"
    away = signed.post(path, key="p1")
    assert (away.status_code, away.headers["Retry-After"] != "") == (503, True)
    stripe.down = False
    handle = signed.post(path, key="p1")
    assert handle.status_code == 201
    assert handle.get_json() == signed.get(f"/shop/purchases/{answer['purchase']}").get_json()["payment"]


def test_pages_of_orders_neither_repeat_nor_lose(signed: Any, shelf: Any) -> None:
    beef = builders.put_listing(shelf, route="general_trade", hs="0202300090")
    for number in range(7):
        assert signed.post("/shop/orders", {"items": items((beef, "1"))}, key=f"k{number}").status_code == 201
    seen, cursor = [], ""
    while True:
        page = signed.get(f"/shop/orders?limit=3{cursor}").get_json()
        seen += [order["id"] for order in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 7
    assert signed.get("/shop/orders?cursor=abc").status_code == 422


def test_incidents_are_for_operators(signed: Any, shelf: Any, stripe: Any, client: Any) -> None:
    answer = signed.post("/shop/orders", {"items": items((builders.put_listing(shelf), "1"))}, key="k").get_json()
    stripe.pay(answer["payment"]["intent"], received_fen=1)
    payments.look(uuid.UUID(answer["purchase"]))
    operator = Caller(client, builders.open_account("operator"))
    (incident,) = operator.get("/shop/incidents").get_json()["items"]
    assert (incident["kind"], incident["object_id"]) == ("payment_mismatch", answer["purchase"])
    assert signed.get("/shop/incidents").status_code == 403
