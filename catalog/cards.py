"""What the shop window shows of a listing, built when something changes and kept as JSON text in its row.

Tax is a matter of day and edition, so both stand beside the text; what was built on another day is built anew by the
nightly job, or by the first reader who comes before it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import String, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Session

from catalog import catch_weight, categories, merchants, pictures, prices, taxes, words
from catalog.models import Listing, Merchant
from catalog.prices import History
from catalog.taxes import Breakdown
from core import clock
from core.database import db, transaction
from core.jobs import task
from core.money import fen_text, plain
from customs import codes, edition

_BATCH = 500


def stale(rows: Iterable[Any]) -> list[uuid.UUID]:
    """Those whose cards were built by the law of another edition or day."""
    day, current = clock.today(), edition.tariff().edition
    return [row.id for row in rows if row.assessed_on != day or row.assessed_edition != current]


def compose(session: Session, rows: Sequence[Listing], *, new_words: bool = True) -> None:
    """Build cards, details and search words of listings in the caller's transaction."""
    with session.no_autoflush:  # a listing on its way into the shop is not complete before its card is
        sellers = _sellers(session, {row.merchant_id for row in rows})
        charged = prices.histories(session, [row.id for row in rows])
        for row, breakdown in zip(rows, taxes.breakdowns(session, rows), strict=True):
            name, status = sellers[row.merchant_id]
            _compose_one(row, name, breakdown, charged.get(row.id, prices.NOTHING))
            row.shown = row.status == "published" and status == "approved"
            if new_words:
                row.search = _search_of(row)


def _sellers(session: Session, ids: set[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str]]:
    """Name and status; who locked the listings has held their merchants still before."""
    told = select(Merchant.id, Merchant.registered_name, Merchant.status).where(Merchant.id.in_(ids))
    return {merchant_id: (name, status) for merchant_id, name, status in session.execute(told)}


def _compose_one(row: Listing, merchant_name: str, breakdown: Breakdown, charged: History) -> None:
    row.card = _text(_card(row, merchant_name, breakdown, charged))
    row.detail = _text(_detail(row, breakdown, charged))
    row.tax_fen = breakdown.tax_fen
    row.hindrance = breakdown.hindrance
    row.assessed_edition = breakdown.edition
    row.assessed_on = breakdown.day


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _card(row: Listing, merchant_name: str, breakdown: Breakdown, charged: History) -> dict[str, Any]:
    was = charged.was(clock.now())
    return {
        "id": str(row.id),
        "sku": row.sku,
        "title": {"zh": row.title_zh, "en": row.title_en},
        "category": row.category,
        "merchant": {"id": str(row.merchant_id), "name": merchant_name},
        "origin": row.origin,
        "hs": row.hs,
        "route": row.route,
        "mode": row.mode,
        "unit": row.unit,
        "price": fen_text(row.price_fen),
        "was_price": None if was is None else fen_text(was),
        "tax": fen_text(breakdown.tax_fen),
        "landed_price": fen_text(row.price_fen + breakdown.tax_fen),
        "tax_included": breakdown.included,
        "standing": breakdown.standing,
        "cold_chain": row.cold_chain,
        "image": row.image,
    }


def _detail(row: Listing, breakdown: Breakdown, charged: History) -> dict[str, Any]:
    return {
        "description": {"zh": row.description_zh, "en": row.description_en},
        "facts": {
            "origin_name": {"zh": codes.country_name(row.origin, "zh"), "en": codes.country_name(row.origin, "en")},
            "brand": row.brand,
            "specification": row.specification,
            "net_weight_kg": _number(row.net_weight_kg),
            "gross_weight_kg": _number(row.gross_weight_kg),
            "net_content": row.net_content,
            "gtin": row.gtin,
            "establishment_no": row.establishment_no,
            "declaration_elements": dict(row.declaration_elements),
            "statutory": row.statutory,
            "attributes": row.attributes,
            "catch_weight": catch_weight.of_a_piece(row),
            "version": row.version,
        },
        "tax_breakdown": breakdown.told,
        "images": [pictures.told(entry) for entry in row.images or ()],
        "price_history": charged.told(),
    }


def _number(value: Any) -> str | None:
    return None if value is None else plain(value)


def _search_of(row: Listing) -> Any:
    """The search vector as one SQL expression: English through PostgreSQL's stemmer, the rest written by `words`."""
    names = [categories.words(row.category), codes.country_name(row.origin, "zh"), codes.country_name(row.origin, "en")]
    parts = [
        words.Part(f"{row.title_zh} {row.title_en}", words.TITLE),
        words.Part(
            f"{row.brand} {row.specification} {' '.join(value for _, value in row.declaration_elements)}", words.FACT
        ),
        words.Part(" ".join(names), words.NAME),
        words.Part(f"{row.description_zh} {row.description_en}", words.TEXT),
    ]
    vector: Any = cast(_literal(f"{words.han_vector(parts)} {words.code_vector(row.hs, row.sku)}"), TSVECTOR)
    for part in parts:
        english = func.to_tsvector("english", _literal(words.latin(part.text)))
        vector = vector.op("||")(func.setweight(english, literal_column(f"'{part.weight}'")))
    return vector


def _literal(value: str) -> Any:
    return bindparam(None, value, String, unique=True)


def refresh(listing_ids: Sequence[uuid.UUID]) -> None:
    """Build those of these cards anew that are stale. Readers who come at once wait for one builder."""
    with transaction() as session:
        _renew(session, listing_ids)


def _renew(session: Session, listing_ids: Sequence[uuid.UUID]) -> None:
    own = (Listing.status == "published", Listing.id.in_(listing_ids))
    merchants.hold_still(session, session.scalars(select(Listing.merchant_id).where(*own).distinct()))
    locked = select(Listing).where(*own).order_by(Listing.id).with_for_update()
    rows = session.scalars(locked.execution_options(populate_existing=True)).all()
    still = set(stale(rows))
    compose(session, [row for row in rows if row.id in still], new_words=False)


@task("catalog.refresh_cards", schedule="*/10 * * * *")
def refresh_all() -> None:
    """After midnight in Beijing, and after the law was changed, every card is built anew."""
    outdated = or_(
        Listing.assessed_on.is_distinct_from(clock.today()),
        Listing.assessed_edition.is_distinct_from(edition.tariff().edition),
    )
    after = uuid.UUID(int=0)
    while True:
        ahead = select(Listing.id).where(Listing.status == "published", Listing.id > after, outdated)
        with transaction() as session:
            ids = session.scalars(ahead.order_by(Listing.id).limit(_BATCH)).all()
            _renew(session, ids)
        db.session.expunge_all()  # a batch must not keep the one before it in memory
        if len(ids) < _BATCH:
            return
        after = ids[-1]
