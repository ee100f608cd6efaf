"""Webhooks before they are believed: signature, time, bytes, shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from shop.stripe_events import HANDLED, IGNORED, RAW_MAX, BadEvent, Event, verify_event

SECRET = "whsec_" + "s" * 32
NOW = 1_790_000_000
INTENT = {"id": "pi_1", "object": "payment_intent", "amount": 33_532}


def event(**changes: Any) -> dict[str, Any]:
    body = {
        "id": "evt_1",
        "object": "event",
        "created": NOW - 5,
        "type": "payment_intent.succeeded",
        "data": {"object": INTENT},
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def sign(raw: bytes, secret: str = SECRET, at: int = NOW) -> str:
    return stripe.WebhookSignature.generate_signature_header(raw.decode("utf-8"), secret, at)


def verify(raw: bytes, header: str | None = None, secret: str = SECRET, now: float = NOW) -> Event:
    return verify_event(raw, header or sign(raw), secret, now)


def test_a_signed_event_is_read() -> None:
    raw = json.dumps(event(account="acct_1")).encode()
    found = verify(raw)
    assert (found.id, found.type, found.created) == ("evt_1", "payment_intent.succeeded", NOW - 5)
    assert (found.object_id, found.object_type, found.account) == ("pi_1", "payment_intent", "acct_1")
    assert found.payload["data"]["object"]["amount"] == 33_532
    assert found.handled


def test_fractions_are_never_float() -> None:
    found = verify(json.dumps(event(data={"object": INTENT | {"rate": 0.1}})).encode())
    assert found.payload["data"]["object"]["rate"] == Decimal("0.1")


def test_no_header_wrong_secret_empty_secret() -> None:
    raw = json.dumps(event()).encode()
    for header, secret in (
        ("", SECRET),
        (None, SECRET),
        (sign(raw, "whsec_other"), SECRET),
        (sign(raw, " "), " "),
        (sign(raw + b" "), SECRET),
    ):
        with pytest.raises(BadEvent):
            verify_event(raw, header, secret, NOW)
    with pytest.raises(BadEvent, match="secret"):
        verify_event(raw, sign(raw), "", NOW)


@pytest.mark.parametrize(("at", "good"), [(-300, True), (-301, False), (300, True), (301, False), (31_536_000, False)])
def test_time_counts_in_both_directions(at: int, good: bool) -> None:
    raw = json.dumps(event()).encode()
    if good:
        assert verify(raw, sign(raw, at=NOW + at)).id == "evt_1"
    else:
        with pytest.raises(BadEvent, match=r"old|future"):
            verify(raw, sign(raw, at=NOW + at))


def test_two_timestamps_are_not_one() -> None:
    raw = json.dumps(event()).encode()
    with pytest.raises(BadEvent):
        verify(raw, f"{sign(raw, at=NOW - 9_999)},t={NOW}")
    with pytest.raises(BadEvent):
        verify(raw, f"t={NOW},{sign(raw, at=NOW - 9_999)}")


@pytest.mark.parametrize(
    "header",
    [
        "t=,v1=",
        "v1=abc",
        f"t={NOW}",
        "t=x,v1=y",
        f"t={NOW},v1=é",
        f"t={NOW},v0=abc",
        ",,,",
        "=",
        "t=" + "9" * 5000 + ",v1=a",
        "t=1_0,v1=a",
    ],
)
def test_a_header_that_is_none(header: str) -> None:
    with pytest.raises(BadEvent):
        verify(json.dumps(event()).encode(), header)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'"event"',
        b"{",
        b'{"id": NaN}',
        json.dumps(event()).replace("33532", "NaN").encode(),
        json.dumps(event()).replace("33532", "Infinity").encode(),
        json.dumps(event()).replace("33532", "-Infinity").encode(),
        json.dumps(event()).replace('"id": "evt_1"', '"id": "evt_1", "id": "evt_2"').encode(),
        json.dumps(event()).replace('"id": "pi_1"', '"id": "pi_1", "id": "pi_2"').encode(),
        b"\xef\xbb\xbf" + json.dumps(event()).encode(),
        b"[" * 100_000,
        b'{"a":' * 50_000,
        json.dumps(event(data={"object": INTENT | {"deep": json.loads("[" * 60 + "]" * 60)}})).encode(),
        json.dumps(event()).encode() + b"\x00",
        json.dumps(event()).encode() + json.dumps(event()).encode(),
        *(
            json.dumps(event(**change)).encode()
            for change in (
                {"id": ...},
                {"id": ""},
                {"id": 1},
                {"id": "evt_1\n"},
                {"id": "evt_" + "1" * 100},
                {"type": ...},
                {"type": None},
                {"type": "payment intent"},
                {"object": "v2.core.event"},
                {"created": "1"},
                {"created": True},
                {"created": -1},
                {"created": 1.5},
                {"data": ...},
                {"data": []},
                {"data": {}},
                {"data": {"object": []}},
                {"data": {"object": {"object": "payment_intent"}}},
                {"data": {"object": {"id": "pi_1"}}},
                {"data": {"object": {"id": ["pi_1"], "object": "payment_intent"}}},
            )
        ),
    ],
)
def test_signed_nonsense_is_one_kind_of_error(raw: bytes) -> None:
    with pytest.raises(BadEvent) as refused:
        verify(raw)
    assert refused.value.reason


def test_bytes_that_are_no_text_and_bodies_too_long() -> None:
    with pytest.raises(BadEvent, match="UTF-8"):
        verify_event(b"\xff\xfe{}", f"t={NOW},v1=00", SECRET, NOW)
    raw = json.dumps(event(pad="x" * RAW_MAX)).encode()
    with pytest.raises(BadEvent, match="longer"):
        verify(raw)
    fits = json.dumps(event(pad="")).encode()
    assert verify(fits[:-2] + b"x" * (RAW_MAX - len(fits)) + fits[-2:]).id == "evt_1"


@given(st.binary(max_size=300), st.text(max_size=80))
def test_whatever_comes_is_refused_in_one_way(raw: bytes, header: str) -> None:
    with pytest.raises(BadEvent):
        verify_event(raw, header, SECRET, NOW)


def test_each_type_is_handled_or_ignored_not_both() -> None:
    assert not HANDLED & IGNORED
    assert not verify(json.dumps(event(type="charge.succeeded")).encode()).handled
    assert not verify(json.dumps(event(type="invoice.paid")).encode()).handled


def test_a_balance_has_no_id() -> None:
    found = verify(json.dumps(event(type="balance.available", data={"object": {"object": "balance"}})).encode())
    assert (found.object_id, found.object_type) == ("", "balance")
