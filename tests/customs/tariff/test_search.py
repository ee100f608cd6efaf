"""The search of the tariff: relevance as data, order and pages, closed lines, and the files it reads."""

import threading
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core import paging
from core.errors import Problem
from customs import edition, tariff_search
from customs.tariff import Tariff, load_tariff
from customs.tariff_search import query, words
from customs.tariff_search.everyday import everyday
from customs.tariff_search.index import Index
from customs.tariff_search.ranking import points

ROOT = Path(__file__).parents[3]
DAY = date(2026, 11, 23)
CASES = tomllib.loads((ROOT / "tests/cases/search.toml").read_text("utf-8"))["query"]


@pytest.fixture(scope="module")
def law() -> Tariff:
    return load_tariff(ROOT / "customs" / "data")


@pytest.fixture(scope="module")
def index(law: Tariff) -> Index:
    return Index(law)


@pytest.fixture(autouse=True)
def _in_use(law: Tariff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "_loaded", [law])


def found(text: str, *, day: date = DAY, prefix: str = "", limit: int = 24) -> list[str]:
    return [line["hs"] for line in tariff_search.search(day, text, prefix, None, limit).lines]


@pytest.mark.parametrize("case", CASES, ids=[case["query"] for case in CASES])
def test_a_query_finds_what_is_meant(case: dict[str, Any]) -> None:
    top = found(case["query"], limit=case.get("top", 10))
    for prefix in case.get("must", ()):
        assert any(hs.startswith(prefix) for hs in top), (prefix, top)
    if "only" in case:
        assert top, "nothing was found"
        assert [hs for hs in top if not hs.startswith(tuple(case["only"]))] == []
    assert [hs for hs in top if hs.startswith(tuple(case.get("never", ("none",))))] == []
    if "suggests" in case or "closed" in case:
        answer = tariff_search.search(DAY, case["query"], "", None, 24)
        assert answer.lines == []
        assert set(case.get("suggests", ())) <= set(answer.suggestions), answer.suggestions
        for prefix in case.get("closed", ()):
            assert any(line["hs"].startswith(prefix) for line in answer.closed), answer.closed


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert len({case["query"] for case in CASES}) == len(CASES)


def test_every_everyday_word_finds_its_goods_first(law: Tariff) -> None:
    """Where a heading of the goods is in force, its lines come first; an adjective finds some line."""
    known = everyday()
    spoken = {**known.han, **{" ".join(phrase): meaning for phrase, meaning in known.phrases.items()}}
    wrong = {}
    for text, meaning in spoken.items():
        open_now = [heading for heading in meaning.headings if law.in_force(DAY, heading)]
        top = found(text, limit=1)
        if (open_now or meaning.is_quality) and not (top and top[0].startswith(meaning.headings or "")):
            wrong[text] = top
    assert wrong == {}


def test_the_headings_of_everyday_words_exist(law: Tariff) -> None:
    headings = {heading for meaning in (*everyday().han.values(), *everyday().phrases.values())
                for heading in meaning.headings}  # fmt: skip
    named = {row["code"] for row in law.reference("nomenclature")}
    lines = {row["hs"] for row in law.rows}
    assert [heading for heading in headings
            if heading not in named and not any(hs.startswith(heading) for hs in lines)] == []  # fmt: skip
    assert len({id(meaning) for meaning in everyday().han.values()}) >= 120


def test_headings_help_when_the_edition_has_them(law: Tariff, index: Index) -> None:
    """A word that only the text of a heading has finds its lines, but not what the text says the heading is not."""
    with_texts = Index(law, [("8452", "Sewing machines; zebras; excluding quagga machines")])
    needle = law.in_force(DAY, "845230")[0]
    wanted = query.read(with_texts, "sewing zebra")
    number = with_texts.codes.index(needle)
    assert points(index, query.read(index, "sewing zebra"))[number] == 0
    assert points(with_texts, wanted)[number] > 0
    assert points(with_texts, query.read(with_texts, "sewing quagga"))[number] == 0, "what a heading is not"


def test_words_of_two_characters_are_found_wherever_they_stand(law: Tariff, index: Index) -> None:
    """Against a plain scan: every line whose name holds the pair has points, no other by its name alone."""
    for pair in ("去骨", "种苗", "电机", "矿砂", "羊毛", "罐头", "轴承", "棉制"):
        has = {number for number, name in enumerate(index.zh) if pair in name}
        got = index.han(pair).nonzero()[0].tolist()
        assert set(got) == has
        assert has


def test_all_words_are_needed() -> None:
    both = set(found("frozen beef", limit=100))
    assert both
    assert both <= set(found("frozen", limit=10_000)) & set(found("beef", limit=10_000))


