"""What is asked: lines to assess, on a day, by a route; from values already checked for type and form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.errors import invalid
from core.money import parse_fen
from customs.duty.valuation import NetContent
from customs.tariff.rates import Rate, Staged, parse_rate

GENERAL_TRADE, RETAIL = "general_trade", "cross_border_retail"
ROUTES = (GENERAL_TRADE, RETAIL)
EVIDENCE = ("declared", "proven", "unproven")

__all__ = ["AssumedRate", "Line", "NetContent", "Preference", "Request", "parse_request"]


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
    0.3 % of goods and freight in general trade, nothing in retail. `part` names the part of the code ("ex") that the
    goods are, or "none"; `exclusion_no` is a granted exclusion from a retaliatory duty."""

    hs: str
    origin: str | None
    quantity: Decimal
    unit: str
    value: Decimal
    currency: str = "CNY"
    freight: Decimal = Decimal(0)
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


@dataclass(slots=True)
class Request:
    """Lines of one route on one day. `at` is the instant where the law changes within the day (rule A19);
    `exchange_rates` are CNY per one unit of a currency; what is assumed makes the answer `assumed`."""

    route: str
    day: date
    lines: Sequence[Line]
    at: datetime | None = None
    mode: str | None = None
    annual_used_fen: int = 0
    exchange_rates: Mapping[str, Decimal] = field(default_factory=dict)
    assume_quota: Mapping[str, date] = field(default_factory=dict)
    assume_rates: Sequence[AssumedRate] = ()


def parse_request(body: Mapping[str, Any]) -> Request:
    """A request from the body of `POST /customs/assessments`, its fields already of the right form.

    Raises Problem invalid_input where a value is well-formed and still makes no sense.
    """
    if body["route"] not in ROUTES:
        raise invalid("route", f"one of {', '.join(ROUTES)}")
    assume = body.get("assume") or {}
    return Request(
        route=body["route"],
        day=_day(body["day"]),
        lines=[_line(line) for line in body["lines"]],
        at=_instant(body.get("at")),
        mode=body.get("mode"),
        annual_used_fen=_fen(body.get("annual_used")),
        exchange_rates={code: Decimal(rate) for code, rate in (body.get("exchange_rates") or {}).items()},
        assume_quota={quota: _day(day) for quota, day in (assume.get("quota") or {}).items()},
        assume_rates=[AssumedRate(r["kind"], r.get("hs") or "", r["rate"]) for r in assume.get("rates") or ()],
    )


def _line(line: Mapping[str, Any]) -> Line:
    statutory, content = line.get("statutory") or {}, line.get("net_content")
    claim = line.get("preference")
    return Line(
        hs=line["hs"],
        origin=line.get("origin"),
        quantity=Decimal(line["quantity"]),
        unit=line["unit"],
        value=Decimal(line["value"]),
        currency=line.get("currency") or "CNY",
        freight=Decimal(line.get("freight") or 0),
        insurance=_decimal(line.get("insurance")),
        origin_proof=line.get("origin_proof") is True,
        preference=None if claim is None else Preference(claim["agreement"], claim.get("certificate_no") or "",
                                                         claim.get("direct_transport", True)),
        origin_evidence=line.get("origin_evidence") or "declared",
        exporter=line.get("exporter"),
        exclusion_no=line.get("exclusion_no"),
        part=line.get("part"),
        order=line.get("order") or "1",
        unit1_quantity=_decimal(statutory.get("unit1_quantity")),
        unit2_quantity=_decimal(statutory.get("unit2_quantity")),
        net_content=None if content is None else NetContent(Decimal(content["quantity"]), content["unit"]),
    )  # fmt: skip


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
