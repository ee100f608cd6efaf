"""Row by row: good rows become drafts by the rules of POST /listings, bad ones stand in the report, none stops another."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError
from sqlalchemy import select

from catalog import listings
from catalog.api import inputs, schemas
from catalog.models import Listing, ListingVersion
from core.audit import AuditEntry
from core.database import db
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.catalog.imports.files import GOODS, LOBSTER, bring, csv_of


def stored(seller: Seller, sku: str) -> dict[str, Any]:
    row = db.session.scalars(select(Listing).filter_by(merchant_id=seller.id, sku=sku)).one()
    return listings.facts_of(row)


def test_a_file_makes_the_drafts_that_post_makes(seller: Seller, other_seller: Seller) -> None:
    brought = bring(seller, csv_of(GOODS, LOBSTER))
    assert (brought.status, brought.counts, brought.percent, brought.rows) == ("done", (2, 0, 0, 0), 100, 2)
    for ours, body in (("G-1", builders.general(sku="G-1")), ("R-1", builders.retail(sku="R-1"))):
        builders.draft(other_seller, body)
        assert stored(seller, ours) == stored(other_seller, ours)
    rows = db.session.scalars(select(Listing).filter_by(merchant_id=seller.id)).all()
    singles = {row.sku: row for row in db.session.scalars(select(Listing).filter_by(merchant_id=other_seller.id))}
    differ = {"id", "merchant_id", "created_at", "source_digest"}
    for row in rows:
        for column in set(Listing.__table__.columns.keys()) - differ:
            assert getattr(row, column) == getattr(singles[row.sku], column), column
    versions = db.session.scalars(select(ListingVersion).where(ListingVersion.listing_id.in_(row.id for row in rows)))
    assert {(version.version, version.actor) for version in versions} == {(1, str(seller.owner.id))}
    entries = db.session.scalars(select(AuditEntry).filter_by(object_id=str(brought.key))).all()
    assert [(entry.action, entry.data["created"]) for entry in entries] == [("listings_imported", 2)]


def test_bad_rows_are_told_and_stop_nothing(seller: Seller) -> None:
    bad = [
        {**GOODS, "sku": "B-1", "price": "-1.00"},
        {**GOODS, "sku": "B-2", "price": "99999999999.00"},
        {**GOODS, "sku": "B-3", "price": "0"},
        {**GOODS, "sku": "B-4", "hs": "9999999999"},
        {**GOODS, "sku": "B-5", "origin": "XX"},
        {**GOODS, "sku": "B-6", "category": "unicorns"},
        {**GOODS, "sku": "B 7"},
        {**GOODS, "sku": ""},
        {**GOODS, "sku": "B-9", "title_zh": "", "title_en": "", "brand": ""},
        {**GOODS, "sku": "B-10", "price": "1e3", "net_weight_kg": "NaN", "cold_chain": "maybe"},
        {**GOODS, "sku": "B-11", "price": "１２"},
        {**GOODS, "sku": "B-12", "title_en": "x" * 201},
        {**LOBSTER, "sku": "B-13", "hs": "0202300090", "category": "beef"},
        {**LOBSTER, "sku": "B-14", "net_content_unit": ""},
        {**GOODS, "sku": "B-15", "declaration_elements": "no equals sign"},
    ]
    brought = bring(seller, csv_of(GOODS, *bad))
    assert brought.counts == (1, 0, 0, 15)
    assert brought.report.startswith("row,field,code,message,allowed")
    assert brought.faults == [
        ("2", "price", "invalid_input"),
        ("3", "price", "invalid_input"),
        ("4", "price", "invalid_input"),
        ("5", "hs", "code_unknown"),
        ("6", "origin", "origin_unknown"),
        ("7", "category", "category_unknown"),
        ("8", "sku", "invalid_input"),
        ("9", "sku", "invalid_input"),
        ("10", "title_zh", "invalid_input"),
        ("10", "brand", "invalid_input"),
        ("11", "price", "invalid_input"),
        ("11", "net_weight_kg", "invalid_input"),
        ("11", "cold_chain", "invalid_input"),
        ("12", "price", "invalid_input"),
        ("13", "title_en", "invalid_input"),
        ("14", "hs", "not_on_positive_list"),
        ("15", "net_content_unit", "invalid_input"),
        ("16", "declaration_elements", "invalid_input"),
    ]
    price = brought.errors[0]
    assert price["allowed"].startswith("an amount in yuan such as 531.50, from 0.01 to")
    assert price["sku"] == "B-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "-1.00"},
        {"hs": "9999999999"},
        {"origin": "ZZ"},
        {"category": "unicorns"},
        {"unit": "furlong"},
        {"net_weight_kg": "0"},
        {"brand": "a\x00b"},
        {"route": "by_night"},
        {"gtin": "123456789012345"},
        {"specification": ""},
    ],
)
def test_refused_here_for_the_reason_post_refuses(seller: Seller, changes: dict[str, str]) -> None:
    """The same code and the same words, whichever way a listing comes."""
    brought = bring(seller, csv_of({**GOODS, **changes}))
    answer = refusal_of_post(seller, {**builders.general(sku="P-1"), **changes})
    ours = brought.errors[0]
    assert (brought.counts, answer["code"]) == ((0, 0, 0, 1), ours["code"])
    if changes != {"specification": ""}:
        assert [ours["message"]] == next(iter(answer["errors"].values()))


def refusal_of_post(seller: Seller, body: dict[str, Any]) -> dict[str, Any]:
    try:
        listings.create("tests", seller.id, inputs.listing_values(schemas.NewListing().load(body)))
    except ValidationError as fault:
        return {"code": "invalid_input", "errors": fault.messages}
    except Problem as refused:
        return {"code": refused.code, "errors": refused.errors}
    raise AssertionError("POST takes it")
