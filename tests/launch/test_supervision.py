"""What dies comes back, what keeps dying is told, what is stopped is gone. Tried on a Procfile of small scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from launch import leftovers, supervision, system
from launch.settings import MARK, child_environment, read_settings, write_env_file
from launch.supervision import Supervisor

SLEEP = "python -c 'import time; time.sleep(600)'"


def _until(holds: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)
    return found


@pytest.fixture
def var(tmp_path: Path) -> Path:
    for name in ("run", "log"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def supervise(var: Path) -> Iterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def start(**procfile: str) -> Supervisor:
        path = var / "Procfile"
        path.write_text("".join(f"{name}: {command}\n" for name, command in procfile.items()))
        environment = child_environment(read_settings({**os.environ, "LANDFALL_VAR": str(var)}), Path(sys.executable))
        running.append(Supervisor(var, list(procfile), environment, path))
        running[-1].start()
        for name in procfile:
            running[-1].start_process(name)
        return running[-1]

    yield start
    for supervisor in running:
        supervisor.stop()
    leftovers.stop(var, patience=5)


def _pid(supervisor: Supervisor, name: str) -> int:
    return int(supervisor.states()[name]["pid"])


def test_a_killed_process_comes_back(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(web=SLEEP, worker=SLEEP)
    before = _until(lambda: _pid(supervisor, "web"))
    other = _pid(supervisor, "worker")
    os.kill(before, signal.SIGKILL)
    after = _until(lambda: (found := _pid(supervisor, "web")) != before and found)
    assert psutil.pid_exists(after)
    assert not psutil.pid_exists(before)
    assert _pid(supervisor, "worker") == other


def test_stop_leaves_nothing(supervise: Callable[..., Supervisor], var: Path) -> None:
    supervisor = supervise(web=SLEEP, worker=SLEEP)
    _until(lambda: len(leftovers.find(var)) == 3)
    supervisor.stop()
    assert leftovers.find(var) == []
    assert not supervisor.alive()


def test_stops_in_the_opposite_order(supervise: Callable[..., Supervisor], var: Path) -> None:
    order = var / "order"
    # `exec` replaces the shell, so the trap needs a shell of its own.
    line = f"sh -c 'trap \"echo $0 >> {order}; exit\" TERM; while :; do sleep 0.05; done' "
    supervisor = supervise(first=line + "first", second=line + "second", third=line + "third")
    _until(lambda: all(entry["statename"] == "RUNNING" for entry in supervisor.states().values()))
    supervisor.stop()
    assert order.read_text().split() == ["third", "second", "first"]


def test_children_of_a_killed_supervisor_end(supervise: Callable[..., Supervisor], var: Path) -> None:
    supervisor = supervise(web=SLEEP)
    web = _until(lambda: _pid(supervisor, "web"))
    _until(lambda: "time.sleep" in " ".join(psutil.Process(web).cmdline()))
    os.kill(int((var / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
    _until(lambda: not leftovers.find(var), 10)


def test_what_keeps_failing_is_told_with_its_last_words(
    supervise: Callable[..., Supervisor], var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "QUICK_FAILURES", 2)
    supervisor = supervise(web="python -c 'raise SystemExit(\"no secret key\")'", worker=SLEEP)
    said: list[str] = []
    watched = system.System(read_settings({"LANDFALL_VAR": str(var)}), said.append)
    watched.supervisor = supervisor

    def told() -> bool:
        watched.look()
        return any("web failed" in line for line in said)

    _until(told)
    assert len([line for line in said if "web failed" in line]) == 1
    assert "no secret key" in "\n".join(said)
    monkeypatch.setattr(system, "RETRY_SECONDS", 0.0)
    watched._retry_at["web"] = 0.0
    _until(lambda: watched.look() or len([line for line in said if "web failed" in line]) == 2)


def test_what_died_is_told_with_how(supervise: Callable[..., Supervisor], var: Path) -> None:
    supervisor = supervise(web=SLEEP)
    said: list[str] = []
    watched = system.System(read_settings({"LANDFALL_VAR": str(var)}), said.append)
    watched.supervisor = supervisor
    _until(lambda: _pid(supervisor, "web"))
    watched.look()
    assert said == []
    os.kill(_pid(supervisor, "web"), signal.SIGKILL)
    _until(lambda: watched.look() or said)
    assert said == ["web ended by itself (terminated by SIGKILL) and was started again"]


def test_processes_see_the_env_file_beneath_the_environment(supervise: Callable[..., Supervisor], var: Path) -> None:
    write_env_file(var, {"SECRET_KEY": "of the file=", "HOME": "/of/the/file"})
    supervisor = supervise(web='echo "$SECRET_KEY $HOME $LANDFALL_VAR"; ' + SLEEP)
    log = supervisor.log("web")
    _until(lambda: log.exists() and log.read_text())
    assert log.read_text().strip() == f"of the file= {os.environ['HOME']} {var}"
    assert "of the file" not in supervisor.configuration()


def test_leftovers_are_ours_only(var: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    ours, stranger = (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, MARK: str(folder)})
        for folder in (var, other)
    )
    try:
        _until(lambda: leftovers.find(var))
        assert leftovers.stop(var) == 1
        assert ours.poll() is not None
        assert stranger.poll() is None
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()
