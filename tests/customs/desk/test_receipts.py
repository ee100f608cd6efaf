"""The door for receipts: who may knock, what is kept, what is put aside (F37 to F39, F55)."""

import base64
import contextvars
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select, text

from core import config
from core.database import db
from customs import filing, receipts
from customs.models import TaxBill, WindowReceipt
from customs.window.keys import load_signer
from customs.window.signature import sign_message
from tests.customs.desk.builders import NUMBER, Caller, at, message, receipt, status_of
from tests.customs.desk.test_filing import INVT, listed, opened, take
from tests.customs.desk.window import FakeWindow

URL = "/api/v1/customs/receipts"


@pytest.fixture
def post(app: Any, window: FakeWindow) -> Any:
    client = app.test_client()
    token = config.current().receipt_token

    def send(body: bytes, content_type: str = "application/xml", authorization: str | None = f"Bearer {token}") -> Any:
        headers = {} if authorization is None else {"Authorization": authorization}
        return contextvars.Context().run(client.post, URL, data=body, content_type=content_type, headers=headers)

    return send


def kept() -> list[tuple[str, str]]:
    rows = db.session.execute(select(WindowReceipt.status, WindowReceipt.state).order_by(WindowReceipt.id))
    found = [(row[0], row[1]) for row in rows]
    db.session.rollback()
    return found


def test_raw_or_in_its_envelope_it_is_kept_once(window: FakeWindow, post: Any) -> None:
    found = listed(window)
    xml = receipt(found, "621", "120", at(5), invtNo=INVT)
    before = len(kept())
    answer = post(xml)
    assert (answer.status_code, answer.get_json()) == (202, {"stored": 1, "repeated": 0})
    envelope = {"MessageHead": {"MessageId": "x"}, "MessageBody": {"data": base64.b64encode(xml).decode()}}
    answer = post(json.dumps(envelope).encode(), "application/json")
    assert (answer.status_code, answer.get_json()) == (202, {"stored": 0, "repeated": 1})
    again = receipt(found, "621", "120", at(5), invtNo=INVT)  # another guid, the same receipt
    assert post(again).get_json() == {"stored": 0, "repeated": 1}
    receipts.apply_receipts()
    assert len(kept()) == before + 1
    assert status_of(found) == "declared"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic receipt-token-of-the-tests", "Bearer Ａ"]
)
def test_without_the_token_nothing_is_read(window: FakeWindow, post: Any, authorization: str | None) -> None:
    found = listed(window)
    before = kept()
    header = None if authorization is None else authorization.encode().decode("latin-1")
    answer = post(receipt(found, "621", "800", at(5)), authorization=header)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert kept() == before


def test_a_user_token_opens_nothing_here(app: Any, window: FakeWindow, post: Any) -> None:
    from core import accounts

    token, _ = accounts.issue_token(accounts.register("c@example.test", "a long password", "C", ("customs",)))
    assert post(b"<x/>", authorization=f"Bearer {token}").status_code == 401


BOMB = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;">]><b>&c;</b>'


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/xml", 400),
        (b"<not", "application/xml", 400),
        (b"<other/>", "application/xml", 400),
        (BOMB, "application/xml", 400),
        (BOMB.decode().encode("utf-16"), "application/xml", 400),
        (b"\xff\xfe", "application/xml", 400),
        (b"<a>" * 100_000, "application/xml", 400),
        (b"{}", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"MessageBody": {"data": "?"}}', "application/json", 400),
        (b'{"MessageBody": {"data": NaN}}', "application/json", 422),
        (b"{", "application/json", 400),
        (b"<x/>", "text/plain", 415),
        (b" " * 9_000_000, "application/xml", 413),
    ],
)
def test_what_is_no_receipt_is_refused(post: Any, body: bytes, content_type: str, status: int) -> None:
    answer = post(body, content_type)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert kept() == []


@pytest.mark.parametrize("change", ["returnStatus", "returnTime", "copNo"])
def test_a_receipt_must_say_what_every_receipt_says(window: FakeWindow, post: Any, change: str) -> None:
    values = {"copNo": "LF1", "preNo": "B" + "0" * 17, "returnStatus": "120", "returnTime": at(1), "returnInfo": "x"}
    for wrong in ("", "next year"):
        body = message("622", "InventoryReturn", {**values, change: wrong})
        assert post(body).status_code == (202 if change == "copNo" and wrong else 400)


def test_of_a_document_we_never_sent_it_is_put_aside(window: FakeWindow, post: Any) -> None:
    found = opened()  # nothing sent yet
    values = {"preNo": "B" + "0" * 17, "returnStatus": "800", "returnTime": at(1), "returnInfo": "x"}
    assert post(message("622", "InventoryReturn", {**values, "copNo": "LF2611230001"})).status_code == 202
    assert post(message("622", "InventoryReturn", {**values, "copNo": "SOMEBODYELSE"})).status_code == 202
    receipts.apply_receipts()
    assert kept() == [("800", "quarantined"), ("800", "quarantined")]
    assert status_of(found) == "pending"


