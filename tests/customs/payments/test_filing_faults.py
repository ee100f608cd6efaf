"""What keeps an order from being filed is kept element by element, shown with advice, and filed again once mended."""

import uuid
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from core.database import db, transaction
from customs import declaration_views, declarations, filing, filing_documents, filing_faults
from customs.models import Declaration, Warehouse
from customs.window.matching import Mismatch
from customs.window.messages import Violation, parse
from tests.customs.desk import builders
from tests.customs.desk.builders import status_of
from tests.customs.desk.window import FakeWindow


def opened(**changes: Any) -> uuid.UUID:
    request = builders.filing(*builders.buyer(), **changes)
    with transaction() as session:
        return declarations.open_retail(session, request)


def faults(declaration_id: uuid.UUID) -> list[dict[str, Any]]:
    found = declaration_views.detail(declaration_id)["faults"]
    db.session.rollback()
    return found


def test_a_mismatch_is_kept_with_both_values(window: FakeWindow) -> None:
    found = opened(payer_name="王五")
    filing.file(str(found))
    assert window.sent == []
    (only,) = faults(found)
    assert (only["path"], only["rule"]) == ("411/payerName", "must equal buyerName of the order")
    assert only["values"] == [["311/buyerName", "张*"], ["411/payerName", "王*"]]
    info = db.session.scalar(select(Declaration.status_info))
    db.session.rollback()
    assert info == "411/payerName: must equal buyerName of the order (311/buyerName 张*, 411/payerName 王*)"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"paid_fen": 1}, "311/acturalPaid"),
        ({"tax_fen": 0}, "311/acturalPaid"),
        ({"discount_fen": 1}, "311/acturalPaid"),
        ({"net_weight_kg": Decimal("9")}, "621/grossWeight"),
    ],
)
def test_sums_and_weights_stop_it(window: FakeWindow, changes: dict[str, Any], path: str) -> None:
    found = opened(**changes)
    filing.file(str(found))
    assert window.sent == []
    element = path.split("/")[1]
    assert any(each["path"].endswith(element) for each in faults(found)), faults(found)


def test_mended_it_is_filed_again(window: FakeWindow) -> None:
    """The account book of the warehouse was typed wrongly; nothing was sent before it was mended."""
    found = opened()
    with transaction() as session:
        session.execute(update(Warehouse).values(area_code="", area_name=""))
    filing.file(str(found))
    assert status_of(found) == "failed"
    assert {each["path"].rsplit("/", 1)[-1] for each in faults(found)} >= {"areaCode"}
    with transaction() as session:
        session.execute(update(Warehouse).values(area_code="4601960W77", area_name="测试保税仓储有限公司"))
    filing.file_again(found, "desk")
    assert faults(found) == []
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]


def test_what_may_not_come_in_on_the_filing_day_is_not_even_begun(window: FakeWindow) -> None:
    """The order alone is above the limit of a transaction: order, payment and waybill stay here too."""
    dear = builders.line(goods_fen=600_000, dutiable_value_fen=600_333, price=None, quantity=Decimal(3))
    changes = {"lines": (dear,), "paid_fen": 600_000 + 333 + 651, "assessed_on": date(2026, 11, 20)}
    found = opened(**changes)
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    assert [each["path"] for each in faults(found)] == ["621"]


def test_goods_off_the_list_on_the_filing_day(window: FakeWindow) -> None:
    off = builders.line(hs="0202300090", origin="BR", elements=(("品名", "冷冻牛肉"),))
    found = opened(lines=(off,), assessed_on=date(2026, 11, 20))
    filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    assert [each["path"] for each in faults(found)] == ["621"]


def test_an_enterprise_whose_registration_is_over_is_not_named(
    window: FakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = filing_documents.parties()
    over = replace(own, payment=replace(own.payment, last_day=date(2026, 11, 22)))
    found = opened()
    with monkeypatch.context() as patch:
        patch.setattr(filing_documents, "parties", lambda: over)
        filing.file(str(found))
    assert (window.sent, status_of(found)) == ([], "failed")
    (only,) = faults(found)
    assert only["path"] == "411/payCode"
    filing.file_again(found, "desk")
    filing.file(str(found))
    assert window.kinds() == ["311", "411", "511"]


def test_a_foreign_merchant_files_under_its_agents_name(window: FakeWindow) -> None:
    filing.file(str(opened(seller_name="境内代理有限公司")))
    assert parse(window.sent[0][2]).documents[0]["ebcName"] == "境内代理有限公司"
    assert db.session.scalar(select(Declaration.merchant_name)) == "测试商家有限公司"
    db.session.rollback()


def test_many_faults_fit() -> None:
    broken = [Violation("x" * 30, "y" * 30)] * 80 + [Mismatch("a", "b", (("c", "d"),))]
    assert len(filing_faults.of(broken)) == filing_faults.KEPT_MOST
    assert len(filing_faults.in_words(filing_faults.of(broken))) == 1000
