"""Dutiable value and quantities, exact to the last decimal."""

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Problem
from customs.assessments import Request, assess, parse_request
from customs.assessments.costs import with_costs
from customs.assessments.request import Costs
from customs.duty.exchange import Rates
from customs.duty.terms import INCOTERMS, Adjustment, SharedCosts, Terms
from customs.duty.valuation import NetContent, Quantities, Valued, value
from tests.cases.law import CASES, general, line, tariff

NOTHING = {"unit1": "l", "unit1_quantity": None, "unit2": "kg", "unit2_quantity": None}
DAY = date(2026, 2, 1)
SHARE = Decimal("0.003")


def rates(**own: str) -> Rates:
    return Rates(tariff(), DAY, {code: Decimal(rate) for code, rate in own.items()})


def valued(terms: Terms | None = None, **more: Any) -> Valued:
    """1,000 CNY of goods with freight of 100, insurance not known, unless told otherwise."""
    asked = {"goods": Decimal(1000), "freight": Decimal(100), "insurance": None, "currency": "CNY", "rates": rates(),
             "unknown_insurance": SHARE, **more}  # fmt: skip
    return value(**asked, terms=terms)


def explained(request: Request) -> dict[str, Any]:
    return assess(tariff(), request).lines[0].explanation[0]


def test_a_line_is_converted_once_and_rounded_once() -> None:
    found = value(Decimal("33.33"), Decimal("1.11"), Decimal("0.05"), "USD", rates(USD="7.12345"))
    assert found.exact == Decimal("245.6877905")
    assert found.fen == 24569


def test_half_a_fen_is_rounded_up() -> None:
    assert value(Decimal("0.05"), Decimal(0), Decimal(0), "JPY", rates(JPY="0.1")).fen == 1
    assert value(Decimal("0.0499"), Decimal(0), Decimal(0), "JPY", rates(JPY="0.1")).fen == 0


def test_unknown_insurance_is_three_per_mille_of_goods_and_freight() -> None:
    found = valued()
    assert (found.insurance, found.insurance_share, found.fen) == (Decimal("3.300"), SHARE, 110330)


@pytest.mark.parametrize("own", [{}, {"USD": "0"}, {"EUR": "7"}])
def test_a_currency_needs_its_rate(own: dict[str, str]) -> None:
    with pytest.raises(Problem) as refused:
        value(Decimal(1), Decimal(0), None, "USD", rates(**own))
    assert refused.value.code == "exchange_rate_missing"


@pytest.mark.parametrize("name", ["goods", "freight", "insurance"])
def test_nothing_is_negative(name: str) -> None:
    for terms in (None, Terms("EXW", export_costs=Decimal(1))):
        with pytest.raises(Problem) as refused:
            valued(terms, **{name: Decimal(-1)})
        assert refused.value.code == "out_of_bounds"


def test_the_bound_holds_for_adjusted_values_too() -> None:
    most = Decimal(10) ** 30
    for terms in (None, Terms(additions=(Adjustment("royalty", Decimal(1)),))):
        with pytest.raises(Problem) as refused:
            valued(terms, goods=most)
        assert refused.value.code == "out_of_bounds"


# Delivery terms


@pytest.mark.parametrize("incoterm", INCOTERMS)
@pytest.mark.parametrize("cost", ["export_costs", "freight", "insurance"])
def test_a_cost_is_in_the_price_or_added_never_both(incoterm: str, cost: str) -> None:
    """Each cost of each term: where the price contains it, one more yuan is refused; elsewhere it is added."""
    given = {"export_costs": Decimal(0), "freight": Decimal(0), "insurance": Decimal(0)}
    base = _under(incoterm, given)
    raised = {**given, cost: Decimal(1)}
    if cost in INCOTERMS[incoterm].contains:
        with pytest.raises(Problem) as refused:
            _under(incoterm, raised)
        assert refused.value.code == "incoterm_cost"
        assert list(refused.value.errors) == [cost]
    else:
        assert _under(incoterm, raised).exact == base.exact + 1


def _under(incoterm: str, costs: dict[str, Decimal]) -> Valued:
    terms = Terms(incoterm, export_costs=costs["export_costs"])
    return valued(terms, freight=costs["freight"], insurance=costs["insurance"])


