"""Whether a listing may be: held to the law of a day when it is written, on its way into the shop, and every day there.

Refusals name the field, the rule and the source of the rule. What the tariff itself refuses (a code that does not exist
or is not in force) comes with the tariff's own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stdnum import ean

from catalog import attributes, elements, establishments, registrations
from catalog.establishments import Register
from catalog.models import GENERAL, RETAIL, SERVICES, Listing
from core.config import current
from core.database import db
from core.errors import Problem, declare
from customs import edition
from customs.tariff import Tariff
from customs.tariff.problems import (
    CODE_UNKNOWN,
    MODE_NOT_ALLOWED,
    NOT_ON_POSITIVE_LIST,
    ORIGIN_BANNED,
    ORIGIN_UNKNOWN,
    OUTSIDE_COVERAGE,
)

INCOMPLETE = declare("listing_incomplete", 422, "The listing lacks what a filing will need")
ABOVE_CAP = declare("above_weight_cap", 422, "One unit weighs more than a person may import in a year")
PLANT_REFUSED = declare("establishment_refused", 422, "The overseas establishment is not registered for these goods")

NO_GTIN = ("无", "none")
_KILOGRAM = "035"

# The rules of completeness with where they come from; `elements` and `statutory` name the code they depend on.
_LIST_621 = "CEB621 inventory list, message specification 202205"
_GMODEL_MOST = 510  # characters of the elements in one line of the list, with | between them
_OURS = "Landfall's terms for listings of this category"


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a listing does not keep."""

    field: str
    rule: str
    source: str


def check_route(row: Listing, day: date) -> None:
    """Whether goods of this code and origin may come by this route on a day.

    Raises Problem `code_unknown`, `code_not_in_force`, `origin_unknown`, `origin_banned`, `not_on_positive_list`,
    `mode_not_allowed`, `above_weight_cap`, `listing_incomplete` and, in production, `outside_coverage`, each with the
    field and, where there is one, the source of the rule.
    """
    tariff = edition.tariff()
    if row.origin not in tariff.countries:
        raise _refused(ORIGIN_UNKNOWN, "origin", f"{row.origin} is no country of the customs list")
    if row.route == SERVICES:
        if row.hs is not None:
            raise _refused(INCOMPLETE, "hs", "services have no goods code")
        return
    if row.hs is None:
        raise _refused(INCOMPLETE, "hs", "goods have a code of 8 or 10 digits")
    if not tariff.units.known(row.unit):
        raise _refused(INCOMPLETE, "unit", f"customs has no unit {row.unit} for goods")
    _check_code(tariff, row.hs, day)
    _check_ban(tariff, row.hs, row.origin, day)
    if row.route == RETAIL:
        _check_list(tariff, row.hs, str(row.mode), day)
        _check_cap(tariff, row, day)
        _check_coverage(tariff, row, day)


def _refused(code: str, field: str, rule: str, tariff: Tariff | None = None, source: str = "") -> Problem:
    title = tariff.sources[source].get("title", source) if tariff is not None and source else None
    extra = {"rule": {"field": field, "rule": rule, "source": title}} if title else {}
    return Problem(code, f"{field}: {rule}", errors={field: [rule]}, **extra)


def _check_code(tariff: Tariff, hs: str, day: date) -> None:
    if len(hs) == 8 and tariff.children(hs, day):
        return
    try:
        tariff.find_line(hs, day)
    except Problem as refused:
        raise Problem(refused.code, refused.detail, errors={"hs": [refused.detail]}) from None


def _check_ban(tariff: Tariff, hs: str, origin: str, day: date) -> None:
    ban = tariff.import_ban(hs, origin, day)
    if ban is not None and ban["kind"] == "ban":
        since = date.fromordinal(ban["first_day"])
        rule = f"{hs} of {origin} may not be imported on {day}: {ban['text']}, since {since} ({ban['id']})"
        raise _refused(ORIGIN_BANNED, "origin", rule, tariff, ban["source"])


