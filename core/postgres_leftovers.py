"""What a crash leaves of a PostgreSQL server, cleared away so that the next one can start.

PostgreSQL takes its lock file for stale only when no process has the number in it. Two things break that after a
SIGKILL: a killed server whose parent is gone too can stay a zombie for ever (in a container whose first process reaps
nobody), and its number can be given to somebody else. So the number is looked at more closely here: it counts only for
a living process that works in the data folder.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from core.postgres_cluster import Cluster, PostgresError

_PATIENCE = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def clear_stale_locks(cluster: Cluster) -> None:
    """Wait for what is left of an earlier server to end, then drop its lock files.

    Only for the holder of the cluster's server lock: a server found here has lost its owner. It is asked to stop,
    harder each time; a crash recovery at the next start is safe at any point. Raises PostgresError when it stays.
    """
    for number, seconds in _PATIENCE:
        if _all_gone(cluster, seconds=1.0):
            break
        _send(list(_processes(cluster)), number, cluster.postmaster_pid())
        if _all_gone(cluster, seconds):
            break
    else:
        raise PostgresError(f"an earlier PostgreSQL still uses {cluster.data} (process {cluster.postmaster_pid()})")
    for lock in (cluster.data / "postmaster.pid", cluster.socket / ".s.PGSQL.5432.lock"):
        lock.unlink(missing_ok=True)


def _all_gone(cluster: Cluster, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_processes(cluster)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _processes(cluster: Cluster) -> Iterator[psutil.Process]:
    """Every living server process of this cluster: each of them works in the data folder. Zombies work nowhere."""
    data = os.path.realpath(cluster.data)
    for process in psutil.process_iter(["cwd", "name"]):
        if process.info["name"] == "postgres" and process.info["cwd"] == data:
            yield process


def _send(processes: list[psutil.Process], number: signal.Signals, postmaster: int | None) -> None:
    """A server stops its own backends; backends are signalled only when it is gone, or when nothing else helped."""
    heads = [process for process in processes if process.pid == postmaster]
    for process in processes if number == signal.SIGKILL or not heads else heads:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
