"""What the two sides of a request for quotation write to each other, and which of them has something new to read."""

from __future__ import annotations

import uuid

from sqlalchemy import insert, select, update

from core import clock
from core.accounts import Actor
from core.database import transaction
from core.errors import Problem, declare
from shop import rfqs
from shop.trade_models import Rfq, RfqMessage

TOO_MANY_MESSAGES = declare("too_many_messages", 422, "A request for quotation holds at most 200 messages")

MESSAGES_MOST = 200


def write(actor: Actor, rfq_id: uuid.UUID, attempt_id: uuid.UUID, text: str) -> None:
    """One side writes to the other, in any state; repeated with the same attempt nothing is written again.

    Raises Problem `not_found`, `too_many_messages`.
    """
    with transaction() as session:
        rfqs.lock(session, rfq_id)
        row, side = rfqs.of_side(session, actor, rfq_id, "company", "merchant")
        if session.scalar(select(RfqMessage.id).where(RfqMessage.attempt_id == attempt_id)) is not None:
            return
        had_news = row.merchant_news
        news = {"merchant_news": True} if side == "company" else {"company_news": True}
        room = update(Rfq).where(Rfq.id == row.id, Rfq.messages < MESSAGES_MOST)
        room = room.values(messages=Rfq.messages + 1, **news).returning(Rfq.id)
        if session.execute(room).first() is None:
            raise Problem(TOO_MANY_MESSAGES)
        if side == "company" and not had_news:  # one notice for all that is not read yet
            rfqs.tell_merchant(session, row, "rfq_message")
        message = {
            "rfq_id": row.id,
            "attempt_id": attempt_id,
            "at": clock.now(),
            "account_id": actor.id,
            "side": side,
            "text": text,
        }
        session.execute(insert(RfqMessage).values(message))


def seen(actor: Actor, rfq_id: uuid.UUID) -> None:
    """A side has looked at what is new; an operator who reads changes nothing. Raises Problem `not_found`."""
    with transaction() as session:
        row, side = rfqs.find(session, actor, rfq_id)
        if side != "operator":
            news = Rfq.company_news if side == "company" else Rfq.merchant_news
            session.execute(update(Rfq).where(Rfq.id == row.id, news).values({news: False}))
