"""`python -m launch.process NAME PROCFILE`: become one process of the Procfile.

It is what the supervisor starts. Between the two stands nothing: the shell that expands the variables of the line is
replaced by the command, so signals reach it, and it is told to stop when the supervisor is gone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from core.tether import tie_to_parent
from launch.settings import read_env_file

ROOT = Path(__file__).resolve().parent.parent
PROCFILE = ROOT / "Procfile"


def read_procfile(path: Path) -> dict[str, str]:
    """Name and command of each process, in the order of the file."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): command.strip() for name, command in (line.split(":", 1) for line in lines)}


def full_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with landfall.env beneath it: what a process of this run sees."""
    return {**read_env_file(Path(environ["LANDFALL_VAR"])), **environ}


def main() -> None:
    # The supervisor's parent is watched by the supervisor; this one watches the supervisor.
    tie_to_parent(signal.SIGTERM, os.getppid())
    name, procfile = sys.argv[1:]
    command = read_procfile(Path(procfile))[name]
    os.execve("/bin/sh", ["sh", "-c", f"exec {command}"], full_environment(os.environ))  # noqa: S606


if __name__ == "__main__":
    main()
