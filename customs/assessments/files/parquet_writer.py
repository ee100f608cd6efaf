"""Answers as Parquet: amounts as decimal128(18, 2), texts dictionary-coded, the edition in the file's metadata; and the
same file as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from customs.assessments.files import csv_writer
from customs.assessments.files.columns import Words
from customs.assessments.files.layout import AMOUNTS, RESULT
from customs.assessments.files.problems import extra_missing
from customs.assessments.files.result import Money, Result, shown

PIECE = 65_536


class ParquetWriter:
    """The result as Parquet. Raises Problem archive_extra_missing."""

    def __init__(self, path: Path, edition: str) -> None:
        self._arrow, parquet = _pyarrow()
        self._schema = _schema(self._arrow).with_metadata({"edition": edition})
        texts = [field.name for field in self._schema if field.name != "row" and field.name not in AMOUNTS]
        self._writer = parquet.ParquetWriter(path, self._schema, use_dictionary=texts, store_decimal_as_integer=True)

    def write(self, result: Result) -> None:
        columns = [_array(self._arrow, column) for column in shown(result).values()]
        self._writer.write_batch(self._arrow.record_batch(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def as_csv(path: Path) -> Iterator[bytes]:
    """A result in Parquet as the bytes the CSV writer would have written, piece by piece."""
    arrow, parquet = _pyarrow()
    yield csv_writer.header(RESULT)
    with parquet.ParquetFile(path, read_dictionary=list(RESULT), pre_buffer=False, buffer_size=1 << 20) as file:
        for batch in file.iter_batches(batch_size=PIECE):
            yield csv_writer.rows({name: _column(arrow, batch.column(name)) for name in RESULT})


def check_extra() -> None:
    """Raises Problem archive_extra_missing where Parquet can be neither read nor written."""
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise extra_missing() from None
    return pyarrow, parquet


def _schema(pa: Any) -> Any:
    text, money = pa.dictionary(pa.int32(), pa.string()), pa.decimal128(18, 2)
    kinds = {"row": pa.int64(), **dict.fromkeys(AMOUNTS, money)}
    return pa.schema([(name, kinds.get(name, text)) for name in RESULT])


def _array(pa: Any, column: Any) -> Any:
    if isinstance(column, Words):
        codes = pa.array(column.codes, mask=column.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string()))
    if isinstance(column, Money):
        return _decimals(pa, column)
    return pa.array(column)


def _decimals(pa: Any, column: Money) -> Any:
    """128 bits each, the low half first; fen are never negative."""
    halves = np.zeros((len(column.fen), 2), np.int64)
    halves[:, 0] = column.fen
    valid = None if column.given.all() else pa.array(column.given).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(halves), [valid, pa.py_buffer(halves)])


def _column(pa: Any, column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        return Words(column.indices.fill_null(-1).to_numpy(), column.dictionary.to_pylist())
    if pa.types.is_decimal128(column.type):
        given = column.is_valid().to_numpy(zero_copy_only=False)
        halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)
        fen = halves[column.offset : column.offset + len(column), 0]
        return Money(np.where(given, fen, 0), given)
    return column.to_numpy()
