"""General trade from draft to released facts, and the demonstration that is made of it."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from core import clock
from core.config import ClockSetting
from core.database import db
from customs import seed, warehouses
from customs.models import Declaration, DeclarationLine, Shipment, Warehouse
from customs.reports import access, check
from tests.customs.desk.builders import BONDED, Caller

GENERAL = {"name": "外高桥冷库", "kind": "general", "mode": "0110", "zone": "上海外高桥", "customs_code": "2218",
           "port_code": "2218", "traf_mode": "2"}  # fmt: skip
KEY = {"headers": {"Idempotency-Key": "once"}}


@pytest.fixture
def desk(app: Any, window: Any) -> Caller:
    return Caller(app, "customs")


def body(**changes: Any) -> dict[str, Any]:
    place = db.session.scalars(select(Warehouse.id).where(Warehouse.name == GENERAL["name"])).first()
    db.session.rollback()
    found = str(place) if place else warehouses.add("test", GENERAL)["id"]
    line = {"hs": "0202300090", "origin": "BR", "quantity": "20000", "unit": "kg", "value": "104000.00"}
    papers = {"automatic_import_licence": "26-01", "establishment_registration": "SIF 1"}
    good = {"warehouse_id": found, "merchant_name": "进口商", "currency": "USD", "exchange_rate": "7.1000",
            "documents": papers, "lines": [line]}  # fmt: skip
    return {**good, **changes}


def test_from_draft_to_the_report(desk: Caller) -> None:
    """The published example: 104,000 USD at 7.1, 12 % duty and 9 % VAT."""
    made = desk.post("/customs/consignments", body())
    assert made.status_code == 201, made.get_json()
    draft = made.get_json()
    assert (draft["status"], draft["taxes"]["ours"]["duty"], draft["taxes"]["ours"]["vat"]) == (
        "draft",
        "88608.00",
        "74430.72",
    )
    path = f"/customs/consignments/{draft['id']}"
    filed = desk.post(f"{path}/file", **KEY).get_json()
    assert (filed["status"], filed["filed_on"]) == ("declared", "2026-11-23")
    report = "/customs/reports/duty?from=2026-11&to=2026-11&by=hs8,origin"
    assert desk.get(report).get_json()["rows"] == []
    assert desk.post(f"{path}/release").get_json()["released_on"] == "2026-11-23"
    rows = desk.get(report).get_json()["rows"]
    assert [(row["hs8"], row["origin"], row["duty"], row["tax"]) for row in rows] == [
        ("02023000", "BR", "88608.00", "163038.72")
    ]
    assert list(check.breaks(db.session())) == []
    db.session.rollback()


def test_each_step_once(desk: Caller) -> None:
    draft = desk.post("/customs/consignments", body()).get_json()
    path = f"/customs/consignments/{draft['id']}"
    assert desk.post(f"{path}/release").status_code == 409
    assert desk.post(f"{path}/file").status_code == 400  # a filing names its Idempotency-Key
    first = desk.post(f"{path}/file", **KEY)
    assert desk.post(f"{path}/file", **KEY).data == first.data
    assert desk.post(f"{path}/file", headers={"Idempotency-Key": "another"}).status_code == 409
    assert desk.post(f"{path}/release").status_code == 200
    assert desk.post(f"{path}/release").status_code == 409


def test_the_law_is_that_of_the_filing_day(desk: Caller) -> None:
    """Australian beef: drafted before the surcharge of 20 June 2026, filed after it."""
    clock.set_clock(ClockSetting(fixed=datetime(2026, 6, 18, 4, tzinfo=UTC)))
    line = {**body()["lines"][0], "origin": "AU", "origin_proof": True}
    draft = desk.post("/customs/consignments", body(lines=[line])).get_json()
    assert draft["taxes"]["ours"]["additional_duty"] == "0.00"
    clock.set_clock(ClockSetting(fixed=datetime(2026, 6, 20, 4, tzinfo=UTC)))
    filed = desk.post(f"/customs/consignments/{draft['id']}/file", **KEY).get_json()
    assert filed["taxes"]["ours"]["additional_duty"] != "0.00"
    assert [line["id"] for line in filed["lines"]] == [line["id"] for line in draft["lines"]]


def test_missing_documents_stop_the_filing(desk: Caller) -> None:
    draft = desk.post("/customs/consignments", body(documents={})).get_json()
    assert set(draft["missing_documents"]) == {"automatic_import_licence", "establishment_registration"}
    answer = desk.post(f"/customs/consignments/{draft['id']}/file", **KEY)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "documents_missing")
    assert "documents.automatic_import_licence" in answer.get_json()["errors"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"incoterm": "CIF", "freight": "1.00"}, "freight"),
        ({"incoterm": "CIF", "insurance": "1.00"}, "insurance"),
        ({"incoterm": "FOB"}, "freight"),
        ({"exchange_rate": None}, "exchange_rate"),
        ({"exchange_rate": "0"}, "exchange_rate"),
        ({"currency": "CNY"}, "exchange_rate"),
        ({"day": "2026-11-24"}, "day"),
        ({"warehouse_id": str(uuid.uuid4())}, "warehouse_id"),
        ({"lines": []}, "lines"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_drafts_name_their_field(desk: Caller, changes: dict[str, Any], field: str) -> None:
    answer = desk.post("/customs/consignments", body(**changes))
    assert answer.status_code == 422, answer.get_json()
    assert field in answer.get_json()["errors"]
    assert db.session.scalar(select(func.count()).select_from(Declaration)) == 0
    db.session.rollback()


def test_freight_under_fob_joins_the_dutiable_value(desk: Caller) -> None:
    """(104,000 + 1,000 + 0.3 % of 105,000) x 7.1 = 747,736.50."""
    made = desk.post("/customs/consignments", body(incoterm="FOB", freight="1000.00")).get_json()
    assert made["taxes"]["ours"]["dutiable_value"] == "747736.50"


def test_a_merchant_sees_and_imports_its_own(app: Any, desk: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = Caller(app, "merchant"), Caller(app, "merchant")
    own = {mine.account_id: uuid.uuid4(), theirs.account_id: uuid.uuid4()}
    monkeypatch.setattr("catalog.members.role_of", lambda account: "owner")
    monkeypatch.setattr(access, "merchant_of", own.get)
    monkeypatch.setattr(access, "merchant_name", lambda found: f"Merchant {found}")
    draft = mine.post("/customs/consignments", body()).get_json()
    assert draft["merchant"] == {"id": str(own[mine.account_id]), "name": f"Merchant {own[mine.account_id]}"}
    path = f"/customs/consignments/{draft['id']}"
    assert [mine.get(path).status_code, theirs.get(path).status_code, desk.get(path).status_code] == [200, 404, 200]
    assert theirs.post(f"{path}/file", **KEY).status_code == 404
    assert mine.post(f"{path}/release").status_code == 403
    assert theirs.get("/customs/consignments").get_json()["items"] == []
    assert len(mine.get("/customs/consignments").get_json()["items"]) == 1
    foreign = body(merchant_id=str(own[theirs.account_id]))
    assert mine.post("/customs/consignments", foreign).status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "general"}, "mode"),
        ({"ems_no": None}, "ems_no"),
        ({"customs_code": "0000X"}, "customs_code"),
        ({"port_code": "9998"}, "port_code"),
        ({"kind": "general", "mode": "0110"}, "ems_no"),
        ({"guarantor": "neighbour"}, "guarantor"),
    ],
)
def test_a_warehouse_must_be_one(desk: Caller, changes: dict[str, Any], field: str) -> None:
    answer = desk.post("/customs/warehouses", {**BONDED, **changes})
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_warehouses_and_crossings(app: Any, desk: Caller) -> None:
    place = {**GENERAL, "name": "直购", "kind": "direct", "mode": "9610", "customs_code": "2233", "port_code": "2233",
             "agent": {"code": "4601980D04", "name": "报关"}}  # fmt: skip
    made = desk.post("/customs/warehouses", place).get_json()
    assert desk.post("/customs/warehouses", place).status_code == 409
    assert made["agent"] == place["agent"]
    assert [item["id"] for item in desk.get("/customs/warehouses").get_json()["items"]] == [made["id"]]
    assert Caller(app, "consumer").get("/customs/warehouses").status_code == 403
    assert Caller(app, "merchant").post("/customs/warehouses", place).status_code == 403
    crossing = {"warehouse_id": made["id"], "traf_mode": "5", "traf_no": "CA1", "voyage_no": "1", "bill_no": "B1",
                "dispatch_country": "NZ"}  # fmt: skip
    first = desk.post("/customs/shipments", crossing)
    assert first.status_code == 201
    desk.post("/customs/shipments", {**crossing, "bill_no": "B2"})
    shown = desk.get("/customs/shipments").get_json()["items"]
    assert [(row["bill_no"], row["closed"]) for row in shown] == [("B2", False), ("B1", True)]
    assert desk.post("/customs/shipments", {**crossing, "dispatch_country": "ZZ"}).status_code == 422


def test_the_seed_is_made_by_the_services_and_runs_twice(window: Any) -> None:
    first = seed.seed()
    assert seed.seed() == first
    rows = {row.id: row for row in db.session.scalars(select(DeclarationLine))}
    assert set(rows) == set(seed.CONSIGNMENT_LINES.values())
    assert all(row.released_on is not None and row.tax_fen > 0 for row in rows.values())
    beef = rows[seed.CONSIGNMENT_LINES["AU-BEEF-0202300090"]]
    assert (beef.duty_fen, beef.additional_duty_fen) == (0, 0)  # ChAFTA, before the surcharge
    assert beef.dutiable_value_fen == 331_200_00 * 691 // 100
    assert beef.vat_fen == (beef.dutiable_value_fen * 9 + 50) // 100
    assert db.session.scalar(select(func.count()).select_from(Shipment)) == 1
    assert list(check.breaks(db.session())) == []
    db.session.rollback()


def test_what_is_newest_comes_before_the_seed(desk: Caller) -> None:
    seed.seed()
    clock.set_clock(ClockSetting(fixed=datetime(2026, 11, 23, 5, tzinfo=UTC)))
    made = desk.post("/customs/consignments", body(warehouse_id=str(seed.WAREHOUSES["general"]))).get_json()
    page = desk.get("/customs/consignments?limit=3").get_json()
    assert page["items"][0]["id"] == made["id"]
    rest = desk.get(f"/customs/consignments?limit=100&cursor={page['next']}").get_json()
    assert len({item["id"] for item in page["items"] + rest["items"]}) == 9


def test_the_seed_leaves_the_future_out(window: Any) -> None:
    clock.set_clock(ClockSetting(fixed=datetime(2026, 4, 1, tzinfo=UTC)))
    assert "2 released" in seed.seed()
    db.session.rollback()
