"""Rules between the fields of one document that the schema cannot say (message specification; law.md has none of them).

Each rule returns the breaches it found as (element, sentence); a field that is missing or of the wrong type is another
check's business, so a rule that cannot read its fields says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import reduce
from typing import Any

Document = Mapping[str, Any]
Breach = tuple[str, str]

BONDED, DIRECT = "1210", "9610"
CHINA = "142"
FEN = Decimal("0.01")
# Sums and products of fields are exact in it, and an absurd number is a breach and no exception.
_EXACT = Context(prec=60, traps=[])

_DIRECT_ONLY = ("trafNo", "voyageNo", "billNo")
_BONDED_ONLY = ("emsNo", "areaCode", "areaName")


def document_breaches(kind: str, document: Document) -> list[Breach]:
    """Every rule of the kind that this document breaks."""
    return [breach for rule in _RULES.get(kind, ()) for breach in rule(document)]


def numbers(document: Document, *elements: str) -> list[Decimal] | None:
    """The named elements as numbers to reckon with, or None when one is absent or no finite number."""
    found = [document.get(element) for element in elements]
    for value in found:
        if value.__class__ is Decimal:
            if not value.is_finite():
                return None
        elif value.__class__ is not int:  # a bool is none either
            return None
    return found  # type: ignore[return-value]


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    return reduce(_EXACT.add, numbers, Decimal(0))


def is_zero(value: object) -> bool:
    return (value.__class__ is Decimal or value.__class__ is int) and not value


def lines_of(document: Document) -> Sequence[Document]:
    return document.get("lines") or ()


def _paid(document: Document) -> Iterable[Breach]:
    """Paid = goods + freight + tax - discount; in an order the freight holds the insurance too (rule A14)."""
    found = numbers(document, "goodsValue", "freight", "taxTotal", "discount", "acturalPaid")
    if found is not None:
        goods, freight, tax, discount, paid = found
        if _sum([goods, freight, tax]) != _sum([paid, discount]):
            yield "acturalPaid", "must be goodsValue + freight + taxTotal - discount"


def _goods_sum(document: Document) -> Iterable[Breach]:
    totals = [numbers(line, "totalPrice") for line in lines_of(document)]
    goods = numbers(document, "goodsValue")
    if goods is None or None in totals:
        return
    if _sum([total[0] for total in totals if total]) != goods[0]:
        yield "goodsValue", "must be the sum of totalPrice over the lines"


def _line_totals(document: Document) -> Iterable[Breach]:
    """A unit price has five places at most, so the product may miss the total by less than half a fen (rule A13)."""
    for at, line in enumerate(lines_of(document), 1):
        found = numbers(line, "qty", "price", "totalPrice")
        if found is None:
            continue
        quantity, price, total = found
        if not quantity:
            yield f"lines[{at}]/qty", "must be above zero"
        product = _EXACT.multiply(price, quantity)
        if product != total and product.quantize(FEN, ROUND_HALF_UP, _EXACT) != total:
            yield f"lines[{at}]/totalPrice", "must be price x qty"


def _line_numbers(document: Document) -> Iterable[Breach]:
    given = [line.get("gnum") for line in lines_of(document)]
    if given != list(range(1, len(given) + 1)):
        yield "gnum", "lines must be numbered 1, 2, 3 and so on without a gap"


def _line_numbers_once(document: Document) -> Iterable[Breach]:
    given = [line.get("gnum") for line in lines_of(document)]
    if len(set(given)) != len(given):
        yield "gnum", "a line of the original list may stand only once"


def _above_zero(*elements: str) -> Callable[[Document], Iterable[Breach]]:
    def rule(document: Document) -> Iterable[Breach]:
        for element in elements:
            if is_zero(document.get(element)):
                yield element, "must be above zero"

    return rule


def _weights(document: Document) -> Iterable[Breach]:
    found = numbers(document, "grossWeight", "netWeight")
    if found is not None and found[0] < found[1]:
        yield "grossWeight", "must not be below netWeight"


def _mode(document: Document) -> Iterable[Breach]:
    """What direct purchase (9610) and bonded goods (1210) must say, and what the other must leave out."""
    mode = document.get("tradeMode")
    if mode == DIRECT:
        yield from _presence(document, mode, required=_DIRECT_ONLY, absent=_BONDED_ONLY)
        if document.get("country") == CHINA:
            yield "country", f"must be the country of dispatch in mode {DIRECT}, not {CHINA}"
    elif mode == BONDED:
        yield from _presence(document, mode, required=_BONDED_ONLY, absent=_DIRECT_ONLY)
        if document.get("country") != CHINA:
            yield "country", f"must be {CHINA} in mode {BONDED}"
        for at, line in enumerate(lines_of(document), 1):
            if not line.get("itemRecordNo"):
                yield f"lines[{at}]/itemRecordNo", f"required in mode {BONDED}"


def _presence(document: Document, mode: str, required: Sequence[str], absent: Sequence[str]) -> Iterable[Breach]:
    yield from ((element, f"required in mode {mode}") for element in required if not document.get(element))
    yield from ((element, f"must be left out in mode {mode}") for element in absent if document.get(element))


def _guarantor(document: Document) -> Iterable[Breach]:
    """Only the platform, the e-commerce enterprise or the logistics enterprise may stand for the tax."""
    allowed = [document.get(element) for element in ("ebpCode", "ebcCode", "logisticsCode")]
    if document.get("assureCode") not in allowed:
        yield "assureCode", "must be the code of the platform, the e-commerce enterprise or the logistics enterprise"


def _second_units(document: Document) -> Iterable[Breach]:
    for at, line in enumerate(lines_of(document), 1):
        if (line.get("qty2") is None) != (line.get("unit2") is None):
            yield f"lines[{at}]/qty2", "second quantity and second unit go together"
        for element in ("qty1", "qty2"):
            if is_zero(line.get(element)):
                yield f"lines[{at}]/{element}", "must be above zero"


def _amendment(document: Document) -> Iterable[Breach]:
    """A new list has no number of customs yet; it gets one with the receipts."""
    if document.get("appType") == "1" and document.get("invtNo"):
        yield "invtNo", "a new list has no number yet"


def _waybills_once(document: Document) -> Iterable[Breach]:
    seen: set[object] = set()
    for at, line in enumerate(lines_of(document), 1):
        waybill = line.get("logisticsNo")
        if waybill in seen:
            yield f"lines[{at}]/logisticsNo", "a parcel enters once"
        seen.add(waybill)


def _quantities(document: Document) -> Iterable[Breach]:
    for at, line in enumerate(lines_of(document), 1):
        if is_zero(line.get("qty")):
            yield f"lines[{at}]/qty", "must be above zero"


_RULES: dict[str, tuple[Callable[[Document], Iterable[Breach]], ...]] = {
    "311": (_paid, _goods_sum, _line_totals, _line_numbers),
    "411": (_above_zero("amountPaid"),),
    "511": (_above_zero("weight"),),
    "621": (
        _mode,
        _guarantor,
        _weights,
        _above_zero("netWeight"),
        _line_totals,
        _line_numbers,
        _second_units,
        _amendment,
    ),
    "625": (_line_numbers_once, _quantities),
    "711": (_line_numbers, _waybills_once),
}
