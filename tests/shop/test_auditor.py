"""The auditor finds what was planted: an auditor that is always content proves nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shop import payments
from tests.shop import auditor, builders
from tests.shop.auditor import Theirs


@pytest.fixture
def paid(place: Any, shelf: Any, stripe: Any, run_jobs: Any) -> str:
    """A retail order that is paid and declared; its purchase."""
    answer = place(builders.buyer(), (builders.put_listing(shelf), "2"))
    stripe.pay(answer["payment"]["intent"])
    payments.look(uuid.UUID(answer["purchase"]))
    run_jobs("shop.")
    return str(answer["purchase"])


@pytest.fixture
def spoil(cluster: Any, database_url: str) -> Callable[[str], None]:
    """Change tables behind everybody's back: no trigger, no check of a foreign key."""
    name = database_url.partition("?")[0].rpartition("/")[2]

    def run(statement: str) -> None:
        with psycopg.connect(cluster.conninfo(name)) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement)

    return run


def test_of_a_sound_purchase_it_says_nothing(paid: str, stripe: Any, database_url: str) -> None:
    assert auditor.breaches(database_url, auditor.of_fake(stripe)) == []


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("UPDATE ledger_entry SET amount_fen = amount_fen + 1 WHERE account = 'stripe_cash'", "does not sum to zero"),
        ("UPDATE purchase SET captured_fen = captured_fen - 1", "what the books say was captured"),
        ("UPDATE purchase SET refunded_fen = 1", "not what the refunds promise"),
        ("UPDATE order_line SET goods_fen = goods_fen + 1, vat_fen = vat_fen", "do not sum to their order"),
        ("UPDATE lot SET on_hand = on_hand + 1", "on hand is not what moved"),
        ("UPDATE lot SET reserved = reserved - 1", "reserved is not what living orders hold"),
        ("UPDATE order_allocation SET quantity = 1", "holds more or less than its lines"),
        ("UPDATE allowance_year SET used_fen = used_fen - 1", "not the sum of its holds"),
        ("UPDATE allowance_hold SET state = 'held'", "another state than its order"),
        ("DELETE FROM declaration", "not the one live declaration"),
        ("UPDATE sales_order SET status = 'refunded'", "not the one live declaration"),
        (
            "UPDATE declaration_line SET vat_fen = vat_fen + 1, tax_fen = tax_fen + 1",
            "tax declared is not the tax charged",
        ),
        ("UPDATE sales_order SET status = 'paid'", "is not filed"),
        ("UPDATE sales_order SET status = 'refunding'", "still being refunded"),
        ("UPDATE sales_order SET status = 'cancelled'", "another state than its purchase"),
        ("UPDATE procrastinate_jobs SET status = 'failed'", "a job is dead"),
    ],
)
def test_of_a_spoiled_one_it_names_the_breach(
    paid: str, stripe: Any, database_url: str, spoil: Callable[[str], None], planted: str, told: str
) -> None:
    spoil(planted)
    assert any(told in each for each in auditor.breaches(database_url, auditor.of_fake(stripe)))


def test_what_stripe_says_counts(paid: str, stripe: Any, database_url: str) -> None:
    (theirs,) = auditor.of_fake(stripe).values()
    for said, told in [
        ({}, "at Stripe 0 and 0"),
        ({paid: Theirs(theirs.received, 5, 1)}, "and 5"),
        ({paid: Theirs(theirs.received, 0, 2)}, "charged 2 times"),
        ({paid: theirs, "another": Theirs(7, 0, 1)}, "nobody knows"),
    ]:
        assert any(told in each for each in auditor.breaches(database_url, said))
