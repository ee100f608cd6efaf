"""Declarations whose documents the window does not take, refuses, or never answers."""

import uuid
from datetime import timedelta
from typing import Any

from core import clock
from core.config import ClockSetting
from core.database import db, transaction
from customs import declarations, filing, receipts
from customs.dead_letters import attempts, views
from customs.dead_letters.views import Filter
from tests.customs.desk import builders
from tests.customs.desk.window import FakeWindow

HOUR = 3600


def opened(number: str = "LF2611230001") -> uuid.UUID:
    request = builders.filing(*builders.buyer(), number=number)
    with transaction() as session:
        return declarations.open_retail(session, request)


def later(seconds: int) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(seconds=seconds)))


def rounds(number: int, seconds: int) -> None:
    """So many rounds of the resending job, so many seconds apart."""
    for _ in range(number):
        later(seconds)
        filing.resend()


def letters(**wanted: Any) -> list[dict[str, Any]]:
    found = views.listing(Filter(**wanted), 100)
    db.session.rollback()
    return found


def take(*messages: bytes) -> None:
    for each in messages:
        receipts.store(each)
    receipts.apply_receipts()


def outcomes(document_id: uuid.UUID) -> list[str]:
    found = [each.outcome for each in attempts.of_document(document_id)]
    db.session.rollback()
    return found


def silent_paper(window: FakeWindow) -> uuid.UUID:
    """A declaration whose papers the window took and customs never answered, given up."""
    found = opened()
    filing.file(str(found))
    rounds(14, 6 * HOUR)
    return found
