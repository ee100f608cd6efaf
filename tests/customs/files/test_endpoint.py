"""`/customs/assessments/files`: sent, watched, fetched; only by its owner; never more than there is room for."""

from __future__ import annotations

import contextvars
import io
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import update

from core import accounts, clock, config, jobs
from core.accounts import Actor
from core.database import transaction
from customs import assessment_files
from customs.assessment_files import ROOM
from customs.assessments.files import run
from customs.models import AssessmentFile

LINES = b"hs,origin,day,value\n" + b"0202300090,BR,2026-02-01,1000.00\n" * 50 + b"9999999999,BR,2026-02-01,1.00\n"
PATH = "/api/v1/customs/assessments/files"


@dataclass
class Caller:
    """Somebody signed in."""

    app: Any
    actor: Actor
    token: str

    def send(self, raw: bytes = LINES, name: str = "lines.csv", key: str | None = None, **form: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        data = {**form, "file": (io.BytesIO(raw), name)}
        return alone(self.app.test_client().post, PATH, data=data, headers=headers)

    def get(self, file_id: str = "", rest: str = "", method: str = "get") -> Any:
        address = f"{PATH}/{file_id}{rest}" if file_id else PATH + rest
        return alone(
            getattr(self.app.test_client(), method), address, headers={"Authorization": f"Bearer {self.token}"}
        )


def alone(call: Any, *args: Any, **kwargs: Any) -> Any:
    """A request without the test's own application context, whose `g` it would share with the request before."""
    return contextvars.Context().run(call, *args, **kwargs)


def somebody(app: Any) -> Caller:
    actor = accounts.register(
        f"{uuid.uuid4().hex[:10]}@landfall.example", "a password of the tests", "Tester", ("consumer",)
    )
    return Caller(app, actor, accounts.issue_token(actor)[0])


@pytest.fixture
def caller(app: Any) -> Iterator[Caller]:
    with app.app_context():
        yield somebody(app)


def work(app: Any, files: int = 1) -> None:
    """Files are computed one after the other, so a worker that does not wait does one."""
    for _ in range(files):
        jobs.run_worker(app, wait=False)


def test_a_file_is_assessed_by_a_job(app: Any, caller: Caller) -> None:
    sent = caller.send()
    assert (sent.status_code, sent.json["status"], sent.json["rows"]) == (202, "queued", 51)
    assert sent.headers["Location"].endswith(sent.json["id"])
    early = caller.get(sent.json["id"], "/result")
    assert (early.status_code, early.json["code"]) == (409, "result_not_ready")
    work(app)
    done = caller.get(sent.json["id"]).json
    assert (done["status"], done["rows"], done["done"], done["failed"], done["percent"]) == ("done", 51, 51, 1, 100)
    assert done["result"]["totals"]["tax"] == "11073.00"
    table = caller.get(sent.json["id"], "/result?format=csv")
    assert table.mimetype == "text/csv"
    lines = table.data.decode().splitlines()
    assert (len(lines), lines[1].split(",")[4:7]) == (52, ["1003.00", "120.36", "12"])
    columns = parquet.read_table(pa.BufferReader(caller.get(sent.json["id"], "/result?format=parquet").data))
    assert columns.column("tax").null_count == 1
    errors = caller.get(sent.json["id"], "/errors").data.decode().splitlines()
    assert (errors[0], errors[1].split(",")[:3]) == ("row,field,code,message", ["51", "hs", "code_unknown"])


def test_parquet_in_and_csv_out(app: Any, caller: Caller) -> None:
    columns = {"hs": ["0202300090"], "origin": ["BR"], "day": ["2026-02-01"], "value": ["1000.00"]}
    raw = io.BytesIO()
    parquet.write_table(pa.table(columns), raw)
    sent = caller.send(raw.getvalue(), "lines.parquet", format="csv", route="general_trade", rates="USD=7.1")
    work(app)
    assert caller.get(sent.json["id"], "/result").data.decode().splitlines()[1].split(",")[4] == "1003.00"
    refused = caller.get(sent.json["id"], "/result?format=parquet")
    assert (refused.status_code, refused.json["code"]) == (409, "result_not_ready")


def test_the_same_file_gives_the_same_bytes(app: Any, caller: Caller) -> None:
    first, second = caller.send().json["id"], caller.send().json["id"]
    work(app, files=2)
    assert caller.get(first).json["result"] == caller.get(second).json["result"]
    assert caller.get(first, "/result").data == caller.get(second, "/result").data


def test_others_do_not_see_it(app: Any, caller: Caller) -> None:
    file_id, other = caller.send().json["id"], somebody(app)
    work(app)
    for rest, method in (("", "get"), ("/result", "get"), ("/errors", "get"), ("", "delete")):
        assert other.get(file_id, rest, method).status_code == 404
    assert other.get(rest="").json["items"] == []
    assert [row["id"] for row in caller.get(rest="?limit=5").json["items"]] == [file_id]


@pytest.mark.parametrize(
    ("raw", "form", "code"),
    [
        (b"hs,origin\n", {}, "file_columns_wrong"),
        (b"", {}, "file_unreadable"),
        (LINES, {"route": "services"}, "invalid_input"),
        (LINES, {"rates": "USD"}, "invalid_input"),
        (LINES, {"format": "xlsx"}, "invalid_input"),
        (LINES, {"colour": "red"}, "invalid_input"),
    ],
)
def test_what_cannot_be_assessed_is_refused_at_once(
    caller: Caller, raw: bytes, form: dict[str, str], code: str
) -> None:
    refused = caller.send(raw, **form)
    assert (refused.status_code, refused.json["code"], refused.content_type) == (422, code, "application/problem+json")
    assert caller.get(rest="").json["items"] == []
    assert [*(config.current().var / "assessments").glob("*")] == []


def test_a_file_is_needed(app: Any, caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {caller.token}"}
    for data in ({}, {"file": "not a file"}, {"file": [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]}):
        assert alone(app.test_client().post, PATH, data=data, headers=headers).status_code == 422
    assert alone(app.test_client().post, PATH, data={"file": (io.BytesIO(LINES), "a")}).status_code == 401


def test_too_large_is_413(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment_files, "SIZE_MOST", 1000)
    refused = caller.send()
    assert (refused.status_code, refused.json["code"]) == (413, "too_large")
    assert caller.send(key="k1").status_code == 413


def test_an_account_keeps_a_bounded_number(app: Any, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment_files, "FILES_MOST", 2)
    first = caller.send().json["id"]
    caller.send()
    refused = caller.send()
    assert (refused.status_code, refused.json["code"]) == (429, "files_full")
    assert somebody(app).send().status_code == 202
    assert caller.get(first, method="delete").status_code == 204
    assert caller.send().status_code == 202
    monkeypatch.setattr(assessment_files, "FILES_MOST", 20)
    monkeypatch.setattr(assessment_files, "BYTES_MOST", 2 * len(LINES) + 1)
    assert caller.send().status_code == 429


def test_a_full_disk_is_said_before_it_is_full(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.file_room.RESERVE", 1 << 60)
    refused = caller.send()
    assert (refused.status_code, refused.json["code"]) == (503, "storage_full")
    assert "Retry-After" in refused.headers


def test_a_repeated_request_makes_one_file(caller: Caller) -> None:
    first, again = caller.send(key="k1"), caller.send(key="k1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.data == again.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(caller.get(rest="").json["items"]) == 1
    assert caller.send(LINES + b"\n", key="k1").json["code"] == "idempotency_key_reused"
    assert caller.send(key="k1", route="cross_border_retail").json["code"] == "idempotency_key_reused"


class Killed(BaseException):
    """As if the process had gone."""


def test_a_killed_job_is_run_again_to_the_same_bytes(app: Any, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, killed = caller.send().json["id"], caller.send().json["id"]
    monkeypatch.setattr(run, "PIECE", 7)
    monkeypatch.setattr(assessment_files, "_TELL_SECONDS", 0.0)

    def dies(*_args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run, "_progress", dies)
        with pytest.raises(Killed):
            assessment_files.run(killed)
    assert caller.get(killed).json["status"] == "running"
    work(app, files=2)
    ours, other = caller.get(killed).json, caller.get(whole).json
    assert ours["status"] == "done"
    assert ours["result"] == other["result"]
    assert sorted(path.name for path in ROOM.folder(uuid.UUID(killed)).iterdir()) == ["errors", "lines", "result"]


def test_progress_is_written_down(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    file_id = caller.send().json["id"]
    monkeypatch.setattr(run, "PIECE", 10)
    monkeypatch.setattr(assessment_files, "_TELL_SECONDS", 0.0)
    seen = []
    real = assessment_files._Told.__call__

    def told(self: Any, progress: Any) -> None:
        real(self, progress)
        seen.append({name: caller.get(file_id).json[name] for name in ("status", "done", "rows", "percent")})

    monkeypatch.setattr(assessment_files._Told, "__call__", told)
    assessment_files.run(file_id)
    assert [row["done"] for row in seen] == [10, 20, 30, 40, 50, 51]
    assert all(row["status"] == "running" and row["rows"] == 51 for row in seen)


def test_a_file_that_kills_the_worker_is_given_up(caller: Caller) -> None:
    file_id = caller.send().json["id"]
    with transaction() as session:
        session.execute(update(AssessmentFile).values(runs=assessment_files.RUNS_MOST, status="running"))
    assessment_files.run(file_id)
    assert caller.get(file_id).json["status"] == "failed"
    assert caller.get(file_id, "/result").json["code"] == "file_failed"


def test_a_file_that_turns_out_unreadable_has_failed(app: Any, caller: Caller) -> None:
    file_id = caller.send().json["id"]
    ROOM.given(uuid.UUID(file_id)).write_bytes(b"PAR1 not any more")
    work(app)
    found = caller.get(file_id).json
    assert (found["status"], found["problem"]["code"]) == ("failed", "file_unreadable")


def test_a_removed_file_stops_its_job(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    file_id = caller.send().json["id"]
    monkeypatch.setattr(run, "PIECE", 10)
    monkeypatch.setattr(assessment_files, "_TELL_SECONDS", 0.0)
    real = run._progress

    def removed(*args: Any) -> Any:
        if caller.get(file_id).status_code == 200:
            caller.get(file_id, method="delete")
        return real(*args)

    monkeypatch.setattr(run, "_progress", removed)
    assessment_files.run(file_id)
    assert not ROOM.folder(uuid.UUID(file_id)).exists()


def test_what_is_old_goes(caller: Caller) -> None:
    old, young = caller.send().json["id"], caller.send().json["id"]
    past = clock.now() - timedelta(seconds=1)
    with transaction() as session:
        session.execute(update(AssessmentFile).where(AssessmentFile.id == uuid.UUID(old)).values(expires_at=past))
    assessment_files.forget()
    assert caller.get(old).status_code == 404
    assert not ROOM.folder(uuid.UUID(old)).exists()
    assert ROOM.folder(uuid.UUID(young)).exists()
    left = ROOM.folder(uuid.uuid4())
    left.mkdir()
    assessment_files.forget()
    assert left.exists()  # an upload may be under way
    os.utime(left, (0, 0))
    assessment_files.forget()
    assert not left.exists()


@pytest.fixture(autouse=True)
def _clean_folders() -> Iterator[None]:
    yield
    for path in Path(config.current().var, "assessments").glob("*"):
        ROOM.remove(uuid.UUID(path.name))
