"""Bad input at the door of the receipts: refused or put aside, quickly, with memory flat and nothing else disturbed.

Each case says what must come back; beside it a good receipt of another declaration is stored and applied, and only it.
"""

import contextvars
import json
import resource
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import func, select

from core import config
from core.database import db
from customs import receipts
from customs.models import WindowMessage, WindowReceipt
from customs.window.keys import load_signer
from customs.window.messages import parse
from customs.window.signature import sign_message
from customs.window.tables import NAMESPACE
from tests.customs.desk.builders import at, message, receipt, status_of
from tests.customs.desk.test_filing import INVT, listed
from tests.customs.desk.window import FakeWindow

URL = "/api/v1/customs/receipts"
CPU_SECONDS_MOST = 0.1
GROWTH_MOST = 48 * 1024  # KiB: one body in memory a few times, and no tree of it
MIB = 1024 * 1024
XML = "application/xml"


@pytest.fixture
def post(app: Any, window: FakeWindow) -> Callable[..., Any]:
    client = app.test_client()
    headers = {"Authorization": f"Bearer {config.current().receipt_token}"}

    def send(body: bytes, content_type: str = XML) -> Any:
        return contextvars.Context().run(client.post, URL, data=body, content_type=content_type, headers=headers)

    return send


def said(**values: str) -> bytes:
    """A receipt for the list of the tests, with some values other than they should be."""
    good = {"copNo": "LF2611230001", "preNo": "B" + "0" * 17, "returnStatus": "120", "returnTime": at(5)}
    return message("622", "InventoryReturn", {**good, "returnInfo": "said", **values})


def text(**values: str) -> str:
    return said(**values).decode()


def doubled(name: str) -> bytes:
    """The element stands twice, with two different contents."""
    other = f"<{name}>800</{name}>"
    return text().replace("</InventoryReturn>", f"{other}</InventoryReturn>").encode()


def many(*statuses: str) -> bytes:
    """A batch, one receipt for each status."""
    one = text(returnStatus="STATUS")
    head, inner = one.split("<InventoryReturn>")
    inner, tail = inner.split("</InventoryReturn>")
    parts = [f"<InventoryReturn>{inner.replace('STATUS', status)}</InventoryReturn>" for status in statuses]
    return (head + "".join(parts) + tail).encode()


def document_type(inner: str) -> bytes:
    return text().replace("<CEB622", f"<!DOCTYPE CEB622Message [{inner}]><CEB622", 1).encode()


def laughs() -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return document_type(f'<!ENTITY l0 "ha">{lines}').replace(b">said<", b">&l9;<")


def envelope(data: object, **head: str) -> bytes:
    return json.dumps({"MessageHead": head, "MessageBody": {"data": data}}).encode()


def deep(levels: int) -> bytes:
    opened, closed = "<a>" * levels, "</a>" * levels
    return text().replace("</InventoryReturn>", f"{opened}{closed}</InventoryReturn>").encode()


def wide(count: int) -> bytes:
    attributes = " ".join(f'a{n}="x"' for n in range(count))
    return text().replace("<InventoryReturn>", f"<InventoryReturn {attributes}>").encode()


@dataclass(frozen=True)
class Refused:
    """What is refused at the door: nothing is written."""

    name: str
    body: Callable[[], bytes]
    status: int = 400
    code: str = "receipt_unreadable"
    content_type: str = XML


