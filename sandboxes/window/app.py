"""The window's HTTP face: messages in, a page for people, scripts and the journal for tests and auditors."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from flask import Flask, Response, jsonify, render_template, request

from sandboxes.window import faults
from sandboxes.window.desk import Desk
from sandboxes.window.layout import BYTES_MAX
from sandboxes.window.officers import Officers
from sandboxes.window.store import Document, Store

_PAGE_ROWS = 500


def create_app(store: Store, desk: Desk, officers: Officers) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 2 * BYTES_MAX

    @app.post("/cebcmsg")
    def take() -> Response:
        body = request.get_json(force=True, silent=True)
        head, data = _open(body)
        if data is None:
            return Response("not an envelope", 400, mimetype="text/plain")
        desk.take(str(head.get("MessageId", "")), str(head.get("MessageType", "")), data)
        return Response("OK", mimetype="text/plain")

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok", mimetype="text/plain")

    @app.post("/sandbox/faults")
    def script() -> tuple[Response, int] | Response:
        order = request.get_json(force=True, silent=True)
        try:
            return jsonify(faults.script(store, order if isinstance(order, dict) else {})), 201
        except faults.BadFault as fault:
            return jsonify(error=str(fault)), 422

    @app.get("/sandbox/faults")
    def scripted() -> Response:
        with store.lock:
            return jsonify(items=list(store.faults.values()))

    @app.delete("/sandbox/faults")
    def clear() -> Response:
        with store.step():
            store.put(type="faults_cleared")
        return jsonify(items=[])

    @app.post("/sandbox/<any(pause, resume):verb>")
    def pause(verb: str) -> Response:
        with store.step():
            store.put(type="paused", value=verb == "pause")
        return jsonify(paused=store.paused)

    @app.post("/sandbox/continue")
    def go_on() -> tuple[Response, int] | Response:
        order = request.get_json(force=True, silent=True)
        order_no = order.get("order_no") if isinstance(order, dict) else None
        if not officers.resume(str(order_no)):
            return jsonify(error="no held list of this order_no"), 404
        return jsonify(order_no=order_no)

    @app.get("/sandbox/journal")
    def journal() -> Response:
        with store.lock:
            return jsonify(
                documents=[_shown(document) for document in store.documents.values()],
                receipts=[
                    {
                        "number": receipt.number,
                        "kind": receipt.kind,
                        "document": list(receipt.of),
                        "status": receipt.status,
                        "state": receipt.state,
                        "xml": receipt.xml,
                    }
                    for receipt in store.receipts.values()
                ],
                allowance=[{**entry, "identity": _veil(entry["identity"])} for entry in store.entries],
                messages=list(store.messages),
                idle=not store.planned and not store.waiting,
            )

    @app.get("/")
    def page() -> str:
        with store.lock:
            rows = [_shown(document) for document in list(store.documents.values())[-_PAGE_ROWS:]]
            waiting = sum(receipt.state == "waiting" for receipt in store.receipts.values())
        return render_template("window.html", rows=rows[::-1], waiting=waiting, paused=store.paused)

    return app


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


def _shown(document: Document) -> dict[str, Any]:
    """A document for the auditor: amounts and numbers, a veil over the person."""
    content = document.content
    plain = {name: value for name, value in content.items() if not name.startswith(("buyer", "payer", "consignee"))}
    person = content.get("buyerIdNumber") or content.get("payerIdNumber")
    return {
        "kind": document.kind,
        "name": document.name,
        "guid": document.guid,
        "order_no": content.get("orderNo", ""),
        "status": document.status,
        "pre_no": document.pre_no,
        "invt_no": document.invt_no,
        "history": [{"status": status, "at": at} for status, at in document.history],
        "content": plain,
        "person": _veil(person) if person else None,
    }


def _veil(identity: str) -> str:
    """The same person gives the same text, from which the number cannot simply be read."""
    return hashlib.sha256(b"sandbox-window:" + identity.encode()).hexdigest()[:16]
