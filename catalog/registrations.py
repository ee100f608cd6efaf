"""Which decree on overseas food producers is in force on a day, and what it asks of goods of a code. Pure."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Decree:
    """`must_name` and `may_need` are prefixes of goods codes; standing is `official`, `secondary` or `assumed`."""

    id: str
    zh: str
    en: str
    first_day: date
    last_day: date
    standing: str
    must_name: tuple[str, ...]
    may_need: tuple[str, ...]

    def demands(self, hs: str) -> bool:
        return hs.startswith(self.must_name)

    def may_demand(self, hs: str) -> bool:
        return bool(self.may_need) and hs.startswith(self.may_need)


@functools.cache
def decrees() -> tuple[Decree, ...]:
    rules = tomllib.loads((Path(__file__).parent / "registration.toml").read_text("utf-8"))["rule"]
    return tuple(_read(rule) for rule in rules)


def _read(rule: dict[str, Any]) -> Decree:
    lists = {name: tuple(rule[name]) for name in ("must_name", "may_need")}
    return Decree(**{"last_day": date.max, **rule, **lists})


def in_force(day: date) -> Decree | None:
    """The decree of a day; None before the first that is on file."""
    return next((decree for decree in decrees() if decree.first_day <= day <= decree.last_day), None)
