"""What the rows say, checked for form: every cell as a number of the engine's scale, or a fault of its row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from marshmallow import ValidationError

from core.errors import INVALID
from core.schemas import Day, Instant
from customs.assessments.files.columns import BLANK, Bools, Ints, Piece, Typed, Words, no_words
from customs.assessments.files.decimals import parse
from customs.assessments.files.faults import Faults
from customs.assessments.files.layout import COLUMNS, DAY, DECIMALS, FLAG, INSTANT, RULES, WHOLE_DIGITS
from customs.assessments.request import EVIDENCE
from customs.assessments.retail import RETAIL_MODES
from customs.duty.bounds import QUANTITY_MAX, QUANTITY_PARTS
from customs.tariff import problems
from customs.tariff.reading import FIRST, FOREVER

MISSING = -1  # of amounts, quantities and minutes
_NO_DAY = -1
_BEIJING_MINUTES = 8 * 60
_EPOCH, _EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC), 719_163
_MICROSECOND = timedelta(microseconds=1)
_DAY, _INSTANT = Day(), Instant()
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}
_FORMS = {
    "hs": (re.compile(r"[0-9]{8}([0-9]{2})?\Z", re.ASCII), "must be a code of 8 or 10 digits without dots"),
    "origin": (re.compile(r"[A-Z]{2}\Z", re.ASCII), "must be a country of two capital letters (ISO 3166-1)"),
    "currency": (re.compile(r"[A-Z]{3}\Z", re.ASCII), "must be a currency of three capital letters (ISO 4217)"),
    "origin_evidence": (re.compile(rf"({'|'.join(EVIDENCE)})\Z"), f"must be one of {', '.join(EVIDENCE)}"),
    "mode": (re.compile(rf"({'|'.join(RETAIL_MODES)})\Z"), f"must be one of {', '.join(RETAIL_MODES)}"),
}


@dataclass(slots=True)
class Given:
    """The rows of one piece. Amounts are hundredths of their currency, quantities 0.00001 units, rates 10^-8 CNY; where
    a cell is blank they are MISSING (freight and rates 0). `evidence` is the place in EVIDENCE, `minute` of the Beijing
    day. Rows of `faults.bad` are not to be assessed: their numbers mean nothing, but lie
    within the bounds of the columns."""

    first: int
    count: int
    hs: Words
    origin: Words
    day_words: Words
    day: Ints
    value: Ints
    freight: Ints
    insurance: Ints
    currency: Words
    rate: Ints
    quantity: Ints
    unit: Words
    unit1_quantity: Ints
    unit2_quantity: Ints
    content: Ints
    content_unit: Words
    proof: Bools
    agreement: Words
    certificate: Words
    direct: Bools
    evidence: Ints
    instant: Ints
    minute: Ints
    exporter: Words
    exclusion: Words
    part: Words
    order: Words
    mode: Words
    faults: Faults


def read(piece: Piece) -> Given:
    """All columns of a piece; what is not there is blank."""
    cells = _Cells(piece)
    for row, message in piece.broken.items():
        cells.faults.one(row, "", INVALID, message)
    hs, origin = cells.text("hs"), cells.text("origin")
    day_words, day = cells.day()
    value = cells.number("value", MISSING)
    currency, freight = cells.text("currency"), cells.number("freight", 0)
    insurance, rate = cells.number("insurance", MISSING), cells.number("exchange_rate", 0)
    quantity, unit = cells.quantity("quantity"), cells.text("unit")
    unit1, unit2 = cells.quantity("unit1_quantity"), cells.quantity("unit2_quantity")
    content, content_unit = cells.number("net_content_quantity", MISSING), cells.text("net_content_unit")
    proof, agreement = cells.flag("origin_proof", False), cells.text("agreement")
    certificate, direct = cells.text("certificate_no"), cells.flag("direct_transport", True)
    evidence = cells.text("origin_evidence").map(lambda word: EVIDENCE.index(word) if word in EVIDENCE else 0, 0)
    instant, minute = cells.instant(day)
    cells.needed(quantity > 0, unit, "unit", "is needed with a quantity")
    cells.needed(content > 0, content_unit, "net_content_unit", "is needed with a net content")
    cells.needed(agreement.codes != BLANK, certificate, "certificate_no", "is needed to claim an agreement")
    exporter, exclusion, part = cells.text("exporter"), cells.text("exclusion_no"), cells.text("part")
    order, mode = cells.text("order"), cells.text("mode")
    return Given(piece.first, piece.count, hs, origin, day_words, day, value, freight, insurance, currency, rate,
                 quantity, unit, unit1, unit2, content, content_unit, proof, agreement, certificate, direct, evidence,
                 instant, minute, exporter, exclusion, part, order, mode, cells.faults)  # fmt: skip


class _Cells:
    """Reads the columns of a piece one by one and collects what does not fit."""

    def __init__(self, piece: Piece) -> None:
        self._columns, self._count = piece.columns, piece.count
        self.faults = Faults(piece.count)
        self._whole = np.ones(piece.count, bool)  # rows that are not broken
        self._whole[list(piece.broken)] = False

    def text(self, name: str) -> Words:
        column = self._columns.get(name)
        if column is None:
            return no_words(self._count)
        assert isinstance(column, Words)
        fits = column.map(_fit_of(name), 1) > 0
        self._refuse(~fits, name, _FORMS[name][1] if name in _FORMS else _length_rule(name))
        if name == "hs":
            self._refuse(column.codes == BLANK, name, "is missing")
        return column

    def number(self, name: str, blank: int) -> Ints:
        column, kind = self._columns.get(name), COLUMNS[name].kind
        if column is None:
            return np.full(self._count, blank, np.int64)
        if isinstance(column, Typed):
            values, given, fits = column.values, column.given, column.fits
        else:
            of_words, word_fits = parse(column.words, WHOLE_DIGITS[kind], DECIMALS[kind])
            values, fits = column.spread(of_words, 0), column.spread(word_fits, True)
            given = column.codes != BLANK
        if kind != "amount":
            fits = fits & ((values > 0) | ~given)
        self._refuse(~fits, name, RULES[kind])
        if COLUMNS[name].required:
            self._refuse(~given, name, "is missing")
        return np.where(given & fits, values, blank)

    def quantity(self, name: str) -> Ints:
        values = self.number(name, MISSING)
        beyond = np.flatnonzero(values > QUANTITY_MAX * QUANTITY_PARTS)
        self.faults.add(beyond, name, problems.OUT_OF_BOUNDS, f"a quantity lies between 0 and {QUANTITY_MAX}")
        return values

    def day(self) -> tuple[Words, Ints]:
        """The day as it was written, and its ordinal."""
        column = self._columns["day"]
        if isinstance(column, Typed):
            ordinals, codes = np.unique(np.where(column.given, column.values, FIRST), return_inverse=True)
            words = Words(np.where(column.given, codes, BLANK).astype(np.int32), [*map(_day_text, ordinals.tolist())])
            day = column.values
        else:
            words, day = column, column.map(_ordinal, FIRST)
        self._refuse(day == _NO_DAY, "day", RULES[DAY])
        self._refuse(words.codes == BLANK, "day", "is missing")
        beyond = ((day < FIRST) | (day > FOREVER)) & (day != _NO_DAY) & (words.codes != BLANK)
        self.faults.add(np.flatnonzero(beyond), "day", problems.OUT_OF_BOUNDS, "days lie between 1990 and 2099")
        return words, np.clip(day, FIRST, FOREVER)

    def flag(self, name: str, blank: bool) -> Bools:
        column = self._columns.get(name)
        if column is None:
            return np.full(self._count, blank)
        if isinstance(column, Typed):
            return np.where(column.given, column.values > 0, blank)
        values = column.map(lambda word: _FLAGS.get(word.lower(), -1), int(blank))
        self._refuse(values < 0, name, RULES[FLAG])
        return values > 0

    def instant(self, day: Ints) -> tuple[Ints, Ints]:
        """Microseconds since 1970 and the minute of the Beijing day, which must be the row's."""
        column = self._columns.get("at")
        if column is None:
            nothing = np.full(self._count, MISSING, np.int64)
            return nothing, nothing
        if isinstance(column, Typed):
            given, instant = column.given, column.values
        else:
            given, instant = column.codes != BLANK, column.map(_microseconds, MISSING)
            self._refuse(given & (instant == MISSING), "at", RULES[INSTANT])
            given = given & (instant != MISSING)
        minutes = instant // 60_000_000 + _BEIJING_MINUTES
        elsewhere = given & (minutes // 1440 + _EPOCH_DAY != day) & ~self.faults.bad
        self._refuse(elsewhere, "at", "lies on another day in Beijing")
        return np.where(given, instant, MISSING), np.where(given, minutes % 1440, MISSING)

    def needed(self, where: Bools, column: Words, name: str, message: str) -> None:
        self._refuse(where & (column.codes == BLANK), name, message)

    def _refuse(self, where: Any, name: str, message: str) -> None:
        self.faults.add(np.flatnonzero(where & self._whole), name, INVALID, message)


def _fit_of(name: str) -> Callable[[str], int]:
    if name in _FORMS:
        matches = _FORMS[name][0].match
        return lambda word: matches(word) is not None
    most = COLUMNS[name].most
    return lambda word: len(word) <= most and (word.isprintable() or not any(map(_is_control, word)))


def _length_rule(name: str) -> str:
    return f"must have at most {COLUMNS[name].most} characters and no control characters"


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs")


def _ordinal(word: str) -> int:
    try:
        return _DAY.read(word).toordinal()
    except ValidationError:
        return _NO_DAY


def _day_text(ordinal: int) -> str:
    """ISO 8601 also for days that no calendar of ours has."""
    return str(np.datetime64(ordinal - _EPOCH_DAY, "D"))


def _microseconds(word: str) -> int:
    try:
        return (_INSTANT.read(word) - _EPOCH) // _MICROSECOND
    except ValidationError:
        return MISSING
