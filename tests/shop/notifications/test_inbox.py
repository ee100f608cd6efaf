"""The inbox of a person, over the API."""

from __future__ import annotations

import time
from typing import Any

import pytest

from core.accounts import Actor
from core.database import transaction
from shop import notify
from tests.shop import builders

BASE = "/api/v1/me/notices"


def tell(person: Actor, count: int = 1) -> None:
    for number in range(count):
        with transaction() as session:
            facts = {"order": str(number), "number": f"LF{number}", "waybill": "W"}
            notify.person(session, person.id, "order_shipped", **facts)
        time.sleep(0.002)  # ids are ordered by the millisecond


@pytest.fixture
def person(context: None) -> Actor:
    return builders.open_account("consumer")


def test_newest_first_in_both_languages(client: Any, person: Actor) -> None:
    tell(person, 2)
    items = client.get(BASE, headers=builders.token_of(person)).get_json()["items"]
    assert [item["data"]["number"] for item in items] == ["LF1", "LF0"]
    assert items[0]["kind"] == "order_shipped"
    assert items[0]["title"] == {"zh": "订单 LF1 已发货", "en": "Order LF1 is on its way"}
    assert items[0]["text"]["en"] == "Order LF1 has been sent under waybill W."
    assert (items[0]["page"], items[0]["read_at"]) == ("/orders/1", None)


def test_pages_are_stable_while_more_comes(client: Any, person: Actor) -> None:
    tell(person, 7)
    headers, seen, cursor = builders.token_of(person), [], ""
    while True:
        answer = client.get(f"{BASE}?limit=3{cursor}", headers=headers).get_json()
        seen += [item["data"]["number"] for item in answer["items"]]
        tell(person)
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == [f"LF{number}" for number in reversed(range(7))]


def test_read_once_and_all(client: Any, person: Actor) -> None:
    tell(person, 3)
    headers = builders.token_of(person)
    first = client.get(BASE, headers=headers).get_json()["items"][0]
    read = client.post(f"{BASE}/{first['id']}/read", headers=headers).get_json()
    assert read["read_at"]
    assert client.post(f"{BASE}/{first['id']}/read", headers=headers).get_json() == read
    assert len(client.get(f"{BASE}?unread=1", headers=headers).get_json()["items"]) == 2
    assert client.post(f"{BASE}/read", headers=headers).status_code == 204
    assert client.get(f"{BASE}?unread=1", headers=headers).get_json()["items"] == []


def test_somebody_elses_notice_is_not_found(client: Any, person: Actor) -> None:
    tell(person)
    notice = client.get(BASE, headers=builders.token_of(person)).get_json()["items"][0]
    other = builders.token_of(builders.open_account("consumer"))
    assert client.post(f"{BASE}/{notice['id']}/read", headers=other).status_code == 404
    assert client.get(BASE, headers=other).get_json()["items"] == []
    assert client.post(f"{BASE}/read", headers=other).status_code == 204
    assert client.get(BASE, headers=builders.token_of(person)).get_json()["items"][0]["read_at"] is None
    assert client.get(BASE).status_code == 401


def test_a_foreign_cursor_is_refused(client: Any, person: Actor) -> None:
    answer = client.get(f"{BASE}?cursor=zzz", headers=builders.token_of(person))
    assert answer.status_code == 422
