"""Customs' check of payment data in the sandbox: form, session and signature, each fault named."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask

from sandboxes.window.payment_data import Inspection, attach, signed_text

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SERIAL = 0xCDE6F
HEAD = {
    "guid": "9D55BA71-22DE-41F4-8B50-C36C83B3B530",
    "initalRequest": 'a "quoted" request,"payExchangeInfoLists":[',
    "initalResponse": "ok",
    "ebpCode": "4601960A01",
    "payCode": "4601960P02",
    "payTransactionId": "T1",
    "totalAmount": 100,
    "currency": "142",
    "verDept": "3",
    "payType": "4",
    "tradingTime": "20261123120001",
    "note": "",
}
LISTS = [
    {
        "orderNo": "LF1",
        "goodsInfo": [{"gname": "虾", "itemLink": "https://x/1"}],
        "recpAccount": "acct",
        "recpCode": "",
        "recpName": "平台",
    }
]


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.fixture
def inspection(tmp_path: Path) -> Inspection:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "platform")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(SERIAL)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )
    file = tmp_path / "cert.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Inspection("http://127.0.0.1:9/platDataOpen", "key", file)


def upload(session_id: str, head: dict = HEAD, lists: list = LISTS, cert_no: str = "cde6f", signed: str = "") -> str:
    text = signed or (
        f'"sessionID":"{session_id}"||"payExchangeInfoHead":"{compact(head)}"'
        f'||"payExchangeInfoLists":"{compact(lists)}"||"serviceTime":"1"'
    )
    value = base64.b64encode(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1())).decode()
    return compact(
        {
            "sessionID": session_id,
            "payExchangeInfoHead": head,
            "payExchangeInfoLists": lists,
            "serviceTime": "1",
            "certNo": cert_no,
            "signValue": value,
        }
    )


def asked(inspection: Inspection) -> str:
    return inspection.ask("LF1")["session_id"]


def test_a_good_upload_is_taken(inspection: Inspection) -> None:
    session = asked(inspection)
    assert inspection.judge(upload(session)) == []
    (row,) = inspection.asked.values()
    assert row["uploads"][0]["faults"] == []


def test_the_signed_text_is_cut_out_of_what_came(inspection: Inspection) -> None:
    assert signed_text(upload("s")) == (
        f'"sessionID":"s"||"payExchangeInfoHead":"{compact(HEAD)}"||"payExchangeInfoLists":"{compact(LISTS)}"'
        '||"serviceTime":"1"'
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signed": "another text"}, "the signature does not hold"),
        ({"head": {**HEAD, "initalRequest": ""}}, "initalRequest is empty"),
        ({"head": {**HEAD, "currency": "840"}}, "currency is 142, verDept 1, 2 or 3"),
        ({"head": {**HEAD, "totalAmount": "100"}}, "totalAmount is a number"),
        ({"head": dict(sorted(HEAD.items()))}, "payExchangeInfoHead: "),
        ({"lists": [{**LISTS[0], "recpAccount": None}]}, "recpAccount is empty"),
        ({"lists": [{**LISTS[0], "goodsInfo": [{"gname": "x", "itemLink": ""}]}]}, "goodsInfo needs"),
        ({"lists": []}, "payExchangeInfoLists: "),
    ],
)
def test_each_fault_is_named(inspection: Inspection, change: dict, words: str) -> None:
    found = inspection.judge(upload(asked(inspection), **change))
    assert any(each.startswith(words) for each in found), found


def changed(session: str, **values: object) -> str:
    return compact({**json.loads(upload(session)), **values})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda s: json.dumps(json.loads(upload(s)), ensure_ascii=False), "the JSON is not compact"),
        (lambda s: json.dumps(json.loads(upload(s)), indent=1), "the JSON is not compact"),
        (lambda s: changed(s, payExchangeInfoLists=[{**LISTS[0], "orderNo": ["LF1"]}]), "orderNo is text"),
        (lambda s: changed(s, payExchangeInfoLists=[{**LISTS[0], "goodsInfo": ["x"]}]), "goodsInfo needs"),
        (lambda s: changed(s, payExchangeInfoLists=[{**LISTS[0], "goodsInfo": 5}]), "goodsInfo needs"),
        (lambda s: changed(s, certNo=5), "certNo is text"),
        (lambda s: changed(s, signValue=5), "signValue is text"),
        (lambda s: changed(s, signValue="号"), "signValue is not base64"),
        (lambda _: "[" * 100_000, "not JSON"),
    ],
)
def test_of_any_other_form_it_says_what_is_wrong(
    inspection: Inspection, made: Callable[[str], str], words: str
) -> None:
    found = inspection.judge(made(asked(inspection)))
    assert [each for each in found if each.startswith(words)], found


def test_uploads_are_kept_in_bounds(inspection: Inspection) -> None:
    text = upload(asked(inspection))
    for _ in range(25):
        inspection.judge(text)
    (row,) = inspection.asked.values()
    assert len(row["uploads"]) == 20


def test_a_number_of_the_filer_s_own_means_the_one_certificate_on_file(inspection: Inspection) -> None:
    assert inspection.judge(upload(asked(inspection), cert_no="CERT-1")) == []
    inspection._certificates = None
    assert inspection.judge(upload(asked(inspection))) == ["no certificate cde6f is on file"]


def test_nobody_asked(inspection: Inspection) -> None:
    assert inspection.judge(upload("foreign")) == ["nobody asked for this order in this session"]
    for text in ("", "[]", "{", '{"sessionID":"x"}'):
        assert inspection.judge(text)


def test_over_http_and_on_its_page(inspection: Inspection) -> None:
    app = Flask("sandboxes.window.app")
    attach(app, inspection)
    client = app.test_client()
    assert client.post("/sandbox/payment-data", json={}).status_code == 422
    session = client.post("/sandbox/payment-data", json={"order_no": "LF1"}).get_json()["session_id"]
    path = "/ceb2grab/grab/realTimeDataUpload"
    assert client.post(path, data={"payExInfoStr": upload(session)}).get_json()["code"] == "10000"
    assert client.post(path, data={"payExInfoStr": "{"}).get_json()["code"] == "20000"
    page = client.get("/payment-data?lang=en").get_data(as_text=True)
    assert "the signature holds" in page
    asked_by_hand = client.post("/sandbox/payment-data", data={"order_no": "LF2"})
    assert (asked_by_hand.status_code, asked_by_hand.headers["Location"]) == (303, "/payment-data")
    assert len(client.get("/sandbox/payment-data").get_json()["items"]) == 2
