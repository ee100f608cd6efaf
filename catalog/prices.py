"""Price honesty: what was charged and when, and which earlier price a card may show struck through.

A change is written when a listing enters the shop, leaves it or is given another price there. The earlier price that
may stand beside the present one is the lowest that was charged in the thirty days before the present one began, if it
was higher and was itself still charged within the last thirty days. A price asked for an hour to be struck through
gains nothing: the lower one before it counts.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from catalog.models import Listing, PriceChange
from core import clock
from core.money import fen_text

WINDOW = timedelta(days=30)
KEPT_MOST = 200  # stretches of one listing that are looked at
SHOWN_MOST = 50


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` on so much was asked; None while the listing was not in the shop."""

    start: datetime
    fen: int | None


@dataclass(frozen=True, slots=True)
class History:
    """Stretches of one listing, oldest first."""

    stretches: tuple[Stretch, ...] = ()

    def was(self, now: datetime) -> int | None:
        """The earlier price that may be shown beside the present one, in fen."""
        present = self.stretches[-1] if self.stretches else None
        if present is None or present.fen is None:
            return None
        since = present.start - WINDOW
        if len(self.stretches) == KEPT_MOST and self.stretches[0].start > since:
            return None  # so many changes that the days before are not all known
        # Of each stretch that reaches into the window: what was charged, and until when.
        charged = [(stretch.fen, after.start) for stretch, after in pairwise(self.stretches)
                   if stretch.fen is not None and after.start > since]  # fmt: skip
        lowest = min((fen for fen, _ in charged), default=0)
        until = max((end for fen, end in charged if fen == lowest), default=now)
        return lowest if lowest > present.fen and until > now - WINDOW else None

    def told(self) -> list[dict[str, Any]]:
        """Newest first, as the API shows it."""
        newest = reversed(self.stretches[-SHOWN_MOST:])
        return [{"from": clock.instant_text(stretch.start),
                 "price": None if stretch.fen is None else fen_text(stretch.fen)} for stretch in newest]  # fmt: skip


NOTHING = History()
_NEWEST = text(
    "SELECT asked.id, price.at, price.price_fen FROM unnest(CAST(:ids AS uuid[])) AS asked(id) CROSS JOIN LATERAL ("
    " SELECT at, id, price_fen FROM price_change WHERE listing_id = asked.id ORDER BY at DESC, id DESC LIMIT :most)"
    " AS price ORDER BY asked.id, price.at, price.id"
)
_LAST = text(
    "SELECT asked.id, last.price_fen FROM unnest(CAST(:ids AS uuid[])) AS asked(id) CROSS JOIN LATERAL ("
    " SELECT price_fen FROM price_change WHERE listing_id = asked.id ORDER BY at DESC, id DESC LIMIT 1) AS last"
)


def record(session: Session, rows: Sequence[Listing]) -> None:
    """Write down what is asked for listings from now on, where that is not what was asked before."""
    with session.no_autoflush:  # a listing on its way into the shop is not complete before its card is
        found = session.execute(_LAST, {"ids": [row.id for row in rows]}).all()
    last: dict[uuid.UUID, int | None] = {listing_id: fen for listing_id, fen in found}
    asked = {row.id: row.price_fen if row.status == "published" else None for row in rows}
    changed = [listing_id for listing_id, fen in asked.items() if fen != last.get(listing_id)]
    if changed:
        values = [{"listing_id": listing_id, "at": clock.now(), "price_fen": asked[listing_id]}
                  for listing_id in changed]  # fmt: skip
        with session.no_autoflush:
            session.execute(insert(PriceChange), values)


def histories(session: Session, listing_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, History]:
    """The newest stretches of each listing that has any; one statement."""
    found: dict[uuid.UUID, list[Stretch]] = defaultdict(list)
    for listing_id, at, fen in session.execute(_NEWEST, {"ids": list(listing_ids), "most": KEPT_MOST}):
        found[listing_id].append(Stretch(at, fen))
    return {listing_id: History(tuple(stretches)) for listing_id, stretches in found.items()}
