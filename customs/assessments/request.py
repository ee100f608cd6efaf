"""What is asked: lines to assess, on a day, by a route; from values already checked for type and form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.errors import invalid
from core.money import parse_fen
from customs.duty.terms import TRANSACTION, Adjustment, Terms
from customs.duty.valuation import NetContent
from customs.tariff.rates import Rate, Staged, parse_rate

GENERAL_TRADE, RETAIL = "general_trade", "cross_border_retail"
PERSONAL_POST, SERVICES = "personal_post", "services"
ROUTES = (GENERAL_TRADE, RETAIL, PERSONAL_POST, SERVICES)
EVIDENCE = ("declared", "proven", "unproven")

__all__ = ["AssumedRate", "Costs", "Line", "NetContent", "Preference", "Request", "Service", "parse_request"]


@dataclass(frozen=True, slots=True)
class Preference:
    """A claim to one agreement (rule A9); without direct transport it is no claim."""

    agreement: str
    certificate_no: str = ""
    direct_transport: bool = True


@dataclass(frozen=True, slots=True)
class AssumedRate:
    """A rate put in by hand: `kind` is mfn, general, provisional, vat, consumption_tax or the id of an agreement;
    `hs` a code or prefix; `rate` in the grammar of `customs.tariff.rates`."""

    kind: str
    hs: str
    rate: str

    def parsed(self) -> Rate:
        """The rate. Raises Problem invalid_input."""
        try:
            rate = parse_rate(self.rate)
        except ValueError as error:
            raise invalid("assume.rates", str(error)) from None
        if rate is None or isinstance(rate, Staged) or not rate.known:
            raise invalid("assume.rates", f"{self.rate!r} is not a rate of one day")
        return rate


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `value`, `freight`, `insurance` are of the whole line in `currency`; insurance None means unknown:
    a share of goods and freight in general trade, nothing in retail. `part` names the part of the code ("ex") that the
    goods are, or "none"; `exclusion_no` is a granted exclusion from a retaliatory duty. `terms` holds what a plain line
    does not have: a delivery term, costs of export, additions, deductions, another method of valuation. Of personal
    articles `post_category` may stand in place of `hs`, which then is blank; lines of one `parcel` count together."""

    hs: str
    origin: str | None
    quantity: Decimal
    unit: str
    value: Decimal
    currency: str = "CNY"
    freight: Decimal | None = None
    insurance: Decimal | None = None
    origin_proof: bool = False
    preference: Preference | None = None
    origin_evidence: str = "declared"
    exporter: str | None = None
    exclusion_no: str | None = None
    part: str | None = None
    order: str = "1"
    unit1_quantity: Decimal | None = None
    unit2_quantity: Decimal | None = None
    net_content: NetContent | None = None
    terms: Terms | None = None
    post_category: str | None = None
    parcel: str = "1"


