"""What holds for every line, whatever its figures."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Problem
from customs.assessments import Line, Request, assess
from customs.duty.batch import GENERAL_TRADE, Batch, levy
from customs.duty.bounds import VALUE_MAX_FEN
from tests.cases.law import general, line, retail, tariff

CODES = ["0202300090", "0303892000", "0306329000", "0306149090", "6802212000", "8703235110", "2204210000",
         "0204430000", "0302110000", "8516310000"]  # fmt: skip
ORIGINS = [None, "AU", "BR", "US", "CA", "KR", "ET", "AD", "DE", "CN"]
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)

days = st.integers(0, 3000).map(lambda n: date(2018, 11, 1) + timedelta(n))
amounts = st.integers(0, 10**9).map(lambda fen: Decimal(fen) / 100)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    return line(draw(st.sampled_from(CODES)), draw(st.sampled_from(ORIGINS)), str(draw(amounts)),
                origin_proof=draw(st.booleans()), freight=draw(amounts))  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> Request:
    day = draw(days)
    return Request("general_trade", day, draw(st.lists(lines(), min_size=1, max_size=6)))


def assessed(request: Request):
    try:
        return assess(tariff(), request)
    except Problem as problem:
        if problem.status != 422 or "line" not in problem.extra:
            raise
        return None


@SETTINGS
@given(requests())
def test_the_lines_sum_to_the_totals(request: Request) -> None:
    answer = assessed(request)
    if answer is None:
        return
    for name in ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax"):
        assert answer.totals[name] == sum(getattr(each, f"{name}_fen") for each in answer.lines)
    for each in answer.lines:
        assert each.tax_fen == each.duty_fen + each.additional_duty_fen + each.consumption_tax_fen + each.vat_fen
        assert min(each.amounts()) >= 0


@SETTINGS
@given(requests(), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(request: Request, chance) -> None:
    answer = assessed(request)
    if answer is None:
        return
    order = list(range(len(request.lines)))
    chance.shuffle(order)
    shuffled = assess(tariff(), replace(request, lines=[request.lines[i] for i in order]))
    assert [each.to_dict() for each in shuffled.lines] == [answer.lines[i].to_dict() for i in order]


@SETTINGS
@given(requests())
def test_a_batch_is_its_lines_one_by_one(request: Request) -> None:
    answer = assessed(request)
    if answer is None:
        return
    for i, each in enumerate(answer.lines):
        [alone] = assess(tariff(), replace(request, lines=[request.lines[i]])).lines
        assert alone.to_dict() == each.to_dict()


@SETTINGS
@given(requests())
def test_running_it_again_gives_the_same_bytes(request: Request) -> None:
    answer = assessed(request)
    if answer is not None:
        again = assess(tariff(), request)
        assert json.dumps(answer.to_dict()) == json.dumps(again.to_dict())


@SETTINGS
@given(requests())
def test_the_explanation_ends_in_the_amounts(request: Request) -> None:
    answer = assessed(request)
    if answer is None:
        return
    for each in answer.to_dict()["lines"]:
        by_step: dict[str, Decimal] = {}
        for step in each["explanation"]:
            by_step[step["step"]] = by_step.get(step["step"], Decimal(0)) + Decimal(step["amount"])
            assert step["formula"]
            assert step["law"]
        for name in ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat"):
            assert by_step.get(name, Decimal(0)) == Decimal(each[name])


@SETTINGS
@given(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(ORIGINS[1:]), days, amounts, st.booleans()),
                min_size=1, max_size=40))  # fmt: skip
def test_the_archive_path_is_the_quote_path(rows) -> None:
    law = tariff()
    batch = Batch(
        code=np.array([int(code) for code, *_ in rows]),
        origin=np.array([law.origins.number[origin] for _, origin, *_ in rows]),
        day=np.array([day.toordinal() for _, _, day, *_ in rows]),
        value=np.array([int(value * 100) for _, _, _, value, _ in rows]),
        proven=np.array([proven for *_, proven in rows]),
    )
    levied = levy(law, GENERAL_TRADE, batch)
    for i, (code, origin, day, value, proven) in enumerate(rows):
        answer = assessed(Request("general_trade", day, [line(code, origin, str(value), origin_proof=proven)]))
        assert (answer is None) == bool(levied.fault[i])
        if answer is not None:
            assert answer.totals["tax"] == levied.tax[i]


def test_a_proof_never_costs_more() -> None:
    for code in CODES:
        for origin in ORIGINS[1:]:
            for day in ("2019-06-01", "2025-06-01", "2026-07-01"):
                with_proof = assessed(general(day, line(code, origin, "1000.00", origin_proof=True)))
                without = assessed(general(day, line(code, origin, "1000.00")))
                if with_proof and without:
                    assert with_proof.lines[0].tax_fen <= without.lines[0].tax_fen


def test_the_largest_value_is_computed_exactly() -> None:
    value = Decimal(VALUE_MAX_FEN) / 100
    [each] = assess(tariff(), general("2025-06-01", line("0303892000", "US", str(value)))).lines
    assert each.duty_fen == VALUE_MAX_FEN * 7 // 100
    assert each.additional_duty_fen == VALUE_MAX_FEN * 50 // 100
    assert each.vat_fen == (VALUE_MAX_FEN * 157 // 100) * 9 // 100


def test_each_measure_is_rounded_on_its_own() -> None:
    """0.33 at 25, 5, 10 and 10 %: 0.08 + 0.02 + 0.03 + 0.03, not 0.50 x 0.33 = 0.17 (rule A2)."""
    [each] = assess(tariff(), general("2025-06-01", line("0303892000", "US", "0.33"))).lines
    assert each.additional_duty_fen == 16


def test_retail_orders_are_limited_one_by_one() -> None:
    lines_of_two = [line("16041400", "TH", "3000.00", order="a"), line("16041400", "TH", "3000.00", order="b")]
    assert assess(tariff(), retail("2025-06-01", *lines_of_two)).totals["vat"] == 2 * 27300
    together = [replace(each, order="a") for each in lines_of_two]
    with pytest.raises(Problem) as refused:
        assess(tariff(), retail("2025-06-01", *together))
    assert refused.value.code == "single_limit"
    assert "several orders" in str(refused.value.extra["hint"])


def test_all_obstacles_of_a_retail_order_are_named_at_once() -> None:
    lines_of_three = [line("0202300090", "BR", "100.00"), line("03061490", "JP", "100.00"),
                      line("16041400", "TH", "4900.00")]  # fmt: skip
    with pytest.raises(Problem) as refused:
        assess(tariff(), retail("2025-12-01", *lines_of_three, mode="9610", annual_used_fen=2_599_000))
    blocked = refused.value.extra["blocked"]
    assert [(block["line"], block["code"]) for block in blocked] == [
        (0, "not_on_positive_list"), (0, "single_limit"), (0, "annual_limit"),
        (1, "mode_not_allowed"), (1, "origin_banned"), (2, "mode_not_allowed"),
    ]  # fmt: skip
    assert refused.value.code == "not_on_positive_list"


def test_an_ambiguous_code_names_its_children() -> None:
    with pytest.raises(Problem) as refused:
        assess(tariff(), general("2020-01-01", line("0202300090", "BR", "1.00"), line("10059000", "AR", "1000.00")))
    assert refused.value.extra["line"] == 1
    assert list(refused.value.errors) == ["lines.1.hs"]
    assert [(child["hs"], child["duty_rate"]) for child in refused.value.extra["children"]] == [
        ("1005900001", "1"), ("1005900090", "65")]  # fmt: skip


def test_requirements_of_only_some_ten_digit_codes_name_them() -> None:
    [each] = assess(tariff(), general("2025-06-01", line("02023000", "BR", "1.00"))).lines
    [cites] = [item for item in each.requirements if item["code"] == "cites_import_permit"]
    assert cites["codes"] == ["0202300010"]


def test_a_rate_put_in_by_hand_is_used_and_marked() -> None:
    from customs.assessments.request import AssumedRate

    request = general("2026-06-01", line("03061790", "EC", "1000.00"), assume_rates=[AssumedRate("mfn", "0306", "1.5")])
    [each] = assess(tariff(), request).lines
    assert (each.duty_fen, each.standing) == (1500, "assumed")
    [untouched] = assess(tariff(), replace(request, assume_rates=())).lines
    assert untouched.duty_fen == 5000


def test_small_taxes_are_waived_in_the_totals_only() -> None:
    answer = assess(tariff(), general("2025-06-01", line("0204430000", "UY", "200.00"))).to_dict()
    assert answer["lines"][0]["duty"] == "30.00"
    assert answer["totals"]["tax"] == "50.70"
    assert answer["totals"]["waived"] == {"duty": "30.00", "vat": "20.70"}
    assert (
        "waived" not in assess(tariff(), general("2025-06-01", line("0204430000", "UY", "2000.00"))).to_dict()["totals"]
    )
