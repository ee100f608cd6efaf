"""Who is shown how often: counted beside the pages, never in their way, and told with its concentration."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from catalog import exposure
from core import clock
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.catalog.statements import counted

SHELF = "/api/v1/catalog/listings"
AUDIT = "/api/v1/catalog/audit/exposure"


@pytest.fixture(autouse=True)
def _nothing_shown_yet() -> None:
    exposure._tally.take()


def written() -> dict[tuple[str, str], int]:
    rows = db.session.execute(
        text("SELECT category, merchant_id, shown FROM exposure WHERE day = :day"), {"day": clock.today()}
    )
    found = {(row.category, str(row.merchant_id)): row.shown for row in rows}
    db.session.rollback()
    return found


def test_pages_are_counted_and_written_in_batches(client: Any, seller: Seller, other_seller: Seller) -> None:
    builders.publish(seller, builders.retail())
    builders.publish(other_seller, builders.retail())
    builders.publish(seller, builders.general())
    for query in ({}, {"q": "龙虾"}, {"category": "beef"}):
        with counted() as sent:
            client.get(SHELF, query_string=query)
        assert len(sent) == 1
    assert written() == {}
    exposure.write()
    expected = {
        ("lobster", str(seller.id)): 2,
        ("lobster", str(other_seller.id)): 2,
        ("beef_boneless", str(seller.id)): 2,
    }
    assert written() == expected
    client.get(SHELF)
    exposure.write()
    exposure.write()
    assert written()["lobster", str(seller.id)] == 3


def test_many_threads_lose_no_count(app: Any, context: None, seller: Seller) -> None:
    class Row:
        category, merchant = "lobster", str(seller.id)

    def show() -> None:
        for _ in range(200):
            exposure.note([Row, Row])

    threads = [threading.Thread(target=show) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exposure.write()
    assert written() == {("lobster", str(seller.id)): 3200}


def test_the_report_tells_shares_and_concentration(
    client: Any, app: Any, seller: Seller, other_seller: Seller, operator: dict[str, str]
) -> None:
    for owner, count in ((seller, 1), (other_seller, 3)):
        for _ in range(count):
            builders.publish(owner, builders.retail())
    shown = {seller.id: 30, other_seller.id: 10}
    for owner, count in shown.items():
        exposure._tally.add([(clock.today(), "lobster", str(owner))] * count)
    exposure._tally.add([(clock.today() - timedelta(days=40), "lobster", str(seller.id))] * 1000)
    exposure.write()
    report = client.get(AUDIT, headers=operator).get_json()
    (lobster,) = report["categories"]
    assert (lobster["shown"], lobster["merchants"]) == (40, 2)
    assert (lobster["hhi"], lobster["hhi_listed"]) == (6250, 6250)  # 0.75² + 0.25², and the other way round
    first = lobster["largest"][0]
    assert (first["merchant"]["id"], first["share"], first["share_listed"]) == (str(seller.id), "75.00", "25.00")
    told = app.test_cli_runner().invoke(args=["catalog", "exposure"]).output
    assert "lobster: 40 cards of 2 merchants, HHI 6250 (listings 6250)" in told
    old = {
        "from": (clock.today() - timedelta(days=60)).isoformat(),
        "to": (clock.today() - timedelta(days=35)).isoformat(),
    }
    (lobster,) = client.get(AUDIT, query_string=old, headers=operator).get_json()["categories"]
    assert (lobster["shown"], lobster["hhi"]) == (1000, 10_000)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "2024-01-01", "to": "2026-01-01"},
        {"from": "now"},
        {"by": "x"},
    ],
)
def test_a_bad_period_is_refused(client: Any, operator: dict[str, str], query: dict[str, str]) -> None:
    assert client.get(AUDIT, query_string=query, headers=operator).status_code == 422


def test_only_an_operator_sees_it(client: Any, seller: Seller) -> None:
    assert client.get(AUDIT).status_code == 401
    assert client.get(AUDIT, headers=seller.bearer).status_code == 403
