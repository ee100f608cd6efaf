"""The Stripe account a merchant is paid to: its own, which it has named, or one that we open for it.

An account that we open is stored before Stripe is asked for it, under a key of the merchant, so two askings open one.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog.models import Merchant
from core import audit, clock
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem, declare
from shop import exchanges
from shop.payout_models import PayoutAccount
from shop.stripe_gateway import GatewayRefused, GatewayUnavailable

NO_ACCOUNT = declare("payout_account", 409, "The account for payouts cannot be used")
AWAY = declare("payout_provider_away", 503, "The payment provider cannot be reached; try again shortly")


def open_for(merchant_id: uuid.UUID, actor: str) -> dict[str, Any]:
    """Open or look up the account of a merchant and learn what it may do. Done again it only learns anew.

    Raises Problem `not_found`, `payout_account` when it belongs to another merchant or Stripe refuses, and
    `payout_provider_away`.
    """
    try:
        _note(merchant_id, actor)
        refresh(merchant_id)
    except IntegrityError:
        raise Problem(NO_ACCOUNT, "this Stripe account is paid for another merchant") from None
    except GatewayUnavailable:
        raise Problem(AWAY) from None
    except GatewayRefused as refusal:
        raise Problem(NO_ACCOUNT, f"Stripe says {refusal.code}") from None
    return told(merchant_id)


def _note(merchant_id: uuid.UUID, actor: str) -> None:
    """Keep what is to be asked for before it is asked for."""
    with transaction() as session:
        merchant = session.get(Merchant, merchant_id, populate_existing=True)
        if merchant is None or merchant.status not in ("approved", "suspended"):
            raise Problem(NOT_FOUND, "no such merchant")
        named = merchant.stripe_account
        facts = {"stripe_account": named, "own": named is None, "capable": False, "payable": False, "key_no": 0}
        fresh = insert(PayoutAccount).values(merchant_id=merchant_id, opened_at=clock.now(), **facts)
        if session.execute(
            fresh.on_conflict_do_nothing(index_elements=[PayoutAccount.merchant_id]).returning(
                PayoutAccount.merchant_id
            )
        ).first():
            audit.record(session, actor, "payout_account_opened", "merchant", merchant_id, own=named is None)


def _follow_choice(session: Session, row: PayoutAccount, named: str | None) -> None:
    """The merchant has named another account since, or none any more: then one of ours, opened when it is needed."""
    if named is None and not row.own:
        row.stripe_account, row.own, row.capable, row.key_no = None, True, False, row.key_no + 1
    elif named is not None and named != row.stripe_account:
        row.stripe_account, row.own, row.capable = named, False, False
    session.flush()


def refresh(merchant_id: uuid.UUID) -> bool:
    """Learn from Stripe whether the account may be paid. Raises GatewayUnavailable or GatewayRefused."""
    with transaction() as session:
        row = session.get(PayoutAccount, merchant_id, with_for_update=True, populate_existing=True)
        merchant = session.get_one(Merchant, merchant_id, populate_existing=True)
        if row is None:
            return False
        _follow_choice(session, row, merchant.stripe_account)
        known, key_no = row.stripe_account, row.key_no
        email, bank = (merchant.contact or {}).get("email", ""), merchant.bank_account
    if known is None:
        key = f"account-{merchant_id}-{key_no}"
        known = _opened(merchant_id, key, email, bank)
    account = exchanges.ask(lambda door: door.retrieve_account(known))
    facts = {"capable": account.capable, "payable": account.payable, "checked_at": clock.now()}
    same = (PayoutAccount.merchant_id == merchant_id, PayoutAccount.stripe_account == known)
    with transaction() as session:
        session.execute(update(PayoutAccount).where(*same).values(**facts))
    return bool(account.capable)


def _opened(merchant_id: uuid.UUID, key: str, email: str, bank: dict[str, str] | None) -> str:
    noted = {"merchant": str(merchant_id)}
    try:
        made: str = exchanges.ask(lambda door: door.create_account(email, key, noted, bank=bank))
    except GatewayUnavailable as fault:
        if exchanges.spoiled(fault):
            _next_key(merchant_id)
        raise
    nameless = (PayoutAccount.merchant_id == merchant_id, PayoutAccount.stripe_account.is_(None))
    with transaction() as session:
        session.execute(update(PayoutAccount).where(*nameless).values(stripe_account=made))
    return made


def _next_key(merchant_id: uuid.UUID) -> None:
    with transaction() as session:
        mine = PayoutAccount.merchant_id == merchant_id
        session.execute(update(PayoutAccount).where(mine).values(key_no=PayoutAccount.key_no + 1))


def merchant_of(session: Session, stripe_account: str) -> uuid.UUID | None:
    """Whose account it is, or None."""
    return session.scalar(select(PayoutAccount.merchant_id).where(PayoutAccount.stripe_account == stripe_account))


def told(merchant_id: uuid.UUID) -> dict[str, Any]:
    """The account as its merchant may see it: the last characters of its id and what it may do."""
    row = db.session.get(PayoutAccount, merchant_id, populate_existing=True)
    end_read()
    if row is None:
        return {"state": "none", "account": None, "own": None, "checked_at": None}
    state = "ready" if row.capable else "incomplete"
    shown = None if row.stripe_account is None else f"…{row.stripe_account[-4:]}"
    return {"state": state, "account": shown, "own": row.own, "checked_at": clock.instant_text(row.checked_at)}
