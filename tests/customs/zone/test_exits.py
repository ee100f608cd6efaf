"""Ways out other than a sale: each under a paper, with duty where due, stock and book in one transaction."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from catalog import lots, stock_check
from catalog.models import Listing, Lot, StockMovement
from core import clock
from core.database import db, end_read, transaction
from core.errors import Problem
from customs import declaration_views
from customs.assessments import assess, parse_request
from customs.edition import tariff
from customs.reports import check
from customs.zone_stock import differences, entry_views, exits
from customs.zone_stock.moves import Told
from tests.catalog import builders as catalogue
from tests.customs.zone.builders import Zone, balance, bring_in, line, log, lot_of, step

PLANT = {"establishment_registration": "CA 0417"}


def ask(zone: Zone, lot_id: uuid.UUID, kind: str = "destruction", quantity: str = "10", **more: Any) -> uuid.UUID:
    values = {"kind": kind, "lot_id": lot_id, "quantity": Decimal(quantity), "reason": "thawed", **more}
    return uuid.UUID(exits.request("tests", zone.seller.id, values)["id"])


def take(
    exit_id: uuid.UUID, name: str, number: str | None = "QD-9", role: str = "customs", **more: Any
) -> dict[str, Any]:
    return exits.take("tests", role, exit_id, name, Told(number if name == "approve" else None), **more)


def moved(lot_id: uuid.UUID) -> list[tuple[str, Decimal]]:
    rows = db.session.execute(
        select(StockMovement.kind, StockMovement.quantity)
        .where(StockMovement.lot_id == lot_id)
        .order_by(StockMovement.id)
    )
    found = [(row[0], row[1]) for row in rows]
    end_read()
    return found


@pytest.mark.parametrize(("kind", "movement"), [("destruction", "destruction"), ("abroad", "exit")])
def test_asked_allowed_and_done(zone: Zone, kind: str, movement: str) -> None:
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id, kind)
    assert balance(zone) == ("100", "0")
    assert take(found, "approve")["paper_no"] == "QD-9"
    assert balance(zone) == ("100", "10")  # lists cannot use it any more
    done = take(found, "complete")
    assert (done["status"], [each["step"] for each in done["steps"]]) == ("done", ["approve", "complete"])
    assert balance(zone) == ("90", "0")
    assert moved(lot.id) == [("receipt", 100), (movement, -10)]
    assert log(zone) == [("entry", "100"), (kind, "-10")]
    assert differences.report() == []


def test_to_general_trade_bears_the_duty_of_the_day(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id, "general_trade", value=90000, documents=PLANT)
    take(found, "approve")
    done = take(found, "complete")
    body = {"route": "general_trade", "day": clock.today().isoformat(), "incoterm": "CIF", "lines": [
        {"hs": "0306120000", "origin": "CA", "quantity": "10", "unit": "piece", "value": "900.00", "currency": "CNY",
         "freight": "0.00", "insurance": "0.00", "statutory": {"unit1_quantity": "4.5"}}]}  # fmt: skip
    expected = assess(tariff(), parse_request(body)).to_dict()
    assert done["taxes"]["totals"] == expected["totals"]
    assert Decimal(done["taxes"]["totals"]["tax"]) > 0
    declared = declaration_views.detail(uuid.UUID(done["declaration"]))
    assert (declared["kind"], declared["status"]) == ("general_trade", "released")
    assert declared["taxes"]["ours"]["tax"] == expected["totals"]["tax"]
    assert list(check.breaks(db.session())) == []  # the duty reports count it
    assert list(stock_check.check(db.session())) == []
    end_read()
    assert (balance(zone), lot_of({"lines": [{"lot_id": str(lot.id)}]}).on_hand) == (("90", "0"), 90)


def test_documents_that_general_trade_needs_stop_it_whole(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id, "general_trade", value=90000)
    take(found, "approve")
    with pytest.raises(Problem) as refused:
        take(found, "complete")
    assert list(refused.value.errors) == ["documents.establishment_registration"]
    assert (balance(zone), moved(lot.id)) == (("100", "10"), [("receipt", 100)])


def test_to_another_zone_it_arrives_as_an_entry(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    other = catalogue.warehouse("1210")
    found = ask(zone, lot.id, "transfer", value=80000, to_warehouse_id=other)
    take(found, "approve")
    done = take(found, "complete")
    entry = entry_views.one(uuid.UUID(done["entry"]), zone.seller.id)
    end_read()
    with pytest.raises(Problem) as kept:  # else they would be on no book
        step(uuid.UUID(entry["id"]), "cancel")
    assert kept.value.code == "zone_step_refused"
    assert (entry["status"], entry["from_exit"], entry["dispatch_country"]) == ("submitted", done["id"], "CN")
    for name in ("record", "check", "release", "arrive"):
        step(uuid.UUID(entry["id"]), name)
    assert (balance(zone), balance(zone, other)) == (("90", "0"), ("10", "0"))
    assert differences.report() == []


def test_to_another_zone_goes_no_batch_that_could_not_join_its_lot_there(zone: Zone) -> None:
    """It would be in no zone: what comes from another one is not cancelled."""
    other = catalogue.warehouse("1210")
    ours, theirs = (line(zone, batch_no="B-7", expires_on=clock.today() + timedelta(days=days)) for days in (400, 401))
    lot = lot_of(bring_in(zone, ours))
    bring_in(zone, theirs, warehouse=other)
    found = ask(zone, lot.id, "transfer", value=80000, to_warehouse_id=other)
    take(found, "approve")
    with pytest.raises(Problem, match="B-7 is in that warehouse under another number or day"):
        take(found, "complete")
    assert balance(zone) == ("100", "10")
    take(found, "withdraw")
    assert balance(zone) == ("100", "0")


def test_only_what_is_past_its_day_is_expired(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    with pytest.raises(Problem, match="has not expired"):
        ask(zone, lot.id, "expired")
    with transaction() as session:
        session.get_one(Lot, lot.id).expires_on = clock.today() - timedelta(days=1)
    found = ask(zone, lot.id, "expired", "100")
    take(found, "approve")
    take(found, "complete")
    assert (balance(zone), moved(lot.id)[-1]) == (("0", "0"), ("destruction", -100))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "general_trade"}, "value"),
        ({"kind": "destruction", "value": 100}, "value"),
        ({"kind": "transfer", "value": 100}, "to_warehouse_id"),
        ({"kind": "abroad", "documents": {"a": "b"}}, "documents"),
        ({"quantity": "1.5"}, "quantity"),
    ],
)
def test_what_does_not_go_together_is_refused(zone: Zone, values: dict[str, Any], field: str) -> None:
    lot = lot_of(bring_in(zone))
    with pytest.raises(Problem) as refused:
        ask(zone, lot.id, **values)
    assert list(refused.value.errors) == [field]


def test_who_may_and_what_is_over(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id)
    for name in ("approve", "refuse"):
        with pytest.raises(Problem) as refused:
            take(found, name, role="merchant", owner=zone.seller.id)
        assert refused.value.code == "forbidden"
    with pytest.raises(Problem) as unnumbered:
        take(found, "approve", None)
    assert list(unnumbered.value.errors) == ["number"]
    take(found, "approve")
    take(found, "withdraw", role="merchant", owner=zone.seller.id)
    assert balance(zone) == ("100", "0")
    with pytest.raises(Problem) as over:
        take(found, "complete")
    assert over.value.code == "zone_step_refused"
    with pytest.raises(Problem) as hidden:
        take(found, "withdraw", role="merchant", owner=catalogue.admit().id)
    assert hidden.value.code == "not_found"
    with pytest.raises(Problem) as foreign:
        exits.request(
            "tests", catalogue.admit().id, {"kind": "abroad", "lot_id": lot.id, "quantity": Decimal(1), "reason": "x"}
        )
    assert foreign.value.code == "not_found"


def test_what_orders_hold_stays(zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    with transaction() as session:
        lots.hold(session, [lots.Want(zone.listing, Decimal(95), zone.warehouse)], "order 1")
    found = ask(zone, lot.id)
    with pytest.raises(Problem) as refused:
        take(found, "approve")
    assert refused.value.code == "stock_reserved"
    assert (balance(zone), moved(lot.id)) == (("100", "0"), [("receipt", 100)])


def test_what_customs_allowed_to_leave_is_not_sold_meanwhile(zone: Zone) -> None:
    """Else an order is paid whose list the account book cannot bear."""
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id, quantity="10")
    take(found, "approve")
    want = [lots.Want(zone.listing, Decimal(95), zone.warehouse)]
    with transaction() as session, pytest.raises(Problem) as refused:
        lots.hold(session, want, "order 1")
    assert refused.value.code == "out_of_stock"
    assert list(stock_check.check(db.session())) == []
    end_read()
    take(found, "withdraw")
    assert list(stock_check.check(db.session())) == []
    end_read()
    with transaction() as session:
        lots.hold(session, want, "order 1")


def test_the_exit_declares_what_entered(zone: Zone) -> None:
    """The listing's origin was mended since; the account book says what the goods are."""
    lot = lot_of(bring_in(zone))
    found = ask(zone, lot.id, "general_trade", value=90000, documents=PLANT)
    take(found, "approve")
    with transaction() as session:
        session.get_one(Listing, zone.listing).origin = "RU"
    done = take(found, "complete")
    assert done["taxes"]["lines"][0]["origin"] == "CA"


