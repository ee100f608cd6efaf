"""The bill of a line: general trade, retail within the limits, the retail item that pays in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TypeVar

from tests.customs.duty.slow.adding import additions, heaviest
from tests.customs.duty.slow.choosing import duty, general_rate
from tests.customs.duty.slow.facts import Facts, Refused, fen, yuan
from tests.customs.duty.slow.rates import Share, rate_of, threshold_of
from tests.customs.duty.slow.rows import Law

T = TypeVar("T")
Duties = tuple[Fraction, list[Fraction]]  # the duty, and each addition
NOTHING = Share()


@dataclass(frozen=True)
class Bill:
    """Fen."""

    duty: int = 0
    additional: int = 0
    consumption: int = 0
    vat: int = 0


@dataclass(frozen=True)
class Found:
    """What the law selects for a line, unrounded: duty and additions in yuan, the share and the specific part of the
    consumption tax, the share of VAT."""

    duty: Fraction
    added: list[Fraction]
    share: Fraction
    specific: Fraction
    vat: Fraction


def general_trade(law: Law, facts: Facts) -> Bill:
    """Each tax is rounded where it is made, and the next is reckoned on it (rule A1)."""
    found = find(law, facts, duties)
    duty, more = fen(found.duty), sum(map(fen, found.added))
    base = yuan(fen(facts.value) + duty + more)
    tax = fen((base + found.specific) / (1 - found.share) * found.share + found.specific)
    return Bill(duty, more, tax, fen((base + yuan(tax)) * found.vat))


def retail(law: Law, facts: Facts, levied: Fraction = Fraction(7, 10)) -> Bill:
    """No duty; of consumption tax and VAT a part of the exact amount is levied, rounded once."""
    found = find(law, facts, lambda *_: (Fraction(0), []))
    whole = (yuan(fen(facts.value)) + found.specific) / (1 - found.share)
    return Bill(0, 0, fen((whole * found.share + found.specific) * levied), fen(whole * found.vat * levied))


def in_full(law: Law, facts: Facts) -> Bill:
    """All taxes on the exact chain, each kind rounded once, each additional duty apart; no preference (rules A1, A2,
    A12)."""
    found = find(law, facts, partial(duties, preferred=False))
    whole = (yuan(fen(facts.value)) + found.duty + sum(found.added) + found.specific) / (1 - found.share)
    tax = fen(whole * found.share + found.specific)
    return Bill(fen(found.duty), sum(map(fen, found.added)), tax, fen(whole * found.vat))


def find(law: Law, facts: Facts, duties_of: Callable[[Law, Facts], Duties]) -> Found:
    """Everything, or a refusal for all the reasons there are."""
    kinds: set[str] = set()
    free: Duties = (Fraction(0), [])
    duty, added = attempt(kinds, lambda: duties_of(law, facts), free)
    consumption = attempt(kinds, lambda: consumption_rate(law, facts), NOTHING)
    specific = attempt(kinds, lambda: consumption.amount(facts, Fraction(0)), Fraction(0))
    vat = attempt(kinds, lambda: vat_share(law, facts), Fraction(0))
    if not any(law.running("lines", "hs", facts.hs, facts.day)):
        kinds.add("code")
    if kinds:
        raise Refused(*kinds)
    return Found(duty, added, consumption.share, specific, vat)


def duties(law: Law, facts: Facts, preferred: bool = True) -> Duties:
    """Duty and additions. Where the origin is not proven and a measure runs, the higher of the normal duty with the
    heaviest measures and the general rate (art. 19)."""
    kinds: set[str] = set()
    value = yuan(fen(facts.value))
    normal = attempt(kinds, lambda: duty(law, facts, value, preferred), Fraction(0))
    none: list[Fraction] = []
    added = attempt(kinds, lambda: (heaviest if facts.unproven else additions)(law, facts, value), none)
    if kinds:
        raise Refused(*kinds)
    if facts.unproven and added:
        general = general_rate(law, facts).amount(facts, value)
        if general > normal + sum(added):
            return general, []
    return normal, added


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


def attempt(kinds: set[str], work: Callable[[], T], instead: T) -> T:
    """The result, or `instead` with the reasons of the refusal noted."""
    try:
        return work()
    except Refused as refused:
        kinds |= refused.kinds
        return instead
