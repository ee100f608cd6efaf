"""Customs asks for payment data: answered at once, uploaded until it is taken or a person must look."""

import base64
import json
import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from core import clock, config
from core.audit import AuditEntry
from core.database import db
from customs import filing_documents
from customs.payment_data import requests, upload
from customs.payment_models import PaymentDataRequest
from customs.window.profiles import SigningFailed
from shop import incidents
from tests.customs.desk.builders import NUMBER
from tests.customs.payments.asking import QUESTION, SESSION, ask, jobs_of, later, run, the_row
from tests.customs.payments.conftest import ORIGINAL, Customs


def test_asked_answered_uploaded(client: Any, order: uuid.UUID, customs: Customs) -> None:
    answer = ask(client)
    assert (answer.status_code, answer.get_json()["code"]) == (200, "10000")
    assert answer.get_json()["serviceTime"] == int(clock.now().timestamp() * 1000)
    assert customs.taken == []  # answered before anything is uploaded
    assert jobs_of("customs.upload_payment_data") == 1
    run()
    (taken,) = customs.taken
    said = json.loads(taken)
    assert said["sessionID"] == SESSION
    assert said["payExchangeInfoHead"]["initalRequest"] == ORIGINAL.request
    assert said["payExchangeInfoHead"]["totalAmount"] == 109.83
    assert said["payExchangeInfoLists"][0]["orderNo"] == ORIGINAL.order_number
    found = the_row()
    assert (found.state, found.answer, found.next_try_at) == ("uploaded", "10000 上传成功", None)
    actions = db.session.scalars(select(AuditEntry.action)).all()
    db.session.rollback()
    assert {"payment_data_asked", "payment_data_uploaded"} <= set(actions)


def test_the_signature_holds_over_the_bytes_that_were_sent(client: Any, order: uuid.UUID, customs: Customs) -> None:
    ask(client)
    run()
    (taken,) = customs.taken
    said = json.loads(taken)
    head = taken[taken.index('"payExchangeInfoHead":') + 22 : taken.index(',"payExchangeInfoLists":')]
    lists = taken[taken.index('"payExchangeInfoLists":') + 23 : taken.index(',"serviceTime":')]
    signed = (
        f'"sessionID":"{SESSION}"||"payExchangeInfoHead":"{head}"||"payExchangeInfoLists":"{lists}"'
        f'||"serviceTime":"{said["serviceTime"]}"'
    ).encode()
    who = filing_documents.signer()
    value = base64.b64decode(said["signValue"], validate=True)
    assert who.profile.holds(who.certificate, value, signed)
    assert not who.profile.holds(who.certificate, value, signed.replace(b"109.83", b"109.84"))
    assert said["certNo"] == who.cert_no


