"""F71, rule A15: the law changes between quote and filing; the buyer pays the quote, customs gets the law of its day."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from core import clock
from core.config import ClockSetting
from core.database import db
from core.errors import invalid
from customs import edition, filing, retaxing
from customs.models import Declaration, DeclarationLine
from tests.customs.desk import builders
from tests.customs.desk.builders import Caller, receipt, status_of
from tests.customs.desk.test_filing import opened, take
from tests.customs.desk.window import FakeWindow

CHARGED = {"tax_fen": 723, "paid_fen": 9999 + 333 + 723}


def at_noon(day: int, month: int) -> None:
    clock.set_clock(ClockSetting(fixed=datetime(2019, month, day, 4, tzinfo=UTC)))


def quoted(**changes: Any) -> Any:
    """Frozen lobster quoted on 31 March 2019 at 70 % of 10 % VAT, the last day of that rate."""
    at_noon(31, 3)
    lines = (replace(builders.line(hs="0306120000", origin="CA"), vat_fen=723),)
    return opened(lines=lines, assessed_on=date(2019, 3, 31), edition=edition.tariff().edition, **CHARGED, **changes)


def papers(found: Any) -> None:
    filing.file(str(found))
    take(*(receipt(found, kind, "120", "20190331120001000") for kind in ("311", "411", "511")))


def test_filed_on_the_next_day_it_carries_the_new_rate(app: Any, window: FakeWindow, heard: list) -> None:
    found = quoted()
    papers(found)
    at_noon(1, 4)
    filing.file(str(found))
    assert window.kinds()[-1] == "621"
    line = db.session.scalars(select(DeclarationLine)).one()
    head = db.session.get_one(Declaration, found)
    assert (line.vat_fen, line.tax_fen, line.charged_tax_fen) == (651, 651, 723)
    assert (head.charged_tax_fen, f"{head.assessed_on}", f"{head.filed_on}") == (723, "2019-04-01", "2019-04-01")
    db.session.rollback()
    assert [(state, info["charged_fen"], info["declared_fen"]) for _, state, info in heard] == [("retaxed", 723, 651)]
    take(receipt(found, "621", "800", "20190402120000000"))
    body = Caller(app, "customs").get("/customs/reports/duty?from=2019-04&to=2019-04").get_json()
    assert (body["totals"]["tax"], body["totals"]["charged_tax"]) == ("6.51", "7.23")


def test_filed_on_the_same_day_nothing_is_asked_again(window: FakeWindow, heard: list) -> None:
    found = quoted()
    papers(found)
    filing.file(str(found))
    assert db.session.scalars(select(DeclarationLine.vat_fen)).one() == 723
    db.session.rollback()
    assert heard == []


def test_what_may_not_enter_any_more_is_not_filed(window: FakeWindow, heard: list) -> None:
    """Customs hears nothing of the order: its papers stay here too."""
    lines = (replace(builders.line(hs="0202300090"), vat_fen=651),)
    found = opened(lines=lines, assessed_on=date(2026, 11, 22))
    filing.file(str(found))
    assert window.sent == []
    assert status_of(found) == "failed"
    assert [state for _, state, _ in heard] == ["failed"]


def test_what_may_no_longer_enter_when_the_list_is_due(
    window: FakeWindow, heard: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The law changed while customs held the papers."""
    found = quoted()
    papers(found)

    def closed(*_: Any) -> None:
        raise invalid("hs", "may not be imported on this day")

    monkeypatch.setattr(retaxing, "taxes_of", closed)
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]
    assert status_of(found) == "failed"
    assert [state for _, state, _ in heard] == ["failed"]
