"""The law cases of tests/cases, each a statement a customs lawyer can check."""

from typing import Any

import pytest

from core.errors import Problem
from customs.assessments import assess
from customs.tariff import Tariff
from tests.cases.law import cases, made_cases, request_of, tariff
from tests.customs.duty import every_form

SHOWN = ("dutiable_value", "duty", "duty_rate", "additional_duty", "consumption_tax", "vat", "vat_rate", "tax")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_the_law_says(case: dict[str, Any]) -> None:
    _check(tariff(), case)


@pytest.mark.parametrize("case", made_cases(), ids=lambda case: case["name"])
def test_the_made_up_law_says(case: dict[str, Any]) -> None:
    _check(every_form.law(), case)


def _check(law: Tariff, case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(Problem) as refused:
            assess(law, request_of(case))
        assert refused.value.code == case["refused"]
        assert refused.value.status == 422
        assert refused.value.errors
        return
    answer = assess(law, request_of(case)).to_dict()
    line, expected = answer["lines"][0], case["expect"]
    wanted = {key: value for key, value in expected.items() if key in SHOWN}
    assert {key: line[key] for key in wanted} == wanted
    _check_words(line, expected)
    if "waived" in expected:
        assert answer["totals"].get("waived", {}).get("duty", "") == expected["waived"]


def _check_words(line: dict[str, Any], expected: dict[str, Any]) -> None:
    required = {item["code"] for item in line["requirements"]}
    assert set(expected.get("requires", ())) <= required
    assert not required & set(expected.get("requires_not", ()))
    if "kind" in expected:
        assert line["applied"][0]["kind"] == expected["kind"]
    if "standing" in expected:
        assert line["standing"] == expected["standing"]
    if "left" in expected:
        assert [item for item in line["not_applied"] if expected["left"] in f"{item}"]
