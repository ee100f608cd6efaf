"""Partial fulfilment: several parcels of one order, goods that cannot be supplied, and what other events meet them."""

from __future__ import annotations

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from catalog.models import Lot, StockMovement
from core import clock
from core.database import db, transaction
from core.errors import Problem
from shop import cancellation, fulfilment, holds, orders, returns, shortages
from shop.line_parts import between
from shop.models import OrderAllocation, OrderEvent
from tests.shop import builders, state
from tests.shop.paying import sell


def domestic(shelf: Any, **more: Any) -> uuid.UUID:
    return builders.put_listing(shelf, route="general_trade", hs="0202300090", **{"price_fen": 3333, **more})


@pytest.fixture
def sold(place: Any, shelf: Any, stripe: Any) -> dict[str, Any]:
    """Five of one thing and two of another, paid; ten of each in stock."""
    beef, lamb = domestic(shelf, stock="10"), domestic(shelf, stock="10", price_fen=1000)
    found = sell(place, stripe, builders.buyer(), (beef, "5"), (lamb, "2"))
    return {**found, "beef": beef, "lamb": lamb, "owner": shelf.owner, "total_fen": fen(found["total"])}


def fen(text: str) -> int:
    return int(Decimal(text) * 100)


def pairs(*wanted: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"line": line, "quantity": Decimal(quantity)} for line, quantity in wanted]


def ship(sold: Any, *wanted: tuple[int, str]) -> None:
    fulfilment.ship(sold["owner"], sold["order"], clock.now(), pairs(*wanted) or None)


def short(sold: Any, *wanted: tuple[int, str]) -> dict[str, Any]:
    return shortages.report(sold["owner"], sold["order"], pairs(*wanted), "broken", uuid.uuid4())


def seen(sold: Any) -> dict[str, Any]:
    state.fresh()
    return orders.one(sold["buyer"], sold["order"])


def test_two_parcels_ship_an_order(sold: Any) -> None:
    ship(sold, (1, "3"))
    order = seen(sold)
    assert order["status"] == "paid"
    assert state.stock(sold["beef"]) == (Decimal(7), Decimal(2))
    assert state.stock(sold["lamb"]) == (Decimal(10), Decimal(2))
    ship(sold)
    order = seen(sold)
    assert order["status"] == "shipped"
    assert [parcel["lines"] for parcel in order["parcels"]] == [
        [{"line": 1, "quantity": "3"}],
        [{"line": 1, "quantity": "2"}, {"line": 2, "quantity": "2"}],
    ]
    first, second = (parcel["waybill_no"] for parcel in order["parcels"])
    assert (first, first == second) == (order["waybill_no"], False)
    assert [entry["event"] for entry in order["timeline"]] == [
        "placed", "paid", "parcel_sent", "parcel_sent", "shipped"
    ]  # fmt: skip
    assert state.stock(sold["beef"]) == (Decimal(5), Decimal(0))
    assert state.stock(sold["lamb"]) == (Decimal(8), Decimal(0))
    adds_up(sold)
    fulfilment.deliver(sold["owner"], sold["order"], clock.now())
    assert seen(sold)["status"] == "delivered"


def adds_up(sold: Any) -> None:
    """On hand is the sum of the movements, what is reserved is what orders hold, the books balance."""
    session = state.fresh()
    held = holds.held_by_lot(session)
    for lot in session.scalars(select(Lot)):
        moved = session.scalar(select(func.sum(StockMovement.quantity)).where(StockMovement.lot_id == lot.id))
        assert lot.on_hand == moved
        assert lot.reserved == held.get(lot.id, 0)
    assert state.books_balance()


def test_an_order_sent_at_once_is_one_parcel(sold: Any) -> None:
    ship(sold)
    order = seen(sold)
    assert [parcel["waybill_no"] for parcel in order["parcels"]] == [order["waybill_no"]]
    assert [entry["event"] for entry in order["timeline"]] == ["placed", "paid", "shipped"]


