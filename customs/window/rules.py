"""Rules between the fields of one document that the schema cannot say (message specification; law.md has none of them).

Each rule returns the breaches it found as (element, sentence); a field that is missing or of the wrong type is another
check's business, so a rule that cannot read its fields says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Document = Mapping[str, Any]
Breach = tuple[str, str]

BONDED, DIRECT = "1210", "9610"
CHINA = "142"
FEN = Decimal("0.01")

_DIRECT_ONLY = ("trafNo", "voyageNo", "billNo")
_BONDED_ONLY = ("emsNo", "areaCode", "areaName")


def document_breaches(kind: str, document: Document) -> list[Breach]:
    """Every rule of the kind that this document breaks."""
    return [breach for rule in _RULES.get(kind, ()) for breach in rule(document)]


def numbers(document: Document, *elements: str) -> list[Decimal] | None:
    """The named elements as decimals, or None when one is absent or no finite number."""
    found = [document.get(element) for element in elements]
    if any(isinstance(value, bool) or not isinstance(value, (Decimal, int)) for value in found):
        return None
    decimals = [Decimal(value) for value in found if value is not None]
    return decimals if all(value.is_finite() for value in decimals) else None


def lines_of(document: Document) -> Sequence[Document]:
    return document.get("lines") or ()


def _paid(document: Document) -> Iterable[Breach]:
    """Paid = goods + freight + tax - discount; in an order the freight holds the insurance too (rule A14)."""
    found = numbers(document, "goodsValue", "freight", "taxTotal", "discount", "acturalPaid")
    if found is not None:
        goods, freight, tax, discount, paid = found
        if goods + freight + tax - discount != paid:
            yield "acturalPaid", "must be goodsValue + freight + taxTotal - discount"


def _goods_sum(document: Document) -> Iterable[Breach]:
    totals = [numbers(line, "totalPrice") for line in lines_of(document)]
    goods = numbers(document, "goodsValue")
    if goods is None or any(total is None for total in totals):
        return
    if sum((total[0] for total in totals if total), Decimal(0)) != goods[0]:
        yield "goodsValue", "must be the sum of totalPrice over the lines"


def _line_totals(document: Document) -> Iterable[Breach]:
    """A unit price has five places at most, so the product may miss the total by less than half a fen (rule A13)."""
    for at, line in enumerate(lines_of(document), 1):
        found = numbers(line, "qty", "price", "totalPrice")
        if found is None:
            continue
        quantity, price, total = found
        if quantity == 0:
            yield f"lines[{at}]/qty", "must be above zero"
        if price * quantity != total and (price * quantity).quantize(FEN, ROUND_HALF_UP) != total:
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
            found = numbers(document, element)
            if found is not None and found[0] == 0:
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
            found = numbers(line, element)
            if found is not None and found[0] == 0:
                yield f"lines[{at}]/{element}", "must be above zero"


def _amendment(document: Document) -> Iterable[Breach]:
    """A new list has no number of customs yet; it gets one with the receipts."""
    if document.get("appType") == "1" and document.get("invtNo"):
        yield "invtNo", "a new list has no number yet"


def _quantities(document: Document) -> Iterable[Breach]:
    for at, line in enumerate(lines_of(document), 1):
        found = numbers(line, "qty")
        if found is not None and found[0] == 0:
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
    "711": (_line_numbers,),
}
