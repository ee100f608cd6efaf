"""A worker process that brings one file in and may be killed on the way: `python -m tests.catalog.imports.worker`.

Arguments: the import, the number of the chunk to die in (0: none), and when: `before` its commit or `after` it.
Prints the most MiB it held beyond what it began with.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from catalog.imports import job
from core.database import db

ROOT = Path(__file__).parents[3]


def start(settings: Any, key: uuid.UUID, die_in: int = 0, when: str = "before") -> subprocess.CompletedProcess[str]:
    """Run it; a process that was killed has a negative return code."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "LANDFALL_VAR": str(settings.var),
        "SECRET_KEY": settings.secret_key,
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_SECRET_KEY": "sk_test_of_the_tests",
        "STRIPE_WEBHOOK_SECRET": "whsec_of_the_tests",
        "SINGLE_WINDOW_URL": "http://127.0.0.1:9/cebcmsg",
        "SINGLE_WINDOW_RECEIPT_TOKEN": "receipt-token-of-the-tests",
    }
    command = [sys.executable, "-m", "tests.catalog.imports.worker", str(key), str(die_in), when]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def _held(what: str) -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[what].split()[0]) // 1024


def _die_in(chunk: int, when: str) -> None:
    """Let the process be killed as the kernel kills it, in the middle of a chunk."""
    written = 0
    real = job._write_once if when == "before" else db.session.expunge_all

    def fatal(*args: Any) -> Any:
        nonlocal written
        written += 1
        answer = real(*args)
        if written == chunk:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    if when == "before":
        job._write_once = fatal
    else:
        db.session.expunge_all = fatal  # type: ignore[method-assign]


if __name__ == "__main__":
    from shop.app import create_app

    job.CHUNK = int(os.environ.get("IMPORT_CHUNK", job.CHUNK))
    with create_app().app_context():
        before = _held("VmRSS")
        if sys.argv[2] != "0":
            _die_in(int(sys.argv[2]), sys.argv[3])
        job.run(sys.argv[1])
        print(_held("VmHWM") - before, _held("VmHWM"))
