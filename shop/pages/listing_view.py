"""A listing's tax breakdown and facts, arranged for its page; every figure is the catalogue's."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from catalog import attributes
from core.money import parse_fen
from shop.pages.filters import both
from shop.pages.filters import country as country_name

_RATES = {"duty": "duty_rate", "vat": "vat_rate"}
_ALWAYS = ("duty", "vat")


def breakdown(card: dict[str, Any]) -> dict[str, Any]:
    """`{title, rows, tax, standing, note, gap, applied, not_applied, explanation}`; `tax` None where none is sure."""
    told = card["tax_breakdown"]
    note = both(told.get("note"))
    if card["route"] == "cross_border_retail":
        return {**_line(told), "title": _("Every tax in this price"), "note": note, "gap": told.get("outside_coverage")}
    if card["route"] == "services":
        return {**_nothing(), "title": _("Taxes"), "note": note}
    today = told.get("law_today") or {}
    if told.get("borne"):
        return _borne(told["borne"], today, note)
    reference = _line(today) if "lines" not in today and "duty" in today else _nothing()
    return {**reference, "title": _("What the law of today levies on ¥100.00 of these goods"), "note": note}


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """The engine's line as rows; nothing when the law refused it."""
    if "duty" not in line:
        return {**_nothing(), "refused": line.get("detail")}
    kinds = ("duty", "additional_duty", "consumption_tax", "vat")
    return {
        "rows": [
            {"kind": kind, "rate": line.get(_RATES.get(kind, "")), "amount": line[kind]}
            for kind in kinds
            if kind in _ALWAYS or parse_fen(line[kind])
        ],
        "tax": line["tax"],
        "standing": line.get("standing"),
        "assumed": line.get("assumed", []),
        "applied": line.get("applied", []),
        "not_applied": line.get("not_applied", []),
        "explanation": line.get("explanation", []),
    }


def _borne(borne: dict[str, Any], today: dict[str, Any], note: str) -> dict[str, Any]:
    """What the lot on sale has paid at import, for one sales unit; why not lower is told by the law of today."""
    rows = [
        {"kind": kind, "rate": None, "amount": borne[kind]} for kind in ("duty", "additional_duty", "consumption_tax")
    ]
    return {
        "title": _("Duties already borne in this price"),
        "rows": [row for row in rows if row["kind"] == "duty" or parse_fen(row["amount"])],
        "tax": borne["borne"],
        "apart": borne["import_vat"],
        "standing": borne["standing"],
        "note": note,
        "applied": borne["applied"],
        "not_applied": today.get("not_applied", []),
        "explanation": borne["explanation"],
        "declaration": borne["declaration"],
    }


def _nothing() -> dict[str, Any]:
    return {"rows": [], "tax": None, "standing": None, "applied": [], "not_applied": [], "explanation": []}


def facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    """What the merchant declares of the goods, as far as it is there."""
    told = card["facts"]
    content = told.get("net_content")
    shown = attributes.shown(card["category"], told.get("attributes") or {})
    named = [
        (_("Origin"), country_name(card["origin"])),
        (_("Tariff code"), card["hs"]),
        (_("Brand"), told.get("brand")),
        (_("Specification"), told.get("specification")),
        (_("Net weight"), _kilograms(told.get("net_weight_kg"))),
        (_("Gross weight"), _kilograms(told.get("gross_weight_kg"))),
        (_("Net content"), f"{content['quantity']} {content['unit']}" if content else None),
        ("GTIN", told.get("gtin")),
        (_("Overseas establishment"), told.get("establishment_no")),
        *told.get("declaration_elements", {}).items(),
        *((both(name), both(value)) for name, value in shown),
    ]
    return [(name, str(value)) for name, value in named if value]


def _kilograms(number: str | None) -> str | None:
    return f"{number} kg" if number else None
