"""The API's table of calls: method, path, handler, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandboxes.stripe import (
    balance,
    connect,
    customers,
    disputes,
    endpoints,
    events,
    intent_params,
    params,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
)
from sandboxes.stripe.call import Call


@dataclass(frozen=True)
class Route:
    """One call. `for_pages`: a publishable key may make it."""

    method: str
    pattern: re.Pattern[str]
    handler: Callable[[Call], Any]
    spec: params.Spec
    required: tuple[str, ...] = ()
    for_pages: bool = False


def _route(
    method: str,
    path: str,
    handler: Callable[[Call], Any],
    spec: params.Spec | None = None,
    required: tuple[str, ...] = (),
    *,
    for_pages: bool = False,
) -> Route:
    pattern = re.compile("/v1/" + path.replace("{id}", r"([A-Za-z0-9_]{1,100})") + r"\Z")
    return Route(method, pattern, handler, {**params.COMMON, **(spec or {})}, required, for_pages)


def _list(
    path: str, handler: Callable[[Call], Any], spec: params.Spec | None = None, required: tuple[str, ...] = ()
) -> Route:
    return _route("GET", path, handler, {**params.LISTING, **(spec or {})}, required)


_pi, _ip, _pm, _ch = payment_intents, intent_params, payment_methods, refunds

ROUTES: tuple[Route, ...] = (
    _route("POST", "payment_methods", _pm.create, _pm.CREATE, ("type",), for_pages=True),
    _list("payment_methods", _pm.index, _pm.INDEX),
    _route("GET", "payment_methods/{id}", _pm.retrieve),
    _route("POST", "payment_methods/{id}", _pm.update, _pm.UPDATE),
    _route("POST", "payment_methods/{id}/attach", _pm.attach, {"customer": params.text(100)}, ("customer",)),
    _route("POST", "payment_methods/{id}/detach", _pm.detach),
    _route("POST", "payment_intents", _pi.create, _ip.CREATE, ("amount", "currency")),
    _list("payment_intents", _pi.index, _ip.INDEX),
    _route("GET", "payment_intents/{id}", _pi.retrieve, _ip.RETRIEVE, for_pages=True),
    _route("POST", "payment_intents/{id}", _pi.update, _ip.UPDATE),
    _route("POST", "payment_intents/{id}/confirm", _pi.confirm, _ip.CONFIRM, for_pages=True),
    _route("POST", "payment_intents/{id}/capture", _pi.capture, _ip.CAPTURE),
    _route("POST", "payment_intents/{id}/cancel", _pi.cancel, _ip.CANCEL),
    _list("charges", _ch.index_charges, _ch.CHARGES),
    _route("GET", "charges/{id}", _ch.retrieve_charge),
    _route("POST", "charges/{id}", _ch.update_charge, _ch.UPDATE_CHARGE),
    _route("POST", "refunds", _ch.create, _ch.CREATE),
    _list("refunds", _ch.index, _ch.INDEX),
    _route("GET", "refunds/{id}", _ch.retrieve),
    _route("POST", "refunds/{id}", _ch.update, _ch.UPDATE),
    _route("POST", "customers", customers.create, customers.WRITE),
    _list("customers", customers.index, customers.INDEX),
    _route("GET", "customers/{id}", customers.retrieve),
    _route("POST", "customers/{id}", customers.update, customers.WRITE),
    _route("POST", "accounts", connect.create_account, connect.WRITE_ACCOUNT),
    _list("accounts", connect.index_accounts),
    _route("GET", "accounts/{id}", connect.retrieve_account),
    _route("POST", "accounts/{id}", connect.update_account, connect.WRITE_ACCOUNT),
    _route(
        "POST", "transfers", connect.create_transfer, connect.CREATE_TRANSFER, ("amount", "currency", "destination")
    ),
    _list("transfers", connect.index_transfers, connect.INDEX_TRANSFERS),
    _route("GET", "transfers/{id}", connect.retrieve_transfer),
    _route("POST", "transfers/{id}", connect.update_transfer, connect.METADATA),
    _route("POST", "transfers/{id}/reversals", connect.reverse_transfer, connect.REVERSE),
    _list("transfers/{id}/reversals", connect.index_reversals),
    _route("POST", "payouts", payouts.create, payouts.CREATE, ("amount", "currency")),
    _list("payouts", payouts.index, payouts.INDEX),
    _route("GET", "payouts/{id}", payouts.retrieve),
    _list("disputes", disputes.index, disputes.INDEX),
    _route("GET", "disputes/{id}", disputes.retrieve),
    _route("POST", "disputes/{id}", disputes.update, disputes.UPDATE),
    _route("POST", "disputes/{id}/close", disputes.close),
    _list("events", events.index, events.INDEX),
    _route("GET", "events/{id}", events.retrieve),
    _route("POST", "webhook_endpoints", endpoints.create, endpoints.CREATE, ("url", "enabled_events")),
    _list("webhook_endpoints", endpoints.index),
    _route("GET", "webhook_endpoints/{id}", endpoints.retrieve),
    _route("POST", "webhook_endpoints/{id}", endpoints.update, endpoints.UPDATE),
    _route("DELETE", "webhook_endpoints/{id}", endpoints.delete),
    _route("GET", "balance", balance.retrieve),
    _list("balance_transactions", balance.index, balance.INDEX),
    _route("GET", "balance_transactions/{id}", balance.retrieve_transaction),
)


def match(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a call and its path arguments; None where Stripe would not know the URL."""
    for route in ROUTES:
        if route.method == method and (found := route.pattern.match(path)):
            return route, found.groups()
    return None
