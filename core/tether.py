"""A child that does not outlive its parent, whatever kills the parent.

`python -m core.tether COMMAND...` ties itself to the process that started it and becomes COMMAND. SIGKILL gives a
supervisor no chance to stop what it started; the kernel then tells the children instead (prctl(2), PR_SET_PDEATHSIG).
Where the kernel has no such call the command runs untied.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_to_parent(signal_number: int, parent: int) -> None:
    """Have the kernel send `signal_number` to this process when process `parent` (its parent now) has died.

    Call it after any change of user, which clears the setting. The tie survives exec and is not inherited by children.
    The kernel watches the thread that started this process, so start such children from a thread that stays.
    """
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is None:
        return
    if prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def tied(*command: str) -> list[str]:
    """`command`, tied to whoever starts it."""
    return [sys.executable, "-m", "core.tether", *command]


def main() -> None:
    tie_to_parent(signal.SIGTERM, os.getppid())
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  our own caller's command


if __name__ == "__main__":
    main()
