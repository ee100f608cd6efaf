"""How the shelf is cut up: which listings are on sale, what they are sorted and filtered by, and in which price bands.

Browsing, counting and the indexes of the tables must say the same, so it is said here once. Pure text.
"""

from __future__ import annotations

from core.money import fen_text

# What may be sold: published by an admitted merchant, and no law of the day in its way.
ON_SALE = "shown AND hindrance IS NULL"

# Upper ends of the price bands in fen; the last band has none.
BAND_ENDS = (5_000, 10_000, 20_000, 50_000, 200_000, 1_000_000)
BANDS = range(len(BAND_ENDS) + 1)

SORT_KEYS = ("published_at", "price_fen", "quality")
BAND_SORT_KEYS = ("published_at", "quality")  # by price a band is a stretch of the whole
NARROWED_BY = ("department", "category", "origin", "route", "merchant_id")


def band_of(column: str = "price_fen") -> str:
    """SQL: the band (0, 1, ...) of a price."""
    ends = ",".join(map(str, BAND_ENDS))
    return f"width_bucket({column}, '{{{ends}}}'::bigint[])"


EVERY = "all"  # the tag of every listing


def tags(alias: str = "") -> str:
    """SQL: what a search narrows by, as an array that stands beside the words in their index."""
    at = f"{alias}." if alias else ""
    names = ("quality", "category", "department", "origin", "route", "merchant_id")
    texts = [*(f"{at}{name}::text" for name in names), f"'b'::text || {band_of(f'{at}price_fen')}::text"]
    return f"ARRAY['{EVERY}'::text, {', '.join(texts)}]"


def band_tag(band: int) -> str:
    return f"b{band}"


def band_edges(band: int) -> tuple[int | None, int | None]:
    """Lowest and highest price of a band in fen, both inclusive; None where it is open."""
    least = BAND_ENDS[band - 1] if band else None
    most = BAND_ENDS[band] - 1 if band < len(BAND_ENDS) else None
    return least, most


def bands_of(least: int | None, most: int | None) -> tuple[list[int], bool]:
    """The bands that a range of prices touches, and whether it is exactly those bands."""
    touched = [band for band in BANDS if _touches(band, least, most)]
    if not touched:
        return [], True
    low, high = band_edges(touched[0])[0], band_edges(touched[-1])[1]
    return touched, (least or 0) == (low or 0) and most == high


def _touches(band: int, least: int | None, most: int | None) -> bool:
    low, high = band_edges(band)
    return (high is None or least is None or least <= high) and (low is None or most is None or most >= low)


def band_value(band: int) -> dict[str, str | None]:
    """A band as a facet tells it: the prices to filter by."""
    low, high = band_edges(band)
    told = {"min_price": None if low is None else fen_text(low), "max_price": None if high is None else fen_text(high)}
    return {"value": f"{told['min_price'] or '0.00'}-{told['max_price'] or ''}", **told}
