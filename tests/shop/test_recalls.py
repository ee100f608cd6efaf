"""A lot is recalled: every order of it is found, what is not sent is paid back, and nothing of it leaves (F63, F72)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import event, select, text

from catalog import recalls as lot_recalls
from catalog import stock_check
from catalog.models import Lot, StockMovement
from core import clock
from core.audit import AuditEntry
from core.database import db, transaction
from core.errors import Problem
from shop import checkout, filing, fulfilment, payments, recall_views, recalls
from shop.delivery_record import tell_deliveries
from shop.models import Incident, Order, RecalledOrder, Return
from shop.quotes import Item
from tests.shop import builders, state
from tests.shop.test_delivery_record import told
from tests.shop.test_payment import fen

Given = dict[str, Any]


@pytest.fixture
def sell(place: Any, shelf: Any, stripe: Any) -> Callable[..., Given]:
    """An order of 2 units from a lot of 5, paid unless told otherwise."""

    def make(*, paid: bool = True, retail: bool = True, listing: uuid.UUID | None = None) -> Given:
        route = {} if retail else {"route": "general_trade", "hs": "0202300090"}
        goods, buyer = listing or builders.put_listing(shelf, stock="5", **route), builders.buyer()
        answer = place(buyer, (goods, "2"))
        if paid:
            stripe.pay(answer["payment"]["intent"])
            payments.look(uuid.UUID(answer["purchase"]))
        lot_id = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == goods)).one()
        order = answer["orders"][0]
        return {**answer, "buyer": buyer, "goods": goods, "lot": lot_id, "number": order["number"],
                "order": uuid.UUID(order["id"])}  # fmt: skip

    return make


def recall(shelf: Any, lot_id: uuid.UUID) -> None:
    lot_recalls.recall("tests", shelf.merchant_id, lot_id, "salmonella")


def customs_says(order_number: str, word: str, **info: Any) -> None:
    with transaction() as session:
        filing.on_declaration(session, order_number, word, info)


def send_list() -> None:
    """The declaration has gone out, so customs must be asked."""
    from customs.models import WindowDocument

    with transaction() as session:
        for document in session.scalars(select(WindowDocument)):
            document.xml, document.status = b"sent", "sent"


def outcome(given: Given) -> tuple[str, str] | None:
    rows = select(RecalledOrder.was, RecalledOrder.outcome).where(RecalledOrder.order_id == given["order"])
    row = state.fresh().execute(rows).first()
    return None if row is None else (row.was, row.outcome)


def listed(given: Given) -> dict[str, Any]:
    (row,) = recall_views.orders_of_lot(None, given["lot"], 10, None)["items"]
    return row


def adds_up() -> bool:
    return state.books_balance() and list(stock_check.check(state.fresh())) == []


def test_an_unpaid_order_is_cancelled(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell(paid=False)
    recall(shelf, given["lot"])
    run_jobs("shop.")
    assert state.statuses(given) == ["cancelled"]
    assert outcome(given) == ("awaiting_payment", "cancelled")
    assert state.stock(given["goods"]) == (Decimal(5), Decimal(0))
    assert state.allowance_sums() == (0, 0)
    assert stripe.intents[given["payment"]["intent"]].status == "canceled"
    assert adds_up()


@pytest.mark.parametrize("retail", [True, False])
def test_a_paid_order_is_paid_back(sell: Any, shelf: Any, stripe: Any, run_jobs: Any, retail: bool) -> None:
    given = sell(retail=retail)
    recall(shelf, given["lot"])
    run_jobs("shop.clear_lot")
    run_jobs("shop.")
    assert state.statuses(given) == ["refunded"]
    assert outcome(given) == ("paid", "refunded")
    assert stripe.refunded() == fen(given["total"])
    assert state.stock(given["goods"]) == (Decimal(5), Decimal(0))
    assert (listed(given)["status"], listed(given)["outcome"]) == ("refunded", "refunded")
    assert adds_up()


def test_run_again_the_job_pays_back_once(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell()
    recall(shelf, given["lot"])
    for _ in range(3):
        recalls.clear_lot(str(given["lot"]))
        recalls.chase_recalls()
    run_jobs("shop.")
    assert stripe.refunded() == fen(given["total"])
    logged = state.fresh().scalars(select(AuditEntry).where(AuditEntry.action == "order_recalled")).all()
    assert [(entry.object_id, entry.data["outcome"]) for entry in logged] == [(str(given["order"]), "refunded")]


def test_a_declared_order_is_paid_back_when_customs_lets_go(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell()
    run_jobs("shop.file")
    send_list()
    recall(shelf, given["lot"])
    run_jobs("shop.")
    assert state.statuses(given) == ["declared"]
    assert outcome(given) == ("declared", "customs_asked")
    assert stripe.refunded() == 0
    customs_says(given["number"], "cancelled", detail="399")
    run_jobs("shop.")
    assert state.statuses(given) == ["refunded"]
    assert stripe.refunded() == fen(given["total"])
    assert (listed(given)["was"], listed(given)["status"]) == ("declared", "refunded")
    assert adds_up()


@pytest.fixture
def released(sell: Any, run_jobs: Any) -> Given:
    """A retail order that customs has released and the merchant has not sent."""
    given: Given = sell()
    run_jobs("shop.file")
    release(given["number"])
    return given


def release(number: str) -> None:
    from customs.models import Declaration

    with transaction() as session:
        declaration = session.scalars(select(Declaration).where(Declaration.order_number == number)).one()
        declaration.status, declaration.released_on = "released", clock.today()
        filing.on_declaration(session, number, "released", {"day": clock.today().isoformat()})


def take_back_granted(given: Given) -> None:
    number = state.fresh().scalars(select(Return.number).where(Return.order_id == given["order"])).one()
    customs_says(given["number"], "returned", number=number)


def test_a_released_order_goes_back_with_its_freight(released: Given, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    recall(shelf, released["lot"])
    run_jobs("shop.")
    assert outcome(released) == ("released", "taken_back")
    with pytest.raises(Problem) as refused:
        fulfilment.ship(shelf.owner, released["order"], clock.now())
    assert refused.value.code == "lot_stopped"
    take_back_granted(released)
    run_jobs("shop.")
    assert state.statuses(released) == ["returned"]
    assert stripe.refunded() == fen(released["total"])
    assert state.stock(released["goods"]) == (Decimal(5), Decimal(0))
    assert state.allowance_sums() == (0, 0)
    assert adds_up()


def quarantine(shelf: Any, lot_id: uuid.UUID) -> None:
    report = {"at": clock.now(), "celsius": Decimal("-5"), "allowed_celsius": Decimal("-18"), "note": ""}
    lot_recalls.report_temperature("tests", shelf.merchant_id, lot_id, report)


def test_what_customs_is_asked_to_take_back_is_not_sent(
    released: Given, shelf: Any, stripe: Any, run_jobs: Any
) -> None:
    """Though the quarantine is lifted meanwhile: it would be paid back and sent as well."""
    quarantine(shelf, released["lot"])
    run_jobs("shop.")
    lot_recalls.release("tests", released["lot"], "core at -18")
    with pytest.raises(Problem) as refused:
        fulfilment.ship(shelf.owner, released["order"], clock.now())
    assert (refused.value.code, refused.value.status) == ("order_state", 409)
    assert shipped_of(released["lot"]) == []
    take_back_granted(released)
    run_jobs("shop.")
    assert state.statuses(released) == ["returned"]
    assert stripe.refunded() == fen(released["total"])
    assert adds_up()


def test_a_lot_freed_from_quarantine_is_recalled_after_all(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell()
    run_jobs("shop.file")
    send_list()
    quarantine(shelf, given["lot"])
    run_jobs("shop.")
    lot_recalls.release("tests", given["lot"], "core at -18")
    customs_says(given["number"], "cancel_refused", detail="under way")
    release(given["number"])
    run_jobs("shop.")
    assert state.statuses(given) == ["released"]
    recall(shelf, given["lot"])
    run_jobs("shop.")
    assert outcome(given) == ("released", "taken_back")
    take_back_granted(given)
    run_jobs("shop.")
    assert state.statuses(given) == ["returned"]
    assert stripe.refunded() == fen(given["total"])
    assert adds_up()


def test_what_was_never_sent_is_not_late(
    released: Given, shelf: Any, stripe: Any, run_jobs: Any, move_clock: Any
) -> None:
    recall(shelf, released["lot"])
    run_jobs("shop.")
    take_back_granted(released)
    run_jobs("shop.")
    move_clock(6 * 86400)
    tell_deliveries()
    assert told() == {}


def test_released_after_all_it_goes_back_too(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell()
    run_jobs("shop.file")
    send_list()
    recall(shelf, given["lot"])
    run_jobs("shop.")
    release(given["number"])
    run_jobs("shop.")
    assert outcome(given) == ("declared", "taken_back")
    take_back_granted(given)
    run_jobs("shop.")
    assert state.statuses(given) == ["returned"]
    assert stripe.refunded() == fen(given["total"])
    assert adds_up()


def test_what_customs_does_not_take_back_is_told_to_a_person(released: Given, shelf: Any, run_jobs: Any) -> None:
    recall(shelf, released["lot"])
    run_jobs("shop.")
    number = state.fresh().scalars(select(Return.number).where(Return.order_id == released["order"])).one()
    customs_says(released["number"], "return_refused", number=number)
    assert [row.kind for row in state.fresh().scalars(select(Incident))] == ["recalled_not_taken_back"]
    with pytest.raises(Problem):
        fulfilment.ship(shelf.owner, released["order"], clock.now())


def test_too_late_to_be_taken_back_is_told_to_a_person(
    released: Given, shelf: Any, run_jobs: Any, move_clock: Any
) -> None:
    move_clock(31 * 86400)
    recall(shelf, released["lot"])
    recalls.clear_lot(str(released["lot"]))
    recalls.chase_recalls()
    assert [row.kind for row in state.fresh().scalars(select(Incident))] == ["recalled_not_taken_back"]
    assert state.statuses(released) == ["released"]


def test_what_was_sent_is_only_listed(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell(retail=False)
    fulfilment.ship(shelf.owner, given["order"], clock.now())
    recall(shelf, given["lot"])
    run_jobs("shop.")
    assert state.statuses(given) == ["shipped"]
    assert stripe.refunded() == 0
    row = listed(given)
    assert (row["status"], row["quantity"], row["outcome"]) == ("shipped", "2", None)
    assert row["waybill_no"] is not None


def test_a_quarantine_has_the_same_effect(sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    given = sell(retail=False)
    quarantine(shelf, given["lot"])
    with pytest.raises(Problem) as refused:
        fulfilment.ship(shelf.owner, given["order"], clock.now())
    assert refused.value.code == "lot_stopped"
    run_jobs("shop.")
    assert state.statuses(given) == ["refunded"]
    assert state.balance("merchant_payable") == 0


def test_an_order_of_two_stopped_lots_is_listed_with_both(sell: Any, shelf: Any, place: Any, run_jobs: Any) -> None:
    goods = builders.put_listing(shelf, stock="1")
    with transaction() as session:
        builders.add_lot(session, goods, shelf.bonded, Decimal(1))
    answer = place(builders.buyer(), (goods, "2"))
    lots = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == goods)).all()
    for lot_id in lots:
        recall(shelf, lot_id)
    run_jobs("shop.")
    assert state.statuses(answer) == ["cancelled"]
    for lot_id in lots:
        (row,) = recall_views.orders_of_lot(None, lot_id, 10, None)["items"]
        assert (row["quantity"], row["outcome"]) == ("1", "cancelled")


def test_all_orders_of_a_lot_in_one_statement(sell: Any, shelf: Any, run_jobs: Any, client: Any) -> None:
    """Sent, waiting and paid back, page by page; each page is one statement beside the question whose lot it is."""
    goods = builders.put_listing(shelf, stock="9", route="general_trade", hs="0202300090")
    given = [sell(retail=False, listing=goods) for _ in range(4)]
    fulfilment.ship(shelf.owner, given[0]["order"], clock.now())
    recall(shelf, given[0]["lot"])
    run_jobs("shop.")
    statements: list[str] = []
    note = lambda _c, _cursor, sql, *_: statements.append(sql)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        first = recall_views.orders_of_lot(shelf.merchant_id, given[0]["lot"], 3, None)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 2
    second = recall_views.orders_of_lot(shelf.merchant_id, given[0]["lot"], 3, first["next"])
    rows = first["items"] + second["items"]
    assert [row["id"] for row in rows] == [str(each["order"]) for each in reversed(given)]
    assert [row["outcome"] for row in rows] == ["refunded"] * 3 + [None]
    path = f"lots/{given[0]['lot']}/orders"
    stranger = builders.token_of(builders.open_shelf().owner)
    own = client.get(f"/api/v1/catalog/manage/{path}", headers=builders.token_of(shelf.owner))
    assert (own.status_code, len(own.get_json()["items"])) == (200, 4)
    assert client.get(f"/api/v1/catalog/manage/{path}", headers=stranger).status_code == 404
    assert client.get(f"/api/v1/catalog/review/{path}", headers=stranger).status_code == 403
    operator = builders.token_of(builders.open_account("operator"))
    assert len(client.get(f"/api/v1/catalog/review/{path}", headers=operator).get_json()["items"]) == 4


def at_once(app: Any, *steps: Callable[[], object]) -> list[str]:
    """Each step in a thread of its own, behind one gate; how they ended."""
    gate = Barrier(len(steps))

    def run(step: Callable[[], object]) -> str:
        with app.app_context():
            gate.wait()
            try:
                step()
            except Problem as refusal:
                return refusal.code
            return "done"

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def shipped_of(lot_id: uuid.UUID) -> list[Any]:
    moved = select(StockMovement.at).where(StockMovement.lot_id == lot_id, StockMovement.kind == "shipment")
    return list(state.fresh().scalars(moved))


def test_recalling_paying_and_shipping_at_once(app: Any, sell: Any, shelf: Any, stripe: Any, run_jobs: Any) -> None:
    """However they meet: sent before the recall, or paid back; never sent after it (F63). All is in the log."""
    for turn in range(8):
        given = sell(retail=False, paid=False)
        stripe.pay(given["payment"]["intent"])
        if turn % 2:
            payments.look(uuid.UUID(given["purchase"]))
        state.fresh()
        before = stripe.refunded()

        ship = partial(fulfilment.ship, shelf.owner, given["order"], clock.now())
        pay = partial(payments.look, uuid.UUID(given["purchase"]))
        at_once(app, pay, ship, partial(recall, shelf, given["lot"]), ship)
        run_jobs("shop.")
        (status,) = state.statuses(given)
        lot = state.fresh().get_one(Lot, given["lot"])
        assert lot.block_kind == "recall"
        back = stripe.refunded() - before
        if status == "shipped":
            assert (outcome(given), back, len(shipped_of(lot.id))) == (None, 0, 1)
        else:
            assert status in ("refunded", "cancelled")
            assert (back, shipped_of(lot.id)) == (fen(given["total"]), [])
            assert outcome(given) is not None
        assert lot.reserved == 0
        events = {entry.action for entry in state.fresh().scalars(select(AuditEntry))}
        assert "lot_recall" in events
    assert adds_up()


def test_nothing_of_a_recalled_lot_is_sold_while_many_order(
    app: Any, shelf: Any, stripe: Any, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders placed in the moment of the recall are either refused or given up, none is left holding goods."""
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    goods = builders.put_listing(shelf, stock="50", route="general_trade", hs="0202300090")
    lot_id = state.fresh().scalars(select(Lot.id).where(Lot.listing_id == goods)).one()
    buyers = [builders.buyer(with_identity=False) for _ in range(9)]
    state.fresh()

    def order(buyer: Any) -> None:
        checkout.place(buyer.id, uuid.uuid4(), items=[Item(goods, Decimal(1))])

    ends = at_once(app, *(lambda b=buyer: order(b) for buyer in buyers), lambda: recall(shelf, lot_id))
    assert set(ends) <= {"done", "out_of_stock"}
    run_jobs("shop.")
    assert set(state.fresh().scalars(select(Order.status))) <= {"cancelled"}
    assert state.stock(goods) == (Decimal(50), Decimal(0))
    assert adds_up()


