"""The operator's pages and the API of the check, taxes and guarantees."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import text

from core.database import db, end_read, transaction
from customs import filing_documents
from customs.guarantee import care
from customs.models import Declaration, TaxBill
from customs.money_models import TaxDifference, TaxPayment
from shop.window_check import findings, run
from shop.window_models import WindowFinding
from tests.shop import builders, paying, state
from tests.shop.pages.conftest import Browser

PAGES = ("/operations/window-check", "/operations/taxes", "/operations/taxes/differences", "/operations/guarantees")


@pytest.fixture
def browser(client: Any, context: None) -> Browser:
    return Browser(client)


@pytest.fixture
def sold(place: Any, stripe: Any, shelf: Any, run_jobs: Any) -> dict[str, Any]:
    return paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)


def _spoil(sold: dict[str, Any]) -> None:
    """Another payment number than was declared."""
    with transaction() as session:
        session.execute(text("UPDATE sales_order SET payment_no = 'X1' WHERE number = :n"), {"n": sold["number"]})
    run.check()
    end_read()


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_operators(browser: Browser, page: str) -> None:
    assert browser.go(page).status_code in (302, 303, 401)
    browser.sign_in(builders.open_account("consumer"))
    assert browser.go(page).status_code == 403


def test_findings_are_read_and_accepted_on_the_page(browser: Browser, sold: Any) -> None:
    _spoil(sold)
    browser.sign_in(builders.open_account("operator"))
    shown = browser.go("/operations/window-check").get_data(as_text=True)
    assert all(part in shown for part in (sold["number"], "The amount declared is not the amount paid", "amend the"))
    chinese = browser.go("/operations/window-check", "zh").get_data(as_text=True)
    assert "申报金额与付款金额不符" in chinese
    assert "The amount declared" not in chinese
    one = state.fresh().query(WindowFinding).one()
    action = f"/operations/window-check/{one.id}/accept"
    assert browser.send("/operations/window-check", action, remark="known").status_code == 303
    assert "None." in browser.go("/operations/window-check").get_data(as_text=True)
    assert "known" in browser.go("/operations/window-check?state=accepted").get_data(as_text=True)
    assert browser.send("/operations/window-check", "/operations/window-check/run").status_code == 303
    queued = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'shop.check_window'"
    assert db.session.scalar(text(queued)) == 1


def test_findings_over_the_api(client: Any, sold: Any) -> None:
    _spoil(sold)
    operator, desk = (builders.token_of(builders.open_account(role)) for role in ("operator", "customs"))
    url = "/api/v1/customs/window-check"
    body = client.get(url, headers=desk).get_json()
    assert body["open"] == {"amount_paid": 1}
    assert body["last_check"]["orders"] == 1
    (row,) = body["items"]
    assert (row["subject"], row["kind"]) == (sold["number"], "amount_paid")
    assert client.post(f"{url}/{row['id']}/accept", headers=desk, json={"remark": "x"}).status_code == 403
    assert client.post(f"{url}/{row['id']}/accept", headers=operator, json={}).status_code == 422
    assert client.post(f"{url}/{uuid.uuid4()}/accept", headers=operator, json={"remark": "x"}).status_code == 404
    assert client.post(f"{url}/{row['id']}/accept", headers=operator, json={"remark": "x"}).status_code == 200
    assert client.get(url, headers=desk).get_json()["items"] == []
    assert client.get(f"{url}?state=accepted&kind=amount_paid", headers=desk).get_json()["items"][0]["remark"] == "x"
    assert client.get(f"{url}?kind=nothing", headers=desk).status_code == 422
    assert client.get(f"{url}?cursor=x", headers=desk).status_code == 422
    assert client.post(f"{url}/runs", headers=operator).status_code == 202


def test_findings_come_in_pages(context: None, sold: Any) -> None:
    from shop.window_check.faults import Fault

    _spoil(sold)
    (check_id,) = state.fresh().scalars(text("SELECT id FROM window_check")).all()
    end_read()
    findings.keep(check_id, [Fault("tax_lines", f"N{number}", "x") for number in range(5)])
    seen: list[str] = []
    cursor = None
    while True:
        page = findings.page_of("open", None, 2, cursor)
        seen += [row["subject"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted([sold["number"], *(f"N{number}" for number in range(5))])


def test_metrics_tell_findings_and_guarantees(client: Any, sold: Any) -> None:
    _spoil(sold)
    care.open_one("t", {"code": "4601960A01", "name": "G", "office": "2991", "amount": 12345})
    told = client.get("/metrics").get_data(as_text=True)
    assert 'landfall_window_findings{kind="amount_paid"} 1.0' in told
    assert 'landfall_guarantee_fen{guarantor="4601960A01",office="2991"} 12345.0' in told
    assert "landfall_window_check_ended 1" in told


def _bill(sold: dict[str, Any]) -> None:
    with transaction() as session:
        found = session.query(Declaration).filter_by(number=sold["number"]).one()
        row = TaxBill(declaration_id=found.id, tax_no="T1", status="consolidated", return_time="20261125000000000")
        row.duty_fen, row.consumption_tax_fen, row.vat_fen, row.ent_duty_no = 0, 0, 777, "N1"
        session.add(row)
        session.flush()
        session.add(TaxPayment(number="N1"))
        facts = {"ours_fen": 776, "billed_fen": 777, "cause": "rounding_order", "found_at": found.created_at}
        session.add(TaxDifference(bill_id=row.id, gnum=1, kind="vat", **facts))


def test_taxes_are_seen_reckoned_and_marked_as_paid(browser: Browser, sold: Any) -> None:
    _bill(sold)
    browser.sign_in(builders.open_account("operator"))
    shown = browser.go("/operations/taxes").get_data(as_text=True)
    assert all(part in shown for part in ("N1", "¥7.77", "To come", "2991"))
    assert "汇总缴款" in browser.go("/operations/taxes", "zh").get_data(as_text=True)
    fee = browser.go("/operations/taxes?amount=10000&last=2026-12-08&paid_on=2026-12-18").get_data(as_text=True)
    assert "10 days: ¥50.00" in fee
    assert browser.go("/operations/taxes?amount=x&last=2026-12-08&paid_on=2026-12-18").status_code == 200
    day = shown.split('name="paid_on" value="')[1][:10]
    paid = browser.send("/operations/taxes", "/operations/taxes/paid", number="N1", paid_on=day, reference="bank 1")
    assert paid.status_code == 303
    assert "bank 1" in browser.go("/operations/taxes").get_data(as_text=True)
    assert state.balance("platform_bank") == -777
    with transaction() as session:
        session.execute(text("UPDATE tax_bill SET vat_fen = 800"))
    assert "Its bills ask ¥8.00 now" in browser.go("/operations/taxes").get_data(as_text=True)
    browser.send("/operations/taxes", "/operations/taxes/paid", number="N1", paid_on=day, reference="bank 2")
    told = browser.go("/operations/taxes").get_data(as_text=True)
    assert ("bank 2" in told, "Its bills ask" in told, state.balance("platform_bank")) == (True, False, -800)
    told = browser.go("/operations/taxes/differences").get_data(as_text=True)
    assert all(part in told for part in (sold["number"], "Rounded in another order", "¥0.01"))
    assert "rounding_order" in browser.client.get("/operations/taxes/differences.csv", buffered=True).get_data(
        as_text=True
    )
    assert browser.client.get("/operations/taxes.csv", buffered=True).get_data(as_text=True).startswith("last,counted")


def test_guarantees_are_entered_and_refilled_on_the_page(browser: Browser, context: None) -> None:
    browser.sign_in(builders.open_account("operator"))
    page = "/operations/guarantees"
    form = {"code": "4601960A01", "name": "岸达", "office": "2991", "amount": "1000.00", "alert_percent": "70"}
    assert browser.send(page, page, **form).status_code == 303
    shown = browser.go(page).get_data(as_text=True)
    assert "¥1,000.00" in shown
    lodged = care.find("2991")
    end_read()
    one = f"{page}/{lodged}"
    assert browser.send(one, f"{one}/refill", amount="500", reference="bank 1").status_code == 303
    told = browser.go(one).get_data(as_text=True)
    assert all(part in told for part in ("¥1,500.00", "bank 1", "Refilled"))
    assert browser.send(one, f"{one}/refill", to=f"{one}/reduce", amount="5000").status_code == 303
    assert "¥1,500.00" in browser.go(one).get_data(as_text=True)
    assert "保函" in browser.go(one, "zh").get_data(as_text=True)
    assert browser.go(f"{page}/{uuid.uuid4()}").status_code == 404


def test_what_a_list_needs_no_more_is_given_back_on_the_page(browser: Browser, sold: Any) -> None:
    own, page = filing_documents.parties().platform, "/operations/guarantees"
    lodged = uuid.UUID(
        care.open_one("t", {"code": own.code, "name": own.name, "office": "2991", "amount": 10**6})["id"]
    )
    browser.sign_in(builders.open_account("operator"))
    form = {"number": sold["number"], "reason": "ended"}
    browser.send(page, f"{page}/release", **form)
    assert "its bill is not consolidated" in browser.go(page).get_data(as_text=True)
    with transaction() as session:
        session.query(Declaration).filter_by(number=sold["number"]).one().status = "cancelled"
    browser.send(page, f"{page}/release", **form)
    assert "It is given back." in browser.go(page).get_data(as_text=True)
    assert care.one(lodged)["in_use"] == "0.00"
    assert "退还清单占用的额度" in browser.go(page, "zh").get_data(as_text=True)
