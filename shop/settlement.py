"""Bringing a purchase to what its intent, freshly fetched, says: paid exactly once, and only when it is ours."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import changes, run, transaction, write_with
from core.errors import Problem
from core.money import fen_text
from core.prepared import Statement
from shop import cancellation, holds, incidents, ledger, moves, notify, real_weight, refunds, screening
from shop.models import Order
from shop.news import News
from shop.stripe_objects import Intent

# A card's hold lasts seven days; what is not weighed and captured a day before is let go.
HOLD_FOR = timedelta(days=6)


def apply(intent: Intent, also: Sequence[Statement] = ()) -> str:
    """Bring a purchase to what its intent, freshly fetched, says. Applied again it changes nothing. The statements
    `also` are committed with it.

    Returns `same`, `paid`, `late`, `authorised`, `canceled`, `mismatch` or `foreign`.
    """
    if intent.status not in ("succeeded", "canceled", "requires_capture"):
        if also:
            changes(also)
        return "same"
    with transaction() as session:
        # `also` comes last, behind the purchase's lock: a row that refers to a purchase shares a lock on it, and two
        # sharers that both want it for themselves would wait for each other.
        news = News(statements=list(also))
        done = _apply(session, intent, news)
        news.write(session)
        return done


def _apply(session: Session, intent: Intent, news: News) -> str:
    purchase = _locked(session, intent)
    if purchase is None:
        if intent.status != "canceled":  # then no money has moved
            incidents.record(session, "foreign_payment", "payment_intent", intent.id, status=intent.status)
        return "foreign"
    fault = _mismatch(purchase, intent)
    if fault:
        incidents.record(session, "payment_mismatch", "purchase", purchase.id, intent=intent.id, fault=fault)
        return "mismatch"
    if intent.status == "requires_capture":
        return _authorised(session, purchase, intent)
    done = "same" if purchase.closed_at is not None else "canceled"
    if intent.status == "succeeded":
        done = _captured(session, purchase, intent, news)
    elif purchase.status == "expired" and done == "canceled":  # its orders waited for this word
        jobs.defer(session, "shop.expire_purchase", purchase_id=str(purchase.id))
    elif purchase.authorised_at is not None and purchase.status == "awaiting_payment":
        # The hold is gone: the sweep of the expired ends it.
        run(session, "UPDATE purchase SET expires_at = %(now)s WHERE id = %(id)s", _now(purchase.id))
    run(
        session,
        "UPDATE payment SET closed_at = %(now)s WHERE id = %(id)s AND closed_at IS NULL",
        _now(purchase.payment_id),
    )
    return done


_CLOSED = "UPDATE payment SET closed_at = %(now)s WHERE id = %(id)s AND closed_at IS NULL RETURNING id"


def _now(row_id: uuid.UUID) -> dict[str, Any]:
    return {"id": row_id, "now": clock.now()}


# Whoever moves a purchase and its orders holds the lock on it.
_LOCKED = """
    SELECT purchase.id, purchase.account_id, purchase.status, purchase.currency, purchase.total_fen,
           purchase.captured_fen, purchase.authorised_at, purchase.expires_at, payment.id AS payment_id,
           payment.amount_fen, payment.method, payment.capture_fen, payment.closed_at
    FROM payment JOIN purchase ON purchase.id = payment.purchase_id
    WHERE payment.intent_id = %(intent)s FOR UPDATE OF purchase
"""
# One statement: the answer may name the intent at this very moment, and then it is no less ours.
_NAMED = """
    UPDATE payment SET intent_id = %(intent)s, client_secret = %(secret)s
    FROM (SELECT id FROM purchase WHERE id = %(purchase)s FOR UPDATE) AS bought
    WHERE payment.purchase_id = bought.id AND (payment.intent_id IS NULL OR payment.intent_id = %(intent)s)
    RETURNING payment.id
