"""Row by row: good rows become drafts by the rules of POST /listings, bad ones stand in the report, none stops another."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from marshmallow import ValidationError
from sqlalchemy import select

from catalog import listings, receiving
from catalog.api import inputs, schemas
from catalog.imports.header import read_header
from catalog.imports.rows import RowReader
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
    entries = db.session.scalars(select(AuditEntry).filter_by(object_id=str(brought.key), action="listings_imported"))
    assert [entry.data["created"] for entry in entries] == [2]


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


def test_a_price_that_rounds_to_nothing_fails_its_row_only(seller: Seller) -> None:
    weight = {"priced_by": "kg", "price_per_kg": "0.01", "piece_weight_kg": "0.001", "weight_tolerance": "5"}
    free = {**GOODS, "unit": "piece", "price": "", "net_weight_kg": "", **weight}
    brought = bring(seller, csv_of(free, {**GOODS, "sku": "G-2"}))
    assert (brought.status, brought.counts) == ("done", (1, 0, 0, 1))
    assert brought.faults == [("1", "price_per_kg", "invalid_input")]


def test_the_life_that_a_file_asks_for_reaches_the_lots(seller: Seller, store: uuid.UUID) -> None:
    bring(seller, csv_of({**GOODS, "least_life_days": ""}))
    listing = db.session.scalars(select(Listing.id).filter_by(merchant_id=seller.id)).one()
    lot = builders.receive(seller, listing, store, "10")
    assert receiving.own_one(seller.id, lot)["least_life_days"] == 3
    brought = bring(seller, csv_of({**GOODS, "least_life_days": "200"}))
    db.session.rollback()
    assert brought.counts == (0, 1, 0, 0)
    assert receiving.own_one(seller.id, lot)["least_life_days"] == 203


def test_what_stands_in_each_others_way_fails_its_row_only(seller: Seller) -> None:
    both = {**GOODS, "sku": "G-2", "least_life_days": "10", "least_life_percent": "20"}
    brought = bring(seller, csv_of(GOODS, both, {**GOODS, "sku": "G-3"}))
    assert (brought.status, brought.counts) == ("done", (2, 0, 0, 1))
    assert [(line["row"], line["field"], line["message"]) for line in brought.errors] == [
        ("2", "least_life_days", "give either days or percent")
    ]


def test_who_sends_a_file_answers_for_its_codes(seller: Seller) -> None:
    bring(seller, csv_of(GOODS, {**GOODS, "sku": "G-2"}), preview=True)
    made = bring(seller, csv_of(GOODS, {**GOODS, "sku": "G-2"}))
    changed = bring(seller, csv_of({"sku": "G-1", "hs": "0202300010"}, {"sku": "G-2", "hs": GOODS["hs"]}))
    statement = select(AuditEntry).filter_by(action="hs_confirmed").order_by(AuditEntry.id)
    told = [(entry.object_id, entry.actor, entry.data["codes"]) for entry in db.session.scalars(statement)]
    one, two = (
        str(key)
        for key in db.session.scalars(select(Listing.id).filter_by(merchant_id=seller.id).order_by(Listing.sku))
    )
    who = str(seller.owner.id)
    assert told == [
        (str(made.key), who, {"0202300090": {one: 1, two: 1}}),
        (str(changed.key), who, {"0202300010": {one: 2}}),
    ]


def test_only_short_cells_are_remembered(seller: Seller) -> None:
    """A number with a megabyte of spaces around it is a number, and must not stay in the memory."""
    reader = RowReader(read_header(["sku", "price"]))
    price = next(each.read for each in reader._readers if each.name == "price")
    assert price("5" + " " * 100_000) == price("5") == 500
    known = next(cell.cell_contents for cell in price.__closure__ or () if hasattr(cell.cell_contents, "cache_info"))
    assert known.cache_info().currsize == 1
