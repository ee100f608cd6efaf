"""A line in a file bears the same fen, rates and refusals as the same line asked by itself."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from core.errors import Problem
from customs.assessments import assess, parse_request
from customs.assessments.files.options import Options
from customs.assessments.files.single import OneByOne
from customs.assessments.request import GENERAL_TRADE, RETAIL
from tests.cases.law import tariff
from tests.customs.files.conftest import Desk
from tests.customs.files.lines import Lines, Row, body

AMOUNTS = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax", "duty_rate", "vat_rate")
COLUMN_OF = {"statutory.unit1_quantity": "unit1_quantity", "statutory.unit2_quantity": "unit2_quantity",
             "net_content": "net_content_quantity", "preference": "agreement"}  # fmt: skip


def asked_alone(row: Row, route: str) -> dict[str, str]:
    """The cells of the result, from the code of `POST /customs/assessments`."""
    alone = OneByOne(tariff(), Options())
    if not row.get("quantity"):
        row = {**row, "quantity": "0", "unit": alone.idle_unit}
    try:
        line = assess(tariff(), parse_request(body(row, route))).lines[0].to_dict()
    except Problem as problem:
        path = next(iter(problem.errors), "").removeprefix("lines.0.")
        field = "currency" if path.startswith("exchange_rates.") else COLUMN_OF.get(path, path)
        return {"error_code": problem.code, "error_field": field, "tax": ""}
    return {**{name: line[name] for name in AMOUNTS}, "error_code": ""}


def differences(desk: Desk, rows: list[Row], route: str) -> Iterator[Any]:
    desk.assess(desk.file(rows), route=route)
    for row, ours in zip(rows, desk.result, strict=True):
        alone = asked_alone(row, route)
        if any(ours[name] != text for name, text in alone.items()):
            yield row, alone, ours


MANY = pytest.param(4000, marks=pytest.mark.soak)


@pytest.mark.parametrize("count", [1200, MANY])
def test_general_trade_is_the_same_to_the_fen(desk: Desk, count: int) -> None:
    rows = Lines(tariff(), seed=20261123 + count).some(count)
    assert list(differences(desk, rows, GENERAL_TRADE)) == []
    codes = Counter(row["error_code"] for row in desk.result)
    assert codes[""] > count // 4, codes  # the lines were not all refused
    assert {"code_ambiguous", "quantity_needed", "origin_banned", "exchange_rate_missing"} <= set(codes)


@pytest.mark.parametrize("count", [1200, MANY])
def test_retail_is_the_same_to_the_fen(desk: Desk, count: int) -> None:
    listed = sorted({row["hs"] for row in tariff().tables["positive_list"] if len(row["hs"]) == 8})
    lines = Lines(tariff(), seed=7)
    rows = [_retail(lines, row, listed) for row in lines.some(count)]
    assert list(differences(desk, rows, RETAIL)) == []
    codes = Counter(row["error_code"] for row in desk.result)
    assert codes[""] > count // 4, codes
    assert {"single_limit", "not_on_positive_list", "mode_not_allowed", "retail_not_in_force"} <= set(codes)
    assert any(row["duty"] not in ("", "0.00") for row in desk.result), "no single item paid in full"


def _retail(lines: Lines, row: Row, listed: list[str]) -> Row:
    """A line as consumers order them; an agreement that does not exist is looked at in general trade only."""
    chance = lines.chance
    code = chance.choice(listed)
    row |= {"hs": chance.choice(tariff().in_force(date(2024, 1, 1), code) or [code]), "currency": "CNY"}
    row |= {"value": f"{chance.randrange(700_000) / 100:.2f}", "mode": chance.choice(["", "1210", "9610"])}
    row["day"] = chance.choice(["2016-03-01", "2016-12-01", "2019-01-01", "2023-05-01", "2026-05-01"])
    if chance.random() < 0.6:
        row |= {"quantity": "1", "unit": row.get("unit") or "piece"}
    return {name: text for name, text in row.items() if name not in ("at", "agreement", "certificate_no")}


def test_most_lines_go_through_the_columns(desk: Desk, line: Any) -> None:
    """The slow way is for few: eight digits, claims, foreign currency and rates per unit are answered at once."""
    rows = [
        line(),
        line(hs="02023000"),
        line(origin="AU", agreement="CN-AU", certificate_no="E1"),
        line(currency="USD", exchange_rate="7.1"),
        line(hs="0207141100", quantity="2.5", unit="t"),
        line(hs="2203000000", origin="DE", quantity="1000", unit="l", unit2_quantity="1000"),
    ]
    rows = [row for row in rows if asked_alone(row, GENERAL_TRADE)["error_code"] == ""]
    assert len(rows) > 3
    assert desk.assess(desk.file(rows)).one_by_one == 0
