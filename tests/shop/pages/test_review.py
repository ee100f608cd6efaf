"""The operator's page of what waits for a decision."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import listings, requirements
from tests.catalog import builders as goods
from tests.shop import builders
from tests.shop.pages.conftest import Browser


def test_the_remark_that_approval_confirms_is_read(
    browser: Browser, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = goods.admit()
    listings.move("tests", seller.id, goods.draft(seller, goods.retail()), "submit")
    browser.sign_in(builders.open_account("operator"))
    assert "Approval confirms" not in browser.go("/operations/review").get_data(as_text=True)
    remark = {"row": "03061200", "edition": "2022", "remark": "only <whole> lobster"}
    monkeypatch.setattr(requirements, "remark_of", lambda row, day: remark)
    page = browser.go("/operations/review").get_data(as_text=True)
    assert "Approval confirms the list's remark</dt><dd>only &lt;whole&gt; lobster</dd>" in page
    assert "批准即确认商品符合清单备注" in browser.go("/operations/review", "zh").get_data(as_text=True)
