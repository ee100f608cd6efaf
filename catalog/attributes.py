"""Attributes of goods by category, as data: which there are, what they may hold, and how they read on a page.

Values travel as texts, as all facts of a listing do: a word of the list, a plain decimal, yes or no.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog import categories
from core.errors import INVALID, Problem

TEXT, NUMBER, BOOL, ENUM = "text", "number", "bool", "enum"
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,4})?\Z", re.ASCII)
_WHOLE = re.compile(r"(0|[1-9][0-9]{0,9})\Z", re.ASCII)
YES_NO = {"yes": ("是", "Yes"), "no": ("否", "No")}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; `choices` maps a word to its Chinese and English name, `unit` is (Chinese, English)."""

    key: str
    zh: str
    en: str
    kind: str
    required: bool
    unit: tuple[str, str]
    choices: Mapping[str, tuple[str, str]]
    least: Decimal
    most: Decimal
    whole: bool

    @property
    def rule(self) -> str:
        """What is allowed, in words."""
        if self.kind in (ENUM, BOOL):
            return f"must be one of {', '.join(self.choices)}"
        if self.kind == NUMBER:
            return f"must be a {'whole number' if self.whole else 'plain decimal'} from {self.least} to {self.most}"
        return f"must have 1 to {self.most} characters"

    def allows(self, value: str) -> bool:
        if self.kind in (ENUM, BOOL):
            return value in self.choices
        if self.kind == NUMBER:
            form = _WHOLE if self.whole else _DECIMAL
            return bool(form.match(value)) and self.least <= Decimal(value) <= self.most
        return len(value.strip()) > 0 and len(value) <= self.most

    def to_dict(self) -> dict[str, Any]:
        choices = [{"value": word, "name": {"zh": zh, "en": en}} for word, (zh, en) in self.choices.items()]
        told: dict[str, Any] = {"key": self.key, "name": {"zh": self.zh, "en": self.en}, "type": self.kind}
        told |= {"required": self.required, "rule": self.rule, "choices": choices}
        return {**told, "unit": {"zh": self.unit[0], "en": self.unit[1]} if self.unit[0] else None}


@functools.cache
def of(category: str) -> dict[str, Attribute]:
    """The attributes of a category by key, in the order shown. Raises Problem `category_unknown`."""
    places = {category, categories.find(category).department}
    entries = tomllib.loads((Path(__file__).parent / "attributes.toml").read_text("utf-8"))["attribute"]
    return {entry["key"]: _read(entry) for entry in entries if places & set(entry["on"])}


def _read(entry: dict[str, Any]) -> Attribute:
    choices = {choice["word"]: (choice["zh"], choice["en"]) for choice in entry.get("choices", ())}
    return Attribute(
        key=entry["key"],
        zh=entry["zh"],
        en=entry["en"],
        kind=entry["type"],
        required=entry.get("required", False),
        unit=(entry.get("unit", ""), entry.get("unit_en", entry.get("unit", ""))),
        choices=YES_NO if entry["type"] == BOOL else choices,
        least=Decimal(entry.get("least", 0)),
        most=Decimal(entry.get("most", 0)),
        whole=entry.get("whole", False),
    )


def check(category: str, values: Mapping[str, str]) -> None:
    """Raises Problem `invalid_input` naming each attribute that the category has not or whose value breaks its rule."""
    known = of(category)
    faults = {f"attributes.{key}": fault for key, value in values.items() if (fault := _fault(known, key, value))}
    if faults:
        field, rule = next(iter(faults.items()))
        raise Problem(INVALID, f"{field}: {rule}", errors={field: [rule] for field, rule in faults.items()})


def _fault(known: Mapping[str, Attribute], key: str, value: str) -> str | None:
    attribute = known.get(key)
    if attribute is None:
        return f"is no attribute of this category; there are {', '.join(known) or 'none'}"
    return None if attribute.allows(value) else attribute.rule


def missing(category: str, values: Mapping[str, str]) -> list[Attribute]:
    """What a listing of the category must say before it is submitted, and does not."""
    return [attribute for attribute in of(category).values() if attribute.required and not values.get(attribute.key)]


def shown(category: str, values: Mapping[str, str]) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Name and value of each attribute in both languages; what is stored and no longer known stands as it is."""
    known = of(category)
    named = [(_name(attribute), _value(attribute, values[key])) for key, attribute in known.items() if key in values]
    return named + [({"zh": key, "en": key}, {"zh": value, "en": value})
                    for key, value in values.items() if key not in known]  # fmt: skip


def _name(attribute: Attribute) -> dict[str, str]:
    return {"zh": attribute.zh, "en": attribute.en}


def _value(attribute: Attribute, value: str) -> dict[str, str]:
    zh, en = attribute.choices.get(value, (value, value))
    return {language: f"{text} {unit}".strip() for language, text, unit in
            (("zh", zh, attribute.unit[0]), ("en", en, attribute.unit[1]))}  # fmt: skip
