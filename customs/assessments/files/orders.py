"""Pieces cut between orders, so that the limits of an order are checked on all of its lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from customs.assessments.files.columns import BLANK, Piece, Typed, Words, used
from customs.assessments.service import LINES_MAX


def whole_orders(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same rows; an order that goes on in the next piece is moved there. An order too long to be one is cut."""
    held: Piece | None = None
    for piece in pieces:
        whole = piece if held is None else _joined(held, piece)
        cut = _last_order(whole)
        if whole.count - cut > LINES_MAX:
            cut = whole.count
        held = _alone(_part(whole, cut, whole.count)) if cut < whole.count else None
        if cut:
            yield _part(whole, 0, cut)
    if held is not None:
        yield held


def _last_order(piece: Piece) -> int:
    """Where the order of the last row begins; the end when that row names none."""
    order = piece.columns.get("order")
    if not isinstance(order, Words) or order.codes[-1] == BLANK:
        return piece.count
    last = order.word(piece.count - 1)
    same = order.map(lambda word: word == last, 0) > 0
    return int(np.flatnonzero(~same).max(initial=-1)) + 1


def _part(piece: Piece, start: int, stop: int) -> Piece:
    rows = slice(start, stop)
    columns = {name: _rows(column, rows) for name, column in piece.columns.items()}
    broken = {row - start: message for row, message in piece.broken.items() if start <= row < stop}
    return Piece(piece.first + start, stop - start, columns, broken, piece.position)


def _rows(column: Words | Typed, rows: slice) -> Words | Typed:
    if isinstance(column, Words):
        return Words(column.codes[rows], column.words)
    return Typed(column.values[rows], column.given[rows], column.fits[rows])


def _alone(piece: Piece) -> Piece:
    """The same rows with no words but their own, so that what is held does not grow from piece to piece."""
    columns = {name: _own_words(column) for name, column in piece.columns.items()}
    return Piece(piece.first, piece.count, columns, piece.broken, piece.position)


def _own_words(column: Words | Typed) -> Words | Typed:
    if isinstance(column, Typed):
        return column
    codes, numbers = used(column.codes)
    return Words(codes, [column.words[number] for number in numbers.tolist()])


def _joined(one: Piece, other: Piece) -> Piece:
    columns = {name: _both(column, other.columns[name]) for name, column in one.columns.items()}
    broken = {**one.broken, **{row + one.count: message for row, message in other.broken.items()}}
    return Piece(one.first, one.count + other.count, columns, broken, other.position)


def _both(one: Words | Typed, other: Words | Typed) -> Words | Typed:
    if isinstance(one, Words) and isinstance(other, Words):
        moved = np.where(other.codes == BLANK, BLANK, other.codes + len(one.words)).astype(np.int32)
        return Words(np.concatenate([one.codes, moved]), [*one.words, *other.words])
    assert isinstance(one, Typed)
    assert isinstance(other, Typed)
    return Typed(np.concatenate([one.values, other.values]), np.concatenate([one.given, other.given]),
                 np.concatenate([one.fits, other.fits]))  # fmt: skip
