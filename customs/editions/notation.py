"""How official annexes write codes, rates and days, and how the law's files do. Only what has one meaning is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from customs.tariff.rates import parse_rate

_CODE = re.compile(r"(?P<ex>ex)?(?P<digits>[0-9]{2}(?:[ .\-]?[0-9])*)\Z", re.ASCII | re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?\Z", re.ASCII)
_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?)"
_PERCENT = re.compile(rf"({_NUMBER})%\Z", re.ASCII)
_PLAIN = re.compile(rf"{_NUMBER}\Z", re.ASCII)
_AMOUNT = re.compile(rf"({_NUMBER})(?:元|人民币元?|yuan|cny|rmb)/([^/0-9].*)\Z", re.ASCII | re.IGNORECASE)
_EACH = re.compile(rf"每([^0-9]+?)({_NUMBER})元\Z", re.ASCII)
_CHOICE = re.compile(r"(.+?)或(.+?)[,;]?(?:两者|二者|取)?(从低|从高|孰低|孰高|较低者|较高者|低者|高者)(?:计征)?\Z")
_MARK = re.compile(r"T[0-9]+\Z", re.ASCII)
_FREE = ("免税", "免", "零关税")
_OTHER_WORDS = {"公斤": "千克", "公升": "升", "公吨": "吨", "立升": "升"}


def code_of(text: str) -> tuple[str, bool] | None:
    """A tariff code without its dots and spaces, and whether "ex" stands before it; None when it is no code."""
    plain = unicodedata.normalize("NFKC", re.sub(r"[①-⓿*]", "", text)).strip()
    match = _CODE.match(re.sub(r"\s+", " ", re.sub(r"(?i)^ex[\s.:]*", "ex", plain)))
    if match is None:
        return None
    digits = re.sub(r"[^0-9]", "", match["digits"])
    return (digits, bool(match["ex"])) if len(digits) in (2, 4, 5, 6, 8, 10) else None


def day_of(text: str) -> str:
    """A day as ISO text: 2026-01-01 for 2026/1/1, 20260101, 2026年1月1日. What is no day stays as it is."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    if len(plain) == 8 and plain.isascii() and plain.isdigit():
        return f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
    match = _DAY.match(plain)
    return f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}" if match else text


def unit_words(units: Mapping[str, str]) -> dict[str, str]:
    """Everything an annex may call a unit -> our word, from Chinese name -> word."""
    words = {name: word for name, word in units.items() if word}
    words |= {word: word for word in list(words.values())}
    return words | {other: words[name] for other, name in _OTHER_WORDS.items() if name in words}


def rate_of(text: str, units: Mapping[str, str], marks: Mapping[str, str], percent: bool) -> str:
    """A rate in the grammar of the data files: "1.3 CNY/kg" for 1.3元/千克, "20" for 20%.

    `units` is what `unit_words` gives; `marks` says what a mark such as T1 stands for; `percent` tells that a bare
    number below one is a percentage. Raises ValueError saying why the rate cannot be read in one way.
    """
    if text in marks:
        return marks[text]
    plain = unicodedata.normalize("NFKC", text).strip()
    if _PLAIN.match(plain):
        if not percent and plain.startswith("0.") and plain.strip("0."):
            raise ValueError(f"{text!r} may be a share or a percentage: write {plain}% or {_hundredfold(plain)}%")
        return _canonical(plain)
    try:
        return _canonical(plain)
    except ValueError:
        pass
    if _MARK.match(plain):
        raise ValueError(f"{text!r} points at a note of the annex: say what it stands for with --mark {plain}=RATE")
    squeezed = re.sub(r"\s+", "", plain)
    choice = _CHOICE.match(squeezed)
    if choice:
        word = " or lower " if "低" in choice[3] else " or higher "
        return _canonical(_sum(choice[1], units, text) + word + _sum(choice[2], units, text))
    return _canonical(_sum(squeezed, units, text))


def _sum(text: str, units: Mapping[str, str], whole: str) -> str:
    parts = re.split(r"\+|加", text)
    return " + ".join(_part(part, units, whole) for part in parts)


def _part(text: str, units: Mapping[str, str], whole: str) -> str:
    if text in _FREE:
        return "0"
    percent = _PERCENT.match(text)
    if percent:
        return percent[1]
    amount, each = _AMOUNT.match(text), _EACH.match(text)
    number, unit = (amount[1], amount[2]) if amount else (each[2], each[1]) if each else ("", "")
    if not number:
        raise ValueError(f"{whole!r} is not a rate that can be read in one way")
    word = units.get(unit) or units.get(unit.lower())
    if word is None:
        raise ValueError(f"{whole!r}: no unit {unit!r} with a word of ours (units.csv)")
    return f"{number} CNY/{word}"


def _canonical(text: str) -> str:
    rate = parse_rate(text)
    return text if rate is None else rate.text


def _hundredfold(text: str) -> str:
    whole, _, decimals = text.partition(".")
    padded = decimals.ljust(2, "0")
    number = (whole + padded[:2]).lstrip("0") or "0"
    return number + (f".{padded[2:]}" if padded[2:] else "")
