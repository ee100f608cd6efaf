"""Webhook endpoints. The signing secret is shown only in the answer that creates the endpoint, as at Stripe.

One thing differs: creating an endpoint for a URL that has one answers that one, with its secret. So a launcher can
register on every start, and no endpoint is left behind whose secret nobody knows.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

from sandboxes.stripe import params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.store import Object, new_id

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SECRET_LENGTH = 32


def is_this_machine(host: str) -> bool:
    """True for the loopback and for addresses of this machine's own interfaces, which alone can be bound."""
    if host in LOOPBACK:
        return True
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except (ValueError, OSError):
        return False
    return not ipaddress.ip_address(host).is_unspecified


def local_url(value: Any, name: str) -> str:
    """An http(s) address on this machine: nothing the sandbox sends leaves it."""
    text = params.text(2048)(value, name) or ""
    try:
        parts = urlsplit(text)
        port_is_good = parts.port != 0
    except ValueError:
        raise invalid(f"Invalid URL: {text}", name, "url_invalid") from None
    if (
        parts.scheme not in ("http", "https")
        or not port_is_good
        or parts.username is not None
        or not text.isprintable()
    ):
        raise invalid(
            "Invalid URL: an explicit scheme (such as https) and a host must be provided.", name, "url_invalid"
        )
    if not is_this_machine(parts.hostname or ""):
        raise invalid("This sandbox calls only addresses of the machine it runs on.", name, "url_invalid")
    return text


_EVENTS = params.several(params.text(100), 200)
CREATE: params.Spec = {
    "url": local_url,
    "enabled_events": _EVENTS,
    "api_version": params.text(50),
    "connect": params.flag,
    "description": params.text(1000),
    "metadata": params.metadata,
}
UPDATE: params.Spec = {
    "url": local_url,
    "enabled_events": _EVENTS,
    "description": params.text(1000),
    "disabled": params.flag,
    "metadata": params.metadata,
}


def create(call: Call) -> Object:
    """The endpoint of this URL with its secret, made if there is none."""
    given = call.params
    if not given["enabled_events"]:
        raise invalid("Missing required param: enabled_events.", "enabled_events", "parameter_missing")
    made = _of_url(call, given["url"], given.get("connect", False)) or _make(call, given)
    made |= {"enabled_events": given["enabled_events"], "status": "enabled"}
    call.tx.put(made)
    return made | {"secret": made["_secret"]}


def _of_url(call: Call, url: str, connect: bool) -> Object | None:
    known = (each for each in call.tx.newest("webhook_endpoint") if each["url"] == url and each["_connect"] == connect)
    return next((dict(each) for each in known), None)


def _make(call: Call, given: dict[str, Any]) -> Object:
    return call.tx.create(
        "webhook_endpoint",
        "we",
        {
            "api_version": given.get("api_version"),
            "application": None,
            "description": given.get("description"),
            "enabled_events": given["enabled_events"],
            "metadata": params.merge_metadata({}, given.get("metadata", {})),
            "status": "enabled",
            "url": given["url"],
            "_connect": given.get("connect", False),
            "_secret": f"whsec_{new_id('x', SECRET_LENGTH)[2:]}",
        },
    )


def retrieve(call: Call) -> Object:
    return call.tx.get("webhook_endpoint", call.args[0])


def update(call: Call) -> Object:
    endpoint = call.tx.get("webhook_endpoint", call.args[0])
    endpoint |= {name: call.params[name] for name in ("url", "enabled_events", "description") if name in call.params}
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    endpoint["metadata"] = params.merge_metadata(endpoint["metadata"], call.params.get("metadata", {}))
    return call.tx.put(endpoint)


def delete(call: Call) -> Object:
    endpoint = call.tx.get("webhook_endpoint", call.args[0])
    call.tx.drop(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def index(call: Call) -> Listing:
    return listed(call, "webhook_endpoint")
