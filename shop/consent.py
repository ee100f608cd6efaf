"""The consumer notice: what a buyer is told before a retail order, and the record that it was accepted.

Texts are dated and versioned (`consumer_notice.toml`). A quote carries the version of its day; placing it accepts that
version, and the order keeps its number, the hash of its words, when and how. A quote that lives past the day on which
a new version begins is honoured with the one it has shown.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core import clock
from core.errors import Problem, declare
from core.periods import Period

NOTICE_WRONG = declare("notice_version", 422, "Another version of the consumer notice must be accepted")

# How it was accepted: with the quote that carried it, with items at once, by naming the version, in the page's box.
QUOTE, ITEMS, EXPLICIT, PAGE = "quote", "items", "explicit", "page"


@dataclass(frozen=True, slots=True)
class Notice:
    """One version; `digest` is the sha256 of its words in both languages."""

    version: str
    period: Period
    text: Mapping[str, str]
    digest: str

    def dump(self) -> dict[str, Any]:
        return {"version": self.version, "text": dict(self.text)}


def on(day: date) -> Notice:
    """The notice in force. Raises LookupError naming day and file when there is none."""
    for notice in _notices().values():
        if day in notice.period:
            return notice
    raise LookupError(f"no notice in consumer_notice.toml covers {day}")


def version(name: str) -> Notice | None:
    """A version by its name, today's or a past one."""
    return _notices().get(name)


def check(given: str | None, shown: str | None, on_page: bool = False) -> None:
    """What is named must be what was shown, or, where nothing was, today's; the page's box must be ticked.

    Raises Problem `notice_version`.
    """
    wanted = shown or on(clock.today()).version
    unticked = on_page and shown is not None and given is None
    if unticked or given not in (None, wanted):
        told = {"consent.version": [f"must be {wanted}"]}
        raise Problem(NOTICE_WRONG, f"the notice of this order is version {wanted}", errors=told, version=wanted)


def record(shown: str | None, at: datetime, how: str) -> dict[str, Any]:
    """The columns of an order that tell what was accepted; all empty for an order without a notice."""
    notice = None if shown is None else version(shown)
    return {
        "notice_version": notice.version if notice else None,
        "notice_digest": notice.digest if notice else None,
        "notice_accepted_at": at if notice else None,
        "notice_how": how if notice else None,
    }


def told(order: Any) -> dict[str, Any] | None:
    """What an order says of the notice that was accepted with it."""
    if order.notice_version is None:
        return None
    at = clock.instant_text(order.notice_accepted_at)
    return {
        "version": order.notice_version,
        "digest": order.notice_digest,
        "accepted_at": at,
        "how": order.notice_how,
    }


def text_of(order: Any) -> dict[str, str] | None:
    """The words that were accepted, as long as the file still holds them unchanged."""
    notice = version(order.notice_version) if order.notice_version else None
    return dict(notice.text) if notice and notice.digest == order.notice_digest else None


@functools.cache
def _notices() -> dict[str, Notice]:
    raw = tomllib.loads((Path(__file__).parent / "consumer_notice.toml").read_text("utf-8"))
    return {row["version"]: _read(row) for row in raw["notice"]}


def _read(row: dict[str, Any]) -> Notice:
    text = {language: row[language].strip() for language in ("zh", "en")}
    digest = hashlib.sha256("\0".join(text.values()).encode()).hexdigest()
    return Notice(row["version"], Period(row["first_day"], row["last_day"]), text, digest)
