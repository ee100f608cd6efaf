"""What every way to the window promises, held to each of them by the same tests."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from customs.sending_models import TRANSPORTS
from customs.window.dxp.drop import FileDrop, prepare
from customs.window.transport import HttpTransport, Transport, TransportRefused, TransportUnreached
from tests.customs.window.dxp.transfer_client import HttpPeer, TransferClient

AT = datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)
GUID = "8B1C1D9C-0A7E-4B0F-9B51-6C1D2E3F4A5B"
XML = "<?xml version='1.0' encoding='UTF-8'?>\n<a b=\"1\">\t鲜\r\n </a>".encode()


@dataclass
class Way:
    transport: Transport
    take: Callable[[], list[tuple[str, str, bytes]]]
    cut: Callable[[], None]  # from now on nobody is there


def _http() -> Iterator[Way]:
    peer = HttpPeer()
    yield Way(HttpTransport(peer.window.url, "SENDER", "RECEIVER", 3, now=lambda: AT), peer.take, peer.window.close)
    peer.window.close()


def _file(folder: Path) -> Iterator[Way]:
    prepare(folder)
    client = TransferClient(folder, "SENDER")
    yield Way(FileDrop(folder, "SENDER", "RECEIVER", now=lambda: AT), client.take, lambda: shutil.rmtree(folder))


@pytest.fixture(params=TRANSPORTS)
def way(request: Any, tmp_path: Path) -> Iterator[Way]:
    yield from _http() if request.param == "http" else _file(tmp_path)


def test_it_has_a_known_name(way: Way) -> None:
    assert way.transport.name in TRANSPORTS


def test_a_message_arrives_byte_for_byte_under_its_kind_and_guid(way: Way) -> None:
    way.transport.send("621", GUID, XML)
    assert way.take() == [("621", GUID, XML)]


def test_messages_arrive_in_the_order_sent(way: Way) -> None:
    kinds = ["311", "411", "511", "621"]
    for number, kind in enumerate(kinds):
        way.transport.send(kind, f"{GUID[:-1]}{number}", XML)
        if way.transport.name == "file":  # names sort by the time of laying, and this clock stands still
            assert [found[0] for found in way.take()] == [kind]
    if way.transport.name == "http":
        assert [found[0] for found in way.take()] == kinds


def test_the_same_again_is_no_error_and_the_same_bytes(way: Way) -> None:
    for _ in range(2):
        way.transport.send("311", GUID, XML)
    first = way.take()
    way.transport.send("311", GUID, XML)
    assert set(first) | set(way.take()) == {("311", GUID, XML)}


def test_nobody_there_is_told_and_nothing_arrives(way: Way) -> None:
    way.cut()
    with pytest.raises(TransportUnreached) as fault:
        way.transport.send("311", GUID, XML)
    assert str(fault.value)
    assert "/" not in str(fault.value)  # neither an address nor a path


def test_many_at_once_arrive_once_each(way: Way) -> None:
    guids = [f"{GUID[:-2]}{number:02d}" for number in range(24)]
    threads = [threading.Thread(target=way.transport.send, args=("311", guid, XML)) for guid in guids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(guid for _, guid, _ in way.take()) == guids


def test_what_fits_no_envelope_is_refused_and_never_lies_in_the_outbox(tmp_path: Path) -> None:
    prepare(tmp_path)
    with pytest.raises(TransportRefused):
        FileDrop(tmp_path, "A USER NUMBER LONGER THAN 16", "RECEIVER").send("311", GUID, XML)
    assert list((tmp_path / "outbox").iterdir()) == []


def test_a_closed_port_is_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportUnreached):
        HttpTransport(f"http://127.0.0.1:{port}/", "S", "R", 3).send("311", GUID, XML)
