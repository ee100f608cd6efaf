"""Words of the search: Chinese as pairs and single characters, everything else as English stems.

PostgreSQL's own parser knows no Chinese words (and under the C locale no Chinese letters), so lexemes of Han text are
written by us, with their positions, as the text form of a tsvector; English goes through the built-in stemmer. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇"
_RUNS = re.compile(f"[{_HAN}]+")
_LATIN = re.compile(r"[^\W_]+(?:[-./][^\W_]+)*")
_CODE = re.compile(r"[0-9][0-9.]{3,14}\Z", re.ASCII)
_SKU = re.compile(r"[!-~]{1,64}\Z")  # as `catalog.api.schemas` takes it
_POSITION_MOST = 16_000  # a tsvector keeps positions up to 16,383
_GAP = 5

TITLE, FACT, NAME, TEXT = "A", "B", "C", "D"
CODE_MARK = "#"


def normal(text: str) -> str:
    """Full width to half width, one case."""
    return unicodedata.normalize("NFKC", text).casefold()


def latin(text: str) -> str:
    """The text without its Han runs, for the English stemmer."""
    return " ".join(_LATIN.findall(_RUNS.sub(" ", normal(text))))


def han_runs(text: str) -> list[str]:
    return _RUNS.findall(normal(text))


def pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a listing with its weight, A (title) to D (description)."""

    text: str
    weight: str


def han_vector(parts: list[Part]) -> str:
    """The text form of a tsvector: each character and each pair of neighbours at its position.

    Single characters of descriptions are left out: in long text they match nearly everything.
    """
    places: dict[str, list[str]] = {}
    position = 1
    for part in parts:
        for run in han_runs(part.text):
            if position + len(run) > _POSITION_MOST:
                break
            for i, char in enumerate(run):
                at = f"{position + i}{part.weight}"
                if part.weight != TEXT:
                    places.setdefault(char, []).append(at)
                if i + 1 < len(run):
                    places.setdefault(run[i : i + 2], []).append(at)
            position += len(run) + _GAP
    return " ".join(f"'{lexeme}':{','.join(dict.fromkeys(at))}" for lexeme, at in sorted(places.items()))


def code_vector(hs: str | None, sku: str) -> str:
    """A goods code is found whole and by its heading, subheading and 8 digits; a sku as written.

    Their lexemes begin with a mark, or the word beef would count as the code of everything that says beef. A sku that
    looks like a goods code is found by it, with a weight that tells it from one: it buys no place before the goods.
    """
    own = _quoted(CODE_MARK + normal(sku)) + (":1" if is_code(sku) else ":1A")
    codes = {f"'{CODE_MARK}{hs[:length]}':1A" for length in (4, 6, 8, 10) if len(hs) >= length} if hs else set()
    return " ".join(sorted({own, *codes}))


def han_query(text: str) -> str:
    """The text form of a tsquery for the Han runs; empty when there are none.

    A word of two characters must stand as such. Longer runs are often several words put together (澳洲牛肉 for
    澳洲冷冻去骨牛肉), so each character must be there and at least one pair; the rank prefers those with more pairs.
    """
    terms = []
    for run in han_runs(text):
        if len(run) <= 2:
            terms.append(f"'{run}'")
        else:
            terms.append(f"({_joined(' & ', run)} & ({_joined(' | ', pairs(run))}))")
    return " & ".join(terms)


def han_index_lexemes(text: str) -> list[str]:
    """What to ask the index for: of a longer run only its first and last character, since each further lexeme costs as
    much again and the two ends of a run are seldom of one word.
    """
    found = [lexeme for run in han_runs(text) for lexeme in ([run] if len(run) <= 2 else [run[0], run[-1]])]
    return list(dict.fromkeys(found))


def han_index_query(text: str) -> str:
    """The text form of a tsquery that finds everything `han_query` does, and some more."""
    return _joined(" & ", han_index_lexemes(text))


def han_rank_query(text: str) -> str:
    """Everything the Han runs could match, for the rank: the more pairs are there, the higher."""
    lexemes = [lexeme for run in han_runs(text) for lexeme in ([run] if len(run) <= 2 else pairs(run))]
    return _joined(" | ", lexemes)


def _joined(operator: str, lexemes: Iterable[str]) -> str:
    return operator.join(f"'{lexeme}'" for lexeme in dict.fromkeys(lexemes))


def is_code(text: str) -> bool:
    """Whether this is typed as a goods code is, rather than a word or a sku."""
    return _CODE.match(normal(text).strip()) is not None


def code_query(text: str) -> str:
    """The text form of a tsquery for what is typed whole: a goods code (dots allowed) or a sku; empty for neither."""
    word = normal(text).strip()
    if not _SKU.match(word):
        return ""
    return _quoted(CODE_MARK + (word.replace(".", "") if _CODE.match(word) else word))


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
