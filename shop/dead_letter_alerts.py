"""Dead letters wait for a person: one incident for each reason, however many documents an outage leaves behind."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from customs.dead_letters import telling
from shop import incidents


def on_death(session: Session, reason: str, facts: dict[str, Any]) -> None:
    """The first document of a reason opens it; the others stand on the page of dead letters."""
    known = {"message" if name == "kind" else name: value for name, value in facts.items()}  # an incident has its own
    incidents.record(session, "dead_letters", "window", reason, **known)


telling.subscribe(on_death)
