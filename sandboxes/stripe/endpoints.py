"""Webhook endpoints. The signing secret is shown once, in the answer that creates the endpoint, as at Stripe."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sandboxes.stripe import params
from sandboxes.stripe.call import Call, Listing, listed
from sandboxes.stripe.errors import invalid
from sandboxes.stripe.store import Object, Transaction, new_id

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SECRET_LENGTH = 32


def loopback_url(value: Any, name: str) -> str:
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
    if parts.hostname not in LOOPBACK:
        raise invalid("This sandbox calls only addresses of the machine it runs on.", name, "url_invalid")
    return text


_EVENTS = params.several(params.text(100), 200)
CREATE: params.Spec = {
    "url": loopback_url,
    "enabled_events": _EVENTS,
    "api_version": params.text(50),
    "connect": params.flag,
    "description": params.text(1000),
    "metadata": params.metadata,
}
UPDATE: params.Spec = {
    "url": loopback_url,
    "enabled_events": _EVENTS,
    "description": params.text(1000),
    "disabled": params.flag,
    "metadata": params.metadata,
}


def create(call: Call) -> Object:
    endpoint = make(call.tx, call.params, f"whsec_{new_id('x', SECRET_LENGTH)[2:]}")
    return endpoint | {"secret": endpoint["_secret"]}


def make(tx: Transaction, given: dict[str, Any], secret: str) -> Object:
    if not given["enabled_events"]:
        raise invalid("Missing required param: enabled_events.", "enabled_events", "parameter_missing")
    return tx.create(
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
            "_secret": secret,
        },
    )


def ensure(tx: Transaction, asked: Any) -> Object:
    """The endpoint of this URL with its secret, made if there is none: what a launcher calls on every start.

    `asked` is `{"url", "enabled_events"?, "secret"?}`; a given secret replaces the stored one.
    """
    if not isinstance(asked, dict) or set(asked) - {"url", "enabled_events", "secret"} or "url" not in asked:
        raise invalid("Give url, and if you like enabled_events and secret", "url")
    given = {
        "url": loopback_url(asked["url"], "url"),
        "enabled_events": _EVENTS(asked.get("enabled_events", ["*"]), "enabled_events"),
    }
    secret = asked.get("secret")
    if secret is not None and not (isinstance(secret, str) and secret.startswith("whsec_") and len(secret) >= 22):
        raise invalid("A secret starts with whsec_ and has at least 16 more characters", "secret")
    found = next((each for each in tx.newest("webhook_endpoint") if each["url"] == given["url"]), None)
    if found is None:
        endpoint = make(tx, given, secret or f"whsec_{new_id('x', SECRET_LENGTH)[2:]}")
    else:
        endpoint = found | given | {"status": "enabled", "_secret": secret or found["_secret"]}
        tx.put(endpoint)
    return endpoint | {"secret": endpoint["_secret"]}


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
