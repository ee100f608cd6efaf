"""Bonded goods come out of an account book that customs holds: by item, no more than entered."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.customs.window.facts import documents, filing, line
from tests.sandboxes.window.office import numbered
from tests.sandboxes.window.test_after_filing import going_back, withdrawal


def book_of(number: int) -> str:
    return f"H6401{number:08d}"


def entered(office, number: int, quantity: str, **changes) -> dict:
    item = {"item_record_no": "REC-1".replace("-", ""), "gcode": "0306179090", "unit": "140", "quantity": quantity}
    body = {"ems_no": book_of(number), "reference": f"E{number}", "items": [{**item, **changes}]}
    answer = office.call("POST", "books", **body)
    assert answer.status_code == 201, answer.text
    return body


def bonded(number: int, order_number: int, quantity: int = 3, **changes):
    order = numbered(filing(), order_number)
    goods = line(quantity=Decimal(quantity), quantity1=Decimal(quantity), item_record_no="REC1", **changes)
    return replace(order, lines=(goods,), warehouse=replace(order.warehouse, ems_no=book_of(number)))


def item(office, number: int) -> dict:
    return office.call("GET", f"books/{book_of(number)}").json()["items"][0]


def amounts(office, number: int) -> tuple[str, ...]:
    found = item(office, number)
    return tuple(found[name] for name in ("entered", "held", "drawn", "left"))


def test_goods_are_held_then_drawn_and_come_back(office, number):
    entered(office, number, "10")
    order = bonded(number, number)
    office.script(kind="622", fault="hold", order_no=order.number)
    office.file(order)
    office.listener.wait("622", "500")
    assert amounts(office, number) == ("10", "3", "0", "7")
    assert office.decide(order.number, "release").status_code == 201
    released = office.listener.wait("622", "899")
    assert amounts(office, number) == ("10", "0", "3", "7")
    office.send("625", going_back(order, released.invt_no, [(1, Decimal(2))]))
    office.listener.wait("626", "399")
    assert amounts(office, number) == ("10", "0", "1", "9")
    moves = office.call("GET", f"books/{book_of(number)}/REC1").json()["moves"]
    assert [(move["why"], move["quantity"]) for move in moves] == [
        ("returned", "2"),
        ("drawn", "3"),
        ("held", "3"),
        ("entered", "10"),
    ]


def test_what_is_not_there_is_refused_and_counts_nothing(office, number):
    entered(office, number, "2.99999")
    order = bonded(number, number)
    office.file(order)
    assert "2.99999 left" in office.listener.wait("622", "100").return_info
    assert office.used(order.number) == 0
    assert amounts(office, number) == ("2.99999", "0", "0", "2.99999")
    # Once more has entered, the same list passes.
    office.call("POST", "books", **{**entered_more(number), "reference": "MORE"})
    office.send("621", {**documents(order)["621"], "appType": "2"})
    office.listener.wait("622", "800")


def entered_more(number: int) -> dict:
    item = {"item_record_no": "REC1", "gcode": "0306179090", "unit": "140", "quantity": "0.00001"}
    return {"ems_no": book_of(number), "items": [item]}


@pytest.mark.parametrize(
    ("entry", "goods", "words"),
    [({"gcode": "0306179010"}, {}, "gcode"), ({"unit": "035"}, {}, "unit")],
)
def test_an_item_is_what_was_entered_under_its_number(office, number, entry, goods, words):
    entered(office, number, "10", **entry)
    office.file(bonded(number, number, **goods))
    assert words in office.listener.wait("622", "100").return_info


def test_two_lists_for_the_last_piece(office, number):
    entered(office, number, "3")
    first, second = bonded(number, number), bonded(number, number + 1000)
    office.script(kind="622", fault="hold", order_no=first.number)
    office.file(first)
    held = office.listener.wait("622", "500")
    office.file(second)
    assert "0 left" in office.listener.wait("622", "100").return_info
    office.send("623", withdrawal(first, held.invt_no))
    office.listener.wait("624", "399")
    assert amounts(office, number) == ("3", "0", "0", "3")
    office.listener.got.clear()
    office.send("621", {**documents(second)["621"], "appType": "2"})
    office.listener.wait("622", "899")
    assert amounts(office, number) == ("3", "0", "3", "0")


def test_an_entry_counts_once_and_goods_leave_only_if_there(office, number):
    body = entered(office, number, "5")
    entered(office, number, "5")
    assert amounts(office, number)[0] == "5"
    changed = {**body, "items": [{**body["items"][0], "quantity": "6"}]}
    assert office.call("POST", "books", **changed).status_code == 422
    out = {**body, "reference": "OUT", "way": "out"}
    assert (
        office.call("POST", "books", **{**out, "items": [{**body["items"][0], "quantity": "5.1"}]}).status_code == 422
    )
    assert office.call("POST", "books", **out).status_code == 201
    assert amounts(office, number) == ("0", "0", "0", "0")


def test_items_nobody_filed_are_watched_only_when_asked(make_office, number):
    office = make_office()
    office.file(numbered(filing(), number))
    office.listener.wait("622", "800")
    office.settings(account_books="all")
    office.listener.got.clear()
    office.file(numbered(filing(), number + 1000))
    assert "not in account book" in office.listener.wait("622", "100").return_info


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ems_no": "A", "reference": "1", "items": []},
        {"ems_no": "A", "reference": "1", "items": [{"item_record_no": "1"}]},
        {"ems_no": "A" * 40, "reference": "1", "items": [{}]},
        {"ems_no": "A", "reference": "1", "items": ["x"]},
        {"ems_no": "A", "reference": "1", "way": "up", "items": [{}]},
        {"ems_no": "\ud800", "reference": "1", "items": [{}]},
    ],
)
def test_bad_entries_are_refused(office, body):
    assert office.call("POST", "books", **body).status_code == 422


@pytest.mark.parametrize("quantity", ["0", "-1", "1e5", "NaN", "1.000001", 5, "9" * 13])
def test_bad_quantities_are_refused(office, quantity):
    items = [{"item_record_no": "1", "gcode": "0306179090", "unit": "140", "quantity": quantity}]
    assert office.call("POST", "books", ems_no="A", reference="1", items=items).status_code == 422
