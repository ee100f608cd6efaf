"""The way to the single window: a JSON envelope over HTTP, answered `OK` at once; receipts come later.

A message that may or may not have arrived is sent again under the same guid: customs takes it once.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import requests

from core import clock
from customs.window.http import session_for
from customs.window.messages import BYTES_MAX, VERSION

TIMEOUT_SECONDS = 8
ANSWER_BYTES_MAX = 4096
_RETRY_STATUSES = frozenset({408, 425, 429})


class TransportUnavailable(Exception):
    """It is not known to have arrived: send it again, with the same guid."""


class TransportRefused(Exception):
    """The window took a look and said no: sending the same again cannot help."""


class EnvelopeUnreadable(ValueError):
    """What came is not an envelope of the single window."""


class Transport(Protocol):
    """Sends one signed message of a kind ("311") under its guid, or raises one of the two errors above."""

    def send(self, message_kind: str, guid: str, xml: bytes) -> None: ...


class HttpTransport:
    """POSTs the envelope to the configured address, without redirects."""

    def __init__(
        self,
        url: str,
        sender: str,
        receiver: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._url = url
        self._sender = sender
        self._receiver = receiver
        self._timeout_seconds = timeout_seconds
        self._now = now

    def send(self, message_kind: str, guid: str, xml: bytes) -> None:
        body = envelope(message_kind, guid, xml, self._sender, self._receiver, self._now())
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with (
                session_for(self._url) as session,
                session.post(
                    self._url, json=body, timeout=self._timeout_seconds, allow_redirects=False, stream=True
                ) as answer,
            ):
                status, text = answer.status_code, _read(answer, deadline)
        except requests.RequestException as fault:
            # The class alone: the text of the fault may repeat what was sent.
            raise TransportUnavailable(type(fault).__name__) from fault
        if status >= 500 or status in _RETRY_STATUSES:
            raise TransportUnavailable(f"the window answered {status}")
        if status != 200 or text.strip() != "OK":
            raise TransportRefused(f"the window answered {status}: {text[:200]}")


def _read(answer: requests.Response, deadline: float) -> str:
    """The answer, within size and time: a drip of single bytes must not hold a worker."""
    content = b""
    for chunk in answer.iter_content(1):  # byte by byte, or a read would wait for more than was sent
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            break
        if time.monotonic() > deadline:
            raise TransportUnavailable("the window answered too slowly")
    return content.decode("utf-8", "replace")


def envelope(message_kind: str, guid: str, xml: bytes, sender: str, receiver: str, at: datetime) -> dict[str, Any]:
    """The JSON around a message; `SendTime` is Beijing clock time of 14 digits."""
    return {
        "MessageHead": {
            "MessageId": guid,
            "MessageType": f"CEB{message_kind}Message",
            "SenderID": sender,
            "ReceiverID": receiver,
            "SendTime": at.astimezone(clock.BEIJING).strftime("%Y%m%d%H%M%S"),
            "Version": VERSION,
        },
        "MessageBody": {"data": base64.b64encode(xml).decode()},
    }


def open_envelope(body: object) -> bytes:
    """The message inside a decoded JSON envelope. Raises EnvelopeUnreadable."""
    inner = body.get("MessageBody") if isinstance(body, Mapping) else None
    data = inner.get("data") if isinstance(inner, Mapping) else None
    if not isinstance(data, str):
        raise EnvelopeUnreadable("MessageBody.data is missing")
    if len(data) > BYTES_MAX * 2:
        raise EnvelopeUnreadable("MessageBody.data is too large")
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise EnvelopeUnreadable("MessageBody.data is not base64") from fault
