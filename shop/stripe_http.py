"""The wire under the Stripe SDK: a hard time budget per call, a size limit, and the bytes of the last exchange.

The SDK's own time-out bounds each read, not the whole answer: a peer that sends a byte now and then holds a worker for
ever. Here a watchdog cuts the connection when the budget of the call is spent.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

ANSWER_MAX = 4 << 20  # bytes; the longest list Stripe gives stays far below
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass
class Exchange:
    """What went over the wire, without headers and so without keys. Empty texts: nothing was sent or nothing came."""

    request: str = field(default="", repr=False)
    response: str = field(default="", repr=False)
    status: int | None = None


class _Call(threading.local):
    """The call this thread is making: its deadline, the socket to cut, what was exchanged."""

    deadline: float | None = None
    sock: socket.socket | None = None
    cut: bool = False
    exchange: Exchange | None = None


_call = _Call()


class _Watched:
    """Shows the watchdog the socket an answer is read from."""

    sock: Any

    def getresponse(self) -> Any:
        _call.sock = self.sock
        if _call.cut:
            raise TimeoutError("the time was spent before the question was out")
        return super().getresponse()  # type: ignore[misc]


class _WatchedHTTP(_Watched, HTTPConnection):
    pass


class _WatchedHTTPS(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class BudgetedClient(stripe.HTTPClient):
    """The SDK's HTTP client: `timeout_seconds` for one try, `within` sets the budget of a whole call."""

    name = "requests"

    def __init__(self, api_base: str, timeout_seconds: float) -> None:
        super().__init__()
        self._timeout = timeout_seconds
        self._session = requests.Session()
        # A .netrc must not replace the key, and the sandbox is never behind a proxy.
        self._session.trust_env = urlsplit(api_base).hostname not in LOOPBACK
        self._session.auth = _keep_authorization
        self._session.max_redirects = 0
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_maxsize=32))

    @contextmanager
    def within(self, seconds: float) -> Iterator[Exchange]:
        """Everything this thread asks inside has `seconds` together; gives the exchange, filled as it happens."""
        _call.deadline = time.monotonic() + seconds
        _call.exchange = exchange = Exchange()
        try:
            yield exchange
        finally:
            _call.deadline = _call.exchange = None

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """One try. Raises APIConnectionError when no whole answer came in time; the SDK may then try again."""
        exchange = _call.exchange or Exchange()
        exchange.request = f"{method.upper()} {url}\n\n{post_data or ''}"
        exchange.response, exchange.status = "", None
        left = self._timeout if _call.deadline is None else min(self._timeout, _call.deadline - time.monotonic())
        if left <= 0:
            raise stripe.APIConnectionError("The time for this call is spent.", should_retry=False)
        try:
            with _watchdog(left):
                answer = self._session.request(
                    method, url, headers=dict(headers or {}), data=post_data, timeout=left, stream=True
                )
                body = _read(answer)
        except Exception as fault:
            # whatever it was, no whole answer came; the words may hold the address, never the key
            raise stripe.APIConnectionError(
                f"No answer from Stripe: {type(fault).__name__}", should_retry=True
            ) from fault
        exchange.response, exchange.status = body.decode("utf-8", "replace"), answer.status_code
        return body, answer.status_code, answer.headers

    def close(self) -> None:
        self._session.close()


def _keep_authorization(asked: requests.PreparedRequest) -> requests.PreparedRequest:
    return asked


def _read(answer: requests.Response) -> bytes:
    body = bytearray()
    with answer:
        for piece in answer.iter_content(65536):
            body += piece
            if len(body) > ANSWER_MAX:
                raise ValueError("the answer is too long")
    if _call.cut:
        raise TimeoutError("the answer did not end in time")
    return bytes(body)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """Cut the connection of this thread's call after `seconds`."""
    call = _call.__dict__  # the timer runs in a thread of its own and must reach this thread's values
    call |= {"sock": None, "cut": False}

    def cut() -> None:
        call["cut"] = True
        sock = call.get("sock")
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
