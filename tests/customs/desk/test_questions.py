"""Questions anybody may ask: the tariff and what goods would bear."""

from decimal import Decimal
from typing import Any

import pytest

from tests.customs.desk.builders import Caller

PUBLISHED = {
    "route": "general_trade",
    "day": "2026-02-01",
    "exchange_rates": {"USD": "7.1000"},
    "lines": [
        {
            "hs": "0202300090",
            "origin": "BR",
            "origin_proof": False,
            "quantity": "20000",
            "unit": "kg",
            "value": "104000.00",
            "currency": "USD",
            "freight": "0.00",
            "insurance": "0.00",
        }
    ],
}


@pytest.fixture
def anybody(app: Any) -> Caller:
    return Caller(app)


def ask(anybody: Caller, **changes: Any) -> Any:
    line = {**PUBLISHED["lines"][0], **changes.pop("line", {})}
    return anybody.post("/customs/assessments", {**PUBLISHED, "lines": [line], **changes})


def test_the_published_example(anybody: Caller) -> None:
    body = ask(anybody).get_json()
    line = body["lines"][0]
    assert {name: line[name] for name in ("dutiable_value", "duty", "duty_rate", "vat", "vat_rate", "tax")} == {
        "dutiable_value": "738400.00",
        "duty": "88608.00",
        "duty_rate": "12",
        "vat": "74430.72",
        "vat_rate": "9",
        "tax": "163038.72",
    }
    assert body["totals"]["tax"] == "163038.72"
    assert line["applied"][0]["kind"] == "mfn"
    assert {"code", "source"} <= set(line["requirements"][0])


def test_the_same_question_gives_the_same_bytes(anybody: Caller) -> None:
    assert ask(anybody).data == ask(anybody).data


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"hs": "9999999999"}, "lines.0.hs"),
        ({"hs": "０２０２３０００９０"}, "lines.0.hs"),
        ({"hs": "0202.3000"}, "lines.0.hs"),
        ({"origin": "br"}, "lines.0.origin"),
        ({"origin": "XX"}, "lines.0.origin"),
        ({"quantity": "1e3"}, "lines.0.quantity"),
        ({"quantity": "0"}, "lines.0.quantity"),
        ({"quantity": "1.123456"}, "lines.0.quantity"),
        ({"quantity": 20000}, "lines.0.quantity"),
        ({"value": "-1"}, "lines.0.value"),
        ({"value": "1.001"}, "lines.0.value"),
        ({"value": "NaN"}, "lines.0.value"),
        ({"currency": "usd"}, "lines.0.currency"),
        ({"currency": "EUR"}, "lines.0.currency"),
        ({"colour": "red"}, "lines.0.colour"),
        ({"origin_proof": "yes"}, "lines.0.origin_proof"),
        ({"preference": {"agreement": "ChAFTA"}}, "lines.0.preference.certificate_no"),
    ],
)
def test_a_wrong_line_names_its_field(anybody: Caller, line: dict[str, Any], field: str) -> None:
    answer = ask(anybody, line=line)
    assert answer.status_code == 422, answer.get_json()
    assert field in answer.get_json()["errors"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"route": "smuggling"}, "route"),
        ({"day": "2026-02-30"}, "day"),
        ({"exchange_rates": {"USD": "0"}}, "exchange_rates.USD.value"),
        ({"exchange_rates": {"USD": 7.1}}, "exchange_rates.USD.value"),
        ({"lines": []}, "lines"),
        ({"lines": [PUBLISHED["lines"][0]] * 1001}, "lines"),
        ({"mode": "0110"}, "mode"),
        ({"assume": {"quota": {"NO-SUCH": "2026-01-01"}}}, None),
    ],
)
def test_a_wrong_question_names_its_field(anybody: Caller, changes: dict[str, Any], field: str | None) -> None:
    answer = ask(anybody, **changes)
    assert answer.status_code == 422, answer.get_json()
    assert field is None or field in answer.get_json()["errors"]


def test_a_thousand_lines_add_up(anybody: Caller) -> None:
    lines = [{**PUBLISHED["lines"][0], "value": f"{100 + number}.37"} for number in range(1000)]
    body = anybody.post("/customs/assessments", {**PUBLISHED, "lines": lines}).get_json()
    assert len(body["lines"]) == 1000
    for name, total in body["totals"].items():
        assert sum(Decimal(line[name]) for line in body["lines"]) == Decimal(total)


def test_an_eight_digit_code_is_answered_or_its_children_are_named(anybody: Caller) -> None:
    assert ask(anybody, line={"hs": "02023000"}).get_json()["lines"][0]["tax"] == "163038.72"


@pytest.mark.parametrize(
    ("query", "expected"),
    [("牛肉", "0202"), ("beef", "0202"), ("Beef frozen", "0202"), ("0202300090", "0202300090"), ("ＢＥＥＦ", "0202")],
)
def test_lines_are_found_by_words(anybody: Caller, query: str, expected: str) -> None:
    body = anybody.get("/customs/tariff", query_string={"q": query, "day": "2026-11-23"}).get_json()
    assert any(item["hs"].startswith(expected) for item in body["items"]), body
    first = body["items"][0]
    assert {"hs", "description", "units", "mfn", "general", "vat", "consumption_tax", "controls"} <= set(first)


def test_pages_of_the_tariff_hold_every_line_once(anybody: Caller) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        query = {"prefix": "0202", "limit": 2, **({"cursor": cursor} if cursor else {})}
        body = anybody.get("/customs/tariff", query_string=query).get_json()
        seen += [item["hs"] for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) >= 4


def test_one_line_read_out_with_its_sources(anybody: Caller) -> None:
    before = anybody.get("/customs/tariff/0202300090?origin=AU&day=2026-06-19").get_json()
    after = anybody.get("/customs/tariff/0202300090?origin=AU&day=2026-06-20").get_json()
    kinds = [{fact["kind"] for fact in body["in_force"]} for body in (before, after)]
    assert "safeguard" not in kinds[0]
    assert "safeguard" in kinds[1]
    assert all(fact["source"]["id"] for fact in after["in_force"])
    assert any(fact.get("agreement") == "ChAFTA" for fact in after["in_force"])
    assert after["not_applied"]
    assert all(item["reason"] for item in after["not_applied"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customs/tariff/0202300099", 422),
        ("/customs/tariff/02023", 422),
        ("/customs/tariff/beef", 422),
        ("/customs/tariff/0202300090?origin=XX", 422),
        ("/customs/tariff/0202300090?origin=au", 422),
        ("/customs/tariff/0202300090?day=tomorrow", 422),
        ("/customs/tariff?q=&day=2026-11-23", 422),
        ("/customs/tariff?prefix=abc", 422),
        ("/customs/tariff?limit=101", 422),
        ("/customs/tariff?cursor=WzEsMl0", 422),
        ("/customs/tariff?q=%00", 422),
    ],
)
def test_wrong_questions_to_the_tariff(anybody: Caller, path: str, status: int) -> None:
    assert anybody.get(path).status_code == status