def test_a_parcel_may_come_from_several_lots(place: Any, shelf: Any, stripe: Any) -> None:
    beef = domestic(shelf, stock="2")
    with transaction() as session:
        builders.add_lot(session, beef, shelf.store, Decimal(4))
    found = sell(place, stripe, builders.buyer(), (beef, "5"))
    bought = {**found, "owner": shelf.owner, "beef": beef}
    ship(bought, (1, "3"))
    assert state.stock(beef) == (Decimal(3), Decimal(2))
    ship(bought, (1, "2"))
    assert state.stock(beef) == (Decimal(1), Decimal(0))
    adds_up(bought)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ([(1, "6")], "lines.0.quantity"),
        ([(1, "0.5")], "lines.0.quantity"),
        ([(3, "1")], "lines.0.line"),
        ([(1, "1"), (1, "1")], "lines.1.line"),
    ],
)
def test_what_is_not_left_cannot_be_sent_or_fall_short(sold: Any, wanted: Any, field: str) -> None:
    for step in (ship, short):
        with pytest.raises(Problem) as refusal:
            step(sold, *wanted)
        assert list(refusal.value.errors) == [field]
    assert state.stock(sold["beef"]) == (Decimal(10), Decimal(5))


def test_a_retail_order_is_sent_whole(place: Any, shelf: Any, stripe: Any) -> None:
    crab = builders.put_listing(shelf)
    found = sell(place, stripe, builders.buyer(), (crab, "2"))
    bought = {**found, "owner": shelf.owner}
    with pytest.raises(Problem) as refusal:
        short(bought, (1, "1"))
    assert refusal.value.code == "ships_whole"
    with transaction() as session:
        from shop import moves

        moves.move(session, [bought["order"]], "declared", "tests")
        moves.move(session, [bought["order"]], "released", "tests", released_on=clock.today())
    with pytest.raises(Problem) as refusal:
        ship(bought, (1, "1"))
    assert (refusal.value.code, refusal.value.status) == ("ships_whole", 409)
    ship(bought)
    assert seen(bought)["status"] == "shipped"


def test_what_is_not_supplied_is_paid_back_and_leaves_the_stock(sold: Any, stripe: Any, run_jobs: Any) -> None:
    told = short(sold, (1, "2"))
    assert told["amount"] == "66.66"
    run_jobs("shop.pay_refund")
    order = seen(sold)
    assert (order["status"], order["refunded"]) == ("paid", "66.66")
    assert order["shortages"][0]["lines"] == [{"line": 1, "quantity": "2"}]
    assert state.stock(sold["beef"]) == (Decimal(8), Decimal(3)), "what is not there is not on hand"
    assert stripe.refunded() == 6666
    adds_up(sold)
    ship(sold)
    assert seen(sold)["status"] == "shipped"
    assert state.balance("merchant_payable") == -(5 * 3333 + 2000 - 6666)
    assert state.balance("logistics_payable") != 0


def test_the_last_of_a_partly_sent_order_makes_it_shipped(sold: Any) -> None:
    ship(sold, (1, "5"))
    short(sold, (2, "2"))
    order = seen(sold)
    assert (order["status"], order["refunded"]) == ("shipped", "20.00")
    adds_up(sold)


def test_nothing_at_all_is_a_whole_refund_with_its_freight(sold: Any, stripe: Any, run_jobs: Any) -> None:
    short(sold, (1, "2"))
    short(sold, (2, "2"), (1, "3"))
    run_jobs("shop.pay_refund")
    assert state.statuses(sold) == ["refunded"]
    assert stripe.refunded() == sold["total_fen"]
    for account in ("stripe_cash", "merchant_payable", "logistics_payable", "refund_payable"):
        assert state.balance(account) == 0
    assert state.stock(sold["beef"]) == (Decimal(5), Decimal(0))
    adds_up(sold)


def test_the_same_attempt_is_one_parcel(sold: Any, client: Any, app: Any) -> None:
    attempt, many = uuid.uuid4(), 3
    send = lambda: fulfilment.ship(sold["owner"], sold["order"], clock.now(), pairs((1, "1")), attempt)  # noqa: E731
    assert race(app, *[send] * many) == ["done"] * many
    assert state.stock(sold["beef"]) == (Decimal(9), Decimal(4))
    path = f"/api/v1/shop/orders/{sold['order']}/ship"
    body = {"at": clock.instant_text(clock.now()), "lines": [{"line": 1, "quantity": "1"}]}
    headers = builders.token_of(sold["owner"])
    keyless = client.post(path, json=body, headers=headers)
    assert (keyless.status_code, keyless.get_json()["code"]) == (400, "idempotency_key_required")
    twice = [client.post(path, json=body, headers={**headers, "Idempotency-Key": "k"}) for _ in range(2)]
    assert twice[0].data == twice[1].data
    assert len(seen(sold)["parcels"]) == 2
    adds_up(sold)


