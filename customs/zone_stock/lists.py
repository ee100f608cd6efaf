"""Retail lists and the account book: claimed when a list is filed, drawn at its release, freed when it is void.

A list whose item the book does not have is let through outside production, where lots may be received without an entry;
the report of differences names what lies there without one.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, config
from core.errors import Problem, declare
from core.money import plain
from customs import notices
from customs.models import Declaration
from customs.zone_stock import book, returned
from customs.zone_stock.lines import quantity_of
from customs.zone_stock_models import BookClaim, BookItem

NOT_ON_BOOK = declare("not_on_account_book", 409, "The account book does not have these goods")

BONDED = "1210"
_VOID = ("rejected", "cancelled", "failed", "returned_abroad")


def reserve(session: Session, declaration: Declaration) -> None:
    """Claim what the list of a declaration needs, once; in the transaction that makes the list ready.

    Raises Problem `account_book_short`, `account_book_differs`, `account_book_unit`, `not_on_account_book`.
    """
    wanted = _wanted(session, declaration)
    held = {claim.item_id for claim in _claims(session, declaration.id) if claim.state != "freed"}
    fresh = {item_id: quantity for item_id, quantity in wanted.items() if item_id not in held}
    book.reserve(session, fresh)
    for item_id, quantity in fresh.items():
        row = {"declaration_id": declaration.id, "item_id": item_id, "quantity": quantity, "state": "held"}
        again = {"quantity": quantity, "state": "held"}
        keys = ["declaration_id", "item_id"]
        session.execute(insert(BookClaim).values(row).on_conflict_do_update(index_elements=keys, set_=again))


def claim_again(session: Session, declaration: Declaration) -> None:
    """A list that was given up goes out as it was: claim what it needs, if it is still there.

    If not, the list goes out all the same, since its bytes stand; its release will take what is left or be named short.
    """
    try:
        with session.begin_nested():
            reserve(session, declaration)
    except Problem as problem:
        about = {"code": problem.code, "detail": problem.detail}
        audit.record(session, "filing", "account_book_not_claimed", "declaration", declaration.id, **about)


def _wanted(session: Session, declaration: Declaration) -> dict[uuid.UUID, Decimal]:
    if declaration.mode != BONDED:
        return {}
    wanted: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for line in declaration.snapshot["lines"]:
        item = book.numbered(session, declaration.warehouse_id, line.get("item_record_no"))
        if item is None:
            if config.current().production:
                raise Problem(NOT_ON_BOOK, f"item {line.get('item_record_no')} is not on the account book")
            continue
        _compare(item, line, declaration)
        wanted[item.id] += quantity_of(item, line)
    return dict(sorted(wanted.items()))


def _compare(item: BookItem, line: Mapping[str, Any], declaration: Declaration) -> None:
    """Customs refuses a line whose number is another's goods."""
    if (item.hs, item.origin, item.merchant_id) != (line["hs"], line["origin"], declaration.merchant_id):
        raise Problem(
            book.DIFFERS, f"{item.record_no} is {item.hs} of {item.origin}, the line {line['hs']} of {line['origin']}"
        )


def _claims(session: Session, declaration_id: uuid.UUID) -> list[BookClaim]:
    query = select(BookClaim).where(BookClaim.declaration_id == declaration_id).order_by(BookClaim.item_id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def on_declaration(session: Session, order_number: str, state: str, info: Mapping[str, Any]) -> None:
    """What becomes of a list, in the transaction that applies the receipt; it has locked the declaration."""
    declaration_id = uuid.UUID(info["declaration"])
    if state == "released":
        _draw(session, declaration_id, order_number)
    elif state in _VOID:
        free(session, declaration_id)
    elif state == "returned":
        returned.expect(session, session.get_one(Declaration, declaration_id), info["number"], info["lines"])


def _draw(session: Session, declaration_id: uuid.UUID, order_number: str) -> None:
    """Off the book, once. What was freed before (a list thought lost) is taken of what is left, or found short."""
    for claim in _claims(session, declaration_id):
        if claim.state not in ("held", "freed"):
            continue
        facts = (claim.item_id, claim.quantity, "sale", order_number)
        drawn = book.draw(session, *facts, claimed=claim.state == "held")
        claim.state = "drawn" if drawn else "short"
        if not drawn:
            lacking = {"item": str(claim.item_id), "quantity": plain(claim.quantity)}
            audit.record(session, "customs", "account_book_short", "declaration", declaration_id, **lacking)


def free(session: Session, declaration_id: uuid.UUID) -> None:
    """The list is void: what it claimed is free again. Asked twice it frees once."""
    for claim in _claims(session, declaration_id):
        if claim.state == "held":
            book.release(session, {claim.item_id: claim.quantity})
            claim.state = "freed"


notices.subscribe(on_declaration, first=True, states=("released", "returned", *_VOID))
