"""Every text of the pages is there in Chinese, and what is compiled is what is written."""

import io
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

from core.errors import declared_codes

ROOT = Path(__file__).parents[3]
FILE = ROOT / "shop" / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
# The title of a refusal stands third in `declare(word, status, title)`.
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "declare": (3,)}


def _written() -> Catalog:
    with FILE.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def used(app: Any) -> set[str]:
    """Every text that a page can show: marked in sources and templates, or the title of a refusal."""
    return _marked() | {code.title for code in declared_codes()}


def _marked() -> set[str]:
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = set()
    for room in ("core", "customs", "catalog", "shop"):
        # The patterns of babel.cfg begin at the root of the checkout.
        inside = [(pattern.removeprefix(f"{room}/"), how) for pattern, how in methods if pattern.startswith(room)]
        cut = {pattern.removeprefix(f"{room}/"): value for pattern, value in options.items()}
        for _, _, message, _, _ in extract_from_dir(str(ROOT / room), inside, cut, KEYWORDS):
            found.add(message)
    return found


def test_every_text_has_its_chinese(used: set[str]) -> None:
    catalog = _written()
    assert len(used) > 300, "the texts were not found"
    missing = [text for text in used if text not in catalog or not catalog[text].string or catalog[text].fuzzy]
    assert missing == []


def test_no_text_is_left_over(used: set[str]) -> None:
    assert [message.id for message in _written() if message.id and message.id not in used] == []


def test_placeholders_are_the_same_in_both_languages() -> None:
    assert [(message.id, fault) for message in _written() for fault in message.check()] == []


def test_the_compiled_file_is_fresh() -> None:
    fresh = io.BytesIO()
    write_mo(fresh, _written())
    fresh.seek(0)
    with FILE.with_suffix(".mo").open("rb") as file:
        compiled = {message.id: message.string for message in read_mo(file)}
    assert compiled == {message.id: message.string for message in read_mo(fresh)}, (
        "pybabel compile -d shop/translations"
    )
