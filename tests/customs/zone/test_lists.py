"""Retail lists and the account book: claimed when filed, drawn at release, given back when void; never two for one."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import config
from core.database import db, end_read, transaction
from core.errors import Problem
from customs import declarations, filing
from customs.models import Declaration
from customs.zone_stock import book, differences
from customs.zone_stock_models import BookItem
from tests.customs.desk import builders as desk
from tests.customs.desk.builders import receipt, status_of
from tests.customs.desk.test_filing import INVT, take
from tests.customs.desk.window import FakeWindow
from tests.customs.zone.builders import Zone, balance, bring_in, item, line, log
from tests.customs.zone.selling import listed, opened, released


def info_of(found: uuid.UUID) -> str:
    end_read()
    said = db.session.scalar(select(Declaration.status_info).where(Declaration.id == found))
    end_read()
    return said or ""


def test_a_list_claims_when_it_is_filed_and_draws_at_release(zone: Zone, window: FakeWindow) -> None:
    bring_in(zone)
    found = opened(zone, "LF26110001", 30, desk.buyer())
    filing.file(str(found))
    assert balance(zone) == ("100", "0")  # the papers alone use nothing up
    listed(found)
    assert status_of(found) == "filed"
    assert balance(zone) == ("100", "30")
    filing.file(str(found))
    assert balance(zone) == ("100", "30")
    released(found)
    assert balance(zone) == ("70", "0")
    take(
        receipt(found, "621", "800", "20261123140000000", invtNo=INVT),
        receipt(found, "621", "899", "20261124100000000"),
    )
    assert balance(zone) == ("70", "0")
    assert log(zone) == [("entry", "100"), ("sale", "-30")]


def test_a_list_that_needs_more_than_is_free_is_not_filed(zone: Zone, window: FakeWindow) -> None:
    bring_in(zone)
    buyer = desk.buyer()
    first, second = opened(zone, "LF26110001", 60, buyer), opened(zone, "LF26110002", 60, buyer)
    listed(first)
    listed(second)
    assert (status_of(first), status_of(second)) == ("filed", "failed")
    assert "40 piece free, 60 needed" in info_of(second)
    assert window.kinds().count("621") == 1
    bring_in(zone, line(zone, quantity=Decimal(20)))
    filing.file_again(second, "desk")
    filing.file(str(second))
    assert status_of(second) == "filed"
    assert balance(zone) == ("120", "120")


@pytest.mark.parametrize("ending", ["100", "700", "-621001"])
def test_a_void_list_gives_its_claim_back_once(zone: Zone, window: FakeWindow, ending: str) -> None:
    bring_in(zone)
    found = opened(zone, "LF26110001", 30, desk.buyer())
    listed(found)
    take(receipt(found, "621", ending, "20261123130000000"), receipt(found, "621", ending, "20261123140000000"))
    assert balance(zone) == ("100", "0")
    assert log(zone) == [("entry", "100")]


def test_a_granted_withdrawal_gives_the_claim_back(zone: Zone, window: FakeWindow) -> None:
    bring_in(zone)
    found = opened(zone, "LF26110001", 30, desk.buyer())
    listed(found)
    take(receipt(found, "621", "120", "20261123120100000", invtNo=INVT))
    with transaction() as session:
        declarations.cancel(session, "LF26110001", "changed my mind")
    filing.file_requests(str(found))
    assert balance(zone) == ("100", "30")
    take(receipt(found, "623", "399", "20261123130000000"))
    assert balance(zone) == ("100", "0")


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"hs": "0306140000"}, "is 0306120000 of CA"), ({"origin": "US"}, "is 0306120000 of CA")],
)
def test_a_number_of_other_goods_is_not_filed(
    zone: Zone, window: FakeWindow, change: dict[str, Any], rule: str
) -> None:
    bring_in(zone)
    found = opened(zone, "LF26110001", 3, desk.buyer(), **change)
    listed(found)
    assert status_of(found) == "failed"
    assert rule in info_of(found)


def test_goods_the_book_does_not_have_pass_but_not_in_production(
    zone: Zone, window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(zone)
    found = opened(zone, "LF26110001", 3, desk.buyer(), item_record_no="LOOSE")
    listed(found)
    assert status_of(found) == "filed"
    assert balance(zone) == ("100", "0")
    monkeypatch.setattr(type(config.current()), "production", property(lambda _: True))
    other = opened(zone, "LF26110002", 3, desk.buyer(), item_record_no="LOOSE")
    with transaction() as session, pytest.raises(Problem) as refused:
        from customs.zone_stock import lists

        lists.reserve(session, session.get_one(Declaration, other))
    assert refused.value.code == "not_on_account_book"


def test_a_line_in_another_unit_is_counted_by_its_statutory_quantity(zone: Zone, window: FakeWindow) -> None:
    bring_in(zone)
    with transaction() as session:
        session.get_one(BookItem, item(zone).id).unit = "g"
    found = opened(zone, "LF26110001", 1, desk.buyer(), statutory=(Decimal("0.045"),))
    listed(found)
    assert balance(zone) == ("100", "45")


def test_released_though_thought_lost_is_drawn_of_what_is_left_or_named(zone: Zone, window: FakeWindow) -> None:
    """We gave a list up that customs releases after all; meanwhile another one took the goods."""
    bring_in(zone)
    buyer = desk.buyer()
    first, second = opened(zone, "LF26110001", 60, buyer), opened(zone, "LF26110002", 60, buyer)
    listed(first)
    with transaction() as session:
        from customs.zone_stock import lists

        lists.free(session, first)
    listed(second)
    released(second, "310520262I000000002"[:18])
    released(first)
    assert balance(zone) == ("40", "0")
    short = [each for each in differences.report() if each["kind"] == "list_short"]
    assert [(each["list"], each["difference"]) for each in short] == [("LF26110001", "-60")]


def test_a_list_given_up_and_sent_again_claims_again(zone: Zone, window: FakeWindow) -> None:
    from customs.dead_letters import resending
    from tests.customs.desk.builders import documents

    bring_in(zone)
    found = opened(zone, "LF26110001", 30, desk.buyer())
    filing.file(str(found))
    take(*(receipt(found, kind, "120", "20261123120000000") for kind in ("311", "411", "511")))
    window.answers = [400]
    filing.file(str(found))
    assert (status_of(found), balance(zone)) == ("failed", ("100", "0"))
    resending.resend(documents(found)["621"].id, "operator")
    assert (status_of(found), balance(zone)) == ("filed", ("100", "30"))


def test_two_lists_filed_at_once_never_use_the_same_goods(app: Any, zone: Zone, window: FakeWindow) -> None:
    bring_in(zone)
    buyer = desk.buyer()
    found = [opened(zone, f"LF2611000{number}", 40, buyer) for number in range(6)]
    for each in found:
        filing.file(str(each))
        take(*(receipt(each, kind, "120", "20261123120000000") for kind in ("311", "411", "511")))
    end_read()
    together = threading.Barrier(len(found))

    def run(declaration_id: uuid.UUID) -> None:
        with app.app_context():
            together.wait()
            filing.file(str(declaration_id))
            db.session.remove()

    with ThreadPoolExecutor(len(found)) as pool:
        list(pool.map(run, found))
    assert sorted(status_of(each) for each in found) == ["failed"] * 4 + ["filed"] * 2
    assert balance(zone) == ("100", "80")


def test_the_balance_is_the_sum_of_its_entries_whoever_asks_at_once(app: Any, zone: Zone) -> None:
    """Claims, draws, and entries of many threads on one item: never below zero, nothing lost."""
    bring_in(zone)
    item_id, drawn = item(zone).id, []

    def run(number: int) -> None:
        with app.app_context():
            try:
                with transaction() as session:
                    if number % 4 == 0:
                        book.add(session, {item_id: Decimal(1)}, "entry", f"E{number}")
                        return
                    book.reserve(session, {item_id: Decimal(7)})
                with transaction() as session:
                    if book.draw(session, item_id, Decimal(7), "sale", f"S{number}", claimed=True):
                        drawn.append(number)
            except Problem as problem:
                assert problem.code == "account_book_short"  # noqa: PT017 - some must fall short
            finally:
                db.session.remove()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(run, range(40)))
    added = 10
    assert 14 <= len(drawn) <= (100 + added) // 7
    assert balance(zone) == (str(100 + added - 7 * len(drawn)), "0")
    assert [each["kind"] for each in differences.report()] == ["stock_differs"]  # no lot moved, and no entry is lost
