"""Bills as customs sends them: amended, replaced, consolidated, void, twice and late; and what is paid and due."""

import csv
import io
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from core import paging
from core.database import db
from customs import warehouses
from customs.models import Declaration, DeclarationLine, TaxBill
from customs.money_models import TaxBillLine, TaxDifference, TaxPayment
from tests.customs.desk.builders import Caller, at, message, receipt
from tests.customs.desk.conftest import move_clock
from tests.customs.desk.test_filing import INVT, listed, take
from tests.customs.desk.window import FakeWindow


def bill(
    tax_no: str, time: str, vat: str = "6.51", price: str = "103.32", total: str | None = None, invt: str = INVT
) -> bytes:
    head = {"returnTime": time, "invtNo": invt, "taxNo": tax_no, "customsTax": "0.00",
            "valueAddedTax": total or vat, "consumptionTax": "0.00", "status": "1"}  # fmt: skip
    line = {"gnum": "1", "gcode": "0306179090", "taxPrice": price, "customsTax": "0", "valueAddedTax": vat,
            "consumptionTax": "0"}  # fmt: skip
    return message("816", "Tax", head, [line], head="TaxHeadRd")


def state(tax_no: str, time: str, status: str, number: str = "N1", invt: str = INVT) -> bytes:
    head = {"returnTime": time, "invtNo": invt, "taxNo": tax_no, "status": status, "entDutyNo": number}
    return message("818", "Tax", head, head="TaxHeadStatus")


@pytest.fixture
def released(window: FakeWindow) -> uuid.UUID:
    found = listed(window)
    take(receipt(found, "621", "800", at(5), invtNo=INVT))
    return found


def bills() -> list[tuple[str, str, int, int]]:
    db.session.rollback()
    rows = db.session.scalars(select(TaxBill).order_by(TaxBill.tax_no)).all()
    found = [(row.tax_no, row.status, row.vat_fen, row.revision) for row in rows]
    db.session.rollback()
    return found


def differing() -> list[tuple[int, str, int, str]]:
    db.session.rollback()
    rows = db.session.scalars(select(TaxDifference).order_by(TaxDifference.gnum, TaxDifference.kind)).all()
    found = [(row.gnum, row.kind, row.billed_fen - row.ours_fen, row.cause) for row in rows]
    db.session.rollback()
    return found


def shown() -> int | None:
    db.session.rollback()
    found = db.session.scalars(select(DeclarationLine.billed_vat_fen)).one()
    db.session.rollback()
    return found


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({}, []),
        ({"vat": "6.52"}, [(1, "vat", 1, "rounding_order")]),
        ({"vat": "7.20"}, [(1, "vat", 69, "rate")]),
        ({"price": "68.88", "vat": "4.34"}, [(1, "dutiable_value", -3444, "quantity"), (1, "vat", -217, "quantity")]),
        ({"price": "99.00", "vat": "6.24"}, [(1, "dutiable_value", -432, "unknown"), (1, "vat", -27, "unknown")]),
        ({"total": "6.60"}, [(0, "total", 9, "unknown")]),
    ],
)
def test_each_difference_is_kept_with_its_cause(released: Any, sent: dict, found: list) -> None:
    take(bill("T1", at(7), **sent))
    assert differing() == found


def test_a_bill_that_comes_again_with_other_amounts_is_amended(released: Any, heard: list) -> None:
    take(bill("T1", at(7), "7.20"))
    take(bill("T1", at(6), "9.99"))  # older
    assert bills() == [("T1", "generated", 720, 0)]
    take(bill("T1", at(8), "6.52"), bill("T1", at(8), "6.52"))
    assert bills() == [("T1", "generated", 652, 1)]
    assert (differing(), shown()) == ([(1, "vat", 1, "rounding_order")], 652)
    assert [state for _, state, _ in heard if state.startswith("tax")] == []


def test_amended_after_it_was_consolidated_it_tells_by_how_much(released: Any, heard: list) -> None:
    take(state("T1", at(9), "2"))  # overtook its own bill: waits for it
    take(bill("T1", at(7), "6.52"))
    take(bill("T1", at(8), "6.51"))
    take(bill("T1", at(10), "6.50"))
    assert bills() == [("T1", "consolidated", 650, 2)]
    told = [(state, info["amount_fen"], info.get("was_fen")) for _, state, info in heard if state.startswith("tax")]
    assert told[0][0] == "tax_settled"
    assert told[-1] == ("tax_amended", 650, 651)
    assert sum(amount - (was or 0) for _, amount, was in told) == 650


def test_void_the_other_bill_is_shown_again(released: Any) -> None:
    take(bill("T1", at(7), "6.52"), bill("T2", at(8), "6.51"))
    assert shown() == 651
    take(state("T2", at(9), "3"))
    assert shown() == 652
    take(state("T1", at(10), "3"), bill("T1", at(11), "6.51"))
    assert (shown(), bills()[0]) == (None, ("T1", "void", 652, 0))