def _check_list(tariff: Tariff, hs: str, mode: str, day: date) -> None:
    """Cross-border retail is open only for lines of the list in force, and only in the mode its remark allows."""
    entry = tariff.positive_list(hs[:8], day)
    if entry is None:
        rule = f"{hs[:8]} is not on the cross-border retail import list in force on {day}"
        raise _refused(NOT_ON_POSITIVE_LIST, "hs", rule, tariff, _source_of_list(tariff, day))
    if entry.modes and mode not in entry.modes:
        allowed = " or ".join(entry.modes)
        rule = f"{hs[:8]} may enter in mode {allowed} only, not {mode} (list of {entry.edition})"
        raise _refused(MODE_NOT_ALLOWED, "mode", rule, tariff, entry.source)


def _source_of_list(tariff: Tariff, day: date) -> str:
    """The source of the edition of the list that is in force on a day: of its newest row."""
    ordinal = day.toordinal()
    rows = [row for row in tariff.tables["positive_list"] if row["first_day"] <= ordinal <= row["last_day"]]
    return str(max(rows, key=lambda row: row["first_day"])["source"]) if rows else ""


def _check_cap(tariff: Tariff, row: Listing, day: date) -> None:
    """A cap is for a person, a year and all lines of its group; a unit above it can never be sold."""
    entry = tariff.positive_list(str(row.hs)[:8], day)
    if entry is not None and entry.cap_kg is not None and (row.net_weight_kg or 0) > entry.cap_kg:
        group = f" of {entry.cap_group}" if entry.cap_group else ""
        rule = f"a person may import at most {entry.cap_kg} kg{group} a year, one unit is {row.net_weight_kg:f} kg"
        raise _refused(ABOVE_CAP, "net_weight_kg", rule, tariff, entry.source)


def _check_coverage(tariff: Tariff, row: Listing, day: date) -> None:
    """In production nothing is sold by law that was not read: a gap of coverage, a line of the list that is assumed."""
    if not current().production:
        return
    gap = tariff.gap(str(row.hs), row.origin, day)
    if gap is not None:
        raise _refused(OUTSIDE_COVERAGE, "hs", str(gap["note"]), tariff, str(gap["source"]))
    entry = tariff.positive_list(str(row.hs)[:8], day)
    if entry is not None and entry.standing == "assumed":
        rule = f"that {entry.hs} is on the list of {entry.edition} is assumed; an operator has not accepted the row"
        raise _refused(OUTSIDE_COVERAGE, "hs", rule, tariff, entry.source)


def check_law(row: Listing, day: date, register: Register | None = None) -> None:
    """What the law alone demands of a listing in the shop: the route, and all that a filing will need.

    `register` is what is on file of establishments; without it, it is read. Raises what `check_route` raises,
    `establishment_refused`, and `listing_incomplete` with every field that fails and the rule it breaks.
    """
    check_route(row, day)
    _check_plant(row, day, register)
    _raise(list(_breaches(row, edition.tariff(), day)))


def _raise(breaches: list[Breach]) -> None:
    if not breaches:
        return
    errors: dict[str, list[str]] = {}
    for breach in breaches:
        errors.setdefault(breach.field, []).append(breach.rule)
    rules = [{"field": breach.field, "rule": breach.rule, "source": breach.source} for breach in breaches]
    raise Problem(INCOMPLETE, f"{breaches[0].field}: {breaches[0].rule}", errors=errors, rules=rules)


def _check_plant(row: Listing, day: date, register: Register | None) -> None:
    """A named establishment must hold by the register, where its country is on file (general trade only)."""
    decree = registrations.in_force(day)
    if row.route != GENERAL or not row.establishment_no or decree is None or not decree.demands(str(row.hs)):
        return
    known = establishments.register_of(db.session(), [row]) if register is None else register
    says = known.says(row.origin, row.establishment_no, str(row.hs), day)
    if says in _PLANT_RULES:
        rule = f"{row.establishment_no} of {row.origin} {_PLANT_RULES[says]} on {day}"
        extra = {"rule": {"field": "establishment_no", "rule": rule, "source": decree.en}}
        raise Problem(PLANT_REFUSED, f"establishment_no: {rule}", errors={"establishment_no": [rule]}, **extra)


_PLANT_RULES = {
    establishments.UNKNOWN: "is not on the register",
    establishments.OVER: "is not registered any more, or not yet,",
    establishments.SUSPENDED: "is suspended or struck off",
    establishments.OTHER_GOODS: "is registered for other goods than these",
}


