"""Listings and their life: drafted, submitted, reviewed, in the shop, withdrawn.

The merchant writes, an operator admits, the law decides whether it may: compliance is checked when a listing is
written, submitted and published, each time by the law of that day. A change of what the goods *are* (code, origin,
weight ...) takes a published listing out of the shop until it is reviewed again; price and words may change on sale.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog import (
    art,
    attributes,
    cards,
    catch_weight,
    categories,
    compliance,
    elements,
    lots,
    merchants,
    notices,
    pictures,
    prices,
    quality,
    requirements,
)
from catalog.establishments import Register
from catalog.merchants import WRONG_STATE
from catalog.models import RETAIL, Listing, ListingVersion, Merchant
from core import audit, clock, paging
from core.database import db, new_id, transaction
from core.errors import NOT_FOUND, Problem, declare
from core.money import fen_text, plain

SKU_TAKEN = declare("sku_taken", 409, "You have another listing with this sku")
PROMOTION_RUNS = declare("promotion_running", 409, "A promotion of the listing is running")
STALE = declare("version_changed", 412, "The listing was changed since you read it")

HS_CONFIRMED = "hs_confirmed"  # in the audit trail: a person chose the code

# (move, from) -> to; what is not here is refused.
MOVES = {
    ("submit", "draft"): "submitted",
    ("submit", "withdrawn"): "submitted",
    ("approve", "submitted"): "published",
    ("reject", "submitted"): "draft",
    ("reject", "published"): "withdrawn",
    ("publish", "withdrawn"): "published",
    ("withdraw", "draft"): "withdrawn",
    ("withdraw", "submitted"): "withdrawn",
    ("withdraw", "published"): "withdrawn",
    ("amend", "published"): "submitted",
}
# A repeated call finds the work done and says so.
_DONE = {("submit", "submitted"), ("publish", "published"), ("approve", "published"), ("withdraw", "withdrawn")}

# What customs, the tax and the label rest on: changed in the shop, it must be reviewed again.
LEGAL = (
    *("category", "hs", "origin", "route", "mode", "unit", "net_weight_kg", "gross_weight_kg", "brand"),
    *("specification", "declaration_elements", "statutory", "net_content", "gtin", "establishment_no", "priced_by"),
)
_PRICED = ("price_fen", "priced_by", "kg_price_fen", "piece_weight_kg", "weight_tolerance", "unit")
_FACTS = (
    *("sku", "title_zh", "title_en", "description_zh", "description_en", "price_fen", "cold_chain", "attributes"),
    "images",
    *("least_life_days", "least_life_percent", *catch_weight.FIELDS),
    *LEGAL,
)


def create(
    actor: str, merchant_id: uuid.UUID, values: dict[str, Any], listing_id: uuid.UUID | None = None
) -> dict[str, Any]:
    """Write a draft. Raises Problem `sku_taken`, `category_unknown` and what compliance refuses a draft for."""
    row = Listing(id=listing_id or new_id(), merchant_id=merchant_id, status="draft", created_at=clock.now(), version=1)
    apply(row, values)
    try:
        with transaction() as session:
            compliance.check_route(row, clock.today())
            session.add(row)
            session.flush()  # a taken sku is told before anything else is written
            _keep_version(session, row, actor, "listing_created")
            _confirm_code(session, row, actor, None)
            return dump(row)
    except IntegrityError as fault:
        raise _sku_taken(fault) from None


def _sku_taken(fault: IntegrityError) -> Exception:
    """The refusal when it was the sku that clashed; any other clash is a fault of ours."""
    clashed = getattr(getattr(fault.orig, "diag", None), "constraint_name", None)
    return Problem(SKU_TAKEN, errors={"sku": ["is taken"]}) if clashed == "uq_listing_merchant_id_sku" else fault


def apply(row: Listing, values: dict[str, Any]) -> None:
    """Write a merchant's values into a row, and what follows from them.

    Raises Problem `category_unknown`, and `invalid_input` for attributes that the category does not have.
    """
    if row.promotion_id is not None and any(values.get(name, getattr(row, name)) != getattr(row, name)
                                            for name in _PRICED):  # fmt: skip
        raise Problem(PROMOTION_RUNS, errors={"price": ["is that of a promotion; end it first"]})
    row.source_digest = None  # whatever file it came from, it is not as there any more
    for name, value in values.items():
        setattr(row, name, value)
    for name in ("description_zh", "description_en", "brand", "specification"):
        if getattr(row, name) is None:
            setattr(row, name, "")
    shelf = categories.find(row.category)
    row.department = shelf.department
    if not values.keys().isdisjoint(("attributes", "category")):
        attributes.check(row.category, row.attributes or {})
    show(row)
    if row.route == RETAIL and row.mode is None:
        row.mode = "1210"
    elif row.route != RETAIL:
        row.mode = None
    catch_weight.settle(row, values)


def show(row: Listing) -> None:
    """Let the card show the first picture, or the drawing of the shelf where there is none."""
    first = next(iter(row.images or ()), None)
    drawing = art.address_of(categories.find(row.category).art)
    row.image = pictures.address_of(first["digest"], "small") if first else drawing


def facts_of(row: Listing) -> dict[str, Any]:
    """What is kept of a version."""
    return {name: _json(getattr(row, name)) for name in (*_FACTS, "status")}


def _version_of(row: Listing, actor: str) -> ListingVersion:
    return ListingVersion(listing_id=row.id, version=row.version, at=clock.now(), actor=actor, facts=facts_of(row))


def _keep_version(session: Session, row: Listing, actor: str, action: str, **data: Any) -> None:
    session.add(_version_of(row, actor))
    audit.record(session, actor, action, "listing", row.id, version=row.version, status=row.status, **data)


def _json(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value


def change(
    actor: str, merchant_id: uuid.UUID, listing_id: uuid.UUID, version: int | None, values: dict[str, Any]
) -> dict[str, Any]:
    """Change some fields; `version` is the one the caller read (None: any).

    Raises Problem `not_found`, `version_changed`, `sku_taken` and what compliance refuses.
    """
    try:
        with transaction() as session:
            row = _own(session, merchant_id, listing_id)
            if version is not None and version != row.version:
                raise Problem(STALE, f"the listing is at version {row.version} now, not {version}")
            before = row.hs
            amend(row, values)
            # What stays in the shop must be whole; what goes to review is looked at whole there.
            check = compliance.check_all if row.status == "published" else compliance.check_route
            check(row, clock.today())
            if not values.keys().isdisjoint(lots.RULE):
                lots.keep_rule(session, [row])
            _store(session, row, actor, "listing_changed", fields=sorted(values))
            _confirm_code(session, row, actor, before)
            return dump(row)
    except IntegrityError as fault:
        raise _sku_taken(fault) from None


def _confirm_code(session: Session, row: Listing, actor: str, before: str | None) -> None:
    """Keep who chose the goods code: whatever was suggested, a person answers for it."""
    if row.hs not in (None, before):
        audit.record(session, actor, HS_CONFIRMED, "listing", row.id, hs=row.hs, version=row.version)


def amend(row: Listing, values: dict[str, Any]) -> None:
    """Write changes into a row; those of what the law rests on take it out of the shop until it is reviewed again."""
    before = {name: getattr(row, name) for name in LEGAL}
    given = dict(values.get("declaration_elements", ()))
    if given and elements.say_the_same(given, dict(row.declaration_elements)):
        values = {name: value for name, value in values.items() if name != "declaration_elements"}
    apply(row, values)
    if any(before[name] != getattr(row, name) for name in LEGAL):
        row.needs_review = True
        if row.status == "published":
            _move(row, "amend", clock.now())


def _store(session: Session, row: Listing, actor: str, action: str, **data: Any) -> None:
    _renew(session, [row])
    if row.status == "published":
        quality.reckon(session, row.id)
    _keep_version(session, row, actor, action, **data)


def _renew(session: Session, rows: Sequence[Listing]) -> None:
    """Write changed rows, each as its next version and with the card of it."""
    for row in rows:
        row.version += 1
        row.shown = False  # unless the card that is built next says otherwise
    prices.record(session, [row for row in rows if row.status == "published" or row.published_at is not None])
    cards.compose(session, [row for row in rows if row.status in ("submitted", "published")])
    session.flush()


def store_many(session: Session, rows: Sequence[Listing], actor: str) -> None:
    """Write changed rows in the caller's transaction, which audits them together; their quality is left to the job
    that reckons all."""
    _renew(session, rows)
    session.add_all([_version_of(row, actor) for row in rows])


def hand_in(row: Listing, register: Register) -> None:
    """Submit a draft in the caller's transaction; `register` is that of its establishment.

    Raises Problem `wrong_state` and what compliance refuses.
    """
    _move(row, "submit", clock.now())
    _enter(row, register)


def lock_own(session: Session, merchant_id: uuid.UUID, listing_id: uuid.UUID) -> Listing:
    """An own listing, locked, with its merchant held still. Raises Problem `not_found`."""
    return _own(session, merchant_id, listing_id)


def reprice(
    session: Session, row: Listing, price_fen: int, promotion_id: uuid.UUID | None, actor: str, action: str
) -> None:
    """Give a locked listing another price because a promotion begins (`promotion_id`) or ends (None).

    Its file's row is left to be as it was read: the price of the file comes back at the end.
    """
    row.price_fen, row.promotion_id = price_fen, promotion_id
    _store(session, row, actor, action, price=fen_text(price_fen))


def _own(session: Session, merchant_id: uuid.UUID, listing_id: uuid.UUID) -> Listing:
    """The listing, locked. Raises Problem `not_found` for another merchant's."""
    merchants.hold_still(session, [merchant_id])
    statement = select(Listing).where(Listing.id == listing_id, Listing.merchant_id == merchant_id).with_for_update()
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None:
        raise Problem(NOT_FOUND, "no such listing")
    return row


