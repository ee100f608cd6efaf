"""The people of a merchant: invited, in, and what each may do, asked of every route there is."""

import re
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from catalog import members, merchants, rights
from catalog.api.acting import task_of
from core import accounts
from core.accounts import Actor
from core.audit import AuditEntry
from core.database import db
from core.errors import Problem
from tests.catalog import builders
from tests.catalog.builders import Seller

BASE = "/api/v1/catalog"


def join(seller: Seller, role: str) -> Actor:
    """A fresh account that has been invited and has said yes."""
    person = builders.open_account("consumer")
    invitation = members.invite(seller.owner.id, seller.id, person.email, role)
    members.accept(person.id, uuid.UUID(invitation["id"]))
    return person


def test_a_person_is_invited_and_says_yes(client: Any, seller: Seller) -> None:
    person = builders.open_account("consumer")
    theirs = builders.bearer(person)
    body = {"email": person.email.upper(), "role": "stock_clerk"}
    made = client.post(f"{BASE}/manage/members", json=body, headers=seller.bearer)
    assert (made.status_code, made.get_json()["email"]) == (201, person.email)
    assert client.get(f"{BASE}/manage/lots", headers=theirs).status_code == 403
    waiting = client.get(f"{BASE}/invitations", headers=theirs).get_json()["items"]
    assert [row["merchant"]["id"] for row in waiting] == [str(seller.id)]
    accepted = client.post(f"{BASE}/invitations/{waiting[0]['id']}/accept", headers=theirs)
    assert (accepted.status_code, accepted.get_json()["role"]) == (200, "stock_clerk")
    assert client.get(f"{BASE}/manage/lots", headers=theirs).status_code == 200
    people = client.get(f"{BASE}/manage/members", headers=theirs).get_json()
    assert [(row["email"], row["role"]) for row in people["items"]] == [
        (seller.owner.email, "owner"),
        (person.email, "stock_clerk"),
    ]
    assert people["invitations"] == []
    assert client.get("/api/v1/me", headers=theirs).get_json()["merchant"]["role"] == "stock_clerk"
    assert client.post(f"{BASE}/invitations/{waiting[0]['id']}/accept", headers=theirs).status_code == 404


def test_nobody_is_taken_in_without_a_yes(client: Any, seller: Seller, other_seller: Seller) -> None:
    person = builders.open_account("consumer")
    invitation = members.invite(seller.owner.id, seller.id, person.email, "viewer")["id"]
    stranger = builders.bearer(builders.open_account("consumer"))
    for headers in (stranger, other_seller.bearer):
        assert client.post(f"{BASE}/invitations/{invitation}/accept", headers=headers).status_code == 404
        assert client.delete(f"{BASE}/invitations/{invitation}", headers=headers).status_code == 404
    assert client.delete(f"{BASE}/invitations/{invitation}", headers=builders.bearer(person)).status_code == 204
    again = members.invite(seller.owner.id, seller.id, person.email, "viewer")["id"]
    assert client.delete(f"{BASE}/invitations/{again}", headers=seller.bearer).status_code == 204
    assert members.invitations(person.id)["items"] == []


@pytest.mark.parametrize("case", ["unknown", "member", "other", "twice"])
def test_whom_one_cannot_invite(client: Any, seller: Seller, other_seller: Seller, case: str) -> None:
    person = builders.open_account("consumer")
    email = {"unknown": "nobody@landfall.example", "other": other_seller.owner.email}.get(case, person.email)
    body = {"email": email, "role": "viewer"}
    if case == "member":
        body["email"] = join(seller, "viewer").email
    if case == "twice":
        assert client.post(f"{BASE}/manage/members", json=body, headers=seller.bearer).status_code == 201
    answer = client.post(f"{BASE}/manage/members", json=body, headers=seller.bearer)
    expected = (422, "account_unknown") if case == "unknown" else (409, "merchant_exists")
    assert (answer.status_code, answer.get_json()["code"]) == expected


def test_a_rejected_applicant_may_join_another_merchant(seller: Seller) -> None:
    person = builders.open_account("consumer")
    own = uuid.UUID(merchants.apply(person.id, builders.application())["id"])
    merchants.decide("tests", own, "reject", "no licence")
    invitation = members.invite(seller.owner.id, seller.id, person.email, "viewer")
    members.accept(person.id, uuid.UUID(invitation["id"]))
    assert members.role_of(person.id) == "viewer"
    assert str(person.id) in {row["user_id"] for row in members.people(seller.id)["items"]}


def test_the_log_names_whose_invitation_was_withdrawn(seller: Seller) -> None:
    person = builders.open_account("consumer")
    invitation = members.invite(seller.owner.id, seller.id, person.email, "viewer")
    members.withdraw(seller.owner.id, uuid.UUID(invitation["id"]))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "invitation_withdrawn")).one()
    assert (entry.actor, entry.data["person"]) == (str(seller.owner.id), str(person.id))


