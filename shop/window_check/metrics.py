"""What machines look at: findings by kind, when the check last ended, and guarantees."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from core.database import db, end_read
from customs.money_models import Guarantee
from shop.window_check import findings
from shop.window_check.kinds import KINDS
from shop.window_models import WindowCheck


class CheckCollector(Collector):
    """Read from the database at each scrape."""

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("landfall_window_findings", "Findings that are open", labels=("kind",))
        counts = findings.open_by_kind()
        for kind in KINDS:
            found.add_metric((kind,), counts.get(kind, 0))
        yield found
        ended = db.session.scalar(select(func.max(WindowCheck.finished_at)))
        last = GaugeMetricFamily("landfall_window_check_ended", "When the last check ended, in seconds since 1970")
        last.add_metric((), 0 if ended is None else int(ended.timestamp()))
        yield last
        yield from _guarantees()
        end_read()


def _guarantees() -> Iterator[Metric]:
    labels = ("office", "guarantor")
    lodged = GaugeMetricFamily("landfall_guarantee_fen", "Guarantees as lodged, in fen", labels=labels)
    used = GaugeMetricFamily("landfall_guarantee_in_use_fen", "Guarantees in use, in fen", labels=labels)
    for row in db.session.scalars(select(Guarantee).order_by(Guarantee.office, Guarantee.code)):
        lodged.add_metric((row.office, row.code), row.amount_fen)
        used.add_metric((row.office, row.code), row.in_use_fen)
    yield lodged
    yield used
