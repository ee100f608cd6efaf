"""The picture of a duty report: stacked bars of each tax, drawn on the server as SVG whose text is text."""

from __future__ import annotations

from typing import Any

from customs.reports.duty import Report
from shop.pages.filters import report_label
from shop.pages.words import TAXES

_KINDS = {"duty": "#0d4a5c", "additional_duty": "#d9682f", "consumption_tax": "#d9a441", "vat": "#5f9ea0"}
_BARS_MOST = 15
_YUAN = "'¥' + format(datum.value / 100, ',.4~s')"
_FONT = "system-ui, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, WenQuanYi Micro Hei, sans-serif"


def taxes(report: Report) -> str:
    """SVG of the largest rows of a report by one cut; empty when there is nothing to draw."""
    rows = _shown(report)
    if not rows:
        return ""
    # Both together cost a second and 60 MB; only a process that draws pays for them.
    import altair
    import vl_convert

    values = [
        {"key": report_label(row, report.by[0]), "kind": str(TAXES[kind]), "fen": row[kind], "order": place}
        for row in rows
        for place, kind in enumerate(_KINDS)
        if row[kind]
    ]
    drawn = [kind for kind in _KINDS if any(row[kind] for row in rows)]
    chart = (
        altair.Chart(altair.Data(values=values), width=330, height={"step": 34})
        .mark_bar(size=22)
        .encode(
            x=altair.X("sum(fen):Q", title=None).axis(labelExpr=_YUAN, tickCount=4),
            y=altair.Y("key:N", title=None, sort=None).axis(labelLimit=150),
            color=altair.Color("kind:N", title=None, sort=None)
            .scale(domain=[str(TAXES[kind]) for kind in drawn], range=[_KINDS[kind] for kind in drawn])
            .legend(orient="bottom", columns=2),
            order=altair.Order("order:Q"),
        )
        .configure(font=_FONT)
        .configure_axis(labelFontSize=13, gridColor="#e0dcd2", domainColor="#b9b3a5", tickColor="#b9b3a5")
        .configure_legend(labelFontSize=13)
        .configure_view(stroke=None)
    )
    return str(vl_convert.vegalite_to_svg(chart.to_json()))


def _shown(report: Report) -> list[dict[str, Any]]:
    """Rows that carry tax: months in their order, anything else by what it brings, the largest first."""
    rows = [row for row in report.rows if any(row[kind] for kind in _KINDS)]
    if report.by == ("month",):
        return rows[-_BARS_MOST:]
    return sorted(rows, key=lambda row: -row["tax"])[:_BARS_MOST]
