"""Drawn lines as the engine is asked: as columns, and as the lines of a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from customs.assessments import Line, Request
from customs.assessments.request import Preference
from customs.duty.batch import Batch
from customs.duty.valuation import NetContent
from customs.tariff import Tariff
from tests.customs.duty.drawing import Drawn, rates_of
from tests.customs.duty.slow.facts import fen

BEIJING = timezone(timedelta(hours=8))


def batch_of(tariff: Tariff, lines: Sequence[Drawn]) -> Batch:
    facts = [line.facts for line in lines]
    words = sorted({word for each in facts for word in each.quantity if word})
    numbers, names = tariff.origins, tariff.schedules.names
    exact = np.empty(len(facts), object)
    exact[:] = [_whole(each.value * 100) for each in facts]
    return Batch(
        code=np.array([int(each.hs) for each in facts]),
        origin=np.array([numbers.number[each.origin] if each.origin else 0 for each in facts]),
        day=np.array([date.fromisoformat(each.day).toordinal() for each in facts]),
        value=np.array([fen(each.value) for each in facts]),
        proven=np.array([each.proven and not each.unproven for each in facts]),
        claim=np.array(
            [names[f"agreement:{each.claim}"] if each.claim and not each.unproven else -1 for each in facts]
        ),
        unproven=np.array([each.unproven for each in facts]),
        minute=np.array([-1 if each.minute is None else each.minute for each in facts]),
        exporter=np.array([numbers.exporters.get(each.exporter, 0) for each in facts]),
        exact=exact,
        quantity={word: np.array([_parts(each.quantity.get(word)) for each in facts]) for word in words},
        exchange=_exchange,
    )


def request_of(drawn: Drawn, route: str, **more: Any) -> Request:
    """A request of this one line."""
    facts = drawn.facts
    at = None
    if facts.minute is not None:
        hour, minute = divmod(facts.minute, 60)
        at = datetime.fromisoformat(f"{facts.day}T{hour:02}:{minute:02}:30").replace(tzinfo=BEIJING)
    line = Line(
        hs=facts.hs,
        origin=facts.origin,
        quantity=decimal(drawn.quantity),
        unit=drawn.unit,
        value=decimal(drawn.goods),
        currency=drawn.currency,
        freight=decimal(drawn.freight),
        insurance=None if drawn.insurance is None else decimal(drawn.insurance),
        origin_proof=facts.proven,
        preference=Preference(facts.claim, "C-1") if facts.claim else None,
        origin_evidence="unproven" if facts.unproven else "declared",
        exporter=facts.exporter or None,
        exclusion_no=facts.exclusion_no or None,
        part=facts.part or None,
        unit2_quantity=None if drawn.second is None else decimal(drawn.second),
        net_content=NetContent(decimal(drawn.content[0]), drawn.content[1]) if drawn.content else None,
    )
    exchange = {currency: decimal(rate) for currency, rate in rates_of(facts.day).items()}
    return Request(route, date.fromisoformat(facts.day), [line], at=at, exchange_rates=exchange, **more)


def _exchange(currency: str, day: int) -> tuple[Fraction, bool] | None:
    rate = rates_of(date.fromordinal(day).isoformat()).get(currency)
    return None if rate is None else (rate, True)


def decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _whole(number: Fraction) -> Fraction | int:
    return int(number) if number.denominator == 1 else number


def _parts(quantity: Fraction | None) -> int:
    """Quantities are counted in 0.00001; a few grams are less in tonnes, which nothing asks for."""
    parts = None if quantity is None else quantity * 10**5
    return -1 if parts is None or parts.denominator != 1 else int(parts)
