"""Retail files: the single limit counts all lines of an order, wherever the file is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from customs.assessments.files import run
from customs.assessments.files.columns import Piece, Words
from customs.assessments.files.orders import whole_orders
from customs.assessments.request import RETAIL
from tests.customs.files.conftest import Desk
from tests.customs.files.lines import Row

LOBSTER = {"hs": "0306120000", "origin": "CA", "day": "2026-05-01", "quantity": "1", "unit": "kg"}


def order(number: str, *values: str, **cells: str) -> list[Row]:
    return [{**LOBSTER, "order": number, "value": value, **cells} for value in values]


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 1000])
def test_the_limit_is_of_the_whole_order(desk: Desk, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(run, "PIECE", piece)
    rows = [*order("A", "2000.00", "3000.00"), *order("B", "2000.00", "3000.01"), *order("", "3000.00", "3000.00"),
            *order("C", "6000.00"), *order("D", "2500.00", "2500.00", day="2026-05-02"),
            *order("D", "100.00")]  # fmt: skip
    desk.assess(desk.file(rows), route=RETAIL)
    assert desk.errors == [("3", "value", "single_limit"), ("4", "value", "single_limit")]
    assert [row["duty"] for row in desk.result][6] == "420.00"  # one indivisible item above the limit: 7 % in full
    assert [row["duty"] for row in desk.result][:2] == ["0.00", "0.00"]


def test_a_row_says_its_own_fault_first(desk: Desk) -> None:
    rows = [*order("A", "4000.00", "4000.00"), {**order("A", "10.00")[0], "hs": "9999999999"},
            {**order("A", "x")[0]}]  # fmt: skip
    desk.assess(desk.file(rows), route=RETAIL)
    assert [(row, code) for row, _, code in desk.errors] == [
        ("1", "single_limit"), ("2", "single_limit"), ("3", "code_unknown"), ("4", "invalid_input")]  # fmt: skip


def test_an_order_of_too_many_lines(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PIECE", 400)
    desk.assess(desk.file(order("A", *["0.01"] * 1500)), route=RETAIL)
    assert {(field, code) for _, field, code in desk.errors} <= {("order", "invalid_input")}
    assert len(desk.errors) >= 1001


def test_the_mode_of_the_file_is_that_of_its_lines(desk: Desk) -> None:
    rows: list[Any] = order("A", "10.00")
    desk.assess(desk.file(rows), route=RETAIL, mode="1210")
    assert desk.errors == []


def test_a_line_without_a_rate_does_not_stop_its_order(desk: Desk) -> None:
    rows = [*order("A", "4000.00", "2000.00"), {**order("A", "10.00")[0], "currency": "XQZ"}]
    desk.assess(desk.file(rows), route=RETAIL)
    assert [code for _, _, code in desk.errors] == ["single_limit", "single_limit", "currency_unknown"]
    assert "6000.00" in (desk.folder / "errors").read_text()


def test_the_weight_cap_is_of_the_whole_order(desk: Desk) -> None:
    """Rice: 20 kg a person and year (retail import list); an order of several lines is weighed together."""
    rice = {"hs": "1006302001", "origin": "TH", "unit": "kg"}
    rows = [{**order(number, "50.00")[0], **rice, "quantity": kg} for number, kg in
            (("A", "12"), ("A", "8"), ("B", "12"), ("B", "8.1"), ("C", "21"), ("D", "20"))]  # fmt: skip
    rows += [{**order("E", "50.00")[0], **rice, "quantity": "1", "unit": "piece"}, *order("E", "1.00")]
    desk.assess(desk.file(rows), route=RETAIL)
    assert [(row, code) for row, _, code in desk.errors] == [
        ("3", "weight_cap"), ("4", "weight_cap"), ("5", "weight_cap"), ("7", "quantity_needed")]  # fmt: skip


def test_what_is_held_for_the_next_piece_keeps_no_words_but_its_own() -> None:
    """Else the words of a file would grow from piece to piece, as nearly every piece cuts an order."""

    def pieces() -> Iterator[Piece]:
        for number in range(50):
            words = [f"order-{number * 9 + n}" for n in range(10)]  # the last goes on in the next piece
            yield Piece(number * 10, 10, {"order": Words(np.arange(10, dtype=np.int32), words)}, {}, 0)

    for piece in whole_orders(pieces()):
        column = piece.columns["order"]
        assert isinstance(column, Words)
        assert len(column.words) <= 12
