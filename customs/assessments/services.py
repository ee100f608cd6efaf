"""Services from abroad: what the buyer withholds as VAT; nothing passes customs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.errors import Problem, invalid
from core.money import plain
from customs.assessments.answers import AssessedLine, Assessment, Facts
from customs.assessments.prepare import in_field, of_line
from customs.assessments.request import Request, Service
from customs.duty.exchange import Rates
from customs.duty.requirements import weakest
from customs.duty.service_steps import service_steps
from customs.duty.services import EXEMPT, service_row, share_of, withheld
from customs.duty.steps import period
from customs.duty.valuation import Valued, value
from customs.duty.wording import Phrase, said
from customs.tariff import Tariff, problems
from customs.tariff.acceptance import is_assumed, row_id
from customs.tariff.index import names_of, text_of
from customs.tariff.reading import Row
from customs.tariff.tariff import STANDING_WORDS

_KIND = "service_vat"
_HOME = "CN"


def assess_services(tariff: Tariff, request: Request) -> Assessment:
    """What is withheld on services. Raises Problem service_unknown, before_coverage, origin_unknown,
    exchange_rate_missing, invalid_input."""
    lines = []
    for i, service in enumerate(request.services):
        try:
            lines.append(_line(tariff, request, service))
        except Problem as problem:
            raise of_line(problem if problem.errors else in_field(problem, "service"), i) from None
    return Assessment(request.day, tariff.edition, request.route, lines)


def _line(tariff: Tariff, request: Request, service: Service) -> AssessedLine:
    _check_provider(tariff, service.provider_country)
    row = service_row(tariff, service.service, request.day)
    paid = _paid(tariff, request, service)
    share = share_of(row)
    exempt = row["treatment"] == EXEMPT
    sales, vat = (paid.fen, 0) if exempt else withheld(paid.fen, share, service.price_includes_tax)
    rate = "0" if exempt else plain(row["rate"])

    def read() -> Facts:
        steps = service_steps(paid, row, share, service.price_includes_tax, sales, vat)
        assumed = [row_id("service_rates", row)] if is_assumed(row, request.day.toordinal()) else []
        return Facts([_applied(row, rate)], [*_left(row)], [*_needed(row)], steps,
                     weakest(iter([STANDING_WORDS[row["standing"]]])), assumed)  # fmt: skip

    own = {"service": service.service, "price_includes_tax": service.price_includes_tax}
    return AssessedLine("", service.provider_country, (sales, 0, 0, 0, vat), ("0", rate), read, own)


def _check_provider(tariff: Tariff, country: str | None) -> None:
    if country is None:
        return
    if country not in tariff.origins.number:
        problem = Problem(problems.ORIGIN_UNKNOWN, f"{country}: no such country (countries.csv)")
        raise in_field(problem, "provider_country")
    if country == _HOME:
        raise invalid("provider_country", "a provider in China charges the VAT itself: nothing is withheld")


def _paid(tariff: Tariff, request: Request, service: Service) -> Valued:
    """The price in CNY. The rate for VAT is the central parity of the day or of the first of the month, as the buyer
    chose (Caishui 2016 No.36 art. 38): customs' monthly rate is another one, so the request must give it."""
    currency = service.currency
    known = currency in tariff.currencies
    if known and currency != "CNY" and currency not in request.exchange_rates:
        detail = (f"{currency}: give the central parity of the day, or of the first of the month, in exchange_rates;"
                  f" customs' own rate of the month is not for services")  # fmt: skip
        raise in_field(Problem(problems.EXCHANGE_RATE_MISSING, detail), "currency")
    try:
        return value(service.value, None, None, currency, Rates(tariff, request.day, request.exchange_rates))
    except Problem as problem:
        if problem.errors:
            raise
        of_currency = problem.code in (problems.CURRENCY_UNKNOWN, problems.EXCHANGE_RATE_MISSING)
        raise in_field(problem, "currency" if of_currency else "value") from None


def _applied(row: Row, rate: str) -> dict[str, Any]:
    named = ["named_rate", {"kind": [_KIND], "name": names_of(row)}]
    return {"kind": _KIND, "rate": rate, "source": row["source"], "standing": STANDING_WORDS[row["standing"]],
            **period(row), **said(law=text_of(row, "law"), name=named)}  # fmt: skip


def _left(row: Row) -> Iterator[dict[str, Any]]:
    if row["treatment"] == EXEMPT:
        yield {"kind": "vat", "rate": plain(row["rate"]), "source": row["source"],
               **said(reason=["exempt", {"law": text_of(row, "law")}])}  # fmt: skip
    for kind in ("mfn", "consumption_tax"):
        yield {"kind": kind, "rate": None, **said(reason=["no_customs"])}


def _needed(row: Row) -> Iterator[dict[str, Any]]:
    """Who pays and what is kept; an exemption asks for the recognised contract instead."""
    source, standing = row["source"], STANDING_WORDS[row["standing"]]
    if row["treatment"] == EXEMPT:
        yield _asked("technology_contract", ["technology_contract"], source, standing)
        return
    yield _asked("withholding_agent", ["withholding_agent"], source, standing)
    yield _asked("tax_payment_certificate", ["tax_payment_certificate"], source, standing)


def _asked(code: str, detail: Phrase, source: str, standing: str) -> dict[str, Any]:
    return {"code": code, **said(detail=detail), "source": source, "standing": standing}
