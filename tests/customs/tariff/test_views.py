"""One line read out: rates with days and sources, quotas, questions, history, and what is said of a code that is not."""

import json
import random
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from core.errors import Problem
from customs.tariff import Tariff, load_tariff
from customs.tariff_views import detail

ROOT = Path(__file__).parents[3]
BEEF = "0202300090"
COSMETICS = "3304990039"


@pytest.fixture(scope="module")
def law() -> Tariff:
    return load_tariff(ROOT / "customs" / "data")


def told(law: Tariff, hs: str, origin: str | None, day: str) -> dict[str, Any]:
    return detail(law, hs, origin, date.fromisoformat(day))


def of_kind(facts: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = [fact for fact in facts if fact["kind"] == kind]
    assert len(found) == 1, facts
    return found[0]


def sources(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "source" in value:
            yield value["source"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from sources(each)


def test_every_source_is_told_in_full_and_every_rate_is_of_the_day(law: Tariff) -> None:
    """Over three hundred questions: no source is a bare id, no rate outside its days, and JSON takes it all."""
    chance = random.Random(20261123)
    answered = 0
    for _ in range(300):
        hs = chance.choice(law.rows)["hs"]
        origin = chance.choice([None, *law.countries])
        day = date(chance.randint(2012, 2027), chance.randint(1, 12), chance.randint(1, 28))
        if hs not in law.in_force(day, hs):
            continue
        found = detail(law, chance.choice([hs, hs[:8]]), origin, day)
        answered += 1
        json.dumps(found)
        assert [source for source in sources(found) if source is not None and not source.get("title")] == []
        for fact in (*found["in_force"], *found["controls_in_force"], *found["quotas"]):
            assert fact["first_day"] <= day.isoformat() <= (fact["last_day"] or "9999")
            assert fact["standing"] in ("official", "secondary", "assumed")
    assert answered > 200


def test_a_rate_has_the_days_between_which_it_holds(law: Tariff) -> None:
    before, after = (of_kind(told(law, BEEF, "AU", day)["in_force"], "vat") for day in ("2019-03-31", "2019-04-01"))
    assert (before["rate"], before["last_day"], before["class"]) == ("10", "2019-03-31", "reduced")
    assert (after["rate"], after["first_day"]) == ("9", "2019-04-01")


def test_the_history_has_every_stretch_in_order(law: Tariff) -> None:
    history = told(law, BEEF, None, "2026-02-01")["history"]
    assert [(row["rate"], row["first_day"]) for row in history["vat"]] == [
        ("13", "2012-01-01"), ("11", "2017-07-01"), ("10", "2018-05-01"), ("9", "2019-04-01"), ("9", "2026-01-01"),
    ]  # fmt: skip
    for rows in history.values():
        ends = [(row["first_day"], row["last_day"] or "9999") for row in rows]
        assert ends == sorted(ends)
        assert all(one[1] < two[0] for one, two in pairwise(ends))


def test_a_reading_carried_on_says_to_which_day_it_was_read(law: Tariff) -> None:
    read, carried = (of_kind(told(law, BEEF, None, day)["in_force"], "mfn") for day in ("2019-12-31", "2026-02-01"))
    assert (read["standing"], carried["standing"]) == ("secondary", "assumed")
    assert carried["verified_to"] == "2019-12-31"


def test_a_staged_rate_is_the_rate_of_the_day_with_its_steps(law: Tariff) -> None:
    rates = {}
    for year in (2019, 2020):
        fact = of_kind(told(law, "0201300090", "AU", f"{year}-06-01")["in_force"], "agreement")
        assert fact["staged"] == {
            "base": "12", "steps": 10, "first_year": 2015, "last_cut": 2024, "last_rate": "0",
        }  # fmt: skip
        rates[year] = fact["rate"]
    assert rates == {2019: "6", 2020: "4.8"}


def test_an_agreement_names_what_it_needs(law: Tariff) -> None:
    found = told(law, BEEF, "AU", "2026-02-01")
    assert of_kind(found["in_force"], "agreement")["needs"] == ["proof_of_origin", "direct_transport"]
    assert {"question": "proof_of_origin", "agreements": ["ChAFTA"]} in found["questions"]
    assert any(item.get("agreement") == "ChAFTA" and item["reason"] for item in found["not_applied"])


def test_a_country_quota_with_its_state(law: Tariff) -> None:
    before, after = (told(law, BEEF, "AU", day)["quotas"] for day in ("2026-06-19", "2026-06-20"))
    assert [quota["levied"] for quota in (*before, *after)] == [False, True]
    assert after[0]["quota"] == "BEEF-SG-AU-2026"
    assert after[0]["rate_beyond"] == "55"
    assert [event["event"] for event in after[0]["events"]] == ["surcharge_starts"]
    brazil = told(law, BEEF, "BR", "2026-03-05")["quotas"][0]
    assert (brazil["as_of"], brazil["share"], brazil["known"]) == ("2026-02-28", "33.64", False)
    unknown = told(law, BEEF, None, "2026-06-20")["quotas"]
    assert [quota["quota"] for quota in unknown] == ["BEEF-SG-OTHER-2026"]


def test_a_price_threshold_is_a_question(law: Tariff) -> None:
    found = told(law, COSMETICS, "FR", "2026-02-01")
    fact = of_kind(found["in_force"], "consumption_tax")
    assert fact["rate"] == "15"
    assert "10 CNY/ml" in fact["from_price"]
    assert any(row["question"] == "unit_price" and row["rate_below"] == "0" for row in found["questions"])


def test_a_rate_for_a_part_of_the_code_is_a_question(law: Tariff) -> None:
    asked = [row for row in told(law, "08104000", None, "2019-06-01")["questions"]
             if row["question"] == "part_of_code"]  # fmt: skip
    assert [(row["part"], row["rate"]) for row in asked] == [("鲜蔓越橘", "15")]
    assert asked[0]["source"]["title"]


def test_a_day_on_which_the_law_changes_within_asks_for_the_hour(law: Tariff) -> None:
    found = told(law, BEEF, "US", "2025-11-10")
    assert {"question": "instant", "hours": ["13:01"]} in found["questions"]
    assert found["refused"]["code"] == "instant_needed"


def test_a_banned_origin_is_refused_with_its_law(law: Tariff) -> None:
    found = told(law, "0303892000", "JP", "2026-01-01")
    assert found["refused"]["code"] == "origin_banned"
    assert of_kind(found["controls_in_force"], "ban")["source"]["title"]


@pytest.mark.parametrize(("origin", "rate_class"), [(None, "general"), ("GB", "mfn"), ("AU", "mfn"), ("AD", "general")])
def test_the_class_of_the_origin(law: Tariff, origin: str | None, rate_class: str) -> None:
    found = told(law, BEEF, origin, "2026-02-01")
    assert found["rate_class"] == rate_class
    assert found["applied"][0]["kind"] == rate_class


def test_eight_digits_are_read_out_with_what_holds_for_some(law: Tariff) -> None:
    found = told(law, "02023000", "BR", "2026-02-01")
    assert found["children"] == [row["hs"] for row in found["children_named"]] == ["0202300010", BEEF]
    mfn = of_kind(found["in_force"], "mfn")
    assert "only_for" not in mfn
    wild = [fact for fact in found["controls_in_force"] if fact.get("only_for") == ["0202300010"]]
    assert wild, "the wild animals of the code need an import permit of their own"


def test_ten_digits_of_a_line_on_file_with_eight(law: Tariff) -> None:
    found = told(law, "0306173000", "EC", "2026-01-01")
    assert (found["hs"], found["line"]["hs"]) == ("0306173000", "03061730")
    assert {row["hs"] for row in found["predecessors"]} >= {"0306171100", "0306172100"}
    assert all(row["standing"] == "assumed" for row in found["predecessors"])


def test_the_last_day_of_a_line_names_its_successors(law: Tariff) -> None:
    found = told(law, "0306171100", None, "2023-12-31")
    assert "03061730" in {row["hs"] for row in found["successors"]}
    assert found["line"]["last_day"] == "2023-12-31"


def test_an_unknown_code_names_the_nearest(law: Tariff) -> None:
    with pytest.raises(Problem) as caught:
        told(law, "0202300099", "AU", "2026-01-01")
    assert caught.value.code == "code_unknown"
    assert BEEF in {row["hs"] for row in caught.value.extra["nearest"]}  # type: ignore[attr-defined]
    assert BEEF in caught.value.detail
    assert list(caught.value.errors) == ["hs"]


def test_a_closed_code_names_its_days_and_what_took_its_place(law: Tariff) -> None:
    with pytest.raises(Problem) as caught:
        told(law, "0306171100", None, "2024-01-01")
    extra = caught.value.extra
    assert caught.value.code == "code_not_in_force"
    assert (extra["first_day"], extra["last_day"]) == ("2012-01-01", "2023-12-31")
    assert "03061730" in {row["hs"] for row in extra["successors"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("day", "code"),
    [("0001-01-01", "before_coverage"), ("1990-01-01", "before_coverage"), ("2011-12-31", "before_coverage"),
     ("9999-12-31", "code_not_in_force")],
)  # fmt: skip
def test_days_outside_the_tariff_are_refused(law: Tariff, day: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        told(law, BEEF, "AU", day)
    assert caught.value.code == code


def test_an_unknown_country_names_its_field(law: Tariff) -> None:
    with pytest.raises(Problem) as caught:
        told(law, BEEF, "XX", "2026-01-01")
    assert list(caught.value.errors) == ["origin"]


def test_the_place_in_the_nomenclature(law: Tariff) -> None:
    assert [row["code"] for row in told(law, BEEF, None, "2026-01-01")["headings"]] == ["02", "0202", "020230"]
