"""Correcting and filing again, or giving up, on the page of a declaration."""

from __future__ import annotations

import re
import uuid
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from marshmallow import Schema

from core.schemas import Text
from core.web import actor, requires
from customs.correcting import giving_up, refiling
from customs.correcting.fields import BUYER, correctable
from shop.pages.forms import read_form, take

pages = Blueprint("correcting_pages", __name__, url_prefix="/desk/declarations")

_LINE = re.compile(r"line-([1-9][0-9]?)-([a-z_0-9]+)", re.ASCII)
_FORMS = {"text", "digits", "weight", "quantities"}  # what a box of a page can hold


class _Reason(Schema):
    reason = Text(300, load_default=None)


class _GivingUp(Schema):
    reason = Text(300, required=True)


@pages.post("/<uuid:declaration_id>/correct")
@requires("customs", "operator")
def correct(declaration_id: uuid.UUID) -> Any:
    """File it again with what stands in the filled boxes; empty ones change nothing."""

    def step() -> None:
        refiling.file_again(declaration_id, str(actor().id), _changes(), read_form(_Reason())["reason"])

    return take(step, _("It is filed again."), _there(declaration_id))


@pages.post("/<uuid:declaration_id>/give-up")
@requires("customs", "operator")
def give_up(declaration_id: uuid.UUID) -> Any:
    """It will not be filed again: the order is cancelled and refunded."""

    def step() -> None:
        giving_up.give_up(declaration_id, str(actor().id), read_form(_GivingUp())["reason"])

    return take(step, _("It is given up; the order is cancelled and refunded."), _there(declaration_id))


def _changes() -> dict[str, Any]:
    """The filled boxes as corrections, read strictly by whoever applies them."""
    forms = {(field.of, field.name): field.form for field in correctable()}
    changes: dict[str, Any] = {}
    lines: dict[int, dict[str, Any]] = {}
    for name, typed in request.form.items():
        text, match = typed.strip(), _LINE.fullmatch(name)
        form = forms.get(("line", match[2]) if match else ("order", name))
        if not text or form not in _FORMS:
            continue
        value: Any = text.replace("，", ",").replace(",", " ").split() if form == "quantities" else text
        if match:
            lines.setdefault(int(match[1]), {"line": int(match[1])})[match[2]] = value
        else:
            changes[name] = value
    if request.form.get(BUYER):
        changes[BUYER] = True
    return {**changes, **({"lines": list(lines.values())} if lines else {})}


def _there(declaration_id: uuid.UUID) -> str:
    return url_for("desk_pages.declaration", declaration_id=declaration_id)
