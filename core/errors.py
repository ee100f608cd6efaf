"""Errors as values: every refusal carries a stable code, a status and words fit to show the user.

Pure: no Flask here, so that the law (`customs.duty`) can refuse without knowing who asks. The edge turns a
`Problem` into `application/problem+json` (RFC 9457) in `core.web`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One documented refusal: its stable word, HTTP status and one-line title."""

    word: str
    status: int
    title: str


_codes: dict[str, Code] = {}


def declare(word: str, status: int, title: str) -> str:
    """Register an error code once, next to the code that raises it; `docs/errors.md` lists them all."""
    known = _codes.get(word)
    if known is not None and (known.status, known.title) != (status, title):
        raise ValueError(f"error code {word!r} is declared twice with different meanings")
    _codes[word] = Code(word, status, title)
    return word


def declared_codes() -> list[Code]:
    """All declared codes in alphabetical order."""
    return [_codes[word] for word in sorted(_codes)]


class Problem(Exception):
    """A refusal: `code` is a declared word, `errors` maps a field path to messages, `extra` joins the body."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        entry = _codes[code]
        super().__init__(detail or entry.title)
        self.code = code
        self.status = entry.status
        self.title = entry.title
        self.detail = detail or entry.title
        self.errors = {field: list(messages) for field, messages in (errors or {}).items()}
        self.headers = dict(headers or {})
        self.extra = extra


INVALID = declare("invalid_input", 422, "The input breaks a rule")
NOT_FOUND = declare("not_found", 404, "No such object")


def invalid(field: str, message: str, code: str = INVALID) -> Problem:
    """The common refusal: one field, one rule."""
    return Problem(code, f"{field}: {message}", errors={field: [message]})
