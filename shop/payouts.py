"""Paying merchants: what their orders have brought, in one transfer, stored before it is asked for.

A payout is promised in one transaction: the purchases of its orders are locked, their balances read behind the locks,
and taken out of `merchant_payable` in the books. The transfer is a job; its key is the payout's id, so a job that runs
twice pays once, and a sweep runs what a dead worker left. The rest of its way stands in `payout_returns`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from catalog.models import Merchant
from core import audit, clock, jobs
from core.database import db, end_read, new_id, transaction
from core.money import fen_text
from shop import exchanges, incidents, ledger, notify, payout_accounts, payout_rules
from shop.models import Incident, Purchase
from shop.payout_models import Payout, PayoutAccount, PayoutLine
from shop.payout_rules import Due
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable
from shop.stripe_objects import Transfer

log = structlog.get_logger()

BATCH = 500  # orders in one payout: its locks are held for a moment only; what is left follows in the next
ASK_AGAIN = timedelta(hours=1)  # how long what Stripe said of an account is believed
# Stripe forgets idempotency keys after a day; beyond that the transfer is looked for before it is asked for again.
REPEAT_FOR = timedelta(hours=20)
OVERDUE_AFTER = timedelta(seconds=60)


@jobs.task("shop.run_payouts", schedule="0 20 * * *")
def run() -> dict[str, int]:
    """Promise every merchant what is due (04:00 in Beijing); {paid, waiting, failed} merchants."""
    told = {"paid": 0, "waiting": 0, "failed": 0}
    found = db.session.scalars(select(Merchant.id).where(Merchant.status == "approved").order_by(Merchant.id)).all()
    end_read()
    for merchant_id in found:
        try:
            outcome = "paid" if _run_one(merchant_id) else "waiting"
        except Exception:
            log.exception("payout_not_made", merchant=str(merchant_id))
            outcome = "failed"
        told[outcome] += 1
    return told


def _run_one(merchant_id: uuid.UUID) -> bool:
    """All that is due to one merchant, in as many payouts as it takes."""
    if not _account_ready(merchant_id):
        return False
    made = 0
    while promise(merchant_id) is not None:
        made += 1
    return made > 0


def _account_ready(merchant_id: uuid.UUID) -> bool:
    """Whether there is an account; what it may do is asked again when the answer is old."""
    row = db.session.get(PayoutAccount, merchant_id, populate_existing=True)
    named = db.session.scalar(select(Merchant.stripe_account).where(Merchant.id == merchant_id))
    known = row is not None and (row.stripe_account, row.capable) == (named or row.stripe_account, True)
    lately = row is not None and row.checked_at is not None and row.checked_at > clock.now() - ASK_AGAIN
    end_read()
    if row is None and named is not None:
        return bool(payout_accounts.open_for(merchant_id, "shop")["state"] == "ready")
    return row is not None and ((known and lately) or payout_accounts.refresh(merchant_id))


def promise(merchant_id: uuid.UUID) -> uuid.UUID | None:
    """Store one payout of what is due to a merchant; None when nothing is, or more is owed back than is due."""
    with transaction() as session:
        account = session.get(PayoutAccount, merchant_id, with_for_update=True, populate_existing=True)
        if account is None or not account.capable or account.stripe_account is None or _held(session, merchant_id):
            return None
        chosen = _choose(session, payout_rules.due(session, merchant_id))
        purchases = sorted({row.purchase_id for row in chosen if row.purchase_id})
        session.execute(select(Purchase.id).where(Purchase.id.in_(purchases)).order_by(Purchase.id).with_for_update())
        again = payout_rules.due(session, merchant_id, [row.order_id for row in chosen if row.order_id])
        rows = _choose(session, again)
        if not rows:
            return None
        return _store(session, account, rows)


def _held(session: Session, merchant_id: uuid.UUID) -> bool:
    """A payout came back: nothing is sent there again before somebody has looked and closed the incident."""
    about = (Incident.object_type == "merchant", Incident.object_id == str(merchant_id), Incident.closed_at.is_(None))
    return session.scalars(select(Incident.id).where(*about)).first() is not None


def _choose(session: Session, found: Any) -> list[Due]:
    """What goes into one payout: all that is owed back, then orders until the batch is full and the sum positive.

    Empty when the sum stays at or below zero: then the merchant's debt waits for what its next orders bring.
    """
    chosen: list[Due] = []
    total = 0
    for row in found:
        if not row.ready(clock.today()) or (chosen and row.currency != chosen[0].currency):
            continue
        if row.balance_fen > 0 and len(chosen) >= BATCH and total > 0:
            break
        chosen.append(row)
        total += row.balance_fen
    return chosen if sum(_amounts(session, chosen).values()) > 0 else []


def _amounts(session: Session, rows: Sequence[Due]) -> dict[uuid.UUID | None, int]:
    taken = payout_rules.takings(session, rows)
    return {row.order_id: row.balance_fen - taken[row.order_id] for row in rows}


def _store(session: Session, account: PayoutAccount, rows: Sequence[Due]) -> uuid.UUID:
    payout_id, merchant_id, currency = new_id(), account.merchant_id, rows[0].currency
    taken = payout_rules.takings(session, rows)
    amount = sum(row.balance_fen - taken[row.order_id] for row in rows)
    values = {
        "id": payout_id,
        "merchant_id": merchant_id,
        "destination": account.stripe_account,
        "own": account.own,
        "currency": currency,
        "amount_fen": amount,
        "reversed_fen": 0,
        "status": "promised",
        "undone": False,
        "key_no": 0,
        "created_at": clock.now(),
    }
    session.execute(insert(Payout).values(**values))
    lines = [
        {
            "id": new_id(),
            "payout_id": payout_id,
            "order_id": row.order_id,
            "balance_fen": row.balance_fen,
            "taken_fen": taken[row.order_id],
        }
        for row in rows
    ]
    session.execute(insert(PayoutLine), lines)
    post_promise(session, payout_id, merchant_id, currency, lines)
    audit.record(session, "shop", "payout_promised", "payout", payout_id, amount_fen=amount, orders=len(lines))
    jobs.defer(session, "shop.pay_out", payout_id=str(payout_id))
    return payout_id


def post_promise(
    session: Session,
    payout_id: uuid.UUID,
    merchant_id: uuid.UUID,
    currency: str,
    lines: Sequence[dict[str, Any]],
    *,
    undo: bool = False,
) -> None:
    """Take the balances out of what the merchant is owed: the platform's part, and what is sent; or put them back."""
    sign, after = (-1, "_undone") if undo else (1, "")
    party, reference = str(merchant_id), str(payout_id)
    fees = [ledger.Entry(ledger.MERCHANT, sign * row["taken_fen"], party, row["order_id"]) for row in lines]
    fees += [ledger.Entry(ledger.PLATFORM_FEE, -sign * row["taken_fen"], None, row["order_id"]) for row in lines]
    if any(row["taken_fen"] for row in lines):
        ledger.post(session, f"payout_fee{after}", reference, None, currency, fees)
    sums = [row["balance_fen"] - row["taken_fen"] for row in lines]
    sides = [
        ledger.Entry(ledger.MERCHANT, sign * amount, party, row["order_id"])
        for row, amount in zip(lines, sums, strict=True)
    ]
    clearing = ledger.Entry(ledger.PAYOUT_CLEARING, -sign * sum(sums))
    ledger.post(session, f"payout{after}", reference, None, currency, [*sides, clearing])


