"""Payouts and statements over HTTP: own only, the same bytes each time, and sums that add up."""

from __future__ import annotations

import csv
import io
import re
import zlib
from decimal import Decimal
from typing import Any

import pytest
from reportlab.pdfbase import pdfmetrics
from sqlalchemy import update

from catalog.models import Merchant
from core import clock
from core.database import transaction
from shop import payouts, statement_files, statements
from tests.shop import builders, paying
from tests.shop.paying import DAY
from tests.shop.test_http import Caller


@pytest.fixture
def paid(place: Any, stripe: Any, shelf: Any, run_jobs: Any, move_clock: Any) -> dict[str, Any]:
    """One order paid out, one on its way there."""
    paying.open_account(shelf)
    sold = paying.sent_order(place, stripe, shelf, run_jobs, price_fen=10050)
    move_clock(31 * DAY)
    payouts.run()
    run_jobs("shop.pay")
    later = paying.sent_order(place, stripe, shelf, run_jobs, price_fen=20000)
    return {"first": sold, "second": later}


def test_a_merchant_reads_its_own_and_an_operator_all(paid: Any, shelf: Any, client: Any) -> None:
    mine = Caller(client, shelf.owner)
    stranger = Caller(client, builders.open_shelf().owner)
    operator = Caller(client, builders.open_account("operator"))
    (row,) = mine.get("/shop/payouts").get_json()["items"]
    assert (row["amount"], row["status"], row["currency"]) == ("99.49", "paid", "CNY")
    detail = mine.get(f"/shop/payouts/{row['id']}").get_json()
    (line,) = detail["orders"]
    assert (line["number"], line["balance"], line["fee"]) == (paid["first"]["number"], "100.50", "1.01")
    assert stranger.get("/shop/payouts").get_json()["items"] == []
    assert stranger.get(f"/shop/payouts/{row['id']}").status_code == 404
    assert stranger.get(f"/shop/payouts?merchant={shelf.merchant_id}").status_code == 422
    assert stranger.get(f"/shop/payouts/statements/2026-11?merchant={shelf.merchant_id}").status_code == 422
    assert operator.get("/shop/payouts").get_json()["items"] == [row]
    assert operator.get("/shop/payouts/balance").status_code == 422
    assert Caller(client, builders.buyer()).get("/shop/payouts").status_code == 403
    assert client.get("/api/v1/shop/payouts").status_code == 401


def test_the_balance_says_what_waits_and_from_when(paid: Any, shelf: Any, client: Any) -> None:
    told = Caller(client, shelf.owner).get("/shop/payouts/balance").get_json()
    assert (told["balance"], told["waiting"], told["payable"]) == ("200.00", "200.00", "0.00")
    (row,) = told["orders"]
    assert (row["number"], row["state"]) == (paid["second"]["number"], "waiting")
    assert row["payable_on"] > clock.today().isoformat()
    assert told["account"]["state"] == "ready"


def test_only_whoever_may_say_where_money_goes_opens_the_account(shelf: Any, stripe: Any, client: Any) -> None:
    from catalog.models import MerchantMember

    clerk = builders.open_account("merchant")
    with transaction() as session:
        session.add(MerchantMember(user_id=clerk.id, merchant_id=shelf.merchant_id, role="manager"))
    assert Caller(client, clerk).post("/shop/payouts/account").status_code == 403
    assert Caller(client, shelf.owner).post("/shop/payouts/account").get_json()["state"] == "ready"
    stripe.down = True
    assert Caller(client, shelf.owner).post("/shop/payouts/account").status_code == 503


def test_an_account_is_paid_for_one_merchant_only(shelf: Any, stripe: Any, client: Any) -> None:
    other = builders.open_shelf()
    with transaction() as session:
        session.execute(update(Merchant).values(stripe_account="acct_shared"))
    from shop.stripe_connect import Account
    from tests.shop.fake_connect import exchange

    stripe.accounts["acct_shared"] = Account(exchange(), id="acct_shared", capable=True, payable=True)
    assert Caller(client, shelf.owner).post("/shop/payouts/account").status_code == 200
    answer = Caller(client, other.owner).post("/shop/payouts/account")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payout_account")


def test_a_statement_adds_up_in_every_form(paid: Any, shelf: Any, client: Any) -> None:
    mine = Caller(client, shelf.owner)
    months = mine.get("/shop/payouts/statements").get_json()["months"]
    assert months == sorted(months, reverse=True)
    before = Decimal(0)
    for month in reversed(months):
        told = mine.get(f"/shop/payouts/statements/{month}").get_json()
        assert Decimal(told["opening"]) == before
        moved = sum(Decimal(row["amount"]) for row in [*told["orders"], *told["payouts"]])
        before = Decimal(told["closing"])
        assert Decimal(told["opening"]) + moved == before
        text = mine.get(f"/shop/payouts/statements/{month}?format=csv").data.decode()
        rows = list(csv.reader(io.StringIO(text)))
        body = [row for row in rows if len(row) == 7][1:]
        orders = {row["number"] for row in told["orders"]}
        sums = [Decimal(row[6]) for row in body if row[1] in orders or row[1].startswith("付款")]
        assert Decimal(body[0][6]) + sum(sums) == Decimal(body[-1][6])
    assert before == 200


