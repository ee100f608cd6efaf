"""Where mail goes, from one URL: `smtp://host:587?from=shop@example.com`, `smtps://user:password@host`.

`smtp` turns to TLS when the server offers it; `?starttls=always` demands it, `?starttls=never` does without. A password
is never sent in the clear, except to this very machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

PORTS = {"smtp": 25, "smtps": 465}
STARTTLS = ("offered", "always", "never")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ADDRESS = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and how to speak to it; `sender` is None when the URL names none."""

    host: str
    port: int
    tls: bool
    starttls: str
    user: str | None
    password: str | None = field(repr=False)
    sender: str | None


def parse(url: str) -> SmtpServer:
    """Raises ValueError with the rule, without repeating the URL, which may hold a password."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("must be a URL such as smtp://mail.example.com:587")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError("holds a path or fragment, which mean nothing here")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls, sender = options.pop("starttls", "offered"), options.pop("from", None)
    if options:
        raise ValueError("knows the options starttls and from")
    if starttls not in STARTTLS:
        raise ValueError(f"starttls must be one of {', '.join(STARTTLS)}")
    if sender is not None and not _ADDRESS.match(sender):
        raise ValueError("from must be an e-mail address")
    tls, local = parts.scheme == "smtps", parts.hostname in LOOPBACK
    if parts.password and not (tls or local or starttls == "always"):
        raise ValueError("has a password: use smtps or starttls=always")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    port = parts.port or PORTS[parts.scheme]
    return SmtpServer(parts.hostname, port, tls, starttls, user, password, sender)
