"""The customs desk: declarations with their documents and tax bills, and the duty report with its chart."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, render_template
from marshmallow import Schema

from catalog import merchants
from core import clock, paging
from core.schemas import Choice, Day, Text
from core.web import actor, requires
from customs import declaration_views
from customs.api.answers import after_newest, newest_page
from customs.models import DECLARATION_STATUSES
from customs.reports import duty
from customs.reports.table import as_csv
from shop.pages import chart, words
from shop.pages.forms import read_query

pages = Blueprint("desk_pages", __name__, url_prefix="/desk")


class _Declarations(paging.PageArguments):
    status = Choice(*DECLARATION_STATUSES, load_default=None)
    order = Text(24, load_default=None)


class _Report(Schema):
    first = Day(data_key="from", load_default=None)
    last = Day(data_key="to", load_default=None)
    by = Choice(*duty.CUTS, load_default="month")


@pages.get("/declarations")
@requires("customs")
def declarations() -> str:
    """Declarations, newest first."""
    query = read_query(_Declarations())
    after = after_newest(query["cursor"])
    wanted = declaration_views.Filter(status=query["status"], order=query["order"], after=after)
    result = newest_page(declaration_views.listing(wanted, query["limit"] + 1), query["limit"])
    return render_template(
        "desk/declarations.html",
        result=result,
        query=query,
        again={name: query[name] for name in ("status", "order") if query[name]},
        statuses=[(status, words.FILTERS["declaration_status"](status)) for status in DECLARATION_STATUSES],
    )


@pages.get("/declarations/<uuid:declaration_id>")
@requires("customs", "operator")
def declaration(declaration_id: uuid.UUID) -> str:
    """One declaration with its documents, lines, bills and their difference."""
    return render_template("desk/declaration.html", declaration=declaration_views.detail(declaration_id))


@pages.get("/reports/duty")
@requires("customs", "merchant")
def duty_report() -> str:
    """Taxes of released lines by one cut: figures, chart, table."""
    report = _report(read_query(_Report()))
    by = report.by[0]
    return render_template(
        "desk/report.html",
        report=duty.as_answer(report),
        by=by,
        keys=[(cut, str(words.REPORT_KEYS[cut])) for cut in duty.CUTS],
        chart=chart.taxes(report),
        arguments={"from": report.first.isoformat(), "to": report.last.isoformat(), "by": by},
    )


@pages.get("/reports/duty.csv")
@requires("customs", "merchant")
def duty_report_file() -> Response:
    """The same report as a file."""
    report = _report(read_query(_Report()))
    name = f"duty-{report.first}-{report.last}-by-{report.by[0]}.csv"
    return Response(
        as_csv(report), mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _report(query: dict[str, Any]) -> duty.Report:
    """The report asked for, by default of this year; a merchant sees its own lines only."""
    today = clock.today()
    own = None if actor().has("customs") else merchants.acting_for(actor().id)
    first = query["first"] or today.replace(month=1, day=1)
    return duty.duty_report(first, query["last"] or today, [query["by"]], own)
