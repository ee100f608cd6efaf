"""Merchants as customs' documents name them: whose code and whose name."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.models import Merchant
from customs.parties_check import Seller


def sellers(session: Session) -> Iterator[Seller]:
    """Those admitted, by name; a foreign one stands under the name of its domestic agent."""
    for row in session.scalars(
        select(Merchant).where(Merchant.status == "approved").order_by(Merchant.registered_name)
    ):
        agent = row.domestic_agent or {}
        foreign = row.uscc is None
        name = agent.get("name", "") if foreign else row.registered_name
        yield Seller(row.registered_name, row.customs_code or None, name, foreign, agent.get("uscc"))
