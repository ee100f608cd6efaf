"""Addresses that somebody else has chosen: which are called, which are not, and what a bad answer can do."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shop.notifications import outside
from shop.notifications.outside import AddressRefused
from tests.shop.notifications.conftest import Receiver

# Written as attackers write them; what they stand for is somebody's inner network.
INNER = [
    "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "0.0.0.0", "10.0.0.8", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[fe80::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::a00:1]", "[2002:a00:1::1]", "[2001:0:1::1]",
    "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[fec0::1]", "[100::1]", "[::7f00:1]", "[::1.1.1.1]",
]  # fmt: skip
OUTER = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "[2606:4700::1111]"]


@pytest.mark.parametrize("host", INNER)
def test_inner_addresses_are_not_called_in_production(host: str) -> None:
    answer = outside.post(f"https://{host}/x", b"{}", {}, production=True)
    assert answer.status == 0
    assert "AddressRefused" in (answer.fault or "")


@pytest.mark.parametrize("host", INNER)
def test_in_development_this_machine_and_nothing_else_inside(host: str) -> None:
    try:
        found = outside.resolved(host.strip("[]"), 80, production=False)
    except AddressRefused:
        return
    assert all(_loopback(address) for address in found)


def _loopback(address: str) -> bool:
    read = ipaddress.ip_address(address)
    return (getattr(read, "ipv4_mapped", None) or read).is_loopback


@pytest.mark.parametrize("host", OUTER)
def test_public_addresses_are_called(host: str) -> None:
    assert outside.resolved(host.strip("[]"), 443, production=True) == [host.strip("[]")]


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "ftp://shop.example/", "https://", "https:///x", "//shop.example", "shop.example",
        "https://user@shop.example/", "https://user:p@shop.example/", "https://@shop.example/",
        "https://shop.example/#part", "https://shop.example:0/", "https://shop.example:65536/",
        "https://shop.example:x/", "https://shop.example/\r\nX: y", "https://shop.example/a b", "https://shop.example\\@x",
        "https://店.example/", "https://[::1", "file:///etc/passwd", "gopher://shop.example/", "https://10.0.0.1/",
        "https://shop.example/" + "a" * 500, "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_urls_that_are_refused_by_their_look(url: str) -> None:
    with pytest.raises(AddressRefused):
        outside.checked(url, production=True)


def test_urls_that_are_taken() -> None:
    for url in ("https://shop.example", "https://shop.example:8443/a?b=c%20d", "https://1.1.1.1/"):
        assert outside.checked(url, production=True).hostname
    assert outside.checked("http://127.0.0.1:8000/", production=False).port == 8000


def names(*addresses: str) -> Callable[..., Any]:
    """A resolver of ours: the first question gets the first address, the last is repeated."""
    left = list(addresses)

    def answer(host: str, port: int, *_args: Any, **_more: Any) -> Any:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in address.split("+")]

    return answer


def test_a_name_with_one_inner_address_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names("1.1.1.1+10.0.0.1"))
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        outside.resolved("shop.example", 443, production=True)


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    """Whoever answers otherwise the second time (DNS rebinding) is not asked a second time."""
    asked: list[str] = []
    first = names("127.0.0.1", "169.254.169.254")

    def counted(host: str, *args: Any, **more: Any) -> Any:
        if host == "shop.example":
            asked.append(host)
            return first(host, *args, **more)
        return real(host, *args, **more)

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", counted)
    port = receiver.url.split(":")[2].split("/")[0]
    answer = outside.post(f"http://shop.example:{port}/x?y=z", b"{}", {"A": "b"}, production=False)
    assert (answer.status, answer.text, asked) == (200, "thank you", ["shop.example"])
    ((path, headers, body),) = receiver.calls
    assert (path, headers["Host"], headers["A"], body) == ("/x?y=z", f"shop.example:{port}", "b", b"{}")


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    receiver.statuses, receiver.headers = [307], {"Location": receiver.url + "&again=1"}
    assert outside.post(receiver.url, b"{}", {}, production=False).status == 307
    assert len(receiver.calls) == 1


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert outside.post(receiver.url, b"{}", {}, production=False).status == 200


def test_of_a_long_answer_the_first_bytes_are_kept(receiver: Receiver) -> None:
    receiver.answer = "谢".encode() * 100_000 + b"\x00"
    answer = outside.post(receiver.url, b"{}", {}, production=False)
    assert answer.status == 200
    assert len(answer.text.encode()) <= outside.ANSWER_MOST + 3


@contextlib.contextmanager
def speaking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that says what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                other, _ = server.accept()
                with other:
                    talk(other)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def _drip(other: socket.socket) -> None:
    other.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 1000:
        other.sendall(bytes([byte]))
        time.sleep(0.1)


@pytest.mark.parametrize(
    "talk",
    [
        lambda other: other.recv(65536),
        lambda other: other.sendall(b"SSH-2.0-x\r\n"),
        lambda other: (other.recv(65536), other.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200)),
        lambda other: (other.recv(65536), other.sendall(b"HTTP/1.1 200 " + b"y" * 70_000)),
        lambda other: (other.recv(65536), other.sendall(b"HTTP/1.1 abc OK\r\n\r\n")),
        lambda other: (other.recv(65536), time.sleep(2)),
        _drip,
    ],
)
def test_a_bad_answer_is_a_failed_try_in_time(monkeypatch: pytest.MonkeyPatch, talk: Any) -> None:
    monkeypatch.setattr(outside, "TIMEOUT_SECONDS", 1)
    begun = time.monotonic()
    with speaking(talk) as url:
        answer = outside.post(url, b"{}", {}, production=False)
    assert answer.status == 0
    assert answer.fault
    assert time.monotonic() - begun < 1.9


def test_an_address_of_numbers_alone_is_no_name_with_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(socket, "create_connection", lambda *_args: ours)
    theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    with theirs:
        answer = outside.post("http://[2606:4700::abcd]/x", b"{}", {}, production=False)
        sent = theirs.recv(65536)
    assert answer.status == 204
    assert b"Host: [2606:4700::abcd]\r\n" in sent


def test_no_handshake_begins_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog cuts once: what it missed while the socket changed hands must end by itself."""
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(outside, "_connected", lambda *_args: ours)
    with theirs, outside._Line([], 443, time.monotonic() - 1) as line, pytest.raises(TimeoutError):
        line.secure("shop.example")


def test_the_certificates_are_read_once() -> None:
    assert outside._tls() is outside._tls()
    assert outside._tls().check_hostname


def test_https_asks_for_a_certificate_of_that_name(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setattr(outside, "TIMEOUT_SECONDS", 1)
    answer = outside.post(receiver.url.replace("http:", "https:"), b"{}", {}, production=False)
    assert answer.status == 0
    assert receiver.calls == []
