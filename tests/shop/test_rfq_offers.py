"""What an offer comes to, in every currency and by dry weight, and how offers follow each other."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from catalog.models import Listing
from core import clock
from core.accounts import Actor
from core.database import db, transaction
from shop import (
    rfq_acceptance,
    rfq_offers,
    rfq_rules,
    rfq_views,
    rfqs,
)
from shop.trade_models import RfqOffer
from tests.shop import trade
from tests.shop.builders import Shelf
from tests.shop.trade import refused

API = "/api/v1/shop"


@pytest.mark.parametrize(
    ("wet", "moisture", "dry"),
    [
        ("1000", "8.25", "917.50000"),
        ("1000", "0", "1000.00000"),
        ("20000", "8.333", "18333.40000"),
        ("123.45678", "7.5", "114.19752"),  # 114.1975215
        ("0.00001", "50", "0.00001"),  # 0.000005 is half: up
        ("0.00001", "51", "0.00000"),
        ("3", "33.333", "2.00001"),
        ("9999999.99999", "0.001", "9999899.99999"),
    ],
)
def test_dry_tonnes_are_exact_to_five_decimals(wet: str, moisture: str, dry: str) -> None:
    assert rfq_rules.dry_weight(Decimal(wet), Decimal(moisture)) == Decimal(dry)


def test_amounts_are_rounded_once_in_their_currency_and_once_in_fen() -> None:
    priced = rfq_rules.price(
        Decimal("33.333"), Decimal("2.5"), "USD", Decimal("7.12345678"), {"freight": Decimal("10")}
    )
    assert priced.amounts["goods"] == Decimal("83.33")  # 83.3325
    assert priced.fen == {
        "goods": 59360,
        "freight": 7123,
        "insurance": 0,
        "installation": 0,
        "training": 0,
    }  # 593.597...
    assert priced.total_fen == 66483


def test_a_currency_without_decimals_is_not_taken_for_one_with() -> None:
    priced = rfq_rules.price(Decimal("1000000"), Decimal(1), "JPY", Decimal("0.048"), {})
    assert (priced.amounts["goods"], priced.total_fen) == (Decimal(1_000_000), 4_800_000)
    refused("invalid_input", lambda: rfq_rules.check_amount(Decimal("0.5"), "JPY", "unit_price"))
    refused("invalid_input", lambda: rfq_rules.check_amount(Decimal("0.005"), "USD", "unit_price"))
    rfq_rules.check_amount(Decimal("0.005"), "KWD", "unit_price")


@pytest.mark.parametrize(
    ("price", "rate"), [("0.001", None), ("0.01", "0.001"), ("10000000000", None), ("9999999999", "9.9")]
)
def test_nothing_and_too_much_are_refused(price: str, rate: str | None) -> None:
    currency = "CNY" if rate is None else "USD"
    step = lambda: rfq_rules.price(Decimal(price), Decimal("1.1"), currency, rate and Decimal(rate), {})  # noqa: E731
    refused("invalid_input", step)


def test_final_states_have_no_way_out() -> None:
    finals = {"accepted", "declined", "expired", "withdrawn"}
    assert {state for state, ways in rfq_rules.MOVES.items() if not ways} == finals
    assert set().union(*rfq_rules.MOVES.values()) == set(rfq_rules.MOVES)


# Offering


def test_resources_are_priced_by_dry_tonne(shelf: Shelf, buyer: Actor, post: Any) -> None:
    rfq_id = trade.request(buyer, trade.ore(shelf), "1234.5", "t")
    wish = trade.offer_body(unit_price="812.35", moisture_percent="8.125", valid_until="2099-01-01T00:00:00Z")
    far = post(shelf.owner, f"/rfqs/{rfq_id}/offers", wish)
    assert list(far.get_json()["errors"]) == ["valid_until"]
    answer = post(
        shelf.owner, f"/rfqs/{rfq_id}/offers", trade.offer_body(unit_price="812.35", moisture_percent="8.125")
    )
    found = answer.get_json()
    assert answer.status_code == 201
    assert (found["quantity"], found["dry_quantity"], found["priced_by"]) == ("1234.5", "1134.19688", "dry_weight")
    assert found["goods"] == found["total"] == "921364.84"  # 1134.19688 x 812.35 = 921364.835...
    assert found["law"]["route"] == "general_trade"


def test_duty_facts_leave_out_what_is_named_apart(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    charges = {"installation": Decimal("20000"), "training": Decimal("5000"), "freight": Decimal("1000")}
    offer_id = trade.offer(
        shelf, rfq_id, "100000", currency="EUR", exchange_rate=Decimal("8"), incoterm="FOB", charges=charges
    )
    found = rfq_views.one_offer(buyer, offer_id)
    assert found["law"]["dutiable_value"] == "810424.00", "goods and freight with 0.3 % insurance, at the agreed rate"
    assert [row["kind"] for row in found["law"]["apart"]] == ["installation", "training"]
    assert (found["installation"], found["total"]) == ("160000.00", "1008000.00")


def test_services_tell_the_vat_to_be_withheld(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.service(shelf), "1", "project")
    found = rfq_views.one_offer(buyer, trade.offer(shelf, rfq_id, "106000"))
    assert (found["law"]["service"], found["law"]["vat"]) == ("research_and_development", "6000.00")
    free = rfq_views.one_offer(buyer, trade.offer(shelf, rfq_id, "106000", service="technology_transfer"))
    assert free["law"]["vat"] == "0.00"
    assert "service" in refused("service_unknown", lambda: trade.offer(shelf, rfq_id, service="haircut")).errors
    home = trade.request(buyer, trade.service(shelf, origin="CN"), "1", "project")
    assert rfq_views.one_offer(buyer, trade.offer(shelf, home))["law"] is None


MONEY = [
    ({"unit_price": "0"}, "unit_price"), ({"unit_price": "-5"}, "unit_price"), ({"unit_price": 5}, "unit_price"),
    ({"unit_price": "1.005"}, "unit_price"), ({"unit_price": "1e9"}, "unit_price"), ({"unit_price": "NaN"}, "unit_price"),
    ({"unit_price": "10000000001"}, "unit_price"), ({"unit_price": "١٢"}, "unit_price"),
    ({"currency": "XXX"}, "currency"), ({"currency": "cny"}, "currency"), ({"currency": "USD"}, "exchange_rate"),
    ({"exchange_rate": "7.1"}, "exchange_rate"), ({"currency": "USD", "exchange_rate": "0"}, "exchange_rate"),
    ({"currency": "USD", "exchange_rate": "0.00"}, "exchange_rate"),
    ({"currency": "USD", "exchange_rate": "-7"}, "exchange_rate"),
    ({"currency": "USD", "exchange_rate": "7.123456789"}, "exchange_rate"),
    ({"currency": "JPY", "exchange_rate": "0.05", "unit_price": "10.5"}, "unit_price"),
    ({"moisture_percent": "8"}, "moisture_percent"), ({"charges": {"freight": "-1"}}, "charges.freight"),
    ({"charges": {"freight": "1.234"}}, "charges.freight"), ({"charges": {"bribe": "1"}}, "charges.bribe"),
    ({"quantity": "0.5"}, "quantity"), ({"incoterm": "XYZ"}, "incoterm"), ({"delivery_weeks": -1}, "delivery_weeks"),
    ({"delivery_weeks": 1.5}, "delivery_weeks"), ({"valid_until": "2020-01-01T00:00:00Z"}, "valid_until"),
    ({"valid_until": "2026-12-01"}, "valid_until"), ({"valid_until": "0001-01-01T00:00:00+14:00"}, "valid_until"),
    ({"terms": "x" * 2001}, "terms"), ({"service": "design"}, "service"), ({"total": "1"}, "total"),
]  # fmt: skip


def test_wrong_money_is_refused_by_field(shelf: Shelf, buyer: Actor, post: Any) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    for values, field in MONEY:
        answer = post(shelf.owner, f"/rfqs/{rfq_id}/offers", trade.offer_body(**values))
        assert answer.status_code == 422, (values, answer.get_json())
        assert list(answer.get_json()["errors"]) == [field], values
    assert db.session.scalar(select(func.count()).select_from(RfqOffer)) == 0


@pytest.mark.parametrize("moisture", [None, "100", "100.5", "-1", "8.1234", "8,5", 8])
def test_wrong_moisture_is_refused(shelf: Shelf, buyer: Actor, post: Any, moisture: Any) -> None:
    rfq_id = trade.request(buyer, trade.ore(shelf), "100", "t")
    answer = post(shelf.owner, f"/rfqs/{rfq_id}/offers", trade.offer_body(moisture_percent=moisture))
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["moisture_percent"])


def test_a_later_offer_supersedes_and_one_taken_back_reopens(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    first, second = trade.offer(shelf, rfq_id, "120"), trade.offer(shelf, rfq_id, "110")
    found = rfq_views.one(buyer, rfq_id)
    assert [(row["revision"], row["status"]) for row in found["offers"]] == [(2, "open"), (1, "superseded")]
    assert (
        refused("offer_gone", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), first)).extra["offer_status"]
        == "superseded"
    )
    rfq_offers.withdraw(shelf.owner, second)
    found = rfq_views.one(buyer, rfq_id)
    assert (found["status"], found["offer"]) == ("requested", None)
    assert found["expires_at"] == clock.instant_text(rfqs.end_of(clock.today() + timedelta(days=60)))
    refused("offer_gone", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), second))
    refused("rfq_state", lambda: rfq_offers.withdraw(shelf.owner, second))


def test_revisions_are_bounded(shelf: Shelf, buyer: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfq_offers, "REVISIONS_MOST", 2)
    rfq_id = trade.request(buyer, trade.machine(shelf))
    trade.offer(shelf, rfq_id), trade.offer(shelf, rfq_id)
    refused("too_many_offers", lambda: trade.offer(shelf, rfq_id))


@pytest.mark.parametrize("incoterm", ["FAS", "FOB", "CFR", "CIF"])
def test_a_price_in_cny_is_one_of_goods_in_store(shelf: Shelf, buyer: Actor, incoterm: str) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    assert list(refused("invalid_input", lambda: trade.offer(shelf, rfq_id, incoterm=incoterm)).errors) == ["incoterm"]
    trade.offer(shelf, rfq_id, incoterm=incoterm, currency="EUR", exchange_rate=Decimal("8"))


def test_what_is_priced_by_its_weight_is_not_offered(shelf: Shelf, buyer: Actor) -> None:
    rfq_id = trade.request(buyer, trade.machine(shelf))
    offer_id = trade.offer(shelf, rfq_id)
    by_weight = {"priced_by": "kg", "kg_price_fen": 100, "piece_weight_kg": Decimal(9500), "weight_tolerance": 10}
    with transaction() as session:
        session.execute(update(Listing).values(**by_weight))
    refused("offer_stale", lambda: trade.offer(shelf, rfq_id))
    refused("offer_stale", lambda: rfq_acceptance.accept(buyer, uuid.uuid4(), offer_id))