def test_the_same_attempt_is_one_shortage(sold: Any) -> None:
    attempt = uuid.uuid4()
    first = shortages.report(sold["owner"], sold["order"], pairs((1, "1")), "broken", attempt)
    assert shortages.report(sold["owner"], sold["order"], pairs((1, "1")), "broken", attempt) == first
    assert state.stock(sold["beef"])[1] == 4


def test_an_attempt_of_one_order_says_nothing_of_another(place: Any, sold: Any, stripe: Any) -> None:
    other = {**sold, **sell(place, stripe, builders.buyer(), (sold["lamb"], "2"))}
    attempt = uuid.uuid4()
    for bought in (sold, other):
        shortages.report(bought["owner"], bought["order"], pairs((1, "1")), "broken", attempt)
        fulfilment.ship(bought["owner"], bought["order"], clock.now(), pairs((1, "1")), attempt)
    assert state.stock(sold["lamb"]) == (Decimal(8), Decimal(2))


def test_cancelling_after_a_shortage_pays_the_rest_back(sold: Any, stripe: Any, run_jobs: Any) -> None:
    short(sold, (1, "2"))
    cancellation.cancel(sold["buyer"], sold["order"])
    run_jobs("shop.pay_refund")
    assert state.statuses(sold) == ["refunded"]
    assert stripe.refunded() == sold["total_fen"]
    assert state.stock(sold["beef"]) == (Decimal(8), Decimal(0))
    adds_up(sold)


def test_a_partly_sent_order_cannot_be_cancelled(sold: Any) -> None:
    ship(sold, (2, "1"))
    with pytest.raises(Problem) as refusal:
        cancellation.cancel(sold["buyer"], sold["order"])
    assert refusal.value.code == "order_state"
    assert "sent back" in str(refusal.value.extra["hint"])


def test_what_was_not_supplied_cannot_be_sent_back(sold: Any, stripe: Any, run_jobs: Any) -> None:
    short(sold, (1, "2"))
    ship(sold)
    with pytest.raises(Problem):
        returns.request_return(sold["buyer"], sold["order"], pairs((1, "4")), "no", uuid.uuid4())
    made = returns.request_return(sold["buyer"], sold["order"], pairs((1, "3"), (2, "2")), "no", uuid.uuid4())
    returns.receive(sold["owner"], uuid.UUID(made["id"]), clock.now())
    run_jobs("shop.pay_refund")
    order = seen(sold)
    assert order["status"] == "returned"
    assert stripe.refunded() == sold["total_fen"] - fen(order["freight"])
    assert state.balance("merchant_payable") == 0
    adds_up(sold)


def test_a_recall_pays_back_only_what_has_not_left(sold: Any, stripe: Any, run_jobs: Any, shelf: Any) -> None:
    from catalog import recalls

    ship(sold, (1, "3"), (2, "1"))
    lot = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == sold["beef"])).one()
    recalls.recall("tests", shelf.merchant_id, lot, "salmonella")
    run_jobs("shop.")
    order = seen(sold)
    assert (order["status"], order["refunded"]) == ("paid", "66.66"), "the lamb is still to be sent"
    assert state.stock(sold["beef"]) == (Decimal(7), Decimal(0)), "the rest stays where it is, held by nobody"
    other = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == sold["lamb"])).one()
    recalls.recall("tests", shelf.merchant_id, other, "and that one")
    run_jobs("shop.")
    order = seen(sold)
    assert (order["status"], order["refunded"]) == ("shipped", "76.66"), "nothing is left to send"
    assert stripe.refunded() == 7666
    adds_up(sold)


def test_a_recall_leaves_other_goods_of_a_partly_sent_order(sold: Any, stripe: Any, run_jobs: Any, shelf: Any) -> None:
    from catalog import recalls

    ship(sold, (1, "3"), (2, "1"))
    lot = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == sold["beef"])).one()
    recalls.recall("tests", shelf.merchant_id, lot, "salmonella")
    run_jobs("shop.")
    with pytest.raises(Problem):
        ship(sold, (1, "1"))
    ship(sold)
    assert seen(sold)["status"] == "shipped"
    adds_up(sold)


