"""The catalogue of sentences: both languages, the same gaps, every phrase used, no sentence left outside it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from customs.assessments import assess
from customs.duty import wording
from customs.duty.phrases import PHRASES
from customs.duty.terms import ADDITIONS, DEDUCTIONS, METHODS
from customs.duty.wording import in_language, said, say
from tests.cases.law import cases, general, line, request_of, retail, tariff

ROOT = Path(__file__).parents[3]
SPEAKING = ["customs/duty/charges.py", "customs/duty/considered.py", "customs/duty/explanation.py",
            "customs/duty/reading.py", "customs/duty/requirements.py", "customs/duty/steps.py",
            "customs/duty/value_step.py", "customs/duty/wording.py", "customs/assessments/facts.py",
            "customs/assessments/retail.py"]  # fmt: skip
HAN = re.compile(r"[\u4e00-\u9fff]")


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", PHRASES)
def test_both_languages_hold_the_same_gaps(key: str) -> None:
    english, chinese = PHRASES[key]
    assert english.strip() == english != ""
    assert chinese.strip() == chinese != ""
    assert gaps(english) == gaps(chinese)
    assert not HAN.search(english)
    letters = re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", english))
    assert HAN.search(chinese) or letters is None


def test_no_key_stands_twice() -> None:
    tree = ast.parse((ROOT / "customs/duty/phrases.py").read_text("utf-8"))
    keys = [key.value for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys if key]
    assert sorted(keys) == sorted(set(keys))


def test_every_phrase_is_said_somewhere() -> None:
    sources = [path for room in ("customs", "catalog", "shop") for path in (ROOT / room).rglob("*.py")]
    text = "".join(path.read_text("utf-8") for path in sources if path.name != "phrases.py")
    measures = {row["kind"] for row in tariff().tables["measures"]} | {"anti_dumping", "countervailing", "reciprocal"}
    made = {f"{step}_on_{form}" for step in ("duty", "consumption", "vat") for form in ("value", "quantity", "both")}
    made |= {f"law_{kind}" for kind in ("mfn", "provisional", "general", "tariff_quota", "agreement")}
    made |= {f"method_{method}" for method in METHODS} | {*ADDITIONS.values(), *DEDUCTIONS.values(), *METHODS.values()}
    made |= measures | {row["id"] for row in tariff().tables["parameters"]}
    made |= {row["cap_group"] for row in tariff().tables["positive_list"]}
    unused = [key for key in PHRASES if key not in made and f'"{key}"' not in text]
    assert unused == []


def sentences(path: str) -> Iterator[str]:
    """Texts of a module that read like English, without its docstrings."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    docs = {id(node.body[0].value) for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)}  # fmt: skip
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in docs else None
        if isinstance(text, str) and re.search(r"[a-z]{2,} [a-z]{2,}", text):
            yield text


@pytest.mark.parametrize("path", SPEAKING)
def test_no_sentence_stands_outside_the_catalogue(path: str) -> None:
    assert list(sentences(path)) == []


def test_a_phrase_within_a_phrase() -> None:
    phrase = ["takes_its_place", {"kind": ["mfn"], "rate": "12 %"}]
    assert say(phrase) == "the MFN rate of 12 % takes its place"
    assert say(phrase, "zh") == "已由最惠国税率 12 % 取代"
    assert say([["law_duty"], {"en": "a", "zh": "甲"}, "B"], "zh") == "《关税法》第二十三条；甲；B"


def test_what_is_said_can_be_said_again_in_the_other_language() -> None:
    told = {"rate": "12", **said(reason=["better_class"])}
    stored = json.loads(
        json.dumps({"lines": [told, {"inputs": {"n": "5 kg"}, "phrases": {"inputs": {"n": {"zh": "5 千克"}}}}]})
    )
    assert in_language(stored, "en") is stored
    chinese = in_language(stored, "zh")
    assert chinese["lines"][0] == {**told, "reason": "该原产地适用更优惠的税率栏目"}
    assert chinese["lines"][1]["inputs"] == {"n": "5 千克"}
    assert stored["lines"][0]["reason"] == "the origin has a better class"


@pytest.mark.parametrize("phrase", [["a phrase that is gone"], ["not_lower", {"wrong": "12"}], [7], []])
def test_what_is_no_phrase_any_more_stays_as_it_was_stored(phrase: Any) -> None:
    stored = {"reason": "as stored", "phrases": {"reason": phrase}}
    assert in_language(stored, "zh")["reason"] == "as stored"


def texts(value: Any) -> Iterator[str]:
    """Every text a reader sees, what is a code, a figure or a name of the data left out."""
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        shown = value.get("phrases", {})
        yield from (value[name] for name in shown if isinstance(value[name], str))
        for name, each in value.items():
            if name != "phrases":
                yield from texts(each)


def test_every_case_is_told_in_chinese() -> None:
    """Of all law cases: each sentence is Chinese, figures and codes are those of the English answer."""
    said_by_data = {row[name] for table, name in (("bans", "text"), ("measures", "law"), ("suspended_duties", "law"))
                    for row in tariff().tables[table]} | {gap["note"] for gap in tariff().coverage["gap"]}  # fmt: skip
    seen = 0
    for case in cases():
        if "refused" in case or "route" not in case:
            continue
        answer = assess(tariff(), request_of(case)).to_dict()
        chinese = in_language(answer, "zh")
        for text in texts(chinese):
            plain = re.sub(r"[A-Z][A-Za-z0-9_-]+(?:-[A-Z0-9]+)*", "", text)
            for own in said_by_data:
                plain = plain.replace(own, "")
            assert not re.search(r"[a-z]{3,} [a-z]{2,}", plain) or any(own in text for own in said_by_data), text
            seen += 1
        for line_en, line_zh in zip(answer["lines"], chinese["lines"], strict=True):
            assert [step["amount"] for step in line_en["explanation"]] == [
                step["amount"] for step in line_zh["explanation"]]  # fmt: skip
    assert seen > 1000


def test_units_and_currency_are_named() -> None:
    answer = assess(tariff(), general("2026-06-01", line("0207120000", "BR", "1000.00"))).to_dict()
    duty = in_language(answer, "zh")["lines"][0]["explanation"][1]
    assert answer["lines"][0]["explanation"][1]["formula"] == "100 kg x 1.3 CNY/kg"
    assert (duty["formula"], duty["words"]) == ("100 千克 x 1.3 元/千克", "数量 × 单位税额")
    assert duty["inputs"]["quantity"] == "100 千克"
    assert duty["parameters"][0]["value"] == "1.3 元/千克"


def test_obstacles_of_retail_are_told_in_both() -> None:
    from customs.assessments import retail_blocks

    request = retail("2025-12-01", line("0202300090", "BR", "100.00"), line("03061490", "JP", "5100.00"))
    blocks = retail_blocks(tariff(), request.day, "9610", request.lines, 1000)
    assert len(blocks) > 4
    for block, chinese in zip(blocks, in_language(blocks, "zh"), strict=True):
        assert HAN.search(chinese["detail"])
        assert HAN.search(chinese["hint"])
        assert not HAN.search(block["detail"] + block["hint"])


def test_the_languages_are_the_two_of_the_pages() -> None:
    assert wording.LANGUAGES == ("en", "zh")
