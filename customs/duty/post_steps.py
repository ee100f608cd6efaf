"""The explanation of a personal article: how its price was found, and the one tax on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from core.money import fen_text, plain
from customs.duty.bounds import QUANTITY_PARTS
from customs.duty.charges import Exact, filled, price_phrase, unit_names
from customs.duty.exchange import YUAN
from customs.duty.explanation import Cited
from customs.duty.post import Article, Band
from customs.duty.steps import Parameter, Step, parameter, step
from customs.duty.valuation import Valued
from customs.duty.wording import Phrase, told
from customs.tariff import Tariff
from customs.tariff.index import text_of
from customs.tariff.rates import WHOLE, percent_text
from customs.tariff.reading import Row

_LAW_PRICE = told(["law_post_price"])
_LISTED, _PAID, _TAX = told(["post_listed"]), told(["post_paid"]), told(["post_tax"])


@dataclass(frozen=True, slots=True)
class Priced:
    """The price that is taxed: what was paid, the listed price of `parts` (0.00001 units) where one is on file, whether
    it counts, and the dutiable value in fen, exact and rounded."""

    paid: Valued
    article: Article
    band: Band
    parts: int
    within: bool
    exact: Fraction
    fen: int


def price_step(tariff: Tariff, priced: Priced, behind: Sequence[Cited]) -> Step:
    """From the price paid and the listed price to the dutiable value; `behind` are the rows of the exchange rate."""
    paid, listed = priced.paid, priced.article.price
    inputs: dict[str, Phrase] = {"price_paid": f"{plain(paid.goods)} {paid.currency}"}
    parameters: list[Parameter] = [_exchange(row) for _, row in behind]
    if paid.rate is not YUAN:
        inputs["exchange_rate"] = plain(paid.rate.value)
        inputs["exchange_rate_source"] = "request" if paid.rate.row is None else str(paid.rate.row["source"])
    formula, words = _paid_formula(paid), _PAID
    if listed is not None and listed["price"] is not None:
        price = price_phrase(f"{plain(listed['price'])} CNY/{listed['unit']}", tariff.index.units)
        parameters += [parameter("post_price", price, listed), *map(_times, (priced.band.least, priced.band.most))]
        if priced.within:
            formula, words = _listed_formula(tariff, priced, listed), _LISTED
    inputs["reason"] = reason(priced)
    return step("dutiable_value", formula, words, inputs, priced.fen, _LAW_PRICE,
                priced.exact.as_integer_ratio(), parameters)  # fmt: skip


def reason(priced: Priced) -> Phrase:
    """Why the listed price counts, or the price paid."""
    listed = priced.article.price
    if listed is None:
        return ["post_unread"]
    if listed["price"] is None:
        return ["post_open"]
    times = {"least": plain(priced.band.least["value"]), "most": plain(priced.band.most["value"])}
    return ["post_within" if priced.within else "post_beyond", times]


def tax_step(value: int, rate: Row, category: Row, share: int, fen: int) -> Step:
    """The one tax; `share` is its rate in 0.001 %."""
    text = percent_text(share)
    parameters = [parameter("post_class", text, rate)]
    if category["threshold"]:
        prices = "; ".join(price.text for price in category["threshold"])
        parameters.append(parameter("post_threshold", prices, category))
    exact: Exact = (value * share, WHOLE)
    inputs: dict[str, Phrase] = {"dutiable_value": fen_text(value), "rate": text, "kind": "personal_post",
                                 "source": rate["source"]}  # fmt: skip
    return step("duty", f"{fen_text(value)} x {text} %", _TAX, inputs, fen, told(text_of(rate, "law")), exact,
                parameters)  # fmt: skip


def _paid_formula(paid: Valued) -> str:
    goods = plain(paid.goods)
    return goods if paid.rate is YUAN else f"{goods} x {plain(paid.rate.value)}"


def _listed_formula(tariff: Tariff, priced: Priced, listed: Row) -> Phrase:
    quantity, price = plain(Decimal(priced.parts) / QUANTITY_PARTS), plain(listed["price"])
    return filled(f"{quantity} {{unit}} x {price} {{cny}}/{{unit}}", unit_names(listed["unit"], tariff.index.units))


def _times(row: Row) -> Parameter:
    """A multiple of the listed price: a mere number would be read as a percentage."""
    return parameter(row["id"], f"x {plain(row['value'])}", row)


def _exchange(row: Row) -> Parameter:
    figures = {"rate": plain(row["rate"] / int(row["per"])), "currency": row["currency"]}
    return parameter("exchange_rate", ["yuan_for", figures], row)
