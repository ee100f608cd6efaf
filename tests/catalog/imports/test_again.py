"""The same file again, changed files, and listings that have gone their own way since."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog import listings
from catalog.api import schemas
from catalog.imports.export import export
from catalog.models import Listing, ListingVersion
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.catalog.imports import files
from tests.catalog.imports.files import GOODS, LOBSTER, bring, csv_of


def listing(seller: Seller, sku: str) -> Listing:
    statement = select(Listing).filter_by(merchant_id=seller.id, sku=sku)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def state(seller: Seller) -> list[tuple[Any, ...]]:
    """All of a merchant's listings as the database has them, the digests of their files aside."""
    columns = [column for column in Listing.__table__.columns if column.name != "source_digest"]
    statement = select(*columns).where(Listing.merchant_id == seller.id).order_by(Listing.sku)
    rows = [tuple(row) for row in db.session.execute(statement)]
    db.session.rollback()
    return rows


def publish(seller: Seller, *skus: str) -> None:
    for sku in skus:
        key = listing(seller, sku).id
        listings.move("tests", seller.id, key, "submit")
        listings.review("tests", key, "approve", "")


def test_the_same_file_again_changes_nothing(seller: Seller) -> None:
    raw = csv_of(GOODS, LOBSTER, {**GOODS, "sku": "B-1", "price": "none"})
    assert bring(seller, raw).counts == (2, 0, 0, 1)
    before = state(seller)
    assert bring(seller, raw).counts == (0, 0, 2, 1)
    assert state(seller) == before


def test_nothing_changes_for_published_listings_either(seller: Seller) -> None:
    """Their elements have been put into the order of the code, and what is filled in is filled in."""
    raw = csv_of(GOODS, LOBSTER)
    bring(seller, raw)
    publish(seller, "G-1", "R-1")
    before = state(seller)
    assert bring(seller, raw).counts == (0, 0, 2, 0)
    # In another order of columns the file says the same, and each row is compared.
    names = list(reversed({**GOODS, **LOBSTER}))
    assert bring(seller, csv_of(GOODS, LOBSTER, columns=names)).counts == (0, 0, 2, 0)
    assert state(seller) == before


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_what_is_exported_says_what_is_there(seller: Seller, file_format: str) -> None:
    odd = {
        **GOODS,
        "sku": "=SUM(A1)",
        "title_en": "=HYPERLINK(1)",
        "title_zh": "''@牛肉",  # the first apostrophe is the form's
        "brand": "+1 -2",
        "description_en": 'Line one,\n"line two"\n<b>bold</b> _x0041_',
        "attributes": '{"grade":"A=B; C"}',
    }
    bring(seller, csv_of(GOODS, LOBSTER, odd))
    publish(seller, "R-1")
    before = state(seller)
    out = b"".join(export(seller.id, file_format))
    assert bring(seller, out).counts == (0, 0, 3, 0)
    assert state(seller) == before
    assert listing(seller, "=SUM(A1)").title_en == "=HYPERLINK(1)"
    assert listing(seller, "=SUM(A1)").title_zh == "'@牛肉"


def test_a_price_changes_on_sale_and_a_weight_goes_to_review(seller: Seller) -> None:
    bring(seller, csv_of(GOODS, LOBSTER))
    publish(seller, "G-1", "R-1")
    brought = bring(seller, csv_of({**GOODS, "price": "90.00"}, {**LOBSTER, "gross_weight_kg": "0.7"}))
    assert brought.counts == (0, 2, 0, 0)
    beef, lobster = listing(seller, "G-1"), listing(seller, "R-1")
    assert (beef.status, beef.price_fen, beef.shown, beef.version) == ("published", 9000, True, 4)
    assert '"price":"90.00"' in str(beef.card)
    assert (lobster.status, lobster.shown, lobster.needs_review) == ("submitted", False, True)
    versions = select(func.max(ListingVersion.version)).where(ListingVersion.listing_id == beef.id)
    assert db.session.scalar(versions) == 4


def test_columns_that_are_not_there_leave_what_is_kept(seller: Seller) -> None:
    bring(seller, csv_of({**GOODS, "description_en": "Tender."}))
    assert bring(seller, csv_of({"sku": "G-1", "price": "91.00"})).counts == (0, 1, 0, 0)
    row = listing(seller, "G-1")
    assert (row.price_fen, row.description_en, row.brand) == (9100, "Tender.", "Coolibah Plains")
    brought = bring(seller, csv_of({"sku": "NEW", "price": "91.00"}))
    assert brought.counts == (0, 0, 0, 1)
    assert {line["message"] for line in brought.errors} == {"is required"}


