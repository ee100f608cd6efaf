"""A port that is taken is told before anything starts, with the variable that changes it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launch.ports import answers, check_free
from launch.settings import LaunchError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_names_its_variable(taken: int) -> None:
    with pytest.raises(LaunchError, match=f"port {taken} is in use: set STRIPE_SANDBOX_PORT"):
        check_free({"STRIPE_SANDBOX_PORT": ("127.0.0.1", taken)})


def test_every_taken_port_is_told(taken: int) -> None:
    with pytest.raises(LaunchError) as refusal:
        check_free({"PORT": ("127.0.0.1", taken), "SINGLE_WINDOW_SANDBOX_PORT": ("127.0.0.1", taken)})
    assert [line.split("set ")[1].split()[0] for line in str(refusal.value).splitlines()] == [
        "PORT",
        "SINGLE_WINDOW_SANDBOX_PORT",
    ]


def test_a_closing_connection_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            served, _ = listener.accept()
            served.close()  # this end closes first, so its port stays in TIME_WAIT
    check_free({"PORT": ("127.0.0.1", port)})
    assert not answers(port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(LaunchError, match=r"port 8000 on 192\.0\.2\.1 cannot be used .* set PORT"):
        check_free({"PORT": ("192.0.2.1", 8000)})


def test_nothing_is_started_on_a_taken_port(taken: int, tmp_path: Path) -> None:
    var = tmp_path / "var"
    run = subprocess.run(
        [sys.executable, "-m", "launch"],
        cwd=ROOT,
        env={**os.environ, "LANDFALL_VAR": str(var), "PORT": str(taken)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert f"port {taken} is in use: set PORT to another" in run.stderr
    assert "Traceback" not in run.stderr
    assert [path.name for path in var.iterdir()] == ["launch.lock"]
