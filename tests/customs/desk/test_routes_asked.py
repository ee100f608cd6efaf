"""Personal articles and services asked over HTTP: their answers, and each refusal with its field."""

from typing import Any

import pytest

from tests.customs.desk.builders import Caller

TEA = {"hs": "0902109000", "origin": "JP", "quantity": "2", "unit": "kg", "value": "300.00"}
BAG = {"post_category": "handbags", "origin": "IT", "quantity": "1", "unit": "piece", "value": "300.00"}
DESIGN = {"service": "design", "value": "1060.00", "provider_country": "DE"}
SUGAR = {"hs": "1701991010", "origin": "TH", "quantity": "3", "unit": "kg", "value": "30.00"}
BEEF = {"hs": "0202300090", "origin": "BR", "quantity": "100", "unit": "kg", "value": "1000.00"}


@pytest.fixture
def anybody(app: Any) -> Caller:
    return Caller(app)


def ask(anybody: Caller, route: str, *lines: dict[str, Any], **more: Any) -> Any:
    body = {"route": route, "day": "2026-11-23", "lines": lines, **more}
    return anybody.post("/customs/assessments", body)


def test_an_article_by_post(anybody: Caller) -> None:
    body = ask(anybody, "personal_post", TEA, {**BAG, "parcel": "2"}, **{"from": "HK"}).get_json()
    tea, bag = body["lines"]
    assert (tea["dutiable_value"], tea["duty"], tea["duty_rate"], tea["vat"], tea["tax"]) == (
        "400.00", "52.00", "13", "0.00", "52.00")  # fmt: skip
    assert (bag["hs"], bag["post_category"], bag["parcel"], bag["tax"]) == (None, "handbags", "2", "60.00")
    assert body["totals"]["tax"] == "112.00"


def test_a_waived_parcel_stands_in_the_totals(anybody: Caller) -> None:
    body = ask(anybody, "personal_post", {**BAG, "value": "100.00"}).get_json()
    assert body["lines"][0]["tax"] == "20.00"
    assert body["totals"]["waived"] == {"duty": "20.00"}


def test_a_service(anybody: Caller) -> None:
    line = ask(anybody, "services", DESIGN).get_json()["lines"][0]
    assert (line["hs"], line["origin"], line["dutiable_value"], line["vat"], line["tax"]) == (
        None, "DE", "1000.00", "60.00", "60.00")  # fmt: skip


def test_a_service_with_the_tax_on_top(anybody: Caller) -> None:
    line = ask(anybody, "services", {**DESIGN, "price_includes_tax": False}).get_json()["lines"][0]
    assert (line["dutiable_value"], line["vat"]) == ("1060.00", "63.60")


def test_the_words_are_there_in_chinese(anybody: Caller) -> None:
    body = {"route": "services", "day": "2026-11-23", "lines": [DESIGN]}
    line = anybody.post("/customs/assessments?lang=zh", body).get_json()["lines"][0]
    assert line["applied"][0]["law"].startswith("《增值税法》")
    assert "扣缴义务人" in line["requirements"][0]["detail"]


def test_weight_caps_are_told_before_they_are_passed(anybody: Caller) -> None:
    line = ask(anybody, "cross_border_retail", {**SUGAR, "quantity": "2"}).get_json()["lines"][0]
    [cap] = [item for item in line["requirements"] if item["code"] == "weight_cap"]
    assert (cap["group"], cap["cap_kg"], cap["order_kg"], cap["standing"]) == ("sugar", "2", "2", "assumed")


