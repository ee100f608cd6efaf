"""`python -m launch`, which is `make run`."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from core.postgres_cluster import PostgresError, make_folder
from core.tether import tie_to_parent
from launch import leftovers
from launch.ports import check_free
from launch.settings import LaunchError, Settings, read_settings
from launch.system import System

_PR_SET_CHILD_SUBREAPER = 36
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEMO = ("consumer", "company", "merchant", "merchant2", "customs", "operator")


class _StopRequest(BaseException):
    """Ctrl-C, or a request to end."""


def main() -> int:
    # Logs, uploads and exports hold personal data: for their owner only.
    os.umask(0o077)
    started = time.monotonic()
    try:
        settings = read_settings(os.environ)
        with _only_one(settings):
            return _run(settings, started)
    except (LaunchError, PostgresError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"make run: {error.filename} is of another user: choose another LANDFALL_VAR", file=sys.stderr)
        return 1
    except _StopRequest:
        return 0


def _run(settings: Settings, started: float) -> int:
    _listen_to_signals()
    if leftovers.stop(settings.var):
        _say("stopped what an earlier run had left")
    check_free(settings.listening)
    for name in ("run", "log"):
        make_folder(settings.var / name, 0o700)
    system = System(settings, _say)
    try:
        system.bring_up()
        _welcome(settings, time.monotonic() - started)
        system.watch()
    finally:
        _say("stopping")
        system.stop()
        _say("stopped")
    return 0


def _listen_to_signals() -> None:
    def request_stop(number: int, frame: FrameType | None) -> None:
        # The same request often comes twice, from the terminal and from `make`; stopping must not be interrupted.
        for each in _STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise _StopRequest

    for each in _STOP_SIGNALS:
        signal.signal(each, request_stop)
    if "MAKELEVEL" in os.environ:
        # `make` killed outright cannot tell us; without it nobody would know that we are here.
        tie_to_parent(signal.SIGTERM, os.getppid())
        threading.Thread(target=_follow_make, args=(os.getppid(),), daemon=True).start()
    # Should supervisord be killed, its processes become ours, so that somebody takes note of their end.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _follow_make(make: int) -> None:
    """`make` does not pass on an interrupt sent to it alone: it waits for us, in a handler that blocks SIGINT."""
    status = Path(f"/proc/{make}/status")
    with suppress(OSError):  # it is gone, or this system has no /proc
        while True:
            blocked = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk"))
            if int(blocked, 16) >> (signal.SIGINT - 1) & 1:
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.5)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the state folder for as long as we run. Raises LaunchError when another run holds it."""
    make_folder(settings.var, 0o711 if os.geteuid() == 0 else 0o700)
    path: Path = settings.var / "launch.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LaunchError(f"already running on {settings.var} (process {file.read().strip()})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _welcome(settings: Settings, seconds: float) -> None:
    lines = [f"ready after {seconds:.0f} s", "", f"  shop                {settings.web_url}/"]
    lines += [f"  API                 {settings.web_url}/api/v1/openapi.json"]
    for process, variable, what in (
        ("stripe", "STRIPE_SANDBOX_PORT", "Stripe sandbox"),
        ("window", "SINGLE_WINDOW_SANDBOX_PORT", "window sandbox"),
    ):
        if process in settings.processes:
            lines.append(f"  {what:<19} http://127.0.0.1:{settings.ports[variable]}/")
    lines += [f"  state and logs      {settings.var} (log/*.log)", ""]
    lines += [f"  log in as           {', '.join(f'{name}@' for name in _DEMO)}landfall.example"]
    lines += ["  password            landfall-demo", "", "Ctrl-C stops everything."]
    _say("\n".join(lines))


def _say(text: str) -> None:
    # Whoever read our output may be gone; that is no reason to stop serving.
    with suppress(BrokenPipeError):
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
