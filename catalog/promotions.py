"""A merchant's dated price reductions: planned, begun and ended by the clock, never two of one listing at a time.

A reduction lowers the unit price, and with it the dutiable value (rule A13). While it runs the listing carries the
reduced price, so card, search, tax and price history know no other; the earlier price beside it is the history's own.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog import listings, merchants
from catalog.models import Listing
from catalog.promotion_models import Promotion
from catalog.receiving import divisible
from core import audit, clock, paging
from core.database import db, end_read, transaction
from core.errors import NOT_FOUND, Problem, declare, invalid
from core.jobs import task
from core.money import fen_text, half_up, plain

log = structlog.get_logger()

PROMOTION_CLASH = declare("promotion_clash", 409, "The listing has a promotion in these days already")
OPEN = ("planned", "running")
BATCH = 200


def create(actor_id: uuid.UUID, merchant_id: uuid.UUID, terms: dict[str, Any], attempt: uuid.UUID) -> dict[str, Any]:
    """Plan a reduction of an own listing; the same attempt is one. It begins by itself.

    Raises Problem `not_found`, `invalid_input`, `promotion_clash`.
    """
    _check_dates(terms["valid_from"], terms["valid_to"])
    with transaction() as session:
        listing = listings.lock_own(session, merchant_id, terms["listing_id"])
        known = session.get(Promotion, attempt)
        if known is not None:
            return dump(known)
        _check(listing, terms)
        _check_alone(session, terms)
        names = ("listing_id", "percent", "valid_from", "valid_to", "per_person")
        row = Promotion(
            id=attempt,
            merchant_id=merchant_id,
            **{name: terms[name] for name in names},
            price_fen=terms["price"],
            units_most=terms["units"],
            taken=0,
            state="planned",
            created_by=actor_id,
            created_at=clock.now(),
        )
        session.add(row)
        session.flush()
        audit.record(session, str(actor_id), "promotion_created", "promotion", row.id, listing=str(listing.id))
        if row.valid_from <= clock.now() and listing.promotion_id is None:
            _begin(session, listing, row, str(actor_id))
        return dump(row)


LONGEST = timedelta(days=3660)  # beyond it nobody plans, and calendars end


def _check_dates(first: datetime, last: datetime) -> None:
    if first >= last:
        raise invalid("valid_to", "must lie after valid_from")
    if last <= clock.now():
        raise invalid("valid_to", "is over")
    if last > clock.now() + LONGEST:
        raise invalid("valid_to", "lies more than ten years ahead")


def _check(listing: Listing, terms: dict[str, Any]) -> None:
    if (terms["percent"] is None) == (terms["price"] is None):
        raise invalid("price", "give either percent or price")
    if listing.priced_by != "unit" or listing.route == "services":
        raise invalid("listing_id", "goods priced by the kg, and services, have no promotions: change the price")
    regular = listing.price_fen if listing.promotion_id is None else None
    if terms["price"] is not None and regular is not None and terms["price"] >= regular:
        raise invalid("price", f"must be below the present price, {fen_text(regular)}")
    for name in ("units", "per_person"):
        if terms[name] is not None and not divisible(listing.unit) and terms[name] % 1:
            raise invalid(name, "must be a whole number")


def _check_alone(session: Session, terms: dict[str, Any]) -> None:
    same = (Promotion.listing_id == terms["listing_id"], Promotion.state.in_(OPEN))
    over = (Promotion.valid_from < terms["valid_to"], Promotion.valid_to > terms["valid_from"])
    if session.scalars(select(Promotion.id).where(*same, *over)).first() is not None:
        raise Problem(PROMOTION_CLASH)


def _begin(session: Session, listing: Listing, row: Promotion, actor: str) -> None:
    """Lower the price; a promotion that would not lower it comes to nothing."""
    regular = listing.price_fen
    reduced = row.price_fen if row.price_fen is not None else half_up(regular * (100 - (row.percent or 0)), 100)
    if not 0 < reduced < regular or listing.priced_by != "unit":
        row.state, row.ended_at = "failed", clock.now()
        return
    row.state, row.regular_fen, row.reduced_fen = "running", regular, reduced
    listings.reprice(session, listing, reduced, row.id, actor, "promotion_begun")


def _end(session: Session, listing: Listing, row: Promotion, state: str, actor: str) -> None:
    if row.state == "running" and row.regular_fen is not None:
        listings.reprice(session, listing, row.regular_fen, None, actor, "promotion_ended")
    row.state, row.ended_at = state, clock.now()


def stop(actor_id: uuid.UUID, merchant_id: uuid.UUID, promotion_id: uuid.UUID) -> dict[str, Any]:
    """End an own promotion now; quotes made on it are honoured. Raises Problem `not_found`."""
    with transaction() as session:
        listing, row = _locked(session, promotion_id, merchant_id)
        if row.state in OPEN:
            _end(session, listing, row, "stopped", str(actor_id))
            audit.record(session, str(actor_id), "promotion_stopped", "promotion", row.id)
        return dump(row)


def _locked(
    session: Session, promotion_id: uuid.UUID, merchant_id: uuid.UUID | None = None
) -> tuple[Listing, Promotion]:
    """The listing of a promotion, locked, and the promotion behind that lock. Raises Problem `not_found`."""
    known = session.get(Promotion, promotion_id)
    if known is None or merchant_id not in (None, known.merchant_id):
        raise Problem(NOT_FOUND, "no such promotion")
    listing = listings.lock_own(session, known.merchant_id, known.listing_id)
    statement = select(Promotion).where(Promotion.id == promotion_id).with_for_update()
    return listing, session.scalars(statement.execution_options(populate_existing=True)).one()


@task("catalog.turn_promotions", schedule="* * * * * */20")
def turn() -> None:
    """Begin what is due, end what is over or sold out; run again it finds that done."""
    now = clock.now()
    gone = (Promotion.units_most.is_not(None)) & (Promotion.taken >= Promotion.units_most)
    due = select(Promotion.id).where(
        or_(
            (Promotion.state == "running") & (or_(Promotion.valid_to <= now, gone)),
            (Promotion.state == "planned") & (Promotion.valid_from <= now),
        )
    )
    # Those that end come first: the next one of a listing may begin at that instant.
    found = db.session.scalars(due.order_by(Promotion.state.desc(), Promotion.valid_from).limit(BATCH)).all()
    end_read()
    for promotion_id in found:
        try:
            _turn(promotion_id)
        except Exception:
            log.exception("promotion_not_turned", promotion=str(promotion_id))


def _turn(promotion_id: uuid.UUID) -> None:
    with transaction() as session:
        listing, row = _locked(session, promotion_id)
        now = clock.now()
        if row.state in OPEN and row.valid_to <= now:
            _end(session, listing, row, "over", "shop")
        elif row.state == "running" and row.units_most is not None and row.taken >= row.units_most:
            _end(session, listing, row, "sold_out", "shop")
        elif row.state == "planned" and row.valid_from <= now and listing.promotion_id is None:
            _begin(session, listing, row, "shop")


def own_page(merchant_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """A merchant's promotions, the latest to begin first."""
    statement = select(Promotion, Listing.sku, Listing.title_zh, Listing.title_en).join(
        Listing, Listing.id == Promotion.listing_id
    )
    statement = statement.where(Promotion.merchant_id == merchant_id)
    key = paging.decode(cursor, str)
    if key:
        seen = merchants.paged_id(key[0])
        first = select(Promotion.valid_from).where(Promotion.id == seen).scalar_subquery()
        statement = statement.where(
            or_(Promotion.valid_from < first, (Promotion.valid_from == first) & (Promotion.id < seen))
        )
    ordered = statement.order_by(Promotion.valid_from.desc(), Promotion.id.desc()).limit(limit + 1)
    rows, after = paging.page(db.session.execute(ordered).all(), limit, lambda row: paging.encode(str(row[0].id)))
    told = [{**dump(row), "sku": sku, "title": {"zh": zh, "en": en}} for row, sku, zh, en in rows]
    return {"items": told, "next": after}


