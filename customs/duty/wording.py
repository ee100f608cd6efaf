"""Sentences in two languages from one form that can be stored: the key of a phrase and what stands in its gaps.

A phrase is a key of `customs.duty.phrases` in a list, with its figures: `["not_lower", {"rate": "12 %"}]`. A figure may
itself be a phrase. A name of the data is `{"en": .., "zh": ..}`; several phrases in a list are said one after another;
a plain text is the same in every language.

What the engine answers is in English and holds its phrases beside it, under `phrases`, by the name of the text; so an
answer that was stored years ago is still shown in either language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from customs.duty.phrases import PHRASES

ENGLISH, CHINESE = "en", "zh"
LANGUAGES = (ENGLISH, CHINESE)
Phrase = Any  # str, {"en", "zh"}, [key], [key, {name: Phrase}] or [Phrase, Phrase, ...]

_TEXTS = {ENGLISH: {key: text for key, (text, _) in PHRASES.items()},
          CHINESE: {key: text for key, (_, text) in PHRASES.items()}}  # fmt: skip
_BETWEEN = {ENGLISH: "; ", CHINESE: "；"}


def say(phrase: Phrase, language: str = ENGLISH) -> str:
    """A phrase in a language. Raises KeyError for a key, or a gap, that the catalogue does not know."""
    if isinstance(phrase, str):
        return phrase
    if isinstance(phrase, dict):
        return str(phrase[language])
    key = phrase[0]
    if not isinstance(key, str):
        return _BETWEEN[language].join([say(each, language) for each in phrase])
    text = _TEXTS[language][key]
    if len(phrase) == 1:
        return text
    return text.format_map({name: say(each, language) for name, each in phrase[1].items()})


def said(**phrases: Phrase) -> dict[str, Any]:
    """Each phrase in English under its name, and all of them under `phrases`: to be spread into what is answered."""
    texts: dict[str, Any] = {name: say(phrase) for name, phrase in phrases.items()}
    texts["phrases"] = phrases
    return texts


def learn(phrases: Mapping[str, tuple[str, str]]) -> None:
    """Take in the sentences of a higher floor, (en, zh) by key. Raises ValueError for a key that is taken."""
    taken = sorted(phrases.keys() & _TEXTS[ENGLISH].keys())
    if taken:
        raise ValueError(f"taken: {', '.join(taken)}")
    for key, (english, chinese) in phrases.items():
        _TEXTS[ENGLISH][key], _TEXTS[CHINESE][key] = english, chinese


class Told(NamedTuple):
    """A phrase and what it is in English, for sentences that are needed again and again."""

    phrase: Phrase
    text: str


def told(phrase: Phrase) -> Told:
    return Told(phrase, say(phrase))


def in_language(answer: Any, language: str) -> Any:
    """A copy of an answer, as deep as it goes, with every text that has a phrase said in a language; English answers
    are given back as they are."""
    return answer if language == ENGLISH else _copied(answer, language)


def _copied(answer: Any, language: str) -> Any:
    if isinstance(answer, list):
        return [_copied(each, language) for each in answer]
    if not isinstance(answer, dict):
        return answer
    told = {name: each if name == "phrases" else _copied(each, language) for name, each in answer.items()}
    phrases = answer.get("phrases")
    if isinstance(phrases, dict):
        _replace(told, phrases, language)
    return told


def _replace(told: dict[str, Any], phrases: dict[str, Any], language: str) -> None:
    """What an older edition of the program said in a phrase that is gone stays as it was stored."""
    for name, phrase in phrases.items():
        inner = told.get(name)
        if isinstance(inner, dict):
            _replace(inner, phrase, language)
            continue
        try:
            told[name] = say(phrase, language)
        except (LookupError, TypeError):
            continue
