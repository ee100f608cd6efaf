"""Customs' own account book is told what enters a zone and what leaves it otherwise than by sale.

Where an address is set (the sandbox window's; `ACCOUNT_BOOK_URL`), each such change is filed there by a job made in its
transaction. Sales and returns customs knows from lists. In production the zone files with its own software.
"""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import config, jobs
from core.database import db, end_read
from core.money import plain
from customs import codes
from customs.models import Warehouse
from customs.window.http import NoAnswer, exchange
from customs.zone_stock_models import BookEntry, BookItem

log = structlog.get_logger()

TELL = "customs.tell_account_book"
TIMEOUT_SECONDS = 8
ANSWER_BYTES_MAX = 1024 * 1024
_KNOWN_FROM_LISTS = ("sale", "return")


def changed(session: Session, entry_id: int, item_id: uuid.UUID, kind: str) -> None:
    """An entry of the book was written in this transaction; the changes of an item are told in their order."""
    if kind not in _KNOWN_FROM_LISTS and config.current().account_book_url:
        jobs.defer(session, TELL, lock=f"account book {item_id}", entry_id=entry_id)


@jobs.task(TELL)
def tell(entry_id: int) -> None:
    """File one change; a reference counts once, so a second run does no harm. Raises NoAnswer, to be run again."""
    url = config.current().account_book_url
    query = select(BookEntry, BookItem, Warehouse.ems_no)
    joined = query.join(BookItem, BookItem.id == BookEntry.item_id).join(
        Warehouse, Warehouse.id == BookItem.warehouse_id
    )
    found = db.session.execute(joined.where(BookEntry.id == entry_id)).first()
    if found is None or not url:
        return
    entry, item, ems_no = found
    told = {
        "ems_no": ems_no,
        "reference": f"{entry.kind}-{entry.id}",
        "way": "in" if entry.quantity > 0 else "out",
        "items": [
            {
                "item_record_no": item.record_no,
                "gcode": item.hs,
                "unit": codes.unit_code(item.unit),
                "quantity": plain(abs(entry.quantity)),
            }
        ],
    }
    end_read()
    reply = exchange(url, seconds=TIMEOUT_SECONDS, at_most=ANSWER_BYTES_MAX, json=told)
    if 400 <= reply.status < 500:
        words = reply.body[:300].decode("utf-8", "replace")
        log.warning("account_book_refused", entry=entry_id, status=reply.status, answer=words)
    elif not 200 <= reply.status < 300:
        raise NoAnswer(f"the account book answered {reply.status}")
