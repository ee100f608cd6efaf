"""What a status code means for a document of a family, and which moves are allowed (`statuses`, `moves`, `faults`.csv).

What a person should do about a code stands in `advice.csv`; the code tables name its key.

Families: `paper` (order, payment, waybill, parcel signed for), `list` (inventory list), `request` (withdrawal, return,
entry), `bill` (tax bill). Every document starts as `filed`. States only move forward; `moves` names the ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from customs.window.tables import message_types, rows

LANGUAGES = ("zh", "en")
EXCHANGE = "dxp"
FILED, PENDING, ERROR, SEND_FAILED, REJECTED = "filed", "pending", "error", "send_failed", "rejected"
# A list that is closed was released, even when the receipt that said so got lost or came later.
RELEASED_STATES = frozenset({"released", "closed"})
HELD_STATES = frozenset({"manual_check", "inspection", "detained"})
# Where a document stands before something ends its way or hides it, for a moment or for good.
HIDING_STATES = frozenset({PENDING, ERROR, REJECTED})


@dataclass(frozen=True, slots=True)
class Status:
    """A status code of a family: the state it leads to, the official words, and a key of `advice.csv`."""

    code: str
    state: str
    terminal: bool
    zh: str
    meaning: str
    advice: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A negative code and its effect.

    `fix`: correct and file again; `refuse`: this purchase cannot be filed; `retry`: send the same again; `known`:
    customs has it already; `stale`: customs has a newer one.
    """

    code: int
    document: str
    effect: str
    zh: str
    meaning: str
    advice: str


@cache
def statuses() -> dict[tuple[str, str], Status]:
    """By family and code."""
    return {
        (row["family"], row["code"]): Status(
            row["code"], row["state"], row["terminal"] == "yes", row["zh"], row["meaning"], row["advice"]
        )
        for row in rows("statuses")
    }


@cache
def faults() -> dict[int, Fault]:
    """By code; a range of codes is one entry for each of them."""
    found = {}
    for row in rows("faults"):
        first, last = int(row["code"]), int(row["last"] or row["code"])
        for code in range(last, first + 1):
            found[code] = Fault(code, row["document"], row["effect"], row["zh"], row["meaning"], row["advice"])
    return found


@cache
def moves() -> dict[str, dict[str, frozenset[str]]]:
    """By family: from each state, the states it may move to."""
    table: dict[str, dict[str, frozenset[str]]] = {}
    for row in rows("moves"):
        table.setdefault(row["family"], {})[row["from"]] = frozenset(row["to"].split())
    return table


def may_move(family: str, now: str, to: str, reached: str | None = None) -> bool:
    """Whether the table lets a document go from one state to another.

    From `pending` it goes on from where it stood before the code nobody knows (`reached`), never behind it.
    """
    if now == PENDING and to == reached:
        return True
    start = reached if now == PENDING and reached else now
    return to in moves().get(family, {}).get(start, frozenset())


def fault_of(code: str) -> Fault | None:
    """What we know of a negative code such as "-621018"; None for status codes and codes we do not know."""
    digits = code.removeprefix("-")
    known = code.startswith("-") and digits.isascii() and digits.isdigit()
    return faults().get(int(code)) if known else None


def state_after(family: str, code: str) -> str | None:
    """The state a code asks for: `pending` for codes we do not know, None for faults that change nothing."""
    status = statuses().get((family, code))
    if status is not None:
        return status.state
    fault = fault_of(code)
    if fault is not None and fault.effect in ("known", "stale"):
        return None
    if fault is not None and fault.effect == "retry":
        return SEND_FAILED
    return ERROR if code.startswith("-") else PENDING


def meaning(family: str, code: str, language: str = "en") -> str:
    """Our words for a code, fit to show; codes we do not know are shown as they are."""
    known = statuses().get((family, code)) or fault_of(code)
    if known is None:
        return f"代码 {code}，未收录" if language == "zh" else f"Code {code}, not in our table"
    return known.zh if language == "zh" else known.meaning


def advice_of(kind: str, code: str, language: str) -> str:
    """What a person should do about a code: `kind` of message ("621", "622"), a family, or `dxp` of the exchange."""
    if kind == EXCHANGE:
        return _of_exchange(code, language)
    message = message_types().get(kind)
    known = statuses().get((message.family if message else kind, code)) or fault_of(code)
    unknown = "unknown_fault" if code.startswith("-") else "unknown_status"
    return _advice()[known.advice if known is not None else unknown][language]


def both_of(kind: str, code: str) -> dict[str, str]:
    """The advice in both languages."""
    return {language: advice_of(kind, code, language) for language in LANGUAGES}


@cache
def _advice() -> dict[str, dict[str, str]]:
    return {row["key"]: {language: row[language] for language in LANGUAGES} for row in rows("advice")}


def _of_exchange(code: str, language: str) -> str:
    row = _exchange().get(code)
    return _advice()["unknown_fault"][language] if row is None else row["advice_zh" if language == "zh" else "advice"]


@cache
def _exchange() -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in rows("dxp_codes")}
