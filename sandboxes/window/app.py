"""The window's HTTP face: messages in; for tests and auditors an interface under /sandbox; for people the pages."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandboxes.window import pages, tools
from sandboxes.window.desk import Desk
from sandboxes.window.faults import Scripts
from sandboxes.window.journal import RECEIVED
from sandboxes.window.layout import BYTES_MAX
from sandboxes.window.outcomes import Outcomes
from sandboxes.window.queue import Queue
from sandboxes.window.sent import plain, whole_json
from sandboxes.window.settings import Desktop
from sandboxes.window.store import Store

_LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Window:
    """Everything behind the counter, as the pages and the interface for tests need it."""

    store: Store
    queue: Queue
    scripts: Scripts
    desktop: Desktop
    desk: Desk
    outcomes: Outcomes


def create_app(window: Window) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 2 * BYTES_MAX
    app.before_request(_only_from_here)
    app.register_error_handler(HTTPException, _told)
    app.register_blueprint(tools.blueprint(window))
    app.register_blueprint(pages.blueprint(window))

    @app.post("/cebcmsg")
    def take() -> Response:
        head, data = _open(whole_json())
        if data is None:
            with window.store.step():
                window.store.journal.add(RECEIVED, "", "", "", "not an envelope", request.get_data()[:1000])
            return Response("not an envelope", 400, mimetype="text/plain")
        window.desk.take(plain(head.get("MessageId", ""), 255), plain(head.get("MessageType", ""), 30), data)
        return Response("OK", mimetype="text/plain")

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok", mimetype="text/plain")

    return app


def _only_from_here() -> Response | None:
    """No page of another site, and no name that only points here, may speak to the window."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    if host not in _LOCAL or (request.headers.get("Origin") and origin != request.host):
        return Response("only from this machine", 403, mimetype="text/plain")
    return None


def _told(fault: HTTPException) -> Response:
    return Response(fault.name.lower(), fault.code or 400, mimetype="text/plain")


def _open(body: Any) -> tuple[dict[str, Any], bytes | None]:
    head = body.get("MessageHead") if isinstance(body, dict) else None
    inner = body.get("MessageBody") if isinstance(body, dict) else None
    data = inner.get("data") if isinstance(inner, dict) else None
    if not isinstance(head, dict) or not isinstance(data, str):
        return {}, None
    try:
        return head, base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return head, None
