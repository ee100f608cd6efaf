"""Lots, weighing and recalls as people see and do them, in both languages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from catalog.models import Lot, MerchantMember
from core.database import db, transaction
from shop import payments
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser
from tests.shop.test_weighing import HAM, PIECE


@pytest.fixture
def lot(shelf: Shelf) -> Lot:
    goods = builders.put_listing(shelf, stock="5", route="general_trade", hs="0202300090")
    row = state.fresh().scalars(select(Lot).where(Lot.listing_id == goods)).one()
    db.session.expunge(row)
    return row


def kind_of(lot_id: uuid.UUID) -> str | None:
    return state.fresh().get_one(Lot, lot_id).block_kind


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            ["On hand", "Held by orders", "What happened to it", "Broken cold chain", "Recall this lot", "Received"],
        ),
        ("zh", ["在库", "订单占用", "库存变动", "冷链中断", "召回该批次", "入库"]),
    ],
)
def test_a_merchant_sees_its_lots(browser: Browser, shelf: Shelf, lot: Lot, language: str, texts: list[str]) -> None:
    browser.sign_in(shelf.owner)
    assert lot.batch_no in browser.go("/trade/lots", language).get_data(as_text=True)
    page = browser.go(f"/trade/lots/{lot.id}", language).get_data(as_text=True)
    assert [text for text in texts if text not in page] == []


def test_a_merchant_counts_a_lot_and_moves_goods(browser: Browser, shelf: Shelf, lot: Lot) -> None:
    browser.sign_in(shelf.owner)
    here = f"/trade/lots/{lot.id}"
    assert browser.send(here, f"{here}/count", counted="4", reason="one is broken").status_code == 303
    assert state.fresh().get_one(Lot, lot.id).on_hand == 4
    moved = {"kind": "destruction", "quantity": "1", "reference": "D-1"}
    for _ in range(2):
        assert browser.send(here, f"{here}/movements", **moved).status_code == 303
    assert state.fresh().get_one(Lot, lot.id).on_hand == 3
    assert "has moved this lot already" in browser.go(here).get_data(as_text=True)
    assert browser.send(here, f"{here}/count", counted="x", reason="typed wrong").status_code == 303
    assert state.fresh().get_one(Lot, lot.id).on_hand == 3


def test_a_merchant_holds_frees_and_recalls_a_lot(browser: Browser, shelf: Shelf, lot: Lot) -> None:
    browser.sign_in(shelf.owner)
    here = f"/trade/lots/{lot.id}"
    assert browser.send(here, f"{here}/block", reason="label").status_code == 303
    assert kind_of(lot.id) == "hold"
    assert browser.send(here, f"{here}/unblock").status_code == 303
    assert kind_of(lot.id) is None
    assert browser.send(here, f"{here}/temperature", celsius="-19", allowed_celsius="-18").status_code == 303
    assert kind_of(lot.id) is None
    assert "is within what is allowed" in browser.go(here).get_data(as_text=True)
    assert browser.send(here, f"{here}/temperature", celsius="-9", allowed_celsius="-18").status_code == 303
    assert kind_of(lot.id) == "quarantine"
    assert browser.send(here, f"{here}/recall", reason="spoiled").status_code == 303
    assert kind_of(lot.id) == "recall"
    assert "Recall this lot" not in browser.go(here).get_data(as_text=True)


def test_a_clerk_is_not_offered_a_recall_and_cannot_make_one(browser: Browser, shelf: Shelf, lot: Lot) -> None:
    with transaction() as session:
        session.get_one(MerchantMember, shelf.owner.id).role = "stock_clerk"
    browser.sign_in(shelf.owner)
    page = browser.go(f"/trade/lots/{lot.id}").get_data(as_text=True)
    assert "Recall this lot" not in page
    assert "Stop the sale" in page
    assert browser.post(f"/trade/lots/{lot.id}/recall", reason="x").status_code == 403
    assert kind_of(lot.id) is None


def test_another_merchants_lot_has_no_page(browser: Browser, lot: Lot) -> None:
    browser.sign_in(builders.open_shelf().owner)
    assert browser.go(f"/trade/lots/{lot.id}").status_code == 404
    assert browser.post(f"/trade/lots/{lot.id}/recall", reason="x").status_code == 404
    assert browser.go(f"/operations/recalls/lots/{lot.id}").status_code == 403


def test_an_operator_recalls_a_batch_over_merchants(browser: Browser, shelf: Shelf, lot: Lot) -> None:
    other = builders.open_shelf()
    theirs = builders.put_listing(other, stock="3")
    second = state.fresh().scalars(select(Lot).where(Lot.listing_id == theirs)).one().id
    with transaction() as session:
        session.get_one(Lot, second).batch_no = lot.batch_no
    browser.sign_in(builders.open_account("operator"))
    found = f"/operations/recalls?batch_no={lot.batch_no}"
    assert browser.go(found).get_data(as_text=True).count("/operations/recalls/lots/") == 2
    assert browser.send(found, "/operations/recalls", reason="salmonella").status_code == 303
    assert "Lots recalled: 2" in browser.go("/operations/recalls").get_data(as_text=True)
    assert (kind_of(lot.id), kind_of(second)) == ("recall", "recall")
    assert "已召回" in browser.go("/operations/recalls", "zh").get_data(as_text=True)


def test_an_operator_puts_a_lot_into_quarantine_and_the_merchant_is_told(
    browser: Browser, another_browser: Callable[[], Browser], shelf: Shelf, lot: Lot
) -> None:
    browser.sign_in(builders.open_account("operator"))
    there = f"/operations/recalls/lots/{lot.id}"
    assert browser.send(there, f"{there}/quarantine", reason="a smell of ammonia").status_code == 303
    assert kind_of(lot.id) == "quarantine"
    assert "Into quarantine" not in browser.go(there).get_data(as_text=True)
    theirs = another_browser()
    theirs.sign_in(shelf.owner)
    told = theirs.go("/trade/notices").get_data(as_text=True)
    for text in ("An operator put a lot of yours into quarantine", lot.batch_no, "a smell of ammonia"):
        assert text in told
    assert "运营方已将您的一个批次隔离" in theirs.go("/trade/notices", "zh").get_data(as_text=True)
    assert theirs.post(f"/trade/lots/{lot.id}/unblock").status_code == 303
    assert kind_of(lot.id) == "quarantine"


def test_a_lot_is_received_on_the_page(browser: Browser, shelf: Shelf) -> None:
    ham = builders.put_listing(shelf, route="general_trade", hs="0203220000", stock="0", price_fen=PIECE, **HAM)
    browser.sign_in(shelf.owner)
    here, to = f"/trade/listings/{ham}/lots/new", f"/trade/listings/{ham}/lots"
    good = {
        "batch_no": "H-1",
        "warehouse": shelf.store,
        "quantity": "10",
        "weight_kg": "45",
        "expires_on": "2028-01-31",
    }
    refused = browser.send(here, to, **{**good, "weight_kg": "90"})
    assert refused.status_code == 422
    page = refused.get_data(as_text=True)
    assert "must be 40.5 to 49.5 kg" in page
    assert 'value="H-1"' in page
    made = browser.send(here, to, **good)
    assert made.status_code == 303
    row = state.fresh().scalars(select(Lot).where(Lot.batch_no == "H-1")).one()
    assert made.headers["Location"].endswith(f"/trade/lots/{row.id}")
    assert (row.on_hand, row.weight_kg, row.warehouse_id) == (Decimal(10), Decimal(45), shelf.store)
    assert browser.send(here, to, **good).status_code == 409
    browser.send(here, "/logout")
    browser.sign_in(builders.open_shelf().owner)
    assert browser.go(here).status_code == 404


def test_an_operator_lifts_a_quarantine(browser: Browser, shelf: Shelf, lot: Lot) -> None:
    browser.sign_in(shelf.owner)
    here = f"/trade/lots/{lot.id}"
    browser.send(here, f"{here}/temperature", celsius="-9", allowed_celsius="-18")
    browser.send(here, "/logout")
    browser.sign_in(builders.open_account("operator"))
    there = f"/operations/recalls/lots/{lot.id}"
    assert browser.send(there, f"{there}/release", reason="core at -18").status_code == 303
    assert kind_of(lot.id) is None


def test_picked_goods_are_weighed_on_the_page_of_orders(
    browser: Browser, shelf: Shelf, stripe: Any, place: Callable[..., Any]
) -> None:
    ham = builders.put_listing(shelf, route="general_trade", hs="0203220000", price_fen=PIECE, **HAM)
    answer = place(builders.buyer(), (ham, "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    with transaction() as session:
        session.scalars(select(Lot).where(Lot.listing_id == ham)).one().weight_kg = Decimal(450)
    browser.sign_in(shelf.owner)
    order = answer["orders"][0]["id"]
    assert browser.send("/trade/orders", f"/trade/orders/{order}/weigh", weight_kg="8.5").status_code == 303
    assert "weighed: ¥755.48" in browser.go("/trade/orders").get_data(as_text=True)
    assert browser.send("/trade/orders", f"/trade/orders/{order}/weigh", weight_kg="80").status_code == 303
    assert "8.1 to 9.9 kg" in browser.go("/trade/orders").get_data(as_text=True)
    assert browser.send("/trade/orders", f"/trade/orders/{order}/ship").status_code == 303
    assert state.statuses(answer) == ["shipped"]


def test_each_lot_that_serves_a_line_is_weighed_apart(
    browser: Browser, shelf: Shelf, stripe: Any, place: Callable[..., Any]
) -> None:
    ham = builders.put_listing(shelf, route="general_trade", hs="0203220000", stock="3", price_fen=PIECE, **HAM)
    with transaction() as session:
        builders.add_lot(session, ham, shelf.store, Decimal(17))
    answer = place(builders.buyer(), (ham, "4"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    lots = state.fresh().scalars(select(Lot).where(Lot.listing_id == ham).order_by(Lot.created_at)).all()
    order = answer["orders"][0]["id"]
    browser.sign_in(shelf.owner)
    page = browser.go("/trade/orders").get_data(as_text=True)
    for lot in lots:
        assert f'name="lot_id" value="{lot.id}"' in page
        assert f"{lot.batch_no}</a>" in page
    action = f"/trade/orders/{order}/weigh"
    assert browser.send("/trade/orders", action, lot_id=lots[0].id, weight_kg="13").status_code == 303
    assert "weighed:" not in browser.go("/trade/orders").get_data(as_text=True)
    assert browser.send("/trade/orders", action, lot_id=lots[1].id, weight_kg="4.2").status_code == 303
    page = browser.go("/trade/orders").get_data(as_text=True)
    assert "weighed: ¥1,528.74" in page
    assert "× 3" in page
    assert "4.2 kg" in page
