"""What the law takes on an offer beside its price, for both sides to read: duties at import, or VAT to be withheld.

Facts of the day of the offer, never a charge: customs assesses goods when they are declared. Installation and training
named apart are no part of the dutiable value (Tariff Law art. 26).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from catalog.models import GENERAL, SERVICES
from catalog.sale import SaleFacts
from core import clock
from core.errors import Problem, invalid
from core.money import plain
from customs import edition
from customs.assessments import Line, Request, assess
from customs.assessments.request import Service
from customs.duty.terms import DEDUCTIONS, Terms
from shop.rfq_rules import CNY, Priced

# What a shelf of services usually is, where the merchant does not say (service_rates.csv).
SERVICE_KINDS = {
    "research_design": "research_and_development",
    "energy_conservation": "energy_performance_contracting",
    "environmental_services": "environmental_services",
    "services": "other_modern_services",
}
HOME = "CN"


def facts(
    listing: SaleFacts,
    quantity: Decimal,
    priced: Priced,
    currency: str,
    rate: Decimal | None,
    incoterm: str,
    service: str | None,
) -> dict[str, Any] | None:
    """The assessment of an offer's line with its day and edition; {code, detail} where the law cannot say; None for a
    service from home. Raises Problem `service_unknown`, `invalid_input` for a kind of service that the law lacks.
    """
    day, tariff = clock.today(), edition.tariff()
    rates = {} if rate is None else {currency: rate}
    if listing.route == SERVICES:
        if listing.origin == HOME:
            return None
        paid = Service(
            service or SERVICE_KINDS[listing.category], priced.amounts["goods"], currency, True, listing.origin
        )
        request = Request(SERVICES, day, [], exchange_rates=rates, services=[paid])
    else:
        line = _line(listing, quantity, priced, currency, incoterm)
        request = Request(GENERAL, day, [line], exchange_rates=rates)
    told = {"route": request.route, "day": day.isoformat(), "edition": tariff.edition}
    try:
        found = assess(tariff, request).lines[0].to_dict()
    except Problem as refused:
        if service is not None:
            raise invalid("service", refused.detail, refused.code) from None
        return {**told, "code": refused.code, "detail": refused.detail}
    return {**told, **found, "apart": _apart(priced, currency)}


def _line(listing: SaleFacts, quantity: Decimal, priced: Priced, currency: str, incoterm: str) -> Line:
    """The goods as they are declared; a price in CNY is one of the domestic market and has no delivery term abroad."""
    freight, insurance = (priced.amounts[name] or None for name in ("freight", "insurance"))
    units = listing.statutory

    def whole(name: str) -> Decimal | None:
        return units[name] * quantity if name in units else None

    return Line(
        hs=str(listing.hs),
        origin=listing.origin,
        quantity=quantity,
        unit=listing.unit,
        value=priced.amounts["goods"],
        currency=currency,
        freight=freight,
        insurance=insurance,
        unit1_quantity=whole("unit1_quantity"),
        unit2_quantity=whole("unit2_quantity"),
        terms=None if currency == CNY else Terms(incoterm=incoterm),
    )


def _apart(priced: Priced, currency: str) -> list[dict[str, str]]:
    """What the price names apart and customs leaves out of the value."""
    return [
        {"kind": kind, "amount": plain(priced.amounts[kind]), "currency": currency, "law": DEDUCTIONS[kind]}
        for kind in ("installation", "training")
        if priced.amounts[kind]
    ]