"""


def _locked(session: Session, intent: Intent) -> Any:
    """The purchase of an intent behind its lock, with its payment: found by the intent's id, or, when the answer that
    named it was lost, by the purchase in its metadata. None for one that is not ours."""
    found = run(session, _LOCKED, {"intent": intent.id})
    if not found:
        try:
            purchase_id = uuid.UUID(intent.metadata.get("purchase", ""))
        except ValueError:
            return None
        if not run(session, _NAMED, {"intent": intent.id, "secret": intent.client_secret, "purchase": purchase_id}):
            return None
        found = run(session, _LOCKED, {"intent": intent.id})
    return SimpleNamespace(**found[0]._asdict())


def _mismatch(purchase: Any, intent: Intent) -> dict[str, Any] | None:
    """What in a paid or held intent is not ours: amount, currency or purchase."""
    if intent.status == "canceled":
        return None
    held = intent.status == "requires_capture"
    amount = purchase.amount_fen if held == (purchase.method == "card") else purchase.capture_fen
    ours = {"amount": amount, "currency": purchase.currency, "purchase": str(purchase.id)}
    theirs = {
        "amount": intent.capturable_fen if held else intent.received_fen,
        "currency": intent.currency,
        "purchase": intent.metadata.get("purchase"),
    }
    return None if ours == theirs else {"ours": ours, "theirs": theirs}


def _authorised(session: Session, purchase: Any, intent: Intent) -> str:
    """A card holds the money: the orders wait to be weighed, as long as the hold is safe."""
    if purchase.status != "awaiting_payment":
        jobs.defer(session, "shop.close_payment", purchase_id=str(purchase.id))
        return "late"
    if purchase.capture_fen is not None:
        jobs.defer(session, "shop.capture_payment", purchase_id=str(purchase.id))
    if purchase.authorised_at is not None:
        return "same"
    expires_at = clock.now() + HOLD_FOR - _age_of(intent)
    authorised = "UPDATE purchase SET authorised_at = %(now)s, expires_at = %(expires)s WHERE id = %(id)s"
    run(session, authorised, {**_now(purchase.id), "expires": expires_at})
    held = fen_text(purchase.amount_fen)
    for order in holds.orders_of(session, purchase.id):
        moves.note(session, [order.id], "authorised", order.status, "stripe", detail=f"{held} CNY")
        if real_weight.unweighed(holds.lines_of(session, [order.id])):
            facts = {"order": str(order.id), "number": order.number}
            until = clock.instant_text(expires_at)
            notify.merchant(session, order.merchant_id, "order_to_weigh", **facts, until=until)
    audit.record(session, "stripe", "purchase_authorised", "purchase", purchase.id, amount_fen=purchase.amount_fen)
    return "authorised"


def _age_of(intent: Intent) -> timedelta:
    """How long ago the bank agreed, should the news have been slow; by Stripe's own, real time."""
    if intent.charge is None or not intent.charge.created:
        return timedelta()
    return timedelta(seconds=max(0, int(time.time()) - intent.charge.created))


_CAPTURED = """
    UPDATE purchase SET captured_fen = %(fen)s, paid_at = %(now)s, status = %(status)s WHERE id = %(id)s RETURNING id
"""
_ORDERS = "SELECT * FROM sales_order WHERE purchase_id = %(purchase)s ORDER BY id"


def _captured(session: Session, purchase: Any, intent: Intent, news: News) -> str:
    if purchase.captured_fen:
        return "same"
    purchase.captured_fen = intent.received_fen
    came = {**_now(purchase.id), "fen": intent.received_fen}
    orders = run(session, _ORDERS, {"purchase": purchase.id})
    screening.gate(session, orders, intent.charge)
    if purchase.status != "awaiting_payment":  # too late
        run(session, _CAPTURED, {**came, "status": purchase.status})
        if not holds.take_again(session, purchase, orders):
            _send_back(session, purchase, orders)
            return "late"
    written = {**ledger.capture(purchase, orders, str(purchase.payment_id)), **screening.traces(orders, intent.charge)}
    write_with(session, written, [(_CAPTURED, {**came, "status": "paid"})], once=ledger.KNOWN_BY)
    found = screening.findings(session, orders, intent.charge)
    payer = intent.charge.payer_name if intent.charge else None  # what a payment declarer would check
    for order in orders:
        _pay_order(session, order, payer, found.get(order.id, []), news)
    told = audit.row_of("stripe", "purchase_paid", "purchase", purchase.id, amount_fen=intent.received_fen)
    news.audits.append(told)
    return "paid"


def _send_back(session: Session, purchase: Any, orders: Sequence[Any]) -> None:
    """The payment came when stock or allowance were gone, or after a cancellation: all of it goes back."""
    ledger.post_deposit(session, purchase, str(purchase.payment_id))
    refunds.promise_deposit(session, purchase, "paid after the order had ended")
    ids = [order.id for order in orders]
    ended = moves.move(session, ids, "cancelled", "shop", detail="paid too late; the goods were no longer held")
    holds.free_promised(session, [order for order in orders if order.id in ended], "expired")
    others = [order_id for order_id in ids if order_id not in ended]
    moves.note(session, others, "late_payment", "cancelled", "shop", detail="paid after cancellation; refunded in full")
    told = {"purchase": str(purchase.id), "amount": fen_text(purchase.captured_fen)}
    notify.person(session, purchase.account_id, "late_payment_refunded", **told)
    audit.record(session, "stripe", "late_payment", "purchase", purchase.id, amount_fen=purchase.captured_fen)


def _pay_order(session: Session, order: Any, payer: str | None, found: Sequence[screening.Finding], news: News) -> None:
    """Paid, with its waybill number; a retail order of which screening has found something waits for a person."""
    retail, review = order.route == screening.RETAIL, bool(found)
    to = "payment_review" if review else "paid"
    news.events += moves.pay(session, order, to, payer, screening.told(found))
    news.notices += notify.paid_rows(order, under_review=review)
    if not retail:
        return
    try:
        holds.use_allowance(session, order)
    except Problem as refusal:  # the Beijing year turned since placement, and the new one is full
        news.write(session)
        cancellation.give_up(session, session.get_one(Order, order.id), "shop", refusal.detail)
        return
    if not review:
        jobs.defer(session, "shop.file_order", order_id=str(order.id))
