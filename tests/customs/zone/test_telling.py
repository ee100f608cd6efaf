"""What enters and leaves the zone is told to customs' own account book, once and in order, where there is one."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from core import config, jobs
from core.database import db
from customs.window.http import NoAnswer
from customs.zone_stock import telling
from customs.zone_stock_models import BookEntry
from tests.customs.zone.builders import Zone, bring_in, line


class Office:
    """Customs' book: what it was told, and how it answers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 201
        office = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                office.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(office.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/books"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def office(settings: Any) -> Iterator[Office]:
    found = Office()
    config.use(replace(settings, account_book_url=found.url))
    yield found
    config.use(settings)
    found.server.shutdown()
    found.server.server_close()


def latest() -> int:
    found = db.session.scalars(select(BookEntry.id).order_by(BookEntry.id.desc()).limit(1)).one()
    db.session.rollback()
    return found


def test_an_entry_is_told_with_its_item(app: Any, zone: Zone, office: Office) -> None:
    entry = bring_in(zone, line(zone, quantity=Decimal(7)))
    jobs.run_worker(app, wait=False)
    mine = [told for told in office.told if told["reference"] == f"entry-{latest()}"]
    assert len(mine) == 1
    (item,) = mine[0]["items"]
    assert (mine[0]["way"], item["quantity"]) == ("in", "7")
    assert item["item_record_no"] == entry["lines"][0]["item_record_no"]
    assert (len(item["gcode"]), len(item["unit"])) == (10, 3)


def test_no_answer_is_tried_again_and_a_refusal_is_not(zone: Zone, office: Office) -> None:
    bring_in(zone)
    office.status = 503
    with pytest.raises(NoAnswer):
        telling.tell(latest())
    office.status = 422
    telling.tell(latest())
    assert office.told[0] == office.told[1]


def test_nobody_is_told_where_there_is_no_address(app: Any, zone: Zone, office: Office, settings: Any) -> None:
    config.use(settings)
    bring_in(zone)
    jobs.run_worker(app, wait=False)
    telling.tell(latest())
    assert office.told == []
