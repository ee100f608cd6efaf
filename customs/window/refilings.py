"""How a document that was sent back is filed again (`refilings.csv`): as new, as a change, or not.

By code first, then by the code's effect. Customs holds what it has taken into its system (120 and whatever follows);
what it never took is filed as new (law: error codes -301009 to -301011, -621010 to -621012).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from customs.window.statuses import LANGUAGES, fault_of
from customs.window.tables import rows

NEW, CHANGE, NOT_AGAIN = "new", "amend", "no"
_BY_STATE = "held"


@dataclass(frozen=True, slots=True)
class Refiling:
    """`how`: `new`, `amend` or `no`; `why` in both languages."""

    how: str
    why: dict[str, str]

    @property
    def allowed(self) -> bool:
        return self.how != NOT_AGAIN


def refiling_of(code: str | None, held: bool) -> Refiling:
    """What may be done after a code that ended a document; `held`: customs had taken it before."""
    row = _rows().get(code or "100") or _rows()[_effect(code or "")]
    how = (CHANGE if held else NEW) if row["how"] == _BY_STATE else row["how"]
    return Refiling(how, {language: row[language] for language in LANGUAGES})


def _effect(code: str) -> str:
    fault = fault_of(code)
    effect = fault.effect if fault is not None else "unknown"
    return effect if effect in _rows() else "fix"


@cache
def _rows() -> dict[str, dict[str, str]]:
    return {code: row for row in rows("refilings") for code in row["codes"].split()}
