"""Receipts that speak of nothing we know: nothing happens, a person looks (F38)."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from core.database import db
from core.errors import Problem
from customs import receipts
from customs.models import WindowReceipt
from customs.quarantine import deciding, views
from customs.quarantine.views import Filter
from tests.customs.desk.builders import Caller, at, documents, message, receipt, status_of
from tests.customs.desk.test_filing import INVT, listed, take
from tests.customs.desk.window import FakeWindow


def about(cop_no: str, status: str = "800", second: int = 9, **more: str) -> bytes:
    said = {"copNo": cop_no, "preNo": "B" + "0" * 17, **more}
    return message(
        "622", "InventoryReturn", {**said, "returnStatus": status, "returnTime": at(second), "returnInfo": "said"}
    )


def only() -> dict[str, Any]:
    rows = views.listing(Filter(), 10)
    db.session.rollback()
    assert len(rows) == 1
    return rows[0]


def test_an_unknown_document_changes_nothing_and_is_listed(app: Any, window: FakeWindow) -> None:
    found = listed(window)
    take(about("SOMEBODY-ELSE"))
    assert status_of(found) == "filed"
    row = only()
    assert (row["reason"], row["info"], row["key"]["copNo"]) == (
        "speaks of no document we have sent",
        "said",
        "SOMEBODY-ELSE",
    )
    desk = Caller(app, "operator")
    page = desk.get("/customs/quarantine?number=SOMEBODY-ELSE").get_json()
    assert [each["id"] for each in page["items"]] == [row["id"]]
    assert desk.get("/customs/quarantine?number=OTHER").get_json()["items"] == []
    assert desk.get(f"/customs/quarantine/{row['id']}").get_json()["candidates"] == []


def test_a_person_binds_it_to_the_document_it_means(app: Any, window: FakeWindow) -> None:
    found = listed(window)
    take(about("OUR-OLD-NUMBER", invtNo=INVT))
    row = only()
    desk = Caller(app, "customs")
    document = documents(found)["621"]
    path = f"/customs/quarantine/{row['id']}"
    paper = documents(found)["311"]
    assert desk.get(path).get_json()["candidates"] == []
    sought = desk.get(f"{path}?number=LF2611230001").get_json()["candidates"]
    assert [each["document"] for each in sought] == [str(document.id)]
    wrong = desk.post(f"{path}/bind", {"document": str(paper.id), "reason": "r"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (409, "receipt_kind")
    assert desk.post(f"{path}/bind", {"document": str(uuid.uuid4()), "reason": "r"}).status_code == 404
    assert desk.post(f"{path}/bind", {"document": str(document.id)}).status_code == 422
    assert desk.post(f"{path}/bind", {"document": str(document.id), "reason": "asked the port"}).status_code == 202
    receipts.apply_receipts()
    assert status_of(found) == "released"
    assert views.listing(Filter(), 10) == []
    db.session.rollback()


def test_tried_again_when_its_document_is_known(window: FakeWindow) -> None:
    take(about("LF2611230001"))
    found = listed(window)
    assert status_of(found) == "filed"
    assert deciding.try_all_again("desk") == 1
    receipts.apply_receipts()
    assert status_of(found) == "released"


def test_set_aside_it_waits_no_more_and_is_kept(app: Any, window: FakeWindow) -> None:
    take(about("SOMEBODY-ELSE"))
    row = only()
    desk = Caller(app, "operator")
    assert desk.post(f"/customs/quarantine/{row['id']}/set-aside", {}).status_code == 422
    answer = desk.post(f"/customs/quarantine/{row['id']}/set-aside", {"reason": "another platform's"})
    assert answer.status_code == 200
    assert desk.get("/customs/quarantine").get_json()["items"] == []
    aside = desk.get("/customs/quarantine?state=set_aside").get_json()["items"]
    assert [(each["id"], each["reason"]) for each in aside] == [(row["id"], "another platform's")]
    take(about("SOMEBODY-ELSE"))  # told again it stays where it was put
    state = db.session.scalars(select(WindowReceipt.state)).one()
    db.session.rollback()
    assert state == "set_aside"


def test_what_is_applied_is_not_in_quarantine(window: FakeWindow) -> None:
    found = listed(window)
    take(receipt(found, "621", "120", at(5), invtNo=INVT))
    applied = db.session.scalars(select(WindowReceipt.id).where(WindowReceipt.state == "applied")).first()
    db.session.rollback()
    for step in (
        lambda: deciding.try_again(applied, "desk"),
        lambda: deciding.set_aside(applied, "desk", "r"),
        lambda: views.one(applied),
    ):
        with pytest.raises(Problem) as refusal:
            step()
        db.session.rollback()
        assert refusal.value.code == "not_found"


def test_the_desk_and_operators_only(app: Any, window: FakeWindow) -> None:
    take(about("SOMEBODY-ELSE"))
    row = only()
    for role in ("consumer", "merchant"):
        caller = Caller(app, role)
        for answer in (
            caller.get("/customs/quarantine"),
            caller.get(f"/customs/quarantine/{row['id']}"),
            caller.post("/customs/quarantine/again"),
            caller.post(f"/customs/quarantine/{row['id']}/again"),
            caller.post(f"/customs/quarantine/{row['id']}/set-aside", {"reason": "r"}),
        ):
            assert answer.status_code == 403
    assert Caller(app).get("/customs/quarantine").status_code == 401


def test_from_a_shell(app: Any, window: FakeWindow) -> None:
    run = app.test_cli_runner().invoke
    command = next(each for each in app.cli.commands.values() if each.name == "window")
    assert run(command, ["quarantine"]).output == "no receipts\n"
    take(about("SOMEBODY-ELSE"), about("ANOTHER"))
    listed_now = run(command, ["quarantine", "--number", "ANOTHER"])
    assert (listed_now.exit_code, "copNo=ANOTHER" in listed_now.output) == (1, True)
    chosen = listed_now.output.split()[0]
    assert run(command, ["quarantine", "set-aside", chosen, "--reason", "not ours"]).output == "set aside\n"
    assert "1 receipts" in run(command, ["quarantine"]).output
    assert run(command, ["quarantine", "again", "--all"]).output == "1 tried again\n"
    assert run(command, ["quarantine", "again"]).exit_code == 2
    assert run(command, ["quarantine", "again", str(uuid.uuid4())]).exit_code == 1


def test_what_lies_ahead_is_not_applied_whoever_asks(window: FakeWindow) -> None:
    """Applied, it would make every later receipt an older one."""
    found = listed(window)
    take(receipt(found, "621", "2", "20281123120000000"))
    row = only()
    for ask in (
        lambda: deciding.try_again(uuid.UUID(row["id"]), "desk"),
        lambda: deciding.bind(uuid.UUID(row["id"]), documents(found)["621"].id, "desk", "x"),
    ):
        ask()
        receipts.apply_receipts()
        assert only()["reason"] == receipts.AHEAD
    take(receipt(found, "621", "800", at(9), invtNo=INVT))
    assert status_of(found) == "released"
