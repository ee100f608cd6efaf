"""While orders are placed, paid, declared, cancelled, released and sent back, the check finds nothing that is not there."""

from __future__ import annotations

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core.database import db
from core.errors import Problem
from customs.models import Declaration
from shop import cancellation, checkout, filing, payments
from shop.models import Order, Payment
from shop.quotes import Item
from shop.window_check import faults, run
from tests.shop import builders, paying, state

THREADS, ROUNDS = 3, 6


def _live(app: Any, stripe: Any, goods: list[uuid.UUID], actor: Any, choice: random.Random) -> None:
    """The life of one order, as far as chance takes it; each step is a transaction of its own, as it really is."""
    with app.app_context():
        wants = [Item(each, Decimal(choice.randint(1, 2))) for each in choice.sample(goods, choice.randint(1, 2))]
        purchase_id = checkout.place(actor.id, uuid.uuid4(), items=wants)
        checkout.pay_for(purchase_id)
        order_id, number = db.session.execute(
            select(Order.id, Order.number).where(Order.purchase_id == purchase_id)
        ).one()
        intent = db.session.scalars(select(Payment.intent_id).where(Payment.purchase_id == purchase_id)).one()
        db.session.rollback()
        if choice.random() < 0.2:
            return cancellation.cancel(actor, order_id)
        stripe.pay(intent)
        payments.look(purchase_id)
        if choice.random() < 0.2:
            return cancellation.cancel(actor, order_id)
        filing.file_order(str(order_id))
        if choice.random() < 0.3:
            return cancellation.cancel(actor, order_id)
        return paying.release({"number": number})


@pytest.mark.parametrize("seed", [1, 2])
def test_traffic_makes_no_findings(app: Any, stripe: Any, shelf: Any, monkeypatch: Any, seed: int) -> None:
    monkeypatch.setattr(db.engine.pool, "_timeout", 60)  # a crowded machine is no fault of ours
    monkeypatch.setattr(faults, "SLICE", 3)  # many slices: orders come and change between them
    goods = [builders.put_listing(shelf, price_fen=2000, stock="500") for _ in range(3)]
    actors = [builders.buyer() for _ in range(THREADS)]
    db.session.rollback()
    ended = threading.Event()

    def buy(at: int) -> int:
        choice, done = random.Random(seed * 100 + at), 0
        for _ in range(ROUNDS):
            try:
                _live(app, stripe, goods, actors[at], choice)
                done += 1
            except Problem:
                db.session.rollback()
        return done

    told: list[faults.Fault] = []

    def look() -> int:
        passes = 0
        with app.app_context():
            while not ended.is_set() or not passes:
                run.check(told.append)
                db.session.rollback()
                passes += 1
        return passes

    with ThreadPoolExecutor(THREADS + 1) as pool:
        looking = pool.submit(look)
        done = [pool.submit(buy, at) for at in range(THREADS)]
        lived = sum(each.result() for each in done)
        ended.set()
        passes = looking.result()
    assert told == []
    assert passes >= 2
    assert lived >= THREADS * ROUNDS // 2
    statuses = set(state.fresh().scalars(select(Declaration.status)))
    assert {"released", "cancelled"} <= statuses
