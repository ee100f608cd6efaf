"""The explanation of a line: each legal step with its formula in words and in numbers, its inputs, the legal parameters
with source and first day, the amount, the law, and the exact value before rounding where rounding changed it.

The steps read the same integers that the engine computed. Each formula in numbers can be computed as it stands and
gives the exact value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from core.money import fen_text
from customs.duty.charges import Charge, Exact, exact_text, filled, plus
from customs.duty.steps import Parameter, Step, step
from customs.duty.valuation import Valued
from customs.duty.value_step import valuation_step
from customs.duty.wording import Phrase, Told, told
from customs.tariff.index import Names
from customs.tariff.rates import WHOLE
from customs.tariff.reading import Row

Cited = tuple[str, Row]  # the name of a table and a row of it

_LAW_RETAIL, _LAW_CONSUMPTION, _LAW_VAT = told(["law_retail"]), told(["law_consumption"]), told(["law_vat"])
_LAW_RETAIL_CONSUMPTION = told([["law_consumption"], ["law_retail"]])
_LAW_RETAIL_VAT = told([["law_vat"], ["law_retail"]])
_SHOWN = ("rate", "kind", "source", "agreement", "measure", "quota")


@dataclass(frozen=True, slots=True)
class Applied:
    """One rate that the law applies to a code on a day: how it is answered, what it charges (the quantity left open),
    its parameters, the rows it stands in, the law of its step."""

    item: dict[str, Any]
    charge: Charge
    parameters: list[Parameter]
    rows: list[Cited]
    law: Told


class Levy(NamedTuple):
    """A rate applied, what it charges on the line's own quantity, and the fen it came to."""

    applied: Applied
    charge: Charge
    fen: int


@dataclass(frozen=True, slots=True)
class Bill:
    """All that is levied on a line, and the rows its value rests on; no `duty` inside the retail limits, no
    `consumption` where there is none."""

    valued: Valued
    behind: Sequence[Cited]
    duty: Levy | None
    additions: Sequence[Levy]
    consumption: Levy | None
    vat: Levy

    @property
    def duties(self) -> list[Levy]:
        return [] if self.duty is None else [self.duty, *self.additions]

    @property
    def levies(self) -> list[Levy]:
        """All of them, in the order of the steps."""
        return [*self.duties, *([] if self.consumption is None else [self.consumption]), self.vat]


def levy_step(name: str, levy: Levy, value_fen: int) -> Step:
    """A duty or an addition: the value times a rate, a quantity times an amount, or both."""
    charge = levy.charge
    value = fen_text(value_fen)
    inputs = {"dutiable_value": value, **_inputs(levy)}
    return step(name, filled(charge.on(value), charge.names), _words(charge.form("duty")), inputs, levy.fen,
                levy.applied.law, charge.exact(value_fen), levy.applied.parameters)  # fmt: skip


def general_steps(bill: Bill) -> list[Step]:
    """General trade: value, duty, additions, consumption tax, VAT, each on what was rounded before (rule A1)."""
    value, consumption, vat = bill.valued.fen, bill.consumption, bill.vat
    steps = [valuation_step(bill.valued, bill.behind), *_duties(bill)]
    duties = [levy.fen for levy in bill.duties]
    amounts = [value, duties[0], sum(duties[1:])]
    base = sum(amounts)
    if consumption is not None:
        charge = consumption.charge
        words = _words(charge.form("consumption"), "value_and_duties")
        steps.append(_consumption_step(consumption, _sum(map(fen_text, amounts)), fen_text(base), words,
                                       charge.exact_inside((base, 1)), _LAW_CONSUMPTION))  # fmt: skip
        amounts.append(consumption.fen)
        base += consumption.fen
    charge = vat.charge
    inputs = {"base": fen_text(base), **_inputs(vat)}
    steps.append(step("vat", charge.on(_sum(map(fen_text, amounts))), _words("vat_on_sum"), inputs, vat.fen, _LAW_VAT,
                      charge.exact(base), vat.applied.parameters))  # fmt: skip
    return steps


def full_steps(bill: Bill) -> list[Step]:
    """A single retail item above the limit: duties as in general trade, the chain exact, each tax rounded once."""
    steps = [valuation_step(bill.valued, bill.behind), *_duties(bill)]
    value = bill.valued.fen
    duties = [levy.charge.exact(value) for levy in bill.duties]
    additional: Exact = (0, 1)
    for addition in duties[1:]:
        additional = plus(additional, addition)
    amounts = [(value, 1), duties[0], additional]
    base = plus(plus(amounts[0], amounts[1]), amounts[2])
    shown = _sum([fen_text(value), *(exact_text(amount) for amount in amounts[1:])])
    return steps + _chain(bill, base, shown, "unrounded_duties")


