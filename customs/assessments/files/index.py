"""The law by the words of a file: codes to lines, origins to numbers, claims to schedules; each word asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, TypeVar, cast

import numpy as np

from core.errors import Problem
from core.money import plain
from customs.assessments.files.columns import Bools, Ints
from customs.duty.valuation import INSURANCE_SHARE
from customs.tariff import Tariff
from customs.tariff.reading import FIRST, FOREVER, Row
from customs.tariff.schedules import Entry

UNKNOWN, SEVERAL = -1, -2  # in place of a line number
KEPT = 200_000  # remembered answers of one kind; strangers' words must not fill the memory

T = TypeVar("T")


class Memo:
    """Answers by key, forgotten all at once when there are too many."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found = self._known.get(key, self)
        if found is self:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[key] = make()
        return cast(T, found)


class Ratios:
    """A fraction for each day of the law's span; 0 where there is none."""

    def __init__(self) -> None:
        self.numerator: Ints = np.zeros(FOREVER - FIRST + 1, np.int64)
        self.denominator: Ints = np.ones(FOREVER - FIRST + 1, np.int64)

    def put(self, row: Row, value: Decimal) -> None:
        """The value on the days of a row of the law."""
        days = slice(max(row["first_day"] - FIRST, 0), row["last_day"] - FIRST + 1)
        self.numerator[days], self.denominator[days] = value.as_integer_ratio()