@pytest.mark.parametrize(
    ("incoterm", "needed"),
    [("EXW", ["export_costs", "freight"]), ("FCA", ["freight"]), ("FAS", ["freight"]), ("FOB", ["freight"]),
     ("CFR", []), ("CPT", []), ("CIF", []), ("CIP", []), ("DAP", []), ("DPU", []), ("DDP", [])],
)  # fmt: skip
def test_what_a_term_cannot_do_without(incoterm: str, needed: list[str]) -> None:
    assert list(INCOTERMS[incoterm].needs) == needed
    for missing in needed:
        given: dict[str, Any] = {"export_costs": Decimal(0), "freight": Decimal(1), missing: None}
        with pytest.raises(Problem) as refused:
            valued(Terms(incoterm, export_costs=given["export_costs"]), freight=given["freight"])
        assert refused.value.code == "incoterm_cost"
        assert list(refused.value.errors) == [missing]


@pytest.mark.parametrize("incoterm", INCOTERMS)
@pytest.mark.parametrize("kind", ["inland_transport", "import_taxes", "installation"])
def test_what_a_price_under_a_term_can_be_relieved_of(incoterm: str, kind: str) -> None:
    allowed = {"inland_transport": {"CPT", "CIP", "DAP", "DPU", "DDP"}, "import_taxes": {"DDP"}}
    terms = Terms(incoterm, Decimal(0), deductions=(Adjustment(kind, Decimal(10)),))
    if incoterm in allowed.get(kind, INCOTERMS):
        assert valued(terms, freight=Decimal(0), insurance=Decimal(0)).exact == 990
        return
    with pytest.raises(Problem) as refused:
        valued(terms, freight=Decimal(0), insurance=Decimal(0))
    assert refused.value.code == "incoterm_cost"
    assert list(refused.value.errors) == ["deductions.0.kind"]


@pytest.mark.parametrize(("incoterm", "exact"), [(None, "1103.3"), ("FOB", "1103.3"), ("FAS", "1103.3")])
def test_freight_and_unknown_insurance_are_added_alike(incoterm: str | None, exact: str) -> None:
    assert valued(Terms(incoterm) if incoterm else None).exact == Decimal(exact)


# Additions and deductions


def test_each_addition_and_deduction_is_a_part_with_its_article() -> None:
    additions = tuple(Adjustment(kind, Decimal(1)) for kind in
                      ("commission", "container", "packing", "assist", "royalty", "proceeds"))  # fmt: skip
    deductions = tuple(Adjustment(kind, Decimal(2)) for kind in
                       ("construction", "installation", "assembly", "repair", "technical_service", "training",
                        "inland_transport", "import_taxes"))  # fmt: skip
    found = valued(Terms(additions=additions, deductions=deductions), freight=None, insurance=Decimal(0))
    assert found.exact == 1000 + 6 - 16
    articles = {part.name: part.article for part in found.parts}
    assert [articles[item.kind] for item in additions] == [f"art. 25({n})" for n in range(1, 7)]
    assert [articles[item.kind] for item in deductions] == ["art. 26(1)"] * 6 + ["art. 26(2)", "art. 26(3)"]


@pytest.mark.parametrize(
    ("terms", "field", "rule"),
    [
        (Terms(additions=(Adjustment("buying_commission", Decimal(1)),)), "additions.0.kind", "art. 25(1)"),
        (Terms(additions=(Adjustment("installation", Decimal(1)),)), "additions.0.kind", "one of commission"),
        (Terms(additions=(Adjustment("royalty", Decimal(-1)),)), "additions.0.amount", "negative"),
        (Terms(deductions=(Adjustment("warranty", Decimal(1)),)), "deductions.0.kind", "art. 26(1)"),
        (Terms(deductions=(Adjustment("repair", Decimal("1000.01")),)), "deductions", "cannot be above"),
        (Terms("CIF2020"), "incoterm", "one of EXW"),
        (Terms(method="guess"), "valuation_method", "one of transaction"),
    ],
)
def test_what_does_not_fit_names_its_field_and_rule(terms: Terms, field: str, rule: str) -> None:
    with pytest.raises(Problem) as refused:
        valued(terms, freight=None)
    [(named, [text])] = refused.value.errors.items()
    assert named == field
    assert rule in text


