"""Parquet, read in batches. Texts stay coded as they lie in the file; typed columns become integers without a detour.

pyarrow belongs to the extra of archives, so it is imported when a Parquet file is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from customs.assessments.files.columns import BLANK, Bools, Ints, Piece, Typed, Words, trimmed, used
from customs.assessments.files.decimals import rescale
from customs.assessments.files.layout import COLUMNS, DAY, DECIMALS, FLAG, INSTANT, TEXT, WHOLE_DIGITS, check_header
from customs.assessments.files.problems import columns_wrong, extra_missing, unreadable

CHUNK_MOST = 256 << 20  # bytes of one column in one row group, unpacked: its dictionary must fit into the memory
_EPOCH = 719_163  # 1970-01-01 as an ordinal
_FLOAT = "is a float column, and a float is not exact: write decimal128 or text"


def open_parquet(path: Path) -> ParquetSource:
    """Raises Problem archive_extra_missing, file_unreadable or file_columns_wrong."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise extra_missing() from None
    return ParquetSource(path, pyarrow, parquet)


class ParquetSource:
    """See `customs.assessments.files.source.Source`."""

    form = "parquet"

    def __init__(self, path: Path, pyarrow: Any, parquet: Any) -> None:
        self._arrow = pyarrow
        self._faults = (pyarrow.ArrowException, OSError, ValueError)
        try:
            with parquet.ParquetFile(path) as file:
                schema, metadata = file.schema_arrow, file.metadata
        except self._faults as fault:
            raise unreadable(f"not a Parquet file: {fault}") from None
        self._names = list(schema.names)
        check_header(self._names)
        self._check(schema)
        _check_sizes(metadata)
        self.rows = self.size = int(metadata.num_rows)
        texts = [field.name for field in schema if _is_text(pyarrow, field.type)]
        # Words stay coded: a word that is repeated a million times is held once.
        self._open = lambda: parquet.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 20)

    def _check(self, schema: Any) -> None:
        """Every column must be of a type that says exactly what the form wants."""
        faults = {}
        for field in schema:
            fault = _misfit(self._arrow, COLUMNS[field.name].kind, field.type)
            if fault:
                faults[field.name] = [fault]
        if faults:
            raise columns_wrong(faults)

    def pieces(self, rows: int) -> Iterator[Piece]:
        first = 1
        try:
            with self._open() as file:
                for batch in file.iter_batches(batch_size=rows):
                    columns = {name: self._column(name, batch.column(name)) for name in self._names}
                    count = batch.num_rows
                    yield Piece(first, count, columns, {}, first - 1 + count)
                    first += count
        except self._faults as fault:
            raise unreadable(f"Parquet, at row {first}: {fault}") from None

    def _column(self, name: str, column: Any) -> Words | Typed:
        pa, kind, held = self._arrow, COLUMNS[name].kind, column.type
        if _is_text(pa, held):
            return _words(pa, column)
        given = column.is_valid().to_numpy(zero_copy_only=False)
        fits = np.ones(len(column), bool)
        if kind == DAY:
            values = column.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64) + _EPOCH
        elif kind == INSTANT:
            values = column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).fill_null(0).to_numpy()
        elif kind == FLAG:
            values = column.cast(pa.int8()).fill_null(0).to_numpy().astype(np.int64)
        else:
            values, fits = _number(pa, column, kind)
        return Typed(values, given, fits | ~given)


def _is_text(pa: Any, held: Any) -> bool:
    if pa.types.is_dictionary(held):
        held = held.value_type
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))


def _misfit(pa: Any, kind: str, held: Any) -> str:
    """Why a column of this type cannot be what the form wants; "" when it can."""
    types = pa.types
    if _is_text(pa, held):
        return ""
    if kind in DECIMALS:
        if types.is_floating(held):
            return _FLOAT
        exact = types.is_integer(held) or types.is_decimal32(held) or types.is_decimal64(held)
        return "" if exact or types.is_decimal128(held) else f"is {held}: must be decimal128, whole numbers or text"
    wanted = {
        TEXT: (False, "text (a number loses leading zeros)"),
        DAY: (types.is_date(held), "a date or text"),
        INSTANT: (types.is_timestamp(held) and held.tz is not None, "a timestamp with a time zone, or text"),
        FLAG: (types.is_boolean(held), "true and false, or text"),
    }
    fits, words = wanted[kind]
    return "" if fits else f"is {held}: must be {words}"


def _check_sizes(metadata: Any) -> None:
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for j in range(group.num_columns):
            if group.column(j).total_uncompressed_size > CHUNK_MOST:
                raise unreadable(f"row group {i} is too large: write at most a few million rows into one")


def _words(pa: Any, column: Any) -> Words:
    """The words that these rows use: the dictionary of a row group may hold a word for each of its rows."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes, dictionary = column.indices.cast(pa.int32()).fill_null(BLANK).to_numpy(), column.dictionary
    if len(dictionary) > len(codes):
        codes, numbers = used(codes)
        dictionary = dictionary.take(pa.array(numbers))
    return trimmed(codes, _texts(pa, dictionary))


def _texts(pa: Any, dictionary: Any) -> list[str]:
    """What is not UTF-8 is shown with replacement marks, and refused where it stands."""
    try:
        words = dictionary.to_pylist()
    except UnicodeDecodeError:
        raw = dictionary.cast(pa.large_binary()).to_pylist()
        words = [None if word is None else word.decode("utf-8", "replace") for word in raw]
    return words if dictionary.null_count == 0 else [word or "" for word in words]


def _number(pa: Any, column: Any, kind: str) -> tuple[Ints, Bools]:
    """Integers of the kind's scale, and where the file's number is exactly that."""
    held, scale = column.type, 0
    if pa.types.is_integer(held):
        whole = column.cast(pa.decimal128(20, 0))
    else:
        scale = held.scale
        whole = column.cast(pa.decimal128(38, scale))
    # 128 bits, the low half first; a number beyond 64 bits is none of ours.
    halves = np.frombuffer(whole.buffers()[1], np.int64).reshape(-1, 2)[whole.offset : whole.offset + len(whole)]
    low, high = halves[:, 0], halves[:, 1]
    small = high == low >> 63
    most = 10 ** (WHOLE_DIGITS[kind] + DECIMALS[kind]) - 1
    values, fits = rescale(np.where(small, low, -1), scale, DECIMALS[kind], most)
    return values, fits & small
