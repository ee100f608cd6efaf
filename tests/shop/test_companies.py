"""The company an account buys for, verified as it was read."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shop import (
    companies,
)
from tests.shop import builders, trade
from tests.shop.trade import refused

API = "/api/v1/shop"


def test_a_company_is_verified_as_it_was_read(context: None) -> None:
    actor = trade.company_account(verified=False)
    told = companies.own(actor.id)
    company_id = uuid.UUID(told["id"])
    assert (told["status"], told["version"]) == ("submitted", 1)
    again = companies.put(actor.id, told["registered_name"], told["uscc"])
    assert again == told, "told again as it is, nothing changes"
    other = companies.put(actor.id, "另一企业有限公司", trade.credit_code())
    refused("company_changed", lambda: companies.decide("op", company_id, "verify", "x", told["version"]))
    assert companies.decide("op", company_id, "verify", "x", other["version"])["status"] == "verified"
    refused("wrong_state", lambda: companies.decide("op", company_id, "reject", "x", other["version"]))
    assert companies.put(actor.id, "第三企业有限公司", other["uscc"])["status"] == "submitted", "looked at anew"


def test_a_suspended_company_cannot_free_itself(context: None) -> None:
    actor = trade.company_account()
    told = companies.own(actor.id)
    companies.decide("op", uuid.UUID(told["id"]), "suspend", "asked by the office", told["version"])
    refused("wrong_state", lambda: companies.put(actor.id, "新名称有限公司", told["uscc"]))
    assert companies.put(actor.id, told["registered_name"], told["uscc"])["status"] == "suspended"


@pytest.mark.parametrize(
    "uscc", ["91310000000000001", "913100000000000010", "９１３１００００MA1FL1LM85", "x" * 41, ""]
)
def test_a_wrong_credit_code_is_refused(client: Any, context: None, uscc: str) -> None:
    headers = builders.token_of(builders.open_account("consumer"))
    answer = client.put("/api/v1/me/company", json={"registered_name": "企业", "uscc": uscc}, headers=headers)
    assert answer.status_code == 422
    assert "uscc" in answer.get_json()["errors"]


def test_companies_over_http(client: Any, context: None) -> None:
    actor, operator = builders.open_account("consumer"), builders.open_account("operator")
    mine, theirs = builders.token_of(actor), builders.token_of(operator)
    assert client.get("/api/v1/me/company", headers=mine).status_code == 404
    told = client.put(
        "/api/v1/me/company", json={"registered_name": "企业", "uscc": trade.credit_code()}, headers=mine
    ).get_json()
    assert client.get(f"{API}/companies", headers=mine).status_code == 403
    listed = client.get(f"{API}/companies", headers=theirs).get_json()["items"]
    assert [row["id"] for row in listed] == [told["id"]]
    verdict = {"decision": "verify", "reason": "licence seen", "version": told["version"]}
    assert client.post(f"{API}/companies/{told['id']}", json=verdict, headers=mine).status_code == 403
    assert client.post(f"{API}/companies/{told['id']}", json=verdict, headers=theirs).get_json()["status"] == "verified"
    assert client.get("/api/v1/me/company", headers=mine).get_json()["status"] == "verified"


def test_an_operator_sees_who_else_has_the_code(context: None) -> None:
    first = trade.company_account()
    told = companies.own(first.id)
    other = builders.open_account("consumer")
    companies.put(other.id, told["registered_name"], told["uscc"])
    assert _others("submitted") == [(1, 0)]
    companies.decide("op", uuid.UUID(told["id"]), "suspend", "fraud", told["version"])
    assert _others("submitted") == [(0, 1)]
    assert _others("suspended") == [(0, 0)], "itself is no other"


def _others(status: str) -> list[tuple[int, int]]:
    return [(row["also_verified"], row["also_suspended"]) for row in companies.page_of(status, 9, None)["items"]]
