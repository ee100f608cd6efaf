"""Codes suggested while a merchant types: ranked, told with what a listing needs, and confirmed by a person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from catalog import categories, hs_suggestions
from core.database import db
from customs import edition
from tests.catalog import builders
from tests.catalog.builders import Seller

ASK = "/api/v1/catalog/manage/hs-suggestions"


def ask(client: Any, seller: Seller, **query: Any) -> dict[str, Any]:
    answer = client.get(ASK, query_string=query, headers=seller.bearer)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_words_of_both_languages_lead_to_the_code(client: Any, seller: Seller) -> None:
    for words in ("冻龙虾", "frozen lobster", "0306.12"):
        first = ask(client, seller, q=words, category="lobster", route="cross_border_retail")["items"][0]
        assert first["hs"] == "0306120000", words
    assert first["retail"]["open"] is True
    assert first["retail"]["modes"] == ["1210"]
    assert first["duty"]["vat"] == "9"
    assert first["units"][0]["word"] == "kg"
    assert "拉丁名称" in " ".join(first["declaration_elements"])


def test_for_retail_what_the_list_is_open_for_comes_first(client: Any, seller: Seller) -> None:
    found = ask(client, seller, q="lobster", category="lobster", route="cross_border_retail", limit=20)["items"]
    usual = [line["retail"]["open"] for line in found if line["usual"]]
    assert usual == sorted(usual, reverse=True)
    assert {True, False} == set(usual)


def test_the_category_comes_before_the_rest_and_forbids_nothing(client: Any, seller: Seller) -> None:
    beef = ask(client, seller, q="牛", category="beef", limit=20)["items"]
    assert beef[0]["hs"].startswith(categories.usual_codes("beef"))
    foreign = ask(client, seller, q="lobster", category="fish")["items"]
    assert foreign
    assert not any(line["usual"] for line in foreign)


def test_a_slip_is_put_right(client: Any, seller: Seller) -> None:
    found = ask(client, seller, q="lobstr")
    assert (found["items"], found["suggestions"]) == ([], ["lobster"])


@pytest.mark.parametrize(
    "query",
    [{"q": "x" * 101}, {"limit": "21"}, {"limit": "0"}, {"category": "nothing"}, {"route": "post"}, {"day": "1"}],
)
def test_what_cannot_be_asked(client: Any, seller: Seller, query: dict[str, str]) -> None:
    assert client.get(ASK, query_string=query, headers=seller.bearer).status_code == 422


def test_only_merchants_ask(client: Any, context: None) -> None:
    assert client.get(ASK).status_code == 401
    assert client.get(ASK, headers=builders.bearer(builders.open_account("consumer"))).status_code == 403


def test_strange_words_find_nothing_and_break_nothing(client: Any, seller: Seller) -> None:
    for words in ("'; DROP TABLE listing; --", "%", "\\", "<script>", "🦞", "﷽" * 20, " "):
        ask(client, seller, q=words)


def test_every_category_names_codes_that_exist(app: Any) -> None:
    law = edition.tariff()
    for entry in categories.tree():
        for code in (entry["code"], *(child["code"] for child in entry["children"])):
            for prefix in categories.usual_codes(code):
                assert any(row["hs"].startswith(prefix) for row in law.rows), (code, prefix)


def test_the_person_who_chose_the_code_is_kept(client: Any, seller: Seller) -> None:
    path = "/api/v1/catalog/manage/listings"
    made = client.post(path, json=builders.retail(), headers=seller.bearer).get_json()
    headers = {**seller.bearer, "If-Match": "*"}
    client.patch(f"{path}/{made['id']}", json={"title": {"zh": "龙虾"}}, headers=headers)
    client.patch(f"{path}/{made['id']}", json={"hs": "0306329000"}, headers=headers)
    rows = db.session.execute(
        text("SELECT actor, data FROM audit_entry WHERE action = 'hs_confirmed' ORDER BY id")
    ).all()
    assert [(row.actor, row.data["hs"]) for row in rows] == [
        (str(seller.owner.id), "0306120000"), (str(seller.owner.id), "0306329000"),
    ]  # fmt: skip


def test_one_code_by_itself(app: Any) -> None:
    assert hs_suggestions.of_code("0306120000") is not None
    assert hs_suggestions.of_code("0306129999") is None
