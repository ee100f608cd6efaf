"""What machines look at: sendings by how they ended, dead letters by reason, files between us and the client."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.database import end_read
from customs import sending
from customs.dead_letters import attempts
from customs.dead_letters.rules import REASONS
from customs.window.dxp import inbox


class WindowCollector(Collector):
    """Read from the database at each scrape: the worker that sends serves no metrics of its own."""

    def collect(self) -> Iterator[Metric]:
        """Counters and gauges; a folder that cannot be read has none."""
        labels = ("transport", "kind", "outcome")
        sendings = CounterMetricFamily("landfall_window_sendings", "Sendings to the window by outcome", labels=labels)
        for transport, kind, outcome, number in attempts.counts():
            sendings.add_metric((transport, kind, outcome), number)
        yield sendings
        dead = GaugeMetricFamily("landfall_window_dead_letters", "Documents sending has given up", labels=("reason",))
        found = attempts.dead()
        for reason in REASONS:
            dead.add_metric((reason,), found.get(reason, 0))
        yield dead
        end_read()
        yield from _files()


def _files() -> Iterator[Metric]:
    folder = sending.drop_folder()
    if folder is None:
        return
    files = GaugeMetricFamily("landfall_window_files", "Files of the transfer client by folder", labels=("folder",))
    try:
        counts = inbox.counts(folder)
    except OSError:
        counts = {}
    for name, number in counts.items():
        files.add_metric((name,), number)
    yield files
