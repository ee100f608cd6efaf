"""Strict fields refuse what the stock ones guess at."""

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Field

from core import schemas

REFUSED: list[tuple[Field, Any]] = [
    *[(schemas.WholeNumber(0, 10), value) for value in (1.9, Decimal("1.0"), True, "1", "１", None, -1, 11, [], {})],
    *[
        (schemas.Quantity(), value)
        for value in ("1E+1000000", "1_0", "-0", "0", "-1", "+1", "１２", "NaN", "Infinity", "1.123456", "9" * 40, 3, 1.5,
                      True, "", " 1", "1\n", "01", "0x1")
    ],
    *[(schemas.Money(), value) for value in ("1E+2", "-1", "1.005", "１", 1, 1.5, True, "1,000.00", "9" * 14)],
    *[(schemas.Text(5), value) for value in ("", " ", "a\x00b", "a\ud800", "a\nb", "abcdef", 1, None, ["a"])],
    *[(schemas.Day(), value) for value in ("2026-02-30", "2026-2-3", "20260203", "2026-W01-1", "２026-01-01", 1, "")],
    *[(schemas.Instant(), v) for v in ("2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z",
                                       "2026-12-31T23:59:60Z", "0001-01-01T00:00:00+23:00")],
    *[(schemas.Id(), v) for v in ("x", "", "01A20A40-F79E-737F-874C-3A3FD2700A34", 5)],
    *[(schemas.Choice("a", "b"), v) for v in ("c", "A", 1, None)],
    *[(schemas.country(), v) for v in ("au", "AUS", "ＡＵ", "", 1)],
    *[(schemas.hs_code(), v) for v in ("0202.3000", "020230", "02023000９0", 2023000, "0202300090\n")],
    *[(schemas.Flag(), v) for v in ("true", 1, 0, "1", None)],
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=lambda part: repr(part)[:40])
def test_refused(field: Field, value: Any) -> None:
    with pytest.raises(ValidationError):
        field.deserialize(value, "field", {"field": value})


@pytest.mark.parametrize(
    ("field", "value", "inside"),
    [
        (schemas.Quantity(), "0.25", Decimal("0.25")),
        (schemas.Quantity(zero=True), "0", Decimal(0)),
        (schemas.Money(), "531.5", 53150),
        (schemas.Text(5), "牛肉🦞", "牛肉🦞"),
        (schemas.Text(9, lines=True), "a\nb", "a\nb"),
        (schemas.Day(), "2028-02-29", date(2028, 2, 29)),
        (schemas.Instant(), "2026-01-01T08:00:00+08:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (schemas.hs_code(), "0202300090", "0202300090"),
        (schemas.WholeNumber(0, 10), 10, 10),
    ],
)
def test_taken_and_written_back(field: Field, value: Any, inside: Any) -> None:
    assert field.deserialize(value, "field", {"field": value}) == inside


def test_a_text_is_clean_by_the_categories_of_unicode() -> None:
    for code in range(0x110000):
        control = unicodedata.category(chr(code)) in ("Cc", "Cs")
        assert bool(schemas._UNCLEAN.search(chr(code))) == control
        assert bool(schemas._UNCLEAN_LINES.search(chr(code))) == (control and chr(code) not in "\n\t")


def test_unknown_fields_are_refused() -> None:
    class Body(schemas.Schema):
        known = schemas.Text(5)

    with pytest.raises(ValidationError) as refusal:
        Body().load({"known": "a", "price": "1"})
    assert "price" in refusal.value.messages_dict


def test_query_strings_may_hold_digits() -> None:
    from werkzeug.datastructures import MultiDict

    assert schemas.WholeNumber(1, 100).deserialize("24", "limit", MultiDict({"limit": "24"})) == 24
    assert schemas.Flag().deserialize("1", "facets", MultiDict({"facets": "1"})) is True
