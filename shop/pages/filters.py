"""How figures, instants and names look on a page; nothing here computes."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask, request
from flask_babel import get_locale, gettext
from jinja2 import pass_context
from sqlalchemy.exc import SQLAlchemyError

from core import clock, config
from core.errors import Problem
from core.money import fen_text, parse_fen, plain
from core.web import maybe_actor
from customs import edition, tariff_views
from customs.duty import wording
from customs.duty.phrases import PHRASES
from customs.window import statuses
from shop import addresses
from shop.pages import basket, language, words
from shop.rfq_rules import decimals

_DETAIL_SAYS_MORE = (
    "quota_state_unknown",
    "outside_coverage",
    "import_conditions",
    "ban",
    "conditions",
    "weight_cap",
    "indivisible",
    "not_retail",
    "article_unnamed",
    "post_quarantine",
)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z", re.ASCII)
_SEVERAL = re.compile(r"(\w+?)(?:_no_([0-9]+)|_([A-Z]{3}))", re.ASCII)
_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{2}\Z", re.ASCII)


def money(value: Any, currency: str = "CNY") -> str:
    """ "1531.50" (or fen as int) as "¥1,531.50"; a blank as a dash."""
    if value is None or value == "":
        return "–"
    text = fen_text(value) if isinstance(value, int) else str(value)
    sign, digits = ("−", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, rest = digits.partition(".")
    mark = "¥" if currency == "CNY" else f"{currency} "
    return f"{sign}{mark}{int(whole):,}{dot}{rest}"


def price(value: str, currency: str = "CNY") -> str:
    """An amount in its currency, with the decimals that it has."""
    return money(f"{Decimal(value):.{decimals(currency)}f}", currency)


def quantity(value: Any) -> str:
    """A quantity without trailing zeros."""
    return plain(value) if isinstance(value, Decimal) else str(value)


def instant(value: Any) -> str:
    """An instant in Beijing time, to the minute."""
    if not value:
        return "–"
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(clock.BEIJING).strftime("%Y-%m-%d %H:%M")


def day(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "–")


def country(code: str | None) -> str:
    """A country's name in the language of the page; the code itself when it has none."""
    locale = get_locale()
    names = locale.territories if locale else {}
    name = str(names.get(code or "", code or "–"))
    return {"中国香港特别行政区": "中国香港", "中国澳门特别行政区": "中国澳门"}.get(name, name)


def spoken(value: Any) -> Any:
    """What the engine answered, each of its sentences in the language of the page."""
    return wording.in_language(value, language.word())


def sentence(text: str) -> str:
    """A term at the beginning of a line."""
    return text[:1].upper() + text[1:]


def both(value: Any) -> str:
    """`{zh, en}` in the language of the page, else in the other."""
    if not isinstance(value, dict):
        return str(value or "")
    first, second = ("zh", "en") if language.word() == "zh" else ("en", "zh")
    return str(value.get(first) or value.get(second) or "")


def other(value: Any) -> str:
    """`{zh, en}` in the language that `both` does not show, or nothing."""
    if not isinstance(value, dict):
        return ""
    text = str(value.get("en" if language.word() == "zh" else "zh") or "")
    return "" if text == both(value) else text


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def rate(value: Any) -> str:
    """A rate in percent "12" as "12%"; what is not a plain number (a specific or compound rate) as it stands."""
    if value is None or value == "":
        return "–"
    text = both(value) if isinstance(value, dict) else str(value)
    return f"{text}%" if _NUMBER.match(text) else text


def law_text(source: Any) -> str:
    """Where a rule stands: a source of the edition by its title and document, any other reference as written."""
    found = tariff_views.source(edition.tariff(), source) if isinstance(source, str) else (source or {})
    title = both(found.get("title")) or str(found.get("id") or "")
    document = str(found.get("document") or "")
    return f"{title} ({document})" if document and document not in title else title


def step_title(name: str) -> str:
    """What a step of an explanation comes to."""
    return words.FILTERS["step_name"](name) if name in words.STEPS_OF_LAW else _term(name)


def step_input(name: str, value: Any) -> str:
    """One figure that went into a step, named in the language of the page."""
    if name == "source":
        return law_text(value)
    shown = words.FILTERS["measure"](value) if name == "kind" else both(value)
    if name.startswith("exchange_rate_source"):
        shown = law_text(value) if value in edition.tariff().sources else _term(value)
    return f"{_input_name(name)} {rate(shown) if name in ('rate', 'share') else shown}"


def _input_name(name: str) -> str:
    """A second part of a kind has a number (commission_no_2), what is in a currency of its own has its code."""
    match = _SEVERAL.fullmatch(name)
    kind, number = (match[1], match[2] or match[3]) if match else (name, None)
    shown = words.FILTERS["input_name"](kind) if kind in words.INPUTS else _term(kind)
    return f"{shown} {number}" if number else shown


