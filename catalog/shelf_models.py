"""Tables beside the listings that make a shelf of millions countable and its order explicable.

Counters are kept without a lock on any of them: a change of the shelf is appended to `shelf_change` by a trigger in the
same transaction, what is shown is counters plus changes, and a job folds the changes in.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Identity, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog import shelf
from core.database import Base


def listing_indexes() -> list[Index]:
    """The indexes of `listing` for the shop window: every order, under no filter or one, is read from an index, so that
    the thousandth page costs what the first does; and the words of the search with what it narrows by.
    """
    on_sale = text(shelf.ON_SALE)
    found = [
        Index(f"ix_listing_sale_{'_'.join(columns)}", *columns, "id", postgresql_where=on_sale)
        for narrowed in (None, *shelf.NARROWED_BY)
        for key in shelf.SORT_KEYS
        for columns in [[name for name in (narrowed, key) if name]]
    ]
    band, tags = text(f"({shelf.band_of()})"), text(f"({shelf.tags()})")
    found += [
        Index(f"ix_listing_sale_band_{key}", band, key, "id", postgresql_where=on_sale) for key in shelf.BAND_SORT_KEYS
    ]
    words: dict[str, Any] = {
        "postgresql_using": "gin",
        "postgresql_where": on_sale,
        "postgresql_with": {"gin_pending_list_limit": 256},
    }
    return [*found, Index("ix_listing_words", "search", tags, **words)]


class ShelfChange(Base):
    """A listing came onto the shelf (+1) or left it (-1); written by the trigger of `listing`, folded by a job."""

    __tablename__ = "shelf_change"
    __table_args__ = (CheckConstraint("delta IN (-1, 1)", name="delta_is_one"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    department: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(40))
    origin: Mapped[str] = mapped_column(String(2))
    route: Mapped[str] = mapped_column(String(20))
    merchant_id: Mapped[uuid.UUID]
    band: Mapped[int] = mapped_column(SmallInteger)
    delta: Mapped[int] = mapped_column(SmallInteger)


class ShelfCount(Base):
    """How many listings on sale share all of this, as far as changes have been folded in."""

    __tablename__ = "shelf_count"
    __table_args__ = (
        Index("ix_shelf_count_department", "department", "origin"),
        Index("ix_shelf_count_origin", "origin", "route"),
        Index("ix_shelf_count_merchant_id", "merchant_id"),
    )

    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    department: Mapped[str] = mapped_column(String(40), primary_key=True)
    origin: Mapped[str] = mapped_column(String(2), primary_key=True)
    route: Mapped[str] = mapped_column(String(20), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    band: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)


class ShelfTotal(Base):
    """The sums of `ShelfCount` under no filter ('' and '') or one: how many stand under each value of each facet."""

    __tablename__ = "shelf_total"
    __table_args__ = (
        Index("ix_shelf_total_merchant", "narrowed", "by", "n", postgresql_where=text("facet = 'merchant'")),
    )

    narrowed: Mapped[str] = mapped_column(String(12), primary_key=True)
    by: Mapped[str] = mapped_column(String(40), primary_key=True)
    facet: Mapped[str] = mapped_column(String(12), primary_key=True)
    value: Mapped[str] = mapped_column(String(40), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class PriceLevel(Base):
    """Prices of a category from the lowest to the highest in equal steps, by which a price finds its place."""

    __tablename__ = "price_level"

    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    measured_at: Mapped[datetime]
    steps: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))


class SearchStep(Base):
    """In which portions of quality a search looks for what matches, best first: `tags` finds at least the qualities
    from `most` to `least`. Each family covers every quality once; it sets the pace of a search, never what is found.
    """

    __tablename__ = "search_step"
    __table_args__ = (CheckConstraint("least <= most", name="in_order"),)

    family: Mapped[str] = mapped_column(String(8), primary_key=True)
    step: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    most: Mapped[int] = mapped_column(SmallInteger)
    least: Mapped[int] = mapped_column(SmallInteger)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))


class DeliveryRecord(Base):
    """Of the last 90 days' orders of a listing, how many were due and how many of those came in time."""

    __tablename__ = "delivery_record"
    __table_args__ = (CheckConstraint("0 <= in_time AND in_time <= due", name="in_time_within_due"),)

    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    due: Mapped[int]
    in_time: Mapped[int]


class Exposure(Base):
    """How many cards of a merchant were shown in a category on a Beijing day."""

    __tablename__ = "exposure"
    __table_args__ = (CheckConstraint("shown > 0", name="shown_positive"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    shown: Mapped[int] = mapped_column(BigInteger)
