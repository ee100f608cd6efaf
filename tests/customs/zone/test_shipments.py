"""Crossings of direct purchases: made before filing, named by waybill and list, tallied on arrival (711)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.database import db, end_read, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.models import Declaration, WindowReceipt
from customs.shipments import orders, service, tallies
from customs.window.messages import parse
from customs.zone_stock_models import ArrivalTally, ShipmentOrder
from tests.catalog import builders as catalogue
from tests.customs.desk import builders as desk
from tests.customs.desk.builders import message, status_of
from tests.customs.desk.conftest import move_clock
from tests.customs.desk.test_filing import papers_received, take
from tests.customs.desk.window import FakeWindow


@pytest.fixture
def site(window: FakeWindow) -> uuid.UUID:
    return catalogue.warehouse("9610")


def crossing(site: uuid.UUID, bill: str = "086-1") -> uuid.UUID:
    values = {"warehouse_id": site, "traf_mode": "5", "traf_no": "NZ289", "voyage_no": "NZ289/1", "bill_no": bill,
              "dispatch_country": "NZ", "entry_day": None}  # fmt: skip
    return uuid.UUID(service.add("desk", values)["id"])


def opened(site: uuid.UUID, number: str) -> uuid.UUID:
    request = desk.filing(*desk.buyer(), number=number, warehouse_id=site, lines=(desk.line(item_record_no=None),))
    with transaction() as session:
        return declarations.open_retail(session, request)


def listed(found: uuid.UUID) -> uuid.UUID:
    filing.file(str(found))
    papers_received(found)
    filing.file(str(found))
    return found


def said(window: FakeWindow, kind: str) -> list[dict[str, Any]]:
    return [parse(xml).documents[0] for sent, _, xml in window.sent if sent == kind]


def tallied() -> list[ArrivalTally]:
    end_read()
    rows = db.session.scalars(select(ArrivalTally).order_by(ArrivalTally.id)).all()
    for row in rows:
        db.session.expunge(row)
    end_read()
    return list(rows)


def answer(tally: ArrivalTally, status: str, second: int) -> bytes:
    values = {"customsCode": "2991", "copNo": tally.cop_no, "rkdNo": "K" + "0" * 17, "preNo": "R" + "0" * 17,
              "returnStatus": status, "returnTime": f"2026112312{second:02d}00000", "returnInfo": "said"}  # fmt: skip
    return message("712", "DeliveryReturn", values)


def test_waybill_and_list_name_the_crossing_the_order_goes_with(site: uuid.UUID, window: FakeWindow) -> None:
    crossing(site, "086-1")
    found = opened(site, "LF26110001")
    crossing(site, "086-2")  # announced later: the order stays with its own
    listed(found)
    head = said(window, "621")[0]
    assert (head["trafNo"], head["voyageNo"], head["billNo"], head["country"]) == ("NZ289", "NZ289/1", "086-1", "609")
    assert said(window, "511")[0]["billNo"] == "086-1"
    listed(opened(site, "LF26110002"))
    assert said(window, "621")[1]["billNo"] == "086-2"


def test_an_order_without_a_crossing_waits_for_the_next(site: uuid.UUID, window: FakeWindow) -> None:
    found = opened(site, "LF26110001")
    filing.file(str(found))
    assert (status_of(found), window.sent) == ("failed", [])
    crossing(site)
    orders.file_waiting([str(found)])
    listed(found)
    assert (status_of(found), said(window, "621")[0]["billNo"]) == ("filed", "086-1")
    orders.file_waiting([str(found)])
    assert status_of(found) == "filed"


def test_however_many_wait_all_go_with_the_next_crossing(
    site: uuid.UUID, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_MOST", 2)
    waiting = {opened(site, f"LF2611000{at}") for at in range(1, 6)}
    bound = crossing(site)
    assert set(db.session.scalars(select(ShipmentOrder.declaration_id).filter_by(shipment_id=bound))) == waiting
    end_read()


def test_orders_are_moved_until_a_paper_names_the_crossing(site: uuid.UUID, window: FakeWindow) -> None:
    first = crossing(site, "086-1")
    found = opened(site, "LF26110001")
    second = crossing(site, "086-2")
    with pytest.raises(Problem) as under_way:
        orders.assign("desk", second, ["LF26110001"])
    assert under_way.value.code == "shipment_fixed"
    with transaction() as session:
        session.get_one(Declaration, found).status = "failed"
    orders.assign("desk", second, ["LF26110001"])
    orders.file_waiting([str(found)])
    listed(found)
    assert said(window, "511")[0]["billNo"] == said(window, "621")[0]["billNo"] == "086-2"
    third = crossing(site, "086-3")
    with pytest.raises(Problem) as fixed:
        orders.assign("desk", third, ["LF26110001"])
    assert fixed.value.code == "shipment_fixed"
    with pytest.raises(Problem) as closed:
        orders.assign("desk", first, ["LF26110001"])
    assert closed.value.code == "shipment_closed"
    with pytest.raises(Problem) as unknown:
        orders.assign("desk", third, ["LF26119999"])
    assert list(unknown.value.errors) == ["orders.0"]


def test_the_tally_names_each_parcel_once(site: uuid.UUID, window: FakeWindow) -> None:
    shipment_id = crossing(site)
    listed(opened(site, "LF26110001"))
    with pytest.raises(Problem) as early:
        tallies.file("desk", shipment_id)
    assert early.value.code == "shipment_not_arrived"
    service.arrive("desk", shipment_id, None)
    tallies.resend_tallies()  # the job that was enqueued is not run here: the sweep takes it up
    move_clock(clock.now() + timedelta(seconds=30))
    tallies.resend_tallies()
    told = said(window, "711")
    assert [line["logisticsNo"] for line in told[0]["lines"]] == ["WLF26110001"]
    assert (told[0]["billNo"], told[0]["trafNo"], told[0]["ieFlag"]) == ("086-1", "NZ289", "I")
    with pytest.raises(Problem) as nothing:
        tallies.file("desk", shipment_id)
    assert nothing.value.code == "tally_empty"
    listed(opened(site, "LF26110002"))
    made = tallies.file("desk", shipment_id)
    tallies.file_tally(made["id"])
    assert [line["logisticsNo"] for line in said(window, "711")[1]["lines"]] == ["WLF26110002"]
    shown = service.detail(shipment_id)
    assert [(row["order"], row["tallied"]) for row in shown["orders"]] == [("LF26110001", True), ("LF26110002", True)]


def test_the_tally_is_sent_again_with_the_same_bytes_until_customs_answers(site: uuid.UUID, window: FakeWindow) -> None:
    shipment_id = crossing(site)
    listed(opened(site, "LF26110001"))
    window.answers = [500]
    service.arrive("desk", shipment_id, None)
    tallies.file_tally(str(tallied()[0].id))
    assert tallied()[0].status == "ready"
    move_clock(clock.now() + timedelta(minutes=1))
    tallies.resend_tallies()
    tallies.file_tally(str(tallied()[0].id))
    sent = [(guid, xml) for kind, guid, xml in window.sent if kind == "711"]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert tallied()[0].status == "filed"
    take(answer(tallied()[0], "399", 9), answer(tallied()[0], "120", 5), answer(tallied()[0], "399", 9))
    row = tallied()[0]
    assert (row.status, row.rkd_no, row.next_send_at) == ("accepted", "K" + "0" * 17, None)


def test_a_tally_customs_gives_back_can_be_made_anew(site: uuid.UUID, window: FakeWindow) -> None:
    shipment_id = crossing(site)
    listed(opened(site, "LF26110001"))
    service.arrive("desk", shipment_id, None)
    tallies.file_tally(str(tallied()[0].id))
    take(answer(tallied()[0], "-800001", 5))
    assert tallied()[0].status == "error"
    again = tallies.file("desk", shipment_id)
    tallies.file_tally(again["id"])
    assert [len(each["lines"]) for each in said(window, "711")] == [1, 1]
    assert said(window, "711")[0]["copNo"] != said(window, "711")[1]["copNo"]


def test_a_receipt_for_a_tally_nobody_sent_is_put_aside(site: uuid.UUID) -> None:
    values = {"copNo": "R1", "returnStatus": "120", "returnTime": "20261123120500000", "returnInfo": "said"}
    take(message("712", "DeliveryReturn", values))
    assert db.session.scalar(select(WindowReceipt.state)) == "quarantined"
    end_read()


def test_over_http(client: Any, site: uuid.UUID, window: FakeWindow) -> None:
    clerk = catalogue.bearer(catalogue.open_account("customs"))
    body = {"warehouse_id": str(site), "traf_mode": "5", "traf_no": "NZ289", "voyage_no": "1", "bill_no": "086-9",
            "dispatch_country": "NZ"}  # fmt: skip
    found = opened(site, "LF26110001")
    made = client.post("/api/v1/customs/shipments", json=body, headers=clerk)
    assert made.status_code == 201
    path = f"/api/v1/customs/shipments/{made.json['id']}"
    assert client.post(f"{path}/orders", json={"orders": ["LF26110001"]}, headers=clerk).status_code == 200
    listed(found)
    arrived = client.post(f"{path}/arrive", json={}, headers=clerk)
    assert (arrived.status_code, len(arrived.json["tallies"])) == (200, 1)
    assert client.post(f"{path}/tallies", headers=clerk).status_code == 409
    assert client.post(f"{path}/close", headers=clerk).json["closed"] is True
    assert client.post(f"{path}/arrive", json={"entry_day": "2099-01-01"}, headers=clerk).status_code == 422
    merchant = catalogue.admit().bearer
    assert client.get(path, headers=merchant).status_code == 403
    assert client.get(f"/api/v1/customs/shipments/{uuid.uuid4()}", headers=clerk).status_code == 404
