"""The form of a listing: what a code written in it may be."""

from __future__ import annotations

from typing import Any

import pytest

from shop.pages import listing_form


@pytest.mark.parametrize("hs", ["²²²²²²²²", "٣٣٣٣٣٣٣٣", "²²²²²²²²²²", "0306", "letters!", ""])
def test_what_is_no_code_has_no_elements(app: Any, hs: str) -> None:
    with app.app_context():
        assert listing_form.element_names(hs) == []
        assert "品牌类型" in listing_form.element_names("0306120000")
