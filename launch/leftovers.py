"""Processes of an earlier run that was killed: found by a mark in their environment, and stopped.

They are told to stop when their supervisor dies, and usually have gone by now. The database carries no mark; its next
start waits for the old one by itself (core.postgres_leftovers).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from launch.settings import MARK


def find(var: Path) -> list[psutil.Process]:
    """Living processes of earlier runs on this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get(MARK) == str(var) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if ours and process.pid != os.getpid():
            found.append(process)
    return found


def stop(var: Path, patience: float = 30.0) -> int:
    """End them, kindly first. How many there were."""
    processes = find(var)
    for process in processes:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        _signal(process, "kill")
    psutil.wait_procs(stubborn, timeout=10)
    return len(processes)


def _signal(process: psutil.Process, how: str) -> None:
    with suppress(psutil.NoSuchProcess):
        getattr(process, how)()
