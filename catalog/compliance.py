"""Whether a listing may be: held to the law of a day when it is written, and again on its way into the shop.

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

from catalog import elements
from catalog.models import GENERAL, RETAIL, SERVICES, Listing
from core.errors import Problem, declare
from customs import edition
from customs.tariff import Tariff
from customs.tariff.problems import CODE_UNKNOWN, MODE_NOT_ALLOWED, NOT_ON_POSITIVE_LIST, ORIGIN_BANNED, ORIGIN_UNKNOWN

INCOMPLETE = declare("listing_incomplete", 422, "The listing lacks what a filing will need")

NO_GTIN = ("无", "none")
_KILOGRAM = "035"
_ANIMAL_FOOD = ("02", "03")  # meat and aquatic products: HS chapters 2 and 3

# The rules of completeness with where they come from; `elements` and `statutory` name the code they depend on.
_LIST_621 = "CEB621 inventory list, message specification 202205"
_DECREE_280 = "GACC Decree 280, overseas food producers"


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a listing does not keep."""

    field: str
    rule: str
    source: str


def check_route(row: Listing, day: date) -> None:
    """Whether goods of this code and origin may come by this route on a day.

    Raises Problem `code_unknown`, `code_not_in_force`, `origin_unknown`, `origin_banned`, `not_on_positive_list`,
    `mode_not_allowed` or `listing_incomplete`, each with the field and, where there is one, the source of the rule.
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
        raise _refused(NOT_ON_POSITIVE_LIST, "hs", rule)
    if entry.modes and mode not in entry.modes:
        allowed = " or ".join(entry.modes)
        rule = f"{hs[:8]} may enter in mode {allowed} only, not {mode} (list of {entry.edition})"
        raise _refused(MODE_NOT_ALLOWED, "mode", rule, tariff, entry.source)


def check_all(row: Listing, day: date) -> None:
    """The route, and that all is there which a filing will need; puts the declaration elements into filing order.

    Raises what `check_route` raises, and `listing_incomplete` with every field that fails and the rule it breaks.
    """
    check_route(row, day)
    breaches = list(_breaches(row, edition.tariff()))
    if breaches:
        errors: dict[str, list[str]] = {}
        for breach in breaches:
            errors.setdefault(breach.field, []).append(breach.rule)
        rules = [{"field": breach.field, "rule": breach.rule, "source": breach.source} for breach in breaches]
        raise Problem(INCOMPLETE, f"{breaches[0].field}: {breaches[0].rule}", errors=errors, rules=rules)
    if row.route == RETAIL:
        names = _element_names(edition.tariff(), str(row.hs))
        row.declaration_elements = elements.in_order(names, dict(row.declaration_elements), row.gtin)


def _breaches(row: Listing, tariff: Tariff) -> Iterator[Breach]:
    if not any("\u4e00" <= char <= "\u9fff" for char in row.title_zh):
        yield Breach("title.zh", "must name the goods in Chinese", _LIST_621)
    if row.route == RETAIL:
        yield from _retail(row, tariff)
    if row.route == GENERAL:
        yield from _general(row)


def _general(row: Listing) -> Iterator[Breach]:
    if row.net_weight_kg is None:
        yield Breach("net_weight_kg", "is required for goods", "Customs Law, declaration form")
    if str(row.hs)[:2] in _ANIMAL_FOOD and not row.establishment_no:
        yield Breach("establishment_no", "meat and aquatic products need their registered plant", _DECREE_280)


def _retail(row: Listing, tariff: Tariff) -> Iterator[Breach]:
    hs = str(row.hs)
    if len(hs) != 10:
        yield Breach("hs", "a retail filing needs the code with 10 digits", _LIST_621)
        return
    for name in elements.missing(_element_names(tariff, hs), dict(row.declaration_elements)):
        yield Breach("declaration_elements", f"{name} is a declaration element of {hs}", _LIST_621)
    for name in elements.unknown(_element_names(tariff, hs), dict(row.declaration_elements)):
        yield Breach("declaration_elements", f"{name} is no declaration element of {hs}", _LIST_621)
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
