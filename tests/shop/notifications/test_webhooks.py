"""Merchants' webhooks: signed, repeated for three days, logged, replayed, and nobody else's."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from catalog import rights
from catalog.models import MerchantMember
from core import audit, clock
from core.database import db, transaction
from shop import notify
from shop.notification_models import Delivery, DeliveryAttempt, Notice, WebhookEndpoint
from shop.notifications import endpoints, outbox
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.notifications.conftest import Receiver

BASE = "/api/v1/catalog/manage/webhooks"
Send = Callable[[], None]
FACTS = {"order": "7", "number": "LF1", "total": "335.32"}


class Api:
    """The calls of one account."""

    def __init__(self, client: Any, actor: Any) -> None:
        self.client, self.headers = client, builders.token_of(actor)

    def __call__(self, method: str, path: str = "", body: Any = None) -> Any:
        return self.client.open(BASE + path, method=method, json=body, headers=self.headers)


@pytest.fixture
def api(client: Any, shelf: Shelf) -> Api:
    return Api(client, shelf.owner)


@pytest.fixture
def made(api: Api, receiver: Receiver) -> dict[str, Any]:
    answer = api("POST", body={"url": receiver.url, "kinds": ["order_paid", "order_cancelled"]})
    assert answer.status_code == 201
    return answer.get_json()


def tell(shelf: Shelf, kind: str = "order_paid", **facts: Any) -> None:
    with transaction() as session:
        notify.merchant(session, shelf.merchant_id, kind, **{**FACTS, **facts})


def verify(secret: str, headers: dict[str, str], body: bytes, at: float | None = None) -> bool:
    """As docs/notifications.md tells merchants to do it."""
    parts = [part.split("=", 1) for part in headers["Landfall-Signature"].split(",")]
    stamp = next(value for name, value in parts if name == "t")
    if abs((time.time() if at is None else at) - int(stamp)) > 300:
        return False
    ours = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(ours, value) for name, value in parts if name == "v1")


def statuses() -> list[str]:
    return list(state.fresh().scalars(select(Delivery.status).order_by(Delivery.id)))


def test_an_event_is_signed_and_whole(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver
) -> None:
    tell(shelf)
    tell(shelf, "order_shipped", waybill="W")  # not chosen
    send()
    ((path, headers, body),) = receiver.calls
    notice = state.fresh().scalars(select(Notice).where(Notice.kind == "order_paid")).one()
    assert path == "/hooks?of=landfall"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": str(notice.id), "type": "order_paid", "created": clock.instant_text(notice.at), "data": FACTS,
    }  # fmt: skip
    assert verify(made["secret"], headers, body)
    assert not verify(made["secret"], headers, body + b" ")
    assert not verify("whsec_another", headers, body)
    assert not verify(made["secret"], headers, body, at=time.time() + 301)
    (item,) = api("GET", f"/{made['id']}/deliveries").get_json()["items"]
    assert (item["status"], item["attempts"], item["event"]) == ("sent", 1, str(notice.id))
    seen = api("GET", f"/deliveries/{item['id']}").get_json()
    assert seen["body"] == json.loads(body)
    (one,) = seen["tries"]
    assert (one["status"], one["answer"], one["fault"]) == (200, "thank you", None)
    assert 0 <= one["ms"] < 5000


def test_an_answer_other_than_2xx_is_tried_again_with_the_same_body(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver, move_clock: Callable[[int], None]
) -> None:
    receiver.statuses = [500, 302]
    tell(shelf)
    send()
    send()
    assert (len(receiver.calls), statuses()) == (1, ["waiting"])
    assert api("GET", f"/{made['id']}").get_json()["failing_since"]
    move_clock(13)
    send()
    move_clock(13 + 49)
    send()
    assert (len(receiver.calls), statuses()) == (3, ["sent"])
    assert len({body for _, _, body in receiver.calls}) == 1
    tries = state.fresh().scalars(select(DeliveryAttempt.status).order_by(DeliveryAttempt.id))
    assert list(tries) == [500, 302, 200]
    assert api("GET", f"/{made['id']}").get_json()["failing_since"] is None


def test_killed_between_sending_and_noting_it_comes_again_with_the_same_id(
    send: Send,
    made: dict[str, Any],
    shelf: Shelf,
    receiver: Receiver,
    move_clock: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(shelf)

    def killed(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(outbox, "note", killed)
        send()
    assert (len(receiver.calls), statuses()) == (1, ["waiting"])
    move_clock(61)
    send()
    first, second = (json.loads(body)["id"] for _, _, body in receiver.calls)
    assert first == second
    assert statuses() == ["sent"]


def test_a_worker_killed_in_mid_call_leaves_it_to_the_next(
    send: Send, made: dict[str, Any], shelf: Shelf, receiver: Receiver, move_clock: Callable[[int], None]
) -> None:
    """A real process and a real SIGKILL, at the moment when the merchant has the call and we have not noted it."""
    tell(shelf)
    db.session.remove()
    child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)
        send()
        os._exit(0)
    receiver.before = lambda: os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    receiver.before = None
    assert (len(receiver.calls), statuses()) == (1, ["waiting"])
    move_clock(61)
    send()
    first, second = (json.loads(body)["id"] for _, _, body in receiver.calls)
    assert (first == second, statuses()) == (True, ["sent"])


def test_three_days_of_failure_close_an_endpoint(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver, move_clock: Callable[[int], None]
) -> None:
    day = 86400
    receiver.statuses = [503] * 100
    tell(shelf)
    for after in range(0, 3 * day, day // 8):
        move_clock(after)
        send()
    assert api("GET", f"/{made['id']}").get_json()["enabled"]
    tell(shelf, number="LF2")
    move_clock(3 * day)
    send()
    found = api("GET", f"/{made['id']}").get_json()
    assert (found["enabled"], found["disabled_for"]) == (False, "failing")
    assert sorted(statuses()) == ["dropped", "failed"]
    told = state.fresh().scalars(select(Notice).where(Notice.kind == "webhook_disabled")).one()
    assert (told.merchant_id, told.facts["url"]) == (shelf.merchant_id, receiver.url.partition("?")[0])
    calls = len(receiver.calls)
    tell(shelf)
    send()
    assert len(receiver.calls) == calls  # nothing is made out for it any more

    receiver.statuses = []
    lost = api("GET", f"/{made['id']}/deliveries?status=dropped").get_json()["items"][0]
    assert api("POST", f"/deliveries/{lost['id']}/replay").get_json()["code"] == "endpoint_disabled"
    api("PATCH", f"/{made['id']}", {"enabled": True})
    assert api("POST", f"/deliveries/{lost['id']}/replay").status_code == 202
    send()
    assert json.loads(receiver.calls[-1][2])["data"]["number"] == "LF2"
    assert api("GET", f"/deliveries/{lost['id']}").get_json()["status"] == "sent"


def test_a_replay_comes_under_the_same_id(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver
) -> None:
    tell(shelf)
    send()
    (item,) = api("GET", f"/{made['id']}/deliveries").get_json()["items"]
    again = api("POST", f"/deliveries/{item['id']}/replay")
    assert (again.status_code, again.get_json()["status"]) == (202, "waiting")
    send()
    first, second = (json.loads(body) for _, _, body in receiver.calls)
    assert first == second
    assert len(api("GET", f"/deliveries/{item['id']}").get_json()["tries"]) == 2


def test_a_failing_endpoint_is_probed_and_holds_no_other_up(
    send: Send, client: Any, made: dict[str, Any], shelf: Shelf, receiver: Receiver
) -> None:
    dead = endpoints.create(shelf.owner.id, shelf.merchant_id, "http://127.0.0.1:9/", ["order_paid"])
    with transaction() as session:
        session.get_one(WebhookEndpoint, uuid.UUID(dead["id"])).failing_since = clock.now()
    for number in range(60):
        tell(shelf, number=f"LF{number}")
    send()
    assert len(receiver.calls) == 60
    failed = state.fresh().scalars(select(Delivery).where(Delivery.endpoint_id == uuid.UUID(dead["id"])))
    assert sum(row.attempts for row in failed) <= 5


def test_a_secret_is_shown_once_and_the_former_signs_along_for_a_day(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver, move_clock: Callable[[int], None]
) -> None:
    assert made["secret"].startswith("whsec_")
    rows = state.fresh().scalars(select(WebhookEndpoint)).all()
    assert all(made["secret"].encode() not in row.secret for row in rows)
    assert "secret" not in api("GET", f"/{made['id']}").get_json()
    assert made["secret"] not in str(list(state.fresh().scalars(select(audit.AuditEntry.data))))
    changed = api("POST", f"/{made['id']}/secret").get_json()
    tell(shelf)
    send()
    _, headers, body = receiver.calls[-1]
    assert verify(made["secret"], headers, body)
    assert verify(changed["secret"], headers, body)
    move_clock(86401)
    tell(shelf)
    send()
    _, headers, body = receiver.calls[-1]
    assert not verify(made["secret"], headers, body)
    assert verify(changed["secret"], headers, body)


def test_a_test_comes_to_the_endpoint_it_is_asked_for(
    send: Send, api: Api, made: dict[str, Any], receiver: Receiver
) -> None:
    asked = api("POST", f"/{made['id']}/test")
    assert asked.status_code == 202
    send()
    ((_, _, body),) = receiver.calls
    assert json.loads(body)["type"] == "webhook_test"
    assert json.loads(body)["id"] == asked.get_json()["event"]


def test_another_merchants_endpoint_is_not_found(
    send: Send, client: Any, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver
) -> None:
    tell(shelf)
    send()
    (item,) = api("GET", f"/{made['id']}/deliveries").get_json()["items"]
    stranger = Api(client, builders.open_shelf().owner)
    paths = [
        ("GET", f"/{made['id']}"), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}"),
        ("POST", f"/{made['id']}/secret"), ("POST", f"/{made['id']}/test"), ("GET", f"/{made['id']}/deliveries"),
        ("GET", f"/deliveries/{item['id']}"), ("POST", f"/deliveries/{item['id']}/replay"),
    ]  # fmt: skip
    for method, path in paths:
        body = {"enabled": False} if method == "PATCH" else None
        assert stranger(method, path, body).status_code == 404, path
    assert stranger("GET").get_json()["items"] == []
    assert api("GET", f"/{made['id']}").get_json()["enabled"]
    assert (len(receiver.calls), statuses()) == (1, ["sent"])


@pytest.mark.parametrize(("role", "may"), [(role, rights.HOOKS in tasks) for role, tasks in rights.MAY.items()])
def test_who_may_manage_endpoints(client: Any, shelf: Shelf, receiver: Receiver, role: str, may: bool) -> None:
    person = builders.open_account("merchant")
    with transaction() as session:
        session.add(MerchantMember(user_id=person.id, merchant_id=shelf.merchant_id, role=role))
    theirs = Api(client, person)
    assert theirs("GET").status_code == (200 if may else 403)
    answer = theirs("POST", body={"url": receiver.url, "kinds": ["order_paid"]})
    assert answer.status_code == (201 if may else 403)
    assert may == (role in ("owner", "manager"))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://10.0.0.1/", "kinds": ["order_paid"]}, "url"),
        ({"url": "https://user:p@shop.example/", "kinds": ["order_paid"]}, "url"),
        ({"url": "ftp://shop.example/", "kinds": ["order_paid"]}, "url"),
        ({"url": "https://shop.example/", "kinds": []}, "kinds"),
        ({"url": "https://shop.example/", "kinds": ["webhook_test"]}, "kinds"),
        ({"url": "https://shop.example/", "kinds": ["everything"]}, "kinds"),
        ({"url": "https://shop.example/"}, "kinds"),
    ],
)
def test_what_is_no_endpoint_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    answer = api("POST", body=body)
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_in_production_only_https(api: Api, use: Any, receiver: Receiver) -> None:
    use(env="production")
    assert api("POST", body={"url": receiver.url, "kinds": ["order_paid"]}).status_code == 422


def test_at_most_ten(api: Api, receiver: Receiver) -> None:
    body = {"url": receiver.url, "kinds": ["order_paid"]}
    answers = [api("POST", body=body).status_code for _ in range(11)]
    assert answers == [201] * 10 + [422]


def test_disabled_and_enabled_changed_and_removed(
    send: Send, api: Api, made: dict[str, Any], shelf: Shelf, receiver: Receiver
) -> None:
    tell(shelf)
    outbox.make_out()
    found = api("PATCH", f"/{made['id']}", {"enabled": False}).get_json()
    assert (found["enabled"], found["disabled_for"]) == (False, "merchant")
    send()
    assert (receiver.calls, statuses()) == ([], ["dropped"])
    assert api("POST", f"/{made['id']}/test").status_code == 409
    other = receiver.url + "&more=1"
    found = api("PATCH", f"/{made['id']}", {"enabled": True, "url": other, "kinds": ["order_shipped"]}).get_json()
    assert (found["url"], found["kinds"], found["enabled"]) == (other, ["order_shipped"], True)
    tell(shelf)
    tell(shelf, "order_shipped", waybill="W")
    send()
    assert [path for path, _, _ in receiver.calls] == ["/hooks?of=landfall&more=1"]
    assert api("DELETE", f"/{made['id']}").status_code == 204
    assert (statuses(), api("GET").get_json()["items"]) == ([], [])


def test_a_call_never_holds_a_transaction(send: Send, made: dict[str, Any], shelf: Shelf, receiver: Receiver) -> None:
    """While the merchant's server thinks, nothing of ours is locked."""
    found: list[Any] = []

    def look() -> None:
        from sqlalchemy import text

        from core.database import db

        with app.app_context(), db.engine.connect() as connection:
            found.extend(
                connection.scalars(
                    text(
                        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
                        " AND state LIKE 'idle in transaction%'"
                    )
                )
            )

    from flask import current_app

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    receiver.before = look
    tell(shelf)
    send()
    assert (len(receiver.calls), found) == (1, [])


def test_waits_grow_and_differ() -> None:
    waits = [[outbox.wait_after(n) for _ in range(20)] for n in range(1, 12)]
    assert all(len(set(some)) > 1 for some in waits)
    assert timedelta(seconds=8) <= min(waits[0]) <= max(waits[0]) <= timedelta(seconds=12)
    assert max(waits[-1]) <= timedelta(hours=8) * 1.2
    assert outbox.wait_after(30_000) <= timedelta(hours=10)
