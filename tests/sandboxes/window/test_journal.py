"""The auditor's journal and the pages: complete, unchangeable, quick however much was filed."""

import sqlite3
import time
from pathlib import Path

import pytest
import requests
from lxml import html

from tests.customs.window.facts import documents, filing
from tests.sandboxes.window.office import Office, numbered

MANY = 100_000


def entries(office: Office, **query) -> list[dict]:
    return requests.get(f"{office.url}sandbox/journal/entries", params=query, timeout=5).json()["items"]


def body(office: Office, number: int) -> bytes:
    return requests.get(f"{office.url}sandbox/journal/entries/{number}", timeout=5).content


def test_everything_received_and_sent_is_there_byte_for_byte(office, number):
    order = numbered(filing(), number)
    sent = {kind: office.send(kind, document) for kind, document in documents(order).items()}
    office.listener.wait("818", "2")
    office.rest()
    received = entries(office, order_no=order.number, way="received")
    assert {entry["kind"]: body(office, entry["number"]) for entry in received} == sent
    told = entries(office, order_no=order.number, way="sent", limit=100)
    assert len(told) == len(office.listener.got) == 15
    assert {body(office, entry["number"]) for entry in told} == set(office.listener.got)
    assert [entry["at"] for entry in told] == sorted((entry["at"] for entry in told), reverse=True)
    assert office.decide(order.number, "void").status_code == 201
    assert [entry["kind"] for entry in entries(office, order_no=order.number, way="done")] == ["void"]


def test_what_cannot_be_read_is_kept_too(office):
    office.send_raw("311", b"\x00\xff no xml", guid="ODD-1")
    office.listener.wait("900", "-1")
    found = entries(office, guid="ODD-1", way="received")
    assert [body(office, entry["number"]) for entry in found] == [b"\x00\xff no xml"]
    assert "not read" in found[0]["outcome"]


def test_entries_come_by_pages_and_outlive_a_kill(make_office, number):
    office = make_office()
    for at in range(3):
        office.send("311", documents(numbered(filing(), number + 1000 * at))["311"])
    office.listener.wait("312", "120")
    office.rest()
    before = entries(office, limit=500)
    office.kill()
    office.start()
    whole: list[dict] = []
    cursor = 0
    while True:
        answer = requests.get(
            f"{office.url}sandbox/journal/entries", params={"limit": 2, "before": cursor}, timeout=5
        ).json()
        whole += answer["items"]
        cursor = answer["next"]
        if not cursor:
            break
    assert whole == before
    assert len(whole) == 9


def test_the_journal_cannot_be_changed(make_office, number):
    office = make_office()
    office.send("311", documents(numbered(filing(), number))["311"])
    office.listener.wait("312", "120")
    office.close()
    with sqlite3.connect(office.folder / "window.sqlite") as database:
        for order in ("UPDATE journal SET outcome = ''", "DELETE FROM journal"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                database.execute(order)


def page(office: Office, path: str = "", language: str = "en", **query) -> html.HtmlElement:
    answer = requests.get(f"{office.url}{path}", params={"lang": language, **query}, timeout=5)
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", ("清单", "人工审核 (300)", "订单编号", "放行", "个人信息不显示")), ("en", ("Inventory list", "Manual check (300)", "Order number", "Release", "personal"))],
)  # fmt: skip
def test_a_document_is_shown_in_words(office, number, language, words):
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", code="300", order_no=order.number)
    office.file(order)
    office.listener.wait("622", "300")
    shown = page(office, f"documents/{office.document('621', order.number)['number']}", language).text_content()
    for word in words:
        assert word in shown
    for text in (
        order.buyer.name,
        order.buyer.id_number,
        order.buyer.phone,
        order.consignee.name,
        order.consignee.phone,
    ):
        assert text not in shown
    listed = page(office, "", language, order=order.number)
    assert len(listed.xpath("//tbody/tr")) == 4
    assert page(office, "journal", language, order=order.number).xpath("//tbody/tr")


def test_the_page_finds_by_order_kind_and_state(office, number):
    first, second = numbered(filing(), number), numbered(filing(), number + 1000)
    for order in (first, second):
        office.send("311", documents(order)["311"])
    office.rest()
    rows = page(office, order=first.number, kind="311", status="120").xpath("//tbody/tr")
    assert len(rows) == 1
    assert first.number in rows[0].text_content()
    assert not page(office, order=first.number, status="800").xpath("//tbody/tr")
    assert not page(office, order="' OR 1=1 --").xpath("//tbody/tr")


def test_buttons_decide(office, number):
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", code="500", order_no=order.number)
    office.file(order)
    office.listener.wait("622", "500")
    url = f"{office.url}documents/{office.document('621', order.number)['number']}"
    form = {"outcome": "detain", "code": "502"}
    foreign = requests.post(url, data=form, headers={"Origin": "https://evil.example"}, timeout=5)
    assert foreign.status_code == 403
    assert requests.post(url, data=form, headers={"Host": "evil.example"}, timeout=5).status_code == 403
    assert requests.post(url, data={**form, "code": "9"}, timeout=5).status_code == 409
    assert requests.post(url, data=form, timeout=5).status_code == 200
    office.listener.wait("622", "502")
    assert requests.post(url, data={"outcome": "release"}, headers={"Origin": office.url.rstrip("/")}, timeout=5).ok
    office.listener.wait("622", "800")
    assert requests.post(f"{office.url}documents/999999999", data=form, timeout=5).status_code == 404


