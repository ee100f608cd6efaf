"""Stripe's webhook over HTTP, against everything that is no notice of ours: 400, nothing written, never a 5xx."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text

from core import config
from shop import expiry
from shop.models import Incident, StripeEvent
from shop.stripe_events import HANDLED, IGNORED, RAW_MAX
from tests.shop import builders, state
from tests.shop.conftest import sign, webhook_body

HOOK = "/api/v1/shop/stripe/webhook"
DAY = 86400


def post(client: Any, raw: bytes, header: str | None) -> Any:
    headers = {} if header is None else {"Stripe-Signature": header}
    return client.post(HOOK, data=raw, headers=headers)


def written() -> tuple[int, int]:
    """(events stored, jobs enqueued)"""
    session = state.fresh()
    jobs = session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'shop.apply_stripe_event'"))
    return session.scalar(select(func.count(StripeEvent.id))) or 0, jobs or 0


def body(**changes: Any) -> bytes:
    return json.dumps({**json.loads(webhook_body("pi_1", event_id="evt_1")), **changes}).encode()


def doubled(name: str) -> bytes:
    """A body with a key twice: two readers would see two things."""
    return body().replace(f'"{name}": '.encode(), f'"{name}": "other", "{name}": '.encode(), 1)


def other_scheme(raw: bytes) -> str:
    return sign(raw).replace("v1=", "v0=")


def of_other_bytes(raw: bytes) -> str:
    return sign(raw + b" ")


SIGNATURES: dict[str, Callable[[bytes], str | None]] = {
    "none": lambda raw: None,
    "empty": lambda raw: "",
    "another secret": lambda raw: sign(raw, secret="whsec_of_another_endpoint"),
    "empty secret": lambda raw: sign(raw, secret=""),
    "another scheme": other_scheme,
    "another body": of_other_bytes,
    "301 seconds old": lambda raw: sign(raw, at=int(time.time()) - 301),
    "a year ahead": lambda raw: sign(raw, at=int(time.time()) + 365 * DAY),
    "301 seconds ahead": lambda raw: sign(raw, at=int(time.time()) + 301),
    "two times": lambda raw: sign(raw) + f",t={int(time.time())}",
    "no time": lambda raw: sign(raw).split(",")[1],
    "nonsense": lambda raw: "t=now,v1=yes",
    "not ASCII": lambda raw: "t=1,v1=\xe9",
}
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "{}": b"{}",
    "[]": b"[]",
    "null": b"null",
    "a text": b'"event"',
    "not closed": body()[:-1],
    "bytes that are no UTF-8": b"\xff\xfe" + body(),
    "UTF-16": body().decode().encode("utf-16"),
    "a BOM": b"\xef\xbb\xbf" + body(),
    "NaN": body(livemode=float("nan")),
    "Infinity": body(livemode=float("inf")),
    "the id twice": doubled("id"),
    "the type twice": doubled("type"),
    "the data twice": doubled("data"),
    "two events": body() + body(),
    "a NUL": body() + b"\x00",
    "a hundred thousand levels": b"[" * 100_000,
    "another object": body(object="charge"),
    "no object in it": body(data={}),
    "an id of another form": body(id="evt 1; DROP TABLE"),
    "a type of another form": body(type="PAYMENT"),
    "600 kB": body(pad="x" * 600_000),
    "20 MB": body(pad="x" * 20_000_000),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_that_is_not_ours(client: Any, context: None, name: str) -> None:
    raw = body()
    answer = post(client, raw, SIGNATURES[name](raw))
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_webhook")
    assert written() == (0, 0)


@pytest.mark.parametrize("name", BODIES)
def test_a_signed_body_that_is_no_notice(client: Any, context: None, name: str) -> None:
    raw = BODIES[name]
    stamp = int(time.time())
    key = config.current().stripe_webhook_secret.encode()
    header = f"t={stamp},v1={hmac.new(key, f'{stamp}.'.encode() + raw, hashlib.sha256).hexdigest()}"
    begun = time.monotonic()
    answer = post(client, raw, header)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_webhook")
    assert time.monotonic() - begun < 2
    assert written() == (0, 0)


def test_300_seconds_are_still_good_either_way(client: Any, context: None) -> None:
    for event_id, off in (("evt_a", -298), ("evt_b", 298)):
        raw = webhook_body("pi_1", event_id=event_id)
        assert post(client, raw, sign(raw, at=int(time.time()) + off)).status_code == 200
    assert written() == (2, 2)


def test_the_largest_notice_is_taken_whole(client: Any, context: None) -> None:
    fits = body(pad="")
    raw = fits[:-2] + b"x" * (RAW_MAX - len(fits)) + fits[-2:]
    assert post(client, raw, sign(raw)).status_code == 200
    assert written() == (1, 1)


def test_one_notice_is_stored_once(client: Any, context: None) -> None:
    raw = body()
    assert {post(client, raw, sign(raw)).status_code for _ in range(5)} == {200}
    assert written() == (1, 1)


def test_another_account_is_stored_told_and_not_applied(client: Any, context: None) -> None:
    raw = body(account="acct_of_somebody")
    assert post(client, raw, sign(raw)).status_code == 200
    assert written() == (1, 0)
    assert state.fresh().scalars(select(Incident.kind)).all() == ["foreign_account"]


@pytest.mark.parametrize(
    ("kind", "standing", "jobs"),
    [("payment_intent.succeeded", "handled", 1), ("charge.succeeded", "ignored", 0), ("invoice.paid", "unknown", 0)],
)
def test_every_type_is_stored_and_counted(client: Any, context: None, kind: str, standing: str, jobs: int) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("landfall_stripe_events_total", {"standing": standing}) or 0

    before, raw = count(), body(type=kind)
    assert post(client, raw, sign(raw)).status_code == 200
    assert written() == (1, jobs)
    assert count() == before + 1


def test_the_table_of_the_docs_is_the_code(request: Any) -> None:
    """docs/payments.md names every type with what becomes of it."""
    root = Path(__file__).parents[2]
    rows = [line.split("|") for line in (root / "docs" / "payments.md").read_text("utf-8").splitlines()]
    told = {row[1].strip().strip("`"): row[2].strip() for row in rows if len(row) == 5 and "." in row[1]}
    assert told == {**dict.fromkeys(HANDLED, "handled"), **dict.fromkeys(IGNORED, "ignored")}


def test_lost_for_three_days_though_paid_in_time(place: Any, shelf: Any, stripe: Any, move_clock: Any) -> None:
    """No notice came and no worker ran: the end of the hold asks Stripe before it gives anything back."""
    bought = place(builders.buyer(), (builders.put_listing(shelf, stock="1"), "1"))
    stripe.pay(bought["payment"]["intent"])
    move_clock(3 * DAY)
    expiry.sweep_expired()
    assert state.statuses(bought) == ["paid"]
    assert state.books_balance()
