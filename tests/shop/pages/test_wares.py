"""The merchant's listing form: written, refused, changed, given pictures; and texts that stay texts everywhere."""

from __future__ import annotations

import uuid
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from catalog import listings
from catalog.models import Listing
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.shop import builders as shop_builders
from tests.shop.builders import Shelf
from tests.shop.pages.conftest import Browser, _alone

EVIL = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


@pytest.fixture
def merchant(browser: Browser, context: None) -> tuple[Browser, Seller]:
    """A browser in which a merchant is signed in."""
    found = builders.admit()
    answer = browser.send("/login", "/login", email=found.owner.email, password=builders.PASSWORD)
    assert answer.status_code == 302
    return browser, found


def filled(**changes: str) -> dict[str, str]:
    boxes = {
        "title_zh": "加拿大冷冻龙虾", "title_en": "Canadian frozen lobster", "sku": f"F-{uuid.uuid4().hex[:6]}",
        "category": "lobster", "brand": "Fundy Bay", "specification": "450克/只", "origin": "CA",
        "description_zh": "野生龙虾", "description_en": "Wild lobster",
        "route": "cross_border_retail", "mode": "1210", "hs": "0306120000", "unit": "piece", "price": "168.00",
        "net_weight_kg": "0.45", "gross_weight_kg": "0.6", "unit1_quantity": "0.45", "content_quantity": "450",
        "content_unit": "g", "gtin": "无", "cold_chain": "1", "at:production": "wild", "at:glazing": "10",
        "el:品牌类型": "4", "el:制作或保存方法": "冻", "el:状态": "带壳", "el:拉丁名称": "Homarus americanus",
        "el:个体重量": "450克/只", "el:包装规格": "1只/袋",
    }  # fmt: skip
    return {**boxes, **changes}


def stored(sku: str) -> Listing:
    db.session.rollback()
    return db.session.scalars(select(Listing).where(Listing.sku == sku)).one()


def create(browser: Browser, **changes: str) -> Any:
    return browser.send("/trade/listings/new", "/trade/listings", **filled(**changes))


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_of_the_merchant_opens(merchant: Any, language: str) -> None:
    browser, seller = merchant
    listing = builders.publish(seller, builders.retail())
    for path in ("/trade/listings/new", f"/trade/listings/{listing}", "/trade/notices", "/trade/listings"):
        answer = browser.go(path, language)
        assert answer.status_code == 200, path
    page = text_of(browser.go(f"/trade/listings/{listing}", language))
    assert "拉丁名称" in page, "the elements of its code are boxes"
    assert ("Farmed or wild" if language == "en" else "养殖或野生") in page
    assert ("retail import list" if language == "en" else "清单") in page


def test_a_listing_is_written_in_the_form_and_submitted(merchant: Any) -> None:
    browser, _ = merchant
    values = filled()
    answer = browser.send("/trade/listings/new", "/trade/listings", **values)
    assert answer.status_code == 303, text_of(answer)
    row = stored(values["sku"])
    assert (row.status, row.hs, row.price_fen, row.mode) == ("draft", "0306120000", 16800, "1210")
    assert dict(row.declaration_elements)["拉丁名称"] == "Homarus americanus"
    assert row.attributes == {"production": "wild", "glazing": "10"}
    assert row.net_content == {"quantity": "450", "unit": "g"}
    page = f"/trade/listings/{row.id}"
    assert answer.headers["Location"] == page
    done = browser.send(page, f"{page}/step", step="submit")
    assert done.status_code == 303
    assert stored(values["sku"]).status == "submitted"


def test_a_refusal_keeps_what_was_typed_and_says_where(merchant: Any) -> None:
    browser, _ = merchant
    answer = create(browser, price="1,68", title_zh="冻龙虾特选")
    page = text_of(answer)
    assert answer.status_code == 422
    assert "冻龙虾特选" in page
    assert 'value="1,68"' in page
    assert "must be an amount" in page
    assert text_of(create(browser, origin="JP")).count("JP-AQUATIC") == 2, "above the form and beside the box"
    assert create(browser, **{"at:glazing": "99"}).status_code == 422
    assert create(browser, category="nothing").status_code == 422
    assert db.session.query(Listing).count() == 0


def test_emptied_boxes_are_emptied(merchant: Any) -> None:
    browser, _ = merchant
    values = filled()
    browser.send("/trade/listings/new", "/trade/listings", **values)
    row = stored(values["sku"])
    page = f"/trade/listings/{row.id}"
    less = {**values, "gtin": "", "description_en": "", "at:glazing": "", "el:包装规格": "", "content_quantity": ""}
    assert browser.send(page, page, **less).status_code == 303
    row = stored(values["sku"])
    assert (row.gtin, row.description_en, row.net_content) == (None, "", None)
    assert "glazing" not in row.attributes
    assert "包装规格" not in dict(row.declaration_elements)


