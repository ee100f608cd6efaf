"""In which order listings are shown, and why. The same for every merchant: no figure here knows who sells.

    score (0 to 1,000) = text (0 to 600) + quality (0 to 400)
    text         how well title, facts and description match the words asked for (PostgreSQL ts_rank); 0 without words
    quality      availability (140 when something can be sold now, else 0)
               + freshness (up to 90: share of life left in the lot that goes out first; 90 for what does not age)
               + price (up to 90: 90 for the lowest price of its category, per kg where goods have a weight, 0 for the
                 highest, 45 while nothing was measured yet)
               + delivery (up to 80: share of this listing's own orders that arrived in time, over 90 days; see below)

Delivery is told of the listing, never of its merchant: a new listing of anybody stands where 18 of 20 orders in time
would put it, and as many facts of its own outweigh that (a beta prior). An exact goods code comes before everything
else, and so does a sku, unless it is a word of other listings: a merchant names its skus. Quality is kept in the row
(`catalog.quality` reckons it), so that a page only reads it.

Of very many matches the 96 of the best quality are ranked by their words, and the rest follow by quality alone.
"""

from __future__ import annotations

import functools
import json
from typing import Any

AVAILABILITY, FRESHNESS, PRICE, DELIVERY = 140, 90, 90, 80
QUALITY = AVAILABILITY + FRESHNESS + PRICE + DELIVERY
TEXT, EXACT = 600, 10_000
HEAD = 96  # four pages: each further one would cost every search as much, for readers who seldom come so far

# What is assumed of a listing before it has orders of its own: so many orders, so many of them in time.
ASSUMED_DUE, ASSUMED_IN_TIME = 20, 18
DELIVERY_DAYS = 90
NEUTRAL_PRICE = PRICE // 2

_PARTS = (("availability", AVAILABILITY), ("freshness", FRESHNESS), ("price", PRICE), ("delivery", DELIVERY))

RULE = (
    "Points for matching words, for being in stock, for the life left in the lot that goes out first, for the price "
    "within its category and for the listing's own orders that arrived in time. Who the merchant is, what it pays or "
    "has sold plays no part."
)
_RULE = json.dumps(RULE)


def told_text(parts: str, text_points: int | None, exact: bool = False) -> str:
    """The figures of one listing as JSON text, of the parts as the row keeps them; a page asks it of every card."""
    score, told = _quality(parts)
    before = ""
    if exact:
        before = f'{{"part":"exact","points":{EXACT},"most":{EXACT}}},'
    if text_points is not None:
        before += f'{{"part":"text","points":{text_points},"most":{TEXT}}},'
    score += (text_points or 0) + (EXACT if exact else 0)
    return f'{{"score":{score},"parts":[{before}{told}],"rule":{_RULE}}}'


@functools.lru_cache(maxsize=4096)
def _quality(parts: str) -> tuple[int, str]:
    known = json.loads(parts)
    points = [(name, known.get(name, 0), most) for name, most in _PARTS]
    told = [f'{{"part":"{name}","points":{scored},"most":{most}}}' for name, scored, most in points]
    return sum(scored for _, scored, _ in points), ",".join(told)


def published() -> dict[str, Any]:
    """The whole formula, as anybody may read it: what counts, how much at most, and how it is reckoned."""
    return {
        "rule": RULE,
        "score": {"most": TEXT + QUALITY, "formula": "text + availability + freshness + price + delivery"},
        "parts": [{"part": name, "most": most, "reckoned": _RECKONED[name]} for name, most in _ALL],
        "exact": {"points": EXACT, "reckoned": _RECKONED["exact"]},
        "head": {"most": HEAD, "reckoned": _RECKONED["head"]},
        "never": list(NEVER),
    }


_ALL = (("text", TEXT), *_PARTS)
NEVER = (
    {
        "zh": "商家是谁、其名称、规模、入驻时间",
        "en": "who the merchant is, its name, its size, how long it has been here",
    },
    {"zh": "商家支付的任何费用：排名不出售", "en": "anything a merchant pays: no place is for sale"},
    {"zh": "浏览者是谁、从何处、用何设备浏览", "en": "who looks, from where, with which device"},
    {"zh": "已售数量", "en": "how much was sold"},
)
_RECKONED = {
    "text": {
        "zh": "标题、事实、名称、说明与所输词语的吻合程度（PostgreSQL ts_rank，权重 1、0.4、0.2、0.1）乘以 600；"
        "未输词语时为 0",
        "en": "how well title, facts, names and description match the words (PostgreSQL ts_rank, weights 1, 0.4, 0.2,"
        " 0.1), times 600; 0 without words",
    },
    "availability": {
        "zh": "今天可售即得满分，否则为 0",
        "en": "all of it when something of it can be sold today, else 0",
    },
    "freshness": {
        "zh": "最先出库批次的剩余保质期占比；不会过期的货物得满分",
        "en": "the share of its life left in the lot that goes out first; all of it for what does not age",
    },
    "price": {
        "zh": "在本类目到手价（有重量的按每千克）中的位置：最低价得满分，最高价为 0；每小时量一次",
        "en": "its place among the landed prices of its category, per kg where goods have a weight: all of it for the"
        " lowest, 0 for the highest; measured every hour",
    },
    "delivery": {
        "zh": f"本商品最近 {DELIVERY_DAYS} 天到期订单按时送达的比例："
        f"（按时数 + {ASSUMED_IN_TIME}）÷（到期数 + {ASSUMED_DUE}）；新商品因此居中，与商家无关",
        "en": f"the share of this listing's orders of the last {DELIVERY_DAYS} days that arrived in time:"
        f" (in time + {ASSUMED_IN_TIME}) / (due + {ASSUMED_DUE}); so a new listing is neutral, whoever sells it",
    },
    "exact": {
        "zh": "输入的正是其商品编码；或正是其货号，且该词不出现在其他商品的文字中",
        "en": "what was typed is its goods code, or its sku while no other listing has it among its words",
    },
    "head": {
        "zh": f"吻合的商品很多时，质量分最高的 {HEAD} 件按词语排序，其余按质量分排在其后",
        "en": f"of very many matches the {HEAD} of the best quality are ranked by their words, the rest follow by"
        " quality",
    },
}
