"""Papers and uploads name a listing's address: its page stays when it is sold no more, and shows no draft."""

import uuid

from catalog import listings, merchants
from tests.catalog import builders as catalogue
from tests.shop.pages.conftest import Browser

NO_MORE = {"en": "No longer sold here.", "zh": "此商品已不再销售。"}


def text(browser: Browser, listing_id: uuid.UUID, language: str = "en") -> str:
    answer = browser.go(f"/listings/{listing_id}", language)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_a_withdrawn_listing_says_what_it_was_and_sells_nothing(browser: Browser) -> None:
    seller = catalogue.admit()
    listing_id = catalogue.publish(seller, catalogue.retail())
    catalogue.receive(seller, listing_id, catalogue.warehouse("1210"), "5")
    before = text(browser, listing_id)
    assert 'name="listing_id"' in before
    assert NO_MORE["en"] not in before
    listings.move("tests", seller.id, listing_id, "withdraw")
    for language, title, origin in (("en", "Canadian frozen lobster", "Canada"), ("zh", "加拿大冷冻龙虾", "加拿大")):
        page = text(browser, listing_id, language)
        for shown in (NO_MORE[language], title, f"<dd>{origin}</dd>", "450克/只", "测试贸易有限公司"):
            assert shown in page
        assert '<meta name="robots" content="noindex">' in page
        assert '<img src="/static/' in page
        assert 'name="listing_id"' not in page
    assert browser.go(f"/api/v1/catalog/listings/{listing_id}").status_code == 404
    listings.move("tests", seller.id, listing_id, "publish")
    assert NO_MORE["en"] not in text(browser, listing_id)


def test_what_was_written_since_is_not_shown(browser: Browser) -> None:
    """Nobody has reviewed it."""
    seller = catalogue.admit()
    listing_id = catalogue.publish(seller, catalogue.retail())
    listings.change("tests", seller.id, listing_id, None, {"brand": "Unseen Brand"})  # back to review
    listings.move("tests", seller.id, listing_id, "withdraw")
    listings.change("tests", seller.id, listing_id, None, {"title_en": "Unseen title"})
    page = text(browser, listing_id)
    assert "Fundy Bay" in page
    assert "Unseen" not in page


def test_goods_of_a_suspended_merchant_stay_to_be_looked_up(browser: Browser) -> None:
    seller = catalogue.admit()
    listing_id = catalogue.publish(seller, catalogue.retail())
    merchants.decide("tests", seller.id, "suspend", "for the test")
    assert NO_MORE["en"] in text(browser, listing_id)


def test_what_never_was_in_the_shop_has_no_page(browser: Browser) -> None:
    seller = catalogue.admit()
    drafted = catalogue.draft(seller, catalogue.retail())
    submitted = catalogue.draft(seller, catalogue.retail())
    listings.move("tests", seller.id, submitted, "submit")
    dropped = catalogue.draft(seller, catalogue.retail())
    listings.move("tests", seller.id, dropped, "withdraw")
    for listing_id in (drafted, submitted, dropped, uuid.uuid4()):
        assert browser.go(f"/listings/{listing_id}").status_code == 404