@dataclass(frozen=True, slots=True)
class Service:
    """One service from abroad: its kind (service_rates.csv), what is paid for it in `currency`, whether that contains
    the VAT, and where the provider is."""

    service: str
    value: Decimal
    currency: str = "CNY"
    price_includes_tax: bool = True
    provider_country: str | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of a whole consignment, shared over its lines (rule A3). `currency` None: that of the lines."""

    freight: Decimal | None = None
    insurance: Decimal | None = None
    export_costs: Decimal | None = None
    currency: str | None = None


@dataclass(slots=True)
class Request:
    """Lines of one route on one day. `at` is the instant where the law changes within the day (rule A19);
    `exchange_rates` are CNY per one unit of a currency; what is assumed makes the answer `assumed`. The lines of the
    route of services are `services`; `sent_from` is where parcels of personal articles come from."""

    route: str
    day: date
    lines: Sequence[Line]
    at: datetime | None = None
    mode: str | None = None
    annual_used_fen: int = 0
    exchange_rates: Mapping[str, Decimal] = field(default_factory=dict)
    assume_quota: Mapping[str, date] = field(default_factory=dict)
    assume_rates: Sequence[AssumedRate] = ()
    quota_remaining: Mapping[str, Decimal] = field(default_factory=dict)  # kg, by quota
    crossing: str = "refuse"
    costs: Costs | None = None
    sent_from: str | None = None
    services: Sequence[Service] = ()


def parse_request(body: Mapping[str, Any]) -> Request:
    """A request from the body of `POST /customs/assessments`, its fields already of the right form.

    Raises Problem invalid_input where a value is well-formed and still makes no sense.
    """
    if body["route"] not in ROUTES:
        raise invalid("route", f"one of {', '.join(ROUTES)}")
    assume = body.get("assume") or {}
    of_services = body["route"] == SERVICES
    return Request(
        route=body["route"],
        day=_day(body["day"]),
        lines=[] if of_services else [_line(line, body.get("incoterm")) for line in body["lines"]],
        at=_instant(body.get("at")),
        mode=body.get("mode"),
        annual_used_fen=_fen(body.get("annual_used")),
        exchange_rates={code: _rate(rate) for code, rate in (body.get("exchange_rates") or {}).items()},
        assume_quota={quota: _day(day) for quota, day in (assume.get("quota") or {}).items()},
        assume_rates=[AssumedRate(r["kind"], r.get("hs") or "", r["rate"]) for r in assume.get("rates") or ()],
        quota_remaining={quota: Decimal(kg) for quota, kg in (assume.get("quota_remaining") or {}).items()},
        crossing=assume.get("crossing") or "refuse",
        costs=_costs(body.get("costs")),
        sent_from=body.get("from"),
        services=[_service(line) for line in body["lines"]] if of_services else (),
    )


def _rate(given: Any) -> Decimal:
    """CNY for one unit; quotes per 100 units are brought to one, exactly."""
    if not isinstance(given, Mapping):
        return Decimal(given)
    rate = Decimal(given["rate"])
    return rate.scaleb(-2) if given.get("per") == "100" else rate


def _costs(costs: Mapping[str, Any] | None) -> Costs | None:
    if costs is None:
        return None
    freight, insurance, export_costs = (_decimal(costs.get(name)) for name in ("freight", "insurance", "export_costs"))
    return Costs(freight, insurance, export_costs, costs.get("currency"))


def _service(line: Mapping[str, Any]) -> Service:
    return Service(line["service"], Decimal(line["value"]), line.get("currency") or "CNY",
                   line.get("price_includes_tax") is not False, line.get("provider_country"))  # fmt: skip


def _line(line: Mapping[str, Any], incoterm: str | None) -> Line:
    statutory, content = line.get("statutory") or {}, line.get("net_content")
    claim = line.get("preference")
    return Line(
        hs=line.get("hs") or "",
        origin=line.get("origin"),
        quantity=Decimal(line["quantity"]),
        unit=line["unit"],
        value=Decimal(line["value"]),
        currency=line.get("currency") or "CNY",
        freight=_decimal(line.get("freight")),
        insurance=_decimal(line.get("insurance")),
        origin_proof=line.get("origin_proof") is True,
        preference=None if claim is None else Preference(claim["agreement"], claim.get("certificate_no") or "",
                                                         claim.get("direct_transport", True)),
        origin_evidence=line.get("origin_evidence") or "declared",
        exporter=line.get("exporter"),
        exclusion_no=line.get("exclusion_no"),
        part=line.get("part"),
        order=line.get("order") or "1",
        post_category=line.get("post_category"),
        parcel=line.get("parcel") or "1",
        unit1_quantity=_decimal(statutory.get("unit1_quantity")),
        unit2_quantity=_decimal(statutory.get("unit2_quantity")),
        net_content=None if content is None else NetContent(Decimal(content["quantity"]), content["unit"]),
        terms=_terms(line, line.get("incoterm") or incoterm),
    )  # fmt: skip


def _terms(line: Mapping[str, Any], incoterm: str | None) -> Terms | None:
    """None for a plain line: most lines are, and their value is made without looking further."""
    terms = Terms(
        incoterm=incoterm,
        export_costs=_decimal(line.get("export_costs")),
        additions=tuple(map(_adjustment, line.get("additions") or ())),
        deductions=tuple(map(_adjustment, line.get("deductions") or ())),
        method=line.get("valuation_method") or TRANSACTION,
    )
    return None if terms == Terms() else terms


def _adjustment(given: Mapping[str, Any]) -> Adjustment:
    return Adjustment(given["kind"], Decimal(given["amount"]), given.get("note") or "")


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def _fen(value: Any) -> int:
    """Fen of a decimal string, or of a number of fen already parsed by the edge."""
    if value is None:
        return 0
    return value if isinstance(value, int) else parse_fen(str(value))


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _instant(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value)
