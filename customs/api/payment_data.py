"""The door at which customs asks for payment data (`platDataOpen`), and what became of its questions."""

from __future__ import annotations

import hmac
import re
from typing import Any

from flask import Response, request
from flask_limiter.util import get_remote_address
from marshmallow import fields

from core import config, strict_json
from core.accounts import UNAUTHENTICATED
from core.errors import INVALID, Problem
from core.paging import PageArguments
from core.schemas import Choice, Id, Schema, Text, WholeNumber
from core.web import API_PREFIX, MEDIA_TYPE, Blueprint, actor, limiter, public, requires
from customs.api.answers import after_id, id_page, ready
from customs.payment_data import requests, upload
from customs.payment_data.requests import Question
from customs.payment_models import REQUEST_STATES

blueprint = Blueprint(
    "payment_data_door", __name__, url_prefix=f"{API_PREFIX}/customs", description="Payment data that customs asks for"
)

FORM_FIELD = "openReq"  # as some senders wrap the JSON
BODY_BYTES_MAX = 4096
_PATTERNS = {
    "orderNo": (re.compile(r"[0-9A-Za-z-]{1,60}\Z", re.ASCII), "must be an order number"),
    "sessionID": (
        re.compile(r"[0-9A-Za-z-]{1,36}\Z", re.ASCII),
        "must be 1 to 36 letters, digits and hyphens",
    ),
    "serviceTime": (re.compile(r"[0-9]{1,15}\Z", re.ASCII), "must be milliseconds"),
}


class Accepted(Schema):
    """The interface's own answer; anything but code 10000 is a refusal."""

    code = fields.String()
    message = fields.String()
    serviceTime = WholeNumber(0, 10**15)


class QuestionFilter(PageArguments):
    state = Choice(*REQUEST_STATES, load_default=None)
    order = Text(20, load_default=None)


class AskedQuestion(Schema):
    id = Id()
    order = fields.String()
    session = fields.String()
    state = Choice(*REQUEST_STATES)
    attempts = WholeNumber(0, 10**4)
    answer = fields.String(allow_none=True)
    asked_at = fields.String()
    next_try_at = fields.String(allow_none=True)
    uploaded_at = fields.String(allow_none=True)


class AskedQuestions(Schema):
    items = fields.List(fields.Nested(AskedQuestion))
    next = fields.String(allow_none=True)


@blueprint.route("/platDataOpen", methods=["POST"])
@public
@limiter.limit("240 per minute", key_func=get_remote_address)
@blueprint.response(200, Accepted)
def open_payment_data() -> Response:
    """Customs asks for the payment data of an order: answered at once, uploaded by a job. Only who shows the key may
    ask, as a bearer token or as `key` in the address that was registered with customs."""
    _check_key()
    requests.store(_question())
    return ready({"code": upload.ACCEPTED, "message": "", "serviceTime": upload.milliseconds()})


@blueprint.route("/payment-data-requests")
@requires("customs", "operator")
@blueprint.arguments(QuestionFilter, location="query")
@blueprint.response(200, AskedQuestions)
def list_questions(query: dict[str, Any]) -> Response:
    """Customs' questions, newest first, with what became of each."""
    rows = requests.listing(query["state"], after_id(query["cursor"]), query["limit"] + 1, query["order"])
    return ready(id_page(rows, query["limit"]))


@blueprint.route("/payment-data-requests/<uuid:request_id>/resend", methods=["POST"])
@requires("customs", "operator")
@blueprint.response(202, AskedQuestion)
def upload_again(request_id: Any) -> Response:
    """Take up an upload that was given up, after its cause was mended."""
    requests.upload_again(request_id, str(actor().id))
    return ready(requests.find(request_id), 202)


def _check_key() -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else request.args.get("key", "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), config.current().payment_data_secret.encode()):
        raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})


def _question() -> Question:
    """The three elements, from JSON or a form. Raises Problem `invalid_input` naming each that is wrong."""
    request.max_content_length = BODY_BYTES_MAX
    found = _body()
    texts = {name: str(value) if type(value) in (str, int) else "" for name, value in found.items()}
    errors = {name: [rule] for name, (form, rule) in _PATTERNS.items() if not form.match(texts.get(name, ""))}
    errors |= {str(name)[:60]: ["is not an element of the question"] for name in found if name not in _PATTERNS}
    if errors:
        raise Problem(INVALID, "; ".join(f"{name}: {rule}" for name, (rule,) in errors.items())[:500], errors=errors)
    return Question(texts["orderNo"], texts["sessionID"], int(texts["serviceTime"]))


def _body() -> dict[str, Any]:
    if request.mimetype == "application/x-www-form-urlencoded":
        form = request.form.to_dict()
        found = strict_json.loads(form[FORM_FIELD]) if list(form) == [FORM_FIELD] else form
    elif request.mimetype == "application/json":
        found = strict_json.loads(request.get_data(cache=False))
    else:
        raise Problem(MEDIA_TYPE, "a question is application/json or a form")
    if not isinstance(found, dict):
        raise Problem(INVALID, "the question must be an object", errors={"body": ["must be an object"]})
    return found