def test_the_same_month_gives_the_same_bytes(paid: Any, shelf: Any, client: Any) -> None:
    mine = Caller(client, shelf.owner)
    month = mine.get("/shop/payouts/statements").get_json()["months"][-1]
    for kind in ("csv", "pdf"):
        path = f"/shop/payouts/statements/{month}?format={kind}"
        assert mine.get(path).data == mine.get(path).data
    assert mine.get(path).headers["Content-Disposition"].endswith('.pdf"')


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1999-01", "2099-01", "x"])
def test_what_is_no_month_is_refused(shelf: Any, client: Any, month: str) -> None:
    assert Caller(client, shelf.owner).get(f"/shop/payouts/statements/{month}").status_code == 422


def test_a_name_that_a_spreadsheet_would_run_is_neutralised(paid: Any, shelf: Any) -> None:
    with transaction() as session:
        name = '=HYPERLINK("http://x","y")'
        session.execute(update(Merchant).where(Merchant.id == shelf.merchant_id).values(registered_name=name))
    found = statements.of(shelf.merchant_id, clock.today().strftime("%Y-%m"))
    text = b"".join(statement_files.as_csv(found, "zh")).decode()
    assert [row[1] for row in csv.reader(io.StringIO(text))][1].startswith("'=")


def test_the_pdf_carries_the_glyphs_of_its_chinese_text(paid: Any, shelf: Any) -> None:
    """Every character of the statement has a glyph of its own, embedded; a box would be glyph 0."""
    with transaction() as session:
        session.execute(
            update(Merchant).where(Merchant.id == shelf.merchant_id).values(registered_name="杭州鲜品进口有限公司")
        )
    found = statements.of(shelf.merchant_id, clock.today().strftime("%Y-%m"))
    pdf = b"".join(statement_files.as_pdf(found, "zh"))
    face = pdfmetrics.getFont(statement_files.FONT).face
    words = statement_files.WORDS["zh"]
    text = found.merchant_name + "".join(str(word) for word in words.values())
    missing = [letter for letter in text if not letter.isspace() and not face.charToGlyph.get(ord(letter))]
    assert missing == []
    shown = _characters(pdf)
    assert set("杭州鲜品进口有限公司商家对账单期初余额货款退款追回佣金") <= shown
    assert b"/FontFile2" in pdf


def _characters(pdf: bytes) -> set[str]:
    """What the fonts in a PDF map back to text (their ToUnicode tables)."""
    found: set[str] = set()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        if not stream.startswith(b"x\x9c"):
            continue
        content = zlib.decompressobj().decompress(stream)
        for block in re.findall(rb"beginbfchar(.*?)endbfchar", content, re.S):
            found |= {chr(int(code, 16)) for code in re.findall(rb"<[0-9A-F]{2}> <([0-9A-F]{4})>", block)}
    return found


def test_the_books_are_for_operators_and_incidents_are_closed_with_a_remedy(
    paid: Any, shelf: Any, client: Any, run_jobs: Any
) -> None:
    operator, mine = Caller(client, builders.open_account("operator")), Caller(client, shelf.owner)
    assert mine.get("/shop/books").status_code == mine.post("/shop/books/checks").status_code == 403
    assert operator.get("/shop/books").get_json() == {"last": None}
    assert operator.post("/shop/books/checks").status_code == 202
    run_jobs("shop.check_books")
    last = operator.get("/shop/books").get_json()["last"]
    assert (last["fault_count"], last["faults"], last["offline"]) == (0, [], False)
    assert sum(Decimal(row["amount"]) for row in last["sums"]) == 0
    assert {row["account"] for row in last["sums"]} >= {"stripe_cash", "merchant_payable", "platform_fee"}
    from shop import incidents

    with transaction() as session:
        incidents.record(session, "payout_failed", "merchant", shelf.merchant_id)
    (found,) = operator.get("/shop/incidents").get_json()["items"]
    path = f"/shop/incidents/{found['id']}/close"
    assert mine.post(path, {"remedy": "x"}).status_code == 403
    assert operator.post(path, {}).status_code == 422
    assert operator.post(path, {"remedy": "new account"}).get_json()["remedy"] == "new account"
    assert operator.post("/shop/incidents/999999/close", {"remedy": "x"}).status_code == 404