def crowd(folder: Path, size: int) -> None:
    """Documents and journal entries as filing would leave them, without the hours of filing."""
    with sqlite3.connect(folder / "window.sqlite") as database:
        database.executemany(
            "INSERT INTO documents (kind, name, guid, order_no, logistics_no, content, pre_no, status)"
            " VALUES ('621', ?, ?, ?, ?, '{\"appType\": \"1\", \"appStatus\": \"2\"}', '', '899')",
            ((f"N{at}", f"G{at}", f"O{at}", f"W{at}") for at in range(size)),
        )
        database.executemany(
            "INSERT INTO journal (at, way, kind, guid, order_no, outcome, body)"
            " VALUES ('20261123120000000', 'received', '621', ?, ?, '1 documents', zeroblob(3000))",
            ((f"G{at}", f"O{at}") for at in range(size)),
        )


def test_a_hundred_thousand_documents_cost_neither_time_nor_memory(make_office, number):
    office = make_office()
    paths = ("", "?order=O77", "?status=899&kind=621", "journal", "journal?order=O77", "sandbox/journal/entries?guid=G5",
             "sandbox/journal?limit=50")  # fmt: skip
    few = [median(office, path) for path in paths]
    office.close()
    crowd(office.folder, MANY)
    office.start()
    for path, before in zip(paths, few, strict=True):
        assert median(office, path) < max(10 * before, 0.15), path
    rss = next(line for line in Path(f"/proc/{office.process.pid}/status").read_text().splitlines() if "VmRSS" in line)
    assert int(rss.split()[1]) < 160_000, rss
    order = numbered(filing(), number)
    office.file(order)
    office.listener.wait("622", "800")


def median(office: Office, path: str) -> float:
    times = []
    for _ in range(7):
        start = time.perf_counter()
        assert requests.get(f"{office.url}{path}", timeout=10).ok
        times.append(time.perf_counter() - start)
    return sorted(times)[3]


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("POST", "cebcmsg", b'{"MessageHead": {"MessageId": "\\ud800\\u0000", "MessageType": {}}, "MessageBody": {"data": "AA=="}}'),
        ("POST", "cebcmsg", b"[" * 100_000),
        ("POST", "cebcmsg", b'{"MessageHead": [], "MessageBody": "x"}'),
        ("POST", "cebcmsg", b"x" * (17 * 1024 * 1024)),
        ("GET", "cebcmsg", b""),
        ("POST", "sandbox/outcomes", b'{"order_no": "\\ud800", "outcome": "release"}'),
        ("POST", "sandbox/outcomes", b'{"name": {"a": []}, "outcome": []}'),
        ("POST", "sandbox/faults", b'{"kind": "622", "fault": "lose", "order_no": [1], "count": true}'),
        ("POST", "sandbox/faults", b'{"kind": "622", "fault": "lose", "count": 99999999999999999999999}'),
        ("POST", "sandbox/continue", b"null"),
        ("POST", "sandbox/clock", b'{"advance": "999999999d"}'),
        ("POST", "sandbox/clock", b'{"advance": "-1d"}'),
        ("POST", "sandbox/clock", b'{"advance": "2026-01-01"}'),
        ("POST", "sandbox/books", b"[]"),
        ("GET", "sandbox/journal?limit=99999999999999999999&order_no=%00%ff", b""),
        ("GET", "sandbox/journal/entries?before=-1&limit=x&way=%27", b""),
        ("GET", "sandbox/journal/entries/99999999999999999999999", b""),
        ("GET", "documents/99999999999999999999999", b""),
        ("GET", "documents/1?done=%3Cscript%3E", b""),
        ("GET", "?before=abc&order=%3Cscript%3E&lang=xx", b""),
        ("PUT", "sandbox/settings", b"{}"),
    ],
)  # fmt: skip
def test_no_input_is_a_fault_of_the_window(office, method, path, data):
    answer = requests.request(method, f"{office.url}{path}", data=data, timeout=10)
    assert answer.status_code < 500, answer.text
    assert "<script>" not in answer.text
    assert requests.get(f"{office.url}healthz", timeout=5).text == "ok"


@pytest.mark.parametrize(
    "xml",
    [
        b"<a>" * 100_000 + b"</a>" * 100_000,
        b'<a b="' + b"x" * (7 * 1024 * 1024) + b'"/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><CEB311Message/>'.encode("utf-16"),
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;">]><a>&c;</a>',
        b'<?xml version="1.0"?><!-- c --><a/>',
        b'<CEB311Message xmlns="http://www.chinaport.gov.cn/ceb" guid="x" version="1">' + b"<Order/>" * 101 + b"</CEB311Message>",
    ],
)  # fmt: skip
def test_hostile_xml_is_answered_at_once(office, xml):
    start = time.perf_counter()
    office.send_raw("311", xml, guid="HOSTILE")
    taken = time.perf_counter() - start
    office.listener.wait("900", "-1")
    assert taken < 1
