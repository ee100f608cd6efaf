"""Withdrawals, returns, scripted faults, and a window that forgets nothing."""

import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import requests
from cryptography import x509

from customs.window.later_documents import cancellation_document, return_document, signed_for_document
from customs.window.receipts import return_instant
from customs.window.signature import verify_message
from customs.window.values import new_guid
from tests.customs.window.facts import FILED_AT, PARTIES, documents, filing, line
from tests.sandboxes.window.office import ROOT, Office, numbered


def withdrawal(order, invt_no: str, cop_no: str = "C1", **changes) -> dict:
    document = cancellation_document(
        order, PARTIES, new_guid(), FILED_AT, cop_no=f"{cop_no}-{order.number}", invt_no=invt_no, reason="买家取消"
    )
    return {**document, **changes}


def going_back(order, invt_no: str, quantities, cop_no: str = "R1", filed_at=FILED_AT) -> dict:
    return return_document(
        order,
        PARTIES,
        new_guid(),
        filed_at,
        cop_no=f"{cop_no}-{order.number}",
        invt_no=invt_no,
        reason="不喜欢",
        quantities=quantities,
    )


def test_a_held_list_can_be_withdrawn_and_counts_no_more(office, number):
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", order_no=order.number)
    office.file(order)
    held = office.listener.wait("622", "500")
    assert office.used(order.number) == Decimal("111.99")
    office.send("623", withdrawal(order, held.invt_no))
    granted = office.listener.wait("624", "399")
    assert granted.key["copNo"] == f"C1-{order.number}"
    assert office.listener.statuses("624") == ["1", "2", "120", "399"]
    assert office.used(order.number) == 0
    assert office.document("621", order.number)["status"] == "cancelled"
    office.send("623", withdrawal(order, held.invt_no, "C2"))
    office.listener.wait("624", "-623009")
    assert "800" not in office.listener.statuses("622")
    # The order number is free again for a new list.
    office.send("621", documents(order)["621"])
    office.listener.wait("622", "800")


def test_a_withdrawal_under_way_keeps_the_list_from_release(make_office, number):
    office = make_office("--pace", "0.3")
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", order_no=order.number)
    office.file(order)
    held = office.listener.wait("622", "500")
    assert requests.post(f"{office.url}sandbox/continue", json={"order_no": order.number}, timeout=5).ok
    office.send("623", withdrawal(order, held.invt_no))
    office.listener.wait("624", "399")
    assert "800" not in office.listener.statuses("622")


def test_what_is_released_or_unknown_cannot_be_withdrawn(office, number):
    order = numbered(filing(), number)
    office.file(order)
    released = office.listener.wait("622", "800")
    office.send("623", withdrawal(order, released.invt_no))
    office.listener.wait("624", "-623005")
    office.send("623", withdrawal(order, "640120261000000999", "C9"))
    office.listener.wait("624", "-623003")
    office.send("623", withdrawal(order, released.invt_no, "C8"), sign=False)
    office.listener.wait("624", "-623017")


def test_returns_give_the_year_back_to_the_fen(office, number):
    lines = (line(), line(total_fen=3333, quantity=Decimal(1), quantity1=Decimal(1)))
    order = replace(numbered(filing(lines=lines), number), goods_fen=13332, paid_fen=14738)
    office.file(order)
    released = office.listener.wait("622", "800")
    assert office.used(order.number) == Decimal("145.32")
    for at, quantities in enumerate([[(1, Decimal(1))], [(1, Decimal(1))], [(1, Decimal(1)), (2, Decimal(1))]]):
        office.listener.got.clear()
        office.send("625", going_back(order, released.invt_no, quantities, f"R{at}"))
        office.listener.wait("626", "399")
    assert office.used(order.number) == 0
    office.send("625", going_back(order, released.invt_no, [(1, Decimal(1))], "R9"))
    office.listener.wait("626", "-625010")


def test_returns_are_bound_to_the_list_and_to_thirty_days(office, number):
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", order_no=order.number)
    office.file(order)
    held = office.listener.wait("622", "500")
    office.send("625", going_back(order, held.invt_no, [(1, Decimal(1))], "R0"))
    office.listener.wait("626", "-625004")
    office.listener.got.clear()
    requests.post(f"{office.url}sandbox/continue", json={"order_no": order.number}, timeout=5)
    released = office.listener.wait("622", "800")
    at = return_instant(released.return_time)
    office.send("625", going_back(order, released.invt_no, [(1, Decimal(1))], "R1", at + timedelta(days=31)))
    assert "30 days" in office.listener.wait("626", "-625004").return_info
    office.send("625", going_back(order, released.invt_no, [(1, Decimal(1))], "R2", at + timedelta(days=30)))
    office.listener.wait("626", "399")
    wrong = going_back(replace(order, lines=(line(gcode="0306179010"),)), released.invt_no, [(1, Decimal(1))], "R3")
    office.send("625", wrong)
    office.listener.wait("626", "-625209")


