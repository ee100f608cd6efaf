"""The same rules and fees for every merchant: nothing in the code can hold other ones (fair competition)."""

import ast
import uuid
from pathlib import Path
from typing import Any

import pytest

from catalog import page_statements, policy, quality
from catalog.models import Merchant, MerchantMember
from shop import quotes
from shop.quotes import Item
from tests.catalog import builders
from tests.catalog.builders import Seller

ROOT = Path(__file__).parents[2]
# What is kept of a merchant says who it is and where it is paid. A column that weighed one against another, such as a
# fee, a rank or a plan, would have to be written here first.
IDENTITY = {
    *(
        "id",
        "registered_name",
        "uscc",
        "foreign_registration_no",
        "country",
        "customs_code",
        "domestic_agent",
        "contact",
    ),
    *("status", "reason", "stripe_account", "bank_account", "submitted_by", "submitted_at", "decided_at"),
}
MEMBER = {"user_id", "merchant_id", "role", "joined_at"}


def test_a_merchant_has_no_terms_of_its_own() -> None:
    assert {column.name for column in Merchant.__table__.columns} == IDENTITY
    assert {column.name for column in MerchantMember.__table__.columns} == MEMBER


def names_in(path: Path) -> set[str]:
    """Every name, attribute, argument and text of a source."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        for field in ("id", "attr", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
    return found


def test_no_code_knows_a_fee_but_the_published_list() -> None:
    """Fees are read in one place, which takes no argument, so that it cannot answer one merchant otherwise."""
    words = ("commission", "fee_percent", "fee_fen", "boost", "sponsored", "promoted", "merchant_rank", "plan_id")
    sources = [path for room in ("core", "catalog", "shop") for path in (ROOT / room).rglob("*.py")]
    assert len(sources) > 100
    found = {(path.name, name) for path in sources for name in names_in(path) if any(word in name for word in words)}
    assert found == set()
    readers = [path.name for path in sources if "policy.toml" in path.read_text()]
    assert readers == ["policy.py"]
    assert policy.text.__wrapped__.__code__.co_argcount == 0


def test_no_order_of_listings_knows_the_merchant() -> None:
    for source in ("ranking.py", "quality.py"):
        assert not [name for name in names_in(ROOT / "catalog" / source) if "merchant" in name]
    for statement in (quality._ONE, quality._MANY, quality._MEASURE):
        assert "merchant" not in str(statement)
    assert not any("merchant" in str(part) for order in page_statements.ORDERS.values() for part in order)


@pytest.fixture
def twins(seller: Seller, other_seller: Seller, store: uuid.UUID) -> list[uuid.UUID]:
    """The same goods of two merchants, in the same place."""
    found = []
    for owner in (seller, other_seller):
        listing = builders.publish(owner, builders.general())
        builders.receive(owner, listing, store, "50", item_record_no=None)
        found.append(listing)
    return found


def test_the_same_goods_cost_and_rank_the_same_whoever_sells_them(client: Any, twins: list[uuid.UUID]) -> None:
    asked = [quotes.quote([Item(listing, builders.Decimal(3))], None, None) for listing in twins]
    amounts = [{name: value for name, value in told["orders"][0].items() if isinstance(value, str)} for told in asked]
    assert amounts[0] == amounts[1]
    ranks = [client.get(f"/api/v1/catalog/listings/{listing}").get_json()["ranking"] for listing in twins]
    assert ranks[0] == ranks[1]
