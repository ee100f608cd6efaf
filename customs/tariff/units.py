"""Units of quantity: customs codes, our words for them, and what can be converted into what."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from customs.tariff.reading import Row


class Units:
    """Unit words ("kg") to codes ("035"), and factors between words of one dimension."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_word = {row["word"]: row for row in rows if row["word"]}
        self._by_code = {row["code"]: row for row in rows}

    @property
    def words(self) -> dict[str, str]:
        """Unit word -> customs code."""
        return {word: row["code"] for word, row in self._by_word.items()}

    def known(self, word: str) -> bool:
        return word in self._by_word

    def measures(self, word: str) -> bool:
        """True for a unit of mass, volume, length or area; False for one that counts."""
        row = self._by_word.get(word)
        return row is not None and bool(row["dimension"])

    def word_of(self, code: str) -> str:
        """Our word for a customs code; blank where we have none."""
        row = self._by_code.get(code)
        return row["word"] if row else ""

    def shown(self, code: str) -> dict[str, str]:
        """A unit for display: code, our word, Chinese name."""
        row = self._by_code[code]
        return {"code": code, "word": row["word"], "zh": row["name_zh"]}

    def factor(self, given: str, wanted: str) -> Decimal | None:
        """How many `wanted` one `given` is: ("g", "kg") -> 0.001; None when they cannot be converted."""
        if given == wanted:
            return Decimal(1)
        one, other = self._by_word.get(given), self._by_word.get(wanted)
        if one is None or other is None or not one["dimension"] or one["dimension"] != other["dimension"]:
            return None
        return Decimal(one["factor"] / other["factor"])
