"""A file of a hundred thousand listings brought into the catalogue, beside a bare COPY of the very rows it made.

The worker runs in a process of its own, so that the memory is its own. Three in four are goods of general trade under
forty codes, the others retail with all that a filing needs; texts are as long as merchants write them. The baseline
copies the rows, finished, into a table with the same columns, constraints and indexes, and validates nothing.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from bench import duty
from core.embedded_postgres import create_database, serving

ROWS = 100_000
ROOT = Path(__file__).parents[1]
TARGETS = {"rows/s": 5_000, "unchanged": 3.0, "MiB": 300}

NAMES = ("sku", "title_zh", "title_en", "description_zh", "description_en", "category", "hs", "origin", "route", "unit",
         "price", "net_weight_kg", "gross_weight_kg", "brand", "specification", "declaration_elements",
         "unit1_quantity", "net_content_quantity", "net_content_unit", "gtin", "establishment_no",
         "cold_chain")  # fmt: skip
_ZH = "谷饲一百二十天，真空包装，零下十八度冷链运输，批次可追溯，附检疫证书与原产地证明。"
_EN = "Grain fed for 120 days, vacuum packed, shipped at -18 C, traceable by lot, with health certificate and origin."
_ORIGINS = ("AU", "NZ", "UY", "AR", "CA", "CL")
_LOBSTER = "品牌类型=4; 制作或保存方法=冻; 状态=带壳; 拉丁名称=Homarus americanus; 个体重量=450克/只; 包装规格=1只/袋"


def write_listings(path: Path, rows: int = ROWS) -> None:
    """A file of listings, all of them good."""
    from customs.tariff import load_tariff

    tariff = load_tariff(duty.DATA)
    beef = [row["hs"] for row in tariff.rows if row["hs"].startswith(("0201", "0202")) and len(row["hs"]) == 10][:40]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(NAMES)
        writer.writerows(_lobster(n) if n % 4 == 3 else _beef(n, beef[n % len(beef)]) for n in range(rows))


def _beef(n: int, hs: str) -> list[str]:
    kilograms = f"{n % 40 / 2 + 0.5}"
    return [
        *(f"BEEF-{n:07d}", f"冷冻去骨牛肉 部位{n % 300} 规格{n}", f"Frozen boneless beef, cut {n % 300}, item {n}"),
        *(_ZH, _EN, "beef_boneless", hs, _ORIGINS[n % 6], "general_trade", "kg", _price(n), kilograms, kilograms),
        *(f"Brand {n % 500}", f"{kilograms}千克/箱", "", "", "", "", "", f"AU {n % 90:04d}", "true"),
    ]


def _lobster(n: int) -> list[str]:
    return [
        *(f"LOBSTER-{n:07d}", f"加拿大冷冻龙虾 450克 第{n}号", f"Canadian frozen lobster, 450 g, no. {n}"),
        *(_ZH, _EN, "lobster", "0306120000", "CA", "cross_border_retail", "piece", _price(n), "0.45", "0.6"),
        *(f"Brand {n % 500}", "450克/只", _LOBSTER, "0.45", "450", "g", "无", "", "true"),
    ]


def _price(n: int) -> str:
    return f"{n % 900 + 10}.{n % 100:02d}"


def work(import_id: str) -> None:
    """The worker's side: a process that has started, and the job."""
    from catalog.imports import job
    from shop.app import create_app

    with create_app().app_context():
        start, processor = time.perf_counter(), time.process_time()
        job.run(import_id)
        print(json.dumps([time.perf_counter() - start, time.process_time() - processor, _peak()]))


def _peak() -> float:
    """MiB this process has held at most."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def brought(app: Flask, seller: tuple[Any, Any], path: Path, rows: int) -> tuple[float, float, float]:
    """(seconds, seconds of the worker's processor, MiB at most resident) of bringing a file in. Raises RuntimeError
    when not every row was taken."""
    from catalog.imports import service
    from core.database import new_id

    with app.app_context(), path.open("rb") as file:
        wanted = service.Wanted("bench.csv")
        key = service.submit(*seller, new_id(), file, path.stat().st_size, wanted)["id"]
    command = [sys.executable, "-m", "bench.imports", key]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    with app.app_context():
        told = service.listing(seller[1], None, 1)[0]
    if told["status"] != "done" or told["created"] + told["unchanged"] != rows:
        raise RuntimeError(f"the file was not brought in: {told}")
    seconds, processor, mebibytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, processor, mebibytes


def copied(conninfo: str) -> float:
    """Seconds of a bare COPY of the rows of listings and of their versions, as they stand."""
    seconds = 0.0
    with psycopg.connect(conninfo) as connection, tempfile.TemporaryFile() as file:
        for table in ("listing", "listing_version"):
            connection.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")
            file.seek(0), file.truncate()
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as out:
                for block in out:
                    file.write(block)
            connection.commit()
            file.seek(0)
            start = time.perf_counter()
            with connection.cursor().copy(f"COPY bare_{table} FROM STDIN") as into:
                while block := file.read(1 << 16):
                    into.write(block)
            connection.commit()
            seconds += time.perf_counter() - start
            connection.execute(f"DROP TABLE bare_{table}")
    return seconds


def _seller() -> tuple[Any, Any]:
    """The account and the merchant of the bench."""
    from catalog import merchants
    from core import accounts

    who = accounts.register("bench-imports@landfall.example", "a password of the bench", "Bench")
    contact = {"name": "Bench", "phone": "13900000000"}
    application = {"registered_name": "Bench", "uscc": "91310115MA1K000016", "customs_code": "3122960A17"}
    applied = merchants.apply(who.id, {**application, "contact": contact})
    merchants.decide("bench", uuid.UUID(applied["id"]), "approve", "")
    return who.id, uuid.UUID(applied["id"])


def figures(rows: int, folder: Path) -> Iterator[duty.Figure]:
    from bench import house
    from shop.app import create_app

    lines = folder / "listings.csv"
    write_listings(lines, rows)
    with serving(folder) as cluster:
        create_database(cluster, "bench")
        os.environ.update(house.environment(cluster.url("bench"), folder))
        subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        app = create_app()
        with app.app_context():
            seller = _seller()
        new, processor, peak = brought(app, seller, lines, rows)
        again, _, peak_again = brought(app, seller, lines, rows)
        bare = statistics.median(copied(cluster.conninfo("bench")) for _ in range(3))
    name = f"import: {rows:,} listings by CSV"
    yield _figure(f"{name}, new, beside a bare COPY", rows / new, "rows/s", rows / bare)
    yield _figure(f"{name}, new, the worker's processor alone", rows / processor, "rows/s", rows / bare)
    yield _figure(f"{name}, unchanged, beside new", rows / again, "rows/s", rows / new)
    yield _figure(f"{name}, memory, beside what is allowed", max(peak, peak_again), "MiB", TARGETS["MiB"])


def _figure(name: str, value: float, unit: str, baseline: float) -> duty.Figure:
    return {"name": name, "value": round(value, 3), "unit": unit, "baseline": round(baseline, 3),
            "ratio": round(value / baseline, 3)}  # fmt: skip


def run(rows: int = ROWS) -> list[duty.Figure]:
    """Rows per second through reading, validation, compliance and storage, and the worker's memory."""
    with tempfile.TemporaryDirectory(prefix="landfall-bench-") as folder:
        Path(folder).chmod(0o711)
        return list(figures(rows, Path(folder)))


if __name__ == "__main__":
    work(sys.argv[1])
