"""The memory stays flat: three hundred thousand rows take little more than half of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BOUND = 320  # MiB: Python, NumPy and the law take about half of it
_PROGRAM = """
import sys
from pathlib import Path
from customs.assessments.files import Options, assess_file
from customs.tariff import load_tariff
lines, folder = Path(sys.argv[1]), Path(sys.argv[2])
outcome = assess_file(load_tariff(Path("customs/data")), lines, folder / "result", folder / "errors", Options())
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(outcome.rows, outcome.failed, int(status["VmHWM"].split()[0]) // 1024)
"""


def _peak(folder: Path, rows: int) -> int:
    """MiB held at most, in a process of its own."""
    lines = folder / "lines.csv"
    with lines.open("w") as file:
        file.write("hs,origin,day,value,currency,exchange_rate,quantity,unit\n")
        for n in range(rows):
            day = f"2026-{n % 9 + 1:02d}-{n % 28 + 1:02d}"
            hs = ("0202300090", "03038920", "0306120000", "9999999999")[n % 4]
            file.write(f"{hs},{('BR', 'AU', 'NZ')[n % 3]},{day},{n}.{n % 100:02d},USD,7.1,{n + 1},kg\n")
    command = [sys.executable, "-c", _PROGRAM, str(lines), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assessed, failed, peak = map(int, done.stdout.split())
    assert (assessed, failed) == (rows, rows // 4)
    return peak


def test_the_memory_stays_flat(tmp_path: Path) -> None:
    half, whole = _peak(tmp_path, 150_000), _peak(tmp_path, 300_000)
    assert whole < BOUND
    assert whole < half + 40
