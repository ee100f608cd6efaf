"""What `make run` decides before it starts anything: the state folder, the ports, which parts are its own.

`VAR/landfall.env` (mode 0600) carries secrets made once and the addresses of this run. Whatever the user sets in the
environment stands above it and is never written into it.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENV_FILE = "landfall.env"
MARK = "LANDFALL_SUPERVISED"  # in the environment of every process we start, to know our own after a crash
_PORTS = {"PORT": 8000, "STRIPE_SANDBOX_PORT": 8420, "SINGLE_WINDOW_SANDBOX_PORT": 8430}


class LaunchError(Exception):
    """`make run` cannot go on; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`given` is the user's environment without empty values; `processes` are ours to run, in starting order."""

    var: Path
    host: str
    ports: Mapping[str, int]
    given: Mapping[str, str]
    processes: tuple[str, ...]

    @property
    def web_url(self) -> str:
        """Where the web process answers on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"http://{host}:{self.ports['PORT']}"

    @property
    def listening(self) -> dict[str, tuple[str, int]]:
        """Variable name: host and port that this run will listen on."""
        wanted = {"PORT": (self.host, self.ports["PORT"])}
        for process, variable in (("stripe", "STRIPE_SANDBOX_PORT"), ("window", "SINGLE_WINDOW_SANDBOX_PORT")):
            if process in self.processes:
                wanted[variable] = ("127.0.0.1", self.ports[variable])
        return wanted


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Raises LaunchError when a port is no port, or two are the same."""
    given = {name: value for name, value in environ.items() if value != ""}
    ports = {name: _port(name, given.get(name, str(default))) for name, default in _PORTS.items()}
    left_out = {
        "postgres": "DATABASE_URL" in given,
        "stripe": "STRIPE_API_BASE" in given or "STRIPE_SECRET_KEY" in given,
        "window": "SINGLE_WINDOW_URL" in given,
    }
    processes = tuple(name for name in ("postgres", "stripe", "window", "worker", "web") if not left_out.get(name))
    var = Path(given.get("LANDFALL_VAR", "var")).absolute()
    settings = Settings(var, given.get("HOST", "127.0.0.1"), ports, given, processes)
    taken: dict[int, str] = {}
    for name, (_, port) in settings.listening.items():
        if port in taken:
            raise LaunchError(f"{name} and {taken[port]} are both {port}: give each a port of its own")
        taken[port] = name
    return settings


def _port(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise LaunchError(f"{name} must be a port from 1 to 65535, not {text!r}")


def read_env_file(var: Path) -> dict[str, str]:
    """What the last run wrote; empty before the first."""
    path = var / ENV_FILE
    if not path.is_file():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#")


def make_env(settings: Settings, known: Mapping[str, str], database_url: str | None) -> dict[str, str]:
    """The content of landfall.env: secrets of `known` kept, missing ones made, addresses of this run."""
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "IDENTITY_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "SINGLE_WINDOW_RECEIPT_TOKEN": secrets.token_urlsafe(24),
    }
    values: dict[str, str] = {}
    if "stripe" in settings.processes:
        made["STRIPE_SECRET_KEY"] = f"sk_test_{secrets.token_hex(16)}"
        made["STRIPE_PUBLISHABLE_KEY"] = f"pk_test_{secrets.token_hex(16)}"
        values["STRIPE_API_BASE"] = f"http://127.0.0.1:{settings.ports['STRIPE_SANDBOX_PORT']}"
    if "window" in settings.processes:
        window = f"http://127.0.0.1:{settings.ports['SINGLE_WINDOW_SANDBOX_PORT']}"
        values["SINGLE_WINDOW_URL"] = f"{window}/cebcmsg"
        values["ACCOUNT_BOOK_URL"] = f"{window}/sandbox/books"
        if "LANDFALL_RECEIVING_ACCOUNT" not in settings.given:
            values["LANDFALL_RECEIVING_ACCOUNT"] = "acct_sandbox"  # invented: payment data must name one
        if "SIGNER_URL" not in settings.given:
            # The window knows the certificate of our software key; that of somebody's own signer it takes as it comes.
            values["SINGLE_WINDOW_SANDBOX_TRUSTED_CERT"] = str(settings.var / "signer" / "signer-cert.pem")
    if database_url:
        values["DATABASE_URL"] = database_url
    values |= {name: str(port) for name, port in settings.ports.items()}
    return {name: known.get(name, fresh) for name, fresh in made.items()} | values


def write_env_file(var: Path, values: Mapping[str, str]) -> None:
    """All or nothing, for its owner only: losing the identity key would lose what is encrypted with it."""
    draft = var / f"{ENV_FILE}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if os.geteuid() == 0:
            os.fchown(descriptor, var.stat().st_uid, var.stat().st_gid)  # root may run somebody's state folder
        file.write("# Written by `make run`: secrets are kept from run to run, addresses are of the last one.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(var / ENV_FILE)


def child_environment(settings: Settings, python: Path) -> dict[str, str]:
    """For every process of this run; landfall.env is laid beneath it when the process starts."""
    path = f"{python.parent}{os.pathsep}{settings.given.get('PATH', os.defpath)}"
    ours = {"LANDFALL_VAR": str(settings.var), MARK: str(settings.var), "PATH": path, "PYTHONUNBUFFERED": "1"}
    return {**settings.given, **ours}