def retail_steps(bill: Bill, limit: Parameter, share: Parameter) -> list[Step]:
    """Inside the retail limits: no duty, a share of consumption tax and VAT, each rounded once from the exact chain.
    `limit` is the single limit, `share` the percentage levied."""
    value = fen_text(bill.valued.fen)
    words = told(["no_duty_in_retail", {"limit": limit["phrases"]["value"]}])
    inputs: dict[str, Phrase] = {"dutiable_value": value, "reason": words.phrase}
    steps = [valuation_step(bill.valued, bill.behind),
             step("duty", f"{value} x 0 %", words, inputs, 0, _LAW_RETAIL, None, [limit])]  # fmt: skip
    return steps + _chain(bill, (bill.valued.fen, 1), value, "dutiable_value", share)


def _chain(bill: Bill, base: Exact, shown: str, words: str, share: Parameter | None = None) -> list[Step]:
    """Consumption tax and VAT from an exact base, its formula and its name in words; perhaps only a share of them."""
    consumption, vat = bill.consumption, bill.vat
    law, vat_law = (_LAW_CONSUMPTION, _LAW_VAT) if share is None else (_LAW_RETAIL_CONSUMPTION, _LAW_RETAIL_VAT)
    steps = []
    whole, rate = base, vat.charge
    formula, form = shown, "vat_on_base"
    unit: Names | None = None
    if consumption is not None:
        charge = consumption.charge
        spoken = _words(charge.form("consumption"), words, share is not None)
        steps.append(_consumption_step(consumption, shown, None, spoken, charge.exact_inside(base), law, share))
        whole, unit = charge.whole(base), charge.names
        formula, form = _whole(charge, shown), charge.form("vat")
    exact = whole[0] * rate.share, whole[1] * WHOLE
    inputs = {"dutiable_value": fen_text(bill.valued.fen), **_inputs(vat)}
    numbers = f"{formula} x {rate.percent}"
    spoken = _words(form, words, share is not None)
    steps.append(_shared("vat", numbers, unit, spoken, inputs, vat, exact, vat_law, share))
    return steps


def _consumption_step(
    levy: Levy, base: str, base_text: str | None, words: Told, exact: Exact, law: Told,
    share: Parameter | None = None,
) -> Step:  # fmt: skip
    inputs = {"base": base_text or base, **_inputs(levy)}
    formula = levy.charge.inside(base)
    return _shared("consumption_tax", formula, levy.charge.names, words, inputs, levy, exact, law, share)


def _shared(
    name: str, formula: str, unit: Names | None, words: Told, inputs: dict[str, Phrase], levy: Levy, exact: Exact,
    law: Told, share: Parameter | None,
) -> Step:  # fmt: skip
    """A tax of which perhaps only a share is levied."""
    parameters = levy.applied.parameters
    if share is not None:
        percent = share["value"]
        formula = f"{formula} x {percent} %"
        exact = exact[0] * int(percent), exact[1] * 100
        inputs["share"] = percent
        parameters = [*parameters, share]
    return step(name, filled(formula, unit), words, inputs, levy.fen, law, exact, parameters)


def _duties(bill: Bill) -> list[Step]:
    """The steps of the duty and of each addition, all on the dutiable value."""
    if bill.duty is None:
        return []
    names = ["duty", *["additional_duty"] * len(bill.additions)]
    return [levy_step(name, levy, bill.valued.fen) for name, levy in zip(names, bill.duties, strict=True)]


def _whole(charge: Charge, base: str) -> str:
    """The formula of a base with the consumption tax that is part of it."""
    if charge.unit:
        base = f"({base} + {charge.amount_text})"
    return f"{base} / (1 - {charge.percent})" if charge.share else base


@cache
def _words(form: str, base: str | None = None, share: bool = False) -> Told:
    """A formula in words: of a base, and perhaps only a share of it levied."""
    phrase: Phrase = [form] if base is None else [form, {"base": [base]}]
    return told(["of_which_a_share", {"whole": phrase}] if share else phrase)


def _sum(amounts: Iterable[str]) -> str:
    """Amounts added up, those that are nothing left out; in brackets when several are left."""
    first, *others = amounts
    kept = [first, *(amount for amount in others if amount.strip("0."))]
    return f"({' + '.join(kept)})" if len(kept) > 1 else kept[0]


def _inputs(levy: Levy) -> dict[str, Phrase]:
    item, charge = levy.applied.item, levy.charge
    inputs: dict[str, Phrase] = {key: item[key] for key in _SHOWN if key in item}
    if charge.names is not None:
        inputs["quantity"] = filled(charge.quantity_text, charge.names)
    return inputs
