"""Rows of the small tables by what they are asked for, made once per edition: reading a line out scans nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customs.tariff.reading import Row

Names = dict[str, str]  # {"en": .., "zh": ..}

KEPT = 20_000  # answers remembered: more than a day's codes, so that strangers' questions cannot fill the memory


class Index:
    """`measures` by id; `quotas` and `exclusions` by measure; `quota_events` by quota; `vat_rates` by class; the names
    in both languages of `agreements`, `countries` (alpha-2) and `units` (word)."""

    def __init__(self, tables: Mapping[str, Sequence[Row]]) -> None:
        self.measures: dict[str, Row] = {row["id"]: row for row in tables["measures"]}
        self.quotas = _grouped(tables["quotas"], "measure")
        self.exclusions = _grouped(tables["measure_exclusions"], "measure")
        self.quota_events = _grouped(tables["quota_events"], "quota")
        self.vat_rates = _grouped(tables["vat_rates"], "class")
        self.agreements = {row["id"]: names_of(row) for row in tables["agreements"]}
        self.countries = {row["alpha2"]: names_of(row) for row in tables["countries"]}
        self.units = {row["word"]: {"en": row["word"], "zh": row["name_zh"]} for row in tables["units"] if row["word"]}
        self._kept: dict[tuple[Any, ...], Any] = {}

    def kept(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What `make` gave for a key, asked once; whoever gets it must not change it."""
        try:
            return self._kept[key]
        except KeyError:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            made = self._kept[key] = make()
            return made


def names_of(row: Row) -> Names:
    """The names of a row in both languages."""
    return {"en": row["name_en"], "zh": row["name_zh"]}


def text_of(row: Mapping[str, Any], column: str) -> str | Names:
    """A text of the data: in both languages where the row has a Chinese one beside it (`law` and `law_zh`)."""
    chinese = row.get(f"{column}_zh")
    return {"en": row[column], "zh": chinese} if chinese else str(row[column])


def _grouped(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)
