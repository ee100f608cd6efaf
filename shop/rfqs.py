"""Requests for quotation: a verified company asks a merchant; what nobody takes up lapses.

Every deed begins with one conditional UPDATE of the request, which is the lock of all that hangs on it: it names the
states from which the move is allowed and the instant until which the present one holds. Whoever loses a race, or comes
too late, changes nothing. Another's request is not there (404).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from catalog import categories, members, merchants, notices, rights
from catalog.receiving import divisible
from catalog.sale import SaleFacts, sale_facts
from core import audit, clock, jobs
from core.accounts import Actor
from core.database import db, end_read, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from shop import companies
from shop.offers import facts_of
from shop.order_rows import new_number
from shop.rfq_rules import QUESTIONS, refuse, sources
from shop.trade_models import Company, Rfq, RfqOffer

NOT_QUOTED = declare("not_quoted", 422, "This is not sold by quotation")
TOO_MANY_RFQS = declare("too_many_rfqs", 422, "A company has at most 50 open requests for quotation")

OPEN = ("requested", "offered")
OPEN_MOST = 50
NEEDED_WITHIN = timedelta(days=3 * 365)
BATCH = 200
_LAST_DAY = date(9999, 12, 29)


def request(account_id: uuid.UUID, attempt_id: uuid.UUID, values: Mapping[str, Any]) -> uuid.UUID:
    """Ask for a quotation: {listing_id, quantity, unit, destination, needed_by, text, specification}; returns its id.

    Repeated with the same attempt it finds the first, whatever would be refused now. Raises Problem `company_required`,
    `not_found` for what is not on sale, `not_quoted`, `invalid_input`, `too_many_rfqs`.
    """
    known = _asked_before(db.session(), account_id, attempt_id)
    return known or _request(account_id, attempt_id, values)


def _asked_before(session: Session, account_id: uuid.UUID, attempt_id: uuid.UUID) -> uuid.UUID | None:
    """The request that an earlier run of an attempt has stored."""
    return session.scalar(select(Rfq.id).where(Rfq.attempt_id == attempt_id, Rfq.account_id == account_id))


def _request(account_id: uuid.UUID, attempt_id: uuid.UUID, values: Mapping[str, Any]) -> uuid.UUID:
    companies.verified(db.session(), account_id)
    listing = sale_facts([values["listing_id"]]).get(values["listing_id"])
    if listing is None or not listing.on_sale:
        raise Problem(NOT_FOUND, "no such listing is on sale")
    department = department_of(listing.category)
    _check(values, listing, department)
    if merchants.merchant_of(db.session(), account_id) == listing.merchant_id:
        raise invalid("listing_id", "is your own")
    with transaction() as session:
        company = companies.verified(session, account_id, lock=True)
        known = _asked_before(session, account_id, attempt_id)  # a twin that was before us at the lock
        if known is not None:
            return known
        _check_room(session, company)
        row = _row(account_id, attempt_id, values, listing, department, company)
        statement = upsert(Rfq).values(row).on_conflict_do_nothing(index_elements=[Rfq.attempt_id]).returning(Rfq.id)
        if session.execute(statement).first() is None:
            raise Problem(NOT_FOUND, "no such request for quotation")  # the attempt is another account's
        audit.record(session, str(account_id), "rfq_requested", "rfq", row["id"], number=row["number"])
        tell_merchant(session, session.get_one(Rfq, row["id"]), "rfq_requested")
        return uuid.UUID(str(row["id"]))


def department_of(category: str) -> str:
    """The department of a shelf whose things are quoted. Raises Problem `not_quoted` for what is put into a cart."""
    if category not in categories.between_companies():
        raise Problem(NOT_QUOTED, errors={"listing_id": ["is sold by the cart"]})
    return categories.find(category).department


def _check(values: Mapping[str, Any], listing: SaleFacts, department: str) -> None:
    quantity: Decimal = values["quantity"]
    if values["unit"] != listing.unit:
        raise invalid("unit", f"must be {listing.unit}, by which it is sold")
    if not divisible(listing.unit) and quantity != quantity.to_integral_value():
        raise invalid("quantity", f"is sold by the {listing.unit}: must be a whole number")
    today = clock.today()
    if not today <= values["needed_by"] <= today + NEEDED_WITHIN:
        raise invalid("needed_by", "must be a day from today to three years ahead")
    asked = [entry["question"] for entry in values["specification"]]
    for number, question in enumerate(asked):
        if question not in QUESTIONS[department] or question in asked[:number]:
            known = ", ".join(QUESTIONS[department])
            raise invalid(f"specification.{number}.question", f"must be one of {known}, each once")


def _check_room(session: Session, company: Company) -> None:
    """The lock on the company makes its requests follow each other, so that the count holds."""
    count = select(func.count()).where(Rfq.account_id == company.account_id, Rfq.status.in_(OPEN))
    if session.scalars(count).one() >= OPEN_MOST:
        raise Problem(TOO_MANY_RFQS)


def _row(
    account_id: uuid.UUID,
    attempt_id: uuid.UUID,
    values: Mapping[str, Any],
    listing: SaleFacts,
    department: str,
    company: Company,
) -> dict[str, Any]:
    now = clock.now()
    told = ("quantity", "unit", "destination", "needed_by", "text")
    return {
        "id": new_id(),
        "number": new_number(f"{clock.beijing_day(now):%y%m%d}", "RQ"),
        "attempt_id": attempt_id,
        "account_id": account_id,
        "company_id": company.id,
        "company_name": company.registered_name,
        "company_uscc": company.uscc,
        "merchant_id": listing.merchant_id,
        "merchant_name": listing.merchant_name,
        "listing_id": listing.listing_id,
        "listing_version": listing.version,
        "department": department,
        "facts": facts_of(listing),
        **{name: values[name] for name in told},
        "specification": [[entry["question"], entry["answer"]] for entry in values["specification"]],
        "status": "requested",
        "created_at": now,
        "changed_at": now,
        "expires_at": end_of(values["needed_by"]),
    }


def end_of(day: date) -> datetime:
    """The first instant after a Beijing day; the calendar's own end stands for itself."""
    return datetime.combine(min(day, _LAST_DAY) + timedelta(days=1), time(), clock.BEIJING)


