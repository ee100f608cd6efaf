"""Assessing one piece after the other: what the columns can answer at once, the rest row by row."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from customs.assessments.files.columns import BLANK, Bools, Ints, Piece
from customs.assessments.files.engine import OWN, Answered, Asked, answer
from customs.assessments.files.given import MISSING, Given, read
from customs.assessments.files.index import SEVERAL, UNKNOWN, Index
from customs.assessments.files.options import Options
from customs.assessments.files.result import Answers, Result
from customs.assessments.files.retail import Orders, Rules
from customs.assessments.files.single import Answer, OneByOne, Refused
from customs.assessments.files.values import value
from customs.assessments.files.weights import overweight
from customs.assessments.request import EVIDENCE, RETAIL
from customs.duty.columns import OK
from customs.tariff import Tariff
from customs.tariff.problems import ANNUAL_LIMIT, SINGLE_LIMIT

# Why a row goes its own way: the numbers of the engine's faults, and these.
CODE, ORIGIN, UNIT, RATE, CLAIM, BAN, AMBIGUOUS, RETAIL_RULE = range(OWN - 1, OWN - 9, -1)
_UNPROVEN = EVIDENCE.index("unproven")


class Assessor:
    """Holds one edition of the law for the whole file."""

    def __init__(self, tariff: Tariff, options: Options) -> None:
        self._index, self._options = Index(tariff), options
        self._alone = OneByOne(tariff, options)
        self._rules = Rules(tariff, options.mode)
        self.one_by_one = 0  # rows that the columns could not answer

    def assess(self, piece: Piece) -> Result:
        """The answers to a piece; every row bears amounts or has a fault."""
        given = read(piece)
        answers = Answers(self._index, given)
        asked = self._asked(given)
        why = self._first_look(asked)
        if self._options.route == RETAIL:
            self._retail(asked, why, answers)
        else:
            self._take(asked, why, np.flatnonzero(self._open(given, why)), answers, 0)
            self._row_by_row(given, why, answers)
        return answers.result()

    def _asked(self, given: Given) -> Asked:
        index = self._index
        values = value(index, given, self._options.rates, insured=self._options.route != RETAIL)
        claim = np.full(given.count, -1, np.int64)
        for row in np.flatnonzero(given.agreement.codes != BLANK).tolist():
            claim[row] = index.claim(given.agreement.word(row), given.origin.word(row))
        line = given.hs.map(index.single_line, UNKNOWN)
        origin, exporter = given.origin.map(index.origin, 0), given.exporter.map(index.exporter, 0)
        return Asked(given, values, line, origin, exporter, claim)

    def _first_look(self, asked: Asked) -> Ints:
        """Why each row cannot go with the others; 0 for those that can. What the single assessment refuses first is
        written last."""
        given, index, line = asked.given, self._index, asked.line
        claimed = given.agreement.codes != BLANK
        why = np.zeros(given.count, np.int64)
        alone = (given.exclusion.codes != BLANK) | (given.part.codes != BLANK)
        why[alone | self._own_rate_matters(given, line)] = OWN
        why[claimed & (asked.claim < 0)] = CLAIM
        asked.claim[claimed & (~given.direct | (given.evidence == _UNPROVEN))] = -1
        self._mark_banned(asked, why)
        why[line == UNKNOWN] = CODE
        why[~asked.values.sure] = OWN
        why[asked.values.factor == 0] = RATE
        unit = given.unit.map(lambda word: not index.tariff.units.known(word), 0) > 0
        why[unit & (given.quantity != MISSING)] = UNIT
        why[asked.origin < 0] = ORIGIN
        return why

    def _own_rate_matters(self, given: Given, line: Ints) -> Bools:
        """A rate given in a row may move a price threshold of that row."""
        return np.asarray((given.rate > 0) & ((line == SEVERAL) | self._index.foreign[line]))

    def _mark_banned(self, asked: Asked, why: Ints) -> None:
        given, index = asked.given, self._index
        maybe = index.banned_origins[np.maximum(asked.origin, 0)] & ~given.faults.bad
        for row in np.flatnonzero(maybe).tolist():
            if index.ban(given.hs.word(row), given.origin.word(row), int(given.day[row])):
                why[row] = BAN

    def _open(self, given: Given, why: Ints) -> Bools:
        return np.asarray((why == 0) & ~given.faults.bad)

    def _take(self, asked: Asked, why: Ints, rows: Ints, answers: Answers, share: int) -> None:
        """The engine's answers to some rows; those without go their own way."""
        if not len(rows):
            return
        found = answer(self._index, self._options.route, asked, rows, self._options.rates, share)
        why[rows] = np.where(found.ambiguous, AMBIGUOUS, np.where(found.closed, CODE, found.fault))
        good = np.flatnonzero(why[rows] == OK)
        answers.put(rows[good], _amounts(asked, rows, found, good), found.duty_rate[good], found.vat_rate[good])

    def _retail(self, asked: Asked, why: Ints, answers: Answers) -> None:
        """Rows inside the limits at once; a single item above them may pay in full, which is found out one by one."""
        given = asked.given
        orders, (share, capped) = self._rules.orders(asked), self._rules.listed(given)
        free, several = why == 0, orders.size[orders.of_row] > 1
        why[free & ((orders.above | orders.refused)[orders.of_row] | (capped & ~several))] = OWN
        why[free & (share == 0)] = RETAIL_RULE
        together = capped & several & self._open(given, why)
        for fault in overweight(self._index.tariff, self._alone, given, orders.of_row, together):
            given.faults.one(*fault)
        open_ = self._open(given, why)
        for each in np.unique(share[open_]).tolist():
            self._take(asked, why, np.flatnonzero(open_ & (share == each)), answers, each)
        self._row_by_row(given, why, answers, orders)

    def _row_by_row(self, given: Given, why: Ints, answers: Answers, orders: Orders | None = None) -> None:
        """A row with a fault of its own says that, not that its order is refused."""
        rows = np.flatnonzero((why != 0) & ~given.faults.bad)
        self.one_by_one += len(rows)
        for row in rows.tolist():
            found = self._alone.assess(given, row, self._key(given, row, int(why[row])))
            if orders is not None and orders.refused[orders.of_row[row]] and _allowed(found):
                found = self._rules.refusal(given, orders, row)
            if isinstance(found, Refused):
                given.faults.one(row, found.field, found.code, found.message)
            else:
                answers.put_one(row, found)

    def _key(self, given: Given, row: int, why: int) -> Hashable:
        """All that a refusal can depend on; None when the row is not known to be refused."""
        if why == OWN:
            return None
        hs, origin, day = given.hs.word(row), given.origin.word(row), int(given.day[row])
        if why == BAN and self._options.route != RETAIL:  # in retail the list and the mode are looked at before
            return (why, hs, origin, self._index.ban(hs, origin, day))
        words = (given.currency, given.unit, given.agreement, given.mode)
        numbers = (given.rate, given.quantity, given.insurance)  # whether they are there
        return (why, hs, origin, day, *(column.word(row) for column in words), *(column[row] > 0 for column in numbers))


def _allowed(found: Answer | Refused) -> bool:
    """Is there nothing against a row but the value of its order?"""
    return isinstance(found, Answer) or found.code in (SINGLE_LIMIT, ANNUAL_LIMIT)


def _amounts(asked: Asked, rows: Ints, found: Answered, good: Ints) -> list[Ints]:
    return [asked.values.fen[rows[good]], *(column[good] for column in found.taxes)]
