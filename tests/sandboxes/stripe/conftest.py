"""A sandbox process on a free port, the official SDK pointed at it, and a listener for its webhooks."""

from __future__ import annotations

import http.server
import json
import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

ROOT = Path(__file__).parents[3]


class Sandbox:
    """The process under test; `start` again on the same folder is a restart on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "sandboxes.stripe", "--port", str(self.port), "--journal", str(self.folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], 20)[0], "the sandbox said nothing for 20 s"
        said = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", said)
        assert found, said
        self.port = int(found[1])

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.kill()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A helper call; raises HTTPError for anything but 2xx."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def raw(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        key: str = "sk_test_x",
    ) -> tuple[int, bytes, Any]:
        """An API call as bytes: status, body, headers."""
        sent = {"Authorization": f"Bearer {key}", **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        asked = urllib.request.Request(self.base + path, body, sent, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read(), refusal.headers

    def client(self, retries: int = 0) -> stripe.StripeClient:
        http_client = stripe.RequestsClient(timeout=20)
        return stripe.StripeClient(
            "sk_test_landfall", base_addresses={"api": self.base}, http_client=http_client, max_network_retries=retries
        )

    def fault(self, fault: str, match: dict[str, str], **rest: Any) -> Any:
        return self.call("POST", "/sandbox/faults", {"fault": fault, "match": match, **rest})


class Listener:
    """A webhook endpoint: remembers what arrives, answers what `status` says."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[bytes, str]] = queue.Queue()
        self.status = 200
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.arrived.put((body, self.headers["Stripe-Signature"]))
                self.send_response(listener.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self, seconds: float = 1.0) -> list[dict[str, Any]]:
        """All that arrives until nothing has come for `seconds`."""
        found = []
        while True:
            try:
                found.append(json.loads(self.arrived.get(timeout=seconds)[0]))
            except queue.Empty:
                return found

    def wait_for(self, kind: str, seconds: float = 10.0) -> tuple[bytes, str]:
        """The first event of that type, as it came."""
        until = time.time() + seconds
        while time.time() < until:
            body, signature = self.arrived.get(timeout=max(0.01, until - time.time()))
            if json.loads(body)["type"] == kind:
                return body, signature
        raise AssertionError(f"no {kind} within {seconds} s")


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[Callable[[], Sandbox]]:
    started: list[Sandbox] = []

    def start() -> Sandbox:
        sandbox = Sandbox(tmp_path / f"stripe{len(started)}")
        sandbox.start()
        started.append(sandbox)
        return sandbox

    yield start
    for sandbox in started:
        sandbox.stop()


@pytest.fixture(scope="module")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    found = Sandbox(tmp_path_factory.mktemp("stripe"))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The module's sandbox without faults or endpoints left over from another test."""
    shared_sandbox.call("DELETE", "/sandbox/faults")
    client = shared_sandbox.client()
    for endpoint in client.v1.webhook_endpoints.list({"limit": 100}).data:
        client.v1.webhook_endpoints.delete(endpoint.id)
    return shared_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()
