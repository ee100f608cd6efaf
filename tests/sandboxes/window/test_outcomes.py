"""What customs decides: by officers' hands, by settings, by marks in an address, and after days."""

from dataclasses import replace
from decimal import Decimal

import pytest

from customs.window.values import new_guid
from sandboxes.window import magic
from tests.customs.window.facts import documents, filing, line
from tests.customs.window.samples import ours
from tests.sandboxes.window.office import numbered
from tests.sandboxes.window.test_after_filing import withdrawal


def held(office, number, code="300"):
    order = numbered(filing(), number)
    office.script(kind="622", fault="hold", code=code, order_no=order.number)
    office.file(order)
    office.listener.wait("622", code)
    return order


@pytest.mark.parametrize(
    ("outcome", "code", "status"),
    [
        ("manual", None, "300"),
        ("inspect", None, "500"),
        ("detain", None, "501"),
        ("detain", "503", "503"),
        ("abroad", None, "700"),
        ("reject", None, "100"),
        ("reject", "-621017", "-621017"),
    ],
)
def test_an_officer_decides(office, number, outcome, code, status):
    order = held(office, number, "599")
    assert office.decide(order.number, outcome, code=code).status_code == 201
    office.listener.wait("622", status)
    over = outcome in ("abroad", "reject")
    assert office.used(order.number) == (0 if over else Decimal("111.99"))
    answer = office.decide(order.number, "release")
    assert answer.status_code == (422 if over else 201)
    if not over:
        office.listener.wait("818", "2")
    assert office.listener.statuses("622").count("800") == (0 if over else 1)


def test_what_was_released_cannot_be_detained(office, number):
    order = numbered(filing(), number)
    office.file(order)
    office.listener.wait("818", "2")
    for outcome in ("release", "detain", "reject", "abroad", "explode"):
        assert office.decide(order.number, outcome).status_code == 422
    assert office.decide(order.number, "void").status_code == 201
    office.listener.wait("818", "3")
    assert office.decide("NOBODY", "release").status_code == 404


def test_what_did_not_reach_customs_is_filed_again(office, number):
    order = numbered(filing(), number)
    made = documents(order)
    office.send("621", made["621"])
    office.listener.wait("622", "2")
    assert office.decide(order.number, "fail").status_code == 201
    office.listener.wait("622", "4")
    for kind in ("311", "411", "511", "621"):
        office.send(kind, made[kind])
    office.listener.wait("622", "800")


def test_a_bill_may_differ_or_be_void(office, number):
    order = numbered(filing(), number)
    office.script(kind="816", fault="differ", amount="0.05", order_no=order.number)
    office.script(kind="818", fault="void", order_no=order.number)
    office.file(order)
    bill = office.listener.wait("816", "1").bill
    assert (bill.value_added_tax, bill.lines[0].value_added_tax) == (Decimal("7.11"), Decimal("7.11"))
    office.listener.wait("818", "3")


@pytest.mark.parametrize(
    ("mark", "kind", "status"),
    [
        ("#inspect", "622", "500"),
        ("#manual", "622", "300"),
        ("#detain:502", "622", "502"),
        ("#abroad", "622", "700"),
        ("#reject:-621018", "622", "-621018"),
        ("#order:-301008", "312", "-301008"),
        ("#waybill", "512", "100"),
        ("#void", "818", "3"),
    ],
)
def test_a_mark_in_the_address_scripts_the_order(office, number, mark, kind, status):
    office.file(marked(number, mark))
    office.listener.wait(kind, status)


def test_marks_of_bill_and_silence(office, number):
    office.file(marked(number, "#bill:-0.06"))
    assert office.listener.wait("816", "1").bill.value_added_tax == Decimal("7.00")
    office.listener.got.clear()
    office.file(marked(number + 1000, "#silent"))
    office.listener.wait("512", "120")
    office.rest()
    assert office.listener.statuses("622") == []
    office.settings(marks=False)
    office.file(marked(number + 2000, "#silent"))
    office.listener.wait("622", "800")
    office.settings(marks=True)


def marked(number: int, mark: str):
    order = numbered(filing(), number)
    return replace(order, consignee=replace(order.consignee, address=f"{order.consignee.address} {mark}"))


def test_bills_are_consolidated_after_days(make_office, number):
    office = make_office()
    office.settings(bill_days=31)
    office.file(numbered(filing(), number))
    office.listener.wait("816", "1")
    office.rest()
    office.call("POST", "clock", advance="30d")
    office.rest()
    assert office.listener.statuses("818") == []
    office.kill()
    office.start()
    office.call("POST", "clock", advance="1d")
    bill = office.listener.wait("818", "2")
    assert bill.return_time[:8] > office.listener.wait("816", "1").return_time[:8]


def test_every_list_may_wait_for_an_officer(make_office, number):
    office = make_office()
    office.settings(hold_all="300")
    order = numbered(filing(), number)
    office.file(order)
    office.listener.wait("622", "300")
    office.kill()
    office.start()
    assert office.call("GET", "settings").json()["hold_all"] == "300"
    office.decide(order.number, "release")
    office.listener.wait("622", "800")


