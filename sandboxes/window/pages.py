"""The pages: what was received and where it stands, one document in words, and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from sandboxes.window.journal import Query
from sandboxes.window.outcomes import OUTCOMES, NotNow
from sandboxes.window.store import Document
from sandboxes.window.veil import personal
from sandboxes.window.words import LANGUAGES, say, status_word

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from sandboxes.window.app import Window

ROWS = 50
LINES_SHOWN = 99
_KINDS = ("311", "411", "511", "513", "621", "623", "625", "711")
_STATES = (
    "2",
    "3",
    "4",
    "100",
    "120",
    "300",
    "399",
    "500",
    "501",
    "502",
    "503",
    "599",
    "700",
    "800",
    "899",
    "cancelled",
)


def blueprint(window: Window) -> Blueprint:
    routes = Blueprint("pages", __name__)
    store = window.store

    @routes.get("/")
    def index() -> Response:
        asked = {name: request.args.get(name, "").strip()[:60] for name in ("order", "kind", "status")}
        found = store.page(asked["order"], asked["kind"], asked["status"], _number("before"), ROWS)
        return show(
            "index.html",
            rows=found,
            asked=asked,
            kinds=_KINDS,
            states=_STATES,
            before=found[-1].number if len(found) == ROWS else 0,
            later=bool(_number("before")),
            waiting=window.queue.waiting(),
            paused=store.paused,
        )

    @routes.get("/documents/<int(max=9000000000000000):number>")
    def document(number: int) -> Response:
        found = store.numbered(number)
        if found is None:
            return show("missing.html", 404)
        return _document_page(window, found)

    @routes.post("/documents/<int(max=9000000000000000):number>")
    def decide(number: int) -> Response | BaseResponse:
        found = store.numbered(number)
        if found is None:
            return show("missing.html", 404)
        outcome = request.form.get("outcome", "")
        try:
            window.outcomes.decide(found, outcome, request.form.get("code", "").strip())
        except NotNow as fault:
            return _document_page(window, found, refused=str(fault), status=409)
        return redirect(url_for("pages.document", number=number, done=outcome), 303)

    @routes.post("/delivery")
    def delivery() -> BaseResponse:
        with store.step():
            store.database.set_fact("paused", "1" if request.form.get("verb") == "pause" else "0")
        return redirect(url_for("pages.index"), 303)

    @routes.get("/journal")
    def journal() -> Response:
        asked = {name: request.args.get(name, "").strip()[:60] for name in ("order", "way")}
        query = Query(way=asked["way"], order_no=asked["order"], before=_number("before"), limit=ROWS)
        found = store.journal.entries(query)
        before = found[-1]["number"] if len(found) == ROWS else 0
        return show("journal.html", rows=found, asked=asked, before=before, later=bool(_number("before")))

    return routes


def _document_page(window: Window, document: Document, refused: str = "", status: int = 200) -> Response:
    done = request.args.get("done", "")
    outcomes = window.outcomes.possible(document)
    return show(
        "document.html",
        status,
        document=document,
        head=_fields({name: value for name, value in document.content.items() if name != "lines"}),
        lines=[_fields(line) for line in document.content.get("lines", [])[:LINES_SHOWN]],
        history=window.store.history(document.number),
        receipts=window.queue.of_document(document.number),
        outcomes=outcomes,
        done=done if done in OUTCOMES else "",
        refused=refused,
    )


def _fields(values: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Element, text, and whether it is veiled."""
    return [(name, "" if personal(name) else text, personal(name)) for name, text in values.items() if text]


def show(template: str, status: int = 200, **values: Any) -> Response:
    """A page in the language of whoever looks."""
    chosen = request.args.get("lang") or request.cookies.get("lang") or request.accept_languages.best_match(LANGUAGES)
    language = chosen if chosen in LANGUAGES else "zh"
    values |= {"say": say(language), "language": language, "status_word": lambda code: status_word(language, code)}
    values["other"] = _other_language(language)
    response = make_response(render_template(template, **values), status)
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie("lang", language, samesite="Strict", httponly=True)
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _other_language(language: str) -> str:
    """This page in the other language."""
    kept = {name: value for name, value in request.args.items() if name not in ("lang", "done")}
    kept["lang"] = LANGUAGES[1 - LANGUAGES.index(language)]
    return f"{request.path}?{urlencode(kept)}"


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
