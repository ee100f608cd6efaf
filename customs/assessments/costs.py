"""Costs of a whole consignment on its lines: each kind by itself, by largest remainder (rule A3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import lcm

from core.errors import Problem, invalid
from core.money import share
from customs.assessments.prepare import in_field, of_line
from customs.assessments.request import Costs, Line, Request
from customs.duty.exchange import Rates
from customs.duty.terms import COSTS, SharedCosts, Terms
from customs.tariff import Tariff

_HUNDREDTHS = 2  # of the currency, whatever its smallest coin: amounts are stated with two decimals


def with_costs(tariff: Tariff, request: Request) -> Request:
    """The same request with its shared costs on its lines.

    Raises Problem invalid_input for a line that gives a shared cost itself; currency_unknown and exchange_rate_missing
    with the field costs.currency.
    """
    costs, lines = request.costs, request.lines
    if costs is None:
        return request
    for name in COSTS:
        _check(name, getattr(costs, name), lines)
    rates = Rates(tariff, request.day, request.exchange_rates)
    currency = _currency(costs, lines, rates)
    keys = _keys(lines, rates)
    shares = {name: _shared(getattr(costs, name), keys) for name in COSTS}
    spread = []
    for i, line in enumerate(lines):
        amounts = {name: parts[i] for name, parts in shares.items() if parts is not None}
        spread.append(replace(line, terms=replace(line.terms or Terms(), shared=SharedCosts(currency, **amounts))))
    return replace(request, lines=spread, costs=None)


def _check(name: str, amount: Decimal | None, lines: Sequence[Line]) -> None:
    if amount is None:
        return
    if amount < 0 or amount != round(amount, _HUNDREDTHS):
        raise invalid(f"costs.{name}", "an amount of at most two decimals, not negative")
    for i, line in enumerate(lines):
        own = getattr(line.terms, name, None) if name == "export_costs" else getattr(line, name)
        if own is not None:
            raise of_line(invalid(name, "is shared over the lines by `costs`: a line cannot give its own"), i)


def _currency(costs: Costs, lines: Sequence[Line], rates: Rates) -> str:
    """The currency of the costs; the rate is looked up here, where its field can be named."""
    if costs.currency is not None:
        try:
            rates.of(costs.currency)
        except Problem as problem:
            raise in_field(problem, "costs.currency") from None
        return costs.currency
    if len({line.currency for line in lines}) > 1:
        raise invalid("costs.currency", "is required: the lines are in several currencies")
    return lines[0].currency


def _keys(lines: Sequence[Line], rates: Rates) -> list[int]:
    """What the costs are shared by, as integers in proportion: the goods values, compared in CNY where currencies
    differ; quantities when all goods are free of charge."""
    values = [Fraction(line.value) for line in lines]
    if len({line.currency for line in lines}) > 1:
        values = [value * _rate(i, line, rates) for i, (value, line) in enumerate(zip(values, lines, strict=True))]
    if not any(values):
        values = [Fraction(line.quantity) for line in lines]
    if min(values) < 0 or not any(values):
        raise invalid("costs", "are shared by value, or by quantity where nothing has a value: neither is negative")
    scale = lcm(*(value.denominator for value in values))
    return [int(value * scale) for value in values]


def _rate(i: int, line: Line, rates: Rates) -> Fraction:
    try:
        return Fraction(rates.of(line.currency).value)
    except Problem as problem:
        raise of_line(in_field(problem, "currency"), i) from None


def _shared(amount: Decimal | None, keys: Sequence[int]) -> list[Decimal] | None:
    if amount is None:
        return None
    return [Decimal(part).scaleb(-_HUNDREDTHS) for part in share(int(amount.scaleb(_HUNDREDTHS)), keys)]