def test_a_parcel_signed_for_needs_its_waybill(office, number):
    order = numbered(filing(), number)
    office.send("513", signed_for_document(order, PARTIES, new_guid(), FILED_AT, FILED_AT))
    office.listener.wait("514", "-505011")
    office.send("511", documents(order)["511"])
    office.listener.wait("512", "120")
    office.send("513", signed_for_document(order, PARTIES, new_guid(), FILED_AT, FILED_AT))
    office.listener.wait("514", "120")


def test_a_scripted_refusal_is_given_once(office, number):
    first, second = numbered(filing(), number), numbered(filing(), number + 1000)
    office.script(kind="621", fault="reject", code="-621018", order_no=first.number)
    office.file(first)
    office.listener.wait("622", "-621018")
    office.file(second)
    assert office.listener.wait("622", "800").key["copNo"] == second.number


def test_a_list_can_be_examined_and_go_on(office, number):
    order = numbered(filing(), number)
    office.script(kind="622", fault="examine", code="300", order_no=order.number)
    office.file(order)
    office.listener.wait("622", "899")
    assert office.listener.statuses("622") == ["1", "2", "3", "120", "300", "399", "800", "899"]


def test_receipts_can_be_lost_doubled_delayed_and_reordered(office, number):
    order = numbered(filing(), number)
    office.script(kind="622", fault="lose", status="120")
    office.script(kind="622", fault="duplicate", status="399", copies=3)
    office.script(kind="622", fault="reorder", status="800")
    office.script(kind="816", fault="delay", seconds=1)
    made = office.file(order)
    office.listener.wait("816", "1")
    statuses = office.listener.statuses("622")
    assert "120" not in statuses
    assert statuses.count("399") == 3
    assert statuses.index("800") > statuses.index("899")
    kinds = [receipt.kind for receipt in office.listener.receipts()]
    assert kinds.index("816") > kinds.index("818")
    # What was lost comes after all when the same document is filed again.
    office.send_unchecked("621", made["621"])
    office.listener.wait("622", "120")
    assert office.used(order.number) == Decimal("111.99")


def test_a_paused_window_delivers_everything_later(office, number):
    requests.post(f"{office.url}sandbox/pause", timeout=5)
    office.send("311", documents(numbered(filing(), number))["311"])
    with pytest.raises(AssertionError):
        office.listener.wait("312", "120", seconds=0.5)
    requests.post(f"{office.url}sandbox/resume", timeout=5)
    office.listener.wait("312", "120")


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "622"},
        {"kind": "622", "fault": "explode"},
        {"kind": "999", "fault": "lose"},
        {"kind": "622", "fault": "delay", "seconds": -1},
        {"kind": "622", "fault": "lose", "x": 1},
    ],
)
def test_bad_scripts_are_refused(office, fault):
    assert requests.post(f"{office.url}sandbox/faults", json=fault, timeout=5).status_code == 422


def test_receipts_are_sent_until_they_are_taken(office, number):
    office.listener.answer = 503
    office.send("311", documents(numbered(filing(), number))["311"])
    with pytest.raises(AssertionError):
        office.listener.wait("312", "2", seconds=0.5)
    office.listener.answer = 202
    office.listener.wait("312", "120")
    assert office.listener.statuses("312") == ["2", "120"]


def test_kill_and_restart_lose_nothing_and_double_nothing(make_office, number):
    office = make_office()
    first, second = numbered(filing(), number), numbered(filing(), number + 1000)
    office.file(first)
    office.listener.wait("818", "2")
    office.listener.answer = 503
    made = office.file(second)
    office.kill()
    office.listener.answer = 202
    office.start()
    office.listener.wait("818", "2")
    until(office, second.number, "899")
    assert (office.used(first.number), office.used(second.number)) == (Decimal("111.99"), Decimal("111.99"))
    office.send_unchecked("621", made["621"])
    office.send("621", documents(second)["621"])
    office.listener.wait("622", "-621004")
    assert office.used(second.number) == Decimal("111.99")
    invt_numbers = {office.document("621", order.number)["invt_no"] for order in (first, second)}
    assert len(invt_numbers) == 2


def until(office: Office, cop_no: str, status: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = [one for one in office.listener.receipts("622") if one.key["copNo"] == cop_no]
        if any(one.status == status for one in found):
            return
        time.sleep(0.05)
    raise AssertionError(f"{cop_no} did not reach {status}")


def test_receipts_are_signed_when_asked(make_office, number):
    office = make_office("--sign")
    office.file(numbered(filing(), number))
    office.listener.wait("818", "2")
    trusted = x509.load_pem_x509_certificate((office.folder / "window-cert.pem").read_bytes())
    assert len(office.listener.got) == 15
    for xml in office.listener.got:
        assert verify_message(xml, [trusted], FILED_AT)


def test_neither_page_nor_journal_shows_a_person(office, number):
    order = numbered(filing(), number)
    office.file(order)
    office.listener.wait("622", "800")
    page = requests.get(office.url, timeout=5)
    assert order.number in page.text
    for text in (page.text, str(office.journal()["documents"]), str(office.journal()["allowance"])):
        assert order.buyer.id_number not in text
        assert order.buyer.name not in text
    assert (office.folder / "window.sqlite").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sandboxes.window", "--port", port, "--journal", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "SINGLE_WINDOW_SANDBOX_PORT" in done.stderr
