"""The bill of a line: general trade, retail within the limits, the retail item that pays in full."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.customs.duty.slow.adding import additions, heaviest
from tests.customs.duty.slow.choosing import duty, general_rate
from tests.customs.duty.slow.facts import Facts, Refused, fen, yuan
from tests.customs.duty.slow.rates import Share, rate_of, threshold_of
from tests.customs.duty.slow.rows import Law


@dataclass(frozen=True)
class Bill:
    """Fen."""

    duty: int = 0
    additional: int = 0
    consumption: int = 0
    vat: int = 0


NOTHING = Share()


def general_trade(law: Law, facts: Facts) -> Bill:
    """Each tax is rounded where it is made, and the next is reckoned on it (rule A1)."""
    kinds: set[str] = set()
    value = yuan(fen(facts.value))
    normal, added = _attempt(kinds, lambda: _duties(law, facts, value)) or (Fraction(0), [])
    consumption = _attempt(kinds, lambda: consumption_rate(law, facts)) or NOTHING
    specific = _attempt(kinds, lambda: consumption.amount(facts, Fraction(0))) or Fraction(0)
    vat = _attempt(kinds, lambda: vat_share(law, facts)) or Fraction(0)
    if _with_code(law, facts, kinds):
        raise Refused(*kinds)
    first, more = fen(normal), sum(fen(each) for each in added)
    base = value + yuan(first) + yuan(more)
    third = fen((base + specific) / (1 - consumption.share) * consumption.share + specific)
    return Bill(first, more, third, fen((base + yuan(third)) * vat))


def retail(law: Law, facts: Facts, levied: Fraction = Fraction(7, 10)) -> Bill:
    """No duty; of consumption tax and VAT a part of the exact amount is levied, rounded once."""
    kinds: set[str] = set()
    consumption = _attempt(kinds, lambda: consumption_rate(law, facts)) or NOTHING
    specific = _attempt(kinds, lambda: consumption.amount(facts, Fraction(0))) or Fraction(0)
    vat = _attempt(kinds, lambda: vat_share(law, facts)) or Fraction(0)
    if _with_code(law, facts, kinds):
        raise Refused(*kinds)
    whole = (yuan(fen(facts.value)) + specific) / (1 - consumption.share)
    return Bill(consumption=fen((whole * consumption.share + specific) * levied), vat=fen(whole * vat * levied))


def in_full(law: Law, facts: Facts) -> Bill:
    """All taxes on the exact chain, each kind rounded once, each additional duty apart; no preference (rules A1, A2,
    A12)."""
    value = yuan(fen(facts.value))
    normal, added = _duties(law, facts, value, preferred=False)
    consumption = consumption_rate(law, facts)
    specific = consumption.amount(facts, Fraction(0))
    whole = (value + normal + sum(added) + specific) / (1 - consumption.share)
    tax = fen(whole * consumption.share + specific)
    return Bill(fen(normal), sum(map(fen, added)), tax, fen(whole * vat_share(law, facts)))


def consumption_rate(law: Law, facts: Facts) -> Share:
    """Shares and amounts per unit; with a threshold the rate from it upwards, else the one below it."""
    row = law.one("consumption_tax", facts.hs, facts.day)
    if row is None:
        return NOTHING
    text = row["rate"]
    if row["threshold"]:
        prices = threshold_of(row["threshold"])
        asked = [price for price in prices if price.unit in facts.quantity]
        if not asked:
            raise Refused("content")
        text = text if asked[0].of(facts) >= asked[0].turn(facts) else row["below"]
    rate = rate_of(text, int(facts.day[:4]))
    assert isinstance(rate, Share)
    return rate


def vat_share(law: Law, facts: Facts) -> Fraction:
    """The class of the goods and the rate of the class are two facts."""
    member = law.one("vat_classes", facts.hs, facts.day)
    if member is not None:
        for row in law.running("vat_rates", "class", member["class"], facts.day):
            return Fraction(row["rate"]) / 100
    raise Refused("vat")


def _duties(law: Law, facts: Facts, value: Fraction, preferred: bool = True) -> tuple[Fraction, list[Fraction]]:
    """Duty and additions. Where the origin is not proven and a measure runs, the higher of the normal duty with the
    heaviest measures and the general rate (art. 19)."""
    kinds: set[str] = set()
    normal = _attempt(kinds, lambda: duty(law, facts, value, preferred))
    added = _attempt(kinds, lambda: (heaviest if facts.unproven else additions)(law, facts, value))
    if normal is None or added is None:
        raise Refused(*kinds)
    if facts.unproven and added:
        general = general_rate(law, facts).amount(facts, value)
        if general > normal + sum(added):
            return general, []
    return normal, added


def _with_code(law: Law, facts: Facts, kinds: set[str]) -> set[str]:
    if not any(law.running("lines", "hs", facts.hs, facts.day)):
        kinds.add("code")
    return kinds


def _attempt(kinds: set[str], work):  # type: ignore[no-untyped-def]
    try:
        return work()
    except Refused as refused:
        kinds |= refused.kinds
        return None
