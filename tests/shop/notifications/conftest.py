"""A mail server and a merchant's server, both real and on loopback, and the sender run when a test says so."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core import config
from core.config import Config
from shop.notifications import sender


@pytest.fixture
def send(context: None) -> Callable[[], None]:
    """Run the jobs that send."""

    def run() -> None:
        sender.send_notices()
        sender.send_calls()

    return run


@pytest.fixture
def use(app: Any, settings: Config) -> Iterator[Callable[..., None]]:
    """Run with other settings: `use(smtp_url=...)`."""
    from dataclasses import replace

    yield lambda **changed: config.use(replace(config.current(), **changed))
    config.use(settings)


@dataclass
class MailServer:
    """Speaks as much SMTP as a client needs; `answers` maps a verb to what it says instead of yes, once each."""

    url: str = ""
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    verbs: list[str] = field(default_factory=list)
    connections: int = 0


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        told: MailServer = self.server.told  # type: ignore[attr-defined]
        told.connections += 1
        sender, to = "", []
        self.wfile.write(b"220 test ready\r\n")
        while line := self.rfile.readline():
            verb = line.split(b" ")[0].strip().decode(errors="replace").upper()
            told.verbs.append(verb)
            waiting = told.answers.get(verb)
            if waiting:
                self.wfile.write(waiting.pop(0) + b"\r\n")
                continue
            if verb == "EHLO":
                self.wfile.write(b"250-test\r\n250 SMTPUTF8\r\n")
                continue
            if verb == "MAIL":
                sender, to = line.decode().split(":", 1)[1].strip(), []
            if verb == "RCPT":
                to.append(line.decode().split(":", 1)[1].strip())
            if verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    body += part.removeprefix(b".")
                told.mails.append((sender, to, body))
                waiting = told.answers.get("END")
                if waiting and not waiting[0]:
                    waiting.pop(0)
                    return  # taken, and gone before it said so
            self.wfile.write(b"250 taken\r\n")
            if verb == "QUIT":
                return


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    told = MailServer()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.daemon_threads = True
        server.told = told  # type: ignore[attr-defined]
        told.url = f"smtp://127.0.0.1:{server.server_address[1]}?from=shop@landfall.example"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


@dataclass
class Receiver:
    """A merchant's server: keeps what comes, and answers `statuses` in their order, then 200."""

    url: str = ""
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    answer: bytes = b"thank you"


class _Hooks(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        told: Receiver = self.server.told  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told.calls.append((self.path, dict(self.headers.items()), body))
        if told.before:
            told.before()
        self.send_response(told.statuses.pop(0) if told.statuses else 200)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.answer)))
        self.end_headers()
        self.wfile.write(told.answer)

    def log_message(self, *_args: Any) -> None:
        pass


class _HooksServer(ThreadingHTTPServer):
    request_queue_size = 128  # several senders knock at once


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    with _HooksServer(("127.0.0.1", 0), _Hooks) as server:
        server.daemon_threads = True
        server.told = told  # type: ignore[attr-defined]
        told.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?of=landfall"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()
