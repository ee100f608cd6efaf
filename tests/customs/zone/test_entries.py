"""First-line entry: each paper with its number and day, and at the end a lot with its record number on the book."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from catalog import movements
from catalog.models import Listing, Lot
from core import clock
from core.database import db, transaction
from core.errors import Problem
from customs.zone_stock import differences, entries, moves
from customs.zone_stock.moves import Told
from tests.catalog import builders as catalogue
from tests.customs.zone import builders
from tests.customs.zone.builders import Zone, balance, bring_in, draft, item, line, lot_of, step


def test_an_entry_becomes_a_lot_with_its_record_number(zone: Zone) -> None:
    entry = bring_in(zone)
    assert entry["status"] == "arrived"
    assert [(each["step"], each["number"]) for each in entry["steps"]] == [
        ("submit", None), ("record", "ZR-1"), ("check", "QD-1"), ("release", "HF-1"), ("arrive", None),
    ]  # fmt: skip
    lot = lot_of(entry)
    assert (lot.item_record_no, lot.on_hand, lot.warehouse_id) == ("1", Decimal(100), zone.warehouse)
    assert entry["lines"][0]["statutory"] == ["45"]  # 0.45 kg each, in the code's statutory unit
    assert balance(zone) == ("100", "0")
    assert differences.report() == []


def test_more_of_the_same_goods_keeps_the_number_and_joins_its_batch(zone: Zone) -> None:
    first = bring_in(zone, line(zone, batch_no="B-7", quantity=Decimal(10)))
    again = bring_in(
        zone, line(zone, batch_no="B-7", quantity=Decimal(5)), line(zone, batch_no="B-8", quantity=Decimal(2))
    )
    assert {each["item_record_no"] for each in again["lines"]} == {"1"}
    assert again["lines"][0]["lot_id"] == first["lines"][0]["lot_id"]
    assert lot_of(again).on_hand == 15
    assert balance(zone) == ("17", "0")
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    assert bring_in(zone, line(zone, listing_id=other))["lines"][0]["item_record_no"] == "2"


def test_what_did_not_come_is_not_on_the_book(zone: Zone) -> None:
    entry_id = draft(zone, line(zone, quantity=Decimal(10)), line(zone, quantity=Decimal(4)))
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    with pytest.raises(Problem, match="at most 10"):
        step(entry_id, "arrive", arrived=[{"line": 1, "quantity": Decimal(11)}])
    counted = [{"line": 1, "quantity": Decimal(8)}, {"line": 2, "quantity": Decimal(0)}]
    entry = step(entry_id, "arrive", arrived=counted)
    assert [each["arrived"] for each in entry["lines"]] == ["8", "0"]
    assert entry["lines"][1]["lot_id"] is None
    assert balance(zone) == ("8", "0")


@pytest.mark.parametrize(
    ("taken", "wanted"),
    [((), "record"), (("submit",), "check"), (("submit", "record"), "release"), (("submit", "record", "check"), "arrive"),
     (("submit", "record"), "submit"), (("cancel",), "submit")],
)  # fmt: skip
def test_steps_are_taken_in_their_order(zone: Zone, taken: tuple[str, ...], wanted: str) -> None:
    entry_id = draft(zone)
    for name in taken:
        step(entry_id, name)
    with pytest.raises(Problem) as refused:
        step(entry_id, wanted)
    assert refused.value.code == "zone_step_refused"


def test_papers_need_numbers_and_days_in_order(zone: Zone) -> None:
    entry_id = draft(zone)
    step(entry_id, "submit")
    today = clock.today()
    for told, rule in (
        (Told(None), "number"),
        (Told("ZR", today + timedelta(days=1)), "future"),
        (Told("ZR", today - timedelta(days=1)), "before the step"),
    ):
        with pytest.raises(Problem, match=rule):
            entries.take("tests", "customs", entry_id, "record", told)


def test_a_merchant_does_not_number_customs_papers_and_sees_its_own_only(zone: Zone) -> None:
    entry_id = draft(zone)
    entries.take("tests", "merchant", entry_id, "submit", Told(), owner=zone.seller.id)
    with pytest.raises(Problem) as refused:
        entries.take("tests", "merchant", entry_id, "record", Told("ZR"), owner=zone.seller.id)
    assert refused.value.code == "forbidden"
    stranger = catalogue.admit()
    with pytest.raises(Problem) as hidden:
        entries.take("tests", "merchant", entry_id, "cancel", Told(), owner=stranger.id)
    assert hidden.value.code == "not_found"
    with pytest.raises(Problem) as foreign:
        entries.create("tests", stranger.id, {
            "warehouse_id": zone.warehouse, "traf_mode": "2", "traf_no": "X", "bill_no": "Y", "dispatch_country": "CA",
            "lines": [line(zone)],
        })  # fmt: skip
    assert foreign.value.code == "not_found"


def test_the_law_of_the_record_day_is_asked(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ban that came after the listing keeps the goods out; the entry stays where it was."""
    from customs import edition

    entry_id = draft(zone)
    step(entry_id, "submit")
    ban = {"kind": "ban", "text": "outbreak", "first_day": 730000, "id": "B1", "source": "gacc-2020-45"}
    tariff = edition.tariff()
    monkeypatch.setattr(type(tariff), "import_ban", lambda *_: ban)
    monkeypatch.setattr(tariff, "sources", {**tariff.sources, ban["source"]: {"title": "a notice"}})
    with pytest.raises(Problem) as refused:
        step(entry_id, "record")
    assert refused.value.code == "origin_banned"
    assert "lines.0.origin" in refused.value.errors
    monkeypatch.undo()
    assert step(entry_id, "record")["status"] == "recorded"


