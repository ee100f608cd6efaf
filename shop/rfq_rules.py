"""The rules of a request for quotation, pure: the moves as one table, questions by department, and its arithmetic.

Every amount is rounded half-up to the smallest unit of its currency once, and once more when it is turned into CNY at
the rate agreed in the offer; both figures are shown. Dry weight is rounded half-up to five decimals and priced as so
rounded, so that the invoice can be recomputed from what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from core.errors import Problem, declare, invalid
from core.money import FEN_MAX, half_up

RFQ_STATE = declare("rfq_state", 409, "The request for quotation is in a state that does not allow this")

# from -> to. What is missing cannot happen; a state without a way out is final.
MOVES: dict[str, frozenset[str]] = {
    "requested": frozenset({"offered", "declined", "expired", "withdrawn"}),
    "offered": frozenset({"requested", "offered", "accepted", "declined", "expired", "withdrawn"}),
    "accepted": frozenset(),
    "declined": frozenset(),
    "expired": frozenset(),
    "withdrawn": frozenset(),
}

# What a merchant wants to know, by department of the shop; both sides see the answers.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "equipment": ("application", "power_supply", "installation", "training", "spare_parts"),
    "services": ("scope", "deliverables", "place", "deadline"),
    "resources": ("grade", "moisture_most", "particle_size", "impurities", "port"),
}
CHARGES = ("freight", "insurance", "installation", "training")
PARTS = ("goods", *CHARGES)
TOTAL_MOST_FEN = FEN_MAX // 1000  # ten thousand million yuan, the bound of every order
CNY = "CNY"

# ISO 4217: currencies whose smallest unit is not a hundredth.
_WHOLE = {*("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
          *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")}  # fmt: skip
_THOUSANDTHS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def sources(to: str) -> list[str]:
    """The states from which `to` can be reached."""
    return [status for status, targets in MOVES.items() if to in targets]


def refuse(status: str, wish: str) -> Problem:
    """The refusal of a wish that the request's state does not allow."""
    return Problem(RFQ_STATE, f"a request that is {status} cannot be {wish}", rfq_status=status)


def decimals(currency: str) -> int:
    """How many decimals an amount of a currency has (ISO 4217)."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def check_amount(amount: Decimal, currency: str, field: str) -> None:
    """Raises Problem `invalid_input` for a part of the smallest unit."""
    places = decimals(currency)
    if amount != amount.quantize(Decimal(1).scaleb(-places)):
        raise invalid(field, f"an amount in {currency} has at most {places} decimals")


def dry_weight(wet: Decimal, moisture_percent: Decimal) -> Decimal:
    """What is left of a wet weight without its moisture, half-up to five decimals."""
    return _rounded(Fraction(wet) * (100 - Fraction(moisture_percent)) / 100, 5)


def _rounded(exact: Fraction, places: int) -> Decimal:
    scaled = exact * 10**places
    return Decimal(int(half_up(scaled.numerator, scaled.denominator))).scaleb(-places)


@dataclass(frozen=True, slots=True)
class Priced:
    """The parts of an offer (`PARTS`), in its currency and in fen; a part that is not there is zero."""

    amounts: dict[str, Decimal]
    fen: dict[str, int]

    @property
    def total_fen(self) -> int:
        return sum(self.fen.values())


def price(
    unit_price: Decimal, priced: Decimal, currency: str, rate: Decimal | None, charges: Mapping[str, Decimal]
) -> Priced:
    """The sums of an offer: `unit_price` for each of `priced` units, and charges of their own.

    Raises Problem `invalid_input` when it comes to nothing, or to more than an order can be worth.
    """
    places = decimals(currency)
    amounts = {"goods": _rounded(Fraction(unit_price) * Fraction(priced), places)}
    amounts |= {name: charges.get(name, Decimal(0)) for name in CHARGES}
    in_fen = Fraction(1 if rate is None else rate) * 100
    fen = {name: int(_rounded(Fraction(amount) * in_fen, 0)) for name, amount in amounts.items()}
    found = Priced(amounts, fen)
    if fen["goods"] < 1:
        raise invalid("unit_price", "comes to less than 0.01 CNY")
    if found.total_fen > TOTAL_MOST_FEN:
        raise invalid("unit_price", "comes to more than one order can be worth")
    return found


def unit_price_fen(goods_fen: int, quantity: Decimal) -> int:
    """What a sales unit costs in CNY, for the order's line; of dry tonnes it is the wet tonne's share."""
    each = Fraction(goods_fen) / Fraction(quantity)
    return int(half_up(each.numerator, each.denominator))
