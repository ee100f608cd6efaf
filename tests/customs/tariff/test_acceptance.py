"""Assumed rows are named, and count as read once an operator has accepted them."""

from customs.assessments import assess
from customs.tariff import load_tariff
from tests.cases.law import DATA, general, line, retail, tariff

BEEF = general("2025-06-01", line("0202300090", "BR", "1000.00"))
CRAB = retail("2025-06-01", line("03061490", "NO", "1000.00"))


def test_an_answer_names_the_assumed_rows_it_rests_on() -> None:
    [beef] = assess(tariff(), BEEF).lines
    assert beef.standing == "assumed"
    assert beef.assumed == ["mfn:02023000@2018-01-01", "origin_classes:BR@2001-12-11"]
    [crab] = assess(tariff(), CRAB).lines
    assert crab.assumed == ["positive_list:03061490/2022@2022-03-01"]


def test_accepted_rows_make_another_edition_with_a_better_standing() -> None:
    named = [*assess(tariff(), BEEF).lines[0].assumed, *assess(tariff(), CRAB).lines[0].assumed]
    accepted = load_tariff(DATA, accepted=named)
    assert accepted.edition != tariff().edition
    for request in (BEEF, CRAB):
        before, [after] = assess(tariff(), request), assess(accepted, request).lines
        assert (after.standing, after.assumed) == ("secondary", [])
        assert after.tax_fen == before.totals["tax"]


def test_one_row_alone_is_not_enough() -> None:
    accepted = load_tariff(DATA, accepted=["origin_classes:BR@2001-12-11"])
    [beef] = assess(accepted, BEEF).lines
    assert (beef.standing, beef.assumed) == ("assumed", ["mfn:02023000@2018-01-01"])


def test_what_is_not_established_stays_assumed_whatever_is_accepted() -> None:
    request = general("2026-12-01", line("0202300090", "US", "1000.00"))
    named = assess(tariff(), request).lines[0].assumed
    [still] = assess(load_tariff(DATA, accepted=named), request).lines
    assert still.standing == "assumed"
