"""What is written for the search and what is asked of it, without a database."""

import pytest

from catalog import words


def lexemes(vector: str) -> set[str]:
    return {entry.partition(":")[0].strip("'") for entry in vector.split()}


def test_a_title_gives_characters_and_pairs_of_neighbours() -> None:
    found = lexemes(words.han_vector([words.Part("冷冻牛肉", words.TITLE)]))
    assert found == {"冷", "冻", "牛", "肉", "冷冻", "冻牛", "牛肉"}


def test_no_pair_reaches_over_a_gap() -> None:
    found = lexemes(words.han_vector([words.Part("牛 肉", words.TITLE), words.Part("羊", words.FACT)]))
    assert found == {"牛", "肉", "羊"}


def test_single_characters_of_descriptions_are_left_out() -> None:
    assert lexemes(words.han_vector([words.Part("牛肉", words.TEXT)])) == {"牛肉"}


def test_a_text_beyond_the_position_limit_is_cut_not_refused() -> None:
    assert words.han_vector([words.Part("牛" * 10_000, words.TITLE), words.Part("羊" * 10_000, words.TEXT)])


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        ("牛肉", "'牛肉'"),
        ("牛", "'牛'"),
        ("澳洲 牛肉", "'澳洲' & '牛肉'"),
        ("beef", ""),
        ("澳洲肉", "('澳' & '洲' & '肉' & ('澳洲' | '洲肉'))"),
    ],
)
def test_queries(asked: str, query: str) -> None:
    assert words.han_query(asked) == query


def test_full_width_and_case_do_not_matter() -> None:
    assert words.latin("ＢＥＥＦ Steak") == "beef steak"


def test_a_goods_code_is_found_by_its_beginnings() -> None:
    assert lexemes(words.code_vector("0202300090", "AU-1")) == {"#0202", "#020230", "#02023000", "#0202300090", "#au-1"}
    assert words.code_query("0202.30.00") == "'#02023000'"


def test_quotes_and_backslashes_cannot_leave_the_lexeme() -> None:
    assert words.code_query("a'b\\c") == "'#a''b\\\\c'"