def test_the_step_shows_every_part_and_what_it_rests_on() -> None:
    terms = Terms(
        "FOB",
        additions=(Adjustment("royalty", Decimal(50), "per licence of 2025"), Adjustment("royalty", Decimal(7))),
        deductions=(Adjustment("installation", Decimal(80)),),
        shared=SharedCosts("EUR", freight=Decimal(20)),
    )
    asked = line("0202300090", "BR", "1000", currency="USD", insurance=None, terms=terms)
    shown = explained(general("2026-01-15", asked, exchange_rates={"EUR": Decimal(8)}))
    assert shown["formula"] == "(1000 + 50 + 7 - 80 + 2.931) x 7.05741444 + (20 + 0.06) x 8"
    assert shown["inputs"] == {
        "goods": "1000",
        "royalty": "50 (art. 25(5)): per licence of 2025",
        "royalty_no_2": "7 (art. 25(5))",
        "installation": "-80 (art. 26(1))",
        "freight": "20 EUR",
        "insurance": "2.931",
        "insurance_no_2": "0.06 EUR",
        "currency": "USD",
        "exchange_rate": "7.05741444",
        "exchange_rate_source": "beer-threshold",
        "exchange_rate_since": "2026-01-01",
        "exchange_rate_fixed_on": "2025-12-17",
        "exchange_rate_EUR": "8",
        "exchange_rate_source_EUR": "request",
        "insurance_basis": "unknown: 0.3 % of goods and freight",
        "incoterm": "FOB",
    }
    assert shown["amount"] == "7076.26"


def test_a_plain_step_says_that_the_rate_is_the_requests() -> None:
    asked = line("0202300090", "BR", "1000", currency="USD", freight=Decimal(100))
    shown = explained(general("2026-01-15", asked, exchange_rates={"USD": Decimal("7.1")}))
    assert shown["formula"] == "(1000 + 100 + 0) x 7.1"
    assert shown["inputs"]["exchange_rate_source"] == "request"


def test_another_method_names_its_article() -> None:
    shown = explained(general("2026-01-15", line("0202300090", "BR", "1000", terms=Terms(method="deductive"))))
    assert shown["law"].startswith("Tariff Law art. 27(3) and 28")
    assert shown["inputs"]["valuation_method"] == "deductive"


def test_rows_of_the_law_behind_a_value_are_named_for_acceptance() -> None:
    plain = line("0202300090", "AU", "1000", origin_proof=True)
    usd = line("0202300090", "AU", "1000", currency="USD", insurance=None, origin_proof=True)
    known, unknown = (set(assess(tariff(), general("2026-01-15", each)).lines[0].assumed) for each in (plain, usd))
    assert unknown - known == {"exchange_rates:USD@2026-01-01"}
    own = general("2026-01-15", usd, exchange_rates={"USD": Decimal(7)})
    assert set(assess(tariff(), own).lines[0].assumed) == known


def test_a_day_before_the_share_names_the_day() -> None:
    with pytest.raises(Problem) as refused:
        assess(tariff(), general("2003-12-31", line("0202300090", "AU", "1000", insurance=None)))
    assert (refused.value.code, list(refused.value.errors)) == ("parameter_missing", ["day"])


# Shared costs


def shared_cases() -> list[dict[str, Any]]:
    return tomllib.loads((CASES / "valuation.toml").read_text("utf-8"))["shared"]


@pytest.mark.parametrize("case", shared_cases(), ids=lambda case: case["name"])
def test_costs_are_shared_as_the_rule_says(case: dict[str, Any]) -> None:
    good = {"hs": "0202300090", "origin": "BR", "quantity": "100", "unit": "kg"}
    body = {"route": "general_trade", "day": "2026-02-01", "lines": [{**good, **each} for each in case["lines"]]}
    body |= {key: case[key] for key in ("costs", "exchange_rates", "incoterm") if key in case}
    if "refused" in case:
        with pytest.raises(Problem) as refused:
            assess(tariff(), parse_request(body))
        assert refused.value.code == case["refused"]
        assert all(field.startswith("lines.") for field in refused.value.errors)
        return
    answer = assess(tariff(), parse_request(body)).to_dict()
    assert [each["dutiable_value"] for each in answer["lines"]] == case["expect"]


