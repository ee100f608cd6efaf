"""Text as the search compares it: one width, one case, simplified characters; Chinese runs and English stems. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKENS = re.compile(f"[0-9]+(?:[.][0-9]+)*(?![a-z0-9])|[a-z0-9]+|[{_HAN}]+")
_LATIN = re.compile("[a-z0-9]+")
_RUNS = re.compile(f"[{_HAN}]+")
_JOINED = "的或及和与等"  # characters that join words of a name; alone they say nothing
_FRAGMENTS = re.compile(f"[{_JOINED}]|[^{_HAN}a-z0-9]+")
_BETWEEN = re.compile(f"[{_JOINED}]+")
STOPWORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "its", "not", "of", "on", "or", "other", "than",
     "the", "to", "with")
)  # fmt: skip
_STEMS_KEPT = 16_384  # more words than the names have
_PAIRS = Path(__file__).with_name("traditional.txt")


def plain(text: str) -> str:
    """Full width to half width, one case, traditional characters to simplified ones."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_simplified())


@cache
def _simplified() -> dict[int, str]:
    pairs = _PAIRS.read_text("utf-8").split()
    return {ord(pair[0]): pair[1] for pair in pairs}


def is_han(token: str) -> bool:
    return _RUNS.fullmatch(token) is not None


def tokens(text: str) -> list[str]:
    """The words of a plain query in order: Chinese runs, English words, digits (with the dots of a code)."""
    return _TOKENS.findall(text)


def latin(text: str) -> list[str]:
    """The English words and numbers of a plain text."""
    return _LATIN.findall(text)


def runs(text: str) -> list[str]:
    """The Chinese runs of a plain text."""
    return _RUNS.findall(text)


def between(run: str) -> list[str]:
    """A Chinese run cut at the characters that only join; the run itself when nothing else is left."""
    return [part for part in _BETWEEN.split(run) if part] or [run]


def fragments(text: str) -> list[str]:
    """A plain Chinese name cut at punctuation and joining characters: what stands in it as a word of its own."""
    return [part for part in _FRAGMENTS.split(text) if part]


def pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(_STEMS_KEPT)
def stem(word: str) -> str:
    """An English word without its plural: berries, boxes, potatoes, tools; glass and gas stay."""
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def stems(text: str) -> list[str]:
    """The stems of the English words of a plain text."""
    return [stem(word) for word in _LATIN.findall(text)]