def test_a_number_of_other_goods_is_refused(zone: Zone) -> None:
    bring_in(zone, line(zone, item_record_no="A9"))
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    entry_id = draft(zone, line(zone, listing_id=other, item_record_no="A9"))
    step(entry_id, "submit")
    step(entry_id, "record")
    with pytest.raises(Problem) as refused:
        step(entry_id, "check")
    assert refused.value.code == "account_book_differs"


def test_stock_on_the_book_moves_by_entries_and_exits_only(zone: Zone) -> None:
    entry = bring_in(zone)
    with pytest.raises(Problem) as refused:
        catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="1")
    assert refused.value.code == "under_account_book"
    values = {"kind": "destruction", "quantity": Decimal(1), "reference": "R1"}
    with pytest.raises(Problem) as kept:
        movements.write("tests", zone.seller.id, uuid.UUID(entry["lines"][0]["lot_id"]), values)
    assert kept.value.code == "under_account_book"


def test_stock_without_an_entry_and_a_wrong_count_are_named(zone: Zone) -> None:
    from catalog import receiving

    entry = bring_in(zone)
    catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE")
    receiving.adjust("tests", zone.seller.id, uuid.UUID(entry["lines"][0]["lot_id"]), Decimal(97), "counted")
    found = {each["kind"]: each for each in differences.report()}
    assert found["stock_differs"]["difference"] == "-3"
    assert (found["not_on_book"]["item_record_no"], found["not_on_book"]["difference"]) == ("LOOSE", "5")
    assert {each["kind"] for each in differences.report(zone.seller.id)} == {"stock_differs"}


def test_an_arrival_told_by_many_at_once_counts_once(app: Any, zone: Zone) -> None:
    entry_id = draft(zone)
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    together, said = threading.Barrier(5), []

    def run(_: int) -> None:
        with app.app_context():
            together.wait()
            try:
                step(entry_id, "arrive")
                said.append("arrived")
            except Problem as problem:
                said.append(problem.code)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(run, range(5)))
    assert sorted(said) == ["arrived"] + ["zone_step_refused"] * 4
    assert (balance(zone), differences.report()) == (("100", "0"), [])


