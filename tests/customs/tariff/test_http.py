"""The tariff over HTTP: pages of lines, suggestions, kept answers, refusals."""

import contextvars
from collections.abc import Callable
from typing import Any

import pytest

Get = Callable[..., Any]
DETAIL = "/customs/tariff/0202300090?origin=AU&day=2026-11-23"


@pytest.fixture
def get(app: Any) -> Get:
    """A question by somebody unknown, each in a context of its own."""
    client = app.test_client()

    def ask(path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return contextvars.Context().run(client.get, f"/api/v1{path}", query_string=query or None, headers=headers)

    return ask


@pytest.mark.parametrize("text", ["牛肉", "beef", "冷冻 beef", "0202.30", "02 02 30", "ＢＥＥＦ"])
def test_lines_are_found(get: Get, text: str) -> None:
    body = get("/customs/tariff", q=text, day="2026-11-23").get_json()
    assert body["items"][0]["hs"][:4] in ("0201", "0202")
    assert set(body["items"][0]) == {
        "hs",
        "description",
        "units",
        "mfn",
        "general",
        "vat",
        "consumption_tax",
        "controls",
    }
    assert body["suggestions"] == []


def test_pages_of_a_search_hold_every_line_once(get: Get) -> None:
    whole = [item["hs"] for item in get("/customs/tariff", q="牛肉", day="2026-11-23", limit=100).get_json()["items"]]
    seen: list[str] = []
    cursor = {}
    while True:
        body = get("/customs/tariff", q="牛肉", day="2026-11-23", limit=5, **cursor).get_json()
        seen += [item["hs"] for item in body["items"]]
        if body["next"] is None:
            break
        cursor = {"cursor": body["next"]}
    assert seen == whole
    assert len(seen) > 10


def test_nothing_found_says_what_may_be_meant(get: Get) -> None:
    body = get("/customs/tariff", q="frozn beef", day="2026-11-23").get_json()
    assert (body["items"], body["next"]) == ([], None)
    assert "frozen beef" in body["suggestions"]


def test_a_closed_line_is_told_with_its_days(get: Get) -> None:
    body = get("/customs/tariff", q="8541402000", day="2026-11-23").get_json()
    assert body["items"] == []
    assert body["closed"][0]["last_day"] == "2021-12-31"


@pytest.mark.parametrize("path", [DETAIL, "/customs/tariff?q=beef&day=2026-11-23"])
def test_an_unchanged_answer_is_a_304(get: Get, path: str) -> None:
    first = get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "public, no-cache"
    again = get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert get(path, headers={"If-None-Match": '"another"'}).status_code == 200


def test_another_day_or_origin_is_another_answer(get: Get) -> None:
    tags = {get(f"/customs/tariff/0202300090?origin={origin}&day={day}").headers["ETag"]
            for origin in ("AU", "BR") for day in ("2026-06-19", "2026-06-20")}  # fmt: skip
    assert len(tags) == 4


def test_the_same_question_gives_the_same_bytes(get: Get) -> None:
    assert get(DETAIL).data == get(DETAIL).data


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("/customs/tariff/0202300099?day=2026-11-23", "code_unknown", "hs"),
        ("/customs/tariff/8541402000?day=2026-11-23", "code_not_in_force", "hs"),
        ("/customs/tariff/0202300090?day=1899-01-01", "before_coverage", "hs"),
        ("/customs/tariff/0202300090?origin=XX", "invalid_input", "origin"),
        ("/customs/tariff/０２０２３０００９０", "invalid_input", "hs"),
        ("/customs/tariff/02023000901", "invalid_input", "hs"),
        ("/customs/tariff?q=beef&cursor=WzEsIngiXQ", "invalid_input", "cursor"),
        ("/customs/tariff?prefix=02.02", "invalid_input", "prefix"),
    ],
)
def test_a_refusal_names_its_field(get: Get, path: str, code: str, field: str) -> None:
    answer = get(path)
    assert answer.status_code == 422
    body = answer.get_json()
    assert body["code"] == code
    assert field in body["errors"]
    assert "ETag" not in answer.headers


def test_a_wrong_code_comes_with_the_right_ones(get: Get) -> None:
    body = get("/customs/tariff/0202300099?day=2026-11-23").get_json()
    assert {"hs": "0202300090", "description": body["nearest"][-1]["description"]} in body["nearest"]
