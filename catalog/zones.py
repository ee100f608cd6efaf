"""Delivery zones: which provinces parcels are carried to, and how long they are on the way (`delivery_zones.toml`)."""

from __future__ import annotations

import functools
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What follows the short name of a province in its official one.
_ENDINGS = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")
_ENGLISH_ENDINGS = (
    *(" special administrative region", " autonomous region", " municipality", " province", " sar"),
    *(" city", " sheng", " shi"),
)


@dataclass(frozen=True, slots=True)
class Zone:
    """`transit_days`: the days a parcel is on its way at most; so much of its life a lot loses on it."""

    key: str
    name: Mapping[str, str]
    transit_days: int


@dataclass(frozen=True, slots=True)
class Province:
    """A province by its short names; `zone` is None where nothing is delivered to."""

    name: Mapping[str, str]
    zone: Zone | None


@dataclass(frozen=True, slots=True)
class _Map:
    zones: tuple[Zone, ...]
    by_name: Mapping[str, Province]
    by_code: Mapping[str, Province]
    by_post: Mapping[str, Province]


def standard() -> Zone:
    """The zone of the shelf, and of a quote that knows no address."""
    return _map().zones[0]


def all_zones() -> tuple[Zone, ...]:
    return _map().zones


def provinces() -> list[Province]:
    """Every province, those not served last."""
    return list(_map().by_code.values())


def province_of(province: str, district_code: str | None = None, postcode: str | None = None) -> Province | None:
    """The province of an address: by its name, short, official or English; else by the district's code or the postcode.

    None when none of them tells it.
    """
    known = _map()
    found = known.by_name.get(_short(province))
    if found is None and district_code:
        found = known.by_code.get(district_code[:2])
    if found is None and postcode:
        found = known.by_post.get(postcode[:2])
    return found


def extra_days(zone: Zone | None) -> int:
    """How many days longer than to the standard zone a parcel is on its way."""
    return 0 if zone is None else zone.transit_days - standard().transit_days


def _short(name: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    for ending in (*_ENDINGS, *_ENGLISH_ENDINGS):
        text = text.removesuffix(ending)
    return text


@functools.cache
def _map() -> _Map:
    raw = tomllib.loads((Path(__file__).parent / "delivery_zones.toml").read_text("utf-8"))
    zones: list[Zone] = []
    named: dict[str, Province] = {}
    coded: dict[str, Province] = {}
    posted: dict[str, Province] = {}
    for zone, entry in _entries(raw):
        if zone is not None:
            zones.append(zone)
        for row in entry["province"]:
            province = Province({"zh": row["zh"], "en": row["en"]}, zone)
            coded[row["code"]] = province
            named |= dict.fromkeys(map(_short, (row["zh"], row["en"], *row.get("also", ()))), province)
            posted |= dict.fromkeys(row["post"], province)
    return _Map(tuple(zones), named, coded, posted)


def _entries(raw: dict[str, Any]) -> Iterator[tuple[Zone | None, dict[str, Any]]]:
    for entry in raw["zone"]:
        yield Zone(entry["key"], {"zh": entry["zh"], "en": entry["en"]}, entry["transit_days"]), entry
    for entry in raw["not_served"]:
        yield None, entry
