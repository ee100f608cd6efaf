"""Bodies that can be read in two ways are read in none (fault list C3)."""

from decimal import Decimal

import pytest

from core.errors import Problem
from core.strict_json import loads


def test_plain_json_is_read_and_fractions_stay_exact() -> None:
    assert loads(b'{"a": [1, "x", null, true], "b": 0.1}') == {"a": [1, "x", None, True], "b": Decimal("0.1")}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"deep": {"a": 1, "a": 2}}',
        '{"a": 1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 33 + b"]" * 33,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\x00"}',
    ],
)
def test_ambiguous_bodies_are_422(raw: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        loads(raw)
    assert refusal.value.status == 422


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a': 1}", b"hello", b'{"a": 1} x', b'{"a": 01}', b'{"a": 1,}'])
def test_what_is_no_json_is_400(raw: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        loads(raw)
    assert refusal.value.code == "malformed_json"


def test_brackets_inside_strings_do_not_count_as_depth() -> None:
    assert loads(b'["' + b"[" * 100 + b'"]') == ["[" * 100]
    assert loads(b'["\\"' + b"{" * 100 + b'"]') == ['"' + "{" * 100]


def test_many_shallow_lines_are_fine() -> None:
    assert len(loads(b"[" + b",".join([b'{"a": [1]}'] * 1000) + b"]")) == 1000