def test_two_entries_checked_at_once_get_numbers_of_their_own(app: Any, zone: Zone) -> None:
    goods = [catalogue.publish(zone.seller, catalogue.retail(mode="1210")) for _ in range(4)]
    found = [draft(zone, line(zone, listing_id=each)) for each in goods]
    for each in found:
        step(each, "submit")
        step(each, "record")
    together = threading.Barrier(len(found))

    def run(entry_id: uuid.UUID) -> str:
        with app.app_context():
            together.wait()
            number = step(entry_id, "check")["lines"][0]["item_record_no"]
            db.session.remove()
            return str(number)

    with ThreadPoolExecutor(len(found)) as pool:
        assert sorted(pool.map(run, found)) == ["1", "2", "3", "4"]


def test_more_than_a_book_holds_is_refused_whole(zone: Zone) -> None:
    most = line(zone, quantity=Decimal(10**14 - 1), batch_no="HUGE")
    bring_in(zone, most)
    entry_id = draft(zone, most)
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    with pytest.raises(Problem, match="more than an account book can hold"):
        step(entry_id, "arrive")
    assert balance(zone) == (str(10**14 - 1), "0")


def test_the_command_names_what_differs(app: Any, zone: Zone) -> None:
    bring_in(zone)
    assert app.test_cli_runner().invoke(args=["zone", "check"]).exit_code == 0
    catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE")
    said = app.test_cli_runner().invoke(args=["zone", "check"])
    assert (said.exit_code, "item LOOSE: not_on_book, difference 5" in said.output) == (1, True)


def test_the_table_has_no_dead_end_but_the_ends() -> None:
    table = moves.moves()
    for kind, ends in (("entry", {"arrived", "cancelled"}), ("exit", {"done", "refused", "withdrawn"})):
        targets = {move.target for (known, _, _), move in table.items() if known == kind}
        starts = {state for known, state, _ in table if known == kind}
        assert targets - starts == ends


def test_over_http_a_merchant_drafts_and_the_desk_lets_in(client: Any, zone: Zone) -> None:
    desk = catalogue.bearer(catalogue.open_account("customs"))
    body = {
        "warehouse_id": str(zone.warehouse), "traf_mode": "2", "traf_no": "COSCO", "bill_no": "COSU1",
        "dispatch_country": "CA",
        "lines": [{"listing_id": str(zone.listing), "quantity": "12", "value": "960.00", "batch_no": "H1",
                   "expires_on": "2028-01-01"}],
    }  # fmt: skip
    made = client.post("/api/v1/customs/zone-entries", json=body, headers=zone.seller.bearer)
    assert made.status_code == 201, made.json
    path = f"/api/v1/customs/zone-entries/{made.json['id']}"
    assert client.post(f"{path}/steps", json={"step": "submit"}, headers=zone.seller.bearer).status_code == 200
    refused = client.post(f"{path}/steps", json={"step": "record", "number": "R"}, headers=zone.seller.bearer)
    assert refused.status_code == 403
    for name in ("record", "check", "release", "arrive"):
        taken = client.post(f"{path}/steps", json={"step": name, "number": "N1"}, headers=desk)
        assert taken.status_code == 200, taken.json
    stranger = catalogue.admit()
    assert client.get(path, headers=stranger.bearer).status_code == 404
    own = client.get("/api/v1/customs/account-book", headers=zone.seller.bearer).json
    assert [(each["item_record_no"], each["on_book"]) for each in own["items"]] == [("1", "12")]
    assert client.get("/api/v1/customs/account-book", headers=stranger.bearer).json["items"] == []
    assert client.get("/api/v1/customs/account-book/differences", headers=desk).json == {"items": []}
    log = client.get(f"/api/v1/customs/account-book/{own['items'][0]['id']}", headers=desk).json["entries"]
    assert [(each["kind"], each["quantity"]) for each in log] == [("entry", "12")]
    assert builders.balance(zone) == ("12", "0")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": "1.5"}, "lines.0.quantity"),
        ({"quantity": "0"}, "lines.0.quantity"),
        ({"value": "0.00"}, "lines.0.value"),
        ({"batch_no": ""}, "lines.0.batch_no"),
        ({"produced_on": "2028-02-01"}, "lines.0.produced_on"),
        ({"produced_on": "2026-09-01", "expires_on": "2026-08-01"}, "lines.0.expires_on"),
        ({"expires_on": None}, "lines.0.expires_on"),
        ({"item_record_no": "Ａ1"}, "lines.0.item_record_no"),
        ({"statutory": {"unit1_quantity": "1", "unit2_quantity": "3"}}, "lines.0.statutory.unit2_quantity"),
        ({"weight": "3"}, "lines.0.weight"),
    ],
)
def test_bad_lines_are_named(client: Any, zone: Zone, change: dict[str, Any], field: str) -> None:
    good = {"listing_id": str(zone.listing), "quantity": "12", "value": "960.00", "batch_no": "H1",
            "expires_on": "2028-01-01"}  # fmt: skip
    body = {
        "warehouse_id": str(zone.warehouse), "traf_mode": "2", "traf_no": "COSCO", "bill_no": "COSU1",
        "dispatch_country": "CA", "lines": [{**good, **change}],
    }  # fmt: skip
    answer = client.post("/api/v1/customs/zone-entries", json=body, headers=zone.seller.bearer)
    assert answer.status_code == 422
    assert field in answer.json["errors"], answer.json


