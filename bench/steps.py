"""How many statements each step of a checkout sends, and how many transactions it commits: counted in process."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from flask.testing import FlaskClient

from bench import shop
from bench.load import Ask
from bench.shop import Subject
from shop import webhooks


@dataclass(slots=True)
class Count:
    """A statement that is sent outside of a transaction commits by itself and is no commit of its own."""

    statements: int = 0
    commits: int = 0


@contextlib.contextmanager
def counted() -> Iterator[Count]:
    """Everything that goes to the server within the block, whichever library sends it."""
    count, kept = Count(), {}

    def watch(owner: Any, name: str, field: str) -> None:
        kept[owner, name] = plain = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            setattr(count, field, getattr(count, field) + 1)
            return plain(*args, **kwargs)

        setattr(owner, name, call)

    watch(psycopg.Cursor, "execute", "statements")
    watch(psycopg.Cursor, "executemany", "statements")
    watch(psycopg.Connection, "commit", "commits")
    try:
        yield count
    finally:
        for (owner, name), plain in kept.items():
            setattr(owner, name, plain)


def steps(subject: Subject, shelf: str) -> Iterator[tuple[str, Count]]:
    """The steps of one checkout, after another one has warmed everything up."""
    for round_ in range(2):
        for name, count in _checkout(subject, shelf):
            if round_:
                yield name, count


def _checkout(subject: Subject, shelf: str) -> Iterator[tuple[str, Count]]:
    client = subject.app.test_client()
    with counted() as count:
        quote = _ask(client, shop.quote(subject, shelf, signed_in=True))["quote"]
    yield "quote", count
    with counted() as count:
        placed = _ask(client, shop.order_of(subject, quote))
    yield "order on the quote", count
    asked = shop.confirmation(subject, placed["payment"]["intent"])
    body, headers = asked.make(0)
    event_id = json.loads(body or b"")["id"]
    with counted() as count:
        answer = client.post(asked.path, data=body, headers=headers)
    assert answer.status_code == 200, answer.text
    yield "Stripe's notice", count
    with counted() as count, subject.app.app_context():
        webhooks.apply_event(event_id)
    yield "applied by the worker", count


def _ask(client: FlaskClient, asked: Ask) -> Any:
    body, headers = asked.make(0)
    answer = client.open(asked.path, method=asked.method, data=body, headers=headers)
    assert answer.status_code in asked.expect, answer.text
    return answer.get_json()
