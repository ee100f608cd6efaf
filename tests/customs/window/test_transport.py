"""The way to the window: what may be sent again and what may not."""

import base64
import json
import socket
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from customs.window.transport import (
    EnvelopeUnreadable,
    HttpTransport,
    TransportRefused,
    TransportUnavailable,
    TransportUnreached,
    envelope,
    open_envelope,
)

AT = datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)


class Window:
    """A loopback window that answers as told and keeps what it got."""

    def __init__(self, status: int, text: bytes, drip_seconds: float = 0) -> None:
        window = self
        self.got: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                window.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                for byte in text:
                    time.sleep(drip_seconds)
                    try:
                        self.wfile.write(bytes([byte]))
                    except OSError:
                        return

            def log_message(self, *args) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cebcmsg"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send(url: str, seconds: float = 3) -> None:
    HttpTransport(url, "SENDER", "RECEIVER", seconds, now=lambda: AT).send("311", "GUID", b"<a/>")


def test_the_envelope_carries_the_message():
    with Window(200, b"OK\n") as window:
        send(window.url)
    head, body = window.got[0]["MessageHead"], window.got[0]["MessageBody"]
    assert head == {
        "MessageId": "GUID",
        "MessageType": "CEB311Message",
        "SenderID": "SENDER",
        "ReceiverID": "RECEIVER",
        "SendTime": "20270101000001",
        "Version": "1.0",
    }
    assert base64.b64decode(body["data"]) == b"<a/>"


@pytest.mark.parametrize(("status", "text"), [(500, b"x"), (503, b"OK"), (429, b""), (408, b""), (200, b"O" * 9999)])
def test_what_may_not_have_arrived_may_be_sent_again(status, text):
    with Window(status, text) as window, pytest.raises(TransportUnavailable):
        send(window.url)


@pytest.mark.parametrize(
    ("status", "text"),
    [(400, b"no"), (404, b"OK"), (200, b"NO"), (200, b""), (200, b"ok"), (200, b"OK OK"), (201, b"OK"), (202, b"OK"),
     (204, b""), (301, b"OK"), (302, b"OK"), (307, b"OK"), (308, b"OK")],
)  # fmt: skip
def test_a_no_is_not_asked_again(status, text):
    with Window(status, text) as window, pytest.raises(TransportRefused):
        send(window.url)
    assert len(window.got) == 1


def test_nobody_there_or_too_slow_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportUnavailable):
        send(f"http://127.0.0.1:{port}/cebcmsg")
    with Window(200, b"OK" * 20, drip_seconds=0.1) as window:
        started = time.monotonic()
        with pytest.raises(TransportUnavailable):
            send(window.url, 0.4)
        assert time.monotonic() - started < 2


def test_a_window_that_takes_it_and_says_nothing_may_have_it():
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        started = time.monotonic()
        with pytest.raises(TransportUnavailable) as fault:
            send(f"http://127.0.0.1:{mute.getsockname()[1]}/cebcmsg", 0.4)
        assert time.monotonic() - started < 2
    assert not isinstance(fault.value, TransportUnreached)


def test_a_connection_cut_in_the_middle_may_have_brought_it():
    def cut(server: socket.socket) -> None:
        talk, _ = server.accept()
        talk.recv(100)
        talk.close()

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        threading.Thread(target=cut, args=(server,), daemon=True).start()
        with pytest.raises(TransportUnavailable) as fault:
            send(f"http://127.0.0.1:{server.getsockname()[1]}/cebcmsg")
    assert not isinstance(fault.value, TransportUnreached)


def test_what_the_window_says_is_one_line_of_bounded_length():
    answer = "no\0\n\x1b[31m such thing\u2028 ".encode() + b"x" * 3000
    with Window(400, answer) as window, pytest.raises(TransportRefused) as fault:
        send(window.url)
    words = str(fault.value)
    assert words.startswith("the window answered 400: no [31m such thing xxx")
    assert len(words) < 250
    assert words.isprintable()


def test_a_proxy_of_the_environment_does_not_come_between(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Window(200, b"OK") as window:
        send(window.url)
    assert len(window.got) == 1


HEAD = envelope("622", "G", b"<x/>", "S", "R", AT)["MessageHead"]


@pytest.mark.parametrize(
    "head",
    [
        None,
        [],
        "head",
        {**HEAD, "MessageId": ""},
        {**HEAD, "MessageId": "x" * 256},
        {**HEAD, "MessageType": "CEB62Message"},
        {**HEAD, "MessageType": 622},
        {**HEAD, "SendTime": "2027-01-01"},
        {**HEAD, "SendTime": "２０２７０１０１０００００１"},
        {**HEAD, "Version": "2.0"},
        {**HEAD, "Colour": "red"},
    ],
)
def test_a_head_that_is_not_as_it_must_be_is_refused(head):
    with pytest.raises(EnvelopeUnreadable, match="MessageHead"):
        open_envelope({**envelope("622", "G", b"<x/>", "S", "R", AT), "MessageHead": head})


def test_a_third_part_is_refused_and_a_head_that_leaves_out_is_not():
    body = envelope("622", "G", b"<x/>", "S", "R", AT)
    with pytest.raises(EnvelopeUnreadable):
        open_envelope({**body, "More": {}})
    assert open_envelope({**body, "MessageHead": {"MessageId": "x"}}) == b"<x/>"


def test_an_envelope_is_opened():
    assert open_envelope(envelope("622", "G", b"<x/>", "S", "R", AT)) == b"<x/>"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"MessageBody": 1},
        {"MessageBody": {}},
        {"MessageBody": {"data": 1}},
        {"MessageBody": {"data": "*"}},
    ],
)
def test_what_is_no_envelope_is_refused(body):
    with pytest.raises(EnvelopeUnreadable):
        open_envelope(body)
