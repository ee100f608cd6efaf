"""The small parts: what was seen, what a cell means, what the law said before."""

from __future__ import annotations

import random
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from marshmallow import ValidationError

from catalog import compliance
from catalog.api import schemas
from catalog.imports import cells
from catalog.imports.columns import _named as named_columns
from catalog.imports.columns import columns
from catalog.imports.law import Law
from catalog.imports.seen import Seen
from core.errors import Problem, invalid


def test_seen_is_a_dictionary_of_first_rows() -> None:
    chance, seen, known, row = random.Random(5), Seen(), dict[str, int](), 0
    for _ in range(300):
        skus = [f"S{chance.randrange(3000)}" for _ in range(chance.randrange(0, 40))]
        rows = list(range(row + 1, row + 1 + len(skus)))
        expected = []
        for sku, number in zip(skus, rows, strict=True):
            expected.append(known.get(sku, 0))
            known.setdefault(sku, number)
        assert seen.add(skus, rows) == expected
        row += len(skus)
    assert len(seen._runs) < 15


@pytest.mark.parametrize(
    "text", ["", "a", "=1", "'=1", "''=1", "'a", "-5", "@x", "\tx", "|x", "%x", "'", "''", "+", "牛"]
)
def test_a_formula_made_harmless_is_read_back(text: str) -> None:
    written = cells.harmless(text)
    assert cells.unquoted(written) == text
    assert not written.startswith(("=", "+", "-", "@", "\t", "|", "%"))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"品牌类型": "4", "包装规格": "1只/袋, 20袋"},
        {"a": "x;y"},
        {"a=b": "c"},
        {"a": "1；2"},
        {"a": ' "quoted" '},
        {"a": "{x}"},
        {"{a": "x"},
    ],
)
def test_objects_of_texts_are_read_back(values: dict[str, str]) -> None:
    assert cells.read_texts(cells.write_texts(values)) == values


@pytest.mark.parametrize("text", ["a", "=a", "a=1; a=2", "{", '{"a":1}', '{"a":"1","a":"2"}', "[]", '{"a":{"b":"c"}}'])
def test_objects_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        cells.read_texts(text)


def test_every_field_of_post_is_a_column_with_a_name_in_both_languages() -> None:
    found = columns()
    assert {column.place[0] for column in found.values()} == set(schemas.NewListing().fields)
    assert [name for name, column in found.items() if column.zh == name or not column.rule] == []
    assert {entry["place"] for entry in named_columns()} == {column.path for column in found.values()}


def draft(**facts: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"hs": "1", "origin": "AU", "weight": 1, "brand": "x", **facts})


def test_the_law_is_asked_once_for_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Any]] = []

    def check(row: Any, day: date) -> None:
        asked.append((row.hs, row.weight if row.hs == "2" else None))
        if row.hs == "2" and row.weight > 5:
            raise invalid("weight", "too heavy")

    monkeypatch.setattr(compliance, "check_route", check)
    law = Law()
    assert [law.route_refusal(draft(brand=str(n), weight=n)) for n in range(10)] == [None] * 10
    assert len(asked) == 1
    assert law.route_refusal(draft(hs="2", weight=4)) is None
    assert isinstance(law.route_refusal(draft(hs="2", weight=6, brand="y")), Problem)
    before = len(asked)
    assert isinstance(law.route_refusal(draft(hs="2", weight=6, brand="z")), Problem)
    assert law.route_refusal(draft(hs="2", weight=4, origin="NZ")) is None
    assert len(asked) == before


def test_a_check_that_writes_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(row: Any, day: date) -> None:
        row.hs = "3"

    monkeypatch.setattr(compliance, "check_route", check)
    with pytest.raises(AttributeError, match="cannot be remembered"):
        Law().route_refusal(draft())


def test_answers_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.imports.law._MOST", 10)
    law = Law()
    for n in range(100):
        assert isinstance(law.route_refusal(listing(hs=f"99{n:08d}")), Problem)
        assert len(law._answers) <= 10


def listing(**facts: Any) -> Any:
    row = {
        "hs": "0202300090",
        "origin": "AU",
        "route": "general_trade",
        "mode": None,
        "unit": "kg",
        "net_weight_kg": None,
    }
    return SimpleNamespace(**{**row, **facts})


@pytest.fixture(autouse=True)
def _law(app: Any) -> None:
    """The law is loaded with the application."""