@pytest.mark.parametrize(
    ("route", "line", "more", "code", "field"),
    [
        ("personal_post", {**BAG, "value": "2000.01", "quantity": "2"}, {}, "post_limit", "lines.0.value"),
        ("personal_post", {**BAG, "post_category": "unicorns"}, {}, "post_category_unknown", "lines.0.post_category"),
        ("personal_post", {**BEEF, "hs": "8429521200"}, {}, "post_category_unknown", "lines.0.post_category"),
        ("personal_post", {**TEA, "unit": "bag"}, {}, "quantity_needed", "lines.0.quantity"),
        ("personal_post", {**BAG, "post_category": "skin_cream"}, {}, "quantity_needed", "lines.0.net_content"),
        ("personal_post", BAG, {"day": "2010-01-01"}, "before_coverage", "lines.0.post_category"),
        ("personal_post", TEA, {"from": "XX"}, "origin_unknown", "from"),
        ("personal_post", {**TEA, "hs": "0902109999"}, {}, "code_unknown", "lines.0.hs"),
        ("personal_post", {**TEA, "origin": "XX"}, {}, "origin_unknown", "lines.0.origin"),
        ("services", {**DESIGN, "service": "haircuts"}, {}, "service_unknown", "lines.0.service"),
        ("services", {**DESIGN, "currency": "USD"}, {}, "exchange_rate_missing", "lines.0.currency"),
        ("services", DESIGN, {"day": "2013-07-31"}, "before_coverage", "lines.0.service"),
        ("services", {**DESIGN, "provider_country": "CN"}, {}, "invalid_input", "lines.0.provider_country"),
        ("services", {**DESIGN, "provider_country": "XX"}, {}, "origin_unknown", "lines.0.provider_country"),
        ("cross_border_retail", SUGAR, {}, "weight_cap", "lines.0.quantity"),
        ("cross_border_retail", {**SUGAR, "unit": "bag"}, {}, "quantity_needed", "lines.0.quantity"),
    ],
)
def test_each_refusal_has_its_code_and_field(
    anybody: Caller, route: str, line: dict[str, Any], more: dict[str, Any], code: str, field: str
) -> None:
    answer = ask(anybody, route, line, **more)
    assert answer.status_code == 422, answer.get_json()
    assert answer.get_json()["code"] == code
    assert field in answer.get_json()["errors"]


@pytest.mark.parametrize(
    ("route", "line", "more", "field"),
    [
        ("services", {**DESIGN, "hs": "0202300090"}, {}, "lines.0.hs"),
        ("services", {**DESIGN, "quantity": "1"}, {}, "lines.0.quantity"),
        ("services", {**DESIGN, "origin": "DE"}, {}, "lines.0.origin"),
        ("services", {**DESIGN, "freight": "1.00"}, {}, "lines.0.freight"),
        ("services", {"value": "1.00"}, {}, "lines.0.service"),
        ("services", DESIGN, {"from": "DE"}, "from"),
        ("services", DESIGN, {"mode": "1210"}, "mode"),
        ("personal_post", {**BAG, "freight": "1.00"}, {}, "lines.0.freight"),
        ("personal_post", {**BAG, "incoterm": "FOB"}, {}, "lines.0.incoterm"),
        ("personal_post", {**BAG, "order": "2"}, {}, "lines.0.order"),
        ("personal_post", {**BAG, "service": "design"}, {}, "lines.0.service"),
        ("personal_post", {**BAG, "post_category": None}, {}, "lines.0.post_category"),
        ("personal_post", {key: BAG[key] for key in ("origin", "quantity", "unit", "value")}, {}, "lines.0.hs"),
        ("personal_post", {key: BAG[key] for key in ("post_category", "quantity", "unit", "value")}, {}, "lines.0.origin"),
        ("personal_post", BAG, {"annual_used": "1.00"}, "annual_used"),
        ("personal_post", BAG, {"assume": {"rates": []}}, "assume"),
        ("general_trade", {**BEEF, "post_category": "tea"}, {}, "lines.0.post_category"),
        ("general_trade", {**BEEF, "parcel": "2"}, {}, "lines.0.parcel"),
        ("general_trade", {**BEEF, "price_includes_tax": False}, {}, "lines.0.price_includes_tax"),
        ("general_trade", BEEF, {"from": "BR"}, "from"),
        ("general_trade", {key: BEEF[key] for key in ("origin", "quantity", "unit", "value")}, {}, "lines.0.hs"),
        ("cross_border_retail", {key: BEEF[key] for key in ("hs", "origin", "unit", "value")}, {}, "lines.0.quantity"),
        ("general_trade", {key: BEEF[key] for key in ("hs", "origin", "quantity", "value")}, {}, "lines.0.unit"),
    ],
)  # fmt: skip
def test_a_field_of_another_route_is_refused_not_ignored(
    anybody: Caller, route: str, line: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    answer = ask(anybody, route, line, **more)
    assert answer.status_code == 422, answer.get_json()
    assert answer.get_json()["code"] == "invalid_input"
    assert field in answer.get_json()["errors"]


def test_an_unknown_origin_is_still_a_null(anybody: Caller) -> None:
    assert ask(anybody, "general_trade", {**BEEF, "origin": None}).status_code == 200
    without = {key: BEEF[key] for key in ("hs", "quantity", "unit", "value")}
    assert "lines.0.origin" in ask(anybody, "general_trade", without).get_json()["errors"]
