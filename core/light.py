"""What a call passes on its way in and out: an API call has no session, form or cookie, so none of their hooks runs.

Sign-in, forms, rate limits and headers are libraries, and each hooks itself before and after every request. A page
needs them all. An API call is known by its bearer token alone, so what they would do for it is either nothing or the
same each time: the security headers, which are taken from the libraries themselves once, at the start. A view with a
rate limit keeps every hook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, request

Hook = Callable[..., Any]
_OWN = ("content-type", "content-length", "vary")
_LIMITED = "__wrapper-limiter-instance"  # the mark Flask-Limiter leaves on a view


def init_app(app: Flask, api: Iterable[str], ours: tuple[Hook, ...], *, secure: bool) -> None:
    """Let the views of the blueprints `api`, and those without one, pass by the hooks of `ours` alone.

    Called when every hook is in place. `secure`: the libraries may also send a plain request to https, so those who
    wish to before a request keep their say.
    """
    before, after = app.before_request_funcs[None], app.after_request_funcs[None]
    teardown = app.teardown_request_funcs.get(None, [])
    light = frozenset(_light(app, set(api)))
    first = [hook for hook in before if hook in ours or (secure and _redirects(hook))]
    last = [hook for hook in reversed(after) if hook in ours]
    others = [hook for hook in reversed(after) if hook not in ours]
    plain, encrypted = (_headers(app, scheme, others) for scheme in ("http", "https"))
    whole, before_all, closing = list(reversed(after)), list(before), list(reversed(teardown))

    def enter() -> Any:
        for hook in first if request.endpoint in light else before_all:
            answer = hook()
            if answer is not None:
                return answer
        return None

    def leave(response: Response) -> Response:
        if request.endpoint not in light:
            for hook in whole:
                response = hook(response)
            return response
        told = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.headers.extend(encrypted if told else plain)
        for hook in last:
            response = hook(response)
        return response

    def close(error: BaseException | None) -> None:
        if request.endpoint not in light:
            for hook in closing:
                hook(error)

    app.before_request_funcs[None] = [enter]
    app.after_request_funcs[None] = [leave]
    app.teardown_request_funcs[None] = [close]


def _light(app: Flask, api: set[str]) -> Iterable[str]:
    for rule in app.url_map.iter_rules():
        blueprint, dot, _ = rule.endpoint.rpartition(".")
        if (blueprint in api or not dot) and not hasattr(app.view_functions[rule.endpoint], _LIMITED):
            yield rule.endpoint


def _redirects(hook: Hook) -> bool:
    return getattr(hook, "__name__", "") == "_force_https"


def _headers(app: Flask, scheme: str, hooks: Iterable[Hook]) -> list[tuple[str, str]]:
    """What these hooks set on an answer of this scheme, the same for every API call."""
    response = Response()
    with app.test_request_context(base_url=f"{scheme}://localhost/"):
        for hook in hooks:
            response = hook(response)
    return [(name, value) for name, value in response.headers if name.lower() not in _OWN]
