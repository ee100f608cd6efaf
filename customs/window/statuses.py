"""What a status code means for a document of a family, and which moves are allowed (`statuses`, `moves`, `faults`.csv).

Families: `paper` (order, payment, waybill, parcel signed for), `list` (inventory list), `request` (withdrawal, return,
entry), `bill` (tax bill). Every document starts as `filed`. States only move forward; `moves` names the ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from customs.window.tables import rows

FILED, PENDING, ERROR, SEND_FAILED = "filed", "pending", "error", "send_failed"
# A list that is closed was released, even when the receipt that said so got lost or came later.
RELEASED_STATES = frozenset({"released", "closed"})
HELD_STATES = frozenset({"manual_check", "inspection", "detained"})


@dataclass(frozen=True, slots=True)
class Status:
    """A status code of a family: the state it leads to, and the official words."""

    code: str
    state: str
    terminal: bool
    zh: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A negative code and its effect.

    `fix`: correct and file again; `refuse`: this purchase cannot be filed; `retry`: send the same again; `known`:
    customs has it already; `stale`: customs has a newer one.
    """

    code: int
    document: str
    effect: str
    meaning: str


@cache
def statuses() -> dict[tuple[str, str], Status]:
    """By family and code."""
    return {
        (row["family"], row["code"]): Status(
            row["code"], row["state"], row["terminal"] == "yes", row["zh"], row["meaning"]
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
            found[code] = Fault(code, row["document"], row["effect"], row["meaning"])
    return found


@cache
def moves() -> dict[str, dict[str, frozenset[str]]]:
    """By family: from each state, the states it may move to."""
    table: dict[str, dict[str, frozenset[str]]] = {}
    for row in rows("moves"):
        table.setdefault(row["family"], {})[row["from"]] = frozenset(row["to"].split())
    return table


def is_terminal(family: str, state: str) -> bool:
    """Whether no receipt can move the document any more; a refused one may still be corrected and filed again."""
    return not moves()[family].get(state, frozenset())


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


def meaning(family: str, code: str) -> str:
    """Our words for a code, fit to show; codes we do not know are shown as they are."""
    status = statuses().get((family, code))
    if status is not None:
        return status.meaning
    fault = fault_of(code)
    return fault.meaning if fault is not None else f"Code {code}, not in our table"
