"""The embedded server keeps what was committed and comes up again, whatever was killed before."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from core import embedded_postgres as embedded
from core.postgres_cluster import Cluster, PostgresError, ensure_cluster, locate, short_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var() -> Iterator[Path]:
    """A state folder that every user may walk into, as a usual checkout is."""
    folder = Path(tempfile.mkdtemp(prefix="landfall-test-"))
    folder.chmod(0o711)
    yield folder
    _remove(folder)


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """One cluster for the tests that leave it as they found it: making one costs a second."""
    folder = Path(tempfile.mkdtemp(prefix="landfall-test-"))
    folder.chmod(0o711)
    ensure_cluster(folder)
    yield folder
    _remove(folder)


def _remove(folder: Path) -> None:
    embedded.remove(folder)
    shutil.rmtree(folder)


def _query(cluster: Cluster, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(cluster.url(scheme="postgresql"), autocommit=True) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


def _until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def _owner(var: Path) -> subprocess.Popen[str]:
    """Another process that needs the server, starts it if it must, and ends when its input does."""
    script = (
        "import sys; from pathlib import Path; from core.embedded_postgres import serve_until_exit, create_database\n"
        "create_database(serve_until_exit(Path(sys.argv[1]))); print('ready', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(var)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def test_committed_rows_survive_a_killed_server(var: Path) -> None:
    with embedded.serving(var) as cluster:
        embedded.create_database(cluster)
        _query(cluster, "CREATE TABLE kept (id int)")
        _query(cluster, "INSERT INTO kept VALUES (7)")
        server = cluster.postmaster_pid()
        assert server is not None
        os.kill(server, signal.SIGKILL)
    assert (cluster.data / "postmaster.pid").exists(), "a killed server leaves its lock file"
    with embedded.serving(var) as cluster:
        assert _query(cluster, "SELECT id FROM kept") == [(7,)]


def test_a_killed_backend_takes_nobody_with_it_for_long(shared: Path) -> None:
    with embedded.serving(shared) as cluster:
        embedded.create_database(cluster)
        with psycopg.connect(cluster.url(scheme="postgresql")) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        _until(lambda: embedded.accepting(cluster))
        assert _query(cluster, "SELECT 1") == [(1,)]


def test_lock_file_of_a_zombie_does_not_block(shared: Path) -> None:
    zombie = _as_server_user(shared, "true")
    _until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    _leave_lock_file(shared, zombie.pid)
    with embedded.serving(shared) as cluster:
        assert embedded.accepting(cluster)
    zombie.wait()


def test_lock_file_with_the_number_of_a_stranger_does_not_block(shared: Path) -> None:
    cluster = locate(shared)
    assert cluster is not None
    stranger = _as_server_user(shared, "sleep", "60")
    _leave_lock_file(shared, stranger.pid)
    try:
        with embedded.serving(shared):
            assert embedded.accepting(cluster)
        assert stranger.poll() is None, "a process that is not ours was stopped"
    finally:
        stranger.kill()
        stranger.wait()


def _as_server_user(var: Path, *command: str) -> subprocess.Popen[bytes]:
    """PostgreSQL takes no process of another user for a server, so only one of its own can mislead it."""
    cluster = locate(var)
    assert cluster is not None
    identity = {"user": cluster.uid, "group": cluster.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.Popen(command, cwd="/", **identity)  # type: ignore[call-overload]


def _leave_lock_file(var: Path, pid: int) -> None:
    cluster = locate(var)
    assert cluster is not None
    lines = [pid, cluster.data, 1700000000, 5432, cluster.socket, "", "  9999999         0", "ready   "]
    for path in (cluster.data / "postmaster.pid", cluster.socket / ".s.PGSQL.5432.lock"):
        path.write_text("\n".join(map(str, lines)) + "\n")
        os.chown(path, cluster.uid, cluster.gid)


def test_server_stops_when_its_owner_is_killed(shared: Path) -> None:
    owner = _owner(shared)
    cluster = locate(shared)
    assert cluster is not None
    owner.kill()
    owner.wait()
    _until(lambda: not (cluster.data / "postmaster.pid").exists())
    assert not embedded.running(shared)


def test_second_user_keeps_the_server_of_the_first(shared: Path) -> None:
    first = _owner(shared)
    with embedded.serving(shared) as cluster:
        assert first.stdin is not None
        first.stdin.close()
        time.sleep(0.5)
        assert first.poll() is None, "the owner left while the server was in use"
        assert _query(cluster, "SELECT 1") == [(1,)]
    first.wait(30)
    assert not embedded.running(shared)


def test_one_server_at_a_time(shared: Path) -> None:
    with embedded.serving(shared) as cluster:
        command = [sys.executable, "-m", "core.embedded_postgres", "serve", "--no-wait", "--var", str(shared)]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert second.returncode == 75
        assert f"process {cluster.postmaster_pid()}" in second.stderr
        with pytest.raises(PostgresError, match="in use"):
            embedded.remove(shared)
        assert embedded.accepting(cluster)


def test_settings_and_rights(shared: Path) -> None:
    with embedded.serving(shared) as cluster:
        embedded.create_database(cluster)
        embedded.create_database(cluster)
        shown = [_query(cluster, f"SHOW {name}")[0][0] for name in ("synchronous_commit", "fsync", "TimeZone")]
        assert shown == ["on", "on", "UTC"]
        assert _query(cluster, "SHOW listen_addresses") == [("",)]
        assert _query(cluster, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        assert _query(cluster, "SHOW server_encoding") == [("UTF8",)]
        assert _query(cluster, "SELECT lower('ÀÉ'), upper('straße') < 'STRAßF'") == [("àé", True)]


def test_data_and_socket_are_for_their_owner_only(shared: Path) -> None:
    cluster = locate(shared)
    assert cluster is not None
    for folder in (cluster.data, cluster.socket):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == cluster.uid
    assert cluster.uid != 0


def test_no_folder_above_is_opened(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    var = closed / "checkout" / "var"
    modes = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in closed.parents}
    try:
        with embedded.serving(var) as cluster:
            embedded.create_database(cluster)
            assert _query(cluster, "SELECT 1") == [(1,)]
            assert cluster.data.is_relative_to(var) == (os.geteuid() != 0)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert {folder: stat.S_IMODE(folder.stat().st_mode) for folder in closed.parents} == modes
        assert locate(var) == cluster
    finally:
        embedded.remove(var)
    assert not cluster.data.exists()


def test_long_path_with_odd_letters(var: Path) -> None:
    state = var / "a, b % 中 'c'" / ("x" * 100)
    state.mkdir(parents=True)
    for folder in (state, state.parent):
        folder.chmod(0o711)
    with embedded.serving(state) as cluster:
        embedded.create_database(cluster)
        assert _query(cluster, "SELECT 1") == [(1,)]
        assert cluster.socket != cluster.data
    embedded.remove(state)
    assert not cluster.socket.exists()


def test_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = short_folder(tmp_path / ("y" * 120), os.geteuid(), os.getegid())
    try:
        folder.chmod(0o777)
        with pytest.raises(PostgresError, match="somebody else"):
            short_folder(tmp_path / ("y" * 120), os.geteuid(), os.getegid())
    finally:
        folder.rmdir()


def test_half_made_cluster_is_made_again(var: Path) -> None:
    half_made = var / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    (var / "postgres").chmod(0o711)
    with embedded.serving(var) as cluster:
        assert embedded.accepting(cluster)


def test_data_of_another_major_version_is_refused(shared: Path) -> None:
    cluster = locate(shared)
    assert cluster is not None
    version = cluster.data / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(PostgresError, match="made by PostgreSQL 17"):
            ensure_cluster(shared)
    finally:
        version.write_text("18\n")
