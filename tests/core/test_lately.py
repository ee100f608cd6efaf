"""The memory of what was reckoned lately."""

from __future__ import annotations

from typing import Any

import pytest

from core.lately import Lately


def test_the_same_is_reckoned_once_and_the_longest_unasked_is_forgotten() -> None:
    kept, made = Lately[str](2), list[str]()

    def ask(key: str) -> str:
        def make() -> str:
            made.append(key)
            return key.upper()

        return kept.get(key, make)

    assert [ask(key) for key in ("a", "b", "a", "c", "a", "b")] == ["A", "B", "A", "C", "A", "B"]
    assert made == ["a", "b", "c", "b"]


def test_a_failure_is_not_kept() -> None:
    kept, answers = Lately[Any](2), iter([ValueError("no"), 7])

    def make() -> Any:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        kept.get("a", make)
    assert kept.get("a", make) == 7
