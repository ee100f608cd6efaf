"""Disputes: a buyer's bank asks the money back. Brought to what Stripe says, whatever event told of it, in any order.

An open dispute reserves what is left of the purchase, so that a refund and a chargeback never pay the same twice:
refunds that do not fit beside it wait. What Stripe withdraws goes from cash to `dispute_clearing`. Won: it comes back
and the refunds are paid. Lost: the amount is shared over the orders by what is left of each (largest remainder) and,
within an order, over goods, freight and tax; the merchant bears the goods, the platform freight and tax, since both
were spent for the buyer. Where an order is refunded after all, `refund_cover` gives back what nobody is owed then.

Evidence is handed in by a person at Stripe. An inquiry (`warning_*`) takes no money and reserves none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import audit, clock, jobs
from core.database import db, end_read, transaction
from core.money import fen_text, share
from shop import exchanges, holds, incidents, ledger, moves, notify, payments, refund_cover, refund_outcomes, refunds
from shop.models import LedgerPosting, Order, Payment, Purchase, Refund
from shop.payment_models import PaymentDispute
from shop.stripe_objects import Dispute

UNDECIDED = ("inquiry", "open")
# Stripe's final words, as they are meant here; any other means that it is not decided.
OUTCOMES = {"won": "won", "prevented": "won", "warning_closed": "won", "lost": "lost"}


def look(dispute_id: str) -> str:
    """Fetch a dispute at Stripe and bring our record to it. Raises GatewayUnavailable."""
    return bring(exchanges.ask(lambda door: door.retrieve_dispute(dispute_id)))


def bring(shown: Dispute) -> str:
    """Bring our record to a dispute freshly fetched; again it changes nothing.

    Returns `same`, `opened`, `changed`, `won`, `lost` or `foreign`. Raises GatewayUnavailable.
    """
    row = db.session.execute(
        select(Payment.purchase_id, Purchase.captured_fen)
        .join(Purchase, Purchase.id == Payment.purchase_id)
        .where(Payment.intent_id == shown.intent_id)
    ).first()
    end_read()
    if row is not None and not row.captured_fen:
        payments.look(row.purchase_id)  # the news of the payment was slower
    with transaction() as session:
        purchase = None if row is None else moves.lock_purchase(session, row.purchase_id)
        if purchase is None or not purchase.captured_fen:  # a payment that is not ours to book, nor what is taken of it
            incidents.record(session, "foreign_dispute", "dispute", shown.id, amount_fen=shown.amount_fen)
            return "foreign"
        return _bring(session, purchase, shown)


def _bring(session: Session, purchase: Purchase, shown: Dispute) -> str:
    row = session.get(PaymentDispute, shown.id, populate_existing=True)
    done = "same"
    if row is None:
        row, done = _open(session, purchase, shown), "opened"
    if row.state not in UNDECIDED:
        return _after(session, purchase, row, shown)
    if row.status != shown.status:
        row.status, done = shown.status, "changed" if done == "same" else done
    outcome = OUTCOMES.get(shown.status)
    if row.reserved_fen is None and not shown.status.startswith("warning"):
        _reserve(session, purchase, row)
    _book(session, purchase, row, row.amount_fen if outcome == "lost" else shown.withdrawn_fen)
    if outcome is None:
        return done
    _close(session, purchase, row, outcome)
    return outcome


def _after(session: Session, purchase: Purchase, row: PaymentDispute, shown: Dispute) -> str:
    """What comes after the decision: the money of a dispute that was won, or a bank that changes its mind."""
    if row.state == "won" and shown.withdrawn_fen < row.booked_fen:
        _book(session, purchase, row, shown.withdrawn_fen)
        return "changed"
    if OUTCOMES.get(shown.status, row.state) != row.state or shown.withdrawn_fen > row.booked_fen:
        told = {"status": shown.status, "withdrawn_fen": shown.withdrawn_fen}
        incidents.record(session, "dispute_reversed", "dispute", row.id, **told)
    return "same"


def _open(session: Session, purchase: Purchase, shown: Dispute) -> PaymentDispute:
    row = PaymentDispute(
        id=shown.id,
        purchase_id=purchase.id,
        amount_fen=shown.amount_fen,
        currency=shown.currency,
        reason=shown.reason[:80],
        status=shown.status[:40],
        state="inquiry",
        booked_fen=0,
        evidence_due_at=None if shown.evidence_due is None else datetime.fromtimestamp(shown.evidence_due, UTC),
        opened_at=clock.now(),
    )
    session.add(row)
    session.flush()
    incidents.record(session, "chargeback", "dispute", row.id, purchase=str(purchase.id), reason=row.reason)
    audit.record(session, "stripe", "dispute_opened", "purchase", purchase.id, dispute=row.id, amount=row.amount_fen)
    orders = holds.orders_of(session, purchase.id)
    told = f"{fen_text(row.amount_fen)} CNY"
    for order in orders:
        moves.note(session, [order.id], "dispute_opened", order.status, "stripe", detail=told)
        notify.merchant(session, order.merchant_id, "dispute_opened", **_facts(order, row))
    return row


def _facts(order: Order, row: PaymentDispute) -> dict[str, Any]:
    return {"order": str(order.id), "number": order.number, "amount": fen_text(row.amount_fen)}


def _reserve(session: Session, purchase: Purchase, row: PaymentDispute) -> None:
    """What is left of the purchase, at most what is disputed: no refund may promise it while the dispute is open."""
    row.state, row.reserved_fen = "open", min(row.amount_fen, refund_cover.left_of(purchase))
    purchase.disputed_fen += row.reserved_fen
    session.flush()


def _book(session: Session, purchase: Purchase, row: PaymentDispute, withdrawn: int) -> None:
    """Cash to clearing and back, by what Stripe's balance shows."""
    difference = withdrawn - row.booked_fen
    if difference:
        kind = "dispute_withdrawn" if difference > 0 else "dispute_reinstated"
        sides = [ledger.Entry(ledger.DISPUTE, difference), ledger.Entry(ledger.CASH, -difference)]
        earlier = select(func.count()).where(LedgerPosting.reference.startswith(f"{row.id}:", autoescape=True))
        turn = session.scalar(earlier.where(LedgerPosting.purchase_id == purchase.id))  # it may go and come again
        ledger.post(session, kind, f"{row.id}:{turn}", purchase.id, purchase.currency, sides)
        row.booked_fen = withdrawn


