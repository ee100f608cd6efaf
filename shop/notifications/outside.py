"""A POST to an address that somebody else has chosen, without being led astray (server-side request forgery).

The name is resolved once, every address it has must be public, and the connection goes to the address that was looked
at, so a name that answers differently the second time changes nothing. No redirect is followed, no proxy asked, the
whole call has five seconds, and of the answer the first bytes are read.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 5
ANSWER_MOST = 500  # bytes kept of an answer
URL_MOST = 500
_UNICAST = ipaddress.ip_network("2000::/3")  # all that has been given out of IPv6; what else there is, is no address
# Networks inside it that stand for another address, and one for documentation that older Pythons take for public.
_NOT_THEMSELVES = [ipaddress.ip_network(text) for text in ("2002::/16", "2001::/32", "3fff::/20")]


class AddressRefused(ValueError):
    """The address is none we call; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 0 and a fault when nothing did."""

    ms: int
    status: int = 0
    text: str = ""
    fault: str | None = None


def checked(url: str, *, production: bool) -> SplitResult:
    """The URL in its parts. Raises AddressRefused for what is refused by its look alone."""
    schemes = ("https",) if production else ("https", "http")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("is no URL") from None
    if not url.isascii() or len(url) > URL_MOST or any(c <= " " or c in "\\\x7f" for c in url):
        raise AddressRefused(f"must be a URL of at most {URL_MOST} visible ASCII characters")
    if parts.scheme not in schemes or not parts.hostname:
        raise AddressRefused(f"must be a URL of {' or '.join(schemes)}")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise AddressRefused("must have no user, password or fragment")
    try:
        literal = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return parts  # a name: what it leads to is looked at when it is called
    _allowed(literal, production)
    return parts


def _allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address, production: bool) -> None:
    """Public addresses only; in development this machine too. Raises AddressRefused."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_loopback and not production:
        return
    public = plain.is_global and not plain.is_multicast and not plain.is_reserved
    if isinstance(plain, ipaddress.IPv6Address):
        public = public and plain in _UNICAST and not any(plain in network for network in _NOT_THEMSELVES)
    if not public:
        raise AddressRefused(f"leads to {address}, which is not a public address")


def resolved(host: str, port: int, *, production: bool) -> list[str]:
    """The addresses to connect to. Raises AddressRefused when any of the name's addresses is not allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused("has a name that leads nowhere") from None
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        _allowed(ipaddress.ip_address(address.partition("%")[0]), production)
    return addresses


def post(url: str, body: bytes, headers: Mapping[str, str], *, production: bool) -> Answer:
    """Send and read the status; never raises for what the other side does."""
    begun = time.monotonic()
    try:
        parts = checked(url, production=production)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = resolved(str(parts.hostname), port, production=production)
        with _Line(addresses, port, begun + TIMEOUT_SECONDS) as line:
            status, text = _exchange(line, parts, body, headers)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        return Answer(_ms(begun), fault=f"{type(fault).__name__}: {fault}"[:200])
    return Answer(_ms(begun), status, text)


def _ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once: reading all the certificates of the system takes its time."""
    return ssl.create_default_context()


class _Line:
    """A connection that is cut when its time is spent, however slowly the other side drips."""

    def __init__(self, addresses: Sequence[str], port: int, until: float) -> None:
        self._until = until
        self.sock = _connected(addresses, port, until)
        self._watchdog = threading.Timer(max(0, until - time.monotonic()), self._cut)
        self._watchdog.start()

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_fault: object) -> None:
        self._watchdog.cancel()
        self.sock.close()

    def secure(self, host: str) -> None:
        """Speak TLS from here on; the certificate must be the name's."""
        secured = _tls().wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self.sock = secured
        if time.monotonic() >= self._until:  # the watchdog has cut the socket that was given away
            raise TimeoutError("no time left for TLS")
        secured.do_handshake()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):  # the socket's own, since a TLS socket's would forget its state in mid-read
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _connected(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    """The first of the addresses that answers in time. Raises OSError."""
    fault: OSError = TimeoutError("no time left to connect")
    for address in addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), left)
        except OSError as refusal:
            fault = refusal
    raise fault


def _exchange(line: _Line, parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """One request on a connection of its own; the status and the first bytes of the answer."""
    if parts.scheme == "https":
        line.secure(str(parts.hostname))
    talk = http.client.HTTPConnection(str(parts.hostname), 443)  # a port, lest it looks for one in IPv6
    talk.sock = line.sock
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    talk.request("POST", target, body, {"Host": parts.netloc, "Connection": "close", **headers})
    answer = talk.getresponse()
    return answer.status, answer.read(ANSWER_MOST).decode(errors="replace")