REFUSED = [
    Refused("an empty body", lambda: b""),
    Refused("no XML", lambda: b"returnStatus=800"),
    Refused("cut off", lambda: said()[:-20]),
    Refused("two roots", lambda: said() + b"<x/>"),
    Refused("another language of XML", lambda: b"<soap:Envelope xmlns:soap='urn:x'/>"),
    Refused("our elements without the namespace", lambda: said().replace(NAMESPACE.encode(), b"urn:other")),
    Refused("a DTD", lambda: document_type("")),
    Refused("a DTD outside", lambda: text().replace("<CEB622", '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a"><CEB622').encode()),
    Refused("a DTD in lower case", lambda: text().replace("<CEB622", "<!doctype a><CEB622", 1).encode()),
    Refused("an entity bomb", laughs),
    Refused("a quadratic bomb", lambda: document_type(f'<!ENTITY a "{"a" * 100_000}">').replace(b">said<", b">" + b"&a;" * 1000 + b"<")),
    Refused("an external file", lambda: document_type('<!ENTITY f SYSTEM "file:///etc/passwd">').replace(b">said<", b">&f;<")),
    Refused("a DTD in UTF-16", lambda: document_type("").replace(b"UTF-8", b"UTF-16").decode().encode("utf-16")),
    Refused("100,000 levels", lambda: deep(100_000)),
    Refused("100,000 levels never closed", lambda: b"<a>" * 100_000),
    Refused("thirteen levels", lambda: deep(13)),
    Refused("an attribute of 20 MB", lambda: text().replace("<InventoryReturn>", f'<InventoryReturn a="{"x" * 20 * MIB}">').encode(), 413, "too_large"),
    Refused("an attribute just within the body's size", lambda: text().replace("<InventoryReturn>", f'<InventoryReturn a="{"x" * 7 * MIB}">').encode()),
    Refused("an element of 5 MB", lambda: said(returnInfo="x" * 5 * MIB)),
    Refused("100,000 attributes", lambda: wide(100_000)),
    Refused("an encoding nobody has", lambda: said().replace(b"UTF-8", b"klingon")),
    Refused("another encoding than it says", lambda: text(returnInfo="退单").replace("UTF-8", "US-ASCII").encode()),
    Refused("bytes that are no UTF-8", lambda: said().replace(b">said<", b">\xff\xfe\xfa<")),
    Refused("half a character", lambda: said().replace(b">said<", b">\xe9\x80<")),
    Refused("UTF-16 that says UTF-8", lambda: text().encode("utf-16-le")),
    Refused("NUL", lambda: said().replace(b">said<", b">sa\x00id<")),
    Refused("a control character", lambda: said().replace(b">said<", b">&#7;<")),
    Refused("a surrogate", lambda: said().replace(b">said<", b">&#xD800;<")),
    Refused("an element twice", lambda: doubled("returnStatus")),
    Refused("a number twice", lambda: doubled("copNo")),
    Refused("elements inside a text", lambda: said().replace(b">120<", b"><b>120</b><")),
    Refused("no status", lambda: said(returnStatus="")),
    Refused("a status in words", lambda: said(returnStatus="released")),
    Refused("a status of full width", lambda: said(returnStatus="８００")),
    Refused("a status with a sign too many", lambda: said(returnStatus="--100")),
    Refused("a status with a plus", lambda: said(returnStatus="+100")),
    Refused("a status of eleven digits", lambda: said(returnStatus="1" * 11)),
    Refused("no time", lambda: said(returnTime="")),
    Refused("a time of 13 digits", lambda: said(returnTime="1700000000000")),
    Refused("a time of 14 digits", lambda: said(returnTime="20261123120000")),
    Refused("month 00", lambda: said(returnTime="20260023120000000")),
    Refused("month 13", lambda: said(returnTime="20261323120000000")),
    Refused("the 31st of November", lambda: said(returnTime="20261131120000000")),
    Refused("hour 24", lambda: said(returnTime="20261123240000000")),
    Refused("the first hours of year 1, which are none in UTC", lambda: said(returnTime="00010101000000000")),
    Refused("year 0000", lambda: said(returnTime="00001123120000000")),
    Refused("a time of full width", lambda: said(returnTime="２" * 17)),
    Refused("no number", lambda: said(copNo="")),
    Refused("a number too long", lambda: said(copNo="L" * 61)),
    Refused("a batch of 101", lambda: many(*["120"] * 101)),
    Refused("a batch with one bad", lambda: many("120", "released", "800")),
    Refused("a kind of ours", lambda: message("621", "Inventory", {}, head="InventoryHead")),
    Refused("a kind nobody knows", lambda: said().replace(b"CEB622Message", b"CEB999Message")),
    Refused("a bill no column can hold", lambda: message("816", "Tax", {"returnTime": "20261123120000000", "invtNo": "1", "taxNo": "T", "customsTax": "9" * 19, "status": "1"}, head="TaxHeadRd")),
    Refused("no documents", lambda: message("622", "Other", {})),
    Refused("a signature that is none", lambda: said().replace(b"</CEB622Message>", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></CEB622Message>'), code="receipt_signature"),
    Refused("another media type", said, 415, "unsupported_media_type", "text/plain"),
    Refused("a form", said, 415, "unsupported_media_type", "application/x-www-form-urlencoded"),
    Refused("an envelope without a body", lambda: b"{}", content_type="application/json"),
    Refused("an envelope of a list", lambda: b"[]", content_type="application/json"),
    Refused("an envelope whose data is a number", lambda: envelope(1), content_type="application/json"),
    Refused("an envelope whose data is no base64", lambda: envelope("<x/>"), content_type="application/json"),
    Refused("an envelope in an envelope", lambda: envelope(b64encode(envelope("x")).decode()), content_type="application/json"),
    Refused("an envelope with NaN", lambda: b'{"MessageBody": {"data": NaN}}', 422, "unsafe_json", "application/json"),
    Refused("an envelope with data twice", lambda: b'{"MessageBody": {"data": "a", "data": "b"}}', 422, "unsafe_json", "application/json"),
    Refused("an envelope 100,000 deep", lambda: b"[" * 100_000, 422, "unsafe_json", "application/json"),
    Refused("an envelope of another version", lambda: envelope(b64encode(said()).decode(), Version="9.9"), content_type="application/json"),
]  # fmt: skip


def kept() -> tuple[int, int]:
    counts = tuple(
        db.session.scalar(select(func.count()).select_from(each)) or 0 for each in (WindowReceipt, WindowMessage)
    )
    db.session.rollback()
    return counts


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name.replace(" ", "_"))
def test_refused_quickly_and_nothing_is_written(window: FakeWindow, post: Callable[..., Any], case: Refused) -> None:
    body = case.body()
    post(body, case.content_type)  # once for what is made only once
    before, peak, started = kept(), _peak_kib(), time.process_time()
    answer = post(body, case.content_type)
    spent, grown = time.process_time() - started, _peak_kib() - peak
    assert (answer.status_code, answer.get_json()["code"]) == (case.status, case.code), answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    assert kept() == before == (0, 0)
    assert spent < CPU_SECONDS_MOST, f"{spent:.3f} s"
    assert grown < GROWTH_MOST, f"{grown} KiB"
    assert len(answer.get_data()) < 2000, "the refusal repeats the body"


@dataclass(frozen=True)
class PutAside:
    """What is kept and changes nothing of ours."""

    name: str
    body: Callable[[uuid.UUID], bytes]
    states: tuple[str, ...] = ("quarantined",)
    status: str = "filed"


PUT_ASIDE = [
    PutAside("another platform's", lambda found: receipt(found, "621", "800", at(5), ebpCode="3100000001")),
    PutAside("another merchant's", lambda found: receipt(found, "621", "800", at(5), ebcCode="3100000002")),
    PutAside("another declarant's", lambda found: receipt(found, "621", "800", at(5), agentCode="3100000003")),
    PutAside("another office's", lambda found: receipt(found, "621", "800", at(5), customsCode="0101")),
    PutAside("another payment enterprise's", lambda found: receipt(found, "411", "100", at(5), payCode="3100000004")),
    PutAside("another logistics enterprise's", lambda found: receipt(found, "511", "100", at(5), logisticsCode="310000005")),
    PutAside("of a number never given", lambda _: said(copNo="LF9911230001", returnStatus="800")),
    PutAside("of a bill of no list", lambda _: message("818", "Tax", {"returnTime": at(5), "invtNo": "9" * 18, "taxNo": "T", "status": "2"}, head="TaxHeadStatus")),
    PutAside("of a message never sent", lambda _: message("900", "MessageReturn", {"returnStatus": "-1", "returnTime": at(5), "returnInfo": "x", "oriCopMsgId": "NEVER", "oriMessageType": "CEB621Message", "oriBizMessage": "x"})),
    PutAside("a code never seen", lambda found: receipt(found, "621", "777", at(5)), ("applied",)),
    PutAside("older than what was told", lambda found: receipt(found, "411", "100", "20261122120000000"), ("ignored",)),
    PutAside("thirteen months ahead", lambda found: receipt(found, "621", "800", "20271225120000000")),
    PutAside("two years ahead", lambda found: receipt(found, "621", "800", "20281123120000000")),
    PutAside("a month ahead, as clocks of rehearsals differ", lambda found: receipt(found, "621", "3", "20261223120000000"), ("applied",), "declared"),
    PutAside("a stale fault", lambda found: receipt(found, "621", "-621004", at(5)), ("ignored",)),
    PutAside("words of 1,000 characters", lambda found: receipt(found, "621", "3", at(5)).replace(b">said<", b">" + b"x" * 1000 + b"<"), ("applied",), "declared"),
    PutAside("UTF-8 with a BOM", lambda found: b"\xef\xbb\xbf" + receipt(found, "621", "3", at(5)), ("applied",), "declared"),
    PutAside("UTF-16 that says so", lambda found: receipt(found, "621", "3", at(5)).replace(b"UTF-8", b"UTF-16").decode().encode("utf-16"), ("applied",), "declared"),
    PutAside("elements nobody knows", lambda found: receipt(found, "621", "3", at(5)).replace(b"</InventoryReturn>", b"<new>1</new></InventoryReturn>"), ("applied",), "declared"),
]  # fmt: skip


@pytest.mark.parametrize("case", PUT_ASIDE, ids=lambda case: case.name.replace(" ", "_"))
def test_kept_and_nothing_else_is_disturbed(window: FakeWindow, post: Callable[..., Any], case: PutAside) -> None:
    found, other = listed(window), listed(window, number="LF2611230002")
    before = kept()[0]
    body, good = case.body(found), receipt(other, "621", "800", at(6), invtNo=INVT)
    started = time.process_time()
    assert post(body).status_code == 202
    spent = time.process_time() - started
    assert post(body).get_json()["stored"] == 0, "a repetition is stored twice"
    assert post(good).status_code == 202
    receipts.apply_receipts()
    rows = select(WindowReceipt.state).order_by(WindowReceipt.id).offset(before)
    assert tuple(db.session.scalars(rows).all()) == (*case.states, "applied")
    db.session.rollback()
    assert (status_of(found), status_of(other)) == (case.status, "released")
    assert spent < CPU_SECONDS_MOST, f"{spent:.3f} s"


def test_thousands_of_bills_in_one_message_are_kept_and_each_applied(
    window: FakeWindow, post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one statement can hold, and the message is read once for all of them, not for each."""
    one = {"returnTime": at(5), "invtNo": "9" * 18, "taxNo": "NUMBER", "status": "2"}
    head, inner = message("818", "Tax", one, head="TaxHeadStatus").decode().split("<Tax>")
    inner, tail = inner.split("</Tax>")

    def of(count: int) -> bytes:
        return (head + "".join(f"<Tax>{inner.replace('NUMBER', f'T{n}')}</Tax>" for n in range(count)) + tail).encode()

    assert post(of(10_001)).status_code == 400
    assert post(of(6_000)).get_json() == {"stored": 6_000, "repeated": 0}
    read: list[bytes] = []
    monkeypatch.setattr(receipts, "parse", lambda xml: read.append(xml) or parse(xml))
    for each in db.session.scalars(select(WindowReceipt.id).limit(5)).all():
        assert receipts.apply_one(each) == "quarantined"
    assert len(read) == 1


class TestProof:
    """While receipts must be signed, and by whom."""

    @pytest.fixture
    def signer(self, tmp_path: Path, window: FakeWindow) -> Any:
        mine = load_signer(tmp_path / "customs")
        file = tmp_path / "trusted.pem"
        file.write_bytes(mine.certificate.public_bytes(Encoding.PEM))
        before = config.current()
        config.use(replace(before, trusted_cert_file=file, require_signed_receipts=True))
        yield mine
        config.use(before)

    @pytest.mark.parametrize("how", ["unsigned", "foreign", "changed", "moved", "two"])
    def test_what_proves_nothing_is_refused(
        self, window: FakeWindow, post: Callable[..., Any], signer: Any, tmp_path: Path, how: str
    ) -> None:
        signed = sign_message(said(), signer)
        body = {
            "unsigned": said,
            "foreign": lambda: sign_message(said(), load_signer(tmp_path / "somebody")),
            "changed": lambda: signed.replace(b">120<", b">800<"),
            "moved": lambda: many("800").replace(b"</CEB622Message>", signed[signed.index(b"<ds:Sig") :] if b"<ds:Sig" in signed else signed[signed.index(b"<Sig") :]),
            "two": lambda: signed.replace(b"<CEB622Message", b"<CEB622Message x='1'", 1),
        }[how]()  # fmt: skip
        started = time.process_time()
        answer = post(body)
        assert time.process_time() - started < CPU_SECONDS_MOST
        assert (answer.status_code, answer.get_json()["code"]) == (400, "receipt_signature"), answer.get_data(
            as_text=True
        )
        assert kept() == (0, 0)

    def test_what_is_proved_is_taken(self, window: FakeWindow, post: Callable[..., Any], signer: Any) -> None:
        assert post(sign_message(said(), signer)).status_code == 202


def test_a_flood_leaves_memory_flat(window: FakeWindow, post: Callable[..., Any]) -> None:
    """Two hundred hostile bodies one after the other cost no more memory than the first few."""
    bodies = [laughs(), deep(100_000), wide(100_000), said(returnInfo="x" * 5 * MIB), b"<a>" * 100_000]
    for body in bodies:
        post(body)
    before = _peak_kib()
    for turn in range(200):
        assert post(bodies[turn % len(bodies)]).status_code == 400
    assert _peak_kib() - before < GROWTH_MOST
    assert kept() == (0, 0)