@jobs.task("shop.pay_out")
def pay_out(payout_id: str) -> None:
    """Make the transfer of a promised payout; run again it finds what the first run did. Raises GatewayUnavailable."""
    row = db.session.get(Payout, uuid.UUID(payout_id), populate_existing=True)
    end_read()
    if row is None or row.status != "promised":
        return
    made = _find_earlier(row) if row.key_no or row.created_at < clock.now() - REPEAT_FOR else None
    if made is None:
        made = _transfer(row)
    if made is not None:
        sent(row.id, made)


def _find_earlier(row: Payout) -> Transfer | None:
    """A 5xx, or a key that is forgotten by now, may hide a transfer that was made: look before asking again."""
    found = exchanges.ask(lambda door: list(door.list_transfers(group=str(row.id))))
    return found[0] if found else None


def _transfer(row: Payout) -> Transfer | None:
    """Ask for the transfer; None when Stripe refuses it, and then the money is owed again."""
    key, noted, group = exchanges.key_of(row.id, row.key_no), {"payout": str(row.id)}, str(row.id)
    facts = (row.amount_fen, row.currency, row.destination, key, noted)
    try:
        made: Transfer = exchanges.ask(lambda door: door.transfer(*facts, group=group))
        if not _same(row, made):  # the answer may lie where the object does not
            made = exchanges.ask(lambda door: door.retrieve_transfer(made.id))
    except GatewayRefused as refusal:
        refused(row.id, refusal.code)
        return None
    except GatewayUnavailable as fault:
        if exchanges.spoiled(fault):
            with transaction() as session:
                same = (Payout.id == row.id, Payout.key_no == row.key_no)
                session.execute(update(Payout).where(*same).values(key_no=row.key_no + 1))
        raise
    return made