def check_all(row: Listing, day: date, register: Register | None = None) -> None:
    """The law, and our own terms of completeness; puts the declaration elements into filing order.

    Raises what `check_law` raises, and `listing_incomplete` for attributes that the category must have.
    """
    check_law(row, day, register)
    needed = attributes.missing(row.category, row.attributes or {})
    _raise([Breach(f"attributes.{each.key}", f"is required: {each.en}, {each.rule}", _OURS) for each in needed])
    if row.route == RETAIL:
        names = _element_names(edition.tariff(), str(row.hs))
        row.declaration_elements = elements.in_order(names, dict(row.declaration_elements), row.gtin)


def _breaches(row: Listing, tariff: Tariff, day: date) -> Iterator[Breach]:
    if not any("\u4e00" <= char <= "\u9fff" for char in row.title_zh):
        yield Breach("title.zh", "must name the goods in Chinese", _LIST_621)
    if row.route == RETAIL:
        yield from _retail(row, tariff)
    if row.route == GENERAL:
        yield from _general(row, day)


def _general(row: Listing, day: date) -> Iterator[Breach]:
    if row.net_weight_kg is None:
        yield Breach("net_weight_kg", "is required for goods", "Customs Law, declaration form")
    decree = registrations.in_force(day)
    if decree is not None and decree.demands(str(row.hs)) and not row.establishment_no:
        yield Breach("establishment_no", "meat and aquatic products need their registered plant", decree.en)


def _retail(row: Listing, tariff: Tariff) -> Iterator[Breach]:
    hs = str(row.hs)
    if len(hs) != 10:
        yield Breach("hs", "a retail filing needs the code with 10 digits", _LIST_621)
        return
    for name in elements.missing(_element_names(tariff, hs), dict(row.declaration_elements)):
        yield Breach("declaration_elements", f"{name} is a declaration element of {hs}", _LIST_621)
    for name in elements.unknown(_element_names(tariff, hs), dict(row.declaration_elements)):
        yield Breach("declaration_elements", f"{name} is no declaration element of {hs}", _LIST_621)
    given = elements.in_order(_element_names(tariff, hs), dict(row.declaration_elements), row.gtin)
    if any("|" in text for _, text in given):
        yield Breach("declaration_elements", "must not hold |, which stands between them in the list", _LIST_621)
    if len("|".join(text for _, text in given)) > _GMODEL_MOST:
        yield Breach("declaration_elements", f"at most {_GMODEL_MOST} characters together", _LIST_621)
    yield from _weights(row)
    yield from _statutory(row, tariff.statutory_units(hs))
    if not row.net_content:
        yield Breach("net_content", "is required: quantity and unit as on the label", _LIST_621)
    if not row.gtin:
        yield Breach("gtin", f"is required: the bar code, or {NO_GTIN[0]} when there is none", _LIST_621)
    elif row.gtin not in NO_GTIN and not ean.is_valid(row.gtin):
        yield Breach("gtin", "is not a GTIN: the check digit is wrong", "GS1 General Specifications")


def _weights(row: Listing) -> Iterator[Breach]:
    for name in ("net_weight_kg", "gross_weight_kg"):
        if getattr(row, name) is None:
            yield Breach(name, "is required", _LIST_621)
    if row.net_weight_kg is not None and row.gross_weight_kg is not None and row.gross_weight_kg < row.net_weight_kg:
        yield Breach("gross_weight_kg", "must not be below the net weight", _LIST_621)


def _statutory(row: Listing, units: tuple[str, str]) -> Iterator[Breach]:
    """One quantity for each statutory unit of the code; in kilograms it is the net weight and nothing else."""
    given: Mapping[str, Any] = row.statutory or {}
    for field, unit in zip(("unit1_quantity", "unit2_quantity"), units, strict=True):
        quantity = given.get(field)
        if unit and quantity is None:
            yield Breach(f"statutory.{field}", f"is required in the code's statutory unit ({unit})", _LIST_621)
        elif quantity is not None and not unit:
            yield Breach(f"statutory.{field}", "the code has no such statutory unit", _LIST_621)
        elif unit == _KILOGRAM and row.net_weight_kg not in (None, Decimal(str(quantity))):
            yield Breach(f"statutory.{field}", "is in kilograms, so it must equal net_weight_kg", _LIST_621)


def _element_names(tariff: Tariff, hs: str) -> list[str]:
    try:
        return tariff.declaration_elements(hs)
    except Problem as refused:
        if refused.code != CODE_UNKNOWN:
            raise
        return []
