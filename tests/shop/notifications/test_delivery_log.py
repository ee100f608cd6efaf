"""The log of mails and calls for operators, its end after thirty days, and many senders at once."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from core.database import db, transaction
from shop import notify
from shop.notification_models import Delivery, DeliveryAttempt, Notice
from shop.notifications import delivery_log, endpoints
from tests.shop import builders, state
from tests.shop.builders import Shelf
from tests.shop.notifications.conftest import MailServer, Receiver

Send = Callable[[], None]

BASE = "/api/v1/operations/deliveries"
FACTS = {"order": "7", "number": "LF1", "total": "335.32"}


@pytest.fixture
def operator(context: None) -> dict[str, str]:
    return builders.token_of(builders.open_account("operator"))


def count(model: Any) -> int:
    return int(state.fresh().scalar(select(func.count()).select_from(model)) or 0)


def test_operators_see_every_mail_and_call(
    send: Send,
    client: Any,
    operator: dict[str, str],
    use: Any,
    mail_server: MailServer,
    receiver: Receiver,
    shelf: Shelf,
) -> None:
    use(smtp_url=mail_server.url)
    mail_server.answers["RCPT"] = [b"550 no such box"]
    endpoints.create(shelf.owner.id, shelf.merchant_id, receiver.url, ["order_paid"])
    person = builders.open_account("consumer")
    with transaction() as session:
        notify.person(session, person.id, "order_paid", **FACTS)
        notify.merchant(session, shelf.merchant_id, "order_paid", **FACTS)
    send()
    items = client.get(BASE, headers=operator).get_json()["items"]
    found = {item["to"]: item["status"] for item in items}
    assert found == {person.email: "failed", receiver.url.partition("?")[0]: "sent"}
    (failed,) = client.get(f"{BASE}?status=failed", headers=operator).get_json()["items"]
    (tried,) = client.get(f"{BASE}/{failed['id']}/tries", headers=operator).get_json()["items"]
    assert (tried["status"], tried["answer"]) == (550, "no such box")
    assert client.post(f"{BASE}/{failed['id']}/mail", headers=operator).status_code == 202
    send()
    assert len(mail_server.mails) == 1


def test_what_is_not_there_and_who_may_not_look(
    client: Any, operator: dict[str, str], receiver: Receiver, shelf: Shelf
) -> None:
    nobody = "01a213eb-811a-765a-ba4b-7197cc2b811b"
    assert client.get(f"{BASE}/{nobody}/tries", headers=operator).status_code == 404
    assert client.post(f"{BASE}/{nobody}/mail", headers=operator).status_code == 404
    made = endpoints.create(shelf.owner.id, shelf.merchant_id, receiver.url, ["order_paid"])
    call = endpoints.test(shelf.merchant_id, uuid.UUID(made["id"]))["delivery"]
    assert client.post(f"{BASE}/{call}/mail", headers=operator).status_code == 404
    for role in ("consumer", "merchant", "customs"):
        theirs = builders.token_of(builders.open_account(role))
        assert client.get(BASE, headers=theirs).status_code == 403
        assert client.get(f"{BASE}/{call}/tries", headers=theirs).status_code == 403
        assert client.post(f"{BASE}/{call}/mail", headers=theirs).status_code == 403


def test_the_log_is_kept_for_thirty_days(
    send: Send, shelf: Shelf, receiver: Receiver, move_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_log, "BATCH", 2)
    endpoints.create(shelf.owner.id, shelf.merchant_id, receiver.url, ["order_paid"])

    def tell() -> None:
        with transaction() as session:
            notify.merchant(session, shelf.merchant_id, "order_paid", **FACTS)

    for _ in range(5):
        tell()
    send()
    move_clock(29 * 86400)
    delivery_log.forget()
    assert count(Delivery) == 5
    move_clock(31 * 86400)
    tell()  # not sent yet: never forgotten
    delivery_log.forget()
    assert (count(Delivery), count(DeliveryAttempt), count(Notice)) == (0, 0, 6)
    send()
    assert (count(Delivery), len(receiver.calls)) == (1, 6)


def test_many_senders_at_once_send_each_once(
    send: Send,
    app: Any,
    use: Any,
    shelf: Shelf,
    receiver: Receiver,
    mail_server: MailServer,
    move_clock: Callable[[int], None],
) -> None:
    use(smtp_url=mail_server.url)
    endpoints.create(shelf.owner.id, shelf.merchant_id, receiver.url, ["order_paid"])
    person = builders.open_account("consumer")
    with transaction() as session:
        for number in range(60):
            facts = {**FACTS, "number": f"LF{number}"}
            notify.person(session, person.id, "order_paid", **facts)
            notify.merchant(session, shelf.merchant_id, "order_paid", **facts)
    ready = threading.Barrier(4)

    def run() -> None:
        with app.app_context():
            ready.wait()
            send()
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    move_clock(61)
    send()
    calls = Counter(json.loads(body)["data"]["number"] for _, _, body in receiver.calls)
    assert calls == Counter({f"LF{number}": 1 for number in range(60)})
    assert len(mail_server.mails) == 60
    assert {status for (status,) in state.fresh().execute(select(Delivery.status))} == {"sent"}


def test_the_command_counts_what_waits(send: Send, app: Any, use: Any, shelf: Shelf) -> None:
    endpoints.create(shelf.owner.id, shelf.merchant_id, "http://127.0.0.1:9/", ["order_paid"])
    person = builders.open_account("consumer")
    with transaction() as session:
        notify.merchant(session, shelf.merchant_id, "order_paid", **FACTS)
        notify.person(session, person.id, "order_paid", **FACTS)
    runner = app.test_cli_runner()
    before = runner.invoke(args=["notices", "status"]).output
    assert "notices not made out yet: 2" in before
    assert "nothing waits" in before
    send()
    after = runner.invoke(args=["notices", "status"]).output
    assert "mail sent: 1" in after
    assert "webhook waiting: 1" in after
    assert "failing since" in after
    assert "nothing waits" not in after