def _close(session: Session, purchase: Purchase, row: PaymentDispute, outcome: str) -> None:
    reserved = row.reserved_fen or 0
    row.state, row.closed_at = outcome, clock.now()
    purchase.disputed_fen -= reserved
    if outcome == "lost":
        purchase.charged_back_fen += reserved
        session.flush()
        _lose(session, purchase, row, reserved)
    session.flush()
    audit.record(session, "stripe", f"dispute_{outcome}", "purchase", purchase.id, dispute=row.id)
    for order in holds.orders_of(session, purchase.id):
        moves.note(session, [order.id], f"dispute_{outcome}", order.status, "stripe")
        facts = {"order": str(order.id), "number": order.number, "outcome": outcome}
        notify.merchant(session, order.merchant_id, "dispute_closed", **facts)
    if not purchase.disputed_fen:
        _resume(session, purchase)


def _lose(session: Session, purchase: Purchase, row: PaymentDispute, reserved: int) -> None:
    """The bank keeps what was withdrawn. Beyond the reserve it took the place of refunds promised and not paid."""
    met, refunded = refund_cover.meet_promised(session, purchase, row.booked_fen - reserved)
    twice = row.booked_fen - reserved - met
    if twice:  # refunded before, and taken by the bank as well: somebody must claim it back with evidence
        incidents.record(session, "paid_twice", "dispute", row.id, purchase=str(purchase.id), amount_fen=twice)
    orders = holds.orders_of(session, purchase.id)
    entries = [
        ledger.Entry(ledger.DISPUTE, -row.booked_fen),
        ledger.Entry(ledger.REFUND, met),
        *_borne(session, purchase, orders, row.booked_fen - met, twice),
    ]
    ledger.post(session, "dispute_lost", row.id, purchase.id, purchase.currency, entries)
    for order_id in refunded:
        refund_outcomes.finish_order(session, order_id)


def _borne(
    session: Session, purchase: Purchase, orders: Sequence[Order], amount: int, twice: int
) -> Iterable[ledger.Entry]:
    """Who bears a lost amount: each merchant what is left of its goods, the platform freight and tax; and all that was
    refunded before, or came for orders that had ended."""
    platform = twice if purchase.status == "paid" else amount
    yield ledger.Entry(ledger.DISPUTE_LOSS, platform)
    if amount == platform:
        return
    left = [refund_cover.left_parts(session, order) for order in orders]
    if not any(map(sum, left)):
        left = [refund_cover.paid_parts(order) for order in orders]
    for order, parts, part in zip(orders, left, share(amount - platform, list(map(sum, left))), strict=True):
        if not part:
            continue
        goods, freight, tax = share(part, parts)
        yield ledger.Entry(ledger.MERCHANT, goods, str(order.merchant_id), order.id)
        yield ledger.Entry(ledger.DISPUTE_LOSS, freight + tax, None, order.id)


def _resume(session: Session, purchase: Purchase) -> None:
    """Refunds go on: those that waited, and those that Stripe refused because of the dispute, under another key."""
    refused = (
        update(Refund)
        .where(Refund.purchase_id == purchase.id, Refund.status == "promised", Refund.stripe_id.is_(None))
        .values(key_no=Refund.key_no + 1, created_at=clock.now())  # the life of the new key begins now
        .returning(Refund.id)
    )
    for refund_id in sorted(session.scalars(refused)):
        jobs.defer(session, "shop.pay_refund", refund_id=str(refund_id))
    waiting = select(Refund).where(Refund.purchase_id == purchase.id, Refund.status == "waiting")
    for row in session.scalars(waiting.order_by(Refund.id)).all():
        session.refresh(purchase)
        refunds.take_up(session, purchase, row)
        session.flush()
