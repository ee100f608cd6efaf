"""Scripted faults: what goes wrong, on which calls or events, how often.

    POST /sandbox/faults
    {"match": {"method", "path_prefix"} | {"event_type"}, "fault": "...", "times": 1, "seconds": 2, "copies": 3}

`times` is 1 unless given; null means until deleted. On calls:

- before the effect: `delay` (wait, then work), `http_500`, `http_429`, `html_page` (a proxy's 502) - nothing happens;
- after the effect: `error_after_success` (a stored 500), `answer_late` (waits `seconds`), `timeout_after_success`
  (waits `seconds`, then hangs up), `malformed_json`, `other_amount`, `other_currency` (the answer lies, the object
  does not), `bank_refuses` (of payouts: paid, then failed at the bank).

On events: `delay`, `duplicate` (`copies` in all), `reorder` (held until a later event of that endpoint arrived, or
`seconds`), `lose`, `other_amount`, `other_currency`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sandboxes.stripe.errors import invalid
from sandboxes.stripe.store import Object, Transaction

FAULT = "sandbox.fault"
BEFORE = ("delay", "http_500", "http_429", "html_page")
AFTER = ("error_after_success", "answer_late", "timeout_after_success", "malformed_json")
LIES = ("other_amount", "other_currency")
AT_THE_BANK = ("bank_refuses",)
ON_EVENTS = ("delay", "duplicate", "reorder", "lose", *LIES)
SECONDS = {"delay": 1.0, "answer_late": 1.0, "timeout_after_success": 30.0, "reorder": 5.0}
SECONDS_MAX = 7 * 86400
_AMOUNTS = ("amount", "amount_received", "amount_captured")


def create(tx: Transaction, asked: Any) -> Object:
    """Check and store a fault; raises a 400 naming the field."""
    if not isinstance(asked, dict) or set(asked) - {"match", "fault", "times", "seconds", "copies"}:
        raise invalid("A fault has match, fault, times, seconds and copies", "fault")
    match = asked.get("match") or {}
    if not isinstance(match, dict) or set(match) - {"method", "path_prefix", "event_type"}:
        raise invalid("match has method and path_prefix, or event_type", "match")
    if not all(isinstance(value, str) for value in match.values()):
        raise invalid("match holds text only", "match")
    allowed = ON_EVENTS if "event_type" in match else (*BEFORE, *AFTER, *LIES, *AT_THE_BANK)
    if asked.get("fault") not in allowed:
        raise invalid(f"fault must be one of {', '.join(allowed)}", "fault")
    return tx.create(FAULT, "flt", {"match": match, "fault": asked["fault"], **_numbers(asked)})


def _numbers(asked: Mapping[str, Any]) -> Object:
    times, copies = asked.get("times", 1), asked.get("copies", 2)
    seconds = asked.get("seconds", SECONDS.get(asked["fault"], 0.0))
    if times is not None and (type(times) is not int or times < 1):
        raise invalid("times is a whole number from 1, or null for without end", "times")
    if type(copies) is not int or not 1 <= copies <= 1000:
        raise invalid("copies is a whole number from 1 to 1000", "copies")
    if type(seconds) not in (int, float) or not 0 <= seconds <= SECONDS_MAX:
        raise invalid(f"seconds is a number from 0 to {SECONDS_MAX}", "seconds")
    return {"times": times, "copies": copies, "seconds": float(seconds), "used": 0}


def take_for_call(tx: Transaction, method: str, path: str) -> Object | None:
    """The oldest fault meant for this call, one use of it spent."""

    def meant(match: Mapping[str, str]) -> bool:
        if "event_type" in match:
            return False
        return match.get("method", method).upper() == method and path.startswith(match.get("path_prefix", "/v1/"))

    return _take(tx, meant)


def take_for_event(tx: Transaction, kind: str) -> Object | None:
    """The oldest fault meant for events of this type (`*` for all), one use of it spent."""
    return _take(tx, lambda match: match.get("event_type") in (kind, "*"))


def _take(tx: Transaction, meant: Any) -> Object | None:
    for stored in tx.store.oldest(FAULT):
        found = copy.deepcopy(tx.changed.get(stored["id"], stored))
        if found["id"] in tx.gone or not meant(found["match"]):
            continue
        found["used"] += 1
        if found["times"] is not None and found["used"] >= found["times"]:
            tx.drop(found["id"])
        else:
            tx.put(found)
        return found
    return None


def bend_delivery(fault: Object, now: float) -> Object:
    """How a delivery differs because of the fault."""
    kind = fault["fault"]
    if kind == "duplicate":
        return {"copies": fault["copies"]}
    if kind == "delay":
        return {"not_before": now + fault["seconds"]}
    if kind == "reorder":
        return {"not_before": now + fault["seconds"], "held": True}
    return {"lie": kind}


def lie(about: Any, kind: str) -> Any:
    """A copy whose money is another, at any depth: amounts one more, or a currency that was not asked for."""
    if isinstance(about, list):
        return [lie(each, kind) for each in about]
    if not isinstance(about, dict):
        return about
    told = {name: lie(value, kind) for name, value in about.items()}
    if kind == "other_currency" and isinstance(told.get("currency"), str):
        told["currency"] = "usd" if told["currency"] != "usd" else "eur"
    if kind == "other_amount":
        told |= {name: told[name] + 1 for name in _AMOUNTS if isinstance(told.get(name), int) and told[name]}
    return told
