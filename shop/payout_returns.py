"""The way of a payout after its transfer: to the bank, and back when the bank does not take it.

From an account that we have opened the money goes on to the bank by a payout in that account's name. What the bank
sends back lies in the merchant's Stripe account again; it is fetched from there by reversing the transfer, and only
when that is done do the books owe it to the merchant anew.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import String, cast, exists, select, update

from core import audit, clock, jobs
from core.database import db, end_read, transaction
from shop import exchanges, incidents, ledger, payouts
from shop.models import Incident
from shop.payout_models import Payout
from shop.stripe_connect import BankPayout
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable
from shop.stripe_objects import Transfer

log = structlog.get_logger()

LOOK_AFTER = timedelta(minutes=10)
LOST = ("failed", "canceled")


def _read(payout_id: uuid.UUID) -> Payout | None:
    row = db.session.get(Payout, payout_id, populate_existing=True)
    end_read()
    return row


@jobs.task("shop.pay_bank")
def pay_bank(payout_id: str) -> None:
    """Send a payout on to the bank; run again it finds what the first run did. Raises GatewayUnavailable."""
    row = _read(uuid.UUID(payout_id))
    if row is None or row.status != "sent":
        return
    try:
        answer = _known(row) or _ask_bank(row)
    except GatewayRefused as refusal:
        _turn_back(row.id, refusal.code)
        return
    except GatewayUnavailable as fault:
        if exchanges.spoiled(fault):
            _next_key(row)
        raise
    settle(row.id, answer)


def _known(row: Payout) -> BankPayout | None:
    """The payout at the bank as it stands, or one that an earlier try has made under another key."""
    if row.bank_id is not None:
        bank_id = row.bank_id
        found: BankPayout = exchanges.ask(lambda door: door.retrieve_bank_payout(row.destination, bank_id))
        return found
    if not row.key_no and row.sent_at is not None and row.sent_at > clock.now() - payouts.REPEAT_FOR:
        return None
    made = exchanges.ask(lambda door: list(door.list_bank_payouts(row.destination)))
    return next((each for each in made if each.metadata.get("payout") == str(row.id)), None)


def _ask_bank(row: Payout) -> BankPayout:
    key = f"{exchanges.key_of(row.id, row.key_no)}-bank"
    facts = (row.destination, row.amount_fen, row.currency, key, str(row.id))
    made: BankPayout = exchanges.ask(lambda door: door.pay_bank(*facts))
    return made


def _next_key(row: Payout) -> None:
    with transaction() as session:
        same = (Payout.id == row.id, Payout.key_no == row.key_no)
        session.execute(update(Payout).where(*same).values(key_no=row.key_no + 1))


def settle(payout_id: uuid.UUID, answer: BankPayout) -> None:
    """Write what Stripe says of the payout at the bank; a bank can send back what was paid before."""
    with transaction() as session:
        row = session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
        row.bank_id = row.bank_id or answer.id
        if answer.status == "paid" and row.status == "sent":
            payouts.arrived(session, row)
    if answer.status in LOST:
        _turn_back(payout_id, answer.failure_code or answer.status)


def _turn_back(payout_id: uuid.UUID, reason: str) -> None:
    """The bank does not take it: a person is called, and the money is fetched back."""
    with transaction() as session:
        row = session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
        if row.status not in ("sent", "paid"):
            return
        row.status, row.reason = "returning", reason[:200]
        payouts.call_a_person(session, row, reason)
        audit.record(session, "stripe", "payout_returning", "payout", row.id, reason=reason)
        jobs.defer(session, "shop.fetch_back", payout_id=str(payout_id))


@jobs.task("shop.fetch_back")
def fetch_back(payout_id: str) -> None:
    """Reverse the transfer of a payout the bank did not take; what is reversed already is not asked for again."""
    row = _read(uuid.UUID(payout_id))
    if row is None or row.status != "returning" or row.transfer_id is None:
        return
    transfer_id = row.transfer_id
    try:
        made: Transfer = exchanges.ask(lambda door: door.retrieve_transfer(transfer_id))
        left = made.amount_fen - made.reversed_fen
        if left:
            key = f"{exchanges.key_of(row.id, row.key_no)}-back"
            made = exchanges.ask(lambda door: door.reverse_transfer(transfer_id, left, key))
    except GatewayRefused as refusal:
        with transaction() as session:
            told = {"code": refusal.code, "transfer": transfer_id}
            incidents.record(session, "payout_stuck", "payout", row.id, **told)
        return
    except GatewayUnavailable as fault:
        if exchanges.spoiled(fault):
            _next_key(row)
        raise
    came_back(row.id, made)


def came_back(payout_id: uuid.UUID, made: Transfer) -> None:
    """Book what was reversed of a transfer since we looked. All of it at once: the payout has failed and its orders are
    owed again. A part: the sum is owed to the merchant, and the payout stays as it is."""
    with transaction() as session:
        row = session.get_one(Payout, payout_id, with_for_update=True, populate_existing=True)
        fresh = made.reversed_fen - row.reversed_fen
        if row.transfer_id != made.id or fresh <= 0 or made.reversed_fen > row.amount_fen:
            return
        whole = fresh == row.amount_fen
        row.reversed_fen = made.reversed_fen
        owed = (
            ledger.Entry(ledger.PAYOUT_CLEARING, -fresh)
            if whole
            else ledger.Entry(ledger.MERCHANT, -fresh, str(row.merchant_id))
        )
        reference = f"{payout_id}:{made.reversed_fen}"
        ledger.post(session, "payout_reversed", reference, None, row.currency, [ledger.Entry(ledger.CASH, fresh), owed])
        if whole:
            payouts.fail(session, row, row.reason or "transfer reversed")
            return
        if row.status == "returning" and row.reversed_fen == row.amount_fen:
            row.status, row.failed_at = "failed", clock.now()
        incidents.record(session, "payout_reversed_in_part", "payout", payout_id, reversed_fen=made.reversed_fen)


@jobs.task("shop.chase_payouts", schedule="* * * * * */30")
def chase() -> None:
    """Payouts whose job died: every one comes to an end (I13). Those at the bank are looked at now and then; those that
    wait for a person go on when the incident is closed."""
    before = clock.now() - payouts.OVERDUE_AFTER
    about = (Incident.object_type == "payout", Incident.object_id == cast(Payout.id, String))
    waits = exists().where(*about, Incident.closed_at.is_(None))
    young = (Payout.status.in_(("promised", "returning")), Payout.created_at < before)
    unsent = (Payout.status == "sent", Payout.bank_id.is_(None), Payout.sent_at < before)
    for conditions in (young, unsent):
        _each(select(Payout.id, Payout.status).where(*conditions, ~waits))


@jobs.task("shop.follow_payouts", schedule="*/10 * * * *")
def follow() -> None:
    """Notices can be lost: ask about what has been on its way to a bank for a while."""
    late = (Payout.status == "sent", Payout.bank_id.is_not(None), Payout.sent_at < clock.now() - LOOK_AFTER)
    _each(select(Payout.id, Payout.status).where(*late))


def _each(statement: Any) -> None:
    steps = {"promised": payouts.pay_out, "sent": pay_bank, "returning": fetch_back}
    rows = db.session.execute(statement.order_by(Payout.created_at).limit(100)).all()
    end_read()
    for payout_id, status in rows:
        try:
            steps[status](str(payout_id))
        except GatewayUnavailable:
            return
        except Exception:
            log.exception("payout_waits", payout=str(payout_id))