def test_bills_are_gathered_under_their_number_and_paid(app: Any, released: Any) -> None:
    operator, desk = Caller(app, "operator"), Caller(app, "customs")
    take(bill("T1", at(7)), state("T1", at(8), "2"), state("T1", at(8), "2"))
    (row,) = desk.get("/customs/tax-payments?paid=false").get_json()["items"]
    assert (row["number"], row["bills"], row["amount"], row["paid_on"]) == ("N1", 1, "6.51", None)
    take(state("T1", at(9), "2", "N2"))  # put under another number
    assert db.session.scalars(select(TaxBill.ent_duty_no)).one() == "N2"
    db.session.rollback()
    body = {"paid_on": "2026-11-23", "reference": "bank 1"}
    assert desk.post("/customs/tax-payments/N2/paid", body).status_code == 403
    assert operator.post("/customs/tax-payments/N9/paid", body).status_code == 404
    assert operator.post("/customs/tax-payments/N2/paid", {**body, "paid_on": "2026-11-24"}).status_code == 422
    answer = operator.post("/customs/tax-payments/N2/paid", body)
    assert (answer.status_code, answer.get_json()["amount"]) == (200, "6.51")
    assert operator.post("/customs/tax-payments/N2/paid", body).get_json()["code"] == "tax_payment_paid"
    assert [row["number"] for row in desk.get("/customs/tax-payments?paid=true").get_json()["items"]] == ["N2"]
    first = desk.get("/customs/tax-payments?limit=1").get_json()
    second = desk.get(f"/customs/tax-payments?limit=1&cursor={first['next']}").get_json()
    assert [row["number"] for row in first["items"] + second["items"]] == ["N2", "N1"]


def test_the_newest_number_counts_whatever_comes_late(released: Any) -> None:
    take(bill("T1", at(6)))
    for second, number in ((7, "N1"), (9, "N3"), (8, "N2")):
        take(state("T1", at(second), "2", number))
    db.session.rollback()
    assert db.session.scalars(select(TaxBill.ent_duty_no)).one() == "N3"


def test_several_bills_under_one_number_are_one_payment(app: Any, window: FakeWindow, released: Any) -> None:
    operator, other = Caller(app, "operator"), f"{INVT[:-1]}9"
    second = listed(window, number="LF2611230002")
    take(receipt(second, "621", "800", at(5), invtNo=other))
    take(bill("T1", at(7)), bill("T9", at(7), "6.53", invt=other))
    take(state("T1", at(8), "2"), state("T9", at(8), "2", invt=other))
    (row,) = operator.get("/customs/tax-payments").get_json()["items"]
    assert (row["number"], row["bills"], row["amount"]) == ("N1", 2, "13.04")
    (one,) = operator.get("/customs/taxes-due").get_json()["items"]
    assert (one["number"], one["count"], one["amount"]) == ("N1", 2, "13.04")
    take(state("T9", at(9), "3", invt=other))
    body = {"paid_on": "2026-11-23", "reference": "x"}
    assert operator.post("/customs/tax-payments/N1/paid", body).get_json()["amount"] == "6.51"


def test_differences_are_read_as_pages_sums_and_csv(app: Any, released: Any) -> None:
    desk, consumer = Caller(app, "customs"), Caller(app, "consumer")
    take(bill("=T1", at(7), "7.20", "68.88"))
    page = desk.get("/customs/tax-differences?limit=1").get_json()
    assert len(page["items"]) == 1
    more = desk.get(f"/customs/tax-differences?limit=1&cursor={page['next']}").get_json()
    rows = page["items"] + more["items"]
    assert sorted((row["kind"], row["difference"], row["cause"]) for row in rows) == [
        ("dutiable_value", "-34.44", "quantity"),
        ("vat", "0.69", "rate"),
    ]
    assert page["by_cause"] == [
        {"cause": "quantity", "count": 1, "difference": "0.00"},
        {"cause": "rate", "count": 1, "difference": "0.69"},
    ]
    only = desk.get("/customs/tax-differences?cause=rate&from=2026-11-23&to=2026-11-23").get_json()["items"]
    assert [row["kind"] for row in only] == ["vat"]
    assert desk.get("/customs/tax-differences?from=2026-11-24").get_json()["items"] == []
    text = desk.get("/customs/tax-differences?format=csv", buffered=True).get_data(as_text=True)
    table = list(csv.DictReader(io.StringIO(text)))
    assert {(row["kind"], row["difference"]) for row in table} == {("dutiable_value", "-34.44"), ("vat", "0.69")}
    assert {row["taxNo"] for row in table} == {"'=T1"}  # no spreadsheet runs it
    assert consumer.get("/customs/tax-differences").status_code == 403
    assert desk.get("/customs/tax-differences?cursor=x").status_code == 422
    take(state("=T1", at(9), "3"))
    assert desk.get("/customs/tax-differences").get_json()["items"] == []


