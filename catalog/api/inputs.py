"""A listing's fields as a client writes them, turned into those of its row."""

from __future__ import annotations

from typing import Any

from core.money import plain

# What a field becomes when a client empties it with null.
_EMPTY = ("hs", "mode", "net_weight_kg", "gross_weight_kg", "net_content", "gtin", "establishment_no",
          "piece_weight_kg", "weight_tolerance")  # fmt: skip


def listing_values(values: dict[str, Any]) -> dict[str, Any]:
    """Row values; a title given in one language stands for both, since every card shows both."""
    row = {name: value for name, value in values.items() if value is not None or name in _EMPTY}
    if "title" in row:
        title = row.pop("title")
        row["title_zh"] = title.get("zh") or title["en"]
        row["title_en"] = title.get("en") or title["zh"]
    if "description" in row:
        row |= {f"description_{language}": text for language, text in row.pop("description").items()}
    if "price" in row:
        row["price_fen"] = row.pop("price")
    if "price_per_kg" in values:
        row["kg_price_fen"] = values["price_per_kg"]
        row.pop("price_per_kg", None)
    if "least_life" in values:
        rule = row.pop("least_life", None) or {}
        row |= {f"least_life_{name}": rule.get(name) for name in ("days", "percent")}
    if "statutory" in row:
        row["statutory"] = {name: plain(quantity) for name, quantity in row["statutory"].items()}
    if row.get("net_content"):
        content = row["net_content"]
        row["net_content"] = {"quantity": plain(content["quantity"]), "unit": content["unit"]}
    if "declaration_elements" in row:
        row["declaration_elements"] = [[name, text] for name, text in row["declaration_elements"].items()]
    return row
