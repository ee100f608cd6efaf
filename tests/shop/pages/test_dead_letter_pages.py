"""The pages of dead letters: found, read, sent again one by one, ticked ones, and all of a list."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from core.database import db, transaction
from customs import declarations, filing
from customs.dead_letters import resending, views
from customs.dead_letters.views import Filter
from customs.models import Declaration
from customs.shipments import service, tallies
from customs.window import transport
from shop.pages.window_words import sending_error
from tests.catalog import builders as catalogue
from tests.customs.desk import builders as desk
from tests.customs.desk.builders import documents
from tests.customs.zone import test_shipments as zone
from tests.shop import builders
from tests.shop.pages.conftest import Browser

PAGE = "/operations/dead-letters"


@pytest.fixture
def dead(app: Any, monkeypatch: pytest.MonkeyPatch) -> uuid.UUID:
    """A declaration whose three papers the window refused."""
    monkeypatch.setattr(transport, "post", lambda *_, **__: (400, b"sender not on record"))
    with app.app_context():
        request = desk.filing(*desk.buyer())
        with transaction() as session:
            found = declarations.open_retail(session, request)
        filing.file(str(found))
        return found


def left() -> set[str]:
    found = {row["kind"] for row in views.listing(Filter(), 100)}
    db.session.rollback()
    return found


def test_they_are_closed_to_buyers_and_merchants(browser: Browser, dead: uuid.UUID) -> None:
    browser.sign_in(builders.open_account("consumer", "merchant"))
    assert browser.go(PAGE).status_code == 403
    assert browser.post(f"{PAGE}/resend-all").status_code == 403


@pytest.mark.parametrize("role", ["operator", "customs"])
def test_seen_in_both_languages(browser: Browser, dead: uuid.UUID, role: str) -> None:
    browser.sign_in(builders.open_account(role))
    page = browser.go(PAGE, "en").get_data(as_text=True)
    guid = documents(dead)["311"].guid
    for words in (guid, "LF2611230001", "sender not on record", "The window refused it", "for 72 hours"):
        assert words in page
    assert "单一窗口拒收" in browser.go(PAGE, "zh").get_data(as_text=True)
    assert guid not in browser.go(f"{PAGE}?kind=411", "en").get_data(as_text=True)
    assert "Nothing has been given up." in browser.go(f"{PAGE}?reason=silent", "en").get_data(as_text=True)
    assert browser.go(f"{PAGE}?reason=other").status_code == 422
    one = browser.go(f"{PAGE}/{documents(dead)['311'].id}", "en").get_data(as_text=True)
    assert "Read what the window said." in one
    assert "Refused by the window" in one
    assert browser.go(f"{PAGE}/{uuid.uuid4()}").status_code == 404


def test_the_declaration_says_so(browser: Browser, dead: uuid.UUID) -> None:
    browser.sign_in(builders.open_account("customs"))
    page = browser.go(f"/desk/declarations/{dead}", "en").get_data(as_text=True)
    for document in documents(dead).values():
        assert (f'href="{PAGE}/{document.id}"' in page) == (document.kind != "621")


def test_sent_again_one_by_one_ticked_and_all(browser: Browser, dead: uuid.UUID, app: Any) -> None:
    browser.sign_in(builders.open_account("operator"))
    ids = {kind: document.id for kind, document in documents(dead).items()}
    answer = browser.send(f"{PAGE}/{ids['311']}", f"{PAGE}/{ids['311']}/resend")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert "Documents sent again: 1" in browser.go(PAGE, "en").get_data(as_text=True)
    assert left() == {"411", "511"}
    browser.send(PAGE, f"{PAGE}/resend", ids=ids["411"])
    assert left() == {"511"}
    assert browser.send(PAGE, f"{PAGE}/resend", ids="x").status_code == 422
    browser.send(f"{PAGE}?kind=511", f"{PAGE}/resend-all")
    assert left() == {"511"}  # a job does it
    with app.app_context():
        resending.resend_dead("operator", "2999-01-01T00:00:00Z", None, "511", None)
    assert left() == set()


def test_a_tally_stands_there_with_its_crossing(browser: Browser, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        site = catalogue.warehouse("9610")
        shipment_id = zone.crossing(site)
        found = zone.opened(site, "LF26110001")
        with transaction() as session:
            session.get_one(Declaration, found).status = "filed"
        monkeypatch.setattr(transport, "post", lambda *_, **__: (400, b"sender not on record"))
        row = service.arrive("desk", shipment_id, None)["tallies"][0]
        db.session.rollback()
        tallies.file_tally(row["id"])
    browser.sign_in(builders.open_account("customs"))
    crossing, one = f"/desk/shipments/{shipment_id}", f"{PAGE}/{row['id']}"
    assert f'href="{one}"' in browser.go(crossing, "en").get_data(as_text=True)
    for page, language, words in ((PAGE, "en", "Arrival tally"), (one, "zh", "入库明细单")):
        shown = browser.go(page, language).get_data(as_text=True)
        assert (words in shown, f'href="{crossing}"' in shown, "/desk/declarations/" in shown) == (True, True, False)
    assert browser.send(one, f"{one}/resend").status_code == 303
    assert left() == set()
    assert one not in browser.go(crossing, "en").get_data(as_text=True)


@pytest.mark.parametrize(
    ("kept", "english", "chinese"),
    [
        ("the window answered 503", "The window answered 503.", "单一窗口应答 503。"),
        ("the window answered 400: no 100 %", "The window answered 400. no 100 %", "单一窗口应答 400。no 100 %"),
        ("ReadTimeout", "No answer in time.", "应答超时。"),
        ("5000 files wait in the outbox: is it?", "5000 files wait: is", "有 5000 个文件"),
        (
            "2001 The receiver does not exist said",
            "2001 The receiver does not exist · Check",
            "2001 接收方不存在 · 核对",
        ),
        ("something new", "something new", "something new"),
        (None, "", ""),
    ],
)
def test_errors_are_told_in_the_language_of_the_page(app: Any, kept: str | None, english: str, chinese: str) -> None:
    for locale, wanted in (("en", english), ("zh", chinese)):
        with app.test_request_context(headers={"Accept-Language": locale}):
            assert sending_error(kept).startswith(wanted)