def due(desk: Caller) -> list[tuple[str, str, str, str]]:
    body = desk.get("/customs/taxes-due").get_json()
    return [(row["state"], row["last"], row["amount"], row["phase"]) for row in body["items"]]


def test_a_cursor_that_no_line_number_can_be_is_refused(app: Any, window: FakeWindow) -> None:
    desk = Caller(app, "customs")
    cursor = paging.encode("2026-11-23T00:00:00+00:00", str(uuid.uuid4()), 10**6, "vat")
    assert desk.get(f"/customs/tax-differences?cursor={cursor}").status_code == 422


def test_what_is_due_when_follows_the_bill(app: Any, released: Any) -> None:
    desk = Caller(app, "customs")
    last = "2027-01-07"  # 23 November and 45 days, a Thursday
    assert due(desk) == [("expected", last, "6.51", "coming")]
    take(bill("T1", at(7), "6.52"))
    assert due(desk) == [("billed", last, "6.52", "coming")]
    take(state("T1", at(8), "2"))
    move_clock(datetime(2026, 12, 24, 4, tzinfo=UTC))
    assert due(Caller(app, "customs")) == [("consolidated", last, "6.52", "open")]
    move_clock(datetime(2027, 1, 8, 4, tzinfo=UTC))
    desk, operator = Caller(app, "customs"), Caller(app, "operator")
    body = desk.get("/customs/taxes-due").get_json()
    assert (body["totals"]["late"], body["items"][0]["days_late"]) == ("6.52", 1)
    text = desk.get("/customs/taxes-due?format=csv", buffered=True).get_data(as_text=True)
    assert [row["phase"] for row in csv.DictReader(io.StringIO(text))] == ["late"]
    operator.post("/customs/tax-payments/N1/paid", {"paid_on": "2027-01-08", "reference": "x"})
    assert due(desk) == []


def test_general_trade_is_due_until_it_is_paid(app: Any, window: FakeWindow) -> None:
    desk, operator = Caller(app, "customs"), Caller(app, "operator")
    place = {"name": "店", "kind": "general", "mode": "0110", "zone": "Z", "customs_code": "3105", "port_code": "3105",
             "traf_mode": "2"}  # fmt: skip
    row = Declaration(
        number="G1", kind="general_trade", merchant_name="M", warehouse_id=uuid.UUID(warehouses.add("t", place)["id"]),
        mode="0110", office="3105", zone="Z", status="declared", edition="e", standing="official",
        assessed_on=date(2026, 11, 23), filed_on=date(2026, 11, 23), snapshot={},
    )  # fmt: skip
    line = DeclarationLine(
        position=1, hs="0306179090", name="n", route="general_trade", mode="0110", merchant_name="M", zone="Z",
        office="3105", quantity=1, unit="kg", value_fen=1, freight_fen=0, insurance_fen=0, dutiable_value_fen=1,
        duty_fen=0, additional_duty_fen=0, consumption_tax_fen=0, vat_fen=900, tax_fen=900, charged_tax_fen=900,
        assessment={},
    )  # fmt: skip
    from core.database import transaction

    with transaction() as session:
        session.add(row)
        session.flush()
        line.declaration_id = row.id
        session.add(line)
    assert due(desk) == [("declared", "2026-12-08", "9.00", "open")]
    answer = operator.post("/customs/tax-payments/G1/paid", {"paid_on": "2026-11-23", "reference": "x"})
    assert answer.get_json()["amount"] == "9.00"
    assert due(desk) == []
    assert db.session.scalars(select(TaxPayment.number)).all() == ["G1"]


def test_the_calculator_is_open_to_the_desk(app: Any, window: FakeWindow) -> None:
    desk = Caller(app, "customs")
    asked = "/customs/late-fee?amount=10000.00&last=2026-12-08&paid_on="
    body = desk.get(f"{asked}2026-12-18").get_json()
    assert (body["days"], body["fee"], body["waived"], len(body["by_day"])) == (10, "50.00", False, 10)
    assert desk.get(f"{asked}2026-12-17").get_json()["waived"] is True
    assert desk.get(f"{asked}tomorrow").status_code == 422
    assert desk.get("/customs/late-fee?amount=-1&last=2026-12-08&paid_on=2026-12-08").status_code == 422


def test_lines_named_twice_are_taken_together(released: Any) -> None:
    head = {"returnTime": at(7), "invtNo": INVT, "taxNo": "T1", "customsTax": "0", "valueAddedTax": "6.51",
            "consumptionTax": "0", "status": "1"}  # fmt: skip
    half = {"gnum": "1", "gcode": "0306179090", "customsTax": "0", "consumptionTax": "0"}
    lines = [
        {**half, "taxPrice": "100.00", "valueAddedTax": "6.00"},
        {**half, "taxPrice": "3.32", "valueAddedTax": "0.51"},
    ]
    take(message("816", "Tax", head, lines, head="TaxHeadRd"))
    assert differing() == []
    assert db.session.scalars(select(TaxBillLine.price_fen)).all() == [10332]
