"""The edge: problem+json, who is asking, what each route demands, request ids, health and metrics.

Every route says who may call it (`@public` or `@requires(...)`); one that says nothing is refused, and a guard test
finds it. API routes know bearer tokens only (so they need no CSRF token); pages know the browser session only.
"""

from __future__ import annotations

import functools
import json
import secrets
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import psycopg
import structlog
from flask import Flask, Response, current_app, g, redirect, request, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import current_user
from flask_smorest import Blueprint as _Blueprint
from marshmallow import RAISE
from prometheus_client import Counter, Histogram
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from core import strict_json
from core.accounts import FORBIDDEN, UNAUTHENTICATED, Actor, actor_by_token, actor_of
from core.errors import INVALID, NOT_FOUND, Problem, declare

log = structlog.get_logger()
limiter = Limiter(get_remote_address)

API_PREFIX = "/api/v1"
BODY_MOST = 1 << 20

METHOD = declare("method_not_allowed", 405, "This address does not take that method")
TOO_LARGE = declare("too_large", 413, "The body is larger than allowed")
MEDIA_TYPE = declare("unsupported_media_type", 415, "The body must be application/json")
TOO_MANY = declare("too_many_requests", 429, "Too many requests; try again later")
BAD_REQUEST = declare("bad_request", 400, "The request cannot be read")
UNAVAILABLE = declare("unavailable", 503, "A part we depend on is away; try again shortly")
INTERNAL = declare("internal_error", 500, "A fault on our side; it has been recorded")
_BY_STATUS = {
    404: NOT_FOUND,
    405: METHOD,
    413: TOO_LARGE,
    415: MEDIA_TYPE,
    422: INVALID,
    429: TOO_MANY,
    503: UNAVAILABLE,
}

_seconds = Histogram("landfall_request_seconds", "Time to answer", ["endpoint", "method"])
_answers = Counter("landfall_answers_total", "Answers by status", ["endpoint", "status"])

V = TypeVar("V", bound=Callable[..., Any])


class Parser(FlaskParser):
    """Bodies are read strictly; unknown fields are refused in the body and in the query."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - the base class declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "json": None,
    }

    def _raw_load_json(self, req: Any) -> Any:
        if req.mimetype != "application/json":
            raise Problem(MEDIA_TYPE)
        return strict_json.loads(req.get_data(cache=True))

    def handle_error(self, error: Any, req: Any, schema: Any, **_: Any) -> NoReturn:
        messages = next(iter(error.messages.values())) if isinstance(error.messages, dict) else error.messages
        faults = _flat(messages)
        field, rules = next(iter(faults.items()))
        raise Problem(INVALID, f"{field}: {rules[0]}", errors=faults)


class Blueprint(_Blueprint):
    """A flask-smorest blueprint that reads strictly."""

    ARGUMENTS_PARSER = Parser()


def _flat(messages: Any, path: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as `lines.0.hs: [...]`."""
    if isinstance(messages, dict):
        found: dict[str, list[str]] = {}
        for key, value in messages.items():
            found |= _flat(value, f"{path}.{key}" if path else str(key).replace("_schema", "body"))
        return found
    return {path or "body": [str(message) for message in messages]}


def public(view: V) -> V:
    """Anyone may call this route."""
    view.access = ()  # type: ignore[attr-defined]
    return view


def open_library_views(app: Flask, *prefixes: str) -> None:
    """Views that libraries bring (static files, sign-in, the specification) cannot carry our mark themselves."""
    for endpoint, view in list(app.view_functions.items()):
        if endpoint.startswith(prefixes) and not hasattr(view, "access"):
            app.view_functions[endpoint] = public(_renamed(view))


