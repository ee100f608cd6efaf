"""How the window behaves: a TOML file, then the command line, then what a test changes while it runs."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from sandboxes.window.database import Database


class BadSetting(ValueError):
    """A setting that does not exist or cannot have this value; the message says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`pace` and `match_seconds`: how long a step takes, how long a list waits for its papers.
    `bill_days`: days of customs' clock from release to the consolidation of the tax bill; 0 for at once.
    `return_days`: days from release in which a return may be applied for.
    `account_books`: "filed" watches the items that were filed here, "all" every item, "off" none.
    `positive_list`: whether lines must be on it. `marks`: whether words in an address script an order (magic.py).
    `hold_all`: a status such as "300" in which every list waits for an officer; "" for none.
    """

    pace: float = 0.5
    match_seconds: float = 15.0
    bill_days: int = 0
    return_days: int = 30
    account_books: str = "filed"
    positive_list: bool = True
    marks: bool = True
    hold_all: str = ""


_ALLOWED: dict[str, tuple[str, ...]] = {
    "account_books": ("filed", "all", "off"),
    "hold_all": ("", "300", "500", "501", "502", "503", "599"),
}
_MOST = {"pace": 3600, "match_seconds": 86400, "bill_days": 400, "return_days": 400}


def changed(settings: Settings, values: Any) -> Settings:
    """The settings with some of them changed. Raises BadSetting."""
    known = {field.name: str(field.type) for field in fields(Settings)}
    if not isinstance(values, dict) or set(values) - set(known):
        raise BadSetting(f"settings: {', '.join(known)}")
    for name, value in values.items():
        _check(name, known[name], value)
    return replace(settings, **values)


def _check(name: str, kind: str, value: Any) -> None:
    if kind == "bool":
        good = isinstance(value, bool)
    elif kind == "str":
        good = isinstance(value, str) and value in _ALLOWED[name]
    else:
        number = isinstance(value, int) or (kind == "float" and isinstance(value, float))
        good = number and not isinstance(value, bool) and 0 <= value <= _MOST[name]
    if not good:
        allowed = "true or false" if kind == "bool" else _ALLOWED.get(name) or f"0 to {_MOST[name]}"
        raise BadSetting(f"{name}: {allowed}")


def from_file(file: Path) -> tuple[Settings, list[Any]]:
    """Settings and `[[fault]]` scripts (faults.py) of a TOML file. Raises BadSetting."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BadSetting(f"{file}: {fault}") from fault
    scripts = found.pop("fault", [])
    if not isinstance(scripts, list):
        raise BadSetting("fault: a list of tables, [[fault]]")
    return changed(Settings(), found), scripts


class Desktop:
    """The settings in force; a change outlives a restart."""

    def __init__(self, database: Database, base: Settings) -> None:
        self._database = database
        self.now = changed(base, json.loads(database.fact("settings", "{}")))

    def change(self, values: Any) -> dict[str, Any]:
        """Change some settings; inside a step. Raises BadSetting."""
        self.now = changed(self.now, values)
        kept = {**json.loads(self._database.fact("settings", "{}")), **values}
        self._database.set_fact("settings", json.dumps(kept))
        return asdict(self.now)
