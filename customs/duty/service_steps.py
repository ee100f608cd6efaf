"""The explanation of a service from abroad: the price in CNY, the VAT in it or on it, the amount without it."""

from __future__ import annotations

from core.money import fen_text, plain
from customs.duty.exchange import YUAN
from customs.duty.services import EXEMPT
from customs.duty.steps import Step, parameter, step
from customs.duty.valuation import Valued
from customs.duty.wording import Phrase, told
from customs.tariff.index import text_of
from customs.tariff.rates import WHOLE, percent_text
from customs.tariff.reading import Row

_INSIDE, _ON_TOP, _EXEMPT = told(["service_inside"]), told(["service_on_top"]), told(["service_exempt"])
_AMOUNT, _PRICE = told(["service_amount"]), told(["service_price"])


def service_steps(paid: Valued, row: Row, share: int, includes_tax: bool, sales: int, vat: int) -> list[Step]:
    """VAT first where it is taken out of the price, since the amount without it is what is left."""
    inside = includes_tax and row["treatment"] != EXEMPT
    steps = [_sales_step(paid, row, inside, sales, vat), _vat_step(paid, row, share, inside, vat)]
    return steps[::-1] if inside else steps


def _sales_step(paid: Valued, row: Row, inside: bool, sales: int, vat: int) -> Step:
    inputs: dict[str, Phrase] = {"price_paid": f"{plain(paid.goods)} {paid.currency}"}
    if paid.rate is not YUAN:
        inputs["exchange_rate"] = plain(paid.rate.value)
        inputs["exchange_rate_source"] = "request"
    if inside:
        formula = f"{fen_text(paid.fen)} - {fen_text(vat)}"
        return step("dutiable_value", formula, _AMOUNT, inputs, sales, told(text_of(row, "law")))
    formula = plain(paid.goods) if paid.rate is YUAN else f"{plain(paid.goods)} x {plain(paid.rate.value)}"
    exact = paid.exact_fen.as_integer_ratio()
    return step("dutiable_value", formula, _PRICE, inputs, sales, told(text_of(row, "law")), exact)


def _vat_step(paid: Valued, row: Row, share: int, inside: bool, vat: int) -> Step:
    text, law, price = percent_text(share), told(text_of(row, "law")), fen_text(paid.fen)
    parameters = [parameter("service_rate", text, row)]
    if row["treatment"] == EXEMPT:
        return step("vat", f"{price} x 0 %", _EXEMPT, {"base": price}, 0, law, None, parameters)
    inputs: dict[str, Phrase] = {"base": price, "rate": text, "kind": "service_vat", "source": row["source"]}
    if inside:
        formula, words, exact = f"{price} / (1 + {text} %) x {text} %", _INSIDE, (paid.fen * share, WHOLE + share)
    else:
        formula, words, exact = f"{price} x {text} %", _ON_TOP, (paid.fen * share, WHOLE)
    return step("vat", formula, words, inputs, vat, law, exact, parameters)
