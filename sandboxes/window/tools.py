"""The interface under /sandbox for tests and auditors: scripts, outcomes, settings, clock, account books, journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, jsonify, request

from sandboxes.window.books import BadEntry
from sandboxes.window.clock import offset_of
from sandboxes.window.faults import BadFault
from sandboxes.window.journal import DONE, PAGE_MAX, Query
from sandboxes.window.outcomes import NotNow
from sandboxes.window.sent import whole_json
from sandboxes.window.settings import BadSetting
from sandboxes.window.veil import shown, veil

if TYPE_CHECKING:
    from sandboxes.window.app import Window

_HELD = ("300", "399", "500", "501", "502", "503", "599")
SOON_SECONDS = 600
_FURTHEST = 10 * 366 * 86_400
Answer = Response | tuple[Response, int]


def blueprint(window: Window) -> Blueprint:
    routes = Blueprint("tools", __name__, url_prefix="/sandbox")
    _scripting(routes, window)
    _behaviour(routes, window)
    _books(routes, window)
    _reading(routes, window)
    return routes


def _scripting(routes: Blueprint, window: Window) -> None:
    store = window.store

    @routes.post("/faults")
    def script() -> Answer:
        try:
            with store.step():
                return jsonify(window.scripts.add(_body())), 201
        except BadFault as fault:
            return _wrong(fault)

    @routes.get("/faults")
    def scripted() -> Answer:
        return jsonify(items=window.scripts.all())

    @routes.delete("/faults")
    def clear() -> Answer:
        with store.step():
            window.scripts.clear()
        return jsonify(items=[])

    @routes.post("/continue")
    def go_on() -> Answer:
        order_no = str(_body().get("order_no"))
        for document in store.of_order("621", order_no):
            if document.status in _HELD and not document.plan and "release" in window.outcomes.possible(document):
                window.outcomes.decide(document, "release")
                return jsonify(order_no=order_no)
        return jsonify(error="no held list of this order_no"), 404

    @routes.post("/outcomes")
    def decide() -> Answer:
        """{kind?, order_no or name, outcome, code?}: of several documents the latest."""
        body = _body()
        kind, order_no, name = str(body.get("kind", "621")), body.get("order_no"), body.get("name")
        found = store.of_order(kind, str(order_no)) if order_no else [store.document(kind, str(name))]
        document = found[-1] if found else None
        if document is None:
            return jsonify(error="no such document"), 404
        try:
            window.outcomes.decide(document, str(body.get("outcome")), body.get("code"))
        except NotNow as fault:
            return _wrong(fault)
        return jsonify(name=document.name, outcome=body["outcome"]), 201


def _behaviour(routes: Blueprint, window: Window) -> None:
    store = window.store

    @routes.post("/<any(pause, resume):verb>")
    def pause(verb: str) -> Answer:
        with store.step():
            store.database.set_fact("paused", "1" if verb == "pause" else "0")
        return jsonify(paused=store.paused)

    @routes.get("/settings")
    def settings() -> Answer:
        return jsonify(asdict(window.desktop.now))

    @routes.patch("/settings")
    def change() -> Answer:
        try:
            with store.step():
                return jsonify(window.desktop.change(_body()))
        except BadSetting as fault:
            return _wrong(fault)

    @routes.get("/clock")
    def clock() -> Answer:
        return jsonify(now=store.clock.now().isoformat())

    @routes.post("/clock")
    def advance() -> Answer:
        """{advance: "45d"}: days, hours, minutes or seconds; what was planned until then happens now."""
        text = str(_body().get("advance", ""))
        try:
            seconds = offset_of(f"+{text.lstrip('+')}")
        except ValueError as fault:
            return _wrong(fault)
        before = float(store.database.fact("advanced", "0"))
        if before + seconds > _FURTHEST:
            return jsonify(error="advance: no further than ten years"), 422
        with store.step():
            store.clock.advance(seconds)
            store.database.set_fact("advanced", str(before + seconds))
            store.journal.add(DONE, "clock", "", "", f"moved on by {text}")
        return clock()


def _books(routes: Blueprint, window: Window) -> None:
    books = window.desk.lists.books

    @routes.post("/books")
    def enter() -> Answer:
        try:
            with window.store.step():
                answer = books.enter(whole_json())
                window.store.journal.add(
                    DONE, "account book", "", "", f"{answer['ems_no']} {len(answer['items'])} items"
                )
        except BadEntry as fault:
            return _wrong(fault)
        return jsonify(answer), 201

    @routes.get("/books/<ems_no>")
    def items(ems_no: str) -> Answer:
        found = books.items(ems_no, after=request.args.get("after", ""), limit=_limit())
        return jsonify(ems_no=ems_no, items=found)

    @routes.get("/books/<ems_no>/<item>")
    def moves(ems_no: str, item: str) -> Answer:
        return jsonify(ems_no=ems_no, item_record_no=item, moves=books.moves(ems_no, item, _limit()))


def _reading(routes: Blueprint, window: Window) -> None:
    store = window.store

    @routes.get("/journal")
    def state() -> Answer:
        """The latest documents, receipts and entries of buyers' years, in the order they came; of ?order_no= alone."""
        order_no, limit = request.args.get("order_no", ""), _limit(PAGE_MAX)
        documents = store.page(order_no, "", "", 0, limit)[::-1]
        receipts = window.queue.page(order_no, 0, limit)[::-1]
        entries = window.desk.lists.years.entries(order_no, limit)
        return jsonify(
            documents=[shown(one, store.history(one.number)) for one in documents],
            receipts=receipts,
            allowance=[{**entry, "identity": veil(entry["identity"])} for entry in entries],
            idle=_idle(window),
        )

    @routes.get("/journal/entries")
    def entries() -> Answer:
        wanted = {name: request.args.get(name, "") for name in ("way", "kind", "guid", "order_no")}
        limit = _limit()
        found = store.journal.entries(Query(**wanted, before=_number("before"), limit=limit))
        return jsonify(items=found, next=found[-1]["number"] if len(found) == limit else None)

    @routes.get("/journal/entries/<int(max=9000000000000000):number>")
    def body(number: int) -> Response:
        """The bytes as they came or went; the persons in them are not veiled."""
        found = store.journal.body(number)
        if found is None:
            abort(404)
        kind = "application/xml" if found.lstrip().startswith(b"<") else "application/octet-stream"
        answer = Response(found, content_type=kind)
        answer.headers["Content-Disposition"] = f'attachment; filename="{number}.xml"'
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def _idle(window: Window) -> bool:
    """Nothing is under way: no receipt waits, and nothing but what is days off is planned."""
    first = window.store.next_due()
    soon = first is not None and first.plan[0][0] < window.store.clock.epoch() + SOON_SECONDS
    return not soon and not window.queue.waiting(1)


def _body() -> dict[str, Any]:
    """The JSON object sent, or an empty one."""
    body = whole_json()
    return body if isinstance(body, dict) else {}


def _wrong(fault: Exception) -> Answer:
    return jsonify(error=str(fault)), 422


def _limit(otherwise: int = 50) -> int:
    return min(max(_number("limit") or otherwise, 1), PAGE_MAX)


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
