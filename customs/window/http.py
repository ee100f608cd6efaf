"""One way of calling out: no redirects, and never through a proxy to our own machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

_OWN_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def session_for(url: str) -> requests.Session:
    """A session for one call; proxies of the environment count only for other machines."""
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in _OWN_MACHINE
    return session


class NoAnswer(Exception):
    """No whole answer came within time and size; whether the question arrived is not known."""


class NoConnection(NoAnswer):
    """The question has certainly not arrived: there was nobody to give it to."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; its headers are read without regard to case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class _Cut(HTTPAdapter):
    """Cuts whatever connections were made when the time is over: a timeout alone bounds one read and not their sum.

    It holds each connection by a second handle, since encryption takes over the first.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()  # else it could cut a connection of somebody else's under the same number
        for handle in self._handles:
            handle.close()

    def get_connection_with_tls_context(self, *args: Any, **given: Any) -> Any:
        """The pool, made to tell of each connection before anything is said over it."""
        pool: Any = super().get_connection_with_tls_context(*args, **given)
        make = pool.ConnectionCls

        def connection(*args: Any, **given: Any) -> Any:
            made = make(*args, **given)
            connect = made._new_conn

            def told() -> socket.socket:
                sock: socket.socket = connect()
                self._hold(sock)
                return sock

            made._new_conn = told
            return made

        pool.ConnectionCls = connection
        return pool

    def _hold(self, sock: socket.socket) -> None:
        with self._lock:
            self._handles.append(sock.dup())
            if self.over:
                _shut(sock)

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            for handle in self._handles:
                _shut(handle)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def exchange(url: str, *, seconds: float, at_most: int, **given: Any) -> Reply:
    """One POST, without redirects; a drip of single bytes holds no worker. Raises NoAnswer."""
    try:
        with _Cut(seconds) as cut, session_for(url) as session:
            session.mount("http://", cut)
            session.mount("https://", cut)
            with session.post(url, timeout=seconds, allow_redirects=False, stream=True, **given) as answer:
                content = _body(answer, at_most)
            if cut.over:  # a cut answer can look like a whole one
                raise NoAnswer("the answer came too slowly")
            return Reply(answer.status_code, content, answer.headers)
    except requests.RequestException as fault:
        raise _no_answer(fault) from fault


def _body(answer: requests.Response, at_most: int) -> bytes:
    content = b""
    for chunk in answer.iter_content(1):  # byte by byte, or a read would wait for more than was sent
        content += chunk
        if len(content) > at_most:
            raise NoAnswer("the answer is too long")
    return content


def post(url: str, *, seconds: float, at_most: int, **given: Any) -> tuple[int, bytes]:
    """The same for whoever wants status and body only."""
    reply = exchange(url, seconds=seconds, at_most=at_most, **given)
    return reply.status, reply.body


def _no_answer(fault: requests.RequestException) -> NoAnswer:
    """The class of the fault alone: its text may repeat what was sent."""
    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    refused = isinstance(reason, NewConnectionError)
    return (NoConnection if refused else NoAnswer)(type(fault).__name__)
