"""The way to the single window: a JSON envelope over HTTP, answered `OK` at once; receipts come later.

A message that may or may not have arrived is sent again under the same guid: customs takes it once.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from core import clock
from customs.window.http import NoAnswer, NoConnection, post
from customs.window.messages import BYTES_MAX, VERSION

TIMEOUT_SECONDS = 8
ANSWER_BYTES_MAX = 4096
_RETRY_STATUSES = frozenset({408, 425, 429})


class TransportUnavailable(Exception):
    """It is not known to have arrived: send it again, with the same guid."""


class TransportUnreached(TransportUnavailable):
    """It has certainly not arrived: nothing left this machine."""


class TransportRefused(Exception):
    """The window took a look and said no: sending the same again cannot help."""


class EnvelopeUnreadable(ValueError):
    """What came is not an envelope of the single window."""


class Transport(Protocol):
    """Sends one signed message of a kind ("311") under its guid, or raises one of the errors above.

    Sending the same again is no error, whatever became of it before. `name` is a word of `sending_models.TRANSPORTS`.
    """

    name: str

    def send(self, message_kind: str, guid: str, xml: bytes) -> None: ...


class HttpTransport:
    """POSTs the envelope to the configured address, without redirects."""

    name = "http"

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
        try:
            status, content = post(self._url, seconds=self._timeout_seconds, at_most=ANSWER_BYTES_MAX, json=body)
        except NoConnection as fault:
            raise TransportUnreached(str(fault)) from fault
        except NoAnswer as fault:
            raise TransportUnavailable(str(fault)) from fault
        if status >= 500 or status in _RETRY_STATUSES:
            raise TransportUnavailable(f"the window answered {status}")
        text = content.decode("utf-8", "replace")
        if status != 200 or text.strip() != "OK":
            raise TransportRefused(f"the window answered {status}: {_printable(text)[:200]}")


def _printable(text: str) -> str:
    """Somebody else's words as one line that every column can hold."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


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
    """The message inside a decoded JSON envelope. Raises EnvelopeUnreadable.

    Nothing rests on the head, so what it leaves out is not asked for; what it says has to be well-formed.
    """
    if not isinstance(body, Mapping) or not {*body} <= {"MessageHead", "MessageBody"}:
        raise EnvelopeUnreadable("an envelope has MessageHead and MessageBody")
    _check_head(body.get("MessageHead", {}))
    inner = body.get("MessageBody")
    data = inner.get("data") if isinstance(inner, Mapping) else None
    if not isinstance(data, str):
        raise EnvelopeUnreadable("MessageBody.data is missing")
    if len(data) > BYTES_MAX * 2:
        raise EnvelopeUnreadable("MessageBody.data is too large")
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise EnvelopeUnreadable("MessageBody.data is not base64") from fault


_HEAD = {
    "MessageId": re.compile(r".{1,255}"),
    "MessageType": re.compile(r"CEB[0-9]{3}Message", re.ASCII),
    "SenderID": re.compile(r".{1,30}"),
    "ReceiverID": re.compile(r".{1,30}"),
    "SendTime": re.compile(r"[0-9]{14}(?:[0-9]{3})?", re.ASCII),
    "Version": re.compile(re.escape(VERSION)),
}


def _check_head(head: object) -> None:
    if not isinstance(head, Mapping):
        raise EnvelopeUnreadable("MessageHead must be an object")
    for name, value in head.items():
        form = _HEAD.get(name)
        if form is None or not isinstance(value, str) or not form.fullmatch(value):
            raise EnvelopeUnreadable(f"MessageHead.{str(name)[:40]} is not as it must be")
