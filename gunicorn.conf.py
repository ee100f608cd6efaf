"""gunicorn: each value with its reason."""

import os
import shutil
from pathlib import Path
from typing import Any

_var = Path(os.environ.get("LANDFALL_VAR", "var")).absolute()

# Nothing leaves the machine unless somebody says so: HOST=0.0.0.0 opens it to others, a proxy with TLS in front.
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"

# Two processes use two cores; threads wait for the database and for other people's servers. 2 x 8 requests at once, and
# a pool of at most 10 connections a process, stay far below PostgreSQL's 100 connections.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 8

# Longer than the longest thing a request may wait for (17 s for an outbound call with its retry), so that only a hung
# worker is killed.
timeout = 30
# A deploy or a stop waits this long for running requests; the supervisor waits longer (20 s) before it kills.
graceful_timeout = 15
# Longer than the 2 s default, so that a browser or a proxy in front keeps its connection between clicks.
keepalive = 15

# One import for all workers: the law is loaded once and shared by copy-on-write, a dead worker is replaced in
# milliseconds, and a setting that forbids the start ends the master at once with its reason instead of a restart loop.
preload_app = True

# No recycling: no leak is known, and the end of a worker resets the idle connections of its clients.
max_requests = 0

# Longer than any line or header this API needs, shorter than an attack likes.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108

# gunicorn's own access log would write query strings; the application logs each request without them.
accesslog = None
errorlog = "-"

# A second way to command the server, with a socket in the home folder: nobody uses it here.
control_socket_disable = True

# Counters of all workers together: each writes its own files there, /metrics adds them up. They start at zero with the
# server (before it loads the application, which opens them), not at a reload.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    _metrics = _var / "run" / "metrics"
    shutil.rmtree(_metrics, ignore_errors=True)
    _metrics.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)


def post_fork(server: Any, worker: Any) -> None:
    """A connection opened before the fork belongs to the master: two processes must not talk on one."""
    from core.database import db

    application = worker.app.wsgi()
    if "sqlalchemy" in application.extensions:  # the benchmark's bare application has its own pool
        with application.app_context():
            db.engine.dispose(close=False)


def child_exit(server: Any, worker: Any) -> None:
    """The gauges of a worker that has gone no longer count; its counters do."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