def _renamed(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same view as an object of its own, which may carry a mark."""

    @functools.wraps(view)
    def call(**arguments: Any) -> Any:
        return view(**arguments)

    return call


def requires(*roles: str) -> Callable[[V], V]:
    """Someone signed in who holds one of `roles`; without roles, anyone signed in."""

    def mark(view: V) -> V:
        view.access = roles or ("",)  # type: ignore[attr-defined]
        return view

    return mark


def actor() -> Actor:
    """Who is asking; raises Problem `unauthenticated` when nobody is."""
    found = maybe_actor()
    if found is None:
        raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    return found


def maybe_actor() -> Actor | None:
    """Who is asking, or None. A token that is given must be good, on public routes too."""
    if "actor" not in g:
        g.actor = _bearer() if is_api() else _session()
    found: Actor | None = g.actor
    return found


def is_api() -> bool:
    return request.path.startswith("/api/")


def _bearer() -> Actor | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    found = actor_by_token(secret.strip()) if scheme.lower() == "bearer" and secret.isascii() else None
    if found is None:
        raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return found


def _session() -> Actor | None:
    return actor_of(current_user) if current_user.is_authenticated else None


def _authorise() -> Response | None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.method == "OPTIONS":
        return None  # the router answers 404 or 405, or lists methods
    access = getattr(view, "access", None)
    if access == ():
        return None
    if access is None:
        raise Problem(FORBIDDEN, "this route does not say who may call it")
    if not is_api() and maybe_actor() is None:
        return redirect(url_for("security.login", next=request.full_path.rstrip("?")))  # type: ignore[return-value]
    if access != ("",) and not actor().has(*access):
        raise Problem(FORBIDDEN)
    actor()
    return None


def problem_response(problem: Problem) -> Response:
    """RFC 9457."""
    body: dict[str, Any] = {
        "type": f"{request.host_url}docs/errors#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": g.get("request_id"),
    }
    if problem.errors:
        body["errors"] = problem.errors
    body |= problem.extra
    response = Response(json.dumps(body, default=str), problem.status, mimetype="application/problem+json")
    response.headers.update(problem.headers)
    if problem.status == 503:
        response.headers.setdefault("Retry-After", "2")
    return response


def as_problem(error: Exception) -> Problem:
    """Any error as the refusal a client sees; what we did not foresee is logged and told without its words."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        status = error.code or 500
        code = _BY_STATUS.get(status, BAD_REQUEST if status < 500 else INTERNAL)
        headers = {k: v for k, v in error.get_headers() if k in ("Allow", "Retry-After")}
        return Problem(code, error.description if status < 500 else None, headers=headers)
    if isinstance(error, (OperationalError, PoolTimeout, psycopg.OperationalError)) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        log.warning("database_unavailable", error=type(error).__name__)
        return Problem(UNAVAILABLE)
    log.exception("unforeseen", path=request.path)
    return Problem(INTERNAL)


def _start() -> None:
    g.request_id = secrets.token_hex(8)
    g.started = time.perf_counter()
    if any("\0" in part for part in (request.view_args or {}).values() if isinstance(part, str)):
        raise Problem(NOT_FOUND)  # no column can hold it


def _finish(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    endpoint = request.endpoint or "none"
    if "started" in g:
        # A client may send any word as its method, and each would be a series that is kept for ever.
        method = request.method if request.method in _METHODS else "other"
        _timer(endpoint, method).observe(time.perf_counter() - g.started)
    _counter(endpoint, response.status_code).inc()
    return response


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


@functools.cache
def _timer(endpoint: str, method: str) -> Any:
    return _seconds.labels(endpoint, method)


@functools.cache
def _counter(endpoint: str, status: int) -> Any:
    return _answers.labels(endpoint, status)


HOOKS = (_start, _authorise, _finish)


def init_app(app: Flask, page_error: Callable[[Problem], Any]) -> None:
    """Hook the edge into the application; `page_error` renders a refusal for people."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_MOST  # a view that takes files raises it for its own request
    app.before_request(_start)
    app.before_request(_authorise)
    app.after_request(_finish)

    def handle(error: Exception) -> Any:
        problem = as_problem(error)
        return problem_response(problem) if is_api() else page_error(problem)

    app.register_error_handler(HTTPException, handle)  # flask-smorest's own would answer in another shape
    app.register_error_handler(Exception, handle)