def test_a_removed_member_is_refused_the_next_time(client: Any, seller: Seller) -> None:
    person = join(seller, "manager")
    theirs = builders.bearer(person)
    assert client.post(f"{BASE}/manage/listings", json=builders.retail(), headers=theirs).status_code == 201
    gone = client.delete(f"{BASE}/manage/members/{person.id}", headers=seller.bearer)
    assert gone.status_code == 204
    assert client.get(f"{BASE}/manage/listings", headers=theirs).status_code == 403
    assert client.post(f"{BASE}/manage/listings", json=builders.retail(), headers=theirs).status_code == 403
    assert client.get("/api/v1/me", headers=theirs).get_json()["merchant"] is None
    assert client.delete(f"{BASE}/manage/members/{person.id}", headers=seller.bearer).status_code == 404


def test_a_new_role_holds_from_the_next_request(client: Any, seller: Seller) -> None:
    person = join(seller, "manager")
    theirs = builders.bearer(person)
    path = f"{BASE}/manage/members/{person.id}"
    changed = client.patch(path, json={"role": "viewer"}, headers=seller.bearer)
    assert changed.get_json()["role"] == "viewer"
    refused = client.post(f"{BASE}/manage/listings", json=builders.retail(), headers=theirs)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "forbidden")
    assert client.get(f"{BASE}/manage/listings", headers=theirs).status_code == 200
    assert client.patch(path, json={"role": "owner"}, headers=theirs).status_code == 403
    assert client.patch(path, json={"role": "king"}, headers=seller.bearer).status_code == 422


def test_other_merchants_people_are_not_there(client: Any, seller: Seller, other_seller: Seller) -> None:
    person = join(seller, "viewer")
    path = f"{BASE}/manage/members/{person.id}"
    assert client.patch(path, json={"role": "owner"}, headers=other_seller.bearer).status_code == 404
    assert client.delete(path, headers=other_seller.bearer).status_code == 404
    assert members.role_of(person.id) == "viewer"


def test_a_merchant_keeps_an_owner(client: Any, seller: Seller) -> None:
    own = f"{BASE}/manage/members/{seller.owner.id}"
    for answer in (
        client.delete(own, headers=seller.bearer),
        client.delete(f"{BASE}/manage/members/me", headers=seller.bearer),
        client.patch(own, json={"role": "manager"}, headers=seller.bearer),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "last_owner")
    join(seller, "owner")
    assert client.delete(f"{BASE}/manage/members/me", headers=seller.bearer).status_code == 204


def test_anybody_may_leave(client: Any, seller: Seller) -> None:
    theirs = builders.bearer(join(seller, "viewer"))
    assert client.delete(f"{BASE}/manage/members/me", headers=theirs).status_code == 204
    assert client.get(f"{BASE}/manage/listings", headers=theirs).status_code == 403


def test_two_owners_who_remove_each_other_leave_one(app: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    other = join(seller, "owner")
    db.session.remove()
    start, outcomes = threading.Barrier(2), []

    def run(deed: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                deed()
                outcomes.append("done")
            except Problem as refused:
                outcomes.append(refused.code)

    deeds = [
        partial(members.remove, seller.owner.id, seller.id, other.id),
        partial(members.remove, other.id, seller.id, seller.owner.id),
    ]
    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "forbidden"]
    assert [row["role"] for row in members.people(seller.id)["items"]] == ["owner"]


def test_a_member_of_a_suspended_merchant_may_still_look(client: Any, seller: Seller) -> None:
    merchants.decide("tests", seller.id, "suspend", "because")
    theirs = builders.bearer(join(seller, "viewer"))
    assert client.get(f"{BASE}/manage/listings", headers=theirs).status_code == 200


def merchant_calls(app: Any) -> list[tuple[str, str, str]]:
    """Every call that acts for a merchant: method, path with made-up ids, task."""
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "merchant" not in view.access or not rule.rule.startswith("/api/"):
            continue
        path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        path = re.sub(r"<[^>]*>", str(uuid.UUID(int=7)), re.sub(r"<int:[^>]*>", "7", path))
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            found.append((method, path, task_of(view, method)))
    return found


@pytest.mark.parametrize("role", rights.MAY)
def test_every_route_asks_what_the_role_may_do(app: Any, client: Any, seller: Seller, role: str) -> None:
    """A viewer changes nothing, a clerk no listings; and the table is not stricter than it says."""
    headers = builders.bearer(join(seller, role))
    calls = merchant_calls(app)
    assert len(calls) > 30
    assert {task for _, _, task in calls} == set().union(*rights.MAY.values())
    for method, path, task in calls:
        if path.endswith("/members/me"):
            continue  # leaving would end the test; it is tested apart
        answer = client.open(path, method=method, headers=headers)
        refused = answer.status_code == 403
        assert refused == (task not in rights.MAY[role]), f"{role}: {method} {path} ({task}) -> {answer.status_code}"


def test_roles_go_from_more_to_less() -> None:
    owner, manager, clerk, viewer = rights.MAY.values()
    assert owner > manager > clerk > viewer
    assert tuple(rights.MAY) == ("owner", "manager", "stock_clerk", "viewer")


def test_an_account_that_is_locked_cannot_be_invited(seller: Seller) -> None:
    person = builders.open_account("consumer")
    accounts.set_active(person.id, False)
    with pytest.raises(Problem, match="no account"):
        members.invite(seller.owner.id, seller.id, person.email, "viewer")
