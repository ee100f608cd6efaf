"""I15: the report is the sum of the declarations, to the fen, the same bytes each time (F59, F60)."""

import csv
import io
import json
import time
import uuid
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from core import clock
from core.database import db, transaction
from core.money import parse_fen
from customs import declarations, filing
from customs.models import Declaration, DeclarationLine
from customs.reports import access, check, duty, table
from tests.customs.desk import builders
from tests.customs.desk.builders import Caller, at, receipt, status_of
from tests.customs.desk.test_filing import later, listed, take
from tests.customs.desk.window import FakeWindow

OTHER = uuid.UUID("00000000-0000-7000-8000-000000000002")
AMOUNTS = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax")


def released(window: FakeWindow, number: str, when: str, **changes: Any) -> uuid.UUID:
    found = listed(window, number=number, **changes)
    take(receipt(found, "621", "800", when, invtNo=f"INV{number}"[:18]))
    assert status_of(found) == "released"
    return found


@pytest.fixture
def year(window: FakeWindow) -> list[uuid.UUID]:
    """Four released orders: two months, two merchants, two origins, three codes; and one that is not released."""
    two = (builders.line(), builders.line(sku="MILK", hs="1901101000", origin="NZ", vat_fen=652, item_record_no="R2"))
    dear = (builders.line(hs="3304990011", consumption_tax_fen=1234, vat_fen=1070),)
    rows = [
        released(window, "LF2611000001", "20261031235959999"),
        released(window, "LF2611000002", "20261101000000000", lines=two, goods=2),
        released(window, "LF2611000003", at(1), lines=dear),
        released(window, "LF2611000004", at(2), merchant_id=OTHER, merchant_name="=cmd()|乙"),
    ]
    listed(window, number="LF2611000005")
    return rows


