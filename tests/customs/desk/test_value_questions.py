"""What belongs to the value, asked over HTTP: each refusal with its code, field and rule."""

from typing import Any

import pytest

from tests.customs.desk.builders import Caller

LINE = {"hs": "0202300090", "origin": "BR", "quantity": "100", "unit": "kg", "value": "1000.00", "currency": "USD"}
QUESTION = {"route": "general_trade", "day": "2026-02-01", "exchange_rates": {"USD": "7.1000"}}


@pytest.fixture
def anybody(app: Any) -> Caller:
    return Caller(app)


def ask(anybody: Caller, line: dict[str, Any], **changes: Any) -> Any:
    return anybody.post("/customs/assessments", {**QUESTION, "lines": [{**LINE, **line}], **changes})


def cost(kind: str, amount: str = "10.00", **more: str) -> list[dict[str, str]]:
    return [{"kind": kind, "amount": amount, **more}]


@pytest.mark.parametrize(
    ("line", "changes", "code", "field", "rule"),
    [
        ({}, {"exchange_rates": {}}, "exchange_rate_missing", "lines.0.currency", "2026-02"),
        ({}, {"exchange_rates": {}, "day": "2027-02-01"}, "exchange_rate_missing", "lines.0.currency", "2027"),
        ({"currency": "XYZ"}, {}, "currency_unknown", "lines.0.currency", "currencies.csv"),
        ({}, {"exchange_rates": {"UDS": "7.1"}}, "currency_unknown", "exchange_rates.UDS", "currencies.csv"),
        ({"incoterm": "FOB"}, {}, "incoterm_cost", "lines.0.freight", "needed under FOB"),
        ({}, {"incoterm": "FOB"}, "incoterm_cost", "lines.0.freight", "needed under FOB"),
        ({"incoterm": "EXW", "freight": "1.00"}, {}, "incoterm_cost", "lines.0.export_costs", "needed under EXW"),
        ({"incoterm": "FOB", "freight": "1.00", "export_costs": "1.00"}, {}, "incoterm_cost", "lines.0.export_costs",
         "in the price under FOB"),
        ({"incoterm": "CFR", "freight": "1.00"}, {}, "incoterm_cost", "lines.0.freight", "in the price under CFR"),
        ({"incoterm": "CIF", "insurance": "1.00"}, {}, "incoterm_cost", "lines.0.insurance", "in the price under CIF"),
        ({"incoterm": "DAP", "deductions": cost("import_taxes")}, {}, "incoterm_cost", "lines.0.deductions.0.kind",
         "not in the price under DAP"),
        ({"incoterm": "XXX"}, {}, "invalid_input", "lines.0.incoterm", "must be one of"),
        ({}, {"incoterm": "fob"}, "invalid_input", "incoterm", "must be one of"),
        ({"additions": cost("buying_commission")}, {}, "invalid_input", "lines.0.additions.0.kind", "art. 25(1)"),
        ({"additions": cost("gift")}, {}, "invalid_input", "lines.0.additions.0.kind", "one of commission"),
        ({"additions": cost("royalty", "-1")}, {}, "invalid_input", "lines.0.additions.0.amount", "amount"),
        ({"additions": cost("royalty", "1.001")}, {}, "invalid_input", "lines.0.additions.0.amount", "amount"),
        ({"additions": [{"kind": "royalty"}]}, {}, "invalid_input", "lines.0.additions.0.amount", "Missing"),
        ({"deductions": cost("warranty")}, {}, "invalid_input", "lines.0.deductions.0.kind", "art. 26(1)"),
        ({"deductions": cost("installation", "1000.01")}, {}, "invalid_input", "lines.0.deductions", "above"),
        ({"valuation_method": "guess"}, {}, "invalid_input", "lines.0.valuation_method", "must be one of"),
        ({"freight": "1.00"}, {"costs": {"freight": "1.00"}}, "invalid_input", "lines.0.freight", "costs"),
        ({}, {"costs": {"freight": "1.00", "currency": "EUR"}}, "exchange_rate_missing", "costs.currency", "EUR"),
        ({}, {"costs": {"freight": "1.00", "currency": "XYZ"}}, "currency_unknown", "costs.currency", "XYZ"),
        ({}, {"costs": {"freight": "1.001"}}, "invalid_input", "costs.freight", "amount"),
        ({}, {"costs": {"handling": "1.00"}}, "invalid_input", "costs.handling", "Unknown"),
        ({}, {"exchange_rates": {"USD": {"rate": "710", "per": "10"}}}, "invalid_input", "exchange_rates.USD.value.per",
         "must be one of"),
        ({}, {"exchange_rates": {"USD": {"per": "100"}}}, "invalid_input", "exchange_rates.USD.value.rate", "Missing"),
        ({}, {"exchange_rates": {"USD": ["7.1"]}}, "invalid_input", "exchange_rates.USD.value", "yuan"),
    ],
)  # fmt: skip
def test_a_refusal_names_code_field_and_rule(
    anybody: Caller, line: dict[str, Any], changes: dict[str, Any], code: str, field: str, rule: str
) -> None:
    answer = ask(anybody, line, **changes)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (422, code), body
    assert list(body["errors"]) == [field]
    assert rule in body["errors"][field][0]
    if field.startswith("lines.0.") and code != "invalid_input":
        assert body["line"] == 0


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("incoterm", "CIF"),
        ("export_costs", "1.00"),
        ("additions", cost("royalty")),
        ("deductions", cost("training")),
        ("valuation_method", "identical"),
    ],
)
def test_a_retail_price_is_not_adjusted(anybody: Caller, field: str, given: Any) -> None:
    line = {"hs": "3304990029", "currency": "CNY", "origin": "KR", field: given}
    body = ask(anybody, line, route="cross_border_retail", exchange_rates={}).get_json()
    assert (body["code"], list(body["errors"])) == ("invalid_input", [f"lines.0.{field}"])


