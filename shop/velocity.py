"""Bulk trade disguised as retail: many identities behind one address, telephone, payer or account.

At payment every retail order leaves a trace, and what has a trace in common with it is counted by index, no further
than the rule needs. Payments that share an address, telephone, payer, account or person take a lock on it first, so
each counts the one before and the order that is one too many is seen, however many are paid at an instant.
"""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from core import clock
from core.database import run
from core.money import plain
from core.prepared import Prepared
from shop import velocity_rules
from shop.models import Order, OrderLine, table
from shop.velocity_models import OrderTrace
from shop.velocity_rules import Rule

_NOISE = re.compile(r"[\W_]+")
_COLUMN = {
    "address": OrderTrace.address_key,
    "phone": OrderTrace.phone_key,
    "payer": OrderTrace.payer_key,
    "account": OrderTrace.account_id,
    "person": OrderTrace.person_id,
}


@dataclass(frozen=True, slots=True)
class Trace:
    """What an order may have in common with others; no `payer` where nothing tells one card or wallet from another."""

    order_id: uuid.UUID
    address: int
    phone: int
    payer: int | None
    account: uuid.UUID
    person: uuid.UUID


def trace(order: Order, payer_name: str | None, payer_mark: str | None) -> Trace:
    """The trace of a retail order and its payment. One payer is a card or wallet together with the name on it."""
    if order.person_id is None:
        raise ValueError("a retail order has a person")
    payer = _key(f"{_plain(payer_name or '')}|{payer_mark}") if payer_mark else None
    address, phone = _key(_plain(order.address_text)), _key(_digits(order.address["phone"]))
    return Trace(order.id, address, phone, payer, order.account_id, order.person_id)


def lock(session: Session, traces: Iterable[Trace]) -> None:
    """Wait for other payments that share something, in one order, until the transaction ends."""
    names = {f"{by} {value}" for each in traces for by in velocity_rules.BY if (value := getattr(each, by)) is not None}
    keys = sorted(_key(name) for name in names)
    if keys:
        run(session, "SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(%(keys)s AS bigint[])) k", {"keys": keys})


def count(session: Session, traces: Sequence[Trace]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Hold the traces of a purchase to the rules of today; returns what each has broken, as JSON.

    The caller has taken their lock and written them. They are counted by one statement, and by one more where units are
    to be counted.
    """
    now = clock.now()
    rules = velocity_rules.on(clock.beijing_day(now))
    pairs = ((rule, getattr(each, rule.by)) for each in traces for rule in rules)
    shared = dict.fromkeys(pair for pair in pairs if pair[1] is not None)  # in one order, for the server's plan to last
    broken: dict[tuple[Rule, Any], list[dict[str, Any]]] = {}
    for (rule, value), persons, orders in _counted(session, list(shared), now):
        if persons < rule.persons_from:
            continue
        if rule.count == "units":
            broken[rule, value] = _units(session, rule, value, now)
        elif (number := persons if rule.count == "persons" else orders) > rule.most:
            broken[rule, value] = [_finding(rule, str(number))]
    return {
        each.order_id: [found for rule in rules for found in broken.get((rule, getattr(each, rule.by)), [])]
        for each in traces
    }


def rows(traces: Sequence[Trace]) -> Prepared:
    """Traces as they are written."""
    now = clock.now()
    return {table(OrderTrace): [_row(each, now) for each in traces]}


def _row(each: Trace, now: datetime) -> dict[str, Any]:
    keys = {"address_key": each.address, "phone_key": each.phone, "payer_key": each.payer}
    who = {"account_id": each.account, "person_id": each.person}
    return {"order_id": each.order_id, "at": now, **who, **keys, "findings": None}


def _counted(
    session: Session, shared: Sequence[tuple[Rule, Any]], now: datetime
) -> Iterable[tuple[tuple[Rule, Any], int, int]]:
    """(persons, orders) among the orders that share something, for each rule."""
    values: dict[str, Any] = {}
    for number, (rule, value) in enumerate(shared):
        values |= {f"value_{number}": value, f"since_{number}": now - rule.window}
    statement = _count_of(tuple(rule.by for rule, _ in shared))
    for number, persons, orders in run(session, statement, values) if shared else ():
        yield shared[number], persons, orders


@functools.lru_cache(maxsize=200)
def _count_of(by: tuple[str, ...]) -> str:
    """As `_newest`, for everything that is shared at once."""
    return " UNION ALL ".join(
        f"""
        SELECT {number} AS number, count(DISTINCT person_id) AS persons, count(*) AS orders FROM (
            SELECT person_id FROM order_trace
            WHERE {_COLUMN[each].key} = %(value_{number})s AND at > %(since_{number})s
            ORDER BY at DESC LIMIT {velocity_rules.LOOK_AT}
        ) AS newest_{number}"""  # noqa: S608 - our own names
        for number, each in enumerate(by)
    )


def _newest(rule: Rule, value: Any, now: datetime) -> Subquery:
    traces = select(OrderTrace.order_id, OrderTrace.person_id)
    alike = traces.where(_COLUMN[rule.by] == value, OrderTrace.at > now - rule.window)
    return alike.order_by(OrderTrace.at.desc()).limit(velocity_rules.LOOK_AT).subquery()


def _units(session: Session, rule: Rule, value: Any, now: datetime) -> list[dict[str, Any]]:
    newest, units = _newest(rule, value, now), func.sum(OrderLine.quantity)
    statement = (
        select(OrderLine.listing_id, units)
        .join(newest, newest.c.order_id == OrderLine.order_id)
        .group_by(OrderLine.listing_id)
        .having(units > Decimal(rule.most))
        .order_by(OrderLine.listing_id)
    )
    rows = session.execute(statement).all()
    return [_finding(rule, plain(quantity), listing=str(listing_id)) for listing_id, quantity in rows]


def _finding(rule: Rule, counted: str, **more: str) -> dict[str, Any]:
    figures = {"counted": counted, "most": rule.most, "days": rule.days}
    return {"rule": rule.key, "by": rule.by, "count": rule.count, **figures, **more}


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _plain(name: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", name).casefold())


def _digits(phone: str) -> str:
    """Only the digits, without the country's prefix."""
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", phone))
    return re.sub(r"^(?:00)?86(?=1[0-9]{10}$)", "", digits)
