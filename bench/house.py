"""Our side of the web figures: the application on a seeded database, and what is asked of it beside which baseline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flask import Flask

from bench import bare, catalog, shop
from bench.load import Ask
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
    exchanges.set_gateway(shop.InstantStripe())  # type: ignore[arg-type]
    return create_app(check_database=True)


def prepare(settings: Mapping[str, str]) -> shop.Subject:
    """Migrate, seed, and fill the shelf."""
    os.environ.update(settings)
    for command in (["db", "upgrade"], ["seed"]):
        done = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
        subprocess.run(done, cwd=ROOT, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    app = create_app()
    catalog.grow(app)
    return shop.prepare(app)


def figures(subject: shop.Subject) -> Iterator[tuple[str, Ask, Ask, str]]:
    """Name, our request, the baseline's request, and what the baseline does."""
    paths = catalog.urls(subject.app)
    one = Ask(f"/one/{bare.ROWS // 2}")
    page = Ask("/page")
    hello = Ask("/hello")
    yield "healthz", Ask("/healthz"), hello, "bare hello"
    for name, path in paths.items():
        baseline, what = (one, "bare indexed SELECT") if name == "detail" else (page, "bare page of 24 rows")
        yield name, Ask(path), baseline, what
    yield "quote of 3 lines", Ask("/api/v1/shop/quotes", "POST", _quoted(subject)), page, "bare page of 24 rows"
    order = Ask("/api/v1/shop/orders", "POST", shop.request(subject), (201,))
    yield "order of 3 lines", order, Ask("/order", "POST", lambda _n: (b"", {}), (201,)), "bare insert of order + 3"


def _quoted(subject: shop.Subject) -> Callable[[int], tuple[bytes, dict[str, str]]]:
    """Body and headers of a quote of three retail lines."""

    def make(number: int) -> tuple[bytes, dict[str, str]]:
        shelf = subject.retail
        items = [{"listing_id": str(shelf[(number + step) % len(shelf)]), "quantity": "1"} for step in range(3)]
        return json.dumps({"items": items}).encode(), {"Content-Type": "application/json"}

    return make