def test_the_laws_own_rate_is_used_when_none_is_given(anybody: Caller) -> None:
    line = ask(anybody, {"insurance": "0.00"}, day="2023-07-15", exchange_rates={}).get_json()["lines"][0]
    assert line["dutiable_value"] == "7179.50"
    shown = line["explanation"][0]["inputs"]
    assert (shown["exchange_rate"], shown["exchange_rate_source"]) == ("7.1795", "customs-rate-2023-07")


def test_a_rate_given_goes_first_and_says_so(anybody: Caller) -> None:
    line = ask(anybody, {"insurance": "0.00"}, day="2023-07-15").get_json()["lines"][0]
    assert line["dutiable_value"] == "7100.00"
    assert line["explanation"][0]["inputs"]["exchange_rate_source"] == "request"


def test_a_quote_per_hundred(anybody: Caller) -> None:
    given = {"JPY": {"rate": "4.8123", "per": "100"}}
    line = ask(anybody, {"currency": "JPY", "insurance": "0.00"}, exchange_rates=given).get_json()["lines"][0]
    assert (line["dutiable_value"], line["explanation"][0]["inputs"]["exchange_rate"]) == ("48.12", "0.048123")


def test_equipment_with_installation_and_training(anybody: Caller) -> None:
    """(1,000,000 - 80,000 - 20,000) x 7.1, insurance in the price."""
    deductions = [*cost("installation", "80000.00", note="in Ningbo"), *cost("training", "20000.00")]
    asked = {"hs": "8438500000", "origin": "DE", "quantity": "1", "unit": "machine", "value": "1000000.00"}
    line = ask(anybody, {**asked, "incoterm": "CIF", "deductions": deductions}).get_json()["lines"][0]
    assert line["dutiable_value"] == "6390000.00"
    inputs = line["explanation"][0]["inputs"]
    assert inputs["installation"] == "-80000 (art. 26(1)): in Ningbo"
    assert inputs["training"] == "-20000 (art. 26(1))"


def test_costs_of_a_consignment_are_on_its_lines(anybody: Caller) -> None:
    lines = [{**LINE, "value": value} for value in ("100.00", "100.00", "100.00")]
    costs = {"freight": "10.00", "insurance": "1.00"}
    question = {**QUESTION, "incoterm": "FOB", "costs": costs, "lines": lines}
    body = anybody.post("/customs/assessments", question).get_json()
    assert [line["dutiable_value"] for line in body["lines"]] == ["736.13", "735.99", "735.99"]
    assert [line["explanation"][0]["inputs"]["freight"] for line in body["lines"]] == ["3.34", "3.33", "3.33"]


def test_costs_of_a_retail_order_are_on_its_lines_too(anybody: Caller) -> None:
    """Nobody insured the parcel, so nothing is reckoned for it."""
    line = {**LINE, "hs": "3304990029", "origin": "KR", "currency": "CNY", "value": "100.00", "quantity": "1",
            "unit": "piece", "net_content": {"quantity": "50", "unit": "ml"}}  # fmt: skip
    question = {
        "route": "cross_border_retail",
        "day": "2026-02-01",
        "costs": {"freight": "9.01"},
        "lines": [line, line],
    }
    body = anybody.post("/customs/assessments", question).get_json()
    assert [each["dutiable_value"] for each in body["lines"]] == ["104.51", "104.50"]


@pytest.mark.parametrize("costs", [{}, {"freight": "0.00", "insurance": "0.00", "export_costs": "0.00"}])
def test_no_costs_to_share_change_nothing(anybody: Caller, costs: dict[str, str]) -> None:
    lines = [{**LINE, "value": "0.00"}, LINE]
    body = anybody.post("/customs/assessments", {**QUESTION, "costs": costs, "lines": lines}).get_json()
    assert body["lines"][0]["dutiable_value"] == "0.00"
    assert body["lines"][1]["dutiable_value"] == ("7121.30" if not costs else "7100.00")
