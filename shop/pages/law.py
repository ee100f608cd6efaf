"""The law to look up: what customs would charge, and what is in force for a code, an origin and a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, render_template, request
from marshmallow import Schema

from core import clock, paging
from core.errors import Problem
from core.schemas import Day, Pattern, Text, hs_code
from core.web import public
from customs import assessments, edition, tariff_search, tariff_views
from customs.api.law_schemas import AssessmentRequest
from customs.assessments.request import GENERAL_TRADE, ROUTES, SERVICES
from customs.duty.terms import INCOTERMS
from customs.tariff.index import names_of
from shop.pages import filters, words
from shop.pages.forms import load, read_query

pages = Blueprint("law_pages", __name__, url_prefix="/law")
_OF_THE_LINE = ("hs", "value", "incoterm", "export_costs", "freight", "insurance", "post_category", "service")


class _Lines(paging.PageArguments):
    q = Text(100, load_default="")
    prefix = Pattern("[0-9]{1,10}", "must be the beginning of a code, digits only", load_default="")
    day = Day(load_default=None)


class _Line(Schema):
    origin = Pattern("[A-Za-z]{2}", "must be a country of two letters (ISO 3166-1)", load_default="")
    day = Day(load_default=None)


@pages.get("/calculator")
@public
def calculator() -> Any:
    """One line assessed as the API assesses it; the question stands in the address, so an answer can be shared."""
    values = {name: text.strip() for name, text in request.args.items() if text.strip()}
    answer, problem = None, None
    if "value" in values and not values.keys().isdisjoint(("hs", "post_category", "service")):
        try:
            answer = _assess(values)
        except Problem as refused:
            problem = refused
    page = render_template(
        "law/calculator.html",
        values={"currency": "CNY", "quantity": "1", "unit": "kg", **values},
        routes=[(route, words.FILTERS["route"](route)) for route in ROUTES],
        categories=_named("post_categories", "id"),
        services=_named("service_rates", "service"),
        incoterms=[(term, term) for term in INCOTERMS],
        answer=answer,
        problem=problem,
    )
    return (page, problem.status) if problem else page


def _assess(values: dict[str, str]) -> dict[str, Any]:
    """Raises Problem as the engine does, and `invalid_input` for what cannot be read."""
    money = values.get("currency", "CNY").upper()
    line: dict[str, Any] = {name: values[name] for name in _OF_THE_LINE if name in values}
    line["currency"] = money
    body: dict[str, Any] = {"route": values.get("route", GENERAL_TRADE), "lines": [line]}
    line |= _of_service(values) if body["route"] == SERVICES else _of_goods(values)
    body["day"] = values.get("day") or clock.today().isoformat()
    if "from" in values:
        body["from"] = values["from"].upper()
    if "exchange_rate" in values:
        body["exchange_rates"] = {money: values["exchange_rate"]}
    checked = load(AssessmentRequest(), body)
    return assessments.assess(edition.tariff(), assessments.parse_request(checked)).to_dict()


def _of_goods(values: dict[str, str]) -> dict[str, Any]:
    line: dict[str, Any] = {"origin": values.get("origin", "").upper() or None}
    line |= {"quantity": values.get("quantity", "1"), "unit": values.get("unit", "kg")}
    if values.get("origin_proof") == "1":
        line["origin_proof"] = True
    if "content" in values:
        line["net_content"] = {"quantity": values["content"], "unit": values.get("content_unit", "g")}
    return line


def _of_service(values: dict[str, str]) -> dict[str, Any]:
    """A service has no origin but a provider, and no quantity."""
    provider = values.get("origin", "").upper() or None
    return {"provider_country": provider, "price_includes_tax": values.get("without_tax") != "1"}


def _named(table: str, column: str) -> list[tuple[str, str]]:
    """What a row of a table may be called by, with its name in the language of the page."""
    names = {row[column]: filters.both(names_of(row)) for row in edition.tariff().tables[table]}
    return sorted(names.items(), key=lambda pair: pair[1])


@pages.get("/tariff")
@public
def tariff() -> str:
    """Tariff lines by words or digits."""
    query = read_query(_Lines())
    after, day = tariff_search.after(query["cursor"]), query["day"] or clock.today()
    found = tariff_search.search(day, query["q"], query["prefix"], after, query["limit"])
    again = {name: request.args[name] for name in ("q", "prefix", "day") if request.args.get(name)}
    return render_template("law/tariff.html", found=found, day=day, again=again)


@pages.get("/tariff/<hs>")
@public
def tariff_line(hs: str) -> Any:
    """Everything in force for one code, with its sources; for a code that is not, the codes that may be meant."""
    query = read_query(_Line())
    code = load(_Code(), {"hs": hs.replace(".", "")})["hs"]
    law, day, origin = edition.tariff(), query["day"] or clock.today(), query["origin"].upper() or None
    try:
        line = tariff_views.detail(law, code, origin, day)
    except Problem as problem:
        if "nearest" not in problem.extra:
            raise
        page = render_template("law/no_line.html", problem=problem, hs=code, day=day, origin=origin)
        return page, problem.status
    sources = {source["id"]: source for source in _sources(line)}
    return render_template("law/line.html", line=line, countries=sorted(law.countries),
                           sources=[sources[name] for name in sorted(sources)])  # fmt: skip


def _sources(told: Any) -> Iterator[dict[str, Any]]:
    """Every source named anywhere in what is told of a line."""
    if isinstance(told, dict):
        if isinstance(told.get("source"), dict):
            yield told["source"]
        told = list(told.values())
    if isinstance(told, list):
        for each in told:
            yield from _sources(each)


class _Code(Schema):
    hs = hs_code(required=True)
