"""Which column of an annex is which: the project's own headings, the Chinese ones, or the five official columns.

The annexes of provisional rates print tariff code, ex mark, name, MFN rate and provisional rate in that order; a file
of exactly five columns without a heading is read so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from customs.editions.annex import Record
from customs.editions.answers import code_column
from customs.editions.notation import code_of
from customs.tariff.tables import Table

FIVE = ("hs", "ex", "name", "mfn_rate", "provisional_rate")
FIVE_TABLES = ("mfn", "provisional")
HEADING_WITHIN = 30  # rows of title before the heading
RATES = {"mfn": "mfn_rate", "provisional": "provisional_rate", "general": "general_rate", "quota_rates": "quota_rate",
         "agreement_rates": "agreement_rate", "measure_rates": "measure_rate", "vat_rates": "vat_rate",
         "consumption_tax": "consumption_rate"}  # fmt: skip

_ALIASES = {
    "hs": "税则号列 税则号 税则税目 税号 税目 税目号 商品编码 商品编号 商品代码 海关编码 hs编码 hs8 hs10 hscode code",
    "ex": "ex ex标识 ex注 ex标记 exflag part",
    "name": "商品名称 货品名称 商品简称 货品简称 商品名称及规格 名称 品名 name description partname",
    "mfn_rate": "最惠国税率 最惠国 进口最惠国税率 mfn mfnrate",
    "provisional_rate": "暂定税率 暂定 进口暂定税率 最惠国暂定税率 provisional provisionalrate",
    "general_rate": "普通税率 普通 进口普通税率 general generalrate",
    "agreement_rate": "协定税率 特惠税率 协定 特惠 agreementrate preferentialrate",
    "quota_rate": "关税配额税率 配额税率 配额内税率 quotarate",
    "measure_rate": "加征税率 加征关税税率 附加税率 反倾销税税率 反倾销税率 反补贴税税率 保障措施关税税率 measurerate",
    "consumption_rate": "消费税税率 消费税率 消费税 consumptionrate",
    "vat_rate": "增值税税率 增值税率 增值税 vatrate",
    "rate": "税率 关税税率 适用税率 汇率 折算汇率 rate",
    "exporter": "公司名称 企业名称 生产商 出口商 生产商名称 公司 exporter",
    "remark": "备注 说明 remark note",
    "codes": "监管条件 海关监管条件 监管证件代码 codes",
    "ciq": "检验检疫类别 检验检疫 ciq",
    "country": "国家代码 国别代码 country",
    "currency": "币种 货币代码 币制 currency",
    "class": "税率类别 class",
    "group": "类别 group",
    "first_day": "生效日期 实施日期 起始日期 开始日期 firstday",
    "last_day": "截止日期 失效日期 终止日期 结束日期 lastday",
    "serial": "序号 编号 serial no",
    "unit": "单位 计量单位 法定单位 第一单位 第二单位 unit",
}
_KNOWN = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
_CIRCLED = re.compile(r"[①-⓿*※△▲★]")
_BRACKETED = re.compile(r"[(（\[【].*?[)）\]】]")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}年?")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column stands: `places` by name, `width` cells a row, `heading` the row of the heading (0: none).
    `percent` names columns whose heading says %; `own` tells that the headings are the project's; `unused` the rest."""

    places: Mapping[str, int]
    width: int
    heading: int = 0
    percent: frozenset[str] = frozenset()
    own: bool = False
    unused: tuple[str, ...] = ()


def layout_of(table: Table, record: Record) -> Layout | None:
    """The layout that a row gives: as the heading, or as the first of five official columns. None when it is neither.
    Raises ValueError when the row is a heading that cannot be used."""
    texts = [cell.text for cell in record.cells]
    if set(table.columns) <= set(texts):
        own = [(text, i) for i, text in enumerate(texts) if text]
        other = tuple(text for text, _ in own if text not in table.heading)
        return Layout(_single(own, texts), len(texts), record.number, own=True, unused=other)
    if len(texts) == len(FIVE) and table.name in FIVE_TABLES and code_of(texts[0]) is not None:
        return Layout(dict(_columns(table, list(zip(FIVE, range(5), strict=True)))), 5)
    named = [(_meaning(text, table), i) for i, text in enumerate(texts)]
    known = [(name, i) for name, i in named if name]
    if (code_column(table) or table.key[0]) not in dict(known) or len(known) < 2:
        return None
    places = _single(_columns(table, known), texts)
    percent = frozenset(name for name, i in places.items() if "%" in unicodedata.normalize("NFKC", texts[i]))
    unused = tuple(texts[i] for name, i in named if texts[i] and not name)
    return Layout(places, len(texts), record.number, percent, unused=unused)


def _single(places: Iterable[tuple[str, int]], texts: Sequence[str]) -> dict[str, int]:
    """Column -> place. Raises ValueError where two places are of one column."""
    found: dict[str, int] = {}
    for name, place in places:
        if name in found:
            raise ValueError(f"two columns for {name}: {texts[found[name]]!r} and {texts[place]!r}")
        found[name] = place
    return found


def _meaning(text: str, table: Table) -> str:
    """What a heading stands for; blank when it is not known."""
    plain = text.strip().lower()
    if plain in table.heading:
        return plain
    bare = _BRACKETED.sub("", _CIRCLED.sub("", plain))
    bare = _YEAR.sub("", re.sub(r"[\s_./:%]+", "", unicodedata.normalize("NFKC", bare)))
    return _KNOWN.get(bare, "")


def _columns(table: Table, places: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """The places by the table's own column names; what the table has no column for is left out."""
    rate = RATES.get(table.name, "rate")
    for name, place in places:
        if name == rate and "rate" in table.columns:
            yield "rate", place
        elif name == "rate" and rate in dict(places):
            continue  # a rate of another kind stands beside the one that is wanted
        elif name == "ex":
            yield ("part" if "part" in table.columns else "ex"), place
        elif name == "name":
            yield from ((column, place) for column in ("part_name", "name_zh") if column in table.columns)
        elif name in table.heading:
            yield name, place
