"""The kinds of notices with their words, read once from `kinds.toml`."""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: texts by language with {words}, the words they need, the page, and whether it is mailed."""

    name: str
    subject: Mapping[str, str]
    text: Mapping[str, str]
    link: str
    mail: bool
    needs: frozenset[str]

    def written(self, part: str, language: str, facts: Mapping[str, Any]) -> str:
        """The `subject` or `text` in a language, its words filled in."""
        pattern: str = getattr(self, part)[language]
        return pattern.format_map({word: facts.get(word, "–") for word in self.needs})

    def both(self, part: str, facts: Mapping[str, Any]) -> dict[str, str]:
        return {language: self.written(part, language, facts) for language in LANGUAGES}

    def page(self, facts: Mapping[str, Any]) -> str:
        """The path of the page it is about."""
        return self.link.format_map({word: facts.get(word, "") for word in self.needs})


def _words(*patterns: str) -> frozenset[str]:
    return frozenset(word for pattern in patterns for _, word, _, _ in string.Formatter().parse(pattern) if word)


def _kind(name: str, row: dict[str, Any], mailed: bool) -> Kind:
    for part in ("subject", "text"):
        if set(row[part]) != set(LANGUAGES):
            raise ValueError(f"kinds.toml: {name}.{part} must be in {' and '.join(LANGUAGES)}")
    patterns = (*row["subject"].values(), *row["text"].values(), row["link"])
    return Kind(name, row["subject"], row["text"], row["link"], row.get("mail", mailed), _words(*patterns))


@functools.cache
def kinds(reader: str) -> dict[str, Kind]:
    """The kinds told to a `person` or a `merchant`, by name. People are mailed unless the file says no."""
    raw = tomllib.loads((Path(__file__).parent / "kinds.toml").read_text())
    return {name: _kind(name, row, reader == "person") for name, row in raw[reader].items()}


def known(reader: str, name: str, facts: Mapping[str, Any]) -> Kind:
    """The kind, its facts all there. Raises LookupError for a kind or fact that nobody has written words for."""
    kind = kinds(reader).get(name)
    if kind is None:
        raise LookupError(f"kinds.toml has no {reader}.{name}")
    missing = sorted(kind.needs - set(facts))
    if missing:
        raise LookupError(f"a notice {reader}.{name} needs {', '.join(missing)}")
    return kind


def stored(reader: str, name: str) -> Kind:
    """The kind of a notice written earlier; one that has lost its words since is shown by its name and not mailed."""
    bare = dict.fromkeys(LANGUAGES, name)
    return kinds(reader).get(name) or Kind(name, bare, bare, "/account/notices", mail=False, needs=frozenset())
