"""What operators and machines look at: is the process up, is it ready, what does it count."""

from __future__ import annotations

import os

from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.exc import SQLAlchemyError

from core import jobs
from core.database import db
from core.web import public
from customs import edition
from customs.dead_letters.metrics import WindowCollector
from shop.window_check.metrics import CheckCollector


def database_fault() -> str | None:
    """Why the database cannot serve, or None."""
    try:
        with db.engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as fault:
        return f"DATABASE_URL: the database cannot be reached ({type(fault).__name__})"
    expected = _head()
    if present != expected:
        return f"the database is at migration {present}, the code needs {expected}: run `flask --app wsgi db upgrade`"
    return None


def _head() -> str | None:
    options = AlembicConfig()
    options.set_main_option("script_location", os.path.join(os.path.dirname(current_app.root_path), "migrations"))
    return ScriptDirectory.from_config(options).get_current_head()


@public
def healthz() -> Response:
    """The process is up."""
    return jsonify(status="ok")


@public
def readyz() -> tuple[Response, int]:
    """Database reachable and migrated, law loaded."""
    fault = database_fault()
    body = {"status": "unavailable" if fault else "ok", "database": fault or "ok", "law": edition.tariff().edition}
    answer = jsonify(body)
    if fault:
        answer.headers["Retry-After"] = "2"
    return answer, 503 if fault else 200


@public
def metrics() -> Response:
    """Prometheus text: all web processes together; job queue and sendings to the window as the database sees them."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
        body = generate_latest(registry)
    else:
        body = generate_latest()
    queue = CollectorRegistry()
    gauge = Gauge("landfall_jobs", "Jobs that have not succeeded", ["status"], registry=queue)
    for status, count in jobs.queue_depth().items():
        gauge.labels(status).set(count)
    queue.register(WindowCollector())
    queue.register(CheckCollector())
    return Response(body + generate_latest(queue), content_type=CONTENT_TYPE_LATEST)


def init_app(app: Flask) -> None:
    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view.__name__, view)
