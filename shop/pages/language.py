"""Which language a page speaks: what the person chose, else what the browser asks for, else Chinese."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, has_request_context, redirect, request, url_for
from flask_babel import get_locale

from core import config
from core.errors import NOT_FOUND, Problem
from core.web import public

COOKIE = "language"
# Flask-Security carries its own catalogue under the long name; gettext falls back from it to our `zh`.
_LOCALES = {"zh": "zh_Hans_CN", "en": "en"}

pages = Blueprint("language_pages", __name__)


def chosen() -> str:
    """The locale of this request."""
    if not has_request_context():
        return _LOCALES["zh"]
    word = request.cookies.get(COOKIE, "")
    if word not in _LOCALES:
        word = request.accept_languages.best_match(list(_LOCALES), "zh") or "zh"
    return _LOCALES[word]


def word() -> str:
    """`zh` or `en`."""
    return str(getattr(get_locale(), "language", "zh"))


def local_path(target: str | None) -> str:
    """`target` when it is a path of this site, else the front page: a link must not lead a person elsewhere."""
    parts = urlsplit((target or "").replace("\\", "/"))
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    clean = inside and (target or "").isprintable()
    return target or "/" if clean else url_for("catalogue_pages.home")


@pages.get("/language/<word>")
@public
def switch(word: str) -> Response:
    """Remember a language for a year and go back."""
    if word not in _LOCALES:
        raise Problem(NOT_FOUND)
    answer = redirect(local_path(request.args.get("next")))
    secure = config.current().public_url.startswith("https://")
    answer.set_cookie(COOKIE, word, max_age=31_536_000, samesite="Lax", httponly=True, secure=secure)
    return answer  # type: ignore[return-value]
