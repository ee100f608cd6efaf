"""Pages for the buyer: choose a method and pay, and the step at the bank or the wallet.

They stand in for Stripe's hosted page and for the redirect targets of 3D Secure, Alipay and WeChat Pay. No script, no
outside asset, everything escaped; a return address must lie on this machine.
"""

from __future__ import annotations

import hmac
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request

from sandboxes.stripe import endpoints, payment_methods, payments
from sandboxes.stripe.errors import ApiError
from sandboxes.stripe.helpers import body_object, store
from sandboxes.stripe.store import Object, Transaction, public

bp = Blueprint("pages", __name__, url_prefix="/sandbox", template_folder="templates")


class Choice(NamedTuple):
    """One way to pay that the page offers: the method's type, its names, what stands on the card, its test token."""

    kind: str
    zh: str
    en: str
    number: str
    token: str


CHOICES = {
    "card": Choice("card", "银行卡", "Test card", "4242 4242 4242 4242", "pm_card_visa"),
    "card_3ds": Choice(
        "card", "银行卡（需验证）", "3D Secure card", "4000 0025 0000 3155", "pm_card_authenticationRequired"
    ),
    "card_declined": Choice("card", "被拒绝的卡", "Declined card", "4000 0000 0000 0002", "pm_card_chargeDeclined"),
    "card_no_funds": Choice(
        "card", "余额不足的卡", "Card without funds", "4000 0000 0000 9995", "pm_card_chargeDeclinedInsufficientFunds"
    ),
    "alipay": Choice("alipay", "支付宝", "Alipay", "", ""),
    "wechat_pay": Choice("wechat_pay", "微信支付", "WeChat Pay", "", ""),
}
NAME_MAX = 100
ZERO_DECIMAL = {"jpy", "krw", "vnd"}


@bp.errorhandler(ApiError)
def refused(refusal: ApiError) -> Any:
    return _page("message.html", refusal.status, message=str(refusal))


@bp.get("/pay/<intent_id>")
def pay_page(intent_id: str) -> Any:
    intent = _intent_for_page(intent_id)
    return_url = _return_url(request.args.get("return_url"))
    if intent["status"] in ("succeeded", "requires_capture", "processing") and return_url:
        return redirect(_with_outcome(return_url, intent), 303)
    return _pay(intent, return_url, 200)


@bp.post("/pay/<intent_id>")
def pay(intent_id: str) -> Any:
    intent = _intent_for_page(intent_id)
    return_url = _return_url(request.values.get("return_url"))
    chosen, name = request.form.get("method", ""), request.form.get("name", "").strip()
    if chosen not in CHOICES or not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        return _pay(
            intent, return_url, 422, "请选择付款方式并填写付款人姓名。 Choose a method and give the payer's name."
        )
    try:
        with _step() as tx:
            intent = tx.get("payment_intent", intent_id)
            if intent["status"] not in payments.OPEN:
                return _pay(intent, return_url, 409, f"{intent['status']}")
            failure = _confirm(tx, intent, chosen, name, return_url)
            intent = tx.get("payment_intent", intent_id)
    except ApiError as refusal:
        return _pay(intent, return_url, 422, str(refusal))
    if failure:
        return _pay(intent, return_url, 402, failure)
    if intent["status"] == "requires_action":
        return redirect(f"/sandbox/authorize/{intent['id']}", 303)
    return _done(intent, return_url)


def _confirm(tx: Transaction, intent: Object, chosen: str, name: str, return_url: str | None) -> str | None:
    """Confirm with the chosen method; the words of a decline, which is kept, or None."""
    token = CHOICES[chosen].token
    method = payment_methods.from_token(tx, token) if token else payment_methods.make(tx, {"type": chosen})
    if method is None or method["type"] not in intent["payment_method_types"]:
        return "此订单不支持该付款方式。 This payment does not take that method."
    method["billing_details"]["name"] = name
    tx.put(method)
    try:
        payments.attempt(tx, intent, method, current_app.config["BASE"], return_url)
    except ApiError as refusal:
        if not refusal.commits:
            raise
        return f"付款未成功。 {refusal}"
    return None


@bp.get("/authorize/<intent_id>")
def authorize_page(intent_id: str) -> Any:
    intent = _open_intent(intent_id)
    if intent["status"] != "requires_action":
        return _done(intent, intent.get("_return_url"))
    method = store().find(intent["payment_method"]) or {}
    back = intent.get("_return_url")
    back = back if back and _is_local(back) else None
    return _page(
        "authorize.html", 200, back, intent=public(intent), amount=_amount(intent), kind=method.get("type", "card")
    )