def test_an_empty_cell_empties_its_field(seller: Seller) -> None:
    bring(seller, csv_of({**GOODS, "description_en": "Tender.", "gtin": "无"}))
    blank = {**GOODS, "description_en": "", "gtin": "", "establishment_no": "", "cold_chain": ""}
    assert bring(seller, csv_of(blank)).counts == (0, 1, 0, 0)
    row = listing(seller, "G-1")
    assert (row.description_en, row.gtin, row.establishment_no, row.cold_chain) == ("", None, None, False)
    brought = bring(seller, csv_of({**GOODS, "brand": ""}))
    assert brought.faults == [("1", "brand", "invalid_input")]


def test_a_change_by_hand_makes_the_file_count_again(seller: Seller) -> None:
    raw = csv_of(GOODS)
    bring(seller, raw)
    row = listing(seller, "G-1")
    listings.change("tests", seller.id, row.id, None, {"price_fen": 7000})
    assert bring(seller, raw).counts == (0, 1, 0, 0)
    assert listing(seller, "G-1").price_fen == 8800


def test_what_the_law_closes_is_refused_for_a_listing_that_is_there(seller: Seller) -> None:
    bring(seller, csv_of(GOODS))
    before = state(seller)
    brought = bring(seller, csv_of({**GOODS, "hs": "9999999999"}))
    assert (brought.counts, brought.faults) == ((0, 0, 0, 1), [("1", "hs", "code_unknown")])
    assert state(seller) == before


def test_a_withdrawn_listing_stays_withdrawn(seller: Seller) -> None:
    bring(seller, csv_of(GOODS))
    listings.move("tests", seller.id, listing(seller, "G-1").id, "withdraw")
    assert bring(seller, csv_of({**GOODS, "price": "95.00"}), submit=True).counts == (0, 1, 0, 0)
    assert listing(seller, "G-1").status == "withdrawn"


def test_the_same_skus_of_another_merchant_are_its_own(seller: Seller, other_seller: Seller) -> None:
    bring(seller, csv_of(GOODS))
    before = state(seller)
    assert bring(other_seller, csv_of({**GOODS, "price": "1.00"})).counts == (1, 0, 0, 0)
    assert state(seller) == before


def test_a_look_beforehand_writes_nothing(seller: Seller) -> None:
    bring(seller, csv_of(GOODS))
    before = state(seller)
    rows = [{**GOODS, "price": "1.00"}, LOBSTER, {**GOODS, "sku": "B-1", "price": "x"}]
    looked = bring(seller, csv_of(*rows), preview=True)
    assert (looked.preview, looked.counts, len(looked.errors)) == (True, (1, 1, 0, 1), 1)
    assert state(seller) == before
    assert bring(seller, csv_of(*rows)).counts == looked.counts


def test_rows_are_handed_in_when_they_are_fit(seller: Seller) -> None:
    bring(seller, csv_of({**GOODS, "sku": "D-1"}))
    unfit = {**LOBSTER, "sku": "U-1", "gross_weight_kg": ""}
    brought = bring(seller, csv_of({**GOODS, "sku": "D-1"}, LOBSTER, unfit), submit=True)
    assert brought.counts == (1, 1, 0, 1)
    assert brought.faults == [("3", "gross_weight_kg", "listing_incomplete")]
    assert {listing(seller, sku).status for sku in ("D-1", "R-1")} == {"submitted"}
    assert listing(seller, "R-1").submitted_at is not None
    assert dict(listing(seller, "R-1").declaration_elements)["出口享惠情况"] == "3"
    again = bring(seller, csv_of({**GOODS, "sku": "D-1"}, LOBSTER, unfit), submit=True)
    assert again.counts == (0, 0, 2, 1)
    listings.review("tests", listing(seller, "R-1").id, "approve", "")
    assert listing(seller, "R-1").shown


def test_ids_of_others_do_nothing(seller: Seller, other_seller: Seller) -> None:
    """A row is about the merchant's own listing of that sku, whatever else stands in it."""
    builders.draft(other_seller, builders.general(sku="THEIRS"))
    before = state(other_seller)
    theirs = str(db.session.scalars(select(Listing.id).filter_by(merchant_id=other_seller.id)).one())
    assert bring(seller, csv_of({**GOODS, "sku": theirs, "brand": str(uuid.uuid4())})).counts == (1, 0, 0, 0)
    assert state(other_seller) == before
    assert files.lines(export(seller.id, "csv"))[1][0] == theirs


