"""Goods sent back: in time with their tax and allowance, later without, never more than was bought."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import transaction
from core.errors import Problem
from customs.models import Declaration
from shop import filing, fulfilment, payments, returns
from shop.models import Order
from tests.shop import builders, state
from tests.shop.test_http import Caller
from tests.shop.test_payment import fen

DAY = 86400


@pytest.fixture
def released(place: Any, shelf: Any, stripe: Any, run_jobs: Any) -> dict[str, Any]:
    """A retail order of two lines that customs has let in."""
    crab, prawn = builders.put_listing(shelf, price_fen=3333), builders.put_listing(shelf, price_fen=7777)
    buyer = builders.buyer()
    answer = place(buyer, (crab, "3"), (prawn, "1"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    run_jobs("shop.file")
    number, today = answer["orders"][0]["number"], clock.today()
    with transaction() as session:
        declaration = session.scalars(select(Declaration).where(Declaration.order_number == number)).one()
        declaration.status, declaration.released_on, declaration.released_at = "released", today, clock.now()
        session.flush()
        filing.on_declaration(session, number, "released", {"day": today.isoformat()})
    order = answer["orders"][0]
    return {**answer, "buyer": buyer, "order": uuid.UUID(order["id"]), "number": number, "lines": order["lines"]}


def ask(released: Any, *pairs: tuple[int, str], attempt: uuid.UUID | None = None) -> dict[str, Any]:
    lines = [{"line": line, "quantity": Decimal(quantity)} for line, quantity in pairs]
    return returns.request_return(released["buyer"], released["order"], lines, "broken", attempt or uuid.uuid4())


def grant(released: Any, made: dict[str, Any], word: str = "returned") -> None:
    with transaction() as session:
        filing.on_declaration(session, released["number"], word, {"number": made["number"]})


def receive(released: Any, made: dict[str, Any], shelf: Any) -> dict[str, Any]:
    return returns.receive(shelf.owner, uuid.UUID(made["id"]), clock.now())


def test_goods_and_tax_go_back_and_the_allowance_is_restored(
    released: Any, shelf: Any, stripe: Any, run_jobs: Any
) -> None:
    made = ask(released, (1, "1"))
    assert (made["status"], made["refund"]) == ("requested", None)
    grant(released, made)
    grant(released, made)
    settled = receive(released, made, shelf)
    receive(released, made, shelf)
    run_jobs("shop.pay_refund")
    line = released["lines"][0]
    third = {name: (Decimal(line[name]) / 3).quantize(Decimal("0.01"), "ROUND_HALF_UP") for name in ("goods", "tax")}
    assert (settled["status"], Decimal(settled["goods"]), Decimal(settled["tax"])) == ("settled", *third.values())
    assert stripe.refunded() == fen(settled["goods"]) + fen(settled["tax"])
    used = fen(released["orders"][0]["dutiable_value"]) - fen(line["dutiable_value"]) // 3
    assert abs(state.allowance_sums()[1] - used) <= 1
    assert state.statuses(released) == ["released"]
    assert state.books_balance()


def test_all_parts_are_the_whole(released: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    """However it is split, goods and tax come back to the fen, and the freight stays paid (I8)."""
    for pair in ((1, "1"), (2, "1"), (1, "1"), (1, "1")):
        made = ask(released, pair)
        receive(released, made, shelf)
        grant(released, made)
    run_jobs("shop.pay_refund")
    order = released["orders"][0]
    assert stripe.refunded() == fen(order["goods"]) + fen(order["tax"])
    assert state.statuses(released) == ["returned"]
    assert state.allowance_sums() == (0, 0)
    assert state.balance("customs_tax_payable") == state.balance("merchant_payable") == 0
    assert state.balance("logistics_payable") == -fen(order["freight"])
    assert state.books_balance()


@pytest.mark.parametrize(("days", "taxed_back"), [(45, True), (46, False)])
def test_after_day_45_the_tax_is_lost(
    released: Any, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any, days: int, taxed_back: bool
) -> None:
    made = ask(released, (2, "1"))
    grant(released, made)
    used = state.allowance_sums()[1]
    move_clock(days * DAY)
    receive(released, made, shelf)
    run_jobs("shop.pay_refund")
    line = released["lines"][1]
    assert stripe.refunded() == fen(line["goods"]) + (fen(line["tax"]) if taxed_back else 0)
    assert state.allowance_sums()[1] == used - (fen(line["dutiable_value"]) if taxed_back else 0)


@pytest.mark.parametrize(("days", "allowed"), [(30, True), (31, False)])
def test_day_30_still_counts(released: Any, move_clock: Any, days: int, allowed: bool) -> None:
    move_clock(days * DAY)
    if allowed:
        assert ask(released, (1, "1"))["status"] == "requested"
    else:
        with pytest.raises(Problem) as refusal:
            ask(released, (1, "1"))
        assert refusal.value.status == 409


def test_never_more_goes_back_than_was_bought(released: Any) -> None:
    attempt = uuid.uuid4()
    first = ask(released, (1, "2"), attempt=attempt)
    assert ask(released, (1, "2"), attempt=attempt)["id"] == first["id"]
    for wrong in (((1, "2"),), ((3, "1"),), ((1, "0.5"),), ((1, "1"), (1, "1"))):
        with pytest.raises(Problem) as refusal:
            ask(released, *wrong)
        assert refusal.value.status == 422
    grant(released, first, "return_refused")
    assert ask(released, (1, "1"))["status"] == "requested"


def test_a_refused_return_pays_nothing(released: Any, shelf: Any, stripe: Any) -> None:
    made = ask(released, (1, "1"))
    grant(released, made, "return_refused")
    with pytest.raises(Problem):
        receive(released, made, shelf)
    assert state.refunds() == []


def test_domestic_goods_go_back_without_customs(place: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    beef, buyer = builders.put_listing(shelf, route="general_trade", hs="0202300090"), builders.buyer()
    answer = place(buyer, (beef, "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    order = uuid.UUID(answer["orders"][0]["id"])
    bought = {"buyer": buyer, "order": order}
    with pytest.raises(Problem):
        ask(bought, (1, "1"))
    fulfilment.ship(shelf.owner, order, clock.now())
    made = ask(bought, (1, "2"))
    assert (made["status"], made["tax"]) == ("accepted", "0.00")
    receive(bought, made, shelf)
    run_jobs("shop.pay_refund")
    assert stripe.refunded() == fen(answer["orders"][0]["goods"])
    assert state.fresh().get_one(Order, order).status == "returned"


def test_returns_over_http(released: Any, shelf: Any, client: Any) -> None:
    mine, owner = Caller(client, released["buyer"]), Caller(client, shelf.owner)
    stranger = Caller(client, builders.open_shelf().owner)
    path = f"/shop/orders/{released['order']}/returns"
    body = {"lines": [{"line": 1, "quantity": "1"}], "reason": "broken"}
    made = mine.post(path, body, key="r")
    assert (made.status_code, mine.post(path, body, key="r").data) == (201, made.data)
    one = f"/shop/returns/{made.get_json()['id']}"
    assert mine.get("/shop/returns").get_json()["items"] == owner.get("/shop/returns").get_json()["items"]
    assert stranger.get("/shop/returns").get_json()["items"] == []
    assert stranger.get(one).status_code == stranger.post(path, body, key="r").status_code == 404
    now = clock.instant_text(clock.now())
    assert stranger.post(f"{one}/received", {"at": now}).status_code == 404
    later = clock.instant_text(clock.now() + timedelta(minutes=5))
    assert owner.post(f"{one}/received", {"at": later}).status_code == 422
    assert owner.post(f"{one}/received", {"at": now}).get_json()["received_at"] == now
    assert mine.get(one).get_json()["status"] == "requested"
    assert mine.post(path, {**body, "refund": "1.00"}, key="x").status_code == 422
