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
from pathlib import Path

import psycopg

from bench import bare, duty, files, imports, tariff
from bench.load import Ask, rate
from core.embedded_postgres import create_database, serving

ROOT = Path(__file__).parents[1]


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


def pairs(ours: tuple[int, Ask], base: tuple[int, Ask], turns: int, seconds: float) -> tuple[float, float, float]:
    """Median rate of ours, of the baseline, and of their ratio over alternating turns."""
    rate(*ours, 0.5), rate(*base, 0.5)
    results = [(rate(*ours, seconds), rate(*base, seconds)) for _ in range(turns)]
    mine, theirs = zip(*results, strict=True)
    return statistics.median(mine), statistics.median(theirs), statistics.median(a / b for a, b in results)


def line(name: str, ours: float, base: float, ratio: float, what: str, target: float | None) -> None:
    verdict = "" if target is None else f"  target {target}: {'met' if ratio >= target else 'missed'}"
    print(f"{name:<32}{ours:>10,.0f} answers/s {base:>12,.0f} {what:<24} ratio {ratio:5.2f}{verdict}", flush=True)


def show(title: str, figures: Iterable[duty.Figure]) -> None:
    print(title, flush=True)
    for figure in figures:
        base = f"{figure['baseline']:,.5g} (ratio {figure['ratio']:.2f})" if figure.get("baseline") else ""
        print(f"{figure['name']:<66}{figure['value']:>14,.5g} {figure['unit']:<10} {base}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--turns", type=int, default=7, help="alternating pairs for each figure")
    options.add_argument("--seconds", type=float, default=1.5, help="length of one turn")
    options.add_argument("--only", choices=("http", "duty", "catalog", "imports"), help="a part of it")
    options.add_argument("--rows", type=int, default=10_000, help="listings on the shelf")
    chosen = options.parse_args()
    if chosen.only in (None, "duty"):
        show("duty engine", (*duty.run(), *tariff.run(), *files.run()))
    if chosen.only in (None, "imports"):
        show("\nlistings by file", imports.run())
    if chosen.only in (None, "http", "catalog"):
        _http(chosen.turns, chosen.seconds, chosen.rows, shelf_only=chosen.only == "catalog")


def _http(turns: int, seconds: float, rows: int, *, shelf_only: bool) -> None:
    from bench import house

    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        var = Path(folder)
        var.chmod(0o711)
        with serving(var) as cluster:
            create_database(cluster, "bench")
            url = cluster.url("bench")
            environment = house.environment(url, var)
            app = house.prepare(environment, cluster.conninfo("bench"), rows)
            with psycopg.connect(cluster.conninfo("bench")) as connection:
                connection.execute(bare.SCHEMA % bare.ROWS)
                connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC")
            with served("bench.house:served()", environment) as port, served("bench.bare:app", environment) as base:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                print(f"\nweb, {turns} alternating pairs of {seconds} s, 8 connections, {rows:,} listings", flush=True)
                for name, ask, baseline, what, target in house.figures(app, rows, shelf_only=shelf_only):
                    ours, theirs, ratio = pairs((port, ask), (base, baseline), turns, seconds)
                    line(name, ours, theirs, ratio, what, target)


if __name__ == "__main__":
    main()
