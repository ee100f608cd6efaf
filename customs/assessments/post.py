"""Personal articles by post (行邮): lines in, one tax a line out, the limit and the waiver by parcel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.errors import Problem, declare
from core.money import fen_text
from customs.assessments.answers import AssessedLine, Assessment, Facts
from customs.assessments.prepare import codes_of, in_field, of_line, value_of
from customs.assessments.request import Line, Request
from customs.assessments.retail import NO_INSURANCE
from customs.duty import post
from customs.duty.bounds import QUANTITY_MAX, VALUE_MAX_FEN
from customs.duty.exchange import Rates
from customs.duty.explanation import Cited
from customs.duty.post_steps import Priced, price_step, tax_step
from customs.duty.regimes import tax_on
from customs.duty.requirements import weakest
from customs.duty.steps import period
from customs.duty.valuation import Quantities, rows_behind
from customs.duty.wording import Phrase, said
from customs.tariff import Tariff, problems
from customs.tariff.acceptance import is_assumed, row_id
from customs.tariff.index import names_of, text_of
from customs.tariff.rates import percent_text
from customs.tariff.reading import Row
from customs.tariff.tariff import STANDING_WORDS

POST_LIMIT = declare("post_limit", 422, "The parcel is above the limit for personal articles")
_LIVING = ("02", "03", "04", "0504", "16")  # products of animals that mostly may not be mailed
_KIND = "personal_post"


@dataclass(frozen=True, slots=True)
class Item:
    """One line priced and taxed: the row of its rate, that rate in 0.001 %, the tax in fen."""

    line: Line
    priced: Priced
    rate: Row
    share: int
    fen: int


@dataclass(slots=True)
class PostAssessment(Assessment):
    """An answer whose waiver counts by parcel: `parcels_waived` in fen."""

    parcels_waived: int = 0

    @property
    def waived(self) -> dict[str, int]:
        return {"duty": self.parcels_waived} if self.parcels_waived else {}


def assess_post(tariff: Tariff, request: Request) -> Assessment:
    """What personal articles bear. Raises Problem post_limit for a parcel above the limit, post_category_unknown and
    those of any assessment."""
    if request.sent_from is not None and request.sent_from not in tariff.origins.number:
        detail = f"{request.sent_from}: no such country (countries.csv)"
        raise in_field(Problem(problems.ORIGIN_UNKNOWN, detail), "from")
    rates = Rates(tariff, request.day, request.exchange_rates)
    items = []
    for i, line in enumerate(request.lines):
        try:
            items.append(_item(tariff, request.day, line, rates))
        except Problem as problem:
            raise of_line(problem if problem.errors else in_field(problem, _field(problem, line)), i) from None
    above = _above(tariff, request, items)
    lines = [_answer(tariff, request, item, above.get(item.line.parcel)) for item in items]
    waiver = tariff.parameter("post_waiver", request.day)  # there is a limit, so there is a waiver
    taxes = [sum(items[i].fen for i in members) for members in _parcels(request.lines).values()]
    waived = sum(tax for tax in taxes if tax <= waiver["value"] * 100)
    return PostAssessment(request.day, tariff.edition, request.route, lines, {}, STANDING_WORDS[waiver["standing"]],
                          waived)  # fmt: skip


def _field(problem: Problem, line: Line) -> str:
    if problem.code == post.CATEGORY_UNKNOWN or line.post_category is not None:
        return "post_category"
    return "hs"


def _item(tariff: Tariff, day: date, line: Line, rates: Rates) -> Item:
    _check(tariff, line, day)
    codes = codes_of(tariff, line.hs, day) if line.hs else []
    article = post.article_of(tariff, line.post_category, line.hs, day)
    quantities = _quantities(tariff, line, codes)
    priced = _priced(tariff, line, article, quantities, rates, day)
    rate = post.class_rate(tariff, _class(tariff, line, article, priced, quantities), day)
    share = int(rate["rate"] * 1000)
    return Item(line, priced, rate, share, int(tax_on(priced.fen, share)))


def _check(tariff: Tariff, line: Line, day: date) -> None:
    if line.origin is not None and line.origin not in tariff.origins.number:
        raise in_field(Problem(problems.ORIGIN_UNKNOWN, f"{line.origin}: no such country (countries.csv)"), "origin")
    if not tariff.units.known(line.unit):
        raise in_field(Problem(problems.UNIT_MISMATCH, f"{line.unit}: no such unit (units.csv)"), "unit")
    if not 0 < line.quantity <= QUANTITY_MAX:
        problem = Problem(problems.OUT_OF_BOUNDS, f"a quantity lies above 0 and is at most {QUANTITY_MAX}")
        raise in_field(problem, "quantity")
    ban = tariff.import_ban(line.hs, line.origin, day) if line.hs else None
    if ban is not None and ban["kind"] == "ban":
        detail = f"{line.hs} of {line.origin}: {ban['text']} (bans.csv)"
        raise in_field(Problem(problems.ORIGIN_BANNED, detail), "origin")


def _quantities(tariff: Tariff, line: Line, codes: Sequence[str]) -> Quantities:
    first, second = tariff.statutory_units(codes[0]) if codes else ("", "")
    word = tariff.units.word_of
    return Quantities(line.quantity, line.unit, word(first), line.unit1_quantity, word(second), line.unit2_quantity,
                      line.net_content)  # fmt: skip


def _priced(
    tariff: Tariff, line: Line, article: post.Article, quantities: Quantities, rates: Rates, day: date
) -> Priced:
    """The listed price where it is on file and near to what was paid, else the price paid (GACC 2012 No.15)."""
    paid = value_of(line, rates, NO_INSURANCE)
    band, listed = post.band_of(tariff, day), article.price
    if listed is None or listed["price"] is None:
        return Priced(paid, article, band, -1, False, paid.exact_fen, paid.fen)
    parts = post.measured(quantities, tariff.units, listed["unit"])
    if parts <= 0:
        detail = f"{article.category['id']}: its listed price is by {listed['unit']}; give the quantity in it"
        raise in_field(Problem(problems.QUANTITY_NEEDED, detail), "quantity")
    total = post.listed_total(listed["price"], parts)
    within = band.holds(paid.exact_fen, total)
    exact = total if within else paid.exact_fen
    value = post.fen(exact)
    if value > VALUE_MAX_FEN:
        raise in_field(Problem(problems.OUT_OF_BOUNDS, f"a line is computed up to {VALUE_MAX_FEN // 100} CNY"), "value")
    return Priced(paid, article, band, parts, within, exact, value)


def _class(tariff: Tariff, line: Line, article: post.Article, priced: Priced, quantities: Quantities) -> str:
    """The class of an article, which may turn on its dutiable price per unit."""
    category = article.category
    if not category["threshold"]:
        return str(category["class"])
    reached = post.reached(priced.exact, category["threshold"], quantities, tariff.units)
    if reached is None:
        detail = f"{category['id']}: its rate turns on the price per unit; give the net content"
        raise in_field(Problem(problems.QUANTITY_NEEDED, detail), "net_content")
    return str(category["class"] if reached else category["below"])


def _parcels(lines: Sequence[Line]) -> dict[str, list[int]]:
    parcels: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        parcels.setdefault(line.parcel, []).append(i)
    return parcels


def _above(tariff: Tariff, request: Request, items: Sequence[Item]) -> dict[str, Row]:
    """The parcels above the limit that are one indivisible article, with the row of the limit; equal is allowed.
    Raises Problem post_limit for any other."""
    above: dict[str, Row] = {}
    try:
        limit = post.limit_of(tariff, request.sent_from, request.day)
    except Problem as problem:
        raise in_field(problem, "day") from None
    for parcel, members in _parcels(request.lines).items():
        total = sum(items[i].priced.fen for i in members)
        if total <= limit["value"] * 100:
            continue
        if len(members) > 1 or items[members[0]].line.quantity != 1:
            raise _over(tariff, request, members[0], total, limit)
        above[parcel] = limit
    return above


def _over(tariff: Tariff, request: Request, first: int, total: int, limit: Row) -> Problem:
    origin: Phrase = tariff.index.countries.get(request.sent_from or "", ["abroad"])
    figures = {"value": fen_text(total), "limit": fen_text(int(limit["value"] * 100)), "origin": origin}
    told = said(detail=["above_post_limit", figures], hint=["hint_parcel"])
    errors = {f"lines.{first}.value": [f"{told['detail']}; {told['hint']}"]}
    return Problem(POST_LIMIT, told["detail"], errors=errors, line=first, hint=told["hint"], phrases=told["phrases"])


def _answer(tariff: Tariff, request: Request, item: Item, limit: Row | None) -> AssessedLine:
    amounts = (item.priced.fen, item.fen, 0, 0, 0)
    own = {"post_category": item.priced.article.category["id"], "parcel": item.line.parcel}
    return AssessedLine(item.line.hs, item.line.origin, amounts, (percent_text(item.share), "0"),
                        lambda: _facts(tariff, request.day, item, limit), own)  # fmt: skip


def _facts(tariff: Tariff, day: date, item: Item, limit: Row | None) -> Facts:
    behind = rows_behind(item.priced.paid, tariff, day)
    used = _used(item, limit, behind)
    standings = [STANDING_WORDS[row["standing"]] for _, row in used]
    if item.priced.article.price is None:
        standings.append("assumed")
    steps = [price_step(tariff, item.priced, behind),
             tax_step(item.priced.fen, item.rate, item.priced.article.category, item.share, item.fen)]  # fmt: skip
    left = [{"kind": kind, "rate": None, **said(reason=["in_one_rate"])} for kind in ("consumption_tax", "vat")]
    assumed = sorted({row_id(table, row) for table, row in used if is_assumed(row, day.toordinal())})
    return Facts([_applied(item)], left, [*_needed(item, limit)], steps, weakest(iter(standings)), assumed)


def _used(item: Item, limit: Row | None, behind: Sequence[Cited]) -> list[Cited]:
    """The rows of the law that the tax rests on."""
    article, band = item.priced.article, item.priced.band
    used: list[Cited] = [("post_categories", article.category), ("post_rates", item.rate), *behind]
    if article.member is not None:
        used.append(("post_members", article.member))
    if article.price is not None:
        used.append(("post_prices", article.price))
        if article.price["price"] is not None:
            used += [("parameters", band.least), ("parameters", band.most)]
    if limit is not None:
        used.append(("parameters", limit))
    return used


def _applied(item: Item) -> dict[str, Any]:
    category, rate = item.priced.article.category, item.rate
    named = ["named_rate", {"kind": [_KIND], "name": names_of(category)}]
    return {"kind": _KIND, "rate": percent_text(item.share), "source": rate["source"],
            "standing": STANDING_WORDS[rate["standing"]], **period(rate), "category": category["id"],
            **said(law=text_of(rate, "law"), name=named)}  # fmt: skip


def _needed(item: Item, limit: Row | None) -> Iterator[dict[str, Any]]:
    """What customs asks for beside the tax; in this route nothing of general trade's licences."""
    rule = "post-2010"
    yield _asked("own_use", ["own_use"], rule, "secondary")
    yield _asked("not_retail", ["not_retail"], "retail-2018", "secondary")
    if limit is not None:
        figures = {"value": fen_text(item.priced.fen), "limit": fen_text(int(limit["value"] * 100))}
        yield _asked("indivisible", ["indivisible", figures], limit["source"], STANDING_WORDS[limit["standing"]])
    listed = item.priced.article.price
    if listed is None:
        yield _asked("article_unnamed", ["article_unnamed"], item.rate["source"], "assumed")
    elif listed["price"] is not None and not item.priced.within:
        band = item.priced.band.most
        yield _asked("purchase_invoice", ["purchase_invoice"], band["source"], STANDING_WORDS[band["standing"]])
    if item.line.hs.startswith(_LIVING):
        yield _asked("post_quarantine", ["post_quarantine"], "recalled", "assumed")


def _asked(code: str, detail: Phrase, source: str, standing: str) -> dict[str, Any]:
    return {"code": code, **said(detail=detail), "source": source, "standing": standing}
