"""The engine is asked once for a quote and the order on it; what differs in anything is asked anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from customs import assessments
from shop import askers, quotes, taxing
from shop.quotes import Item
from tests.shop import builders


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that reach the engine."""
    seen: list[Any] = []
    assess = assessments.assess

    def watched(tariff: Any, request: Any) -> Any:
        seen.append(request)
        return assess(tariff, request)

    monkeypatch.setattr(assessments, "assess", watched)
    monkeypatch.setattr(taxing, "_lately", type(taxing._lately)())
    return seen


def test_the_same_lines_are_assessed_once(shelf: Any, context: None, asked: list[Any]) -> None:
    crab, prawn = builders.put_listing(shelf, price_fen=3333), builders.put_listing(shelf, price_fen=2222)
    buyer, place = askers.of(builders.buyer().id, None)

    def offer(*wanted: tuple[Any, str]) -> Any:
        return quotes.prepare([Item(listing, Decimal(count)) for listing, count in wanted], buyer, place)[0]

    first, second = offer((crab, "1"), (prawn, "2")), offer((crab, "1"), (prawn, "2"))
    assert len(asked) == 1
    assert [line.assessment for line in first.lines] == [line.assessment for line in second.lines]
    assert [taxing.amounts(line) for line in first.lines] == [taxing.amounts(line) for line in second.lines]
    more = offer((crab, "1"), (prawn, "3"))
    assert len(asked) == 2
    assert more.lines[1].tax_fen > second.lines[1].tax_fen


def test_an_order_above_a_limit_is_asked_about_each_time(shelf: Any, context: None, asked: list[Any]) -> None:
    dear = builders.put_listing(shelf, price_fen=300_000)
    buyer, place = askers.of(builders.buyer().id, None)
    for _ in range(2):
        offer, blocked = quotes.prepare([Item(dear, Decimal(2))], buyer, place)
        assert offer.orders[0].above == "single_limit"
        assert "single_limit" in [each.code for each in blocked]
    assert len(asked) == 4  # refused, then shown as it would be inside
