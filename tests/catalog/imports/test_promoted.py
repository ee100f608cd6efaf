"""A file of listings while one of them has a promotion: its price is not the file's to change meanwhile."""

from __future__ import annotations

import uuid
from datetime import timedelta

from catalog import promotions
from core import clock
from tests.catalog.builders import Seller
from tests.catalog.imports.files import GOODS, bring, csv_of
from tests.catalog.imports.test_again import listing, publish


def test_the_same_file_says_nothing_new_and_another_price_is_refused(seller: Seller) -> None:
    raw = csv_of(GOODS)
    bring(seller, raw)
    publish(seller, GOODS["sku"])
    bring(seller, raw)
    row = listing(seller, GOODS["sku"])
    regular, now = row.price_fen, clock.now()
    terms = {"listing_id": row.id, "percent": 10, "price": None, "units": None, "per_person": None}
    terms |= {"valid_from": now - timedelta(hours=1), "valid_to": now + timedelta(days=1)}
    made = promotions.create(seller.owner.id, seller.id, terms, uuid.uuid4())
    assert listing(seller, GOODS["sku"]).price_fen < regular
    assert bring(seller, raw).counts == (0, 0, 1, 0)
    dearer = bring(seller, csv_of({**GOODS, "price": "999.99"}))
    assert dearer.counts == (0, 0, 0, 1)
    promotions.stop(seller.owner.id, seller.id, uuid.UUID(made["id"]))
    assert listing(seller, GOODS["sku"]).price_fen == regular
    assert bring(seller, raw).counts == (0, 0, 1, 0)
