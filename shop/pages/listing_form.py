"""A merchant's listing as a form: flat boxes to the API's body and back; the API's own schema reads what was typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

from catalog import attributes, categories, elements, hs_suggestions
from catalog.api import inputs, schemas
from catalog.models import PRICED_BY, RETAIL, RETAIL_MODES, ROUTES
from core.errors import Problem
from customs import edition
from shop.pages import filters, words
from shop.pages.forms import load

ELEMENT, ATTRIBUTE = "el:", "at:"
_ALWAYS = ("sku", "category", "origin", "route", "unit", "brand", "specification")
_OR_NOTHING = ("hs", "net_weight_kg", "gross_weight_kg", "gtin", "establishment_no", "price_per_kg", "piece_weight_kg")
# Where the API names a field another way than its box.
_BOXES = {
    "title.zh": "title_zh",
    "title.en": "title_en",
    "title": "title_zh",
    "description.zh": "description_zh",
    "description.en": "description_en",
    "statutory.unit1_quantity": "unit1_quantity",
    "statutory.unit2_quantity": "unit2_quantity",
    "net_content.quantity": "content_quantity",
    "net_content.unit": "content_unit",
    "net_content": "content_quantity",
    "least_life.days": "least_life_days",
    "least_life.percent": "least_life_percent",
    "least_life": "least_life_days",
}


def values(form: Mapping[str, str], *, new: bool) -> dict[str, Any]:
    """The row values of a filled form. Raises Problem `invalid_input` naming each field as the API does."""
    given = {name: text.strip() for name, text in form.items() if text.strip()}
    schema = schemas.NewListing() if new else schemas.ListingChange()
    row = inputs.listing_values(load(schema, _body(given)))
    for name in ("description_zh", "description_en"):
        row.setdefault(name, "")  # an emptied box
    return row


def _body(given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {name: given[name] for name in _ALWAYS if name in given}
    body |= {name: given.get(name) for name in _OR_NOTHING}
    body["title"] = _named(given, "title")
    if description := _named(given, "description"):
        body["description"] = description
    if given.get("route") == RETAIL and "mode" in given:
        body["mode"] = given["mode"]
    body["statutory"] = _present(given, "unit1_quantity", "unit2_quantity")
    content = _present(given, "content_quantity")
    body["net_content"] = (
        {"quantity": given["content_quantity"], "unit": given.get("content_unit")} if content else None
    )
    body["cold_chain"] = "cold_chain" in given
    body |= _pricing(given)
    life = _present(given, "least_life_days", "least_life_percent")
    body["least_life"] = {name.removeprefix("least_life_"): _whole(text) for name, text in life.items()} or None
    body["declaration_elements"] = _elements_of(given)
    known = attributes.of(given["category"]) if _is_category(given.get("category")) else {}
    body["attributes"] = {key: given[ATTRIBUTE + key] for key in known if ATTRIBUTE + key in given}
    return body


def _pricing(given: dict[str, str]) -> dict[str, Any]:
    """By the unit, or (catch weight) by the kilogram of pieces that weigh about so much."""
    by = given.get("priced_by", PRICED_BY[0])
    if by != "kg":
        fixed = {"priced_by": by, "price_per_kg": None, "piece_weight_kg": None, "weight_tolerance": None}
        return fixed | ({"price": given["price"]} if "price" in given else {})
    return {"priced_by": by, "weight_tolerance": _whole(given.get("weight_tolerance"))}


def _whole(text: str | None) -> Any:
    """A number where digits were typed; else what was typed, for the schema to refuse."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else text


def _named(given: dict[str, str], name: str) -> dict[str, str]:
    return {language: given[f"{name}_{language}"] for language in ("zh", "en") if f"{name}_{language}" in given}


def _present(given: dict[str, str], *names: str) -> dict[str, str]:
    return {name: given[name] for name in names if name in given}


def _elements_of(given: dict[str, str]) -> dict[str, str]:
    """Elements of the chosen code; boxes of a code chosen before are left behind."""
    names = element_names(given.get("hs", ""))
    return {name: given[ELEMENT + name] for name in names if ELEMENT + name in given}


def _is_category(code: str | None) -> bool:
    return any(code == known for known, _ in category_choices())


def element_names(hs: str) -> list[str]:
    """The declaration elements of a code that a merchant fills in."""
    try:
        is_code = len(hs) in (8, 10) and hs.isascii() and hs.isdigit()
        names = edition.tariff().declaration_elements(hs) if is_code else []
    except Problem:  # the code is refused in its own box
        return []
    filled = (elements.EXPORT_PREFERENCE, elements.GTIN)
    return [name for name in map(elements.plain_name, names) if name not in filled]


def boxes(listing: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the boxes for a listing as its merchant reads it."""
    found = {name: listing.get(name) for name in (*_ALWAYS, *_OR_NOTHING, "mode", "price", "priced_by")}
    found["weight_tolerance"] = listing.get("weight_tolerance")
    for name in ("title", "description"):
        found |= {f"{name}_{language}": text for language, text in listing[name].items()}
    found |= listing["statutory"]
    content = listing["net_content"] or {}
    found |= {f"content_{name}": content.get(name) for name in ("quantity", "unit")}
    found |= {f"least_life_{name}": value for name, value in (listing.get("least_life") or {}).items()}
    found["cold_chain"] = "1" if listing["cold_chain"] else ""
    found |= {ELEMENT + name: text for name, text in listing["declaration_elements"].items()}
    found |= {ATTRIBUTE + key: text for key, text in listing["attributes"].items()}
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def errors(problem: Problem | None) -> dict[str, list[str]]:
    """The refusal's rules by box."""
    found: dict[str, list[str]] = {}
    for field, rules in (problem.errors if problem else {}).items():
        box = _BOXES.get(field, field)
        box = ATTRIBUTE + field.removeprefix("attributes.") if field.startswith("attributes.") else box
        found.setdefault(box, []).extend(rules)
    return found


def parts(given: Mapping[str, str]) -> dict[str, Any]:
    """What depends on code and category: the code at a glance, its units and elements, the category's attributes."""
    hs, category = given.get("hs", "").strip(), given.get("category", "")
    return {
        "code": hs_suggestions.of_code(hs) if len(hs) == 10 and hs.isascii() and hs.isdigit() else None,
        "elements": element_names(hs),
        "optional": elements.OPTIONAL,
        "attributes": list(attributes.of(category).values()) if _is_category(category) else [],
    }


def choices() -> dict[str, Any]:
    """The lists of the form's boxes, by name in the language of the page."""
    return {
        "categories": category_choices(),
        "origins": _sorted((code, filters.country(code)) for code in edition.tariff().countries),
        "routes": [(route, words.FILTERS["route"](route)) for route in ROUTES],
        "modes": [(mode, words.FILTERS["mode"](mode)) for mode in RETAIL_MODES],
        "units": [(unit, words.FILTERS["unit"](unit)) for unit in schemas.UNITS],
        "content_units": [(unit, unit) for unit in ("g", "kg", "ml", "L", "piece")],
        "priced_by": [("unit", _("by the unit")), ("kg", _("by the kilogram (catch weight)"))],
    }


def category_choices() -> list[tuple[str, str]]:
    """Departments, each with its shelves behind it."""
    found = []
    for department in categories.tree():
        name = filters.both(department["name"])
        found.append((department["code"], name))
        found += [(shelf["code"], f"{name} · {filters.both(shelf['name'])}") for shelf in department["children"]]
    return found


def _sorted(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(pairs, key=lambda pair: pair[1])