def test_a_suspended_merchant_finishes_what_is_paid_and_sells_nothing(
    sell: Any, shelf: Any, stripe: Any, run_jobs: Any, place: Any
) -> None:
    from catalog import merchants
    from shop import quotes

    goods = builders.put_listing(shelf, stock="9", route="general_trade", hs="0202300090")
    paid = sell(retail=False, listing=goods)
    unpaid = sell(retail=False, listing=goods, paid=False)
    late = builders.buyer()
    token = quotes.quote([Item(goods, Decimal(1))], late.id, None)["quote"]
    merchants.decide("tests", shelf.merchant_id, "suspend", "because")
    with pytest.raises(Problem) as stale:
        checkout.place(late.id, uuid.uuid4(), quote=token)
    assert stale.value.code == "quote_stale"
    with pytest.raises(Problem):
        place(builders.buyer(), (goods, "1"))
    run_jobs("shop.")
    assert state.statuses(unpaid) == ["cancelled"]
    fulfilment.ship(shelf.owner, paid["order"], clock.now())
    fulfilment.deliver(shelf.owner, paid["order"], clock.now())
    assert state.statuses(paid) == ["delivered"]
    merchants.decide("tests", shelf.merchant_id, "reinstate", "done")
    assert state.statuses(place(builders.buyer(), (goods, "1"))) == ["awaiting_payment"]
    assert adds_up()


