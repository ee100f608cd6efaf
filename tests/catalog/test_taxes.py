"""What a card says of tax is what customs will say: charged in retail, borne in general trade."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from catalog import cards
from catalog.models import Listing
from catalog.sale import sale_facts
from core import clock
from core.database import db, new_id, transaction
from customs import edition
from customs.models import Declaration, DeclarationLine
from tests.catalog import builders
from tests.catalog.builders import Seller

SHELF = "/api/v1/catalog/listings"
TAXES = ("duty", "additional_duty", "consumption_tax", "vat", "tax")


def read(client: Any, listing: uuid.UUID) -> dict[str, Any]:
    answer = client.get(f"{SHELF}/{listing}")
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


@pytest.mark.parametrize("price", ["168.00", "0.01", "33.33", "4999.99", "5000.00", "5000.01", "12345.67"])
def test_the_tax_of_a_card_is_the_assessment_of_one_unit(client: Any, seller: Seller, price: str) -> None:
    found = read(client, builders.publish(seller, builders.retail(price=price)))
    line = {"hs": "0306120000", "origin": "CA", "quantity": "1", "unit": "piece", "value": price, "currency": "CNY"}
    line["statutory"] = {"unit1_quantity": "0.45"}  # type: ignore[assignment]
    body = {"route": "cross_border_retail", "mode": "1210", "day": clock.today().isoformat(), "lines": [line]}
    assessed = client.post("/api/v1/customs/assessments", json=body).get_json()["lines"][0]
    breakdown = found["tax_breakdown"]
    assert {name: breakdown[name] for name in TAXES} == {name: assessed[name] for name in TAXES}
    assert found["tax"] == assessed["tax"]
    assert Decimal(found["landed_price"]) == Decimal(price) + Decimal(assessed["tax"])
    assert breakdown["explanation"] == assessed["explanation"]
    assert all(step["law"] for step in breakdown["explanation"])


def test_inside_the_limit_no_duty_above_it_full_duty(client: Any, seller: Seller) -> None:
    inside = read(client, builders.publish(seller, builders.retail(price="5000.00")))["tax_breakdown"]
    above = read(client, builders.publish(seller, builders.retail(price="5000.01")))["tax_breakdown"]
    assert inside["duty"] == "0.00"
    assert Decimal(above["duty"]) > 0


def test_what_no_person_may_buy_is_not_shown(client: Any, seller: Seller) -> None:
    """Above the yearly allowance there is no retail: the listing says so and stays off the shelf."""
    listing = builders.publish(seller, builders.retail(price="26000.01"))
    assert client.get(SHELF).get_json()["items"] == []
    found = read(client, listing)
    assert (found["hindrance"]["code"], found["available"]) == ("annual_limit", "0")
    facts = sale_facts([listing])[listing]
    assert (facts.on_sale, facts.hindrance["code"]) == (False, "annual_limit")  # type: ignore[index]


def test_what_the_law_closes_overnight_leaves_the_shelf(
    client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = builders.publish(seller, builders.retail())
    assert len(client.get(SHELF).get_json()["items"]) == 1
    with transaction() as session:
        session.get_one(Listing, listing).assessed_on = clock.today() - timedelta(days=1)
    monkeypatch.setattr(type(edition.tariff()), "positive_list", lambda *_: None)
    cards.refresh_all()
    assert client.get(SHELF).get_json()["items"] == []
    assert read(client, listing)["hindrance"]["code"] == "not_on_positive_list"


def declared(seller: Seller, place: uuid.UUID, **changes: Any) -> uuid.UUID:
    """A released declaration line: 20,000 kg that bore 160,000.00 of duty and 90,000.01 of additional duty."""
    declaration, line = new_id(), new_id()
    common = {
        "merchant_id": seller.id,
        "merchant_name": "测试贸易有限公司",
        "zone": "z",
        "office": "2991",
        "mode": "0110",
    }
    amounts = {
        "duty_fen": 16_000_000,
        "additional_duty_fen": 9_000_001,
        "consumption_tax_fen": 0,
        "vat_fen": 12_600_000,
    }
    with transaction() as session:
        session.add(
            Declaration(
                id=declaration, number=f"G{new_id().hex[-12:]}", kind="general_trade", warehouse_id=place, status="released",
                edition="e", standing="secondary", assessed_on=date(2026, 2, 1), released_on=date(2026, 2, 3),
                snapshot={}, **common,
            )
        )  # fmt: skip
        session.flush()
        values = {
            "id": line, "declaration_id": declaration, "position": 1, "hs": "0202300090", "name": "beef", "origin": "AU",
            "route": "general_trade", "quantity": Decimal(20000), "unit": "kg", "value_fen": 100_000_000,
            "freight_fen": 0, "insurance_fen": 0, "dutiable_value_fen": 100_000_000, "tax_fen": 37_600_001,
            "charged_tax_fen": 37_600_001, "assessment": {"applied": [{"kind": "mfn"}]}, "released_on": date(2026, 2, 3),
            **common, **amounts,
        }  # fmt: skip
        session.add(DeclarationLine(**{**values, **changes}))
    return line


def test_borne_duty_is_that_of_the_lot_going_out_first(client: Any, seller: Seller, store: uuid.UUID) -> None:
    listing = builders.publish(seller, builders.general())
    builders.receive(seller, listing, store, "100", consignment_line_id=declared(seller, store))
    found = read(client, listing)
    assert (found["tax_included"], found["tax"], found["landed_price"]) == (True, "0.00", "88.00")
    borne = found["tax_breakdown"]["borne"]
    assert {name: borne[name] for name in ("duty", "additional_duty", "consumption_tax", "borne", "import_vat")} == {
        "duty": "8.00",
        "additional_duty": "4.50",
        "consumption_tax": "0.00",
        "borne": "12.50",
        "import_vat": "6.30",
    }
    assert borne["released_on"] == "2026-02-03"
    assert "dutiable_value" not in borne


def test_borne_duty_follows_the_sales_unit(client: Any, seller: Seller, store: uuid.UUID) -> None:
    """A box of 2.5 kg bears two and a half times what a kilogram does."""
    listing = builders.publish(seller, builders.general(unit="box", net_weight_kg="2.5"))
    builders.receive(seller, listing, store, "10", consignment_line_id=declared(seller, store))
    assert read(client, listing)["tax_breakdown"]["borne"]["duty"] == "20.00"


def test_a_lot_without_a_consignment_proves_nothing_and_says_so(client: Any, seller: Seller, store: uuid.UUID) -> None:
    listing = builders.publish(seller, builders.general())
    builders.receive(seller, listing, store, "100")
    breakdown = read(client, listing)["tax_breakdown"]
    assert breakdown["borne"] is None
    assert "not linked" in breakdown["note"]["en"]
    assert breakdown["law_today"]["applied"]


@pytest.mark.parametrize(
    "changes",
    [{"hs": "0202200090"}, {"origin": "BR"}, {"released_on": None}, {"merchant_id": uuid.UUID(int=1)}],
    ids=str,
)
def test_a_consignment_line_must_fit_the_listing(
    client: Any, seller: Seller, store: uuid.UUID, changes: dict[str, Any]
) -> None:
    listing = builders.publish(seller, builders.general())
    body = {
        "listing_id": str(listing),
        "batch_no": "B1",
        "produced_on": "2026-01-01",
        "expires_on": "2028-01-01",
        "quantity": "10",
        "warehouse": str(store),
        "consignment_line_id": str(declared(seller, store, **changes)),
    }
    answer = client.post("/api/v1/catalog/manage/lots", json=body, headers=seller.bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "consignment_wrong")


def test_services_pass_no_customs(client: Any, seller: Seller) -> None:
    values = builders.general(route="services", category="research_design", unit="project", hs=None, net_weight_kg=None)
    values.pop("establishment_no")
    listing = builders.publish(seller, values)
    builders.receive(seller, listing, None, "3", produced_on=None, expires_on=None, item_record_no=None)
    found = read(client, listing)
    assert (found["hs"], found["tax"], found["available"]) == (None, "0.00", "3")
    assert "reverse charge" in found["tax_breakdown"]["note"]["en"]


def test_sale_facts_hold_all_a_filing_needs(seller: Seller, bonded: uuid.UUID) -> None:
    listing = builders.publish(seller, builders.retail())
    second = builders.warehouse("1210")
    builders.receive(
        seller, listing, bonded, "5", item_record_no="LATE", expires_on=clock.today() + timedelta(days=300)
    )
    builders.receive(
        seller, listing, bonded, "2", item_record_no="EARLY", expires_on=clock.today() + timedelta(days=90)
    )
    builders.receive(seller, listing, second, "1")
    facts = sale_facts([listing, new_id()])
    assert list(facts) == [listing]
    found = facts[listing]
    assert (found.on_sale, found.price_fen, found.mode, found.available) == (True, 16800, "1210", Decimal(8))
    assert [(stock.warehouse_id, stock.available, stock.item_record_no) for stock in found.stock] == [
        (bonded, Decimal(7), "EARLY"),
        (second, Decimal(1), "REC1"),
    ]
    assert found.statutory == {"unit1_quantity": Decimal("0.45")}
    assert list(found.declaration_elements)[:3] == ["品牌类型", "出口享惠情况", "制作或保存方法"]


def test_a_draft_is_no_sale(seller: Seller) -> None:
    assert sale_facts([builders.draft(seller, builders.retail())]) == {}


def test_sale_facts_take_one_statement_however_many(app: Any, seller: Seller) -> None:
    from tests.catalog.test_search import counted

    ids = [builders.publish(seller, builders.retail()) for _ in range(5)]
    db.session.rollback()
    with counted() as sent:
        assert len(sale_facts(ids)) == 5
    assert len(sent) == 1
