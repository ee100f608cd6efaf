"""The WSGI application: Stripe's API under `/v1`, pages and test helpers under `/sandbox`."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandboxes.stripe import helpers, pages
from sandboxes.stripe.api import Answer, Api, Asked
from sandboxes.stripe.store import Store

BODY_MAX = 1 << 20
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version, Stripe-Account",
    "Access-Control-Expose-Headers": "Request-Id, Idempotent-Replayed, Stripe-Version",
    "Access-Control-Max-Age": "600",
}


def create_app(store: Store, base: str) -> Flask:
    """An application over `store`; `base` is where a browser reaches it, for the links it gives out."""
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=BODY_MAX, MAX_FORM_MEMORY_SIZE=BODY_MAX, BASE=base)
    app.extensions["stripe_sandbox"] = store
    app.register_blueprint(helpers.bp)
    app.register_blueprint(pages.bp)
    api = Api(store, base)

    @app.route("/v1/<path:_rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"])
    def call(_rest: str) -> Response:
        if request.method == "OPTIONS":
            return Response(status=204, headers=CORS)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.path, request.query_string, request.get_data(), headers)
        return _respond(api.answer(asked))

    @app.get("/healthz")
    def healthz() -> Any:
        return {"status": "ok"}

    @app.get("/favicon.ico")
    def icon() -> Any:
        return "", 204

    @app.errorhandler(HTTPException)
    def refused(fault: HTTPException) -> Any:
        error = {"type": "invalid_request_error", "message": fault.description}
        return jsonify({"error": error}), fault.code or 500

    return app


def _respond(answer: Answer) -> Response:
    if answer.hang_up:
        # the work is done; the client sees the connection close without a byte
        with contextlib.suppress(KeyError, OSError):
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    headers = {"Content-Type": "application/json", **CORS, **answer.headers}
    return Response(answer.body, answer.status, headers)