def test_the_order_of_words_does_not_matter() -> None:
    assert found("frozen boneless beef") == found("beef boneless frozen")
    assert found("冷冻 牛肉") == found("冷冻牛肉")


def test_an_expired_line_is_not_listed_outside_its_days() -> None:
    assert "8541402000" in found("太阳能电池", day=date(2021, 12, 31))
    assert "8541402000" not in found("太阳能电池", day=date(2022, 1, 1))
    closed = tariff_search.search(date(2022, 1, 1), "太阳能电池", "", None, 24).closed
    assert {"hs": "8541402000", "description": {"zh": "太阳能电池", "en": "Solar cells"},
            "first_day": "2012-01-01", "last_day": "2021-12-31"} in closed  # fmt: skip


def test_a_prefix_narrows() -> None:
    assert {hs[:4] for hs in found("牛肉", prefix="1602")} == {"1602"}
    assert found("牛肉", prefix="8703") == []


@pytest.mark.parametrize("text", ["牛肉", "machine", "frozen fish", ""])
def test_pages_hold_every_line_once_in_one_order(text: str) -> None:
    whole = found(text, prefix="" if text else "03", limit=10_000)
    seen: list[str] = []
    after = None
    while True:
        page = tariff_search.search(DAY, text, "" if text else "03", after, 100)
        seen += [line["hs"] for line in page.lines]
        if page.following is None:
            break
        after = tariff_search.after(page.following)
    assert seen == whole
    assert len(seen) == len(set(seen))


def test_a_page_goes_on_where_its_line_has_gone() -> None:
    """A cursor of an edition that had another line there: nothing twice, nothing left out."""
    every = found("", prefix="0202", limit=100)
    rest = tariff_search.search(DAY, "", "0202", (1, "0202200050"), 100)
    assert [line["hs"] for line in rest.lines] == [hs for hs in every if hs > "0202200050"]


@pytest.mark.parametrize("key", [(-1, "0202300090"), (2**40, "0202300090"), (1, "beef"), (1, "02"), (1, "")])
def test_a_foreign_cursor_is_refused(key: tuple[int, str]) -> None:
    with pytest.raises(Problem, match="cursor"):
        tariff_search.after(paging.encode(*key))


@pytest.mark.parametrize(
    "text", ["的", "of the", "()", "的的的", "!!!", "牛" * 100, "a" * 100, "1" * 100, "...", "ｱ", "🦐", "02" * 50]
)
def test_odd_queries_are_answered(text: str) -> None:
    answer = tariff_search.search(DAY, text, "", None, 24)
    assert len(answer.lines) <= 24


def test_a_line_is_found_by_its_whole_name(law: Tariff, index: Index) -> None:
    """Of two hundred names, both languages: among the first lines of the same name."""
    for number in range(0, len(law.rows), 61):
        row = law.rows[number]
        if not row["first_day"] <= DAY.toordinal() <= row["last_day"]:
            continue
        for name in filter(None, (row["name_zh"], row["name_en"])):
            if len(name) > 100 or not words.tokens(words.plain(name)):
                continue
            got = points(index, query.read(index, name))
            assert got[number] > 0, name
            assert got[number] == got.max() or everyday().han.get(words.plain(name)), name


def test_how_words_are_cut(index: Index) -> None:
    def cut(text: str) -> list[str]:
        return [term.text for term in query.read(index, text).terms]

    assert cut("冷冻去骨牛肉") == ["冷冻", "去骨", "牛肉"]
    assert cut("牛皮纸") == ["牛皮纸"]
    assert cut("Frozen Beef of Australia") == ["frozen", "beef", "australia"]
    assert cut("machine tools 机床") == ["machine tool", "机床"]
    assert cut("0202.30 牛肉") == ["0202.30", "牛肉"]
    assert cut("T恤 棉") == ["t 恤", "棉"]


@pytest.mark.parametrize(
    ("word", "stem"),
    [("berries", "berry"), ("boxes", "box"), ("potatoes", "potato"), ("tools", "tool"), ("glass", "glass"),
     ("gas", "gas"), ("axis", "axis"), ("fishes", "fish")],
)  # fmt: skip
def test_plurals(word: str, stem: str) -> None:
    assert words.stem(word) == stem


def test_one_index_however_many_ask_at_once(law: Tariff, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Index] = []

    class Counted(Index):
        def __init__(self, *given: Any) -> None:
            made.append(self)
            super().__init__(*given)

    monkeypatch.setattr(tariff_search, "Index", Counted)
    monkeypatch.setattr(tariff_search, "_kept", {})
    answers: list[list[str]] = []
    asking = [threading.Thread(target=lambda: answers.append(found("beef"))) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(made) == 1
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
