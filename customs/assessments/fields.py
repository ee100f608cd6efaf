"""Which fields belong to which route: what a route would ignore is refused, what it needs must be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customs.assessments.request import GENERAL_TRADE, PERSONAL_POST, RETAIL, ROUTES, SERVICES

_BY_CODE = (GENERAL_TRADE, RETAIL)
_GOODS = (*_BY_CODE, PERSONAL_POST)
_POST, _SERVICES = (PERSONAL_POST,), (SERVICES,)

# The routes that read a field; a field that is not named here is read by all.
_TOP = {**dict.fromkeys(("at", "mode", "annual_used", "incoterm", "costs", "assume"), _BY_CODE), "from": _POST}
_LINE = {
    **dict.fromkeys(("hs", "origin", "quantity", "unit", "statutory", "net_content"), _GOODS),
    **dict.fromkeys(("freight", "insurance", "incoterm", "export_costs", "additions", "deductions", "valuation_method",
                     "origin_proof", "preference", "origin_evidence", "exporter", "exclusion_no", "part", "order"),
                    _BY_CODE),
    **dict.fromkeys(("post_category", "parcel"), _POST),
    **dict.fromkeys(("service", "price_includes_tax", "provider_country"), _SERVICES),
}  # fmt: skip
_NEEDED = {PERSONAL_POST: ("origin", "quantity", "unit"), SERVICES: ("service",)}
_NEEDED_BY_CODE = ("hs", "origin", "quantity", "unit")
_MISSING = "Missing data for required field."


def misplaced(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with the fields of a body as it was sent, by field and, under `lines`, by number and field.

    A null stands for nothing but in `origin`, where it says that the origin is not known.
    """
    route, lines = body.get("route"), body.get("lines")
    if route not in ROUTES:
        return {}
    errors: dict[str, Any] = dict(_foreign(body, _TOP, str(route)))
    of_lines = {}
    for i, line in enumerate(lines if isinstance(lines, list) else ()):
        if isinstance(line, Mapping):
            wrong = {**dict(_foreign(line, _LINE, str(route))), **dict(_absent(line, str(route)))}
            if wrong:
                of_lines[i] = wrong
    return {**errors, "lines": of_lines} if of_lines else errors


def _foreign(given: Mapping[str, Any], read_by: Mapping[str, tuple[str, ...]], route: str) -> Iterator[Any]:
    for name, routes in read_by.items():
        if given.get(name) is not None and route not in routes:
            yield name, [f"is not for {route}: it belongs to {', '.join(routes)}"]


def _absent(line: Mapping[str, Any], route: str) -> Iterator[Any]:
    for name in _NEEDED.get(route, _NEEDED_BY_CODE):
        if name not in line if name == "origin" else line.get(name) is None:
            yield name, [_MISSING]
    if route == PERSONAL_POST and line.get("hs") is None and line.get("post_category") is None:
        yield "hs", ["give the tariff code, or the category of the article as post_category"]
