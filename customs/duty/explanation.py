"""The explanation of a line: each legal step with its formula in words and numbers, its inputs, amount and law.

The steps read the same integers that the engine computed; the exact value before rounding is shown beside the amount
where the two differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

from core.money import fen_text, plain
from customs.duty.valuation import Valued

_SHOWN = Context(prec=40)
_SIX = Decimal("0.000001")

VALUATION_LAW = "Tariff Law art. 24-26; art. 60 (exchange rate); rule A16"
DUTY_LAW = "Tariff Law art. 23"
CONSUMPTION_LAW = "Consumption Tax Regulations art. 9; rule A1"
VAT_LAW = "VAT Law art. 14; rule A1"
RETAIL_LAW = "Caiguanshui 2016 No.18; 2018 No.49"

Step = dict[str, Any]


def step(name: str, formula: str, inputs: dict[str, str], fen: int, law: str, exact: Decimal | None = None) -> Step:
    """One step; `exact` is the value in CNY before rounding, shown when rounding changed it."""
    made: Step = {"step": name, "formula": formula, "inputs": inputs, "amount": fen_text(fen), "law": law}
    if exact is not None and exact * 100 != fen:
        made["exact"] = plain(exact.quantize(_SIX, context=_SHOWN))
    return made


def valuation_step(valued: Valued) -> Step:
    """Goods, freight and insurance to the dutiable value."""
    insurance = plain(valued.insurance)
    formula = f"({plain(valued.goods)} + {plain(valued.freight)} + {insurance}) x {plain(valued.exchange_rate)}"
    inputs = {"goods": plain(valued.goods), "freight": plain(valued.freight), "insurance": insurance,
              "currency": valued.currency, "exchange_rate": plain(valued.exchange_rate)}  # fmt: skip
    if valued.insurance_assumed:
        inputs["insurance_basis"] = "unknown: 0.3 % of goods and freight"
    return step("dutiable_value", formula, inputs, valued.fen, VALUATION_LAW, valued.exact)


def levy_step(name: str, item: dict[str, Any], value_fen: int, fen: int, quantity: str | None, law: str) -> Step:
    """A duty or an addition: the value times a rate, or a quantity times an amount."""
    value = fen_text(value_fen)
    rate = str(item["rate"])
    inputs = {"dutiable_value": value, "rate": rate, "kind": str(item["kind"]), "source": str(item["source"])}
    for key in ("agreement", "measure", "quota"):
        if key in item:
            inputs[key] = str(item[key])
    if quantity is not None:
        inputs["quantity"] = quantity
        return step(name, f"{rate} on {value} and {quantity}", inputs, fen, law)
    exact = _SHOWN.divide(Decimal(value_fen) * Decimal(rate), Decimal(10_000))
    return step(name, f"{value} x {rate} %", inputs, fen, law, exact)


def general_steps(
    valued: Valued,
    duty: dict[str, Any],
    duty_fen: int,
    additions: Sequence[tuple[dict[str, Any], int]],
    consumption: dict[str, Any] | None,
    consumption_fen: int,
    vat: dict[str, Any],
    vat_fen: int,
    quantities: dict[str, str],
) -> list[Step]:
    """General trade, and the full-tax single item of retail: value, duty, additions, consumption tax, VAT."""
    steps = [valuation_step(valued), levy_step("duty", duty, valued.fen, duty_fen, quantities.get(str(duty["rate"])),
                                               f"{DUTY_LAW}; {duty['law']}")]  # fmt: skip
    steps += [
        levy_step("additional_duty", item, valued.fen, fen, quantities.get(str(item["rate"])), str(item["law"]))
        for item, fen in additions
    ]
    base = valued.fen + duty_fen + sum(fen for _, fen in additions)
    if consumption is not None:
        steps.append(consumption_step(consumption, base, consumption_fen, quantities.get(str(consumption["rate"]))))
    base += consumption_fen
    rate = str(vat["rate"])
    inputs = {"base": fen_text(base), "rate": rate, "source": str(vat["source"])}
    exact = _SHOWN.divide(Decimal(base) * Decimal(rate), Decimal(10_000))
    steps.append(step("vat", f"(value + duties + consumption tax) {fen_text(base)} x {rate} %", inputs, vat_fen,
                      VAT_LAW, exact))  # fmt: skip
    return steps


def consumption_step(item: dict[str, Any], base_fen: int, fen: int, quantity: str | None) -> Step:
    """Consumption tax: part of its own base."""
    rate, base = str(item["rate"]), fen_text(base_fen)
    inputs = {"base": base, "rate": rate, "source": str(item["source"])}
    formula = f"(value + duties) {base} / (1 - {rate} %) x {rate} %"
    if quantity is not None:
        inputs["quantity"] = quantity
        formula = f"{rate} on {base} and {quantity}, the tax being part of its own base"
    return step("consumption_tax", formula, inputs, fen, CONSUMPTION_LAW)


def retail_steps(
    valued: Valued,
    share: int,
    limit_fen: int,
    consumption: dict[str, Any] | None,
    consumption_fen: int,
    vat: dict[str, Any],
    vat_fen: int,
    quantities: dict[str, str],
) -> list[Step]:
    """Inside the retail limits: no duty, a share of consumption tax and VAT, each rounded once from the exact chain."""
    value = fen_text(valued.fen)
    steps = [valuation_step(valued)]
    reason = f"duty rate 0 inside the single limit of {fen_text(limit_fen)}"
    steps.append(step("duty", f"{value} x 0 %", {"dutiable_value": value, "reason": reason}, 0, RETAIL_LAW))
    divisor, amount = "", ""
    if consumption is not None:
        rate = str(consumption["rate"])
        quantity = quantities.get(rate)
        divisor, amount = f" / (1 - {rate} %)", f" and {quantity}" if quantity else ""
        inputs = {"dutiable_value": value, "rate": rate, "share": f"{share}", "source": str(consumption["source"])}
        steps.append(step("consumption_tax", f"{value}{amount}{divisor} x {rate} % x {share} %", inputs,
                          consumption_fen, f"{CONSUMPTION_LAW}; {RETAIL_LAW}"))  # fmt: skip
    rate = str(vat["rate"])
    inputs = {"dutiable_value": value, "rate": rate, "share": f"{share}", "source": str(vat["source"])}
    exact = None
    if consumption is None:
        exact = _SHOWN.divide(Decimal(valued.fen) * Decimal(rate) * share, Decimal(1_000_000))
    steps.append(step("vat", f"{value}{amount}{divisor} x {rate} % x {share} %", inputs, vat_fen,
                      f"{VAT_LAW}; {RETAIL_LAW}", exact))  # fmt: skip
    return steps