def test_exits_allowed_at_once_share_what_there_is(app: Any, zone: Zone) -> None:
    lot = lot_of(bring_in(zone, line(zone, quantity=Decimal(30))))
    found = [ask(zone, lot.id) for _ in range(6)]
    together, codes = threading.Barrier(len(found)), []

    def run(exit_id: uuid.UUID) -> None:
        with app.app_context():
            together.wait()
            try:
                take(exit_id, "approve")
                take(exit_id, "complete")
                codes.append("done")
            except Problem as problem:
                codes.append(problem.code)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(found)) as pool:
        list(pool.map(run, found))
    assert sorted(codes) == ["account_book_short"] * 3 + ["done"] * 3
    assert (balance(zone), differences.report()) == (("0", "0"), [])


def test_over_http(client: Any, zone: Zone) -> None:
    lot = lot_of(bring_in(zone))
    desk = catalogue.bearer(catalogue.open_account("customs"))
    body = {
        "kind": "general_trade",
        "lot_id": str(lot.id),
        "quantity": "10",
        "reason": "sold to a shop",
        "value": "900.00",
        "documents": PLANT,
    }
    made = client.post("/api/v1/customs/zone-exits", json=body, headers=zone.seller.bearer)
    assert made.status_code == 201, made.json
    path = f"/api/v1/customs/zone-exits/{made.json['id']}"
    assert client.post(f"{path}/steps", json={"step": "complete"}, headers=desk).status_code == 409
    answer = client.post(f"{path}/steps", json={"step": "approve", "number": "N-7"}, headers=zone.seller.bearer)
    assert answer.status_code == 403
    assert client.post(f"{path}/steps", json={"step": "approve", "number": "N-7"}, headers=desk).status_code == 200
    done = client.post(f"{path}/steps", json={"step": "complete"}, headers=desk)
    assert (done.status_code, done.json["status"]) == (200, "done")
    stranger = catalogue.admit()
    assert client.get(path, headers=stranger.bearer).status_code == 404
    assert client.get("/api/v1/customs/zone-exits", headers=stranger.bearer).json["items"] == []
    assert len(client.get("/api/v1/customs/zone-exits?status=done", headers=zone.seller.bearer).json["items"]) == 1
