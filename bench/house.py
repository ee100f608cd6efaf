"""Our side of the web figures: the application on a seeded database, and what is asked of it beside which baseline."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from flask import Flask

from bench import catalog, shelf
from bench.load import Ask
from bench.stripe import InstantStripe
from shop import exchanges
from shop.app import create_app

ROOT = Path(__file__).parents[1]


def environment(url: str, var: Path) -> dict[str, str]:
    """What both servers run with; Stripe and the single window are asked by neither."""
    return {
        "DATABASE_URL": url,
        "LANDFALL_VAR": str(var),
        "SECRET_KEY": uuid.uuid4().hex,
        "IDENTITY_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRET": "whsec_bench",
        "SINGLE_WINDOW_URL": "http://127.0.0.1:9/cebcmsg",
        "SINGLE_WINDOW_RECEIPT_TOKEN": uuid.uuid4().hex,
    }


def served() -> Flask:
    """What gunicorn serves here: the application, with Stripe answered in process and at once."""
    exchanges.set_gateway(InstantStripe())
    return create_app(check_database=True)


def prepare(settings: Mapping[str, str], superuser: str, rows: int) -> Flask:
    """Migrate, seed, and fill the shelf with `rows` listings."""
    os.environ.update(settings)
    for command in (["db", "upgrade"], ["seed"]):
        done = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
        subprocess.run(done, cwd=ROOT, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    app = create_app()
    shelf.fill(app, superuser, rows)
    return app


def figures(app: Flask, rows: int) -> Iterator[catalog.Figure]:
    """Name, our request, the baseline's request, what the baseline does, and the target."""
    yield "healthz", Ask("/healthz"), Ask("/hello"), "bare hello", None
    yield from catalog.figures(app, rows)