class Index:
    """One tariff as a file asks it.

    `special` marks lines of which a rate may depend on price or quantity, `foreign` those of which one may depend on a
    price in foreign currency; `units` are the units such rates ask for; `texts` are the rates' texts, `text_of` the
    number of the text of an entry; `insured` is by day what goods and freight are multiplied with when the insurance is
    not known.
    """

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        columns = tariff.columns
        wide = (columns.specific != 0) | (columns.how != 0) | columns.slides | columns.threshold
        self.special = _lines_with(tariff, wide)
        self.foreign = _lines_with(tariff, np.array([*map(_priced_abroad, tariff.entries), False]))
        self.units = _units(tariff)
        self.texts: list[str] = []
        self._text_ids: dict[str, int] = {}
        rates = [entry.rate for entry in tariff.entries]
        # The last of each stands for NONE. Of a choice only the arm that applies is shown.
        texts = [*(rate.own_text if rate.known else rate.text for rate in rates), "0"]
        self.text_of: Ints = np.array([*map(self.text_id, texts)], np.int64)
        self.vat_text_of: Ints = np.array([*(self._plain_id(rate.text) for rate in rates), 0], np.int64)
        self._number = {row["hs"]: i for i, row in enumerate(tariff.rows)}
        self._lines, self._singles, self._bans = Memo(), Memo(), Memo()
        self.banned_origins: Bools = np.zeros(len(tariff.origins.alpha2), bool)
        for row in tariff.tables["bans"]:
            self.banned_origins[tariff.origins.number[row["origin"]]] = True
        self._claims, self._exchange = Memo(), Memo()
        self.insured = Ratios()
        for row in tariff.tables["parameters"]:
            if row["id"] == INSURANCE_SHARE:
                self.insured.put(row, 1 + row["value"].scaleb(-2))

    def text_id(self, text: str) -> int:
        """The number of a rate's text."""
        found = self._text_ids.get(text)
        if found is None:
            found = self._text_ids[text] = len(self.texts)
            self.texts.append(text)
        return found

    def _plain_id(self, text: str) -> int:
        """VAT rates are shown as plain numbers."""
        return self.text_id(plain(Decimal(text)) if text.replace(".", "", 1).isdigit() else text)

    def vat_text(self, line: Ints, day: Ints) -> Ints:
        """The number of the text of the VAT rate of each line."""
        tariff = self.tariff
        slot = tariff.slots.of_day.take(day - FIRST)
        return self.vat_text_of[tariff.schedules.entry(tariff.schedules.names["vat"], line, slot)]

    def lines_of(self, hs: str) -> tuple[int, ...]:
        """Every line a code may stand for on some day (rule A11); none: unknown."""
        return self._lines.get(hs, lambda: self._lines_of(hs))

    def _lines_of(self, hs: str) -> tuple[int, ...]:
        if len(hs) not in (8, 10) or not (hs.isascii() and hs.isdigit()):
            return ()
        own = self._number.get(hs)
        if len(hs) == 10:
            own = self._number.get(hs[:8]) if own is None else own
            return () if own is None else (own,)
        low, high = self.tariff.schedules.range_of(hs)
        children = tuple(i for i in range(low, high) if len(self.tariff.rows[i]["hs"]) == 10)
        return children if own is None else (*children, own)

    def single_line(self, hs: str) -> int:
        """The one line of a code, UNKNOWN or SEVERAL."""
        return self._singles.get(hs, lambda: self._single_line(hs))

    def _single_line(self, hs: str) -> int:
        lines = self._lines_of(hs)
        return lines[0] if len(lines) == 1 else SEVERAL if lines else UNKNOWN

    def origin(self, word: str) -> int:
        """The number of a country, -1 for one there is not."""
        return self.tariff.origins.number.get(word, -1)

    def exchange(self, currency: str) -> Ratios:
        """By day CNY for one unit of a currency, from the law's own table."""
        return self._exchange.get(currency, lambda: self._exchange_of(currency))

    def _exchange_of(self, currency: str) -> Ratios:
        ratios = Ratios()
        for row in self.tariff.tables["exchange_rates"]:
            if row["currency"] == currency and row["rate"]:
                ratios.put(row, row["rate"] / int(row["per"]))
        return ratios

    def exporter(self, word: str) -> int:
        return self.tariff.origins.exporters.get(word, 0)

    def claim(self, agreement: str, origin: str) -> int:
        """The schedule of the agreement that is claimed, -1 for one there is not."""
        return self._claims.get((agreement, origin), lambda: self._claim(agreement, origin))

    def _claim(self, agreement: str, origin: str) -> int:
        try:
            name = self.tariff.agreement(agreement, origin or None)
        except Problem:
            return -1
        return self.tariff.schedules.names[f"agreement:{name}"]

    def ban(self, hs: str, origin: str, day: int) -> str:
        """What keeps goods of this code and origin out on a day (ordinal); "" when nothing does."""
        for chain in self._bans.get((hs, origin), lambda: self._ban_rows(hs, origin)):
            row = next((row for row in chain if row["first_day"] <= day <= row["last_day"]), None)
            if row is not None and row["kind"] == "ban":
                return str(row["text"])
        return ""

    def _ban_rows(self, hs: str, origin: str) -> list[list[Row]]:
        """For each code that `hs` may stand for, the rows on this origin, the longest prefix first."""
        codes = [hs] if len(hs) == 10 else [self.tariff.rows[i]["hs"] for i in self.lines_of(hs)]
        every = self.tariff.by_prefix("bans").every
        chains = ([row for row in every(code) if row["origin"] == origin] for code in codes)
        return [chain for chain in chains if chain]


def _lines_with(tariff: Tariff, entry: Bools) -> Bools:
    """Per line: is there, in any schedule on any day, an entry of the kind?"""
    series: Bools = np.asarray(entry[tariff.schedules.series.reshape(-1, len(tariff.slots))].any(axis=1))
    return np.asarray(series[tariff.schedules.classes.reshape(-1, len(tariff.keys))].any(axis=0))


def _priced_abroad(entry: Entry) -> bool:
    prices = (*entry.thresholds, entry.rate.price)
    return any(price is not None and price.currency != "CNY" for price in prices)


def _units(tariff: Tariff) -> list[str]:
    columns = tariff.columns
    words = set(columns.units)
    for entry in tariff.entries:
        rate = entry.rate
        words |= {price.unit for price in entry.thresholds}
        words |= {part.unit for part in (rate.price, rate.sliding) if part is not None}
    return sorted(words - {""})
