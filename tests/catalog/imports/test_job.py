"""The job: killed and run again, beside others, and given up when it must be."""

from __future__ import annotations

import io
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from catalog import merchants
from catalog.imports import job, service, store
from catalog.imports.job import ROOM
from catalog.imports.service import Wanted
from catalog.models import Listing, ListingImport, ListingVersion
from core import clock
from core.audit import AuditEntry
from core.database import db, new_id, transaction
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.catalog.imports import worker
from tests.catalog.imports.files import GOODS, Brought, bring, csv_of, many, take

MORE = 60  # MiB that a file may take beside what the worker has anyway


def catalogue(seller: Seller) -> list[tuple[Any, ...]]:
    """What a merchant's listings say, without what no two runs share."""
    names = set(Listing.__table__.columns.keys()) - {"id", "merchant_id", "created_at"}
    columns = [Listing.__table__.columns[name] for name in sorted(names)]
    statement = select(*columns).where(Listing.merchant_id == seller.id).order_by(Listing.sku)
    return [tuple(map(repr, row)) for row in db.session.execute(statement)]


def mixed(count: int = 60) -> bytes:
    """Good rows, bad ones, and skus that stand twice, in chunks of ten and across them."""
    rows = [{**GOODS, "sku": f"M-{n % 50}", "price": "x" if n % 7 == 3 else f"{n + 1}.00"} for n in range(count)]
    return csv_of(*rows)


@pytest.mark.parametrize(("chunk", "when"), [(3, "before"), (3, "after")])
def test_killed_half_way_and_run_again(
    settings: Any, seller: Seller, other_seller: Seller, monkeypatch: pytest.MonkeyPatch, chunk: int, when: str
) -> None:
    monkeypatch.setattr(job, "CHUNK", 10)
    monkeypatch.setenv("IMPORT_CHUNK", "10")
    whole = bring(other_seller, mixed())
    key = take(seller, mixed())
    db.session.rollback()
    killed = worker.start(settings, key, chunk, when)
    assert killed.returncode == -9, killed.stderr
    half = Brought(seller, key)
    assert (half.status, half.done) == ("running", 10 * (chunk if when == "after" else chunk - 1))
    counted = select(func.count()).select_from(Listing).filter_by(merchant_id=seller.id)
    assert db.session.scalar(counted) == half.created
    job.run(str(key))
    again = Brought(seller, key)
    assert (again.status, again.counts, again.report) == ("done", whole.counts, whole.report)
    assert catalogue(seller) == catalogue(other_seller)
    mine = select(Listing.id).filter_by(merchant_id=seller.id)
    versions = select(func.count()).select_from(ListingVersion).where(ListingVersion.listing_id.in_(mine))
    assert db.session.scalar(versions) == whole.created
    audited = db.session.scalars(select(AuditEntry).filter_by(object_id=str(key))).all()
    assert sum(entry.data.get("created", 0) for entry in audited) == whole.created
    confirmed = [each for entry in audited for each in entry.data.get("codes", {}).get(GOODS["hs"], {})]
    assert len(confirmed) == len(set(confirmed)) == whole.created


def test_run_twice_it_does_nothing_the_second_time(seller: Seller) -> None:
    brought = bring(seller, many(5))
    before = catalogue(seller)
    job.run(str(brought.key))
    assert (Brought(seller, brought.key).told, catalogue(seller)) == (brought.told, before)