@pytest.mark.parametrize("name", ["ebpCode", "ebcCode", "agentCode", "customsCode"])
def test_under_our_number_for_somebody_else_it_is_put_aside(window: FakeWindow, name: str) -> None:
    found = listed(window)
    take(receipt(found, "621", "800", at(5), **{name: "9999"}))
    assert kept()[-1] == ("800", "quarantined")
    assert status_of(found) == "filed"


def test_with_another_list_number_it_is_put_aside(window: FakeWindow) -> None:
    found = listed(window)
    take(receipt(found, "621", "120", at(5), invtNo=INVT), receipt(found, "621", "800", at(6), invtNo="9" * 18))
    assert kept()[-1] == ("800", "quarantined")
    assert status_of(found) == "declared"


class TestSigned:
    """Receipts with a signature, and while only those are taken."""

    @pytest.fixture
    def signer(self, tmp_path: Path, window: FakeWindow) -> Iterator[Any]:
        mine = load_signer(tmp_path / "customs")
        file = tmp_path / "trusted.pem"
        file.write_bytes(mine.certificate.public_bytes(Encoding.PEM))
        before = config.current()
        config.use(replace(before, trusted_cert_file=file, require_signed_receipts=True))
        yield mine
        config.use(before)

    def test_a_trusted_one_counts(self, window: FakeWindow, post: Any, signer: Any) -> None:
        found = opened()
        filing.file(str(found))
        assert post(sign_message(receipt(found, "311", "120", at(1)), signer)).status_code == 202

    def test_others_do_not(self, window: FakeWindow, post: Any, signer: Any, tmp_path: Path) -> None:
        found = opened()
        filing.file(str(found))
        plain = receipt(found, "311", "120", at(1))
        signed = sign_message(plain, signer)
        foreign = sign_message(plain, load_signer(tmp_path / "forger"))
        changed = signed.replace(b">120<", b">100<")
        for body in (plain, foreign, changed):
            answer = post(body)
            assert (answer.status_code, answer.get_json()["code"]) == (400, "receipt_signature")
        assert kept() == []


def bill(tax_no: str, return_time: str, vat: str = "6.51", status: str = "1") -> bytes:
    head = {"returnTime": return_time, "invtNo": INVT, "taxNo": tax_no, "customsTax": "0.00", "valueAddedTax": vat,
            "consumptionTax": "0.00", "status": status}  # fmt: skip
    line = {"gnum": "1", "gcode": "0306179090", "taxPrice": "103.32", "customsTax": "0", "valueAddedTax": vat,
            "consumptionTax": "0"}  # fmt: skip
    return message("816", "Tax", head, [line], head="TaxHeadRd")


def bill_state(tax_no: str, return_time: str, status: str) -> bytes:
    head = {"returnTime": return_time, "invtNo": INVT, "taxNo": tax_no, "status": status, "entDutyNo": "N1"}
    return message("818", "Tax", head, head="TaxHeadStatus")


def taxes(caller: Caller, found: uuid.UUID) -> dict[str, Any]:
    answer = caller.get(f"/customs/declarations/{found}")
    assert answer.status_code == 200
    return answer.get_json()["taxes"]


def test_the_bill_stands_beside_ours_with_the_difference(app: Any, window: FakeWindow) -> None:
    desk = Caller(app, "customs")
    found = listed(window)
    take(receipt(found, "621", "120", at(5), invtNo=INVT), receipt(found, "621", "800", at(6), invtNo=INVT))
    assert taxes(desk, found)["bill"] is None
    take(bill("T1", at(7), vat="6.52"))
    said = taxes(desk, found)
    assert (said["ours"]["vat"], said["bill"]["vat"], said["difference"]["vat"]) == ("6.51", "6.52", "0.01")
    assert said["difference"]["tax"] == "0.01"
    take(bill_state("T1", at(8), "3"), bill("T2", at(9)))
    said = taxes(desk, found)
    assert (said["bill"]["vat"], said["difference"]["tax"]) == ("6.51", "0.00")


def test_a_bill_before_its_list_number_waits_for_it(window: FakeWindow) -> None:
    found = listed(window)
    take(bill_state("T1", at(9), "2"), bill("T1", at(8)))
    assert [state for _, state in kept()[-2:]] == ["quarantined", "quarantined"]
    take(receipt(found, "621", "800", at(6), invtNo=INVT))
    receipts.apply_receipts()
    row = db.session.scalars(select(TaxBill)).one()
    assert (row.status, row.vat_fen, row.ent_duty_no) == ("consolidated", 651, "N1")
    db.session.rollback()