def by_sku(merchant_id: uuid.UUID, sku: str) -> uuid.UUID:
    """An own listing by its article number. Raises Problem `invalid_input`."""
    found = db.session.scalar(select(Listing.id).where(Listing.merchant_id == merchant_id, Listing.sku == sku))
    if found is None:
        raise invalid("sku", "is no listing of yours")
    return found


def own_one(merchant_id: uuid.UUID, promotion_id: uuid.UUID) -> dict[str, Any]:
    """One own promotion. Raises Problem `not_found`."""
    row = db.session.get(Promotion, promotion_id, populate_existing=True)
    if row is None or row.merchant_id != merchant_id:
        raise Problem(NOT_FOUND, "no such promotion")
    return dump(row)


def dump(row: Promotion) -> dict[str, Any]:
    """A promotion as its merchant sees it."""
    return {
        "id": str(row.id),
        "listing_id": str(row.listing_id),
        "percent": row.percent,
        "price": None if row.price_fen is None else fen_text(row.price_fen),
        "valid_from": clock.instant_text(row.valid_from),
        "valid_to": clock.instant_text(row.valid_to),
        "units": None if row.units_most is None else plain(row.units_most),
        "per_person": None if row.per_person is None else plain(row.per_person),
        "taken": plain(row.taken) if row.limited else None,
        "state": row.state,
        "regular_price": None if row.regular_fen is None else fen_text(row.regular_fen),
        "reduced_price": None if row.reduced_fen is None else fen_text(row.reduced_fen),
        "created_at": clock.instant_text(row.created_at),
        "ended_at": clock.instant_text(row.ended_at),
    }
