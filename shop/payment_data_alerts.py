"""Payment data that customs asked for and did not get: one incident for each reason, however many orders there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customs.payment_data import telling
from shop import incidents


def on_dead(session: Session, reason: str, facts: dict[str, Any]) -> None:
    """The first upload of a reason opens it; the others stand on the desk's page of payment data."""
    incidents.record(session, "payment_data_dead", "payment_data", reason, **facts)


telling.subscribe(on_dead)
