"""The shape of every data file: its columns, what identifies a row, and whether its periods may leave a gap.

Common to all: `first_day` and `last_day` (both inclusive; a blank last day is an open end), `source` (an id of
sources.toml) and `standing`. Two rows with the same key must never be in force on the same day.

TABLES is the law that answers rest on: all of it is read at start and is part of the edition. REFERENCE_TABLES is what
people look up beside it (the nomenclature, zones, statistics): no amount, requirement or refusal depends on it, so it
is read when somebody asks (`Tariff.reference`), is not part of the edition, and a fault in it stops no start. `flask
tariff check` reads both.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMON = ("first_day", "last_day", "source", "standing")


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` maps a column name to its kind; `key` names the columns that identify a row."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    gapless: bool = False

    @property
    def heading(self) -> tuple[str, ...]:
        return (*self.columns, *COMMON)


_CODES = {"code": "text!", "name_zh": "text!"}
CAUTIONS = "applied_rate|equivalent|technology_cuts|recoded|preference_unread|list_unread|not_charged"

TABLES: tuple[Table, ...] = (
    Table("elements", {"id": "text!", "elements": "text"}, ("id",)),
    Table(
        "lines",
        {"hs": "line", "name_zh": "text", "name_en": "text", "unit1": "ref:units", "unit2": "ref?:units",
         "elements": "ref:elements"},
        ("hs",),
    ),
    Table("mfn", {"hs": "hs!", "rate": "rate", "verified_to": "day"}, ("hs",)),
    Table("general", {"hs": "hs!", "rate": "rate"}, ("hs",)),
    Table("provisional", {"hs": "hs!", "part": "choice:|ex", "part_name": "text", "rate": "rate"},
          ("hs", "part", "part_name")),
    Table("quota_rates", {"hs": "hs!", "rate": "rate"}, ("hs",)),
    Table("agreements", {"id": "text!", "kind": "choice:agreement|special_preference", "name_zh": "text!",
                         "name_en": "text!", "also": "text"}, ("id",)),
    Table("agreement_members", {"agreement": "ref:agreements", "country": "country"}, ("agreement", "country")),
    Table("agreement_rates", {"agreement": "ref:agreements", "hs": "hs", "rate": "rate"}, ("agreement", "hs")),
    Table("agreement_suspensions", {"agreement": "ref:agreements", "hs": "hs!", "event": "text!"},
          ("agreement", "hs")),
    Table("origin_classes", {"basis": "text!", "class": "choice:mfn|general", "country": "country"}, ("country",)),
    Table(
        "measures",
        {"id": "text!", "kind": "choice:safeguard|retaliatory|anti_dumping|countervailing|reciprocal",
         "name_zh": "text!", "name_en": "text!", "law": "text!", "origin": "country*"},
        ("id",),
    ),
    Table("measure_rates", {"measure": "ref:measures", "exporter": "text", "hs": "hs", "rate": "levy",
                            "first_time": "time", "last_time": "time"}, ("measure", "exporter", "hs")),
    Table("measure_suspensions", {"measure": "ref:measures", "hs": "hs", "act": "text!"}, ("measure", "hs")),
    Table("measure_exclusions", {"measure": "ref:measures", "country": "country"}, ("measure", "country")),
    Table("exclusions", {"number": "text!", "measure": "ref:measures", "hs": "hs!"}, ("number", "measure", "hs")),
    Table("suspended_duties", {"id": "text!", "origin": "country", "hs": "hs", "rate": "rate", "law": "text!"},
          ("id", "hs")),
    Table("quotas", {"id": "text!", "measure": "ref:measures", "country": "country*", "tonnes": "number"},
          ("measure", "country")),
    Table("quota_events", {"quota": "ref:quotas", "event": "choice:surcharge_starts|state", "share": "number?"},
          ("quota", "event")),
    Table("bans", {"id": "text!", "origin": "country", "hs": "hs!", "kind": "choice:ban|conditions", "text": "text!"},
          ("origin", "hs")),
    Table("vat_rates", {"class": "text!", "rate": "levy!"}, ("class",), gapless=True),
    Table("vat_classes", {"hs": "hs!", "class": "ref:vat_rates.class"}, ("hs",), gapless=True),
    Table("consumption_tax", {"hs": "hs!", "rate": "levy", "threshold": "amounts", "below": "levy?"}, ("hs",)),
    Table("retail_limits", {"single_limit": "number", "annual_limit": "number", "tax_share": "number"}, (),
          gapless=True),
    Table("parameters", {"id": "text!", "value": "number", "unit": "text!"}, ("id",)),
    Table("waivers", {"tax": "choice:duty|consumption_tax|vat", "amount": "number"}, ("tax",)),
    Table("post_rates", {"class": "text!", "rate": "number", "law": "text!", "law_zh": "text!"}, ("class",),
          gapless=True),
    Table("post_categories", {"id": "text!", "name_zh": "text!", "name_en": "text!", "class": "ref:post_rates",
                              "threshold": "amounts", "below": "ref?:post_rates"}, ("id",)),
    Table("post_prices", {"category": "ref:post_categories", "number": "text", "price": "number?", "unit": "text"},
          ("category",)),
    Table("post_members", {"hs": "hs!", "category": "ref:post_categories"}, ("hs",)),
    Table("service_rates", {"service": "text!", "name_zh": "text!", "name_en": "text!",
                            "treatment": "choice:taxed|exempt", "rate": "number", "law": "text!", "law_zh": "text!"},
          ("service",), gapless=True),
    Table("positive_list", {"hs": "hs!", "modes": "text", "remark": "text", "cap_kg": "number?", "cap_group": "text",
                            "edition": "text!"}, ("hs", "edition")),
    Table("licence_catalogue", {"hs": "hs!", "listed": "choice:yes|no", "group": "text!"}, ("hs",)),
    Table("controls", {"hs": "hs!", "codes": "text", "ciq": "text"}, ("hs",)),
    Table("cautions", {"hs": "hs!", "agreement": "ref?:agreements", "kind": f"choice:{CAUTIONS}", "note_zh": "text",
                       "note_en": "text"}, ("hs", "agreement", "kind")),
    Table("countries", {"alpha2": "text!", "alpha3": "text", "number": "text", "name_zh": "text!",
                        "name_en": "text!"}, ("alpha2",)),
    Table("units", {"code": "text!", "name_zh": "text!", "word": "text", "dimension": "text", "factor": "number?"},
          ("code",)),
    Table("currencies", {"number": "text!", "code": "text!", "name_zh": "text!"}, ("code",)),
    Table("exchange_rates", {"currency": "ref:currencies.code", "rate": "number", "per": "choice:1|100"},
          ("currency",)),
    Table("market_holidays", {"name": "text!"}, ("name",)),
    *(Table(name, _CODES, ("code",)) for name in ("districts", "transport_modes", "trade_terms", "package_types",
                                                 "supervision_modes", "container_types")),
    Table("levy_natures", {**_CODES, "note_zh": "text"}, ("code",)),
)  # fmt: skip

REFERENCE_TABLES: tuple[Table, ...] = (
    Table("nomenclature", {"level": "choice:section|chapter|heading|subheading", "code": "text!", "parent": "text",
                           "name_en": "text!", "filing": "choice:yes|no"}, ("level", "code")),
    Table("line_notes", {"hs": "line", "note_zh": "text!"}, ("hs",)),
    Table("areas", {"number": "text", "alpha3": "text", "name_zh": "text!", "name_en": "text"}, ("number", "alpha3")),
    Table("list_editions", {"list": "choice:positive_list|automatic_licence", "edition": "text!", "law": "text",
                            "issued": "on?", "lines": "number?", "note": "text"}, ("list", "edition", "note")),
    Table("zones", {"batch": "text!", "name_zh": "text!", "name_en": "text!", "province": "text", "announced": "on?"},
          ("name_en",)),
    Table("pilot_cities", {"programme": "choice:comprehensive_pilot_zone|retail_import_pilot", "batch": "text!",
                           "name_zh": "text!", "name_en": "text!", "approved": "text",
                           "day_standing": "choice:official|secondary|assumed"}, ("programme", "name_en")),
    Table("statistics_trade", {"flow": "choice:export|import|balance|total", "scope": "text!", "hs": "text",
                               "value": "signed?", "unit": "text", "growth": "signed?", "quantity": "signed?",
                               "quantity_unit": "text", "adjusted": "choice:yes|no"},
          ("flow", "scope", "unit", "adjusted", "first_day", "last_day", "source")),
    Table("statistics_commodities", {"commodity": "text!", "regime": "text", "quantity": "signed?",
                                     "quantity_unit": "text", "quantity_growth": "signed?", "value": "signed?",
                                     "value_unit": "text", "value_growth": "signed?", "note": "text"},
          ("commodity", "regime", "first_day", "last_day")),
)  # fmt: skip