def test_a_suspension_in_the_moment_of_ordering(
    app: Any, shelf: Any, stripe: Any, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog import merchants

    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    goods = builders.put_listing(shelf, stock="50", route="general_trade", hs="0202300090")
    buyers = [builders.buyer(with_identity=False) for _ in range(9)]
    state.fresh()

    def order(buyer: Any) -> None:
        checkout.place(buyer.id, uuid.uuid4(), items=[Item(goods, Decimal(1))])

    suspend = lambda: merchants.decide("tests", shelf.merchant_id, "suspend", "because")  # noqa: E731
    ends = at_once(app, *(lambda b=buyer: order(b) for buyer in buyers), suspend)
    assert set(ends) <= {"done", "out_of_stock", "listing_unavailable"}
    run_jobs("shop.")
    assert set(state.fresh().scalars(select(Order.status))) <= {"cancelled"}
    assert state.stock(goods) == (Decimal(50), Decimal(0))


def test_an_order_committed_a_moment_after_the_suspension_is_cancelled(
    app: Any, shelf: Any, stripe: Any, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It saw the merchant admitted, and the first look for unpaid orders did not see it."""
    from catalog import merchants
    from shop import holds

    goods = builders.put_listing(shelf, stock="5", route="general_trade", hs="0202300090")
    buyer = builders.buyer(with_identity=False)
    state.fresh()
    held, go = Event(), Event()
    take = holds.take

    def slow(*args: Any, **named: Any) -> Any:
        taken = take(*args, **named)
        held.set()
        assert go.wait(20)
        return taken

    monkeypatch.setattr(holds, "take", slow)

    def order() -> None:
        with app.app_context():
            checkout.place(buyer.id, uuid.uuid4(), items=[Item(goods, Decimal(1))])

    with ThreadPoolExecutor(1) as pool:
        placing = pool.submit(order)
        assert held.wait(20)
        merchants.decide("tests", shelf.merchant_id, "suspend", "because")
        run_jobs("shop.drop_unpaid")
        go.set()
        placing.result(20)
    assert state.fresh().scalars(select(Order.status)).all() == ["awaiting_payment"]
    with transaction() as session:  # half a minute later
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"))
    run_jobs("shop.drop_unpaid")
    assert state.fresh().scalars(select(Order.status)).all() == ["cancelled"]
    assert state.stock(goods) == (Decimal(5), Decimal(0))
