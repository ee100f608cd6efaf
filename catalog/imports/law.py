"""The law's answer for the rows of a file: what compliance says of one listing it says of every other that is alike in
all that it asked about.

What a check reads of a listing is watched, so no list of fields has to be kept beside the law's own.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from catalog import compliance
from core import clock
from core.errors import Problem
from customs import edition

_MOST = 50_000  # answers kept; a file of a million made-up codes must not fill the memory


class Law:
    """Compliance of one day and edition, remembered."""

    def __init__(self) -> None:
        self._of: tuple[date, str] | None = None
        self._asked: tuple[str, ...] = ()
        self._answers: dict[Any, Problem | None] = {}

    def route_refusal(self, draft: Any) -> Problem | None:
        """What `compliance.check_route` refuses a listing for today, or None."""
        now = clock.today(), edition.tariff().edition
        if now != self._of:
            self._of, self._answers = now, {}
        key = tuple([_hashable(getattr(draft, name)) for name in self._asked])
        if key in self._answers:
            return self._answers[key]
        return self._ask(draft, now[0])

    def _ask(self, draft: Any, day: date) -> Problem | None:
        watched = _Watched(draft)
        answer = None
        try:
            compliance.check_route(watched, day)  # type: ignore[arg-type]
        except Problem as refused:
            answer = refused
        asked = vars(watched)["asked"]
        if not asked <= set(self._asked) or len(self._answers) >= _MOST:
            # An answer holds for all that agree in what was read for it, so it may be kept under more, not under less.
            self._asked, self._answers = tuple(sorted(asked | set(self._asked))), {}
        key = tuple([_hashable(getattr(draft, name)) for name in self._asked])
        self._answers[key] = answer
        return answer


class _Watched:
    """A listing that knows what it was asked for; it cannot be changed."""

    def __init__(self, draft: Any) -> None:
        vars(self).update(draft=draft, asked=set())

    def __getattr__(self, name: str) -> Any:
        vars(self)["asked"].add(name)
        return getattr(vars(self)["draft"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a check of the route writes {name}: its answer cannot be remembered")


def _hashable(value: Any) -> Any:
    return repr(value) if isinstance(value, (list, dict)) else value
