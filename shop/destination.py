"""Where an order goes: its address, the delivery zone it lies in, and why nothing may be delivered there.

Freight and the days on the way are reckoned by zone. Without an address they are those of the standard zone, the
cheapest; an order is placed only at the zone that its quote has reckoned with.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from catalog import zones
from catalog.zones import Province, Zone
from core.errors import declare, invalid
from customs.duty.wording import said
from shop import addresses
from shop.offers import Blocked
from shop.phrases import blocked

PROVINCE_UNKNOWN = declare("province_unknown", 422, "The address does not tell its province")
NOT_DELIVERED = declare("not_delivered", 422, "These goods are not delivered to that address")


@dataclass(frozen=True, slots=True)
class Destination:
    """`address` is None while nobody has said where to; `against` is why nothing is delivered to it."""

    zone: Zone
    address: dict[str, Any] | None = None
    province: Province | None = None
    against: Blocked | None = None

    @property
    def extra_days(self) -> int:
        return zones.extra_days(self.zone)


def destination_of(address: dict[str, Any] | None) -> Destination:
    """The destination of an address; of none, and of one that is not served, the standard zone stands for it."""
    if address is None:
        return Destination(zones.standard())
    province = zones.province_of(address["province"], address["district_code"], address["postcode"])
    if province is None:
        reason = blocked(PROVINCE_UNKNOWN, ["shop_province"], ["shop_give_province"])
        return Destination(zones.standard(), address, None, reason)
    if province.zone is None:
        reason = blocked(NOT_DELIVERED, ["shop_not_served", {"province": province.name}], ["shop_other_address"])
        return Destination(zones.standard(), address, province, reason)
    return Destination(province.zone, address, province)


def find(account_id: uuid.UUID | None, address_id: uuid.UUID | None) -> Destination:
    """The named address of an account, else its first one, else none.

    Raises Problem `not_found` for somebody else's, `invalid_input` when nobody is signed in.
    """
    if account_id is None:
        if address_id is not None:
            raise invalid("address_id", "only a signed-in person has addresses")
        return destination_of(None)
    if address_id is not None:
        return destination_of(addresses.one_of(account_id, address_id))
    return destination_of(addresses.first_of(account_id))


def basis(place: Destination) -> dict[str, Any]:
    """What the freight of a quote was reckoned for, as the quote tells it."""
    zone, province = place.zone, place.province
    known = place.against is None and province is not None
    words = {"zone": zone.name, "days": str(zone.transit_days)}
    if known and province is not None:
        words["province"] = province.name
    return {
        "zone": {"key": zone.key, "name": dict(zone.name)},
        "province": dict(province.name) if province else None,
        "address_id": place.address["id"] if place.address else None,
        "assumed": not known,
        "transit_days": zone.transit_days,
        **said(detail=["shop_freight_to" if known else "shop_freight_assumed", words]),
    }
