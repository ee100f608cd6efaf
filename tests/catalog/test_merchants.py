"""Who may sell: application, admission, suspension."""

import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from catalog import listings, merchants, policy
from catalog.models import Listing
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller

BASE = "/api/v1/catalog"


def apply(client: Any, headers: dict[str, str], **changes: Any) -> Any:
    return client.post(f"{BASE}/merchants", json=builders.application(**changes), headers=headers)


def decide(client: Any, operator: dict[str, str], merchant: str, decision: str, reason: str = "because") -> Any:
    return client.post(
        f"{BASE}/review/merchants/{merchant}", json={"decision": decision, "reason": reason}, headers=operator
    )


def test_from_application_to_selling(client: Any, operator: dict[str, str]) -> None:
    person = builders.bearer(builders.open_account("consumer"))
    answer = apply(client, person)
    assert (answer.status_code, answer.get_json()["status"]) == (201, "submitted")
    merchant = answer.get_json()["id"]
    assert client.get(f"{BASE}/merchants/{merchant}").status_code == 404
    assert client.get(f"{BASE}/manage/listings", headers=person).status_code == 403
    waiting = client.get(f"{BASE}/review/merchants", headers=operator).get_json()["items"]
    assert [each["id"] for each in waiting] == [merchant]
    assert decide(client, operator, merchant, "approve").get_json()["status"] == "approved"
    assert client.get(f"{BASE}/manage/listings", headers=person).status_code == 200
    assert client.get(f"{BASE}/manage/merchant", headers=person).get_json()["status"] == "approved"
    profile = client.get(f"{BASE}/merchants/{merchant}").get_json()
    assert set(profile) == {"id", "name", "uscc", "customs_code", "since"}


@pytest.mark.parametrize(
    "bad",
    [
        {"uscc": "91110000600037341A"},
        {"uscc": "9111000060003734"},
        {"uscc": "I1110000600037341L"},
        {"customs_code": "31229"},
        {"registered_name": ""},
        {"contact": {"phone": "13900000000"}},
        {"contact": 5},
        {"contact": {"name": "x", "fax": "1"}},
        {"status": "approved"},
        {"stripe_account": "acct_1"},
    ],
    ids=str,
)
def test_bad_applications_are_refused(client: Any, context: None, bad: dict[str, Any]) -> None:
    answer = apply(client, builders.bearer(builders.open_account("consumer")), **bad)
    assert answer.status_code == 422
    assert next(iter(bad)) in next(iter(answer.get_json()["errors"]))


def test_contact_may_be_a_plain_text(client: Any, context: None) -> None:
    answer = apply(client, builders.bearer(builders.open_account("consumer")), contact="张敏 13900000000")
    assert (answer.status_code, answer.get_json()["contact"]) == (201, "张敏 13900000000")


def foreign(**changes: Any) -> dict[str, Any]:
    agent = {"name": "上海代理有限公司", "uscc": builders.social_credit_code(), "customs_code": "3122960A17"}
    values = {"registered_name": "Fundy Bay Seafood Ltd", "country": "CA", "foreign_registration_no": "NS 334 455",
              "domestic_agent": agent}  # fmt: skip
    body = {**builders.application(), **values, **changes}
    del body["uscc"]
    return {name: value for name, value in body.items() if value is not None}


def test_a_foreign_company_sells_through_its_agent(client: Any, operator: dict[str, str]) -> None:
    person = builders.bearer(builders.open_account("consumer"))
    body = foreign()
    made = client.post(f"{BASE}/merchants", json=body, headers=person).get_json()
    assert (made["uscc"], made["country"], made["foreign_registration_no"]) == (None, "CA", "NS 334 455")
    assert made["domestic_agent"]["uscc"] == body["domestic_agent"]["uscc"]
    assert decide(client, operator, made["id"], "approve").get_json()["status"] == "approved"
    profile = client.get(f"{BASE}/merchants/{made['id']}").get_json()
    assert profile["domestic_agent"] == {name: body["domestic_agent"][name] for name in ("name", "uscc")}
    assert client.post(f"{BASE}/manage/listings", json=builders.retail(), headers=person).status_code == 201
    twin = client.post(
        f"{BASE}/merchants",
        json=foreign(foreign_registration_no="ns 334  455"),
        headers=builders.bearer(builders.open_account("consumer")),
    )
    assert (twin.status_code, twin.get_json()["code"]) == (409, "merchant_exists")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"country": "CN"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"country": None}, "country"),
        ({"foreign_registration_no": None}, "foreign_registration_no"),
        ({"domestic_agent": None}, "domestic_agent"),
        ({"domestic_agent": "an agent"}, "domestic_agent"),
        ({"domestic_agent": {"name": "an agent"}}, "domestic_agent"),
        ({"domestic_agent": {"name": "x", "uscc": "91110000600037341A"}}, "domestic_agent.uscc"),
    ],
    ids=str,
)
def test_a_foreign_application_that_lacks_something(
    client: Any, context: None, changes: dict[str, Any], field: str
) -> None:
    person = builders.bearer(builders.open_account("consumer"))
    answer = client.post(f"{BASE}/merchants", json=foreign(**changes), headers=person)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [field])


