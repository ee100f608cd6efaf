"""Bonded stock and crossings as the desk and merchants see and do them, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from core.accounts import Actor
from customs.zone_stock_models import ZoneEntry, ZoneExit
from tests.catalog import builders as catalogue
from tests.customs.zone.builders import Zone, balance, bring_in, line, lot_of, open_zone
from tests.shop import state
from tests.shop.pages.conftest import Browser

WAY = {"traf_mode": "2", "traf_no": "COSCO LEO", "bill_no": "COSU7", "dispatch_country": "CA"}


@pytest.fixture
def zone(context: None) -> Zone:
    return open_zone()


@pytest.fixture
def clerk(context: None) -> Actor:
    return catalogue.open_account("customs")


def sign_in(browser: Browser, actor: Actor) -> None:
    assert browser.send("/login", "/login", email=actor.email, password=catalogue.PASSWORD).status_code == 302


def text(browser: Browser, path: str, language: str = "en") -> str:
    answer = browser.go(path, language)
    assert answer.status_code == 200, path
    return str(answer.get_data(as_text=True))


def test_a_merchant_brings_goods_in_and_the_desk_numbers_the_papers(browser: Browser, zone: Zone, clerk: Actor) -> None:
    sign_in(browser, zone.seller.owner)
    rows = {"listing_id-1": zone.listing, "quantity-1": "12", "value-1": "900.00", "batch_no-1": "P1",
            "expires_on-1": "2028-01-01"}  # fmt: skip
    here = "/zone/entries/new"
    refused = browser.send(here, "/zone/entries", warehouse_id=zone.warehouse, **{**WAY, "bill_no": "B" * 38}, **rows)
    assert refused.status_code == 422
    third = {name.replace("-1", "-3"): value for name, value in rows.items()} | {"value-3": "0"}
    named = browser.send(here, "/zone/entries", warehouse_id=zone.warehouse, **WAY, **third).get_data(as_text=True)
    assert named.count("is-invalid") == 1
    assert 'is-invalid" id="f-value-3"' in named
    made = browser.send(here, "/zone/entries", warehouse_id=zone.warehouse, **WAY, **rows)
    assert made.status_code == 303
    entry = state.fresh().query(ZoneEntry).one()
    page = f"/zone/entries/{entry.id}"
    assert browser.send(page, f"{page}/steps", step="submit").status_code == 303
    assert "Account-book check list" not in text(browser, page)  # what only customs does is not offered
    browser.post("/logout")
    sign_in(browser, clerk)
    for step in ("record", "check", "release"):
        assert browser.send(page, f"{page}/steps", step=step, number=f"N-{step}").status_code == 303
    assert browser.send(page, f"{page}/steps", step="arrive", **{"arrived-1": "11"}).status_code == 303
    shown = text(browser, page)
    assert [word for word in ("N-record", "N-check", "N-release", "In the zone", "5.4") if word not in shown] == []
    assert balance(zone) == ("11", "0")
    assert "P1" in shown


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["Entries into the zone", "Bring goods in", "Account book", "Exits", "Returned goods"]),
        ("zh", ["一线入区", "货物入区", "账册", "出区", "退货入区"]),
    ],
)
def test_the_pages_in_both_languages(browser: Browser, zone: Zone, language: str, texts: list[str]) -> None:
    bring_in(zone)
    sign_in(browser, zone.seller.owner)
    page = text(browser, "/zone/entries", language)
    assert [word for word in texts if word not in page] == []
    book = text(browser, "/zone/book", language)
    assert {"en": "agree", "zh": "账册与区内实物相符"}[language] in book
    for path in ("/zone/exits", "/zone/returns", "/zone/entries/new"):
        text(browser, path, language)


def test_a_merchant_asks_for_an_exit_and_customs_lets_it_go(browser: Browser, zone: Zone, clerk: Actor) -> None:
    lot = lot_of(bring_in(zone, line(zone)))
    sign_in(browser, zone.seller.owner)
    asked = {"lot_id": lot.id, "quantity": "10", "reason": "thawed"}
    refused = browser.send("/zone/exits", "/zone/exits", kind="transfer", **asked)
    shown = refused.get_data(as_text=True)
    assert (refused.status_code, state.fresh().query(ZoneExit).count()) == (422, 0)
    typed = ('value="thawed"', '<option value="transfer" selected>', "is required: what the goods are worth")
    assert [word for word in typed if word not in shown] == []
    assert browser.send("/zone/exits", "/zone/exits", kind="destruction", **asked).status_code == 303
    found = state.fresh().query(ZoneExit).one()
    browser.post("/logout")
    sign_in(browser, clerk)
    page = f"/zone/exits/{found.id}"
    assert "thawed" in text(browser, page)
    assert browser.send(page, f"{page}/steps", step="approve", number="XH-1").status_code == 303
    assert browser.send(page, f"{page}/steps", step="complete").status_code == 303
    assert "XH-1" in text(browser, page)
    assert balance(zone) == ("90", "0")


def test_to_general_trade_with_its_papers(browser: Browser, zone: Zone, clerk: Actor) -> None:
    lot = lot_of(bring_in(zone))
    sign_in(browser, zone.seller.owner)
    asked = {"lot_id": lot.id, "quantity": "10", "reason": "sold", "kind": "general_trade", "value": "900.00"}
    papers = {"document-establishment_registration": "CA 0417"}
    assert browser.send("/zone/exits", "/zone/exits", **asked, **papers).status_code == 303
    page = f"/zone/exits/{state.fresh().query(ZoneExit).one().id}"
    browser.post("/logout")
    sign_in(browser, clerk)
    assert browser.send(page, f"{page}/steps", step="approve", number="QD-1").status_code == 303
    assert browser.send(page, f"{page}/steps", step="complete").status_code == 303
    shown = text(browser, page)
    assert [word for word in ("Duty of the day it left", "63.00", "Its declaration") if word not in shown] == []


def test_another_merchant_sees_nothing_of_it(browser: Browser, zone: Zone) -> None:
    entry = bring_in(zone)
    sign_in(browser, catalogue.admit().owner)
    assert browser.go(f"/zone/entries/{entry['id']}").status_code == 404
    assert entry["number"] not in text(browser, "/zone/entries")
    assert "No goods" in text(browser, "/zone/entries")
    assert "Nothing stands on the account book." in text(browser, "/zone/book")
    assert browser.go("/desk/shipments").status_code == 403


def test_what_does_not_agree_stands_above_the_book(browser: Browser, zone: Zone, clerk: Actor) -> None:
    catalogue.receive(zone.seller, zone.listing, zone.warehouse, "5", item_record_no="LOOSE")
    sign_in(browser, clerk)
    page = text(browser, "/zone/book")
    assert "Stock that no entry brought in" in page
    assert "LOOSE" in page


@pytest.mark.parametrize(
    ("language", "texts"), [("en", ["Crossings", "Takes orders"]), ("zh", ["运输批次", "接收订单"])]
)
def test_the_desk_announces_a_crossing(
    browser: Browser, context: Any, clerk: Actor, language: str, texts: list[str]
) -> None:
    site = catalogue.warehouse("9610")
    sign_in(browser, clerk)
    way = {**WAY, "voyage_no": "1", "warehouse_id": site}
    assert browser.send("/desk/shipments", "/desk/shipments", **way).status_code == 303
    page = text(browser, "/desk/shipments", language)
    assert [word for word in ("COSU7", *texts) if word not in page] == []
    here = page.split("/desk/shipments/")[1][:36]
    assert browser.send(f"/desk/shipments/{here}", f"/desk/shipments/{here}/arrive").status_code == 303
    assert browser.send(f"/desk/shipments/{here}", f"/desk/shipments/{here}/tallies").status_code == 303
    assert "No parcel of this crossing" in text(browser, f"/desk/shipments/{here}")
    assert browser.send(f"/desk/shipments/{here}", f"/desk/shipments/{here}/close").status_code == 303
    assert "Closed" in text(browser, f"/desk/shipments/{here}")