def _move(row: Listing, move: str, at: datetime) -> bool:
    """Make a move of the table; False when it was made before. Raises Problem `wrong_state`."""
    if (move, row.status) in _DONE:
        return False
    to = MOVES.get((move, row.status))
    if to is None:
        raise Problem(WRONG_STATE, f"a listing that is {row.status} does not take {move}")
    if move == "publish" and row.needs_review:
        raise Problem(WRONG_STATE, "the listing was changed since its review: submit it again")
    if to == "submitted":
        row.submitted_at = at
    if to == "published":
        row.published_at = row.published_at or at
    row.status = to
    return True


def repicture(
    actor: str,
    merchant_id: uuid.UUID,
    listing_id: uuid.UUID,
    change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> dict[str, Any]:
    """Give an own listing the pictures that `change` makes of those it has; they are part of its next version."""
    with transaction() as session:
        row = _own(session, merchant_id, listing_id)
        changed = change(list(row.images))
        if changed != row.images:
            row.images = changed
            show(row)
            _store(session, row, actor, "listing_pictures_changed", pictures=[entry["digest"] for entry in changed])
        return dump(row)


def move(actor: str, merchant_id: uuid.UUID, listing_id: uuid.UUID, step: str) -> dict[str, Any]:
    """Submit, publish (again) or withdraw an own listing.

    Raises Problem `not_found`, `wrong_state` and, on the way into the shop, what compliance refuses.
    """
    with transaction() as session:
        row = _own(session, merchant_id, listing_id)
        if _move(row, step, clock.now()):
            _enter(row)
            _store(session, row, actor, f"listing_{step}")
        return dump(row)


def close(row: Listing, reasons: list[str]) -> None:
    """Take a published listing out of the shop because the law closed; no new review is needed when it opens again."""
    _move(row, "withdraw", clock.now())
    row.reasons = reasons


def _enter(row: Listing, register: Register | None = None) -> None:
    if row.status in ("submitted", "published"):
        compliance.check_all(row, clock.today(), register)
        row.reasons = []


def review(actor: str, listing_id: uuid.UUID, decision: str, reason: str) -> dict[str, Any]:
    """An operator's decision: approve puts a submitted listing into the shop, reject gives it back with the reason.

    Raises Problem `not_found`, `wrong_state` and what compliance refuses on that day.
    """
    with transaction() as session:
        owner = session.scalar(select(Listing.merchant_id).where(Listing.id == listing_id))
        if owner is None:
            raise Problem(NOT_FOUND, "no such listing")
        row = _own(session, owner, listing_id)
        if _move(row, decision, clock.now()):
            approved = decision == "approve"
            row.needs_review = not approved  # what was taken down does not come back unseen
            row.reasons = [] if approved else [reason]
            _enter(row)
            _store(session, row, actor, f"listing_{decision}", reason=reason)
            remark = requirements.remark_of(row, clock.today()) if approved else None
            if remark is not None:  # who approves has read it and looked at the goods
                audit.record(session, actor, "remark_confirmed", "listing", row.id, version=row.version, **remark)
            about = {"sku": row.sku, "title": {"zh": row.title_zh, "en": row.title_en}, "reason": reason}
            notices.tell(session, row.merchant_id, f"listing_{row.status}", row.id, about)
        return dump(row)


def exists(listing_id: uuid.UUID) -> bool:
    return db.session.get(Listing, listing_id) is not None


def managed(merchant_id: uuid.UUID, listing_id: uuid.UUID) -> dict[str, Any]:
    """One own listing with everything the merchant wrote. Raises Problem `not_found`."""
    row = db.session.get(Listing, listing_id, populate_existing=True)
    if row is None or row.merchant_id != merchant_id:
        raise Problem(NOT_FOUND, "no such listing")
    return dump(row)


def needs(merchant_id: uuid.UUID, listing_id: uuid.UUID) -> list[dict[str, Any]]:
    """What the goods of an own listing need beside it, by the law of today. Raises Problem `not_found`."""
    row = db.session.get(Listing, listing_id, populate_existing=True)
    if row is None or row.merchant_id != merchant_id:
        raise Problem(NOT_FOUND, "no such listing")
    return requirements.of(row, clock.today())


def managed_page(
    merchant_id: uuid.UUID, status: str | None, limit: int, cursor: str | None, mode: str | None = None
) -> dict[str, Any]:
    """Own listings of any state, newest first; of one mode of import where it is named."""
    statement = select(Listing).where(Listing.merchant_id == merchant_id)
    if mode is not None:
        statement = statement.where(Listing.mode == mode)
    if status is not None:
        statement = statement.where(Listing.status == status)
    return _page(statement, limit, cursor, dump)


def under_review(limit: int, cursor: str | None) -> dict[str, Any]:
    """Submitted listings of all merchants, newest first, each with its merchant's name and what approval confirms."""
    day = clock.today()
    statement = select(Listing, Merchant.registered_name).join(Merchant).where(Listing.status == "submitted")

    def named(row: Any) -> dict[str, Any]:
        merchant = {"id": str(row[0].merchant_id), "name": row[1]}
        return {**dump(row[0]), "merchant": merchant, "confirm_remark": requirements.remark_of(row[0], day)}

    return _page(statement, limit, cursor, named, lambda row: row[0].id)


def _page(statement: Any, limit: int, cursor: str | None, told: Any, id_of: Any = lambda row: row.id) -> dict[str, Any]:
    key = paging.decode(cursor, str)
    if key:
        statement = statement.where(Listing.id < merchants.paged_id(key[0]))
    found = db.session.execute(statement.order_by(Listing.id.desc()).limit(limit + 1)).all()
    rows = [row[0] if len(row) == 1 else row for row in found]
    shown, after = paging.page(rows, limit, lambda row: paging.encode(str(id_of(row))))
    return {"items": [told(row) for row in shown], "next": after}


def dump(row: Listing) -> dict[str, Any]:
    """Everything the merchant wrote and where it stands; never shown to others."""
    facts = {name: _json(getattr(row, name)) for name in _FACTS if not name.startswith(("title_", "description_"))}
    price = facts.pop("price_fen")
    for name in ("kg_price_fen", "least_life_days", "least_life_percent"):
        del facts[name]
    return {
        "id": str(row.id),
        "version": row.version,
        "status": row.status,
        "reasons": row.reasons,
        "title": {"zh": row.title_zh, "en": row.title_en},
        "description": {"zh": row.description_zh, "en": row.description_en},
        "price": fen_text(price),
        **facts,
        **catch_weight.dump(row),
        "declaration_elements": dict(row.declaration_elements),
        "image": row.image,
        "images": [pictures.told(entry) for entry in row.images or ()],
        "published_at": clock.instant_text(row.published_at),
        "submitted_at": clock.instant_text(row.submitted_at),
    }