@given(
    values=st.lists(st.integers(0, 10**9), min_size=1, max_size=12),
    freight=st.integers(0, 10**9),
    insurance=st.integers(0, 10**6),
)
def test_shares_conserve_the_costs(values: list[int], freight: int, insurance: int) -> None:
    lines = [line("0202300090", "BR", str(Decimal(fen) / 100), insurance=None) for fen in values]
    costs = Costs(Decimal(freight) / 100, Decimal(insurance) / 100)
    spread = with_costs(tariff(), general("2026-02-01", *lines, costs=costs)).lines
    parts = [each.terms.shared for each in spread if each.terms and each.terms.shared]
    assert sum(part.freight or 0 for part in parts) == costs.freight
    assert sum(part.insurance or 0 for part in parts) == costs.insurance
    if any(values):
        assert all(not part.freight for part, fen in zip(parts, values, strict=True) if not fen)


@pytest.mark.parametrize(
    ("costs", "more", "field"),
    [
        (Costs(Decimal("1.001")), {}, "costs.freight"),
        (Costs(insurance=Decimal(-1)), {}, "costs.insurance"),
        (Costs(Decimal(1), currency="EUR"), {}, "costs.currency"),
        (Costs(Decimal(1), currency="XYZ"), {}, "costs.currency"),
        (Costs(Decimal(1)), {"currency": "USD"}, "costs.currency"),
        (Costs(Decimal(1), currency="CNY"), {"currency": "USD"}, "lines.1.currency"),
        (Costs(insurance=Decimal(1)), {"insurance": Decimal(0)}, "lines.1.insurance"),
        (Costs(export_costs=Decimal(1)), {"terms": Terms(export_costs=Decimal(0))}, "lines.1.export_costs"),
        (Costs(Decimal(1)), {"quantity": Decimal(-1)}, "costs"),
    ],
)
def test_shared_costs_that_cannot_be_shared(costs: Costs, more: dict[str, Any], field: str) -> None:
    free = "0" if "quantity" in more else "5"
    lines = [
        line("0202300090", "BR", free, insurance=None),
        line("0202300090", "BR", free, **{"insurance": None, **more}),
    ]
    with pytest.raises(Problem) as refused:
        assess(tariff(), general("2026-02-01", *lines, costs=costs))
    assert list(refused.value.errors) == [field]


# Quantities


@pytest.mark.parametrize(
    ("sold", "unit", "label", "wanted", "parts"),
    [
        ("3", "bottle", ("700", "ml"), "l", 210_000),
        ("3", "bottle", ("700", "ml"), "ml", 210_000_000),
        ("2", "t", None, "kg", 200_000_000),
        ("500", "g", None, "kg", 50_000),
        ("0.5", "kg", ("500", "g"), "g", 50_000_000),
        ("3", "bottle", None, "l", -1),
        ("3", "kg", None, "l", -1),
        ("2", "box", ("10", "piece"), "piece", 2_000_000),
        ("2", "piece", None, "piece", 200_000),
        ("7", "no such unit", None, "kg", -1),
    ],
)
def test_quantities_in_the_unit_a_rate_asks_for(
    sold: str, unit: str, label: tuple[str, str] | None, wanted: str, parts: int
) -> None:
    content = NetContent(Decimal(label[0]), label[1]) if label else None
    given = Quantities(quantity=Decimal(sold), unit=unit, net_content=content, **NOTHING)
    assert given.of(tariff().units, wanted) == parts


def test_the_statutory_quantity_goes_first() -> None:
    given = Quantities(Decimal(10), "l", "l", Decimal("9.5"), "kg", Decimal(10), None)
    assert given.of(tariff().units, "l") == 950_000
    assert given.of(tariff().units, "kg") == 1_000_000
    assert given.of(tariff().units, "unit1") == 950_000
