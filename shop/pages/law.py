"""The law to look up: what customs would charge, and what is in force for a code, an origin and a day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, render_template, request
from marshmallow import Schema

from catalog.models import GENERAL, ROUTES, SERVICES
from core import clock, paging
from core.errors import Problem
from core.schemas import Day, Pattern, Text, hs_code
from core.web import public
from customs import assessments, edition, tariff_search, tariff_views
from customs.api.schemas import AssessmentRequest
from customs.duty.terms import INCOTERMS
from shop.pages import words
from shop.pages.forms import load, read_query

pages = Blueprint("law_pages", __name__, url_prefix="/law")
_OF_THE_LINE = ("hs", "value", "incoterm", "export_costs", "freight", "insurance")


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
    if "hs" in values and "value" in values:
        try:
            answer = _assess(values)
        except Problem as refused:
            problem = refused
    page = render_template(
        "law/calculator.html",
        values={"currency": "CNY", "quantity": "1", "unit": "kg", **values},
        routes=[(route, words.FILTERS["route"](route)) for route in ROUTES if route != SERVICES],
        incoterms=[(term, term) for term in INCOTERMS],
        answer=answer,
        problem=problem,
    )
    return (page, problem.status) if problem else page


def _assess(values: dict[str, str]) -> dict[str, Any]:
    """Raises Problem as the engine does, and `invalid_input` for what cannot be read."""
    money = values.get("currency", "CNY").upper()
    line: dict[str, Any] = {name: values[name] for name in _OF_THE_LINE if name in values}
    line |= {"origin": values.get("origin", "").upper() or None, "currency": money}
    line |= {"quantity": values.get("quantity", "1"), "unit": values.get("unit", "kg")}
    line["origin_proof"] = values.get("origin_proof") == "1"
    body: dict[str, Any] = {"route": values.get("route", GENERAL), "lines": [line]}
    body["day"] = values.get("day") or clock.today().isoformat()
    if "exchange_rate" in values:
        body["exchange_rates"] = {money: values["exchange_rate"]}
    checked = load(AssessmentRequest(), body)
    return assessments.assess(edition.tariff(), assessments.parse_request(checked)).to_dict()


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
