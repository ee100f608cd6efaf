"""The rows of a purchase, built before its transaction, so that it holds its locks briefly."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import Any

from catalog import catch_weight
from core import clock, config
from core.database import new_id
from core.prepared import as_read
from shop import addresses, consent, taxing
from shop.models import Order, OrderLine, table
from shop.offers import Offer, OfferLine, OfferOrder

# Letters and digits that cannot be mistaken for each other when read aloud at customs.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CURRENCY = "cny"


def new_number(day_text: str, prefix: str = "LF") -> str:
    """18 letters and digits: the Beijing day, then 50 random bits, so that numbers cannot be guessed."""
    return f"{prefix}{day_text}" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


class Rows:
    """One purchase as it is stored: itself, its orders, their lines and first events, its payment."""

    def __init__(
        self,
        account_id: uuid.UUID,
        attempt_id: uuid.UUID,
        offer: Offer,
        address: dict[str, Any],
        person_id: uuid.UUID | None,
        how: str = consent.QUOTE,
        most: Offer | None = None,
    ) -> None:
        now = clock.now()
        self.account_id, self.offer, self.address, self.person_id = account_id, offer, address, person_id
        self.address_text = addresses.canonical_text(address)
        self.purchase_id, self.now, self.how, self.most = new_id(), now, how, most
        self.expires_at = now + timedelta(seconds=config.current().hold_seconds)
        self.purchase = {
            "id": self.purchase_id,
            "attempt_id": attempt_id,
            "account_id": account_id,
            "status": "awaiting_payment",
            "currency": CURRENCY,
            "total_fen": offer.total_fen,
            "created_at": now,
            "expires_at": self.expires_at,
        }
        day_text = clock.beijing_day(now).strftime("%y%m%d")
        # Ids of one millisecond come in no order; sorted they keep the orders as they were quoted.
        ids = sorted(new_id() for _ in offer.orders)
        self.orders = [self._order(ids[i], order, new_number(day_text)) for i, order in enumerate(offer.orders)]
        self.lines = [
            self._line(row["id"], position, line)
            for row, order in zip(self.orders, offer.orders, strict=True)
            for position, line in enumerate(order.lines, 1)
        ]
        self.payment = self._payment()
        if most is not None:
            self._authorise(most)

    def read(self) -> tuple[list[Any], list[Any]]:
        """The orders and their lines as they are read once they are stored."""
        orders = [as_read(table(Order), row) for row in self.orders]
        return orders, [as_read(table(OrderLine), row) for row in self.lines]

    def _authorise(self, most: Offer) -> None:
        """What a card is authorised for beyond what is quoted, should the goods weigh more."""
        for row, order in zip(self.orders, most.orders, strict=True):
            row["most_dutiable_fen"] = order.sum("dutiable_value_fen") if order.retail else None
        for row, line in zip(self.lines, most.lines, strict=True):
            row["most_goods_fen"] = line.goods_fen if catch_weight.is_priced(line.facts) else None

    def _order(self, order_id: uuid.UUID, order: OfferOrder, number: str) -> dict[str, Any]:
        names = ("goods", "freight", "insurance", "discount", "dutiable_value")
        sums = {f"{name}_fen": order.sum(f"{name}_fen") for name in names}
        sums |= {name: order.sum(name) for name in taxing.AMOUNTS}
        return {
            "id": order_id,
            "number": number,
            "purchase_id": self.purchase_id,
            "account_id": self.account_id,
            "person_id": self.person_id if order.retail else None,
            "merchant_id": order.merchant_id,
            "merchant_name": order.merchant_name,
            "route": order.route,
            "mode": order.mode,
            "warehouse_id": order.warehouse_id,
            "status": "awaiting_payment",
            "tariff_edition": self.offer.edition,
            "tariff_day": self.offer.day,
            **sums,
            "total_fen": order.total_fen,
            "address": self.address,
            "address_text": self.address_text,
            **consent.record(self.offer.notice if order.retail else None, self.now, self.how),
            "created_at": self.now,
        }

    def _line(self, order_id: uuid.UUID, position: int, line: OfferLine) -> dict[str, Any]:
        names = ("unit_price", "goods", "discount", "freight", "insurance", "dutiable_value")
        return {
            "id": new_id(),
            "order_id": order_id,
            "position": position,
            "listing_id": line.listing_id,
            "listing_version": line.version,
            "hs": line.facts["hs"],
            "origin": line.facts["origin"],
            "unit": line.facts["unit"],
            "quantity": line.quantity,
            **{f"{name}_fen": getattr(line, f"{name}_fen") for name in names},
            **taxing.amounts(line),
            "facts": line.facts,
            "assessment": line.assessment,
        }

    def _payment(self) -> dict[str, Any]:
        facts = {"amount_fen": self.offer.total_fen, "currency": CURRENCY, "created_at": self.now}
        if self.most is not None:
            facts |= {"amount_fen": self.most.total_fen, "method": "card"}
        return {"id": new_id(), "purchase_id": self.purchase_id, **facts}

    @property
    def events(self) -> list[dict[str, Any]]:
        facts = {"event": "placed", "status": "awaiting_payment", "actor": str(self.account_id)}
        return [
            {"order_id": row["id"], "at": self.now, "happened_at": None, **facts, "detail": None} for row in self.orders
        ]