def test_parcels_and_shortages_are_the_merchants_own(sold: Any, client: Any) -> None:
    stranger, buyer = builders.open_shelf().owner, sold["buyer"]
    path = f"/api/v1/shop/orders/{sold['order']}"
    body = {"lines": [{"line": 1, "quantity": "1"}], "reason": "broken"}

    def post(who: Any, end: str, json: Any) -> Any:
        headers = {**builders.token_of(who), "Idempotency-Key": uuid.uuid4().hex}
        return client.post(f"{path}/{end}", json=json, headers=headers)

    parcel = {"at": clock.instant_text(clock.now()), "lines": body["lines"]}
    assert [post(stranger, end, json).status_code for end, json in (("shortages", body), ("ship", parcel))] == [404] * 2
    assert [post(buyer, end, json).status_code for end, json in (("shortages", body), ("ship", parcel))] == [403] * 2
    assert state.stock(sold["beef"]) == (Decimal(10), Decimal(5))
    assert post(sold["owner"], "ship", parcel).get_json()["parcels"][0]["lines"] == [{"line": 1, "quantity": "1"}]
    made = post(sold["owner"], "shortages", body)
    assert (made.status_code, made.get_json()["amount"]) == (201, "33.33")
    for bad in ({"lines": []}, {"lines": [{"line": 0, "quantity": "1"}]}, {"lines": [{"line": 1, "quantity": "-1"}]}):
        assert post(sold["owner"], "shortages", {"reason": "x", **bad}).status_code == 422


def race(app: Any, *steps: Any) -> list[str]:
    """How the steps ended, started at one instant."""
    gate = Barrier(len(steps))

    def run(step: Any) -> str:
        with app.app_context():
            gate.wait()
            try:
                step()
            except Problem as refusal:
                return refusal.code
            finally:
                db.session.remove()
            return "done"

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


@pytest.mark.parametrize("attempt", range(4))
def test_cancel_against_ship_has_one_outcome(app: Any, sold: Any, stripe: Any, run_jobs: Any, attempt: int) -> None:
    """F42: shipped and not refunded, or refunded and nothing has left."""
    whole = attempt % 2 == 0
    ends = race(
        app,
        lambda: ship(sold) if whole else ship(sold, (1, "5")),
        lambda: cancellation.cancel(sold["buyer"], sold["order"]),
        lambda: cancellation.cancel(sold["buyer"], sold["order"]),
    )
    run_jobs("shop.pay_refund")
    (status,) = state.statuses(sold)
    on_hand, reserved = state.stock(sold["beef"])
    if ends[0] == "done":
        assert ends[1:] == ["order_state"] * 2
        assert (status, stripe.refunded(), on_hand) == ("shipped" if whole else "paid", 0, 5)
    else:
        assert ends == ["order_state", "done", "done"]
        assert (status, stripe.refunded(), on_hand, reserved) == ("refunded", sold["total_fen"], 10, 0)
    adds_up(sold)


def test_parcels_and_shortages_at_one_instant_never_exceed_the_order(app: Any, sold: Any, run_jobs: Any) -> None:
    steps = [lambda: ship(sold, (1, "2"))] * 3 + [lambda: short(sold, (1, "2"))] * 3
    ends = race(app, *steps)
    assert ends.count("done") == 2, "of five, two and two"
    assert set(ends) == {"done", "invalid_input"}
    run_jobs("shop.pay_refund")
    session = state.fresh()
    left = session.execute(
        select(func.sum(OrderAllocation.quantity - OrderAllocation.sent)).where(OrderAllocation.sent >= 0)
    )
    assert left.scalar_one() == 3  # one of the first line, two of the second
    parcels = session.scalar(select(func.count()).where(OrderEvent.event == "parcel_sent"))
    assert parcels == ends[:3].count("done")
    adds_up(sold)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**9), st.integers(1, 60), st.data())
def test_parts_of_an_amount_are_the_whole_in_every_split(amount: int, whole: int, data: Any) -> None:
    """F44: however often and in whatever portions a line goes back."""
    cuts = sorted(data.draw(st.lists(st.integers(0, whole), max_size=6)))
    ends = [0, *cuts, whole]
    parts = [between(amount, whole, first, last) for first, last in itertools.pairwise(ends)]
    assert sum(parts) == amount
    assert min(parts) >= 0
    assert between(amount, 0, 0, 0) == 0


def test_the_day_of_sending_is_the_last_parcels_not_the_shortages(sold: Any, move_clock: Any) -> None:
    ship(sold, (1, "5"))
    move_clock(3600)
    arrived = clock.now()
    move_clock(7200)
    short(sold, (2, "2"))
    fulfilment.deliver(sold["owner"], sold["order"], arrived)
    assert seen(sold)["status"] == "delivered"
