"""One deadline over the whole of a call: connecting, encrypting, headers and body together."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from customs.window.http import NoAnswer, NoConnection, exchange

HEADERS = b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 200


@contextmanager
def server(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """Its port; each connection is given to `talk`."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                one, _ = listening.accept()
                with one, suppress(OSError):
                    talk(one)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def hear(one: Any) -> None:
    """The whole question: a connection closed before it is read is reset, and the answer may be lost with it."""
    said = b""
    while not said.endswith(b"\r\n\r\n{}"):
        more = one.recv(10_000)
        if not more:
            return
        said += more


def answer_ok(one: Any) -> None:
    hear(one)
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")


def drip(one: Any, said: bytes = HEADERS) -> None:
    for byte in said:
        time.sleep(0.1)
        one.sendall(bytes([byte]))


def seconds_of(url: str, **given: Any) -> float:
    started = time.monotonic()
    with pytest.raises(NoAnswer) as fault:
        exchange(url, seconds=0.5, at_most=4096, json={}, **given)
    assert not isinstance(fault.value, NoConnection)
    return time.monotonic() - started


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "window")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC) - timedelta(days=1))
    made = made.not_valid_after(datetime.now(UTC) + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    path = tmp_path / "window.pem"
    text = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *text)
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_dripping_headers_hold_no_worker() -> None:
    with server(drip) as port:
        assert seconds_of(f"http://127.0.0.1:{port}/") < 2


def test_headers_that_are_cut_are_no_answer() -> None:
    """The status line was whole: what was cut behind it must not pass for an empty answer."""

    def stand(one: socket.socket) -> None:
        one.sendall(b"HTTP/1.1 200 OK\r\nX-A: b\r\n")
        drip(one)

    with server(stand) as port:
        assert seconds_of(f"http://127.0.0.1:{port}/") < 2


def test_encrypted_it_is_the_same(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    turns = [answer_ok, drip]

    def talk(one: socket.socket) -> None:
        with context.wrap_socket(one, server_side=True) as safe:
            turns.pop(0)(safe)

    with server(talk) as port:
        whole = exchange(f"https://127.0.0.1:{port}/", seconds=5, at_most=4096, json={}, verify=str(certificate))
        assert (whole.status, whole.body) == (200, b"OK")
        assert seconds_of(f"https://127.0.0.1:{port}/", verify=str(certificate)) < 2


def test_a_handshake_that_drips_holds_no_worker() -> None:
    hello = b"\x16\x03\x03\x20\x00\x02" + b"\0" * 200
    with server(lambda one: drip(one, hello)) as port:
        assert seconds_of(f"https://127.0.0.1:{port}/") < 2


def test_nobody_there_is_known_for_sure() -> None:
    with server(drip) as port:
        pass
    with pytest.raises(NoConnection):
        exchange(f"http://127.0.0.1:{port}/", seconds=0.5, at_most=4096, json={})


def test_nothing_is_left_behind() -> None:
    """No thread waits for a deadline of a call that is over."""
    before = threading.active_count()
    with server(answer_ok) as port:
        for _ in range(5):
            assert exchange(f"http://127.0.0.1:{port}/", seconds=30, at_most=9, json={}).body == b"OK"
        assert threading.active_count() <= before + 1
