"""Who is shown how often: counted in memory as pages go out, written down in batches, never in a request's path.

The order of the shelf knows no merchant (`ranking`); this is how an operator sees that it holds. Counts are of cards on
pages, by Beijing day, category and merchant. A process that is killed loses what it has not
written, ten seconds' worth.
"""

# ruff: noqa: S608 - put together from constant texts; values travel as parameters

from __future__ import annotations

import atexit
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import text

from catalog import categories
from core import clock, config
from core.database import db, transaction
from core.errors import invalid

log = structlog.get_logger()

WRITTEN_EVERY_SECONDS = 10.0
DAYS_MOST = 366
LARGEST = 10

_Key = tuple[date, str, str]


class _Tally:
    """What this process has shown and not yet written."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shown: Counter[_Key] = Counter()
        self.writer: threading.Thread | None = None

    def add(self, keys: Iterable[_Key]) -> None:
        with self.lock:
            self.shown.update(keys)

    def take(self) -> Counter[_Key]:
        with self.lock:
            taken, self.shown = self.shown, Counter()
        return taken


_tally = _Tally()


def note(rows: Iterable[Any]) -> None:
    """Cards that go out on a page; each row names its `merchant` and `category`."""
    day = clock.today()
    _tally.add([(day, row.category, row.merchant) for row in rows])
    writer = _tally.writer
    if (writer is None or not writer.is_alive()) and not config.current().testing:
        _start_writing(current_app._get_current_object())  # type: ignore[attr-defined]


def _start_writing(app: Flask) -> None:
    """In each process, at its first page: a thread does not survive the fork."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(WRITTEN_EVERY_SECONDS):
            _write(app)

    with _tally.lock:
        if _tally.writer is not None and _tally.writer.is_alive():
            return
        _tally.writer = threading.Thread(target=work, name="exposure", daemon=True)
        _tally.writer.start()

    def end() -> None:
        stopped.set()
        _write(app)

    atexit.register(end)


def _write(app: Flask) -> None:
    try:
        with app.app_context():
            write()
    except Exception as fault:  # counts are worth less than the pages they count
        log.warning("exposure_lost", error=type(fault).__name__)


_ADD = text(
    """
    INSERT INTO exposure (day, category, merchant_id, shown)
    SELECT * FROM unnest(CAST(:days AS date[]), CAST(:categories AS text[]), CAST(:merchants AS uuid[]),
                         CAST(:shown AS bigint[]))
    ON CONFLICT (day, category, merchant_id) DO UPDATE SET shown = exposure.shown + excluded.shown
    """
)


def write() -> None:
    """Write down what this process has shown since the last time, in the order of the key: no two wait in a ring."""
    taken = sorted(_tally.take().items())
    if taken:
        days, shelves, merchants = zip(*(key for key, _ in taken), strict=True)
        shown = [number for _, number in taken]
        with transaction() as session:
            values = {"days": list(days), "categories": list(shelves), "merchants": list(merchants), "shown": shown}
            session.execute(_ADD, values)


_REPORT = text(
    f"""
    WITH seen AS (
        SELECT category, merchant_id, sum(shown) AS n FROM exposure WHERE day BETWEEN :first AND :last GROUP BY 1, 2
    ), stocked AS (
        SELECT category, merchant_id, sum(n) AS n FROM (
            SELECT category, merchant_id, n FROM shelf_count UNION ALL
            SELECT category, merchant_id, delta FROM shelf_change) AS told GROUP BY 1, 2 HAVING sum(n) > 0
    ), share AS (
        SELECT category, merchant_id, coalesce(seen.n, 0) AS shown, coalesce(stocked.n, 0) AS listed,
            coalesce(seen.n / nullif(sum(seen.n) OVER of_category, 0), 0) AS of_shown,
            coalesce(stocked.n / nullif(sum(stocked.n) OVER of_category, 0), 0) AS of_listed,
            row_number() OVER (PARTITION BY category ORDER BY seen.n DESC NULLS LAST, merchant_id) AS place
        FROM seen FULL JOIN stocked USING (category, merchant_id) WINDOW of_category AS (PARTITION BY category)
    ), whole AS (
        SELECT category, sum(shown) AS shown, count(*) FILTER (WHERE shown > 0) AS merchants,
            round(sum(of_shown * of_shown) * 10000) AS hhi, round(sum(of_listed * of_listed) * 10000) AS hhi_listed
        FROM share GROUP BY category HAVING sum(shown) > 0
    )
    SELECT whole.*, share.merchant_id, merchant.registered_name AS name, share.shown AS own,
        round(share.of_shown * 100, 2) AS of_shown, round(share.of_listed * 100, 2) AS of_listed
    FROM whole JOIN share USING (category) JOIN merchant ON merchant.id = share.merchant_id
    WHERE share.place <= {LARGEST} AND share.shown > 0 ORDER BY whole.shown DESC, category, share.place
    """
)


def period(first: date | None, last: date | None) -> tuple[date, date]:
    """The days asked for; by default the last 30, today included."""
    last = last or clock.today()
    return first or last - timedelta(days=29), last


def report(first: date, last: date) -> dict[str, Any]:
    """Exposure by merchant and its concentration in each category, from `first` to `last` (both inclusive).

    `hhi` is the Herfindahl-Hirschman index of the shares, 0 to 10,000; `hhi_listed` is that of the listings on sale.
    Where the first is far above the second, the order of the shelf favours somebody. Raises Problem `invalid_input`.
    """
    if not first <= last:
        raise invalid("from", "must not be after to")
    if (last - first).days >= DAYS_MOST:
        raise invalid("from", f"must lie within {DAYS_MOST} days of to")
    rows = db.session.execute(_REPORT, {"first": first, "last": last}).all()
    return {"from": first.isoformat(), "to": last.isoformat(), "categories": list(_by_category(rows))}


def _by_category(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    told: dict[str, Any] | None = None
    for row in rows:
        if told is None or told["category"] != row.category:
            if told is not None:
                yield told
            names = categories.find(row.category)
            told = {
                "category": row.category,
                "name": {"zh": names.zh, "en": names.en},
                "shown": int(row.shown),
                "merchants": row.merchants,
                "hhi": int(row.hhi),
                "hhi_listed": int(row.hhi_listed),
                "largest": [],
            }
        told["largest"].append(
            {
                "merchant": {"id": str(row.merchant_id), "name": row.name},
                "shown": int(row.own),
                "share": str(row.of_shown),
                "share_listed": str(row.of_listed),
            }
        )
    if told is not None:
        yield told
