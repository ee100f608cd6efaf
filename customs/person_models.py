"""Tables about persons beside their allowance: the key that finds them again, and the weights of capped goods."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.database import Base, Quantity
from customs.sealing import SEALED


class IdentityHashKey(Base):
    """The one key of the hashes of identity numbers, itself sealed: it stays when the sealing key is changed."""

    __tablename__ = "identity_hash_key"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(info=SEALED)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)


class WeightCapYear(Base):
    """The kilograms of a group of capped goods that a person has reserved and used in a Beijing year (rule A24)."""

    __tablename__ = "weight_cap_year"
    __table_args__ = (
        CheckConstraint("reserved_kg >= 0", name="reserved_not_negative"),
        CheckConstraint("used_kg >= 0", name="used_not_negative"),
        CheckConstraint("reserved_kg + used_kg <= cap_kg", name="within_cap"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    cap_group: Mapped[str] = mapped_column(String(80), primary_key=True)
    cap_kg: Mapped[Decimal] = mapped_column(Quantity)
    reserved_kg: Mapped[Decimal] = mapped_column(Quantity)
    used_kg: Mapped[Decimal] = mapped_column(Quantity)
