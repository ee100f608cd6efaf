"""What a buyer is told of a code of their list, in plain words (`told.csv`): what happens, and what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from customs.window.statuses import LANGUAGES
from customs.window.tables import rows


@dataclass(frozen=True, slots=True)
class Told:
    """Plain words for the buyer, by language: what happens at customs, and what happens next."""

    what: dict[str, str]
    then: dict[str, str]


def told_of(code: str) -> Told | None:
    """What the buyer is told of a code of the list; None where it is no news to them."""
    return _told().get(code) or (_told()["fault"] if code.startswith("-") else None)


@cache
def _told() -> dict[str, Told]:
    return {
        code: Told(
            {language: row[language] for language in LANGUAGES}, {each: row[f"next_{each}"] for each in LANGUAGES}
        )
        for row in rows("told")
        for code in row["codes"].split()
    }
