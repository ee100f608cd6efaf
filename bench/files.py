"""A file of ten million lines end to end, Parquet in and Parquet out, beside pyarrow reading and writing the columns.

Both run in processes of their own, so that the memory is theirs. Lines are those of `bench.duty.archive`; one in five
is in US dollars at a rate of its own, half of the insurances are not known. Times are of the clock, on all cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench import duty
from customs.assessments.files import PARQUET, Options, assess_file
from customs.tariff import Tariff, load_tariff

ROWS = 10_000_000
MILLION = 1_000_000
ROOT = Path(__file__).parents[1]
TARGETS = {"s": 30, "MiB": 1024}


def write_lines(path: Path, rows: int) -> None:
    """A file of lines as a trader's system exports them: typed columns, a million lines in a row group."""
    import pyarrow as pa
    from pyarrow import parquet

    tariff = load_tariff(duty.DATA)
    writer = None
    for start in range(0, rows, MILLION):
        table = pa.table(_columns(pa, tariff, min(MILLION, rows - start), start))
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _columns(pa: Any, tariff: Tariff, count: int, seed: int) -> dict[str, Any]:
    chance = np.random.default_rng(seed)
    batch = duty.archive(tariff, count)
    hs = [row["hs"] for row in tariff.rows]
    line, origin = tariff.codes.find(batch.code), chance.permutation(batch.origin)
    day = chance.permutation(batch.day) - 719_163
    dollars, insured = chance.random(count) < 0.2, chance.random(count) < 0.5
    value = np.where(dollars, batch.value // 10, batch.value)
    return {
        "hs": _coded(pa, line, hs),
        "origin": _coded(pa, origin, [word or "" for word in tariff.origins.alpha2]),
        "day": pa.array(day.astype(np.int32), pa.date32()),
        "value": _money(pa, value),
        "currency": _coded(pa, dollars.astype(np.int64), ["CNY", "USD"]),
        "exchange_rate": pa.array(["7.1"]).take(pa.array(np.zeros(count, np.int32), mask=~dollars)),
        "freight": _money(pa, value // 50),
        "insurance": _money(pa, np.where(insured, value // 300, -1)),
        "quantity": _money(pa, batch.value // 4000 + 1),
        "unit": _coded(pa, np.zeros(count, np.int64), ["kg"]),
        "origin_proof": pa.array(batch.proven),
        "at": pa.array((day * 86_400 + 4 * 3600) * 1_000_000, pa.timestamp("us", "UTC")),
    }


def _coded(pa: Any, codes: Any, words: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words)).cast(pa.string())


def _money(pa: Any, hundredths: Any) -> Any:
    """decimal128(18, 2); blank where below zero."""
    halves = np.zeros((len(hundredths), 2), np.int64)
    halves[:, 0] = np.maximum(hundredths, 0)
    given = pa.array(hundredths >= 0).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(halves), [given, pa.py_buffer(halves)])


def assess(lines: Path, folder: Path) -> None:
    """Our side: load the law, assess the file, write result and error report."""
    tariff = load_tariff(duty.DATA)
    outcome = assess_file(tariff, lines, folder / "result", folder / "errors", Options(), PARQUET)
    if outcome.failed > outcome.rows // 20:
        raise RuntimeError(f"{outcome.failed} of {outcome.rows} lines could not be assessed")


def copy(lines: Path, folder: Path) -> None:
    """The floor: the same columns read and written, nothing computed."""
    from pyarrow import parquet

    texts = ["hs", "origin", "currency", "unit"]
    with (
        parquet.ParquetFile(lines, read_dictionary=texts, pre_buffer=False) as file,
        parquet.ParquetWriter(folder / "copy", file.schema_arrow) as writer,
    ):
        for batch in file.iter_batches(batch_size=65_536):
            writer.write_batch(batch)


def peak() -> float:
    """MiB this process has held at most; getrusage would count what its parent held before the start."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def measured(what: str, lines: Path, folder: Path) -> tuple[float, float]:
    """(seconds, MiB at most resident) of one side in a fresh process."""
    command = [sys.executable, "-m", "bench.files", what, str(lines), str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    seconds, mebibytes = json.loads(done.stdout)
    return seconds, mebibytes


def figures(rows: int) -> Iterator[duty.Figure]:
    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        lines = Path(folder) / "lines.parquet"
        write_lines(lines, rows)
        ours, theirs = measured("assess", lines, Path(folder)), measured("copy", lines, Path(folder))
    for value, baseline, unit in zip(ours, theirs, TARGETS, strict=True):
        yield {"name": f"files: {rows:,} lines, Parquet to Parquet", "value": round(value, 3), "unit": unit,
               "baseline": round(baseline, 3), "ratio": round(value / baseline, 2)}  # fmt: skip


def run(rows: int = ROWS) -> list[duty.Figure]:
    """Seconds and memory, each with its baseline measured in the same run; nothing where pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ModuleNotFoundError:
        return []
    return list(figures(rows))


if __name__ == "__main__":
    start = time.perf_counter()
    {"assess": assess, "copy": copy}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps([time.perf_counter() - start, peak()]))
