"""What the pages say, in Chinese and English: `words.csv`."""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")


@cache
def _table() -> dict[tuple[str, str], dict[str, str]]:
    with Path(__file__).with_name("words.csv").open(encoding="utf-8", newline="") as file:
        return {(row["group"], row["key"]): {"zh": row["zh"], "en": row["en"]} for row in csv.DictReader(file)}


def say(language: str) -> Callable[..., str]:
    """A function (group, key, values) that gives the text in a language; an unknown key is its own text."""

    def text(group: str, key: str, *values: object) -> str:
        found = _table().get((group, key))
        return found[language].format(*values) if found else key

    return text


def status_word(language: str, status: str) -> str:
    """A status in words, with its code."""
    key = "refused" if status.startswith("-") else status or "new"
    word = say(language)("status", key)
    return f"{word} ({status})" if status and status != "cancelled" else word
