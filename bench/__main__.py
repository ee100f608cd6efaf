"""`make bench`: every figure beside its baseline, taken in alternating turns of the same run.

Absolute times on a shared machine are noise, so what counts is the ratio, median of several pairs. Both sides run under
the gunicorn settings of the house, on one embedded PostgreSQL, and are asked by the same load from one process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask import Flask

from bench import bare, catalog, duty, files, imports, receipts, tariff, window
from bench.load import CONNECTIONS, Ask, rate
from core.embedded_postgres import create_database, serving

ROOT = Path(__file__).parents[1]
PARTS = ("http", "duty", "catalog", "checkout", "imports", "window", "receipts")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(target: str, environment: dict[str, str]) -> Iterator[int]:
    """A gunicorn of the house's settings serving `target`; the port it listens on."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--log-level", "error", target]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment, "PORT": str(port)})
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def working(environment: dict[str, str]) -> Iterator[None]:
    """A worker beside the web."""
    command, quiet = [sys.executable, "-m", "bench.worker"], subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def pairs(
    ours: tuple[int, Ask], base: tuple[int, Ask], turns: int, seconds: float, connections: int = CONNECTIONS
) -> tuple[float, float, float]:
    """Median rate of ours, of the baseline, and of their ratio over alternating turns."""
    rate(*ours, 0.5, connections), rate(*base, 0.5, connections)
    results = [(rate(*ours, seconds, connections), rate(*base, seconds, connections)) for _ in range(turns)]
    mine, theirs = zip(*results, strict=True)
    return statistics.median(mine), statistics.median(theirs), statistics.median(a / b for a, b in results)


def line(name: str, ours: float, base: float, ratio: float, what: str, target: float | None) -> None:
    verdict = "" if target is None else f"  target {target}: {'met' if ratio >= target else 'missed'}"
    print(f"{name:<32}{ours:>10,.0f} answers/s {base:>12,.0f} {what:<24} ratio {ratio:5.2f}{verdict}", flush=True)


def show(title: str, figures: Iterable[duty.Figure]) -> None:
    print(title, flush=True)
    for figure in figures:
        base = f"{figure['baseline']:,.5g} (ratio {figure['ratio']:.2f})" if figure.get("baseline") else ""
        target = figure.get("target")
        verdict = f"  target {target}: {'met' if figure['ratio'] >= target else 'missed'}" if target else ""
        print(f"{figure['name']:<66}{figure['value']:>14,.5g} {figure['unit']:<10} {base}{verdict}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--turns", type=int, default=7, help="alternating pairs for each figure")
    options.add_argument("--seconds", type=float, default=1.5, help="length of one turn")
    options.add_argument("--only", choices=PARTS, help="a part")
    options.add_argument("--rows", type=int, default=10_000, help="listings on the shelf")
    options.add_argument("--orders", type=int, default=0, help="place again with so many orders in the database")
    chosen = options.parse_args()
    if chosen.only in (None, "duty"):
        show("duty engine", (*duty.run(), *tariff.run(), *files.run()))
    if chosen.only in (None, "receipts"):
        show("\nreceipts of customs", receipts.run())
    if chosen.only in (None, "window"):
        show("\nsingle window", window.run())
    if chosen.only in (None, "imports"):
        show("\nlistings by file", imports.run())
    if chosen.only in (None, "http", "catalog", "checkout"):
        _http(chosen)


@dataclass(frozen=True, slots=True)
class Web:
    """The house and the bare application, each with its port, on one database."""

    port: int
    base: int
    app: Flask
    environment: dict[str, str]
    superuser: str
    turns: int
    seconds: float

    def compare(self, figures: Iterable[catalog.Figure], connections: int = CONNECTIONS) -> dict[str, float]:
        """Print each figure beside its baseline; returns the ratios."""
        ratios = {}
        for name, ask, baseline, what, target in figures:
            turns = (self.turns, self.seconds, connections)
            ours, theirs, ratios[name] = pairs((self.port, ask), (self.base, baseline), *turns)
            line(name, ours, theirs, ratios[name], what, target)
        return ratios


def _http(chosen: argparse.Namespace) -> None:
    from bench import house

    with _web(chosen) as web:
        print(f"\nweb, {web.turns} alternating pairs of {web.seconds} s, {chosen.rows:,} listings", flush=True)
        if chosen.only != "checkout":
            print(f"{CONNECTIONS} connections", flush=True)
            web.compare(house.figures(web.app, chosen.rows))
        if chosen.only != "catalog":
            _checkout(web, chosen.orders)


@contextlib.contextmanager
def _web(chosen: argparse.Namespace) -> Iterator[Web]:
    from bench import house

    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        var = Path(folder)
        var.chmod(0o711)
        with serving(var) as cluster:
            create_database(cluster, "bench")
            superuser = cluster.conninfo("bench")
            environment = house.environment(cluster.url("bench"), var)
            app = house.prepare(environment, superuser, chosen.rows)
            with psycopg.connect(superuser) as connection:
                connection.execute(bare.SCHEMA % bare.ROWS)
                connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC")
            with served("bench.house:served()", environment) as port, served("bench.bare:app", environment) as base:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                yield Web(port, base, app, environment, superuser, chosen.turns, chosen.seconds)


def _checkout(web: Web, orders: int) -> None:
    from bench import checkout, shop, steps

    subject = shop.prepare(web.app, web.environment["STRIPE_WEBHOOK_SECRET"])
    print(f"{checkout.CONNECTIONS} connections", flush=True)
    # First of all: the reconciler would look after the orders that other figures leave unpaid.
    with working(web.environment):
        for shelf in subject.shelves:
            taken = [checkout.whole(web.port, subject, web.superuser, shelf, web.seconds) for _ in range(web.turns + 1)]
            paid, waited = (statistics.median(column) for column in zip(*taken[1:], strict=True))
            verdict = f"target {checkout.WHOLE:.0f}: {'met' if paid >= checkout.WHOLE else 'missed'}"
            print(
                f"whole checkout, {shelf:<16}{paid:>10,.0f} paid/s, the last {waited:.1f} s after its notice  {verdict}"
            )
    empty = web.compare(checkout.figures(subject), checkout.CONNECTIONS)
    for shelf in subject.shelves:
        print(f"statements of a {shelf} checkout of 3 lines")
        for name, count in steps.steps(subject, shelf):
            print(f"  {name:<30}{count.statements:>4} statements {count.commits:>3} commits")
    if orders:
        checkout.fill(subject, web.superuser, orders)
        print(f"with {orders:,} orders in the database", flush=True)
        for name, ratio in web.compare(checkout.orders(subject), checkout.CONNECTIONS).items():
            share = ratio / empty[name]
            verdict = f"target {checkout.FULL}: {'met' if share >= checkout.FULL else 'missed'}"
            print(f"{name}: {share:.2f} of the rate of the empty database  {verdict}", flush=True)


if __name__ == "__main__":
    main()