def test_two_workers_upload_once(client: Any, order: uuid.UUID, customs: Customs, app: Any) -> None:
    ask(client)
    identity, start = str(the_row().id), threading.Barrier(6)

    def go() -> None:
        with app.app_context():
            start.wait()
            upload.upload(identity)

    threads = [threading.Thread(target=go) for _ in range(6)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert len(customs.taken) == 1


def test_unreached_it_is_sent_again_byte_for_byte(client: Any, order: uuid.UUID, customs: Customs) -> None:
    customs.answers = [(500, ""), (502, "<html>"), (200, "no json")]
    ask(client)
    run()
    assert the_row().state == "waiting"
    run()  # not due yet
    assert len(customs.taken) == 1
    for _ in range(3):
        later(600)
        upload.upload_due()
    assert len(customs.taken) == 4
    assert len(set(customs.taken)) == 1
    assert (the_row().state, the_row().attempts) == ("uploaded", 4)


def test_a_worker_that_dies_is_followed(
    client: Any, order: uuid.UUID, customs: Customs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    ask(client)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(upload, "_done", die)
        run()
    later(60)
    upload.upload_due()
    assert len(customs.taken) == 2
    assert len(set(customs.taken)) == 1
    assert the_row().state == "uploaded"


def test_refused_three_times_a_person_must_look(client: Any, order: uuid.UUID, customs: Customs, kept: Any) -> None:
    customs.answers = [(200, '{"code":"20000","message":"上传失败","total":0,"serviceTime":1}')] * 3
    ask(client)
    for _ in range(5):
        upload.upload_due()
        later(600)
    assert len(customs.taken) == 3
    assert (the_row().state, the_row().answer) == ("dead", "20000 上传失败")
    kept[ORIGINAL.order_number] = replace(ORIGINAL, account="another")
    requests.upload_again(the_row().id, "desk")
    run()
    assert '"recpAccount":"another"' in customs.taken[-1]  # made anew
    assert the_row().state == "uploaded"


def test_one_incident_for_each_reason_says_that_customs_got_nothing(
    client: Any, order: uuid.UUID, customs: Customs, kept: Any
) -> None:
    customs.answers = [(200, '{"code":"20000","message":"上传失败"}')] * 3
    ask(client)
    for _ in range(2):
        upload.upload_due()
        later(600)
    assert open_incidents() == []  # tried again
    upload.upload_due()
    (first,) = open_incidents()
    assert (first["object_id"], first["detail"]["order"]) == ("refused", ORIGINAL.order_number)
    assert (first["detail"]["attempts"], first["detail"]["answer"]) == (3, "20000 上传失败")
    kept[ORIGINAL.order_number] = replace(ORIGINAL, account=None)
    for session in ("another-session", "a-third-session"):
        ask(client, {**QUESTION, "sessionID": session})
        upload.upload_due()
    assert [each["object_id"] for each in open_incidents()] == ["incomplete", "refused"]


def open_incidents() -> list[dict[str, Any]]:
    found = [each for each in incidents.open_ones(10) if each["kind"] == "payment_data_dead"]
    db.session.rollback()
    return found


def test_what_customs_says_shows_no_number_of_a_person(client: Any, order: uuid.UUID, customs: Customs) -> None:
    customs.answers = [(200, json.dumps({"code": "20000", "message": f"{NUMBER} 不符"}))]
    ask(client)
    run()
    assert the_row().answer == "20000 110***********002X 不符"


def test_without_a_signature_for_too_long_a_person_must_look(
    client: Any, order: uuid.UUID, customs: Customs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: object) -> str:
        raise SigningFailed("the signer gave no signature")

    monkeypatch.setattr(upload, "ATTEMPTS_MAX", 3)
    monkeypatch.setattr(upload, "sign", none)
    ask(client)
    for _ in range(5):
        upload.upload_due()
        later(600)
    assert (the_row().state, the_row().attempts, customs.taken) == ("dead", 3, [])


@pytest.mark.parametrize("lacking", [{"account": None}, {"request": None, "response": None}])
def test_what_cannot_be_made_waits_for_a_person(
    client: Any, order: uuid.UUID, customs: Customs, kept: Any, lacking: dict[str, Any]
) -> None:
    kept[ORIGINAL.order_number] = replace(ORIGINAL, **lacking)
    ask(client)
    run()
    found = the_row()
    assert (found.state, customs.taken) == ("dead", [])
    assert all(name in (found.answer or "") for name in ["lacking"])


def test_nobody_keeps_the_payment(client: Any, order: uuid.UUID, kept: Any) -> None:
    kept.clear()
    ask(client)
    run()
    assert the_row().state == "dead"


def test_without_an_address_a_person_must_look(client: Any, order: uuid.UUID) -> None:
    config.use(replace(config.current(), payment_data_url=None, single_window_url="file:///exchange"))
    ask(client)
    run()
    assert "PAYMENT_DATA_URL" in (the_row().answer or "")


def test_the_body_stands_sealed(client: Any, order: uuid.UUID) -> None:
    ask(client)
    run()
    body = db.session.scalar(select(PaymentDataRequest.body))
    db.session.rollback()
    assert body is not None
    assert b"payExchangeInfoHead" not in body
