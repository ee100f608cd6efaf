"""What a payment brings, gathered and written by one statement: timeline, notices, audit and what else is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.database import run, write_with
from core.prepared import Statement
from shop.models import OrderEvent, table
from shop.notification_models import Notice


@dataclass(slots=True)
class News:
    """Prepared rows, and statements with a RETURNING about rows that nothing else here touches."""

    events: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    audits: list[dict[str, Any]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def write(self, session: Session) -> None:
        """Everything gathered so far, in the caller's transaction; a second time there is nothing left."""
        rows = {table(OrderEvent): self.events, table(Notice): self.notices, audit.ENTRIES: self.audits}
        if any(rows.values()):
            write_with(session, rows, self.statements)
        else:
            for statement in self.statements:
                run(session, *statement)
        for gathered in (self.events, self.notices, self.audits, self.statements):
            gathered.clear()
