import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import paging
from core.errors import Problem


@given(st.text(st.characters(exclude_characters="\0"), max_size=40), st.integers(1 - 2**63, 2**63 - 1))
def test_a_cursor_gives_its_key_back(word: str, number: int) -> None:
    assert paging.decode(paging.encode(word, number), str, int) == [word, number]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        "eyJhIjoxfQ",
        *(paging.encode(*key) for key in ((1, 2), ("a",), ("a", True), ("a\0b", 1), ("a", 2**63))),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refusal:
        paging.decode(cursor, str, int)
    assert refusal.value.status == 422


def test_a_page_knows_whether_another_follows() -> None:
    assert paging.page([1, 2, 3], 2, str) == ([1, 2], "2")
    assert paging.page([1, 2], 2, str) == ([1, 2], None)
