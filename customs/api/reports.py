"""Duty reports and trade statistics."""

from __future__ import annotations

import calendar
import re
import uuid
from datetime import date
from typing import Any

from flask import Response

from core.accounts import FORBIDDEN
from core.errors import Problem, invalid
from core.web import API_PREFIX, Blueprint, actor, requires
from customs.api import schemas
from customs.api.answers import ready
from customs.reports import access, duty, table, trade

blueprint = Blueprint(
    "reports", __name__, url_prefix=f"{API_PREFIX}/customs", description="Duty reports and trade statistics"
)

FORMATS = ("json", "csv")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?\Z", re.ASCII)


@blueprint.route("/reports/duty")
@requires("customs", "merchant")
@blueprint.arguments(schemas.ReportArguments, location="query")
@blueprint.response(200, schemas.Report)
def report_duty(query: dict[str, Any]) -> Response:
    """Duty and taxes of released declarations by any cut; a merchant sees its own."""
    first, last = _period(query)
    if query["format"] not in FORMATS:
        raise invalid("format", f"must be one of {', '.join(FORMATS)}")
    report = duty.duty_report(first, last, _cuts(query), _whose(query["merchant"]))
    if query["format"] == "json":
        return ready(duty.as_answer(report))
    name = f"duty-{first}-{last}-by-{'-'.join(report.by)}.csv"
    return Response(
        table.as_csv(report),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.route("/statistics/trade")
@requires("customs", "operator")
@blueprint.arguments(schemas.ReportArguments(exclude=("merchant", "format")), location="query")
@blueprint.response(200, schemas.Report)
def report_trade(query: dict[str, Any]) -> Response:
    """Imports released on the platform by month, commodity or origin, beside the year before."""
    first, last = _period(query)
    cuts = _cuts(query)
    rows = trade.imports(first, last, cuts)
    body = {"from": f"{first}", "to": f"{last}", "by": cuts, "currency": "CNY", "rows": rows}
    return ready(body if rows else body | {"note": duty.EMPTY})


def _whose(asked: uuid.UUID | None) -> uuid.UUID | None:
    """The merchant whose lines are summed: anybody's for the desk, one's own for a merchant."""
    who = actor()
    if who.has("customs"):
        return asked
    own = access.merchant_of(who.id)
    if own is None:
        raise Problem(FORBIDDEN, "this account acts for no merchant")
    if asked is not None and asked != own:
        raise Problem(FORBIDDEN, "a merchant sees its own duty only")
    return own


def _cuts(query: dict[str, Any]) -> list[str]:
    return [cut.strip() for cut in query["by"].split(",")]


def _period(query: dict[str, Any]) -> tuple[date, date]:
    """Days, or whole months."""
    return _day("from", query["first"], False), _day("to", query["last"], True)


def _day(field: str, text: str, end: bool) -> date:
    match = _DAY.match(text)
    try:
        if match is None:
            raise ValueError
        year, month = int(match[1]), int(match[2])
        if match[3]:
            return date(year, month, int(match[3]))
        return date(year, month, calendar.monthrange(year, month)[1] if end else 1)
    except ValueError:
        raise invalid(field, "must be a day such as 2026-11-23, or a month such as 2026-11") from None