def test_an_application_has_one_registration(client: Any, context: None) -> None:
    person = builders.bearer(builders.open_account("consumer"))
    both = {**foreign(), "uscc": builders.social_credit_code()}
    neither = builders.application()
    del neither["uscc"]
    for body in (both, neither):
        answer = client.post(f"{BASE}/merchants", json=body, headers=person)
        assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["uscc"])


def test_where_a_merchant_is_paid_is_shown_by_its_end_only(client: Any, seller: Seller) -> None:
    path = f"{BASE}/manage/merchant"
    assert client.get(path, headers=seller.bearer).get_json()["payout"] is None
    bank = {"kind": "bank", "bank": "中国银行", "holder": "测试贸易有限公司", "account": "6217000012345678"}
    told = client.patch(path, json={"payout": bank}, headers=seller.bearer).get_json()["payout"]
    assert told == {**bank, "account": "…5678"}
    stripe = {"kind": "stripe", "account": "acct_1NvXyz"}
    told = client.patch(path, json={"payout": stripe}, headers=seller.bearer).get_json()["payout"]
    assert told == {"kind": "stripe", "account": "…vXyz"}
    for wrong in ({"kind": "stripe", "account": "6217000012345678"}, {"kind": "bank", "account": "6217000012345678"}):
        assert client.patch(path, json={"payout": wrong}, headers=seller.bearer).status_code == 422
    assert client.patch(path, json={"registered_name": "x"}, headers=seller.bearer).status_code == 422


def test_an_enterprise_is_one_merchant_however_its_code_is_typed(client: Any, context: None) -> None:
    code = builders.social_credit_code()
    first, second = (builders.bearer(builders.open_account("consumer")) for _ in range(2))
    assert apply(client, first, uscc=code).status_code == 201
    answer = apply(client, second, uscc=f"{code[:8].lower()} {code[8:].lower()}")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "merchant_exists")
    assert apply(client, first).status_code == 409


def test_a_refused_enterprise_may_apply_again(client: Any, operator: dict[str, str]) -> None:
    code, person = builders.social_credit_code(), builders.bearer(builders.open_account("consumer"))
    first = apply(client, person, uscc=code).get_json()["id"]
    assert decide(client, operator, first, "reject", "").status_code == 422
    assert decide(client, operator, first, "reject").get_json()["status"] == "rejected"
    assert decide(client, operator, first, "approve").status_code == 409
    assert apply(client, person, uscc=code).status_code == 201


def test_suspension_empties_the_shelves_at_once(client: Any, seller: Seller, operator: dict[str, str]) -> None:
    listing = builders.publish(seller, builders.retail())
    shown = lambda: len(client.get(f"{BASE}/listings").get_json()["items"])  # noqa: E731
    assert shown() == 1
    assert decide(client, operator, str(seller.id), "suspend").status_code == 200
    assert shown() == 0
    assert client.get(f"{BASE}/listings/{listing}").status_code == 404
    assert client.get(f"{BASE}/merchants/{seller.id}").status_code == 404
    refused = client.post(f"{BASE}/manage/listings", json=builders.retail(), headers=seller.bearer)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "merchant_not_approved")
    assert decide(client, operator, str(seller.id), "reinstate").status_code == 200
    assert shown() == 1


def test_a_suspension_meets_publications(app: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they interleave: nobody waits in a ring, and afterwards nothing of the merchant is on the shelf."""
    monkeypatch.setattr(db.engine.pool, "_timeout", 30)
    drafts = [builders.draft(seller, builders.retail()) for _ in range(12)]
    for draft in drafts:
        listings.move("tests", seller.id, draft, "submit")
    db.session.remove()
    start = threading.Barrier(len(drafts) + 1)
    faults: list[Exception] = []

    def run(deed: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                deed()
            except Exception as fault:
                faults.append(fault)

    deeds: list[Callable[[], object]] = [partial(listings.review, "tests", draft, "approve", "") for draft in drafts]
    deeds.append(partial(merchants.decide, "tests", seller.id, "suspend", "because"))
    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert {(row.status, row.shown) for row in db.session.query(Listing)} == {("published", False)}


def test_a_merchant_that_is_not_there(client: Any, operator: dict[str, str]) -> None:
    assert decide(client, operator, str(uuid.uuid4()), "approve").status_code == 404
    assert decide(client, operator, "x", "approve").status_code == 404
    assert client.get(f"{BASE}/merchants/{uuid.uuid4()}").status_code == 404


def test_the_terms_are_the_same_for_all(client: Any, context: None) -> None:
    answer = client.get(f"{BASE}/policy").get_json()
    assert answer == policy.text()
    assert {fee["code"] for fee in answer["fees"]} == {"listing", "placement", "commission"}
    assert {rule["code"] for rule in answer["rules"]} >= {
        "admission",
        "foreign",
        "people",
        "recall",
        "ranking",
        "suspension",
        "equal_terms",
    }
    assert all(entry["zh"] and entry["en"] for entry in answer["rules"] + answer["fees"])


def test_the_tree_has_the_seven_departments(client: Any, context: None) -> None:
    tree = client.get(f"{BASE}/categories").get_json()
    assert [node["name"]["en"] for node in tree] == [
        "Beef",
        "Mutton and lamb",
        "Aquatic products",
        "Other consumer goods",
        "Equipment and key components",
        "Services",
        "Resources",
    ]
    assert all(child["name"]["zh"] and child["children"] == [] for node in tree for child in node["children"])
