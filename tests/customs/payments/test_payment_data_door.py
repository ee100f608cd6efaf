"""The door of `platDataOpen`: who may ask, what a question is, each stored once; and the desk's view of it."""

import json
import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core import config
from core.database import db, transaction
from customs.payment_data import requests
from customs.payment_models import PaymentDataRequest
from tests.customs.payments.asking import ADDRESS, QUESTION, SESSION, ask, jobs_of, rows, run, the_row
from tests.customs.payments.conftest import ORIGINAL, Customs
from tests.shop import builders as people


@pytest.mark.parametrize(
    "given",
    [
        {"json": None, "data": {"openReq": json.dumps(QUESTION)}},
        {"json": None, "data": {name: str(value) for name, value in QUESTION.items()}},
        {"json": {**QUESTION, "serviceTime": "1544519952469"}},
    ],
)
def test_it_may_come_as_form_or_json(client: Any, order: uuid.UUID, given: dict[str, Any]) -> None:
    if given["json"] is None:
        given = {"json": None, **given}
        del given["json"]
        head = {"Authorization": f"Bearer {config.current().payment_data_secret}"}
        answer = client.post(ADDRESS, headers=head, **given)
    else:
        answer = ask(client, **given)
    assert answer.get_json()["code"] == "10000"
    assert the_row().asked_ms == 1544519952469


def test_a_replay_is_answered_and_nothing_more(client: Any, order: uuid.UUID, customs: Customs) -> None:
    for _ in range(3):
        assert ask(client).get_json()["code"] == "10000"
    run()
    assert ask(client).get_json()["code"] == "10000"
    run()
    assert len(customs.taken) == 1
    assert jobs_of("customs.upload_payment_data") == 1


def test_the_same_question_from_many_at_once_is_one(order: uuid.UUID, app: Any) -> None:
    question = requests.Question(ORIGINAL.order_number, SESSION, 1)
    start, stored = threading.Barrier(8), []

    def go() -> None:
        with app.app_context():
            start.wait()
            stored.append(requests.store(question))

    threads = [threading.Thread(target=go) for _ in range(8)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert sorted(stored) == [False] * 7 + [True]
    assert len(rows()) == 1
    assert jobs_of("customs.upload_payment_data") == 1


def test_a_flood_about_one_order_is_stopped(client: Any, order: uuid.UUID) -> None:
    answers = [ask(client, {**QUESTION, "sessionID": f"s-{number}"}) for number in range(requests.WAITING_MAX + 1)]
    assert [each.status_code for each in answers] == [200] * requests.WAITING_MAX + [429]
    assert answers[-1].get_json()["code"] == "payment_data_busy"
    assert len(rows()) == requests.WAITING_MAX


def test_who_does_not_show_the_key_asks_in_vain(client: Any, order: uuid.UUID) -> None:
    for head in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        assert client.post(ADDRESS, json=QUESTION, headers=head).status_code == 401
    assert client.post(f"{ADDRESS}?key=wrong", json=QUESTION).status_code == 401
    assert rows() == []
    config.use(replace(config.current(), payment_data_key="a key of its own for customs"))
    assert ask(client, headers={"Authorization": "Bearer receipt-token-of-the-tests"}).status_code == 401
    assert client.post(f"{ADDRESS}?key=a key of its own for customs", json=QUESTION).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"orderNo": ""}, "orderNo"),
        ({"orderNo": "x" * 61}, "orderNo"),
        ({"orderNo": "LF\x00"}, "orderNo"),
        ({"sessionID": "x" * 37}, "sessionID"),
        ({"sessionID": 'a"b'}, "sessionID"),
        ({"sessionID": None}, "sessionID"),
        ({"serviceTime": -1}, "serviceTime"),
        ({"serviceTime": True}, "serviceTime"),
        ({"serviceTime": "soon"}, "serviceTime"),
        ({"more": 1}, "more"),
    ],
)
def test_bad_questions_name_the_element(client: Any, order: uuid.UUID, change: dict[str, Any], field: str) -> None:
    answer = ask(client, {**QUESTION, **change})
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert rows() == []


def test_other_bad_bodies(client: Any, order: uuid.UUID) -> None:
    head = {"Authorization": f"Bearer {config.current().payment_data_secret}"}

    def status(**given: Any) -> int:
        return client.post(ADDRESS, headers=head, **given).status_code

    assert status(data=b"[]", content_type="application/json") == 422
    assert status(data=b"{", content_type="application/json") == 400
    assert status(data=b"<a/>", content_type="application/xml") == 415
    assert status(data=b"x" * 9000, content_type="application/json") == 413
    assert status(data={"openReq": "nonsense"}) == 400


def test_of_an_unknown_order_there_is_nothing(client: Any, order: uuid.UUID) -> None:
    answer = ask(client, {**QUESTION, "orderNo": "LF0000000000"})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert rows() == []


def test_the_desk_sees_and_takes_up_again(client: Any, order: uuid.UUID, customs: Customs, kept: Any) -> None:
    kept[ORIGINAL.order_number] = replace(ORIGINAL, account=None)
    ask(client)
    run()
    desk = people.token_of(people.open_account("customs"))
    path = "/api/v1/customs/payment-data-requests"
    (row,) = client.get(f"{path}?state=dead", headers=desk).get_json()["items"]
    assert (row["order"], row["session"], row["answer"]) == (ORIGINAL.order_number, SESSION, "lacking: recpAccount")
    kept[ORIGINAL.order_number] = ORIGINAL
    again = client.post(f"{path}/{row['id']}/resend", headers=desk)
    assert (again.status_code, again.get_json()["state"]) == (202, "waiting")
    assert client.post(f"{path}/{row['id']}/resend", headers=desk).get_json()["code"] == "payment_data_state"
    assert client.post(f"{path}/{uuid.uuid4()}/resend", headers=desk).status_code == 404
    run()
    assert the_row().state == "uploaded"


@pytest.mark.parametrize(("role", "status"), [("consumer", 403), ("merchant", 403), ("operator", 200), (None, 401)])
def test_who_sees_the_questions(client: Any, app: Any, role: str | None, status: int) -> None:
    with app.app_context():
        head = people.token_of(people.open_account(role)) if role else {}
    path = "/api/v1/customs/payment-data-requests"
    assert client.get(path, headers=head).status_code == status
    resent = client.post(f"{path}/{uuid.uuid4()}/resend", headers=head).status_code
    assert resent == (404 if status == 200 else status)


def test_the_command_lists_and_takes_up(client: Any, order: uuid.UUID, app: Any) -> None:
    ask(client)
    with transaction() as session:
        session.execute(update(PaymentDataRequest).values(state="dead", next_try_at=None, answer="20000 no"))
    shell = app.test_cli_runner()
    shown = shell.invoke(args=["window", "payment-data"])
    assert shown.exit_code == 1
    assert "20000 no" in shown.output
    assert "1 given up" in shown.output
    assert shell.invoke(args=["window", "payment-data", "--resend-all"]).exit_code == 0
    assert the_row().state == "waiting"
    refused = shell.invoke(args=["window", "payment-data", "--resend", str(the_row().id)])
    assert refused.exit_code == 1
    assert shell.invoke(args=["window", "payment-data"]).exit_code == 0
    assert db.session.scalar(select(func.count()).select_from(PaymentDataRequest)) == 1
    db.session.rollback()
