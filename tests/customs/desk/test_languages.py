"""The engine's sentences in the language that the caller asks for."""

import json
import re
from typing import Any

import pytest

from tests.customs.desk.builders import Caller

LINE = {"hs": "0202300090", "origin": "AU", "quantity": "20000", "unit": "kg", "value": "104000.00"}
QUESTION = {"route": "general_trade", "day": "2026-06-20", "lines": [LINE]}
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def anybody(app: Any) -> Caller:
    return Caller(app)


def ask(anybody: Caller, query: str = "", **headers: str) -> Any:
    return anybody.post(f"/customs/assessments{query}", QUESTION, headers=headers)


def sentences(answer: Any) -> list[str]:
    body = answer.get_json()["lines"][0]
    steps = [text for step in body["explanation"] for text in (step["words"], step["law"])]
    return [
        *steps,
        *(item["reason"] for item in body["not_applied"]),
        *(item["detail"] for item in body["requirements"]),
    ]


def test_english_unless_asked_otherwise(anybody: Caller) -> None:
    plain = ask(anybody)
    assert not any(HAN.search(text) for text in sentences(plain))
    assert plain.headers["Content-Language"] == "en"
    assert "Accept-Language" in plain.headers["Vary"]
    for same in (ask(anybody, "?lang=en"), ask(anybody, **{"Accept-Language": "fr"}),
                 ask(anybody, "?lang=en", **{"Accept-Language": "zh-CN"})):  # fmt: skip
        assert same.get_data() == plain.get_data()


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh-Hans-CN,zh;q=0.9,en;q=0.8"])
def test_chinese_for_who_prefers_it(anybody: Caller, language: str) -> None:
    answer = ask(anybody, **{"Accept-Language": language})
    assert answer.headers["Content-Language"] == "zh"
    assert all(HAN.search(text) for text in sentences(answer))
    assert answer.get_data() == ask(anybody, "?lang=zh").get_data()


def test_the_figures_do_not_depend_on_the_language(anybody: Caller) -> None:
    english, chinese = (json.loads(ask(anybody, f"?lang={lang}").get_data()) for lang in ("en", "zh"))
    assert english["totals"] == chinese["totals"]
    for each in ("duty", "vat", "tax", "standing", "assumed"):
        assert english["lines"][0][each] == chinese["lines"][0][each]


def test_the_tariff_speaks_both_and_tells_them_apart(anybody: Caller) -> None:
    path = "/customs/tariff/0202300090?origin=AU&day=2026-06-20"
    english, chinese = anybody.get(path), anybody.get(f"{path}&lang=zh")
    assert not any(HAN.search(item["reason"]) for item in english.get_json()["not_applied"])
    assert all(HAN.search(item["reason"]) for item in chinese.get_json()["not_applied"])
    assert english.headers["ETag"] != chinese.headers["ETag"]


@pytest.mark.parametrize("query", ["?lang=fr", "?lang=", "?language=zh"])
def test_a_language_that_is_none(anybody: Caller, query: str) -> None:
    assert ask(anybody, query).status_code == 422