def test_a_count_finds_no_more_than_the_book_has(zone: Zone) -> None:
    """Else goods are sold and paid that no list can name."""
    from catalog import receiving

    lot_id = uuid.UUID(bring_in(zone)["lines"][0]["lot_id"])
    receiving.adjust("tests", zone.seller.id, lot_id, Decimal(97), "counted")
    receiving.adjust("tests", zone.seller.id, lot_id, Decimal(100), "counted again")
    with pytest.raises(Problem) as refused:
        receiving.adjust("tests", zone.seller.id, lot_id, Decimal(101), "counted")
    assert refused.value.code == "under_account_book"


def test_in_production_bonded_goods_come_by_entries_only(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of what the book does not have is refused there, when it is paid."""
    from core import config

    catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE")
    monkeypatch.setattr(type(config.current()), "production", property(lambda _: True))
    with pytest.raises(Problem) as refused:
        catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE")
    assert refused.value.code == "under_account_book"


def test_goods_under_way_arrive_though_their_listing_has_another_origin_now(zone: Zone) -> None:
    entry_id = draft(zone)
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)
    with transaction() as session:
        session.get_one(Listing, zone.listing).origin = "US"
    assert step(entry_id, "arrive")["status"] == "arrived"
    assert (item(zone).origin, balance(zone)) == ("CA", ("100", "0"))


def test_an_arrival_of_several_goods_locks_lots_as_a_checkout_does(app: Any, zone: Zone) -> None:
    """By lot, whatever the order of their listings: else an order of both goods and the arrival wait in a ring."""
    other = catalogue.publish(zone.seller, catalogue.retail(mode="1210"))
    early, late = sorted((zone.listing, other))
    batches = {goods: line(zone, listing_id=goods) for goods in (early, late)}
    older = lot_of(bring_in(zone, batches[late])).id  # the lot of the later listing comes first
    newer = lot_of(bring_in(zone, batches[early])).id
    entry_id = draft(zone, *batches.values())
    for name in ("submit", "record", "check", "release"):
        step(entry_id, name)

    def arrive() -> None:
        with app.app_context():
            try:
                step(entry_id, "arrive")
            finally:
                db.session.remove()

    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()")
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session.get_one(Lot, older, with_for_update=True)
            running = pool.submit(arrive)
            for _ in range(100):
                if session.scalar(waits):
                    break
                time.sleep(0.05)
            assert session.scalar(waits)
            session.get_one(Lot, newer, with_for_update={"nowait": True})
        running.result(20)