@pytest.mark.parametrize(
    "changes",
    [
        {"pace": -1},
        {"pace": "x"},
        {"bill_days": 1.5},
        {"marks": 1},
        {"hold_all": "800"},
        {"account_books": "some"},
        {"x": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(office, changes):
    before = office.call("GET", "settings").json()
    assert office.call("PATCH", "settings", **changes).status_code == 422
    assert office.call("GET", "settings").json() == before


def test_settings_come_from_a_file(make_office, number, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('bill_days = 5\n[[fault]]\nkind = "622"\nfault = "reject"\ncode = "-621017"\n')
    office = make_office("--settings", str(file))
    office.file(numbered(filing(), number))
    office.listener.wait("622", "-621017")
    office.kill()
    office.start()
    office.listener.got.clear()
    office.file(numbered(filing(), number + 1000))
    office.listener.wait("622", "800")
    assert office.call("GET", "settings").json()["bill_days"] == 5


def test_a_list_is_looked_at_as_soon_as_its_papers_are_there(make_office, number):
    office = make_office("--match-seconds", "3600")
    made = documents(numbered(filing(), number))
    office.send("621", made["621"])
    for kind in ("511", "411", "311"):
        office.send(kind, made[kind])
    office.listener.wait("622", "800", seconds=5)


def test_goods_must_be_on_the_positive_list_of_the_day(make_office, number):
    office = make_office()
    order = numbered(filing(lines=(line(gcode="2402200000"),)), number)
    office.file(order)
    assert "positive list of 20261123" in office.listener.wait("622", "100").return_info
    office.settings(positive_list=False)
    office.send("621", {**documents(order)["621"], "appType": "2"})
    office.listener.wait("622", "800")
    office.settings(positive_list=True)
    # A code that joined the list in March 2022 is not on that of 2019.
    early = numbered(filing(lines=(line(gcode="3304990099"),)), number + 1000)
    office.listener.got.clear()
    office.file(early, c621={"declTime": "20190501"})
    assert "positive list of 20190501" in office.listener.wait("622", "100").return_info


def test_the_limits_are_those_of_the_day(make_office, number):
    from tests.sandboxes.window.office import dear

    office = make_office()
    old = {"declTime": "20170501", "gcode": "0210200010"}
    office.file(
        dear(numbered(filing(), number), 200_001, quantity=2, gcode="0210200010"), c621={"declTime": "20170501"}
    )
    office.listener.wait("622", "-621005")
    office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 1), 2_000_001, gcode="0210200010"), c621={"declTime": old["declTime"]})
    office.listener.wait("622", "-621018")
    office.listener.got.clear()
    office.file(dear(numbered(filing(), number + 2), 100), c621={"declTime": "20160101"})
    office.listener.wait("622", "100")


def test_older_papers_reused_guids_and_deletions(office, number):
    order = numbered(filing(), number)
    made = documents(order)
    office.send("311", made["311"])
    office.listener.wait("312", "120")
    older = {**made["311"], "guid": new_guid(), "appType": "2", "appTime": "20200101000000"}
    office.send("311", older)
    office.listener.wait("312", "-301014")
    newer = {**made["311"], "guid": new_guid(), "appType": "2", "appTime": "20270101000000", "note": "changed"}
    office.send("311", newer)
    office.listener.got.clear()
    office.listener.wait("312", "120")
    office.send("511", {**made["511"], "guid": newer["guid"]})
    assert "another document" in office.listener.wait("512", "-504011").return_info
    office.listener.got.clear()
    office.send("311", {**newer, "guid": new_guid(), "appType": "3", "appTime": "20270101000001"})
    office.listener.wait("312", "120")
    office.send("621", made["621"])
    office.send("411", made["411"])
    assert "the order" in office.listener.wait("622", "100").return_info


def test_a_parked_list_can_be_declared(office, number):
    made = documents(numbered(filing(), number))
    for kind in ("311", "411", "511"):
        office.send(kind, made[kind])
    parked = {**made["621"], "appStatus": "1"}
    office.send("621", parked, sign=False)
    office.listener.wait("622", "1")
    office.rest()
    office.send("621", {**made["621"], "guid": new_guid()})
    office.listener.wait("622", "800")


def test_a_list_of_somebody_else_cannot_be_withdrawn(office, number):
    order = held(office, number)
    invt_no = office.document("621", order.number)["invt_no"]
    office.send("623", withdrawal(order, invt_no, buyerIdNumber="110105199003070332"))
    assert "buyer" in office.listener.wait("624", "-623001").return_info


def test_an_entry_of_parcels_is_concluded_once(office, number):
    entry = {**ours("711"), "copNo": f"E{number}"}
    office.send("711", entry, sign=True)
    office.listener.wait("712", "399")
    assert office.listener.statuses("712") == ["1", "2", "120", "399"]
    office.send("711", {**entry, "guid": new_guid(), "note": "again"}, sign=True)
    office.listener.wait("712", "-800003")
    older = {**entry, "guid": new_guid(), "appType": "2", "appTime": "20200101000000"}
    office.send("711", older, sign=True)
    office.listener.wait("712", "-800005")
    office.send("711", {**entry, "copNo": f"F{number}", "guid": new_guid()}, sign=False)
    office.listener.wait("712", "-800001")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("#slow:5", {"fault": "delay", "seconds": 5}),
        ("#slow:-5", {"fault": "delay", "seconds": 0}),
        ("#twice:0", {"fault": "duplicate", "copies": 2}),
        ("#twice:9999999", {"fault": "duplicate", "copies": 100}),
        ("#silent#twice", {"fault": "lose"}),
        ("#nothing", None),
        ("no mark", None),
    ],
)
def test_figures_of_marks_keep_their_bounds(address, fault):
    found = magic.marked({"consigneeAddress": address}, ("delay", "duplicate", "lose"), "622")
    assert (found and {name: found[name] for name in fault or {}}) == fault