# Whose it is


def find(session: Session, actor: Actor, rfq_id: uuid.UUID) -> tuple[Rfq, str]:
    """A request and the side the actor is on: `company`, `merchant`, or `operator` who may read.

    Raises Problem `not_found` for everybody else.
    """
    row = session.scalars(select(Rfq).where(Rfq.id == rfq_id).execution_options(populate_existing=True)).first()
    if row is not None and row.account_id == actor.id:
        return row, "company"
    if row is not None and actor.has("merchant") and merchants.merchant_of(session, actor.id) == row.merchant_id:
        return row, "merchant"
    if row is not None and actor.has("operator"):
        return row, "operator"
    raise Problem(NOT_FOUND, "no such request for quotation")


def of_side(session: Session, actor: Actor, rfq_id: uuid.UUID, *sides: str) -> tuple[Rfq, str]:
    """The same for one who may act. Raises Problem `not_found` for an operator too, and for the other side, `forbidden`
    for those of a merchant's people who make no offers.
    """
    row, side = find(session, actor, rfq_id)
    if side not in sides:
        raise Problem(NOT_FOUND, "no such request for quotation")
    if side == "merchant":
        rights.demand(members.role_of(actor.id), rights.GOODS)
    return row, side


# Moves


def lock(session: Session, rfq_id: uuid.UUID) -> None:
    """Let what is done to a request follow each other, until the caller's transaction ends."""
    session.execute(select(Rfq.id).where(Rfq.id == rfq_id).with_for_update())


def move(session: Session, row: Rfq, to: str, side: str, wish: str, **values: Any) -> Rfq:
    """Take the request from an allowed state to `to`, while the present state has not lapsed; the other side has news.

    Raises Problem `rfq_state`.
    """
    now = clock.now()
    news = {"merchant_news": True} if side == "company" else {"company_news": True}
    statement = (
        update(Rfq)
        .where(Rfq.id == row.id, Rfq.status.in_(sources(to)), Rfq.expires_at > now)
        .values(status=to, changed_at=now, **news, **values)
        .returning(Rfq)
        .execution_options(populate_existing=True)
    )
    moved = session.scalars(statement).first()
    if moved is None:
        session.refresh(row)
        raise refuse(status_at(row, now), wish)
    if side == "company":
        tell_merchant(session, moved, f"rfq_{to}")
    return moved


def tell_merchant(session: Session, row: Rfq, kind: str) -> None:
    """A notice about the listing that was asked for, beside the merchant's other ones."""
    said = {"rfq": str(row.id), "number": row.number, "sku": row.facts["sku"], "title": row.facts["title"]}
    notices.tell(session, row.merchant_id, kind, row.listing_id, said)


def status_at(row: Rfq, now: datetime) -> str:
    """The state at an instant; one that has lapsed is expired, whether or not the job has been by."""
    return "expired" if row.status in OPEN and row.expires_at <= now else row.status


def end_offer(session: Session, rfq_ids: Sequence[uuid.UUID], status: str) -> None:
    """The open offers of requests that the caller has just moved."""
    theirs = update(RfqOffer).where(RfqOffer.rfq_id.in_(rfq_ids), RfqOffer.status == "open")
    session.execute(theirs.values(status=status, decided_at=clock.now()))


def withdraw(actor: Actor, rfq_id: uuid.UUID) -> None:
    """The company asks no more. Raises Problem `not_found`, `rfq_state`."""
    with transaction() as session:
        row, side = of_side(session, actor, rfq_id, "company")
        move(session, row, "withdrawn", side, "withdrawn")
        end_offer(session, [row.id], "declined")
        audit.record(session, str(actor.id), "rfq_withdrawn", "rfq", row.id)


def decline(actor: Actor, rfq_id: uuid.UUID, reason: str) -> None:
    """The merchant makes no offer, or the company takes none. Raises Problem `not_found`, `rfq_state`."""
    with transaction() as session:
        row, side = of_side(session, actor, rfq_id, "company", "merchant")
        if side == "company" and row.status == "requested":
            raise refuse(row.status, "declined by who asked: withdraw it")
        move(session, row, "declined", side, "declined", reason=reason)
        end_offer(session, [row.id], "declined" if side == "company" else "withdrawn")
        audit.record(session, str(actor.id), "rfq_declined", "rfq", row.id, side=side, reason=reason)


@jobs.task("shop.expire_rfqs", schedule="* * * * *")
def expire() -> None:
    """Requests whose time is over, with their open offers; what is decided in the same moment is left alone."""
    now = clock.now()
    overdue = select(Rfq.id).where(Rfq.status.in_(OPEN), Rfq.expires_at <= now).order_by(Rfq.expires_at).limit(BATCH)
    found = db.session.scalars(overdue).all()
    end_read()
    for rfq_id in found:
        with transaction() as session:
            late = update(Rfq).where(Rfq.id == rfq_id, Rfq.status.in_(sources("expired")), Rfq.expires_at <= now)
            late = late.values(status="expired", changed_at=now, company_news=True, merchant_news=True)
            if session.execute(late.returning(Rfq.id)).first() is not None:
                end_offer(session, [rfq_id], "expired")
                audit.record(session, "shop", "rfq_expired", "rfq", rfq_id)
