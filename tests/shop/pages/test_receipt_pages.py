"""The pages of receipts without a document, and of correcting a declaration, for operators and the customs desk."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from core import config
from core.database import db, transaction
from customs import declarations, filing, receipts
from customs.quarantine import views
from customs.quarantine.views import Filter
from customs.window import transport
from tests.customs.desk import builders as desk
from tests.customs.desk.builders import at, documents, message, receipt, status_of
from tests.shop import builders
from tests.shop.pages.conftest import Browser

PAGE = "/operations/quarantine"


@pytest.fixture
def sent_back(app: Any, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """A declaration whose list customs has sent back, where such a list waits."""
    monkeypatch.setattr(config, "_current", [replace(config.current(), mend_rejected=True)])
    monkeypatch.setattr(transport, "post", lambda *_, **__: (200, b"OK"))
    with app.app_context():
        request = desk.filing(*desk.buyer())
        with transaction() as session:
            found = declarations.open_retail(session, request)
        filing.file(str(found))
        for kind in ("311", "411", "511"):
            receipts.store(receipt(found, kind, "120", at(1)))
        receipts.apply_receipts()
        filing.file(str(found))
        receipts.store(receipt(found, "621", "100", at(5)))
        receipts.apply_receipts()
        return found


@pytest.fixture
def unknown(app: Any) -> str:
    """A receipt that names an order of ours under another number."""
    said = {"copNo": "OTHER", "preNo": "B" + "0" * 17, "returnStatus": "500", "returnTime": at(9), "returnInfo": "said"}
    with app.app_context():
        receipts.store(message("622", "InventoryReturn", {**said, "orderNo": "LF2611230001"}))
        receipts.apply_receipts()
        found = views.listing(Filter(), 1)[0]["id"]
        db.session.rollback()
        return str(found)


def test_closed_to_buyers_and_merchants(browser: Browser, unknown: str, sent_back: uuid.UUID) -> None:
    browser.sign_in(builders.open_account("consumer", "merchant"))
    assert browser.go(PAGE).status_code == 403
    for path in (
        f"{PAGE}/again",
        f"{PAGE}/{unknown}/set-aside",
        f"/desk/declarations/{sent_back}/correct",
        f"/desk/declarations/{sent_back}/give-up",
    ):
        assert browser.post(path).status_code == 403


@pytest.mark.parametrize("role", ["operator", "customs"])
def test_quarantine_in_both_languages(browser: Browser, unknown: str, role: str) -> None:
    browser.sign_in(builders.open_account(role))
    page = browser.go(PAGE, "en").get_data(as_text=True)
    for words in ("OTHER", "It names no document that we have sent.", "The goods are opened and looked at"):
        assert words in page
    chinese = browser.go(PAGE, "zh").get_data(as_text=True)
    assert "无对应单证的回执" in chinese
    assert "查验" in chinese
    assert browser.go(f"{PAGE}/{uuid.uuid4()}").status_code == 404
    there = f"{PAGE}/{unknown}"
    assert browser.send(there, f"{there}/set-aside", reason="another platform's").status_code == 303
    assert "OTHER" not in browser.go(PAGE, "en").get_data(as_text=True)
    assert "another platform&#39;s" in browser.go(f"{PAGE}?state=set_aside", "en").get_data(as_text=True)


def test_the_desk_corrects_and_files_again(browser: Browser, sent_back: uuid.UUID) -> None:
    browser.sign_in(builders.open_account("customs"))
    page = f"/desk/declarations/{sent_back}"
    shown = browser.go(page, "en").get_data(as_text=True)
    for words in ("Correct and file again", "Customs gave the list back", "Read why in customs&#39; words", "as new"):
        assert words in shown
    assert "海关退单" in browser.go(page, "zh").get_data(as_text=True)
    refused = browser.send(page, f"{page}/correct", gross_weight_kg="heavy", reason="weighed again")
    assert refused.status_code == 303
    assert status_of(sent_back) == "rejected"
    told = browser.send(page, f"{page}/correct", gross_weight_kg="3.7", reason="weighed again")
    assert told.status_code == 303
    assert status_of(sent_back) == "pending"
    after = browser.go(page, "en").get_data(as_text=True)
    assert "Filed before" in after
    assert "weighed again" in after
    assert "Correct and file again" not in after
    assert documents(sent_back)["621"].status == "draft"


def test_the_desk_gives_it_up(browser: Browser, sent_back: uuid.UUID) -> None:
    browser.sign_in(builders.open_account("customs"))
    page = f"/desk/declarations/{sent_back}"
    assert browser.send(page, f"{page}/give-up", reason="may not come in").status_code == 303
    assert "Correct and file again" not in browser.go(page, "en").get_data(as_text=True)
    assert status_of(sent_back) == "rejected"
