"""The step to the dutiable value: every part of it with its article, summed by currency and converted."""

from __future__ import annotations

from collections.abc import Sequence

from core.money import plain
from customs.duty.exchange import YUAN, CustomsRate
from customs.duty.steps import Parameter, Step, day_text, parameter, step
from customs.duty.terms import METHODS, TRANSACTION
from customs.duty.valuation import Part, Valued
from customs.duty.wording import Phrase, Told, told
from customs.tariff.reading import Row

_LAW = told(["law_value"])
_PLAIN, _OF_PARTS = told(["value"]), told(["value_of_parts"])


def valuation_step(valued: Valued, behind: Sequence[tuple[str, Row]]) -> Step:
    """Goods, additions and deductions, carriage and insurance to the dutiable value; `behind` are the rows of the law
    that it rests on (`customs.duty.valuation.rows_behind`)."""
    parts = valued.parts
    inputs: dict[str, Phrase] = {}
    met: dict[str, int] = {}
    for part in parts:
        same = met[part.name] = met.get(part.name, 0) + 1
        inputs[part.name if same == 1 else f"{part.name}_no_{same}"] = _part(part, valued.currency)
    inputs["currency"] = valued.currency
    for currency, rate in {part.currency: part.rate for part in parts}.items():
        inputs.update(_rate_inputs(rate, "" if currency == valued.currency else f"_{currency}"))
    if valued.insurance_share:
        inputs["insurance_basis"] = ["insurance_unknown", {"share": plain(valued.insurance_share * 100)}]
    law = _terms(valued, inputs)
    numerator, denominator = valued.exact.as_integer_ratio()
    words = _PLAIN if valued.terms is None else _OF_PARTS
    return step("dutiable_value", _sums_text(parts), words, inputs, valued.fen, law, (numerator * 100, denominator),
                [*_parameters(valued, behind)])  # fmt: skip


def _terms(valued: Valued, inputs: dict[str, Phrase]) -> Told:
    """Delivery term and method among the inputs; the law of the method."""
    terms = valued.terms
    if terms is None:
        return _LAW
    if terms.incoterm is not None:
        inputs["incoterm"] = terms.incoterm
    if terms.method == TRANSACTION:
        return _LAW
    inputs["valuation_method"] = [f"method_{terms.method}"]
    return told(["law_value_by", {"article": [METHODS[terms.method]]}])


def _part(part: Part, invoice_currency: str) -> Phrase:
    amount = plain(part.amount) if part.currency == invoice_currency else f"{plain(part.amount)} {part.currency}"
    if not part.article:
        return amount
    figures = {"amount": amount, "article": [part.article], "note": part.note}
    return ["part_with_note" if part.note else "part", figures]


def _rate_inputs(rate: CustomsRate, suffix: str) -> dict[str, str]:
    """A rate with where it comes from: the request, or the row of a month and the day on which it was fixed."""
    inputs = {f"exchange_rate{suffix}": plain(rate.value)}
    if rate is YUAN:
        return inputs
    inputs[f"exchange_rate_source{suffix}"] = "request" if rate.row is None else str(rate.row["source"])
    if rate.row is not None:
        inputs[f"exchange_rate_since{suffix}"] = day_text(rate.row["first_day"])
    if rate.fixed_on is not None:
        inputs[f"exchange_rate_fixed_on{suffix}"] = rate.fixed_on.isoformat()
    return inputs


def _parameters(valued: Valued, behind: Sequence[tuple[str, Row]]) -> list[Parameter]:
    made = []
    for table, row in behind:
        if table == "exchange_rates":
            figures = {"rate": plain(row["rate"] / int(row["per"])), "currency": row["currency"]}
            made.append(parameter("exchange_rate", ["yuan_for", figures], row))
        else:
            made.append(parameter(row["id"], plain(row["value"]), row))
    return made


def _sums_text(parts: Sequence[Part]) -> str:
    sums: dict[str, list[Part]] = {}
    for part in parts:
        sums.setdefault(part.currency, []).append(part)
    return " + ".join(f"({_sum_text(same)}) x {plain(same[0].rate.value)}" for same in sums.values())


def _sum_text(parts: Sequence[Part]) -> str:
    first, *rest = parts
    signed = (f" {'-' if part.amount < 0 else '+'} {plain(abs(part.amount))}" for part in rest)
    return plain(first.amount) + "".join(signed)
