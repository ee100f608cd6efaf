"""`/catalog/manage/imports` and `/export`: sent, watched, fetched; only by the merchant's own people."""

from __future__ import annotations

import io
import uuid
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from catalog import members, merchants
from catalog.imports import service
from catalog.imports.columns import columns
from catalog.imports.job import ROOM
from catalog.models import Listing
from core import jobs
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller
from tests.catalog.imports.files import GOODS, csv_of, lines, many, xlsx_of

PATH = "/api/v1/catalog/manage/imports"
EXPORT = "/api/v1/catalog/manage/export"


def send(
    client: Any, who: Seller | None, raw: bytes, name: str = "goods.csv", key: str | None = None, **form: Any
) -> Any:
    headers = dict(who.bearer) if who else {}
    if key:
        headers["Idempotency-Key"] = key
    return client.post(PATH, data={**form, "file": (io.BytesIO(raw), name)}, headers=headers)


def get(client: Any, who: Seller, rest: str = "") -> Any:
    return client.get(PATH + rest, headers=who.bearer)


def test_a_file_is_brought_in_by_a_job(app: Any, client: Any, seller: Seller) -> None:
    sent = send(client, seller, csv_of(GOODS, {**GOODS, "sku": "B-1", "price": "-5"}))
    assert (sent.status_code, sent.json["status"], sent.json["rows"]) == (202, "queued", 2)
    assert sent.headers["Location"] == f"{PATH}/{sent.json['id']}"
    jobs.run_worker(app, wait=False)
    told = get(client, seller, f"/{sent.json['id']}").json
    expected = {
        "status": "done",
        "rows": 2,
        "done": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "failed": 1,
        "percent": 100,
    }
    assert {name: told[name] for name in expected} == expected
    assert (told["seconds_left"], told["problem"], told["preview"], told["submit"]) == (None, None, False, False)
    errors = get(client, seller, f"/{sent.json['id']}/errors")
    assert (errors.mimetype, errors.headers["Content-Disposition"].startswith("attachment")) == ("text/csv", True)
    header, fault = lines([errors.data])
    assert header[:4] == ["row", "field", "code", "message"]
    assert fault[:3] == ["2", "price", "invalid_input"]
    again = send(client, seller, csv_of(GOODS))
    jobs.run_worker(app, wait=False)
    assert get(client, seller, f"/{again.json['id']}").json["created"] == 0
    assert lines([get(client, seller, f"/{again.json['id']}/errors").data]) == [header]


def test_a_workbook_and_the_options(app: Any, client: Any, seller: Seller) -> None:
    looked = send(client, seller, xlsx_of(GOODS), "goods.xlsx", preview="1")
    handed = send(client, seller, xlsx_of(GOODS), "goods.xlsx", submit="1", preview="0")
    for _ in range(2):
        jobs.run_worker(app, wait=False)
    assert get(client, seller, f"/{looked.json['id']}").json["created"] == 1
    assert get(client, seller, f"/{handed.json['id']}").json["created"] == 1
    assert db.session.scalars(select(Listing.status)).all() == ["submitted"]
    items = get(client, seller, "?limit=1").json
    assert [item["id"] for item in items["items"]] == [handed.json["id"]]
    assert get(client, seller, f"?limit=1&cursor={items['next']}").json["items"][0]["id"] == looked.json["id"]


def test_others_do_not_see_it(client: Any, seller: Seller, other_seller: Seller) -> None:
    key = send(client, seller, many(2)).json["id"]
    for rest in (f"/{key}", f"/{key}/errors", f"/{uuid.uuid4()}", "/x"):
        assert get(client, other_seller, rest).status_code == 404
    assert get(client, other_seller).json["items"] == []
    assert client.get(f"{PATH}/{key}").status_code == 401


def test_who_may_send(client: Any, seller: Seller) -> None:
    assert send(client, None, many(1)).status_code == 401
    stranger = Seller(uuid.uuid4(), seller.owner, builders.bearer(builders.open_account("consumer")))
    assert send(client, stranger, many(1)).status_code == 403
    nobody = Seller(uuid.uuid4(), seller.owner, builders.bearer(builders.open_account("merchant")))
    for path in (PATH, EXPORT):
        assert client.get(path, headers=nobody.bearer).status_code == 403
    merchants.decide("tests", seller.id, "suspend", "a test")
    refused = send(client, seller, many(1))
    assert (refused.status_code, refused.json["code"]) == (409, "merchant_not_approved")
    assert client.get(EXPORT, headers=seller.bearer).status_code == 200


@pytest.mark.parametrize(
    ("raw", "form", "code"),
    [
        (b"", {}, "file_unreadable"),
        (b"sku,colour\n", {}, "file_columns_wrong"),
        (b"PK\x03\x04 no zip", {}, "file_unreadable"),
        (b"sku\n", {"preview": "yes"}, "invalid_input"),
        (b"sku\n", {"merchant_id": str(uuid.uuid4())}, "invalid_input"),
    ],
)
def test_what_cannot_be_taken_is_refused_at_once(client: Any, seller: Seller, raw: bytes, form: Any, code: str) -> None:
    refused = send(client, seller, raw, **form)
    assert (refused.status_code, refused.json["code"], refused.content_type) == (422, code, "application/problem+json")
    assert get(client, seller).json["items"] == []
    assert [*ROOM.root.glob("*")] == []


def test_a_file_is_needed(client: Any, seller: Seller) -> None:
    for data in (
        {},
        {"file": "text"},
        {"file": [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]},
        {"other": (io.BytesIO(b"x"), "a")},
    ):
        assert client.post(PATH, data=data, headers=seller.bearer).status_code == 422
    assert client.post(PATH, json={}, headers=seller.bearer).status_code == 422


