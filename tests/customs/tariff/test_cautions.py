"""What an answer must say of the data behind it: readings that may hide something, redrawn codes, unread rates."""

from datetime import date

from tests.cases.law import tariff


def kinds(hs: str, origin: str | None, day: str) -> list[str]:
    return [row["kind"] for row in tariff().cautions(hs, origin, date.fromisoformat(day))]


def test_cautions_name_what_the_reading_may_hide() -> None:
    assert kinds("8486402200", "DE", "2019-06-30") == ["applied_rate"]
    assert kinds("8486402200", "DE", "2019-07-01") == ["applied_rate", "technology_cuts"]
    assert kinds("0202300090", "BR", "2026-06-01") == []
    assert "equivalent" in kinds("3702392000", "JP", "2019-06-01")
    assert "recoded" not in kinds("0303131000", "NO", "2021-12-31")
    assert "recoded" in kinds("0303131000", "NO", "2022-01-01")
    assert "list_unread" in kinds("0304720000", "NO", "2022-01-01")
    assert kinds("8703241110", "DE", "2016-12-01") == ["not_charged"]


def test_a_line_compared_with_a_later_page_bears_no_caution() -> None:
    assert "applied_rate" in kinds("1801000000", "GH", "2017-12-31") + kinds("1802000000", "GH", "2019-01-01")
    assert "applied_rate" not in kinds("1801000000", "GH", "2019-01-01")


def test_a_caution_about_an_agreement_is_for_its_members() -> None:
    assert "preference_unread" in kinds("0303131000", "JP", "2024-01-01")
    assert "preference_unread" not in kinds("0303131000", "NO", "2024-01-01")
    assert "preference_unread" not in kinds("0303131000", None, "2024-01-01")
    assert "preference_unread" not in kinds("0304390090", "JP", "2025-06-01")  # a rate is on file


def test_cautions_speak_both_languages() -> None:
    for row in tariff().tables["cautions"]:
        assert bool(row["note_zh"]) == bool(row["note_en"]), row["line"]
