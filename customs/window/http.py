"""One way of calling out: no redirects, and never through a proxy to our own machine."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

_OWN_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def session_for(url: str) -> requests.Session:
    """A session for one call; proxies of the environment count only for other machines."""
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in _OWN_MACHINE
    return session
