"""supervisord with a configuration of our own: it restarts what dies and stops everything in order.

Started tied to us, in a session of its own: Ctrl-C at the terminal reaches `make run` alone, which then has supervisord
stop its processes one by one, the database last.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from core.postgres_cluster import short_folder
from core.tether import tied
from launch.process import PROCFILE, ROOT
from launch.settings import LaunchError

QUICK_FAILURES = 5  # ends this close together (START_SECONDS) before a process is given up for the moment
START_SECONDS = 5
_STOP = {  # signal and patience before SIGKILL
    "postgres": ("INT", 60),  # fast shutdown: ends sessions, writes a checkpoint
    "worker": ("TERM", 30),  # longer than the worker gives its running jobs
    "web": ("TERM", 20),  # longer than gunicorn's graceful_timeout
}


class Supervisor:
    """One supervisord and the processes it looks after; `names` in starting order."""

    def __init__(
        self, var: Path, names: Sequence[str], environment: Mapping[str, str], procfile: Path = PROCFILE
    ) -> None:
        self.var = var
        self.names = list(names)
        self._environment = dict(environment)
        self._procfile = procfile
        self._child: subprocess.Popen[bytes] | None = None
        self._socket = short_folder(var / "run", os.geteuid(), os.getegid()) / "s.sock"

    def start(self) -> None:
        """Start supervisord itself; no process yet. Raises LaunchError."""
        path = self.var / "run" / "supervisord.conf"
        path.write_text(self.configuration())
        self._socket.unlink(missing_ok=True)
        command = tied(sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(path))
        with (self.var / "log" / "supervisord.out").open("wb") as out:
            self._child = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while not self._answers():
            if not self.alive() or time.monotonic() > deadline:
                raise LaunchError(f"supervisord did not start:\n{tail(self.var / 'log' / 'supervisord.out')}")
            time.sleep(0.05)

    def configuration(self) -> str:
        """supervisord's configuration file. Secrets are not in it: processes read them where they are kept."""
        parts = [
            "[supervisord]",
            "nodaemon=true",
            "silent=true",
            "umask=077",
            "minfds=256",
            "minprocs=64",
            *(["user=root"] if os.geteuid() == 0 else []),
            f"logfile={_literal(self.var / 'log' / 'supervisord.log')}",
            "logfile_maxbytes=5MB",
            "logfile_backups=1",
            f"pidfile={_literal(self.var / 'run' / 'supervisord.pid')}",
            f"childlogdir={_literal(self.var / 'log')}",
            "[unix_http_server]",
            f"file={_literal(self._socket)}",
            "chmod=0700",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for place, name in enumerate(self.names):
            parts += self._program(name, priority=100 + place)
        return "\n".join(parts) + "\n"

    def _program(self, name: str, priority: int) -> list[str]:
        stop_signal, patience = _STOP.get(name, ("TERM", 10))
        command = [sys.executable, "-m", "launch.process", name, str(self._procfile)]
        return [
            f"[program:{name}]",
            f"command={_literal(shlex.join(command))}",
            f"directory={_literal(ROOT)}",
            f"priority={priority}",  # stopped in the opposite order
            "autostart=false",
            "autorestart=true",
            f"startsecs={START_SECONDS}",
            f"startretries={QUICK_FAILURES - 1}",  # each after a second more than the one before
            f"stopsignal={stop_signal}",
            f"stopwaitsecs={patience}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_literal(self.log(name))}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=3",
        ]

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.var / "log" / f"{name}.log"

    def start_process(self, name: str) -> None:
        """Have a process started; whether it stays up is seen in `states()`."""
        self._call().startProcess(name, False)

    def states(self) -> dict[str, dict[str, Any]]:
        """supervisord's view of each process: `statename`, `pid`, `start`, `exitstatus`. Raises LaunchError."""
        try:
            return {entry["name"]: entry for entry in self._call().getAllProcessInfo()}
        except (OSError, HTTPException) as error:
            raise LaunchError(f"supervisord does not answer: {error}") from error

    def alive(self) -> bool:
        """Is supervisord itself there? Also takes note of its end, so that it is no zombie."""
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """Stop every process, the last started first, then supervisord."""
        if self._child is None:
            return
        for number, seconds in ((signal.SIGTERM, 150), (signal.SIGKILL, 10)):
            if self.alive():
                self._child.send_signal(number)
            try:
                self._child.wait(seconds)
                return
            except subprocess.TimeoutExpired:
                continue

    def _answers(self) -> bool:
        try:
            return bool(self._call().getState())
        except (OSError, HTTPException, xmlrpc.client.Error):
            return False

    def _call(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=cast(Any, transport)).supervisor


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log, for the person at the terminal."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return "(no output)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:]) or "(no output)"


def _literal(value: object) -> str:
    """supervisord expands %(name)s in values."""
    return str(value).replace("%", "%%")
