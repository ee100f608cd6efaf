"""The whole of `make run` after installation: real processes, real ports, things killed in between."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import embedded_postgres
from core.postgres_cluster import locate
from launch import leftovers

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 120


class Run:
    """One `make run` on a state folder."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.var = Path(environment["LANDFALL_VAR"])
        self.port = int(environment["PORT"])
        self.environment = environment
        self.output = self.var.parent / "output"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "launch"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        until(lambda: "Ctrl-C stops everything" in self.said() or self.process.poll() is not None, READY_SECONDS)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return self.output.read_text()

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers if body else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(90)


def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    ports = free_ports(3)
    environment = {
        **os.environ,
        "LANDFALL_VAR": str(tmp_path / "var"),
        **dict(zip(("PORT", "STRIPE_SANDBOX_PORT", "SINGLE_WINDOW_SANDBOX_PORT"), map(str, ports), strict=True)),
    }
    runs: list[Run] = []

    def begin() -> Run:
        runs.append(Run(environment))
        return runs[-1]

    yield begin
    for run in runs:
        if run.process.poll() is None:
            run.stop()
    leftovers.stop(tmp_path / "var")
    embedded_postgres.remove(tmp_path / "var")


def test_comes_up_survives_kills_and_starts_again_on_the_same_data(start: Callable[[], Run]) -> None:
    """Its parts killed one by one are started again; all killed at once, the next run goes on; Ctrl-C leaves nothing."""
    run = start()
    run.wait_until_ready()
    account = {"email": "kept@example.com", "password": "a long password 1", "name": "Kept"}
    assert run.ask("POST", "/api/v1/accounts", account)[0] == 201
    secrets = (run.var / "landfall.env").read_text()
    cluster = locate(run.var)
    assert cluster is not None
    _says_that_it_runs_already(run)
    _other_shells_find_its_database(run)

    server = cluster.postmaster_pid()
    assert server is not None
    os.kill(server, signal.SIGKILL)
    until(lambda: cluster.postmaster_pid() != server and run.ready())
    until(lambda: "postgres ended by itself (terminated by SIGKILL) and was started again" in run.said())
    os.kill(_supervisord(run), signal.SIGKILL)
    until(lambda: "supervisord is gone" in run.said())
    until(run.ready)
    assert "Traceback" not in run.said()

    for victim in (run.process.pid, _supervisord(run), cluster.postmaster_pid()):
        os.kill(victim, signal.SIGKILL)  # type: ignore[arg-type]
    run.process.wait()
    again = start()
    again.wait_until_ready()
    login = {"email": "consumer@landfall.example", "password": "landfall-demo"}
    for known in (login, {name: account[name] for name in login}):
        assert again.ask("POST", "/api/v1/tokens", known)[0] in (200, 201)
    assert (run.var / "landfall.env").read_text() == secrets

    assert again.stop(signal.SIGINT) == 0
    assert "Traceback" not in again.said()
    assert leftovers.find(run.var) == []
    assert cluster.postmaster_pid() is None


def _supervisord(run: Run) -> int:
    return int((run.var / "run" / "supervisord.pid").read_text())


def _says_that_it_runs_already(run: Run) -> None:
    launch = [sys.executable, "-m", "launch"]
    second = subprocess.run(launch, cwd=ROOT, env=run.environment, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"already running on {run.var} (process {run.process.pid})" in second.stderr


def _other_shells_find_its_database(run: Run) -> None:
    shell = {"PATH": os.environ["PATH"], "LANDFALL_VAR": str(run.var)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "current"]
    elsewhere = subprocess.run(command, cwd=ROOT, env=shell, capture_output=True, text=True)
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "(head)" in elsewhere.stdout
