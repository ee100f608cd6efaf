"""The law to look up: what customs would charge, and what is in force for a code, an origin and a day."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from marshmallow import Schema

from catalog.models import GENERAL, ROUTES, SERVICES
from core import clock, paging
from core.errors import Problem
from core.schemas import Day, Text, country, hs_code
from core.web import public
from customs import assessments, edition, tariff_search, tariff_views
from customs.api.schemas import AssessmentRequest
from shop.pages import words
from shop.pages.forms import load, read_query

pages = Blueprint("law_pages", __name__, url_prefix="/law")


class _Lines(paging.PageArguments):
    q = Text(100, load_default="")
    day = Day(load_default=None)


class _Line(Schema):
    origin = country(load_default=None)
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
        answer=answer,
        problem=problem,
    )
    return (page, problem.status) if problem else page


def _assess(values: dict[str, str]) -> dict[str, Any]:
    """Raises Problem as the engine does, and `invalid_input` for what cannot be read."""
    money = values.get("currency", "CNY").upper()
    line: dict[str, Any] = {name: values[name] for name in ("hs", "value", "freight", "insurance") if name in values}
    line |= {"origin": values.get("origin", "").upper() or None, "currency": money}
    line |= {"quantity": values.get("quantity", "1"), "unit": values.get("unit", "kg")}
    line["origin_proof"] = values.get("origin_proof") == "1"
    body: dict[str, Any] = {"route": values.get("route", GENERAL), "lines": [line]}
    body["day"] = values.get("day") or clock.today().isoformat()
    if "exchange_rate" in values:
        body["exchange_rates"] = {money: values["exchange_rate"]}
    checked = load(AssessmentRequest(), body)
    # Amounts stay as they were typed: the engine reads decimals, in the line's own currency.
    typed = {name: line[name] for name in ("value", "freight", "insurance") if name in line}
    question = assessments.parse_request({**checked, "lines": [{**checked["lines"][0], **typed}]})
    return assessments.assess(edition.tariff(), question).to_dict()


@pages.get("/tariff")
@public
def tariff() -> str:
    """Tariff lines by words or digits."""
    query = read_query(_Lines())
    key = paging.decode(query["cursor"], int, int, str)
    after = (key[0], key[1], key[2]) if key else None
    digits = query["q"].replace(".", "")
    by_code = digits.isascii() and digits.isdigit()
    rows, keys = tariff_search.search(
        query["day"] or clock.today(),
        "" if by_code else query["q"],
        digits if by_code else "",
        after,
        query["limit"] + 1,
    )
    more = len(rows) > query["limit"]
    following = paging.encode(*keys[query["limit"] - 1]) if more else None
    again = {name: request.args[name] for name in ("q", "day") if request.args.get(name)}
    return render_template("law/tariff.html", result={"items": rows[: query["limit"]], "next": following}, again=again)


@pages.get("/tariff/<hs>")
@public
def tariff_line(hs: str) -> str:
    """Everything in force for one code, with its sources."""
    query = read_query(_Line())
    code = load(_Code(), {"hs": hs})["hs"]
    line = tariff_views.detail(code, query["origin"], query["day"] or clock.today())
    return render_template("law/line.html", line=line)


class _Code(Schema):
    hs = hs_code(required=True)