def test_what_becomes_of_a_bill_is_told_to_those_who_hold_its_tax(window: FakeWindow, heard: list) -> None:
    found = listed(window)
    take(receipt(found, "621", "120", at(5), invtNo=INVT), receipt(found, "621", "800", at(6), invtNo=INVT))
    take(bill("T1", at(7), vat="6.52"))
    assert [state for _, state, _ in heard if state.startswith("tax")] == []
    take(bill_state("T1", at(8), "2"), bill_state("T1", at(8), "2"))
    take(bill_state("T1", at(9), "3"), bill("T2", at(10)), bill_state("T2", at(11), "2"))
    told = [(state, info["tax_no"], info["amount_fen"]) for _, state, info in heard if state.startswith("tax")]
    assert told == [("tax_settled", "T1", 652), ("tax_void", "T1", 652), ("tax_settled", "T2", 651)]
    assert len({info["bill"] for _, state, info in heard if state.startswith("tax")}) == 2


def test_one_that_cannot_be_applied_holds_up_no_other(window: FakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = listed(window), listed(window, number="LF2611230002")
    receipts.store(receipt(first, "621", "800", at(5)))
    receipts.store(receipt(second, "621", "800", at(6)))
    real = receipts.receipt_effects.apply_receipt

    def failing(session: Any, said: Any, key: Any, bound: Any) -> Any:
        if key["copNo"] == "LF2611230001":
            raise OSError
        return real(session, said, key, bound)

    with monkeypatch.context() as patch:
        patch.setattr(receipts.receipt_effects, "apply_receipt", failing)
        with pytest.raises(RuntimeError):
            receipts.apply_receipts()
    assert (status_of(first), status_of(second)) == ("filed", "released")
    receipts.apply_receipts_left()
    assert status_of(first) == "released"


def test_a_number_that_customs_names_is_masked(app: Any, window: FakeWindow, heard: list) -> None:
    found = listed(window)
    words = f"buyer {NUMBER} is above the limit; list 310520262100000001 order 202611230000000017"
    xml = receipt(found, "621", "-621018", at(5)).replace(b">said<", f">{words}<".encode())
    take(xml)
    detail = Caller(app, "customs").get(f"/customs/declarations/{found}").get_json()
    shown = json.dumps([detail, heard], default=str)
    assert NUMBER not in shown
    assert "110***********002X" in shown
    assert "202611230000000017" in shown
    for table in ("window_message", "window_receipt", "window_document", "declaration", "audit_entry"):
        rows = db.session.execute(text(f"SELECT row_to_json(t)::text FROM {table} t")).scalars().all()
        assert rows
        assert all(NUMBER not in row and NUMBER.encode().hex() not in row for row in rows), table
    db.session.rollback()


def test_two_workers_apply_every_receipt_once(app: Any, window: FakeWindow, heard: list) -> None:
    found = [listed(window, number=f"LF26112300{n:02d}") for n in range(6)]
    for one in found:
        for code, second in (("2", 3), ("120", 4), ("399", 5), ("800", 6), ("899", 7)):
            receipts.store(receipt(one, "621", code, at(second)))

    def work(_: int) -> None:
        with app.app_context():
            receipts.apply_receipts()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    receipts.apply_receipts()
    assert {status_of(one) for one in found} == {"closed"}
    assert sorted(state for _, state, _ in heard if state != "declared") == ["closed"] * 6 + ["released"] * 6


def test_declarations_are_the_desks_alone(app: Any, window: FakeWindow) -> None:
    found = listed(window)
    for role in ("consumer", "merchant", "operator"):
        caller = Caller(app, role)
        assert caller.get("/customs/declarations").status_code == 403
        assert caller.get(f"/customs/declarations/{found}").status_code == 403
    desk = Caller(app, "customs")
    page = desk.get("/customs/declarations?order=LF2611230001&status=filed&from=2026-11-23&to=2026-11-23").get_json()
    assert [item["id"] for item in page["items"]] == [str(found)]
    assert desk.get("/customs/declarations?status=released").get_json()["items"] == []
    assert desk.get("/customs/declarations?from=2026-11-24").get_json()["items"] == []
    detail = desk.get(f"/customs/declarations/{found}").get_json()
    assert {paper["kind"] for paper in detail["documents"]} == {"311", "411", "511", "621"}
    assert desk.get(f"/customs/declarations/{uuid.uuid4()}").status_code == 404
    assert NUMBER not in json.dumps(detail)


def test_pages_follow_each_other_without_gap(app: Any, window: FakeWindow) -> None:
    found = [str(opened(number=f"LF26112300{n:02d}")) for n in range(5)]
    desk, seen, cursor = Caller(app, "customs"), [], ""
    for _ in range(5):
        page = desk.get(f"/customs/declarations?limit=2{cursor}").get_json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == found[::-1]
    for foreign in ("xyz", "WzEsMl0", "WyJ4IiwieSJd"):
        assert desk.get(f"/customs/declarations?cursor={foreign}").status_code == 422
