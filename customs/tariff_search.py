"""Finding a tariff line by its words: Chinese by part of the name, English by the beginning of a word, digits by code.

The nomenclature has its own words (bovine for beef), so everyday ones are looked up as those too. One pass over the
names of an edition takes some milliseconds; ranks depend on nothing but the words, so pages are stable.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from customs import edition
from customs.tariff import Tariff

_WORDS = re.compile(r"[a-z0-9]+|[^\x00-\x7f]+")
_TOKENS_MOST = 8

# Everyday words -> the tariff's: alternatives, each a group of word beginnings that must all be there.
EVERYDAY = {
    "beef": (("meat", "bovine"),),
    "veal": (("meat", "bovine"),),
    "mutton": (("meat", "sheep"),),
    "lamb": (("lamb",), ("meat", "sheep")),
    "pork": (("meat", "swine"),),
    "chicken": (("fowl", "gallus"),),
    "prawn": (("shrimp",),),
    "prawns": (("shrimp",),),
    "crayfish": (("crawfish",),),
    "seafood": (("fish",), ("crustacean",), ("mollusc",)),
    "perfume": (("toilet", "water"),),
    "whiskey": (("whisk",),),
    "whisky": (("whisk",),),
    "car": (("motor", "car"), ("motor", "vehicle")),
    "phone": (("telephone",),),
    "laptop": (("portable", "data"),),
}
EVERYDAY_ZH = {"冷冻": "冻", "三文鱼": "鲑鱼", "车厘子": "樱桃", "奇异果": "猕猴桃", "手机": "电话", "汽车": "车辆"}


@dataclass(frozen=True, slots=True)
class _Line:
    hs: str
    zh: str
    en: str
    words: tuple[str, ...]


@lru_cache(maxsize=2)
def _index(law: Tariff) -> list[_Line]:
    return [_Line(hs, plain(zh), plain(en), tuple(_WORDS.findall(plain(en)))) for hs, zh, en in law.words()]


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


Key = tuple[int, int, str]  # minus the rank, length of the name, code


def search(day: date, query: str, prefix: str, after: Key | None, limit: int) -> tuple[list[dict[str, Any]], list[Key]]:
    """Lines in force on a day that match every word of `query` under `prefix`, best first, with their sort keys."""
    law = edition.tariff()
    tokens = _WORDS.findall(plain(query))[:_TOKENS_MOST]
    in_force = set(law.in_force(day, prefix))
    found = sorted(_keys(law, tokens, in_force))
    rest = [key for key in found if after is None or key > after][:limit]
    return [show(law, key[2], day) for key in rest], rest


def _keys(law: Tariff, tokens: list[str], in_force: set[str]) -> list[Key]:
    keys = []
    for line in _index(law):
        if line.hs in in_force:
            ranks = [_rank(line, token) for token in tokens]
            if all(ranks):
                keys.append((-sum(ranks), len(line.zh) if tokens else 0, line.hs))
    return keys


def _rank(line: _Line, token: str) -> int:
    """0: no match; more for the whole name, a whole word, the beginning of a code."""
    if token.isdigit():
        return 9 if line.hs.startswith(token) else 0
    if not token.isascii():
        return _rank_zh(line, token)
    groups = ((token,), *EVERYDAY.get(token, ()))
    return max(min(_word_rank(line, word) for word in group) for group in groups)


def _rank_zh(line: _Line, token: str) -> int:
    """The words of the token together count most; all its characters anywhere count a little."""
    for everyday, own in EVERYDAY_ZH.items():
        token = token.replace(everyday, own)
    if token in line.zh:
        return 9 if line.zh == token else 5 if line.zh.endswith(token) else 4
    return 1 if len(token) > 1 and all(char in line.zh for char in token) else 0


def _word_rank(line: _Line, word: str) -> int:
    if word in line.words:
        return 6
    return 3 if any(own.startswith(word) for own in line.words) else 0


def show(law: Tariff, hs: str, day: date) -> dict[str, Any]:
    """One line as a row of the list."""
    line = law.line(hs, day)
    return {
        "hs": line.hs,
        "description": line.description,
        "units": line.units,
        "mfn": line.mfn,
        "general": line.general,
        "vat": line.vat,
        "consumption_tax": line.consumption_tax,
        "controls": line.controls,
    }
