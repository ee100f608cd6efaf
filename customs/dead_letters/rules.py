"""When sending gives a document up.

Repeating forever would hide a fault behind traffic, giving up early would make work of every outage. So a document is
given up when it has been tried both long and often: a machine that was off for a week tries first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from customs.declarations import LIST, RETURN, WITHDRAWAL

UNREACHABLE, SILENT, REFUSED = "unreachable", "silent", "refused"
REASONS = (UNREACHABLE, SILENT, REFUSED)

UNANSWERED = ("filed", "stored", "declaring", "sent", "send_failed", "pending")
AT_CUSTOMS = ("received", "manual_check", "inspection", "detained", "concluded", "released", "closed")
# Received is the last word on a paper; on a request it is not: customs still decides.
REQUESTS = (WITHDRAWAL, RETURN, "711")


class Limit(NamedTuple):
    """Given up when nothing has been heard for `after` and it was tried `tries` times in that time."""

    after: timedelta
    tries: int


# Keyed by what is waited for: that the window takes it, that customs answers, that what customs holds comes to its end.
# The last is longer than inspection, closing and the tax bill's 45 days together.
TAKING, ANSWERING, ENDING = "taking", "answering", "ending"
LIMITS: Mapping[str, Limit] = {
    TAKING: Limit(timedelta(hours=24), 10),
    ANSWERING: Limit(timedelta(hours=72), 10),
    ENDING: Limit(timedelta(days=90), 10),
}


def waited_for(kind: str, status: str) -> str | None:
    """What a document in this state waits for, or None when nothing more is expected."""
    if status == "ready":
        return TAKING
    if status in UNANSWERED:
        return ANSWERING
    held = (kind == LIST and status in AT_CUSTOMS) or (kind in REQUESTS and status == "received")
    return ENDING if held else None


def wait_seconds(kind: str, status: str, attempts: int) -> int | None:
    """How long until a document is sent again, or None when nothing more is expected.

    Unsent ones soon; unanswered ones from 10 seconds doubling to 10 minutes; a list that customs holds and a request it
    decides on from a minute doubling to a day, since any receipt can be lost and repeating is how one asks for it.
    """
    first, most = {TAKING: (1, 30), ANSWERING: (5, 600), ENDING: (30, 86400)}.get(
        waited_for(kind, status) or "", (0, 0)
    )
    return min(first * 2 ** min(max(attempts, 1), 20), most) if most else None


def given_up(kind: str, status: str, attempts: int, heard_at: datetime, now: datetime) -> str | None:
    """Why the document is given up now, or None: it is tried again. `heard_at` is the last sign of life."""
    waiting = waited_for(kind, status)
    if waiting is None:
        return None
    limit = LIMITS[waiting]
    if now - heard_at < limit.after or attempts < limit.tries:
        return None
    return UNREACHABLE if waiting == TAKING else SILENT
