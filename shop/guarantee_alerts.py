"""A guarantee that runs out waits for a person: one incident for each, however many lists it holds up."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.money import fen_text
from customs.guarantee import reserve
from customs.guarantee.reserve import Alert
from shop import incidents


def on_alert(session: Session, alert: Alert) -> None:
    """`guarantee_low` above its threshold, `guarantee_exhausted` when a list found no room."""
    facts = {"office": alert.office, "guarantor": alert.name}
    facts |= {"in_use": fen_text(alert.in_use_fen), "amount": fen_text(alert.amount_fen)}
    incidents.record(session, f"guarantee_{alert.kind}", "guarantee", alert.guarantee_id, **facts)


reserve.subscribe(on_alert)
