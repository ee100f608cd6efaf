"""An auditor that shares no code with the application: it reads the tables by SQL, and what Stripe says it did, and
puts every breach into words. It knows what must hold (I1 to I8, I13), not how the application sees to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.shop import audit_statements as statements


@dataclass
class Theirs:
    """What Stripe did for one purchase, in fen: `intents` are those that took money."""

    received: int = 0
    refunded: int = 0
    intents: int = 0


def breaches(url: str, stripe: Mapping[str, Theirs], *, at_rest: bool = True) -> list[str]:
    """Everything that does not hold, in one snapshot. `stripe` is by the purchase's id; `at_rest` asks besides that
    nothing is on its way any more."""
    conninfo = url.replace("postgresql+psycopg://", "postgresql://")
    checks = {**statements.ALWAYS, **(statements.AT_REST if at_rest else {})}
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        found = [f"{words}: {row}" for words, query in checks.items() for row in connection.execute(query)]
        return found + list(_beside_stripe(connection, stripe, at_rest))


def _beside_stripe(connection: psycopg.Connection, stripe: Mapping[str, Theirs], at_rest: bool) -> Iterator[str]:
    """News may be on its way, but what the books say has happened at Stripe."""
    ours = {str(row[0]): row[1:] for row in connection.execute(statements.MONEY)}
    for purchase, theirs in stripe.items():
        if theirs.intents > 1:
            yield f"purchase {purchase} was charged {theirs.intents} times"
        if purchase not in ours and theirs.received:
            yield f"Stripe took {theirs.received} fen for {purchase}, which nobody knows"
    for purchase, (captured, refunded) in ours.items():
        theirs = stripe.get(purchase, Theirs())
        ahead = captured > theirs.received or refunded > theirs.refunded
        if ahead or (at_rest and (captured, refunded) != (theirs.received, theirs.refunded)):
            yield (
                f"purchase {purchase}: captured {captured} and paid back {refunded} fen,"
                f" at Stripe {theirs.received} and {theirs.refunded}"
            )


def of_journal(entries: Iterable[Mapping[str, Any]]) -> dict[str, Theirs]:
    """What the sandbox's journal tells of our purchases: each object as it was last."""
    objects = {each["id"]: each for entry in entries for each in entry.get("changes", []) if "id" in each}
    intents = {name: each for name, each in objects.items() if each["object"] == "payment_intent"}
    found: dict[str, Theirs] = defaultdict(Theirs)
    for each in intents.values():
        theirs = found[each["metadata"].get("purchase", "nobody")]
        theirs.received += each["amount_received"]
        theirs.intents += each["amount_received"] > 0
    for each in objects.values():
        if each["object"] == "refund" and each["status"] == "succeeded" and each["payment_intent"] in intents:
            purchase = intents[each["payment_intent"]]["metadata"].get("purchase", "nobody")
            found[purchase].refunded += each["amount"]
    return dict(found)


def of_fake(fake: Any) -> dict[str, Theirs]:
    """The same of the Stripe in process."""
    found: dict[str, Theirs] = defaultdict(Theirs)
    for intent in fake.intents.values():
        theirs = found[intent.metadata.get("purchase", "nobody")]
        theirs.received += intent.received_fen
        theirs.intents += intent.received_fen > 0
    for refund in fake.refunds.values():
        if refund.status == "succeeded":
            found[fake.intents[refund.intent_id].metadata.get("purchase", "nobody")].refunded += refund.amount_fen
    return dict(found)