def _term(name: str) -> str:
    """A term of the engine by its name; the name itself in plain letters where it is none."""
    return wording.say([name], language.word()) if name in PHRASES else name.replace("_", " ")


def parameter(found: dict[str, Any]) -> str:
    """A legal parameter in a line: name, value, days, source and standing."""
    standing, source = found["standing"], found["source"]
    figures: dict[str, Any] = {
        "name": sentence(_term(found["name"])), "value": _parameter_value(found),
        "source": law_text(source) if source in edition.tariff().sources else _term(source),
        "standing": words.FILTERS["standing"](standing), "first_day": found["first_day"] or "",
        "last_day": found["last_day"] or "",
    }  # fmt: skip
    key = "parameter_undated" if found["first_day"] is None else "parameter"
    return wording.say(["parameter_of_period" if found["last_day"] else key, figures], language.word())


def _parameter_value(found: dict[str, Any]) -> str:
    if found["name"] == "vat_class":
        return str(words.FILTERS["vat_class"](found["value"]))
    return rate(spoken(found)["value"])


def customs_status(code: str | None) -> str | None:
    """A status code of a list with its official words."""
    known = statuses.statuses().get(("list", code or ""))
    if known is None:
        return code
    return f"{code} {known.zh if language.word() == 'zh' else known.meaning}"


def requirement(row: dict[str, Any]) -> str:
    """What the goods need beside money, in a line."""
    row = spoken(row)
    code = str(row.get("code") or row.get("kind") or "")
    title = words.FILTERS["requirement_code"](code)
    detail = both(row.get("detail") or row.get("text") or "")
    said = code in words.REQUIREMENTS and code not in _DETAIL_SAYS_MORE
    return title if said or not detail else f"{title}: {detail}"


def in_stock(available: Any) -> bool:
    return bool(available) and str(available) not in ("0", "False")


def is_money(value: Any) -> bool:
    return isinstance(value, str) and bool(_AMOUNT.match(value))


def share_of(part: str, whole: str) -> str:
    """How much of a bar `part` fills, in percent; only its look depends on it."""
    whole_fen = parse_fen(whole)
    return fen_text(min(10000, parse_fen(part) * 10000 // whole_fen)) if whole_fen else "0"


def address_line(address: dict[str, Any]) -> str:
    return addresses.canonical_text(address)


def reason_text(reason: Any) -> str:
    """A reason given as words or as {code, detail}."""
    if isinstance(reason, dict):
        return str(reason.get("detail") or words.code_title(str(reason.get("code", ""))))
    return str(reason)


def report_label(row: dict[str, Any], by: str) -> str:
    """What a row of a report is about, as people call it."""
    value = str(row[by] or "–")
    if by == "origin":
        return country(value)
    if by == "merchant":
        return str(row.get("merchant_name") or value)
    return words.FILTERS["route"](value) if by == "route" else value


def declaration_facts(declaration: dict[str, Any]) -> list[tuple[str, str]]:
    """The numbers under which customs knows an order, as far as they are there."""
    named = [
        (gettext("Declaration number"), declaration.get("cop_no")),
        (gettext("Pre-entry number"), declaration.get("pre_no")),
        (gettext("List number"), declaration.get("invt_no")),
        (gettext("Customs says"), customs_status(declaration.get("return_status"))),
    ]
    return [(name, str(value)) for name, value in named if value]


def _for_every_page() -> dict[str, Any]:
    try:
        person = maybe_actor()
        cart_count = basket.count(person)
    except (SQLAlchemyError, Problem):  # the page that tells of a fault must not need what is away
        person, cart_count = None, 0
    return {
        "person": person,
        "page_language": language.word(),
        "cart_count": cart_count,
        "here": request.full_path.rstrip("?"),
        "demo_logins": not config.current().production,
    }


def _asked_each_time(function: Callable[..., Any]) -> Callable[..., Any]:
    """Jinja works out a filter on a constant once, when it compiles; in the language of whoever came first."""

    @pass_context
    @functools.wraps(function)
    def run(_context: Any, *args: Any) -> Any:
        return function(*args)

    return run


def init_app(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    shown = (
        money, price, quantity, instant, day, country, both, other, spoken, sentence, parameter, json_text, rate,
        law_text, step_title, step_input, requirement, in_stock, share_of, address_line, reason_text, report_label,
        declaration_facts,
    )  # fmt: skip
    named = {each.__name__: each for each in shown} | words.FILTERS
    app.jinja_env.filters.update({name: _asked_each_time(function) for name, function in named.items()})
    app.jinja_env.tests["money_text"] = is_money
    app.context_processor(_for_every_page)