def _same(row: Payout, made: Transfer) -> bool:
    ours = (row.amount_fen, row.currency, row.destination)
    return ours == (made.amount_fen, made.currency, made.destination)


def sent(payout_id: uuid.UUID, made: Transfer) -> None:
    """The money has left our balance. To an account of the merchant's own that is the end; to one of ours the bank
    follows. A transfer that is not the payout's stays unbooked, and a person is called."""
    with transaction() as session:
        row = session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
        if row.status != "promised":
            return
        if not _same(row, made):
            told = {"transfer": made.id, "amount_fen": made.amount_fen, "currency": made.currency}
            incidents.record(session, "payout_mismatch", "payout", payout_id, **told)
            return
        row.transfer_id, row.sent_at, row.status = made.id, clock.now(), "sent" if row.own else "paid"
        sides = [
            ledger.Entry(ledger.PAYOUT_CLEARING, row.amount_fen),
            ledger.Entry(ledger.CASH, -row.amount_fen),
        ]
        ledger.post(session, "payout_sent", str(payout_id), None, row.currency, sides)
        if row.own:
            jobs.defer(session, "shop.pay_bank", payout_id=str(payout_id))
        else:
            arrived(session, row)


def arrived(session: Session, row: Payout) -> None:
    """It is where the merchant wants it."""
    row.status, row.paid_at = "paid", clock.now()
    notify.merchant(session, row.merchant_id, "payout_paid", amount=fen_text(row.amount_fen), payout=str(row.id))
    audit.record(session, "stripe", "payout_paid", "payout", row.id, amount_fen=row.amount_fen)


def refused(payout_id: uuid.UUID, reason: str) -> None:
    """Stripe makes no transfer: the balances are owed again."""
    with transaction() as session:
        row = session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
        if row.status == "promised":
            fail(session, row, reason)


def fail(session: Session, row: Payout, reason: str) -> None:
    """The payout is void, its lines are owed again, and nothing follows before somebody has looked."""
    statement = select(PayoutLine.order_id, PayoutLine.balance_fen, PayoutLine.taken_fen)
    lines = session.execute(statement.where(PayoutLine.payout_id == row.id)).mappings().all()
    post_promise(session, row.id, row.merchant_id, row.currency, [dict(line) for line in lines], undo=True)
    row.status, row.undone, row.failed_at, row.reason = "failed", True, clock.now(), reason[:200]
    call_a_person(session, row, reason)
    audit.record(session, "stripe", "payout_failed", "payout", row.id, reason=reason, amount_fen=row.amount_fen)


def call_a_person(session: Session, row: Payout, reason: str) -> None:
    """The incident that stops further payouts to the merchant, and word to it; once while it is open."""
    told = {"payout": str(row.id), "reason": reason, "amount_fen": row.amount_fen}
    if incidents.record(session, "payout_failed", "merchant", row.merchant_id, **told):
        amount = fen_text(row.amount_fen)
        notify.merchant(session, row.merchant_id, "payout_failed", amount=amount, payout=str(row.id))
