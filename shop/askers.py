"""Who asks for a quote or an order, and where the goods go: read in one trip to the server."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from catalog import sale
from catalog.sale import SaleFacts
from core import clock
from core.database import reads
from customs import allowance
from shop import addresses, destination, hindrances
from shop.destination import Destination
from shop.hindrances import Buyer

Facts = dict[uuid.UUID, SaleFacts]


def of(account_id: uuid.UUID | None, address_id: uuid.UUID | None) -> tuple[Buyer, Destination]:
    """An account, or nobody, and the named address, else the first one, else none. Raises as `destination.find`."""
    if account_id is None:
        return Buyer(), destination.find(None, address_id)
    buyer, place, _ = with_facts(account_id, address_id, ())
    return buyer, place


def with_facts(
    account_id: uuid.UUID, address_id: uuid.UUID | None, listing_ids: Collection[uuid.UUID]
) -> tuple[Buyer, Destination, Facts]:
    """The same of an account, with listings as they stand now."""
    day = clock.today()
    asked = [allowance.taking(account_id, day.year), addresses.asking(account_id, address_id)]
    taken, found, *facts = reads([*asked, *([sale.asking(listing_ids)] if listing_ids else [])])
    buyer = hindrances.buyer_from(account_id, day, allowance.taken_of(taken))
    return buyer, destination.destination_of(addresses.told(found, address_id)), sale.told(facts[0]) if facts else {}
