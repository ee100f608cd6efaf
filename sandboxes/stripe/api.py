"""One API call from bytes to bytes: key, route, scripted faults, idempotency, the work, the answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandboxes.stripe import faults, form, params, routes
from sandboxes.stripe.call import Call
from sandboxes.stripe.errors import ApiError, invalid
from sandboxes.stripe.events import API_VERSION
from sandboxes.stripe.expansion import expand
from sandboxes.stripe.store import Object, Store, Transaction, new_id, public

log = logging.getLogger(__name__)
KEY_LENGTH_MAX = 255
HTML_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Asked:
    """The raw call: `headers` by lower-case name."""

    method: str
    path: str
    query: bytes
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Answer:
    """What goes back. `hang_up`: close the connection instead of answering."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


class Api:
    """The `/v1` side of the sandbox over one store."""

    def __init__(self, store: Store, base: str) -> None:
        self.store = store
        self.base = base
        self._running: set[str] = set()

    def answer(self, asked: Asked) -> Answer:
        """Never raises: whatever goes wrong is an answer in Stripe's shape."""
        note = {"kind": "request", "id": new_id("req", 14), "method": asked.method, "path": asked.path}
        try:
            done = self._answer(asked, note)
        except ApiError as refusal:
            done = _json(refusal.status, refusal.body())
            self.store.note({**note, "status": done.status, "error": refusal.error.get("code")})
        except Exception:
            log.exception("request %s failed", note["id"])
            done = _json(500, _server_error())
            self.store.note({**note, "status": 500, "error": "sandbox_fault"})
        done.headers |= {
            "Request-Id": str(note["id"]),
            "Stripe-Version": asked.headers.get("stripe-version", API_VERSION),
        }
        return done

    def _answer(self, asked: Asked, note: Object) -> Answer:
        for_pages = _authenticate(asked.headers)
        found = routes.match(asked.method, asked.path)
        if found is None:
            raise invalid(f"Unrecognized request URL ({asked.method}: {asked.path}).", status=404)
        route, args = found
        if for_pages and not route.for_pages:
            raise invalid(
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                code="secret_key_required",
                status=403,
            )
        note["account"] = self._account(asked.headers)
        tree = _parameters(asked)
        note["params"] = _redacted(tree)
        key = asked.headers.get("idempotency-key") if asked.method == "POST" else None
        if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
            raise invalid(f"Idempotency keys have at most {KEY_LENGTH_MAX} characters.")
        note["idempotency_key"] = key
        fault = self._fault(asked, note)
        call = Call(asked.path, args, tree, self.base, for_pages)
        if key is None:
            return self._after(fault, self._before(fault) or self._work(route, call, note, fault, None))
        return self._once(route, call, note, fault, key)

    def _once(self, route: routes.Route, call: Call, note: Object, fault: Object | None, key: str) -> Answer:
        """Work under an idempotency key: a known key replays, a running one conflicts."""
        scope = f"{note['account'] or ''}/{key}"
        print_ = _fingerprint(note["method"], call.path, call.params)
        with self.store.lock:
            kept = self.store.remembered(scope, time.time())
            if kept is None and scope in self._running:
                raise ApiError(
                    409,
                    "idempotency_error",
                    f"There is currently another in-progress request using this Stripe idempotency key ({key}).",
                    code="idempotency_key_in_use",
                )
            if kept is None:
                self._running.add(scope)
        if kept is not None:
            return self._after(fault, self._before(fault) or self._replay(kept, print_, key, note))
        try:
            keep = {"scope": scope, "print": print_}
            return self._after(fault, self._before(fault) or self._work(route, call, note, fault, keep))
        finally:
            with self.store.lock:
                self._running.discard(scope)

    def _replay(self, kept: Object, print_: str, key: str, note: Object) -> Answer:
        if kept["print"] != print_:
            raise ApiError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
            )
        self.store.note({**note, "status": kept["status"], "replayed": True})
        headers = {"Idempotent-Replayed": "true", "Original-Request": kept["request"], "Idempotency-Key": key}
        return Answer(kept["status"], kept["body"].encode("utf-8"), headers)

    def _work(self, route: routes.Route, call: Call, note: Object, fault: Object | None, keep: Object | None) -> Answer:
        with self.store.transaction(note["account"], note) as tx:
            call.tx = tx
            status, body = _run(route, call, tx)
            if fault and fault["fault"] == "error_after_success":
                status, body = 500, _server_error()
            text = json.dumps(body, ensure_ascii=False, indent=2)
            tx.note |= {"status": status}
            if keep is not None:
                tx.keep = {**keep, "at": tx.now, "status": status, "body": text, "request": note["id"]}
        done = Answer(status, text.encode("utf-8"))
        if status >= 500:
            done.headers["Stripe-Should-Retry"] = "false"
        return done

    def _account(self, headers: Mapping[str, str]) -> str | None:
        account = headers.get("stripe-account")
        if account:
            found = self.store.find(account)
            if found is None or found["object"] != "account":
                raise invalid(
                    f"The provided key does not have access to account '{account[:60]}'.", None, "account_invalid", 403
                )
        return account or None

    def _fault(self, asked: Asked, note: Object) -> Object | None:
        if not self.store.oldest(faults.FAULT):
            return None
        with self.store.lock:
            tx = Transaction(self.store, None, {"kind": "fault", "request": note["id"]})
            fault = faults.take_for_call(tx, asked.method, asked.path)
            if fault:
                self.store.commit(tx)
                note["fault"] = fault["fault"]
        return fault

    def _before(self, fault: Object | None) -> Answer | None:
        """Faults that come before the effect: an answer here means that nothing was done."""
        kind = fault["fault"] if fault else None
        if kind == "delay" and fault:
            time.sleep(fault["seconds"])
        if kind == "http_500":
            return _json(500, _server_error(), {"Stripe-Should-Retry": "true"})
        if kind == "http_429":
            return _json(
                429, ApiError(429, "invalid_request_error", "Request rate limit exceeded.", code="rate_limit").body()
            )
        if kind == "html_page":
            return Answer(502, HTML_PAGE, {"Content-Type": "text/html; charset=utf-8"})
        return None

    def _after(self, fault: Object | None, done: Answer) -> Answer:
        """Faults that come after the effect: the work is done and kept, the answer is spoiled."""
        kind = fault["fault"] if fault else None
        if kind in ("answer_late", "timeout_after_success") and fault:
            time.sleep(fault["seconds"])
            done.hang_up = kind == "timeout_after_success"
        if kind == "malformed_json":
            done.body = done.body[: len(done.body) // 2]
        if kind in faults.LIES:
            done.body = json.dumps(faults.lie(json.loads(done.body), kind), ensure_ascii=False, indent=2).encode(
                "utf-8"
            )
        return done


def _run(route: routes.Route, call: Call, tx: Transaction) -> tuple[int, Any]:
    """Status and body of the handler; a refusal undoes what was written, except a decline's trace."""
    try:
        call.params = params.read(call.params, route.spec, route.required)
        result = public(route.handler(call))
        return 200, expand(tx, result, call.params.get("expand", []))
    except ApiError as refusal:
        if not refusal.commits:
            tx.changed.clear()
            tx.gone.clear()
        return refusal.status, refusal.body()


def _authenticate(headers: Mapping[str, str]) -> bool:
    """True for a publishable key, False for a secret one; 401 for everything else."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    key = given.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise invalid("You did not provide an API key. Use Bearer auth or the user name of basic auth.", status=401)
    for prefix in ("sk_test_", "pk_test_"):
        if key.startswith(prefix) and len(key) > len(prefix):
            return prefix == "pk_test_"
    raise invalid(f"Invalid API Key provided: {key[:8]}{'*' * 8}", status=401)


def _parameters(asked: Asked) -> Object:
    tree = form.parse(asked.query)
    if asked.body:
        kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise invalid("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
        tree |= form.parse(asked.body)
    return tree


def _redacted(tree: Any) -> Any:
    """Card numbers and their check codes do not go into the journal, not even test ones."""
    if isinstance(tree, list):
        return [_redacted(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {name: _redacted(value) for name, value in tree.items()}
    if isinstance(kept.get("number"), str):
        kept["number"] = "*" * 12 + kept["number"][-4:]
    if "cvc" in kept:
        kept["cvc"] = "***"
    return kept


def _fingerprint(method: str, path: str, tree: Object) -> str:
    return hashlib.sha256(json.dumps([method, path, tree], sort_keys=True).encode()).hexdigest()


def _json(status: int, body: Object, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body, ensure_ascii=False, indent=2).encode("utf-8"), dict(headers or {}))


def _server_error() -> Object:
    return {"error": {"type": "api_error", "message": "An unexpected error occurred."}}