def test_a_new_price_or_word_leaves_it_in_the_shop_another_fact_does_not(merchant: Any) -> None:
    browser, seller = merchant
    values = filled()
    browser.send("/trade/listings/new", "/trade/listings", **values)
    listing = stored(values["sku"]).id
    page = f"/trade/listings/{listing}"
    listings.move("tests", seller.id, listing, "submit")
    listings.review("tests", listing, "approve", "")
    kept = stored(values["sku"]).declaration_elements
    assert browser.send(page, page, **{**values, "price": "150.00", "title_en": "Lobster"}).status_code == 303
    row = stored(values["sku"])
    assert (row.status, row.price_fen, row.needs_review) == ("published", 15000, False)
    assert row.declaration_elements == kept, "in the order of the code, with what was filled in"
    assert browser.send(page, page, **{**values, "el:包装规格": "2只/袋"}).status_code == 303
    assert stored(values["sku"]).status == "submitted"


def test_another_code_brings_other_boxes_without_a_script(merchant: Any) -> None:
    browser, _ = merchant
    answer = create(browser, hs="0202300090", category="beef_boneless", step="parts")
    page = text_of(answer)
    assert answer.status_code == 200
    assert "牛肉部位" in page
    assert "拉丁名称" not in page
    assert 'value="加拿大冷冻龙虾"' in page, "what was typed stays"
    assert db.session.query(Listing).count() == 0, "and nothing is stored"
    part = text_of(browser.go("/trade/listing-parts?hs=0202300090&category=beef"))
    assert "牛肉部位" in part
    for odd in ("hs=%00&category=x", "hs=9999999999", "hs=<script>", ""):
        assert browser.go(f"/trade/listing-parts?{odd}").status_code == 200


def test_two_people_do_not_overwrite_each_other(merchant: Any) -> None:
    browser, _ = merchant
    values = filled()
    browser.send("/trade/listings/new", "/trade/listings", **values)
    page = f"/trade/listings/{stored(values['sku']).id}"
    assert browser.send(page, page, **{**values, "brand": "First"}).status_code == 303
    late = browser.send(page, page, **{**values, "brand": "Second", "version": "1"})
    assert late.status_code == 412
    assert stored(values["sku"]).brand == "First"


def test_suggestions_speak_the_language_of_the_page(merchant: Any) -> None:
    browser, _ = merchant
    path = "/trade/hs-suggestions?q=lobster&category=lobster&route=cross_border_retail"
    first = browser.go(path, "zh").get_json()["items"][0]
    assert first["hs"] == "0306120000"
    assert "零售清单" in first["note"]
    assert "retail list" in browser.go(path, "en").get_json()["items"][0]["note"]
    assert browser.go("/trade/hs-suggestions?limit=99").status_code == 422


def picture(colour: str = "teal") -> tuple[BytesIO, str]:
    out = BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "JPEG")
    return BytesIO(out.getvalue()), "goods.jpg"


def upload(browser: Browser, page: str, file: Any) -> Any:
    token = text_of(browser.go(page)).split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "file": file}
    return _alone(browser.client.post, f"{page}/pictures", data=form, content_type="multipart/form-data")


def test_pictures_are_added_moved_and_taken_away(merchant: Any) -> None:
    browser, seller = merchant
    listing = builders.draft(seller, builders.retail())
    page = f"/trade/listings/{listing}"
    for colour in ("red", "green", "blue"):
        assert upload(browser, page, picture(colour)).status_code == 303
    first, second, third = [entry["digest"] for entry in listings.managed(seller.id, listing)["images"]]

    def order() -> list[str]:
        return [entry["digest"] for entry in listings.managed(seller.id, listing)["images"]]

    for digest, to, expected in (
        (third, "earlier", [first, third, second]),
        (first, "later", [third, first, second]),
        (second, "first", [second, third, first]),
        (second, "earlier", [second, third, first]),
        (third, "away", [second, first]),
    ):
        browser.post(f"{page}/pictures/move", digest=digest, where=to)
        assert order() == expected, to
    assert upload(browser, page, (BytesIO(b"<svg/>"), "x.jpg")).status_code == 303
    assert "must be a JPEG, PNG or WebP" in text_of(browser.go(page))
    assert upload(browser, page, (BytesIO(b"\xff\xd8\xff" + bytes(12 << 20)), "x.jpg")).status_code == 413


def test_anothers_listing_is_not_there(merchant: Any) -> None:
    browser, _ = merchant
    other = builders.admit()
    listing = builders.draft(other, builders.retail())
    page = f"/trade/listings/{listing}"
    assert browser.go(page).status_code == 404
    assert browser.post(page, **filled(version="1")).status_code == 404
    assert browser.post(f"{page}/step", step="withdraw").status_code == 404
    assert browser.post(f"{page}/pictures/move", digest="0" * 64, where="away").status_code == 404
    assert listings.managed(other.id, listing)["version"] == 1


