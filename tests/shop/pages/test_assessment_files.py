"""The page of files: sent with a token, watched, fetched."""

from __future__ import annotations

import contextvars
import io
from typing import Any

from core import jobs
from customs import assessment_files
from tests.shop import builders
from tests.shop.pages.conftest import Browser

# Larger than a form may be otherwise.
LINES = b"hs,origin,day,value\n" + b"0202300090,BR,2026-02-01,1000.00\n" * 40_000


def test_a_file_is_sent_and_its_result_fetched(app: Any, browser: Browser, another_browser: Any) -> None:
    assert browser.go("/law/files").headers["Location"].startswith("/login")
    who = builders.open_account("consumer")
    browser.sign_in(who)
    assert len(LINES) > 1 << 20
    sent = _send(browser, LINES)
    assert sent.status_code == 303
    page = browser.go("/law/files").get_data(as_text=True)
    assert 'http-equiv="refresh"' in page
    assert "lines.csv" in page
    jobs.run_worker(app, wait=False)
    page = browser.go("/law/files").get_data(as_text=True)
    assert 'http-equiv="refresh"' not in page
    assert "8,858,400.00" in page
    file_id = str(assessment_files.listing(who.id, None, 1)[0]["id"])
    assert browser.go(f"/law/files/{file_id}/result?format=csv").get_data().count(b"\n") == 40_001
    assert "批量计税" in browser.go("/law/files", "zh").get_data(as_text=True)
    other = another_browser()
    other.sign_in(builders.open_account("consumer"))
    assert other.go(f"/law/files/{file_id}/result").status_code == 404
    assert browser.send("/law/files", f"/law/files/{file_id}/remove").status_code == 303
    assert assessment_files.listing(who.id, None, 1) == []


def test_a_wrong_file_is_told(browser: Browser) -> None:
    browser.sign_in(builders.open_account("consumer"))
    assert _send(browser, b"hs,origin\n").status_code == 303
    assert "The columns of the file are not those of the form" in browser.go("/law/files").get_data(as_text=True)


def test_without_a_token_nothing_is_taken_in(browser: Browser) -> None:
    who = builders.open_account("consumer")
    browser.sign_in(who)
    data = {"file": (io.BytesIO(LINES), "lines.csv")}
    refused = contextvars.Context().run(browser.client.post, "/law/files", data=data)
    assert refused.status_code == 400
    assert assessment_files.listing(who.id, None, 1) == []


def _send(browser: Browser, raw: bytes) -> Any:
    page = browser.go("/law/files").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"csrf_token": token, "route": "general_trade", "file": (io.BytesIO(raw), "lines.csv")}
    return contextvars.Context().run(browser.client.post, "/law/files", data=data, headers={"Accept-Language": "en"})
