"""Every rule of the law engine has a case, every dated change the day before, on and after."""

import tomllib
from datetime import timedelta
from typing import Any

import pytest

from tests.cases.law import CASES, cases, made_cases

INDEX = tomllib.loads((CASES / "rules.toml").read_text("utf-8"))
RULES = {"R", *(f"A{n}" for n in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 19, 20, 21, 23, 24))}


def named(*kinds: str) -> dict[str, Any]:
    files = [tomllib.loads(path.read_text("utf-8")) for path in CASES.glob("*.toml")]
    return {each["name"]: each for file in files for kind in kinds for each in file.get(kind, ())}


def test_every_rule_about_computing_choosing_and_limits_has_a_case() -> None:
    assert set(INDEX["rules"]) == RULES
    known = named("case", "edge", "made", "made_edge", "shared", "rate_day")
    for subject, names in (*INDEX["rules"].items(), *INDEX["parts"].items()):
        assert names, subject
        assert set(names) <= set(known), (subject, set(names) - set(known))


@pytest.mark.parametrize("subject", sorted(INDEX["edges"]))
def test_every_dated_change_has_the_days_around_it(subject: str) -> None:
    known = named("edge", "made_edge")
    for name in INDEX["edges"][subject]:
        days = {each["day"] for each in known[name]["days"]}
        assert any(day + timedelta(1) in days for day in days), name
        assert len(days) > 2, name


def test_there_are_enough_cases_and_each_says_its_source() -> None:
    every = [*cases(), *made_cases()]
    assert len(every) > 600
    assert all(case["source"] for case in every)


def test_no_two_cases_share_a_name() -> None:
    names = [case["name"] for case in (*cases(), *made_cases())]
    assert not {name for name in names if names.count(name) > 1}
