"""Paid retail orders of many people, as the webhook's job would apply them."""

import itertools
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from core.accounts import Actor
from shop import addresses, payments
from tests.shop import builders, state
from tests.shop.builders import FakeStripe

_flats = itertools.count(1)


def live(actor: Actor, street: str, phone: str = "13900000000") -> Actor:
    """Move to an address of one's own: the newest of an account with one address only."""
    for known in addresses.page_of(actor.id, 50, None)["items"]:
        addresses.remove(actor.id, uuid.UUID(known["id"]))
    addresses.add(actor.id, {**builders.HOME, "street": street, "phone": phone})
    return actor


def neighbour(**given: Any) -> Actor:
    """Somebody with an identity, an address and a telephone that nobody else has."""
    number = next(_flats)
    return live(builders.buyer(**given), f"文三路{number}号", f"1370000{number:04d}")


@pytest.fixture
def pay(stripe: FakeStripe) -> Callable[..., list[str]]:
    """Pay a placed purchase; returns the states of its orders."""

    def paid(purchase: dict[str, Any], payer: str | None = "王芳", mark: str | None = None) -> list[str]:
        intent = purchase["payment"]["intent"]
        stripe.pay(intent, payer=payer)
        stripe.mark(intent, mark)
        payments.look(uuid.UUID(purchase["purchase"]))
        return state.statuses(purchase)

    return paid