def test_an_object_keeps_what_has_no_column(seller: Seller) -> None:
    kept = {"attribute:feeding": "grain", "attribute:halal": "no", "least_life_percent": "50"}
    bring(seller, csv_of({**GOODS, **kept}, {**LOBSTER, "unit2_quantity": "3"}))
    changed = {"sku": "G-1", "title_zh": "牛肉", "attribute:feeding": "grass", "least_life_days": ""}
    assert bring(seller, csv_of(changed)).counts == (0, 1, 0, 0)
    beef = listing(seller, "G-1")
    assert (beef.title_zh, beef.title_en) == ("牛肉", GOODS["title_en"])
    assert beef.attributes == {"feeding": "grass", "halal": "no"}
    assert (beef.least_life_days, beef.least_life_percent) == (None, 50)
    some = {"sku": "R-1", "unit1_quantity": "0.5", "net_content_quantity": "500", "element:状态": "去壳"}
    assert bring(seller, csv_of(some)).counts == (0, 1, 0, 0)
    lobster = listing(seller, "R-1")
    assert lobster.statutory == {"unit1_quantity": "0.5", "unit2_quantity": "3"}
    assert lobster.net_content == {"quantity": "500", "unit": "g"}
    elements = dict(lobster.declaration_elements)
    assert (elements["状态"], elements["拉丁名称"], len(elements)) == ("去壳", "Homarus americanus", 6)


def test_what_has_a_column_is_emptied_or_replaced(seller: Seller) -> None:
    kept = {"attribute:feeding": "grain", "attribute:halal": "no", "least_life_percent": "50"}
    bring(seller, csv_of({**GOODS, **kept}, LOBSTER))
    changed = {"sku": "G-1", "attribute:feeding": "", "least_life_days": "9"}
    assert bring(seller, csv_of(changed)).counts == (0, 1, 0, 0)
    beef = listing(seller, "G-1")
    assert (beef.attributes, beef.least_life_days, beef.least_life_percent) == ({"halal": "no"}, 9, None)
    assert bring(seller, csv_of({"sku": "R-1", "unit1_quantity": ""})).counts == (0, 1, 0, 0)
    assert listing(seller, "R-1").statutory == {}
    assert bring(seller, csv_of({"sku": "R-1", "net_content_quantity": ""})).counts == (0, 1, 0, 0)
    assert listing(seller, "R-1").net_content is None
    assert bring(seller, csv_of({"sku": "R-1", "title_zh": ""})).faults == [("1", "title_zh", "invalid_input")]


def test_kept_texts_count_among_those_that_may_be_kept(seller: Seller) -> None:
    most: int = schemas.NewListing().fields["declaration_elements"].most  # type: ignore[attr-defined]
    bring(seller, csv_of(GOODS))
    some = {f"element:a{n}": "x" for n in range(most)}
    assert bring(seller, csv_of({"sku": "G-1", **some})).counts == (0, 1, 0, 0)
    brought = bring(seller, csv_of({"sku": "G-1", "element:b": "x"}))
    assert brought.faults == [("1", "declaration_elements", "invalid_input")]
    assert len(listing(seller, "G-1").declaration_elements) == most


def test_a_listing_in_the_shop_keeps_what_the_law_asks(seller: Seller) -> None:
    bring(seller, csv_of(GOODS, LOBSTER))
    publish(seller, "R-1")
    words = {"title_zh": "Lobster", "title_en": "Lobster"}
    brought = bring(seller, csv_of({"sku": "R-1", **words}, {"sku": "G-1", **words}))
    assert brought.counts == (0, 1, 0, 1)  # a draft may say it
    assert brought.faults == [("1", "title_zh", "listing_incomplete")]
    assert (listing(seller, "R-1").status, listing(seller, "R-1").title_zh) == ("published", LOBSTER["title_zh"])
    assert bring(seller, csv_of({"sku": "R-1", "title_zh": "龙虾"})).counts == (0, 1, 0, 0)
    assert listing(seller, "R-1").status == "published"
    # What goes to review is looked at whole there, as with PATCH.
    assert bring(seller, csv_of({"sku": "R-1", **words, "gross_weight_kg": "0.7"})).counts == (0, 1, 0, 0)
    assert listing(seller, "R-1").status == "submitted"


def test_a_changed_bar_code_changes_its_element(seller: Seller) -> None:
    bring(seller, csv_of({**LOBSTER, "gtin": "6901234567892"}))
    publish(seller, "R-1")
    assert dict(listing(seller, "R-1").declaration_elements)["GTIN"] == "6901234567892"
    bring(seller, csv_of({"sku": "R-1", "gtin": "4006381333931"}))
    key = listing(seller, "R-1").id
    listings.review("tests", key, "approve", "")
    assert dict(listing(seller, "R-1").declaration_elements)["GTIN"] == "4006381333931"
    other = {**LOBSTER, "gtin": "4006381333931", "declaration_elements": LOBSTER["declaration_elements"] + "; GTIN=1"}
    assert bring(seller, csv_of(other)).counts == (0, 0, 1, 0)  # the listing's own is what counts
    assert listing(seller, "R-1").status == "published"