def test_too_large_is_413(client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SIZE_MOST", 500)
    refused = send(client, seller, many(50))
    assert (refused.status_code, refused.json["code"]) == (413, "too_large")


def test_larger_than_other_bodies_may_be(client: Any, seller: Seller) -> None:
    raw = many(1) + b"\n" * (2 << 20)
    assert send(client, seller, raw).status_code == 202


def test_a_repeated_request_makes_one_import(client: Any, seller: Seller) -> None:
    first, again = send(client, seller, many(2), key="k1"), send(client, seller, many(2), key="k1")
    assert (first.status_code, again.data) == (202, first.data)
    assert len(get(client, seller).json["items"]) == 1
    assert send(client, seller, many(3), key="k1").json["code"] == "idempotency_key_reused"


def test_few_files_wait(client: Any, seller: Seller, other_seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "WAITING_MOST", 1)
    assert send(client, seller, many(2)).status_code == 202
    refused = send(client, seller, many(2))
    assert (refused.status_code, refused.json["code"]) == (429, "imports_full")
    assert send(client, other_seller, many(2)).status_code == 202


def test_a_full_disk_is_said_before_it_is_full(client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.file_room.RESERVE", 1 << 60)
    refused = send(client, seller, many(2))
    assert (refused.status_code, refused.json["code"]) == (503, "storage_full")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_template_says_the_rules_and_is_itself_an_import(
    app: Any, client: Any, seller: Seller, language: str
) -> None:
    blank = get(client, seller, f"/template.csv?language={language}")
    header, rules, example = lines([blank.data])
    assert len(header) == len(rules) == len(example) == len(columns())
    assert header[0] == ("sku" if language == "en" else "货号")
    assert all(rules)
    assert rules[0].startswith("# ")
    book = openpyxl.load_workbook(io.BytesIO(get(client, seller, f"/template.xlsx?language={language}").data))
    form, told = book.worksheets
    assert [cell.value for cell in form[1]] == header
    assert told.max_row == len(columns()) + 1
    sent = [
        send(client, seller, blank.data),
        send(client, seller, get(client, seller, "/template.xlsx").data, "t.xlsx"),
    ]
    for answer in sent:
        assert answer.status_code == 202
        jobs.run_worker(app, wait=False)
    assert [get(client, seller, f"/{answer.json['id']}").json["done"] for answer in sent] == [0, 0]
    assert get(client, seller, "/template.pdf").status_code == 404


def test_the_example_of_the_template_is_good(app: Any, client: Any, seller: Seller) -> None:
    header, _, example = lines([get(client, seller, "/template.csv").data])
    row = dict(zip(header, example, strict=True))
    sent = send(client, seller, csv_of({**row, "sku": row["sku"].removeprefix("# ")}), submit="1")
    jobs.run_worker(app, wait=False)
    told = get(client, seller, f"/{sent.json['id']}")
    assert told.json["created"] == 1, get(client, seller, f"/{sent.json['id']}/errors").data.decode()


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_all_listings_come_out(client: Any, seller: Seller, other_seller: Seller, file_format: str) -> None:
    builders.draft(seller, builders.general(sku="=1+1", title={"zh": "牛肉", "en": "@SUM(A1)"}))
    builders.draft(seller, builders.retail(sku="R-1"))
    builders.draft(other_seller, builders.general(sku="THEIRS"))
    out = client.get(f"{EXPORT}?format={file_format}", headers=seller.bearer)
    if file_format == "csv":
        rows = lines([out.data])
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(out.data)).worksheets[0]
        rows = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    named = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [row["sku"] for row in named] == ["'=1+1", "R-1"]
    assert named[0]["title_en"] == "'@SUM(A1)"
    assert {name: named[1][name] for name in ("price", "unit1_quantity", "net_content_unit", "cold_chain")} == {
        "price": "168.00", "unit1_quantity": "0.45", "net_content_unit": "g", "cold_chain": "true"}  # fmt: skip
    assert client.get(f"{EXPORT}?format=pdf", headers=seller.bearer).status_code == 422


def test_an_export_of_more_than_a_sheet(client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        builders.draft(seller, builders.general(sku=f"S-{n}"))
    monkeypatch.setattr("catalog.imports.xlsx_writer.ROWS_MOST", 3)
    refused = client.get(f"{EXPORT}?format=xlsx", headers=seller.bearer)
    assert (refused.status_code, refused.json["code"]) == (422, "too_many_for_xlsx")
    assert len(lines([client.get(EXPORT, headers=seller.bearer).data])) == 4


def test_an_export_is_of_one_moment(client: Any, seller: Seller) -> None:
    """What is written while it is read is not in it, and nobody waits."""
    for n in range(3):
        builders.draft(seller, builders.general(sku=f"S-{n}"))
    answer = client.get(EXPORT, headers=seller.bearer, buffered=False)
    builders.draft(seller, builders.general(sku="LATER"))
    assert "LATER" not in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count()).select_from(Listing)) == 4


@pytest.mark.parametrize(("role", "status"), [("manager", 202), ("stock_clerk", 403), ("viewer", 403)])
def test_only_who_keeps_the_goods_sends(client: Any, seller: Seller, role: str, status: int) -> None:
    person = builders.open_account("consumer")
    invitation = members.invite(seller.owner.id, seller.id, person.email, role)
    members.accept(person.id, uuid.UUID(invitation["id"]))
    theirs = Seller(seller.id, person, builders.bearer(person))
    assert send(client, theirs, many(1)).status_code == status
    assert get(client, theirs).status_code == 200


@pytest.fixture(autouse=True)
def _no_files_left() -> Any:
    yield
    for path in ROOM.root.glob("*"):
        ROOM.remove(uuid.UUID(path.name))
