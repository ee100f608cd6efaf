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


def test_a_sku_that_looks_like_a_code_is_told_from_one() -> None:
    assert words.code_vector("0202300090", "0306").split(" ")[-1] == "'#0306':1"
    assert words.code_query("澳洲牛肉") == words.code_query("two words") == ""


def test_quotes_and_backslashes_cannot_leave_the_lexeme() -> None:
    assert words.code_query("a'b\\c") == "'#a''b\\\\c'"


@pytest.mark.parametrize("asked", ["牛肉", "牛", "澳洲 牛肉", "澳洲肉", "澳洲牛肉 boneless", "beef", "冷冻去骨牛肉"])
def test_the_index_is_asked_for_no_more_than_a_listing_must_have(asked: str) -> None:
    """Whatever matches the whole query has what the index is asked for, in fewer lexemes."""
    asked_for = words.han_query(asked).replace("(", "").split(" & ")
    needed = {lexeme.strip("'") for lexeme in asked_for if lexeme and "|" not in lexeme}
    found = set(words.han_index_lexemes(asked))
    assert found <= needed
    assert bool(found) == bool(needed)
    assert all(len(found & {run, run[0], run[-1]}) in (1, 2) for run in words.han_runs(asked))


@pytest.mark.parametrize(
    ("asked", "is_code"), [("0202", True), ("0202.30.00", True), ("A-100", False), ("牛肉", False)]
)
def test_a_goods_code_is_told_from_a_sku(asked: str, is_code: bool) -> None:
    assert words.is_code(asked) is is_code