@bp.post("/authorize/<intent_id>")
def authorize(intent_id: str) -> Any:
    """`outcome` is pay, fail or processing; browsers go back to the shop, programs get the intent as JSON."""
    outcome = body_object().get("outcome") if request.is_json else request.form.get("outcome")
    intent = _open_intent(intent_id)
    if outcome not in ("pay", "fail", "processing"):
        return _page("message.html", 422, message="outcome: pay, fail, processing")
    if intent["status"] == "requires_action":
        with _step() as tx:
            intent = tx.get("payment_intent", intent_id)
            if intent["status"] == "requires_action":
                intent = _decide(tx, intent, outcome)
    if request.accept_mimetypes.best == "application/json":
        return public(intent)
    return _done(intent, intent.get("_return_url"))


def _decide(tx: Transaction, intent: Object, outcome: str) -> Object:
    if outcome == "fail":
        return payments.refuse(tx, intent)
    if outcome == "processing":
        return payments.start_processing(tx, intent)
    try:
        return payments.conclude(tx, intent, tx.get("payment_method", intent["payment_method"]))
    except ApiError as refusal:
        if not refusal.commits:
            raise
        return tx.get("payment_intent", intent["id"])


def _step() -> Any:
    return store().transaction(None, {"kind": "page", "method": request.method, "path": request.path})


def _open_intent(intent_id: str) -> Object:
    found = store().find(intent_id)
    if found is None or found["object"] != "payment_intent":
        raise ApiError(404, "invalid_request_error", "找不到这笔付款。 There is no such payment.")
    return found


def _intent_for_page(intent_id: str) -> Object:
    """The intent of the page's address, whose client secret the caller must know."""
    found = _open_intent(intent_id)
    given = request.values.get("client_secret", "")
    if not hmac.compare_digest(found["client_secret"].encode(), given.encode()):
        raise ApiError(404, "invalid_request_error", "找不到这笔付款。 There is no such payment.")
    return found


def _return_url(text: str | None) -> str | None:
    """A return address on this machine, or the 400 that says so; none is fine."""
    if not text:
        return None
    return endpoints.local_url(text, "return_url")


def _with_outcome(return_url: str, intent: Object) -> str:
    """What Stripe appends when it sends the buyer back."""
    parts = urlsplit(return_url)
    succeeded = {"succeeded": "succeeded", "requires_capture": "succeeded", "processing": "pending"}
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("payment_intent", intent["id"]),
        ("payment_intent_client_secret", intent["client_secret"]),
        ("redirect_status", succeeded.get(intent["status"], "failed")),
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _done(intent: Object, return_url: str | None) -> Any:
    if return_url and _is_local(return_url):
        return redirect(_with_outcome(return_url, intent), 303)
    return _page("message.html", 200, message=f"{intent['id']}: {intent['status']}")


def _is_local(url: str) -> bool:
    """A return address given by the API may be anywhere; the page only goes where it cannot leave the machine."""
    try:
        return bool(endpoints.local_url(url, "return_url"))
    except ApiError:
        return False


def _pay(intent: Object, return_url: str | None, status: int, failure: str | None = None) -> Any:
    shown = {key: choice for key, choice in CHOICES.items() if choice.kind in intent["payment_method_types"]}
    return _page(
        "pay.html",
        status,
        return_url,
        intent=public(intent),
        amount=_amount(intent),
        choices=shown,
        failure=failure,
        return_url=return_url or "",
        name=request.values.get("name", "")[:NAME_MAX],
        payable=intent["status"] in payments.OPEN,
    )


def _amount(intent: Object) -> str:
    if intent["currency"] in ZERO_DECIMAL:
        return f"{intent['amount']} {intent['currency'].upper()}"
    whole, rest = divmod(intent["amount"], 100)
    return f"{whole:,}.{rest:02d} {intent['currency'].upper()}"


def _page(template: str, status: int, back_to: str | None = None, **values: Any) -> Response:
    """A page that can load nothing and be framed by nobody; its form may lead on to `back_to`, a local address.

    Browsers hold the redirect after a form to the same policy as the form.
    """
    answer = make_response(render_template(template, **values), status)
    back = urlsplit(back_to or "")
    targets = f"'self' {back.scheme}://{back.netloc}" if back.netloc else "'self'"
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer
