"""An offer is ordered once, at its price, while it stands."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from catalog import listings
from catalog.models import Listing, ListingVersion, Lot
from core import clock
from core.accounts import Actor
from core.database import db, transaction
from shop import (
    cancellation,
    checkout,
    companies,
    expiry,
    orders,
    rfq_acceptance,
    rfq_views,
    rfqs,
)
from shop.models import Order, OrderLine, Purchase
from shop.trade_models import Company, Rfq, RfqOffer
from tests.shop import builders, trade
from tests.shop.builders import FakeStripe, Shelf
from tests.shop.trade import refused

API = "/api/v1/shop"


def test_an_accepted_offer_is_an_order_at_its_price(shelf: Shelf, buyer: Actor, stripe: FakeStripe, post: Any) -> None:
    listing_id = trade.ore(shelf)
    rfq_id = trade.request(buyer, listing_id, "1234.5", "t")
    offer_id = trade.offer(
        shelf, rfq_id, "812.35", moisture_percent=Decimal("8.125"), charges={"freight": Decimal("1000")}, terms="L/C"
    )
    assert post(buyer, f"/offers/{offer_id}/accept").get_json()["code"] == "idempotency_key_required"
    answer = post(buyer, f"/offers/{offer_id}/accept", key="a")
    found = answer.get_json()
    assert answer.status_code == 201, found
    (order,) = found["orders"]
    assert (order["goods"], order["freight"], order["tax"], order["total"]) == (
        "921364.84",
        "1000.00",
        "0.00",
        "922364.84",
    )
    assert found["payment"]["amount"] == 92236484
    line = order["lines"][0]
    assert (line["quantity"], line["unit_price"], line["tax_included"]) == ("1234.5", "746.35", True)
    assert line["quotation"]["dry_quantity"] == "1134.19688"
    assert line["quotation"]["terms"] == "L/C"
    lot = db.session.scalars(select(Lot).where(Lot.listing_id == listing_id)).one()
    assert lot.reserved == Decimal("1234.5")
    again = post(buyer, f"/offers/{offer_id}/accept", key="a")
    assert again.get_data() == answer.get_data()
    other = post(buyer, f"/offers/{offer_id}/accept", key="b")
    assert (other.status_code, other.get_json()["code"]) == (409, "offer_gone")
    seen = rfq_views.one(buyer, rfq_id)
    assert (seen["status"], seen["purchase"], seen["offer"]["status"]) == ("accepted", found["purchase"], "accepted")


def test_a_repeated_attempt_finds_its_order(shelf: Shelf, buyer: Actor, stripe: FakeStripe) -> None:
    """As when the first answer was lost with its process: the key is taken over and the service runs again."""
    offer_id = trade.offer(shelf, trade.request(buyer, trade.machine(shelf)))
    attempt = uuid.uuid4()
    first = rfq_acceptance.accept(buyer, attempt, offer_id)
    assert rfq_acceptance.accept(buyer, attempt, offer_id) == first
    another = trade.offer(shelf, trade.request(buyer, trade.machine(shelf)))
    assert "attempt" in refused("invalid_input", lambda: rfq_acceptance.accept(buyer, attempt, another)).errors
    assert db.session.scalar(select(func.count()).select_from(Purchase)) == 1
    assert rfq_views.one_offer(buyer, another)["status"] == "open"


def test_twenty_at_once_make_one_order(shelf: Shelf, buyer: Actor, stripe: FakeStripe, together: Any) -> None:
    listing_id = trade.machine(shelf)
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id))
    steps = [lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)] * 20
    ended = together(steps)
    assert ended["done"] == 1
    assert set(ended) <= {"done", "rfq_state", "offer_gone"}, ended
    assert db.session.scalar(select(func.count()).select_from(Order)) == 1
    assert db.session.scalars(select(Lot.reserved).where(Lot.listing_id == listing_id)).one() == 1


def test_the_last_machine_is_sold_once_to_twenty_companies(shelf: Shelf, stripe: FakeStripe, together: Any) -> None:
    listing_id = trade.machine(shelf, stock="1")
    buyers = [trade.company_account() for _ in range(4)]
    offers = [(who, trade.offer(shelf, trade.request(who, listing_id))) for who in buyers * 5]
    ended = together(
        [lambda who=who, offer=offer: rfq_acceptance.accept(who, uuid.uuid4(), offer) for who, offer in offers]
    )
    assert (ended["done"], ended["out_of_stock"]) == (1, 19)
    states = Counter(db.session.scalars(select(Rfq.status)))
    assert states == {"accepted": 1, "offered": 19}, "an order that fails leaves the offer as it was"


def test_accepting_and_revising_never_both_win(shelf: Shelf, buyer: Actor, stripe: FakeStripe, together: Any) -> None:
    for _ in range(10):
        rfq_id = trade.request(buyer, trade.machine(shelf))
        offer_id = trade.offer(shelf, rfq_id, "100")
        steps: list[Any] = [
            lambda offer_id=offer_id: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id),
            lambda rfq_id=rfq_id: trade.offer(shelf, rfq_id, "999"),
        ]
        ended = together(steps, within=0.03)
        row = db.session.get(Rfq, rfq_id, populate_existing=True)
        standing = rfq_views.one(buyer, rfq_id)["offer"]
        db.session.rollback()
        assert row is not None
        if row.status == "accepted":
            assert (standing["id"], ended["done"]) == (str(offer_id), 1)
        else:
            assert (standing["total"], standing["status"], ended["done"]) == ("999.00", "open", 1)


def test_an_offer_ends_at_its_instant(shelf: Shelf, buyer: Actor, stripe: FakeStripe, move_clock: Any) -> None:
    until = clock.now() + timedelta(hours=1)
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id, valid_until=until)
    move_clock(3601)
    assert rfq_views.one(buyer, rfq_id)["status"] == "expired", "though the job has not been by"
    assert (
        refused("rfq_state", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)).extra["rfq_status"]
        == "expired"
    )
    refused("rfq_state", lambda: trade.offer(shelf, rfq_id))
    refused("rfq_state", lambda: rfqs.withdraw(buyer, rfq_id))
    rfqs.expire()
    found = rfq_views.one(buyer, rfq_id)
    assert (found["status"], found["offers"][0]["status"]) == ("expired", "expired")
    move_clock(0)
    refused("offer_gone", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    assert db.session.scalar(select(func.count()).select_from(Order)) == 0


def test_expiry_and_acceptance_in_one_moment(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has read the request as overdue by a clock ahead; an acceptance that was in time has come before."""
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id)
    real = rfqs.end_read

    def accept_between() -> None:
        real()
        rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)

    with transaction() as session:
        session.execute(update(Rfq).where(Rfq.id == rfq_id).values(expires_at=clock.now() + timedelta(seconds=2)))
    now = clock.now
    ahead = iter([now() + timedelta(seconds=3)])
    monkeypatch.setattr(rfqs.clock, "now", lambda: next(ahead, None) or now())
    monkeypatch.setattr(rfqs, "end_read", accept_between)
    rfqs.expire()
    monkeypatch.undo()
    assert rfq_views.one(buyer, rfq_id)["status"] == "accepted"
    assert rfq_views.one(buyer, rfq_id)["offer"]["status"] == "accepted"


def test_a_request_that_nobody_answers_ends_with_its_beijing_day(shelf: Shelf, buyer: Actor, move_clock: Any) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf), needed_by=clock.today())
    midnight = rfqs.end_of(clock.today())
    left = int((midnight - clock.now()).total_seconds())
    move_clock(left - 5)
    rfqs.expire()
    assert rfq_views.one(buyer, rfq_id)["status"] == "requested"
    move_clock(left + 5)
    rfqs.expire()
    assert rfq_views.one(buyer, rfq_id)["status"] == "expired"
    rfqs.expire()


def test_a_company_no_longer_verified_accepts_nothing(shelf: Shelf, buyer: Actor) -> None:
    offer_id = trade.offer(shelf, trade.request(buyer, trade.machine(shelf)))
    told = companies.own(buyer.id)
    companies.decide("op", uuid.UUID(told["id"]), "suspend", "x", told["version"])
    refused("company_required", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    companies.decide("op", uuid.UUID(told["id"]), "reinstate", "x", told["version"])
    other = companies.put(buyer.id, "别的企业有限公司", trade.credit_code())
    companies.decide("op", uuid.UUID(told["id"]), "verify", "x", other["version"])
    refused("company_required", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))


def test_a_suspension_in_the_last_moment_rolls_the_order_back(
    shelf: Shelf, buyer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing_id = trade.machine(shelf)
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id))
    real = checkout.place_agreed

    def suspended_before(*args: Any) -> Any:
        with transaction() as session:
            session.execute(update(Company).where(Company.account_id == buyer.id).values(status="suspended"))
        return real(*args)

    monkeypatch.setattr(checkout, "place_agreed", suspended_before)
    refused("company_required", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    assert rfq_views.one_offer(buyer, offer_id)["status"] == "open"
    assert db.session.scalar(select(func.count()).select_from(Order)) == 0


ANOTHER_THING = [
    {"origin": "IT"}, {"hs": "8458110090"}, {"specification": "another"}, {"title_en": "USED machine, for parts"},
    {"category": "laboratory"}, {"net_weight_kg": Decimal("9")}, {"gtin": "6901234567892"},
    {"statutory": {"unit1_quantity": "2", "unit2_quantity": "9500"}}, {"net_content": {"quantity": "1", "unit": "kg"}},
]  # fmt: skip


@pytest.mark.parametrize("change", ANOTHER_THING)
def test_what_changed_since_is_not_sold_under_the_old_offer(shelf: Shelf, buyer: Actor, change: dict[str, Any]) -> None:
    listing_id = trade.machine(shelf)
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id))
    with transaction() as session:
        session.execute(update(Listing).where(Listing.id == listing_id).values(**change))
    stale = refused("offer_stale", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    assert next(iter(change)).removesuffix("_en") in str(stale.detail)


@pytest.mark.parametrize(
    ("change", "stale"),
    [
        ({"price_fen": 100}, False),
        ({"description_en": "as new, and then some"}, True),
        ({"attributes": {"condition": "used"}}, True),
        ({"price_fen": 100, "attributes": {"condition": "new"}}, False),
    ],
)
def test_a_list_price_may_change_and_what_is_described_may_not(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe, change: dict[str, Any], stale: bool
) -> None:
    """Descriptions and attributes are in the versions of the listing only."""
    listing_id = trade.machine(shelf, description_en="as new", description_zh="", attributes={"condition": "new"})
    _keep_version(listing_id)
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id))
    with transaction() as session:
        later = {"version": Listing.version + 1, **change}
        session.execute(update(Listing).where(Listing.id == listing_id).values(**later))
    _keep_version(listing_id)
    accept = lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)  # noqa: E731
    if stale:
        assert next(iter(change)) in str(refused("offer_stale", accept).detail)
    else:
        accept()


def _keep_version(listing_id: uuid.UUID) -> None:
    with transaction() as session:
        row = session.get_one(Listing, listing_id, populate_existing=True)
        session.add(ListingVersion(listing_id=row.id, version=row.version, actor="x", facts=listings.facts_of(row)))


def test_an_older_offer_without_a_version_still_stands(shelf: Shelf, buyer: Actor, stripe: FakeStripe) -> None:
    offer_id = trade.offer(shelf, trade.request(buyer, trade.machine(shelf)))
    with transaction() as session:
        session.execute(update(RfqOffer).values(facts=RfqOffer.facts.op("-")("version")))
    rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)


def test_a_quantity_in_two_warehouses_is_two_orders_that_sum_up(shelf: Shelf, buyer: Actor, stripe: FakeStripe) -> None:
    from core.database import new_id
    from customs.models import Warehouse

    listing_id, second = trade.ore(shelf, stock="7"), new_id()
    place = {"zone": "Hangzhou", "customs_code": "2991", "port_code": "2991", "traf_mode": "7"}
    with transaction() as session:
        session.add(Warehouse(id=second, name=f"second {second}", kind="general", mode="0110", **place))
        session.flush()
        builders.add_lot(session, listing_id, second, Decimal(3))
    rfq_id = trade.request(buyer, listing_id, "9", "t")
    offer_id = trade.offer(shelf, rfq_id, "0.05", moisture_percent=Decimal("50"), charges={"freight": Decimal("0.01")})
    purchase = orders.purchase_of(buyer.id, rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    assert [order["lines"][0]["quantity"] for order in purchase["orders"]] == ["7", "2"]
    assert purchase["total"] == "0.24"  # 4.5 dry tonnes at 0.05 is 0.225, rounded half up, and the freight


def test_a_service_is_ordered_from_its_capacity_and_delivered(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe, notify: Any, run_jobs: Any, client: Any
) -> None:
    listing_id = trade.service(shelf, capacity="2")
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id, "2", "project"), "106000")
    purchase_id = rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)
    checkout.pay_for(purchase_id)
    purchase = orders.purchase_of(buyer.id, purchase_id)
    (order,) = purchase["orders"]
    assert (order["route"], order["mode"], order["warehouse"], order["lines"][0]["hs"]) == (
        "services",
        None,
        None,
        None,
    )
    assert (order["tax"], order["lines"][0]["borne_by"]) == ("0.00", "reverse_charge")
    stripe.pay(purchase["payment"]["intent"], payer="上海采购有限公司")
    notify(purchase["payment"]["intent"])
    run_jobs()
    headers, path = builders.token_of(shelf.owner), f"{API}/orders/{order['id']}"
    for step in ("ship", "deliver"):
        answer = client.post(f"{path}/{step}", json={"at": clock.instant_text(clock.now())}, headers=headers)
        assert answer.status_code == 200, answer.get_json()
    stock = [(lot.on_hand, lot.reserved) for lot in db.session.scalars(select(Lot).where(Lot.warehouse_id.is_(None)))]
    assert stock == [(0, 0)]


def test_an_order_that_is_cancelled_gives_its_stock_back_and_stays_the_only_one(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe
) -> None:
    listing_id = trade.machine(shelf)
    offer_id = trade.offer(shelf, trade.request(buyer, listing_id))
    purchase = orders.purchase_of(buyer.id, rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    cancellation.cancel(buyer, uuid.UUID(purchase["orders"][0]["id"]))
    assert db.session.scalars(select(Lot.reserved).where(Lot.listing_id == listing_id)).one() == 0
    refused("offer_gone", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))


def test_imports_on_order_say_who_bears_the_duty(shelf: Shelf, buyer: Actor, stripe: FakeStripe) -> None:
    said = {}
    for incoterm in ("CIF", "DDP"):
        offer_id = trade.offer(
            shelf,
            trade.request(buyer, trade.machine(shelf)),
            "1000.50",
            currency="EUR",
            exchange_rate=Decimal("8.1"),
            incoterm=incoterm,
        )
        order = orders.purchase_of(buyer.id, rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))["orders"][0]
        assert order["total"] == "8104.05"
        said[incoterm] = (order["lines"][0]["tax_included"], order["lines"][0].get("borne_by"))
    assert said == {"CIF": (False, "importer"), "DDP": (True, None)}
    assert db.session.scalars(select(OrderLine.unit_price_fen)).all() == [810405, 810405]


def test_what_no_payment_can_take_is_not_ordered(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id, "1000000")
    assert rfq_views.one_offer(buyer, offer_id)["payable"] is False
    refused("payment_too_large", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
    most = rfq_views.one_offer(buyer, trade.offer(shelf, rfq_id, "999999.99"))
    assert (most["payable"], most["status"]) == (True, "open")


def test_installation_and_training_are_paid_and_not_dutiable(shelf: Shelf, buyer: Actor, stripe: FakeStripe) -> None:
    charges = {"installation": Decimal("300"), "training": Decimal("200"), "freight": Decimal("10")}
    offer_id = trade.offer(shelf, trade.request(buyer, trade.machine(shelf)), "5000.00", charges=charges)
    rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id)
    order, line = db.session.scalars(select(Order)).one(), db.session.scalars(select(OrderLine)).one()
    assert (line.goods_fen, line.dutiable_value_fen, order.dutiable_value_fen) == (550_000, 501_000, 501_000)
    assert order.total_fen == 551_000


def test_an_order_explains_the_law_of_the_day_of_the_offer(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe, move_clock: Any
) -> None:
    rfq_id = trade.request(buyer, trade.service(shelf), "1", "project")
    offered_on = clock.today().isoformat()
    offer_id = trade.offer(shelf, rfq_id, "106000", valid_until=clock.now() + timedelta(days=40))
    move_clock(20 * 86_400)
    order = orders.purchase_of(buyer.id, rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))["orders"][0]
    law = rfq_views.one_offer(buyer, offer_id)["law"]
    line = order["lines"][0]
    assert (line["law_day"], line["law_edition"]) == (offered_on, law["edition"])
    assert order["day"] == clock.today().isoformat() != offered_on


def test_an_order_that_nobody_pays_is_told_on_the_request(
    shelf: Shelf, buyer: Actor, stripe: FakeStripe, move_clock: Any
) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    assert rfq_views.one(buyer, rfq_id)["purchase_status"] is None
    purchase_id = rfq_acceptance.accept(buyer, uuid.uuid4(), trade.offer(shelf, rfq_id))
    assert rfq_views.one(buyer, rfq_id)["purchase_status"] == "awaiting_payment"
    move_clock(86_400)
    expiry.expire_purchase(str(purchase_id))
    assert rfq_views.one(shelf.owner, rfq_id)["purchase_status"] == "expired"
