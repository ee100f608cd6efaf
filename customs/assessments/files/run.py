"""A whole file: read, assessed and written piece by piece, with progress; the same file and edition, the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core.errors import invalid
from core.money import fen_text
from customs.assessments.files.assessor import Assessor
from customs.assessments.files.columns import Piece
from customs.assessments.files.csv_writer import CsvWriter, ErrorWriter
from customs.assessments.files.options import CSV, Options
from customs.assessments.files.orders import whole_orders
from customs.assessments.files.parquet_writer import ParquetWriter
from customs.assessments.files.result import Result, Totals
from customs.assessments.files.source import PIECE, Progress, Source, open_source
from customs.assessments.request import RETAIL
from customs.tariff import Tariff
from customs.tariff.problems import CURRENCY_UNKNOWN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out: counts, sums in fen by `layout.AMOUNTS`, the edition, and the result's digest and size.
    `one_by_one` counts the rows that the columns could not answer."""

    rows: int
    failed: int
    totals: dict[str, int]
    edition: str
    sha256: str
    size: int
    one_by_one: int

    def to_dict(self) -> dict[str, Any]:
        """As published."""
        return {
            "rows": self.rows,
            "failed": self.failed,
            "totals": {name: fen_text(fen) for name, fen in self.totals.items()},
            "edition": self.edition,
            "sha256": self.sha256,
            "size": self.size,
        }


def assess_file(
    tariff: Tariff,
    path: Path,
    result: Path,
    errors: Path,
    options: Options,
    form: str = CSV,
    told: Callable[[Progress], object] = lambda _progress: None,
) -> Outcome:
    """Assess every row of a file into `result` (in the given form) and `errors`, which stand there when all is done.

    `told` hears after each piece how far it is. Raises Problem file_unreadable, file_columns_wrong,
    archive_extra_missing or currency_unknown.
    """
    _check_rates(tariff, options)
    source = open_source(path)
    assessor, totals = Assessor(tariff, options), Totals()
    drafts = [each.with_name(f".{each.name}.draft") for each in (result, errors)]
    with ExitStack() as stack:
        for draft in drafts:
            stack.callback(draft.unlink, missing_ok=True)
        made = stack.enter_context(closing(_writer(form, drafts[0], tariff.edition)))
        faults = stack.enter_context(closing(ErrorWriter(drafts[1])))
        with _Behind(made.write, faults.write) as behind:
            for piece in _pieces(source, options):
                answers = assessor.assess(piece)
                totals.add(answers)
                behind.write(answers)
                told(_progress(source, piece, totals))
        made.close()
        faults.close()
        digest = _digest(drafts[0])
        for draft, final in zip(drafts, (result, errors), strict=True):
            draft.replace(final)
    return Outcome(totals.rows, totals.failed, totals.amounts, tariff.edition, digest, result.stat().st_size,
                   assessor.one_by_one)  # fmt: skip


class _Behind:
    """Writes in a thread of its own while the next piece is assessed; one piece is held at most."""

    def __init__(self, *writers: Callable[[Result], object]) -> None:
        self._writers = writers
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def write(self, result: Result) -> None:
        self._wait()
        self._last = self._thread.submit(self._write, result)

    def _write(self, result: Result) -> None:
        for writer in self._writers:
            writer(result)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        self._thread.shutdown(wait=True)
        if kind is None:
            self._wait()


def _check_rates(tariff: Tariff, options: Options) -> None:
    for currency in options.rates:
        if currency not in tariff.currencies:
            raise invalid("rates", f"{currency}: no such currency (currencies.csv)", CURRENCY_UNKNOWN)


def _writer(form: str, path: Path, edition: str) -> Any:
    return (CsvWriter if form == CSV else ParquetWriter)(path, edition)


def _pieces(source: Source, options: Options) -> Iterator[Piece]:
    pieces = source.pieces(PIECE)
    return whole_orders(pieces) if options.route == RETAIL else pieces


def _progress(source: Source, piece: Piece, totals: Totals) -> Progress:
    percent = 100 * piece.position // max(source.size, 1)
    return Progress(totals.rows, totals.failed, max(source.rows, totals.rows), min(percent, 100))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
