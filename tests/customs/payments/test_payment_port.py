"""Payments are declared through the payment enterprise: once, under one number, and not for a stranger."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core import clock, config
from core.config import ClockSetting, ConfigError
from core.database import db, transaction
from customs import declarations, filing, persons, receipts
from customs.correcting import refiling
from customs.models import Declaration
from customs.payment_data import message, upload
from customs.payment_models import PaymentDeclaration
from customs.payment_port import keeping
from customs.payment_port.port import PaymentOrder, PaymentRefused
from customs.window.facts import Person
from customs.window.messages import parse
from shop.app import create_app
from tests.customs.desk import builders
from tests.customs.desk.builders import at, documents, receipt, status_of
from tests.customs.desk.window import FakeWindow
from tests.customs.payments.conftest import ORIGINAL
from tests.customs.payments.provider import Provider, parties_file

PAID = 9999 + 333 + 651


@pytest.fixture
def provider(window: FakeWindow, tmp_path: Path) -> Iterator[Provider]:
    fake = Provider()
    fake.paid["pay_1"] = PAID
    base = files("customs.window").joinpath("sandbox_parties.toml").read_text("utf-8")
    config.use(replace(config.current(), parties_file=parties_file(tmp_path, fake.url, base)))
    yield fake
    fake.close()


def opened(**changes: Any) -> uuid.UUID:
    given = {"payment_id": "pay_1", "payment_fen": PAID, **changes}
    request = builders.filing(*builders.buyer(), **given)
    with transaction() as session:
        return declarations.open_retail(session, request)


def kept(declaration_id: uuid.UUID) -> PaymentDeclaration:
    row = db.session.get(PaymentDeclaration, declaration_id, populate_existing=True)
    assert row is not None
    db.session.expunge(row)
    db.session.rollback()
    return row


def fault(declaration_id: uuid.UUID) -> str:
    found = db.session.scalar(select(Declaration.status_info).where(Declaration.id == declaration_id))
    db.session.rollback()
    return found or ""


def later(seconds: int) -> None:
    clock.set_clock(ClockSetting(fixed=clock.now() + timedelta(seconds=seconds)))


def test_the_enterprise_declares_and_we_file_order_and_waybill(window: FakeWindow, provider: Provider) -> None:
    found = opened()
    filing.file(str(found))
    assert window.kinds() == ["311", "511"]
    (asked,) = provider.asked
    assert asked["subOrderId"] == "LF2611230001"  # the number customs will see in the order
    assert (asked["declarationAmount"], asked["splitOrder"]) == ({"currency": "CNY", "value": str(PAID)}, False)
    assert len(asked["declarationRequestId"]) == 32
    order = parse(window.sent[0][2]).documents[0]
    assert order["payTransactionId"] == kept(found).transaction_id == "C000000000001"
    paper = documents(found)["411"]
    assert (paper.status, paper.xml, paper.reference) == ("received", None, "C000000000001")


def test_the_list_follows_order_and_waybill(window: FakeWindow, provider: Provider) -> None:
    found = opened()
    filing.file(str(found))
    for kind in ("311", "511"):
        receipts.store(receipt(found, kind, "120", at(1)))
    receipts.apply_receipts()
    filing.file(str(found))
    assert window.kinds() == ["311", "511", "621"]
    assert (status_of(found), len(provider.asked)) == ("filed", 1)


def test_one_payment_of_two_orders_is_split(window: FakeWindow, provider: Provider) -> None:
    provider.paid["pay_1"] = 3 * PAID
    filing.file(str(opened(payment_fen=3 * PAID)))
    assert provider.asked[0]["splitOrder"] is True


def test_a_stranger_who_pays_stops_the_filing(window: FakeWindow, provider: Provider, heard: list) -> None:
    provider.checks = "CHECK_NOT_PASSED"
    found = opened()
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    assert "the payer is not the buyer" in fault(found)
    assert [state for _, state, _ in heard] == ["failed"]
    assert (kept(found).state, kept(found).identity_check) == ("refused", "not_passed")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"payment_fen": PAID - 1}, "not within what was paid"),
        ({"payment_id": "pay_2"}, "ORDER_NOT_EXIST"),
        ({"payment_id": None}, "no number of the enterprise"),
    ],
)
def test_what_the_enterprise_refuses_is_said(
    window: FakeWindow, provider: Provider, changes: dict[str, Any], words: str
) -> None:
    found = opened(**changes)
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    assert words in fault(found)
    filing.resend()
    assert len(provider.asked) <= 1


def test_after_a_refusal_it_is_asked_anew_under_another_number(window: FakeWindow, provider: Provider) -> None:
    del provider.paid["pay_1"]
    found = opened()
    filing.file(str(found))
    provider.paid["pay_1"] = PAID
    filing.file_again(found, "desk")
    filing.file(str(found))
    first, second = (each["declarationRequestId"] for each in provider.asked)
    assert first != second
    assert (first[:30], window.kinds()) == (second[:30], ["311", "511"])


@pytest.mark.parametrize(
    "odd", [500, "unsigned", {"result": {"resultStatus": "U", "resultCode": "PROCESSING"}}, {"result": None}]
)
def test_an_unsure_answer_is_asked_again_under_the_same_number(
    window: FakeWindow, provider: Provider, odd: Any
) -> None:
    provider.script = [odd]
    found = opened()
    filing.file(str(found))
    assert (window.sent, status_of(found), kept(found).state) == ([], "pending", "asked")
    filing.file(str(found))  # not due yet
    assert len(provider.asked) == 1
    later(30)
    filing.resend()
    assert len({each["declarationRequestId"] for each in provider.asked}) == 1
    assert window.kinds() == ["311", "511"]
    assert len(provider.declared) == 1


def test_killed_after_the_answer_it_is_declared_once(
    window: FakeWindow, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    found = opened()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keeping, "_keep", die)
        filing.file(str(found))
    later(60)
    filing.resend()
    assert (len(provider.declared), window.kinds()) == (1, ["311", "511"])


def test_workers_that_file_at_once_ask_once(window: FakeWindow, provider: Provider, app: Any) -> None:
    found, start, faults = str(opened()), threading.Barrier(6), []

    def go() -> None:
        with app.app_context():
            start.wait()
            try:
                filing.file(found)
            except Exception as fault:
                faults.append(fault)

    threads = [threading.Thread(target=go) for _ in range(6)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert (faults, len(provider.asked), window.kinds()) == ([], 1, ["311", "511"])


def test_silence_for_too_long_needs_a_person(
    window: FakeWindow, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "ATTEMPTS_MAX", 3)
    provider.script = [500] * 3
    found = opened()
    for _ in range(5):
        filing.file(str(found))
        later(700)
    assert (status_of(found), len(provider.asked)) == ("failed", 3)
    filing.file_again(found, "desk")
    filing.file(str(found))
    assert len({each["declarationRequestId"] for each in provider.asked}) == 1
    assert window.kinds() == ["311", "511"]


@pytest.mark.parametrize(
    "odd",
    [{"customsOrderId": "LF9"}, {"customsPaymentId": None}, {"customsPaymentId": "a b"}, {"clearingTransactionId": 7}],
)
def test_an_answer_that_does_not_fit_is_no_declaration(window: FakeWindow, provider: Provider, odd: dict) -> None:
    provider.script = [odd]
    found = opened()
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")


@pytest.mark.parametrize("odd", [[], {}, 7, "PASSED"])
def test_a_check_that_cannot_be_read_is_not_passed(window: FakeWindow, provider: Provider, odd: Any) -> None:
    provider.script = [{"identityCheckResult": odd}]
    found = opened()
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    assert kept(found).identity_check == "not_passed"


def test_declared_by_the_enterprise_no_411_follows_though_the_parties_changed(
    window: FakeWindow, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    found = opened()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(filing, "_store", die)
        filing.file(str(found))
    config.use(replace(config.current(), parties_file=None))
    filing.file(str(found))
    assert window.kinds() == ["311", "511"]
    assert parse(window.sent[0][2]).documents[0]["payTransactionId"] == "C000000000001"


def test_told_by_our_411_the_enterprise_is_not_asked_though_the_parties_changed(
    window: FakeWindow, provider: Provider
) -> None:
    theirs = config.current()
    config.use(replace(theirs, parties_file=None))
    found = opened()
    filing.file(str(found))
    for kind, status in (("411", "120"), ("311", "100")):
        receipts.store(receipt(found, kind, status, at(1)))
    receipts.apply_receipts()
    config.use(theirs)
    refiling.file_again(found, "desk", {}, None)
    filing.file(str(found))
    assert provider.asked == []
    orders = [parse(xml).documents[0] for kind, _, xml in window.sent if kind == "311"]
    assert [order["payTransactionId"] for order in orders] == ["LF2611230001P"] * 2


def test_who_waits_for_the_enterprise_keeps_nobody_else_waiting(
    window: FakeWindow, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "_BATCH", 1)
    provider.script = [500, 500]
    first = opened()
    filing.file(str(first))
    second = opened(order_number="LF2611230002", payment_no="LF2611230002P", waybill_no="W2")  # its job is lost
    later(21)
    filing.resend()  # the first once more, and then not for 40 seconds
    later(5)
    filing.resend()
    assert (kept(first).state, documents(second)["311"].status) == ("asked", "filed")


def test_under_a_corrected_name_the_payer_is_checked_anew(window: FakeWindow, provider: Provider) -> None:
    account_id, person_id = builders.buyer()
    request = builders.filing(account_id, person_id, payment_id="pay_1", payment_fen=PAID)
    with transaction() as session:
        found = declarations.open_retail(session, request)
    filing.file(str(found))
    receipts.store(receipt(found, "311", "100", at(1)))
    receipts.apply_receipts()
    persons.set_identity(account_id, "张叁", builders.NUMBER, "13800000000")
    provider.checks = "CHECK_NOT_PASSED"
    refiling.file_again(found, "desk", {"buyer": True}, "misspelt")
    filing.file(str(found))
    names = [each["buyerCertificate"]["holderName"]["fullName"] for each in provider.asked]
    assert (names, window.kinds().count("311"), status_of(found)) == (["张三", "张叁"], 1, "failed")
    provider.checks = "CHECK_PASSED"
    refiling.file_again(found, "desk", {}, None)
    filing.file(str(found))
    assert len({each["declarationRequestId"] for each in provider.asked}) == 3
    (order,) = [parse(xml).documents[0] for kind, _, xml in window.sent if kind == "311"][1:]
    assert (order["buyerName"], order["payTransactionId"]) == ("张叁", kept(found).transaction_id)


def test_payment_data_names_who_cleared_it(window: FakeWindow, provider: Provider) -> None:
    found = opened()
    filing.file(str(found))
    shown = upload.as_declared(ORIGINAL)
    db.session.rollback()
    assert (shown.ver_dept, shown.transaction_id) == ("2", "N000000000001")
    assert message.head(shown, builders.PARTIES.platform, builders.PARTIES.payment, "G")["verDept"] == "2"


def test_without_a_service_the_message_is_ours(window: FakeWindow) -> None:
    found = opened()
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]
    assert parse(window.sent[1][2]).documents[0]["payTransactionId"] == "LF2611230001P"
    assert db.session.get(PaymentDeclaration, found) is None
    db.session.rollback()


def test_our_own_message_is_held_to_the_sum_and_the_payer(window: FakeWindow) -> None:
    who = keeping.declarer()
    order = PaymentOrder(
        request_id="r" * 32,
        order_number="LF1",
        payment_no="P1",
        payment_id=None,
        amount_fen=100,
        payment_fen=100,
        buyer=Person("张三", builders.NUMBER, "1"),
        payer_name=None,
        merchant=builders.PARTIES.platform,
        platform=builders.PARTIES.platform,
        office="3105",
    )
    assert who.declare(order).identity_check == "not_told"
    assert who.declare(replace(order, payer_name="张 三")).identity_check == "passed"
    assert who.declare(replace(order, payer_name="王五")).identity_check == "not_passed"
    for amount in (0, 101):
        with pytest.raises(PaymentRefused):
            who.declare(replace(order, amount_fen=amount))


def test_a_key_that_is_none_stops_the_start(settings: Any, tmp_path: Path) -> None:
    base = files("customs.window").joinpath("sandbox_parties.toml").read_text("utf-8")
    file = parties_file(tmp_path, "https://pay.example", base)
    (tmp_path / "theirs.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="LANDFALL_PARTIES has faults"):
        create_app(replace(settings, parties_file=file))
    file.write_text(base.replace('code = "4601960P02"', 'code = "12"').replace("[logistics]", "[logistic]"), "utf-8")
    with pytest.raises(ConfigError) as refused:
        create_app(replace(settings, parties_file=file.rename(tmp_path / "other.toml")))
    assert "payment.code" in str(refused.value)
    assert "logistic: not a party" in str(refused.value)
