"""The merchant's page of files: a look beforehand, then the import, watched on the page; template and export."""

from __future__ import annotations

import contextvars
import io
import random
import uuid
from typing import Any

import pytest

from catalog.imports import service
from catalog.imports.job import ROOM
from core import jobs
from tests.catalog.imports.files import GOODS, csv_of
from tests.shop import builders
from tests.shop.pages.conftest import Browser

PAGE = "/trade/imports"
RAW = csv_of({**GOODS, "title_en": "<b>Beef</b>"}, {**GOODS, "sku": "B-1", "price": "-5"})


def test_a_file_is_looked_at_then_taken(app: Any, browser: Browser, shelf: Any, another_browser: Any) -> None:
    assert browser.go(PAGE).headers["Location"].startswith("/login")
    browser.sign_in(shelf.owner)
    assert _send(browser, RAW, preview="1").status_code == 303
    page = browser.go(PAGE).get_data(as_text=True)
    assert 'data-final="false"' in page
    assert "<progress" in page
    jobs.run_worker(app, wait=False)
    assert _told(browser) == {"final": True, "done": "2", "created": "1", "failed": "1"}
    assert "预览：不写入任何内容" in browser.go(PAGE, "zh").get_data(as_text=True)
    _send(browser, RAW)
    jobs.run_worker(app, wait=False)
    assert _told(browser)["created"] == "1"
    key = service.listing(shelf.merchant_id, None, 1)[0]["id"]
    assert b"price,invalid_input" in browser.go(f"{PAGE}/{key}/errors").data
    listed = browser.go("/trade/listings").get_data(as_text=True)
    assert "&lt;b&gt;Beef&lt;/b&gt;" in listed
    assert "<b>Beef</b>" not in listed
    other = another_browser()
    other.sign_in(builders.open_account("consumer"))
    assert other.go(f"{PAGE}/{key}/errors").status_code == 403


def test_template_and_export_in_the_language_of_the_page(browser: Browser, shelf: Any) -> None:
    browser.sign_in(shelf.owner)
    page = browser.go(PAGE, "zh").get_data(as_text=True)
    assert "/trade/imports/template?format=xlsx&amp;language=zh" in page
    assert browser.go(f"{PAGE}/template?format=csv&language=zh").data.decode("utf-8-sig").startswith("货号,")
    assert browser.go(f"{PAGE}/export?format=csv&language=en").data.decode("utf-8-sig").startswith("sku,")
    assert browser.go(f"{PAGE}/export?format=xlsx").data[:2] == b"PK"
    assert browser.go(f"{PAGE}/export?format=pdf").status_code == 422


def test_a_wrong_file_is_told(browser: Browser, shelf: Any) -> None:
    browser.sign_in(shelf.owner)
    assert _send(browser, b"sku,colour\n").status_code == 303
    assert "colour: is no column of the form" in browser.go(PAGE).get_data(as_text=True)
    _send(browser, b"sku,colour,size,sku\n")
    page = browser.go(PAGE).get_data(as_text=True)
    assert "colour: is no column of the form; size: is no column of the form; sku: stands twice" in page


def test_a_heading_as_long_as_a_file_does_not_sign_out(browser: Browser, shelf: Any) -> None:
    """What is told travels in the cookie of the session, and a browser drops a cookie of more than 4,096 bytes."""
    browser.sign_in(shelf.owner)
    chance = random.Random(3)
    headings = ["".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(5000)) for _ in range(20)]
    sent = _send(browser, ("sku," + ",".join(headings) + "\n").encode())
    assert len(sent.headers["Set-Cookie"]) < 4000
    assert headings[0][:40] in browser.go(PAGE).get_data(as_text=True)


def test_without_a_token_nothing_is_taken_in(browser: Browser, shelf: Any) -> None:
    browser.sign_in(shelf.owner)
    data = {"file": (io.BytesIO(RAW), "goods.csv")}
    assert contextvars.Context().run(browser.client.post, PAGE, data=data).status_code == 400
    assert service.listing(shelf.merchant_id, None, 1) == []


def _told(browser: Browser) -> dict[str, Any]:
    """What the page hears of its newest file."""
    page = browser.go(PAGE).get_data(as_text=True)
    news = browser.go(page.split('data-follow="')[1].split('"')[0]).get_json()
    counts = {
        name: news["html"].split(f'data-count="{name}">')[1].split("<")[0] for name in ("done", "created", "failed")
    }
    return {"final": news["final"], **counts}


def _send(browser: Browser, raw: bytes, **form: str) -> Any:
    page = browser.go(PAGE).get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"csrf_token": token, **form, "file": (io.BytesIO(raw), "goods.csv")}
    return contextvars.Context().run(browser.client.post, PAGE, data=data, headers={"Accept-Language": "en"})


@pytest.fixture(autouse=True)
def _no_files_left() -> Any:
    yield
    for path in ROOM.root.glob("*"):
        ROOM.remove(uuid.UUID(path.name))