@pytest.fixture(autouse=True)
def _sums_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders of these tests pay what their lines say."""
    real = builders.filing

    def fitting(account_id: Any, person_id: Any, number: str = "LF2611230001", **changes: Any) -> Any:
        changes.pop("goods", None)
        lines = changes.get("lines", (builders.line(),))
        goods, tax = sum(line.goods_fen for line in lines), sum(line.tax_fen for line in lines)
        freight = sum(line.freight_fen for line in lines)
        sums = {"freight_fen": freight, "tax_fen": tax, "paid_fen": goods + freight + tax}
        return real(account_id, person_id, number, **{**sums, **changes})

    monkeypatch.setattr(builders, "filing", fitting)


def by_hand(**wanted: Any) -> dict[str, int]:
    """The sums of released lines, added up one by one in Python."""
    found: Counter[str] = Counter()
    for line in db.session.scalars(select(DeclarationLine).filter_by(**wanted)):
        if line.released_on is not None:
            found.update({name: getattr(line, f"{name}_fen") for name in AMOUNTS})
    db.session.rollback()
    return dict(found)


@pytest.mark.parametrize("cut", list(duty.CUTS))
def test_every_cut_adds_up_to_the_declarations(app: Any, year: list[uuid.UUID], cut: str) -> None:
    body = Caller(app, "customs").get(f"/customs/reports/duty?from=2026-01&to=2026-12&by={cut}").get_json()
    expected = by_hand()
    for name in AMOUNTS:
        assert parse_fen(body["totals"][name]) == expected[name]
        assert sum(parse_fen(row[name]) for row in body["rows"]) == expected[name]
    assert body["totals"]["lines"] == sum(row["lines"] for row in body["rows"]) == 5
    assert body["totals"]["declarations"] == 4


def test_two_cuts_at_once_and_the_month_is_beijings(app: Any, year: list[uuid.UUID]) -> None:
    query = "/customs/reports/duty?from=2026-10-01&to=2026-11-30&by=month,origin"
    rows = Caller(app, "customs").get(query).get_json()["rows"]
    assert [(row["month"], row["origin"], row["lines"]) for row in rows] == [
        ("2026-10", "AR", 1),
        ("2026-11", "AR", 3),
        ("2026-11", "NZ", 1),
    ]


def test_days_are_inclusive(app: Any, year: list[uuid.UUID]) -> None:
    caller = Caller(app, "customs")
    for first, last, lines in (
        ("2026-10-31", "2026-10-31", 1),
        ("2026-11-01", "2026-11-01", 2),
        ("2026-11-02", "2026-11-22", 0),
    ):
        body = caller.get(f"/customs/reports/duty?from={first}&to={last}").get_json()
        assert body["totals"]["lines"] == lines
        assert ("note" in body) == (lines == 0)


def test_a_merchant_sees_its_own(app: Any, year: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Caller(app, "merchant")
    query = "/customs/reports/duty?from=2026-01&to=2026-12&by=merchant"
    assert mine.get(query).status_code == 403  # acts for nobody
    monkeypatch.setattr("catalog.members.role_of", lambda account: "owner")
    monkeypatch.setattr(access, "merchant_of", lambda account: OTHER if account == mine.account_id else None)
    body = mine.get(query).get_json()
    assert [row["merchant"] for row in body["rows"]] == [str(OTHER)]
    assert parse_fen(body["totals"]["tax"]) == by_hand(merchant_id=OTHER)["tax"]
    foreign = "00000000-0000-7000-8000-000000000001"
    assert mine.get(f"{query}&merchant={foreign}").status_code == 403
    for role in ("consumer", "operator"):
        assert Caller(app, role).get(query).status_code == 403


def test_the_same_request_gives_the_same_bytes(
    app: Any, year: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller(app, "customs")
    for form in ("json", "csv"):
        query = f"/customs/reports/duty?from=2026-01&to=2026-12&by=merchant,zone,hs8&format={form}"
        first = caller.get(query).data
        with transaction() as session:  # the same rows, laid down elsewhere in the table
            session.execute(update(DeclarationLine).values(name=DeclarationLine.name))
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        assert caller.get(query).data == first
        monkeypatch.delenv("TZ")
        time.tzset()


def test_csv_says_the_same_and_runs_nothing(app: Any, year: list[uuid.UUID]) -> None:
    answer = Caller(app, "customs").get("/customs/reports/duty?from=2026-01&to=2026-12&by=merchant&format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode())))
    assert rows[-1]["merchant"] == "total"
    assert parse_fen(rows[-1]["tax"]) == by_hand()["tax"]
    assert [row["merchant_name"] for row in rows[:-1]] == ["测试商家有限公司", "'=cmd()|乙"]


@pytest.mark.parametrize(
    ("cell", "shown"), [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("a=b", "a=b")]
)
def test_cells_that_would_run_are_told_apart(cell: str, shown: str) -> None:
    assert table.harmless(cell) == shown


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-02-30&to=2026-12", "from"),
        ("from=2026-01&to=2025-01", "to"),
        ("from=2026-01", "to"),
        ("from=2026-01&to=2026-12&by=colour", "by"),
        ("from=2026-01&to=2026-12&by=month,month", "by"),
        ("from=2026-01&to=2026-12&by=", "by"),
        ("from=2026-01&to=2026-12&format=docx", "format"),
        ("from=2026-01&to=2026-12&colour=red", "colour"),
    ],
)
def test_bad_questions_name_their_field(app: Any, window: FakeWindow, query: str, field: str) -> None:
    answer = Caller(app, "customs").get(f"/customs/reports/duty?{query}")
    assert answer.status_code == 422
    assert field in answer.get_json()["errors"]


def test_the_check_finds_a_line_that_was_changed(year: list[uuid.UUID]) -> None:
    assert list(check.breaks(db.session())) == []
    db.session.rollback()
    with transaction() as session:
        session.execute(
            update(DeclarationLine).where(DeclarationLine.declaration_id == year[0]).values(zone="elsewhere")
        )
        session.execute(
            update(DeclarationLine).where(DeclarationLine.declaration_id == year[2]).values(charged_tax_fen=1)
        )
    found = list(check.breaks(db.session()))
    db.session.rollback()
    assert [line.split(":")[0] for line in found] == ["declaration LF2611000001", "declaration LF2611000003"]


class TestReturns:
    """Tax on goods sent back is taken off on the day it is granted; the month before stays as it was."""

    def sent_back(self, window: FakeWindow, found: uuid.UUID, quantity: str, number: int) -> None:
        with transaction() as session:
            declarations.file_return(session, "LF2611000001", [(1, Decimal(quantity))], "too many")
        filing.file_requests(str(found))
        assert window.kinds()[-1] == "625"
        take(receipt(found, "625", "399", f"2026112{number}120000000"))

    def test_parts_add_up_to_the_whole(self, app: Any, window: FakeWindow, heard: list) -> None:
        found = released(window, "LF2611000001", "20261031120000000")
        before = Caller(app, "customs").get("/customs/reports/duty?from=2026-10&to=2026-10").data
        for number, quantity in enumerate(("1", "0.5", "1.5"), 3):
            self.sent_back(window, found, quantity, number)
        query = "/customs/reports/duty?from=2026-11&to=2026-11&by=hs8"
        body = Caller(app, "customs").get(query).get_json()
        assert (body["totals"]["tax"], body["totals"]["dutiable_value"]) == ("-6.51", "-103.32")
        assert Caller(app, "customs").get("/customs/reports/duty?from=2026-10&to=2026-10").data == before
        assert list(check.breaks(db.session())) == []
        db.session.rollback()
        said = [(state, info["lines"]) for _, state, info in heard if state == "returned"]
        assert said == [("returned", [[1, "1"]]), ("returned", [[1, "0.5"]]), ("returned", [[1, "1.5"]])]
        with transaction() as session, pytest.raises(Exception, match="at most 0"):
            declarations.file_return(session, "LF2611000001", [(1, Decimal("0.00001"))], "more")

    @pytest.mark.parametrize(("days", "fine"), [(30, True), (31, False)])
    def test_day_thirty_counts_and_day_thirty_one_does_not(self, window: FakeWindow, days: int, fine: bool) -> None:
        found = released(window, "LF2611000001", at(0))
        later(days * 86400)
        with transaction() as session:
            if fine:
                declarations.file_return(session, "LF2611000001", [(1, Decimal(1))], "late")
                return
            with pytest.raises(Exception, match="30 days"):
                declarations.file_return(session, "LF2611000001", [(1, Decimal(1))], "late")
        assert clock.today() > db.session.get_one(Declaration, found).released_on
        db.session.rollback()

    def test_a_refused_return_gives_its_quantity_free_again(self, window: FakeWindow, heard: list) -> None:
        found = released(window, "LF2611000001", at(0))
        with transaction() as session:
            declarations.file_return(session, "LF2611000001", [(1, Decimal(3))], "all")
        filing.file_requests(str(found))
        take(receipt(found, "625", "100", at(9)))
        assert heard[-1][1] == "return_refused"
        with transaction() as session:
            declarations.file_return(session, "LF2611000001", [(1, Decimal(3))], "again")


def test_trade_by_origin_with_the_year_before(app: Any, year: list[uuid.UUID]) -> None:
    with transaction() as session:
        session.execute(
            update(DeclarationLine).where(DeclarationLine.declaration_id == year[0]).values(released_on="2025-11-15")
        )
    body = Caller(app, "customs").get("/customs/statistics/trade?from=2026-11&to=2026-11&by=month,origin").get_json()
    rows = {row["origin"]: row for row in body["rows"]}
    assert (rows["AR"]["month"], rows["AR"]["value"], rows["AR"]["value_year_before"]) == (
        "2026-11",
        "309.96",
        "103.32",
    )
    assert rows["AR"]["change_percent"] == "200"
    assert rows["NZ"]["change_percent"] is None
    json.dumps(body)
