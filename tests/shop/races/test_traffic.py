"""Everybody at once: buyers, merchants, workers and the bank do what a seed chooses, Stripe is away now and then and loses
answers, and when all is quiet the auditor finds nothing.

The seed fixes what each thread tries, not how the threads meet.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from core import clock, jobs
from core.config import ClockSetting
from core.database import db
from core.errors import Problem
from shop import cancellation, checkout, disputes, expiry, filing, fulfilment, payments, reconcile, refunds
from shop.models import Order, Payment, Purchase
from shop.payment_models import PaymentDispute
from shop.quotes import Item
from shop.stripe_gateway import GatewayUnavailable
from shop.stripe_http import Exchange
from tests.shop import builders, state

THREADS, STEPS = 6, 40
LOSSY = ("create_intent", "retrieve_intent", "cancel_intent", "refund")


class Traffic:
    """One market; each `act` is one deed of one thread, chosen by its own random numbers."""

    def __init__(self, shelf: Any, stripe: Any, seed: int) -> None:
        self.shelf, self.stripe = shelf, stripe
        domestic = {"route": "general_trade", "hs": "0202300090"}
        self.goods = [
            builders.put_listing(shelf, price_fen=30000, stock="15"),
            builders.put_listing(shelf, price_fen=2000, stock="9"),
            builders.put_listing(shelf, price_fen=5000, stock="12", **domestic),
        ]
        twin = random.Random(seed).randrange(900)
        self.buyers = [builders.buyer(serial=twin), builders.buyer(serial=twin), builders.buyer()]
        self.chance, self.minutes = random.Random(seed), 0
        for name in LOSSY:
            setattr(stripe, name, self._losing(getattr(stripe, name)))

    def _losing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The answer is lost now and then, after the deed; sometimes it was a 500, whose key is spoiled."""

        def run(*args: Any, **facts: Any) -> Any:
            done = call(*args, **facts)
            if self.chance.random() < 0.08:
                raise GatewayUnavailable("lost", Exchange("POST", "", self.chance.choice((None, 500))))
            return done

        return run

    def act(self, choice: random.Random) -> None:
        deeds = (self.buy, self.buy, self.pay, self.pay, self.look, self.cancel, self.send, self.work, self.work,
                 self.sweep, self.dispute, self.wait)  # fmt: skip
        try:
            choice.choice(deeds)(choice)
        except (Problem, GatewayUnavailable):
            db.session.rollback()

    def buy(self, choice: random.Random) -> None:
        wants = [Item(each, Decimal(choice.randint(1, 2))) for each in choice.sample(self.goods, choice.randint(1, 3))]
        checkout.pay_for(checkout.place(choice.choice(self.buyers).id, uuid.uuid4(), items=wants))

    def pay(self, choice: random.Random) -> None:
        """An intent of which somebody was told the secret."""
        intent = self._one(choice, select(Payment.intent_id).where(Payment.intent_id.is_not(None)))
        try:
            self.stripe.pay(intent, payer=choice.choice(("王芳", None)))
        except AssertionError:
            return  # another was faster

    def look(self, choice: random.Random) -> None:
        payments.look(self._one(choice, select(Purchase.id)))

    def cancel(self, choice: random.Random) -> None:
        order_id = self._one(choice, select(Order.id))
        account = db.session.scalar(select(Order.account_id).where(Order.id == order_id))
        cancellation.cancel(next(each for each in self.buyers if each.id == account), order_id)

    def send(self, choice: random.Random) -> None:
        order_id = self._one(choice, select(Order.id).where(Order.route == "general_trade"))
        fulfilment.ship(self.shelf.owner, order_id, clock.now())

    def dispute(self, choice: random.Random) -> None:
        intent = self._one(choice, select(Payment.intent_id).where(Payment.intent_id.is_not(None)))
        with self.stripe.lock:
            known = any(each.intent_id == intent for each in self.stripe.disputes.values())
            gone = sum(each.amount_fen for each in self.stripe.refunds.values() if each.intent_id == intent)
            left = self.stripe.intents[intent].received_fen - gone
            if known or left <= 0 or choice.random() < 0.6:
                return
            part = choice.choice((None, choice.randint(1, left)))
            name = self.stripe.dispute(intent, part)
        disputes.look(name)

    def wait(self, choice: random.Random) -> None:
        self.minutes += choice.randint(0, 3)
        clock.set_clock(ClockSetting(offset=timedelta(minutes=self.minutes)))

    def sweep(self, choice: random.Random) -> None:
        choice.choice((expiry.sweep_expired, expiry.reconcile, filing.chase_filings, refunds.chase_refunds))()

    def work(self, choice: random.Random) -> None:
        """Any of the jobs that are due, in any order; two threads may take the same one."""
        rows = db.session.execute(text(_DUE)).all()
        db.session.rollback()
        for row in choice.sample(rows, min(len(rows), 4)):
            jobs._tasks[row.task_name].run(**row.args)
            db.session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": row.id})
            db.session.commit()

    @staticmethod
    def _one(choice: random.Random, statement: Any) -> Any:
        found = db.session.scalars(statement).all()
        db.session.rollback()
        if not found:
            raise Problem(payments.NOT_PAYABLE)
        return choice.choice(found)


_DUE = """
    SELECT id, task_name, args FROM procrastinate_jobs
    WHERE status = 'todo' AND task_name LIKE 'shop.%' AND (scheduled_at IS NULL OR scheduled_at <= now())
"""


def traffic(seed: int, shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, audit: Any) -> None:
    market = Traffic(shelf, stripe, seed)

    def thread(number: int) -> None:
        choice = random.Random(seed * 1000 + number)
        for _ in range(STEPS):
            market.act(choice)

    at_once([lambda n=number: thread(n) for number in range(THREADS)], threads=THREADS)
    assert audit(at_rest=False) == []
    market.chance = random.Random()
    market.chance.random = lambda: 1.0  # type: ignore[method-assign]
    for name in list(stripe.disputes):
        stripe.decide(name, random.Random(seed).choice(("won", "lost")))
        disputes.look(name)
    for minutes in (1, 12, 13, 14):
        clock.set_clock(ClockSetting(offset=timedelta(minutes=market.minutes + minutes)))
        for step in (expiry.sweep_expired, reconcile.run, filing.chase_filings, refunds.chase_refunds):
            step()
        run_jobs("shop.")
    db.session.rollback()
    assert db.session.scalars(select(PaymentDispute.state).where(PaymentDispute.state == "open")).all() == []
    assert state.counted().keys() <= {"declared", "paid", "shipped", "cancelled", "refunded"}
    assert audit() == []


@pytest.mark.parametrize("seed", [1, 2])
def test_everybody_at_once(
    shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, move_clock: Any, audit: Any, seed: int
) -> None:
    traffic(seed, shelf, stripe, at_once, run_jobs, audit)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 103))
def test_a_hundred_more_seeds(
    shelf: Any, stripe: Any, at_once: Any, run_jobs: Any, move_clock: Any, audit: Any, seed: int
) -> None:
    traffic(seed, shelf, stripe, at_once, run_jobs, audit)
