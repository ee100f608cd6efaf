"""Whether an order above the single limit becomes possible by placing several, and how many it takes.

Nothing is split here: the advice stands beside the refusal (rule A6). Each order would be a parcel with freight of its
own; a single item above the limit may go alone and then bears the full tax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from core.money import round_to_fen
from shop.freight import FreightTariff
from shop.offers import OfferOrder

PIECES_MOST = 200


@dataclass(frozen=True, slots=True)
class Split:
    """`orders` are needed; `lone` of them hold one item above the limit. `value_fen` is what all of them count."""

    orders: int
    lone: int
    value_fen: int


@dataclass(slots=True)
class _Parcel:
    freight: FreightTariff
    zone: str
    goods_fen: int = 0
    gross_kg: Decimal = field(default_factory=Decimal)
    cold: bool = False

    def with_piece(self, piece: _Piece) -> _Parcel:
        cold = self.cold or piece.cold
        return _Parcel(self.freight, self.zone, self.goods_fen + piece.goods_fen, self.gross_kg + piece.gross_kg, cold)

    @property
    def value_fen(self) -> int:
        carried = self.freight.freight_fen(self.gross_kg, self.cold, self.zone)
        return self.goods_fen + carried + self.freight.insurance_fen(self.goods_fen)


@dataclass(frozen=True, slots=True)
class _Piece:
    goods_fen: int
    gross_kg: Decimal
    cold: bool


def split(order: OfferOrder, freight: FreightTariff, zone: str, limit_fen: int) -> Split | None:
    """How the order could be placed as several, the dearest pieces first into the first that takes them.

    None for one that no splitting helps: of too many pieces to advise on, or not carried to the zone.
    """
    if sum(line.quantity for line in order.lines) > PIECES_MOST:
        return None
    if not freight.serves(zone, order.cold_chain):
        return None
    empty, parcels, lone = _Parcel(freight, zone), list[_Parcel](), list[_Parcel]()
    for piece in sorted(_pieces(order), key=lambda each: -each.goods_fen):
        alone = empty.with_piece(piece)
        if alone.value_fen > limit_fen:
            lone.append(alone)
            continue
        for place, parcel in enumerate(parcels):
            fuller = parcel.with_piece(piece)
            if fuller.value_fen <= limit_fen:
                parcels[place] = fuller
                break
        else:
            parcels.append(alone)
    every = parcels + lone
    return Split(len(every), len(lone), sum(parcel.value_fen for parcel in every)) if len(every) > 1 else None


def _pieces(order: OfferOrder) -> Iterator[_Piece]:
    """Each whole unit of each line by itself, and what is left of a measure."""
    for line in order.lines:
        whole, rest = divmod(line.quantity, 1)
        gross, cold = Decimal(line.facts["gross_weight_kg"] or 0), bool(line.facts["cold_chain"])
        for part in [Decimal(1)] * int(whole) + [rest] * bool(rest):
            yield _Piece(round_to_fen(part * line.unit_price_fen / 100), gross * part, cold)