def test_notices_stand_on_their_page_until_they_are_read(merchant: Any) -> None:
    browser, seller = merchant
    listing = builders.draft(seller, builders.retail())
    listings.move("tests", seller.id, listing, "submit")
    listings.review("tests", listing, "reject", EVIL)
    page = text_of(browser.go("/trade/notices"))
    assert "Your listing was not approved" in page
    assert "<script>alert(1)" not in page
    assert '<span class="count">1</span>' in text_of(browser.go("/trade/listings"))
    assert browser.send("/trade/notices", "/trade/notices/read").status_code == 303
    assert '<span class="count">1</span>' not in text_of(browser.go("/trade/listings"))


def evil_listing(seller: Seller) -> uuid.UUID:
    texts = {"title": {"zh": f"龙虾{EVIL}", "en": f"Lobster {EVIL}"}, "description": {"zh": EVIL, "en": EVIL},
             "brand": EVIL, "specification": EVIL, "attributes": {"grade": EVIL[:40]}}  # fmt: skip
    elements = {**builders.retail()["declaration_elements"], "个体重量": EVIL}
    return builders.publish(seller, builders.retail(**texts, declaration_elements=elements))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("goods before:", "Prices so far", "Farmed or wild", "Wild caught", "Atlantic, Northwest (21)")),
     ("zh", ("商品原价：", "历史价格", "养殖或野生", "野生捕捞", "大西洋西北部（21区）"))],
)  # fmt: skip
def test_the_listing_page_tells_prices_and_attributes(merchant: Any, language: str, words: tuple[str, ...]) -> None:
    browser, seller = merchant
    told = {"production": "wild", "catch_area": "21"}
    listing = builders.publish(seller, builders.retail(price="200.00", attributes=told))
    listings.change("tests", seller.id, listing, None, {"price_fen": 15000})
    page = text_of(browser.go(f"/listings/{listing}", language))
    for each in words:
        assert each in page, each
    assert "<s>¥200.00</s>" in page
    assert "<s>¥200.00</s>" in text_of(browser.go("/?category=lobster", language)), "on the card too"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_stay_texts_on_every_page(
    merchant: Any, another_browser: Any, shelf: Shelf, place: Any, language: str
) -> None:
    browser, seller = merchant
    listing = evil_listing(seller)
    bonded = builders.warehouse("1210")
    builders.receive(seller, listing, bonded, "9")
    buyer = shop_builders.buyer()
    order = place(buyer, (listing, "1"))["orders"][0]
    customer = another_browser()
    customer.sign_in(buyer)
    customer.post("/cart", listing_id=listing, quantity="1")
    seen = [
        (browser, [f"/trade/listings/{listing}", "/trade/listings", "/trade/orders", "/trade/notices"]),
        (customer, ["/", "/?q=lobster", f"/listings/{listing}", f"/merchants/{seller.id}", "/cart", "/checkout",
                   "/orders", f"/orders/{order['id']}"]),
    ]  # fmt: skip
    for who, paths in seen:
        for path in paths:
            answer = who.go(path, language)
            page = text_of(answer)
            assert answer.status_code in (200, 303), path
            assert "<script>alert(1)" not in page, path
            assert "<img src=x" not in page, path
            assert 'onerror=alert(2)>"' not in page, path
    assert "&lt;script&gt;alert(1)" in text_of(customer.go(f"/listings/{listing}", language))


def test_an_order_keeps_the_version_it_bought(merchant: Any, client: Any, shelf: Shelf, place: Any) -> None:
    _, seller = merchant
    listing = builders.publish(seller, builders.retail(description={"zh": "野生龙虾", "en": "Wild lobster"},
                                                       attributes={"production": "wild"}))  # fmt: skip
    builders.receive(seller, listing, builders.warehouse("1210"), "9")
    buyer = shop_builders.buyer()
    order = place(buyer, (listing, "1"))["orders"][0]
    listings.change("tests", seller.id, listing, None, {
        "title_zh": "改名", "title_en": "Renamed", "description_en": "Farmed after all", "price_fen": 1,
    })  # fmt: skip
    answer = client.get(f"/api/v1/shop/orders/{order['id']}", headers=builders.bearer(buyer))
    (line,) = answer.get_json()["lines"]
    assert line["title"] == {"zh": "加拿大冷冻龙虾 450克", "en": "Canadian frozen lobster, 450 g"}
    assert line["unit_price"] == "168.00"
    bought = line["bought"]
    assert (bought["version"], bought["description"]["en"]) == (line["listing_version"], "Wild lobster")
    assert bought["attributes"] == [
        {"name": {"zh": "养殖或野生", "en": "Farmed or wild"}, "value": {"zh": "野生捕捞", "en": "Wild caught"}}
    ]
    told = client.get(f"/api/v1/catalog/manage/listings/{listing}/versions", headers=seller.bearer).get_json()
    assert [row["version"] for row in told["items"]] == sorted((row["version"] for row in told["items"]), reverse=True)
    assert told["items"][0]["title"]["en"] == "Renamed"
    assert line["listing_version"] in {row["version"] for row in told["items"]}
