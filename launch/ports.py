"""Is a port free? Asked before anything is started, so that the answer names the variable to change."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from launch.settings import LaunchError


def check_free(wanted: Mapping[str, tuple[str, int]]) -> None:
    """`wanted` is variable name: (host, port). Raises LaunchError, a line for each that cannot be had."""
    faults = [fault for name, (host, port) in wanted.items() if (fault := _fault(name, host, port))]
    if faults:
        raise LaunchError("\n".join(faults))


def _fault(name: str, host: str, port: int) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection of an earlier run that is still closing does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} is in use: set {name} to another, or stop what listens there"
            return f"port {port} on {host} cannot be used ({error.strerror}): set {name} to another"
    return None


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Does something accept connections there?"""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
