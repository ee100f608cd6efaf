"""What a listing said at each of its versions: for its merchant, and for the orders that were placed on one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, tuple_

from catalog import art, attributes, categories, listings, pictures
from catalog.models import Listing, ListingVersion, Merchant
from core import clock, paging
from core.database import db
from core.errors import NOT_FOUND, Problem
from core.money import fen_text

Key = tuple[uuid.UUID, int]  # listing, version


def own_page(merchant_id: uuid.UUID, listing_id: uuid.UUID, limit: int, cursor: str | None) -> dict[str, Any]:
    """Versions of an own listing, newest first. Raises Problem `not_found`."""
    listings.managed(merchant_id, listing_id)
    statement = select(ListingVersion).where(ListingVersion.listing_id == listing_id)
    key = paging.decode(cursor, int)
    if key:
        statement = statement.where(ListingVersion.version < min(key[0], 2**31 - 1))
    found = db.session.scalars(statement.order_by(ListingVersion.version.desc()).limit(limit + 1)).all()
    shown, after = paging.page(found, limit, lambda row: paging.encode(row.version))
    return {"items": [_dump(row) for row in shown], "next": after}


def _dump(row: ListingVersion) -> dict[str, Any]:
    facts = row.facts
    return {
        "version": row.version,
        "at": clock.instant_text(row.at),
        "status": facts["status"],
        "price": fen_text(facts["price_fen"]),
        **_texts(facts),
    }


def _texts(facts: dict[str, Any]) -> dict[str, Any]:
    """What a version showed to people."""
    return {
        "title": {"zh": facts["title_zh"], "en": facts["title_en"]},
        "description": {"zh": facts["description_zh"], "en": facts["description_en"]},
        "brand": facts["brand"],
        "specification": facts["specification"],
        "attributes": [{"name": name, "value": value}
                       for name, value in attributes.shown(facts["category"], facts["attributes"] or {})],
        "images": [pictures.told(entry) for entry in facts.get("images") or ()],
    }  # fmt: skip


def last_published(listing_id: uuid.UUID) -> dict[str, Any]:
    """What a listing said when it was last in the shop, for those who bought of it; later drafts are nobody's to read.

    Raises Problem `not_found` for one that never was in the shop.
    """
    statement = (
        select(ListingVersion.facts, Merchant.registered_name)
        .join(Listing, Listing.id == ListingVersion.listing_id)
        .join(Merchant, Merchant.id == Listing.merchant_id)
        .where(Listing.id == listing_id, Listing.published_at.is_not(None))
        .where(ListingVersion.facts["status"].astext == "published")
        .order_by(ListingVersion.version.desc())
    )
    found = db.session.execute(statement.limit(1)).first()
    if found is None:
        raise Problem(NOT_FOUND, "no such listing")
    facts, merchant = found
    picture = next(iter(facts.get("images") or ()), None)
    drawing = art.address_of(categories.find(facts["category"]).art)
    return {
        "title": {"zh": facts["title_zh"], "en": facts["title_en"]},
        "category": facts["category"],
        "origin": facts["origin"],
        "hs": facts["hs"],
        "merchant": merchant,
        "image": pictures.told(picture)["medium"] if picture else drawing,
        "facts": {**facts, "declaration_elements": dict(facts["declaration_elements"])},
    }


def changed(listing_id: uuid.UUID, one: int, other: int, names: Sequence[str]) -> list[str]:
    """Which of these facts two versions tell otherwise; none of a version that was not kept."""
    wanted = select(ListingVersion.facts).where(ListingVersion.listing_id == listing_id)
    found = db.session.scalars(wanted.where(ListingVersion.version.in_((one, other)))).all()
    return [name for name in names if len({json.dumps(facts.get(name) or None, sort_keys=True) for facts in found}) > 1]


def bought(keys: Collection[Key]) -> dict[Key, dict[str, Any]]:
    """The texts and pictures of versions that orders were placed on; one statement."""
    if not keys:
        return {}
    wanted = tuple_(ListingVersion.listing_id, ListingVersion.version).in_(keys)
    rows = db.session.scalars(select(ListingVersion).where(wanted))
    return {(row.listing_id, row.version): {"version": row.version, **_texts(row.facts)} for row in rows}
