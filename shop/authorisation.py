"""A card authorised for goods of catch weight: 110 % of their nominal price and the tax of it (rules, filing facts).

Both limits of cross-border retail compare the dutiable value P (rule A5). The P that can come about is the one at
110 %, so that is what is compared and what the allowance holds: the real weight, known after the order was placed, can
then never carry an order over a limit. When the goods are weighed the allowance falls to the real P (`real_weight`).
"""

from __future__ import annotations

from dataclasses import replace

from catalog import catch_weight
from core.errors import Problem
from core.money import half_up
from customs import edition
from shop import hindrances, taxing
from shop.hindrances import Buyer
from shop.offers import Blocked, Offer, OfferLine


def heaviest(offer: Offer) -> Offer | None:
    """The offer with its goods of catch weight at the most a card is authorised for; None when it has none.

    Raises Problem when the law does not let in that much.
    """
    if not any(catch_weight.is_priced(line.facts) for line in offer.lines):
        return None
    most = replace(offer, orders=[replace(order, lines=list(map(_heaviest, order.lines))) for order in offer.orders])
    refuse(taxing.assess(edition.tariff(), most))
    return most


def check(buyer: Buyer, most: Offer) -> None:
    """Raises Problem `single_limit`, `annual_limit` when the heaviest the goods may be charged for is above a limit."""
    refuse(hindrances.of_payment(most) + hindrances.of_person(buyer, most))


def refuse(blocked: list[Blocked]) -> None:
    if blocked:
        more = f"{blocked[0].detail}; a card is authorised for {catch_weight.MARGIN} % of goods priced by the kg"
        raise Problem(blocked[0].code, more, blocked=[each.dump() for each in blocked])


def _heaviest(line: OfferLine) -> OfferLine:
    if not catch_weight.is_priced(line.facts):
        return replace(line)
    weight = line.quantity * taxing.piece_weight(line) * catch_weight.MARGIN / 100
    facts = catch_weight.at_weight(line.facts, taxing.units_of(line), weight)
    return replace(line, goods_fen=most_fen(line.goods_fen), facts=facts)


def most_fen(goods_fen: int) -> int:
    """What goods of catch weight may come to."""
    return half_up(goods_fen * catch_weight.MARGIN, 100)