def at_once(app: Any, *keys: uuid.UUID) -> list[BaseException]:
    faults: list[BaseException] = []

    def work(key: uuid.UUID) -> None:
        with app.app_context():
            try:
                job.run(str(key))
            except BaseException as fault:
                faults.append(fault)

    db.session.rollback()
    threads = [threading.Thread(target=work, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def test_two_files_of_one_merchant_at_once(app: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their queue keeps them apart; where it did not, each sku would still be one listing."""
    monkeypatch.setattr(job, "CHUNK", 7)
    first, second = take(seller, many(100)), take(seller, many(100, start=50, price="99.00"))
    assert at_once(app, first, second) == []
    told = [Brought(seller, key) for key in (first, second)]
    assert [each.status for each in told] == ["done", "done"]
    assert sum(each.created for each in told) == 150
    assert sum(each.updated for each in told) == 50
    assert db.session.scalar(select(func.count()).select_from(Listing)) == 150


def test_one_file_run_twice_at_once_is_counted_once(app: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 5)
    key = take(seller, many(60))
    assert at_once(app, key, key, key) == []
    assert Brought(seller, key).counts == (60, 0, 0, 0)


def test_files_of_one_merchant_stand_in_one_queue(seller: Seller) -> None:
    assert job.lane(seller.id) == job.lane(seller.id)
    assert {job.lane(uuid.UUID(int=n)) for n in range(10)} == {job.lane(uuid.UUID(int=n)) for n in range(job.LANES)}


def test_a_listing_that_somebody_writes_meanwhile(app: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sku is taken between looking and writing: the chunk is tried again and finds it."""
    real, found = store._known, []

    def write_it() -> None:
        with app.app_context():
            builders.draft(seller, builders.general(sku="N-3"))

    def looked(*args: Any) -> Any:
        found.append(real(*args))
        if len(found) == 1:
            somebody = threading.Thread(target=write_it)
            somebody.start()
            somebody.join()
        return found[-1]

    monkeypatch.setattr(store, "_known", looked)
    brought = bring(seller, many(6))
    assert [len(known) for known in found] == [0, 1]
    assert brought.counts == (5, 1, 0, 0)


def test_a_merchant_that_is_suspended_meanwhile(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 5)
    real, written = store.write, []

    def write(*args: Any) -> Any:
        written.append(1)
        return real(*args)

    key = take(seller, many(20))
    merchants.decide("tests", seller.id, "suspend", "a test")
    monkeypatch.setattr(store, "write", write)
    job.run(str(key))
    brought = Brought(seller, key)
    assert (brought.status, brought.problem["code"], written) == ("failed", "merchant_not_approved", [])


def test_progress_is_told_after_each_chunk(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 10)
    key = take(seller, many(30))
    seen: list[dict[str, Any]] = []
    real = store.write

    def write(*args: Any) -> Any:
        with db.engine.connect() as other:
            row = other.execute(select(ListingImport).filter_by(id=key)).mappings().one()
            seen.append({name: row[name] for name in ("status", "done", "created", "rows")})
        return real(*args)

    monkeypatch.setattr(store, "write", write)
    job.run(str(key))
    assert [row["done"] for row in seen] == [0, 10, 20]
    assert all(row["status"] == "running" and row["rows"] == 30 for row in seen)
    told = Brought(seller, key)
    assert (told.percent, told.seconds_left) == (100, None)
    assert told.rate > 0


def test_a_file_that_kills_the_worker_is_given_up(seller: Seller) -> None:
    key = take(seller, many(3))
    with transaction() as session:
        session.execute(update(ListingImport).values(runs=job.RUNS_MOST, status="running"))
    job.run(str(key))
    brought = Brought(seller, key)
    assert (brought.status, brought.problem["code"]) == ("failed", "internal_error")


def test_a_fault_of_ours_is_tried_again_and_then_told(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> Any:
        raise ZeroDivisionError

    key = take(seller, many(3))
    monkeypatch.setattr(store, "write", broken)
    for run in range(job.ATTEMPTS):
        assert Brought(seller, key).status == ("queued" if run == 0 else "running")
        with pytest.raises(ZeroDivisionError):
            job.run(str(key))
    assert (Brought(seller, key).status, Brought(seller, key).counts) == ("failed", (0, 0, 0, 0))
    assert db.session.scalar(select(func.count()).select_from(Listing)) == 0


def test_a_file_that_turns_out_unreadable_has_failed(seller: Seller) -> None:
    key = take(seller, many(3))
    ROOM.given(key).write_bytes(b"sku,colour\n")
    job.run(str(key))
    assert (Brought(seller, key).status, Brought(seller, key).problem["code"]) == ("failed", "file_columns_wrong")


def test_a_file_that_is_gone_has_failed(seller: Seller) -> None:
    key = take(seller, many(3))
    ROOM.given(key).unlink()
    job.run(str(key))
    told = Brought(seller, key)
    assert (told.status, told.problem["code"]) == ("failed", "file_unreadable")
    assert "send it again" in told.problem["detail"]


def test_a_second_run_leaves_the_report_alone(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was believed dead wakes up with the place it read two chunks ago."""
    monkeypatch.setattr(job, "CHUNK", 5)
    clean = bring(seller, many(30, price="x")).report
    key = take(seller, many(30, price="x"))
    real, chunks = job._write, []

    def write(begun: Any, *rest: Any) -> None:
        chunks.append(begun)
        if len(chunks) == 3:
            with pytest.raises(job._Gone):
                job._bring_in(key, job._Run(begun.order, 0, 0))
        real(begun, *rest)

    monkeypatch.setattr(job, "_write", write)
    job.run(str(key))
    told = Brought(seller, key)
    assert (told.status, told.counts) == ("done", (0, 0, 0, 30))
    assert told.report == clean


def test_a_call_that_is_made_twice_leaves_the_file_of_the_first(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, key = many(3), new_id()
    real = job.ROOM.keep

    def first_goes_ahead(room: Any, *given: Any) -> Any:
        monkeypatch.undo()
        service.submit(seller.owner.id, seller.id, key, io.BytesIO(raw), len(raw), Wanted("goods.csv"))
        return real(*given)

    monkeypatch.setattr(type(ROOM), "keep", first_goes_ahead)
    with pytest.raises(IntegrityError):
        service.submit(seller.owner.id, seller.id, key, io.BytesIO(raw), len(raw), Wanted("goods.csv"))
    assert ROOM.given(key).read_bytes() == raw
    job.run(str(key))
    assert Brought(seller, key).counts == (3, 0, 0, 0)


def test_a_file_is_there_whole_or_not_at_all(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends it again while it is read takes nothing from the reader, and no connection is held meanwhile."""
    key = take(seller, many(3))
    before = ROOM.given(key).read_bytes()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert ROOM.given(key).read_bytes() == before
            return super().read(size)

    ROOM.keep(key, Slow(b"another"), 7)
    assert ROOM.given(key).read_bytes() == b"another"
    assert [path.name for path in ROOM.folder(key).iterdir()] == [ROOM.given_as]
    held = []
    real = service.open_source
    monkeypatch.setattr(service, "open_source", lambda path: held.append(db.session().in_transaction()) or real(path))
    take(seller, many(3))
    assert held == [False]


def test_the_file_goes_when_it_is_done_with_and_the_rest_when_it_is_old(seller: Seller) -> None:
    old, young = bring(seller, many(2, price="x")).key, bring(seller, many(2, price="x")).key
    assert not ROOM.given(old).exists()
    assert ROOM.errors(old).exists()
    with transaction() as session:
        past = clock.now() - timedelta(seconds=1)
        session.execute(update(ListingImport).where(ListingImport.id == old).values(expires_at=past))
    job.forget()
    assert (ROOM.errors(old).exists(), ROOM.errors(young).exists()) == (False, True)
    with pytest.raises(Problem):
        service.one(seller.id, old)


def test_a_long_report_ends(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.imports.report.SIZE_MOST", 2000)
    monkeypatch.setattr(job, "CHUNK", 5)
    brought = bring(seller, many(60, price="x"))
    assert brought.counts == (0, 0, 0, 60)
    assert brought.errors[-1]["message"].startswith("the report ends here")
    assert len(brought.report) < 5000


@pytest.mark.parametrize("rows", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_bad_rows_take_no_more_memory(settings: Any, seller: Seller, rows: int) -> None:
    """Every row is wrong in a way of its own; a worker holds no more for a million than for some thousand."""
    added, most = _memory(settings, seller, rows)
    assert added < MORE
    assert most < 300


def _memory(settings: Any, seller: Seller, rows: int) -> tuple[int, int]:
    names = [*GOODS]
    lines = [",".join(names)]
    lines += [",".join({**GOODS, "sku": f"X-{n}", "hs": f"{n:010d}", "brand": f"b{n}" * 9, "price": f"-{n}"}.values())
              for n in range(rows)]  # fmt: skip
    key = take(seller, "\n".join(lines).encode())
    db.session.rollback()
    done = worker.start(settings, key)
    assert done.returncode == 0, done.stderr
    assert Brought(seller, key).failed == rows
    added, most = map(int, done.stdout.splitlines()[-1].split())
    return added, most


@pytest.fixture(autouse=True)
def _no_files_left() -> Any:
    yield
    for path in ROOM.root.glob("*"):
        ROOM.remove(uuid.UUID(path.name))
