"""What goods of a listing need beside the listing: licences, permits, caps, what its remark on the retail list says.

The law's own requirements are the duty engine's; what they cannot know (the establishment, the remark) stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from catalog import establishments, registrations, taxes
from catalog.models import GENERAL, RETAIL, SERVICES, Listing
from core.database import db
from core.errors import Problem
from customs import edition
from customs.assessments import Request, assess
from customs.duty.wording import Phrase, said
from customs.tariff import Tariff

_TOLD_BELOW = ("retail_positive_list", "positive_list_remark", "weight_cap")
_ON_HUNDRED = Decimal(100)


def of(row: Listing, day: date) -> list[dict[str, Any]]:
    """Each with `code`, `detail` (and its `phrases` in both languages), `source`, `standing`."""
    if row.route == SERVICES or row.hs is None:
        return []
    tariff = edition.tariff()
    own = [*_of_list(tariff, row, day), *_of_plant(row, day)]
    return [*own, *_of_law(tariff, row, day)]


def remark_of(row: Listing, day: date) -> dict[str, str] | None:
    """The row of the retail import list whose remark a person must confirm of the goods before they are sold: which
    goods of the code are meant, or which are not, is said in words that no field of a listing answers."""
    entry = edition.tariff().positive_list(str(row.hs)[:8], day) if row.route == RETAIL else None
    if entry is None or not entry.remark:
        return None
    return {"row": entry.hs, "edition": entry.edition, "remark": entry.remark}


def _of_law(tariff: Tariff, row: Listing, day: date) -> list[dict[str, Any]]:
    """The requirements of the engine's answer; none where the law refuses the goods, which compliance has said."""
    line = taxes.line_of(row)
    if row.route == GENERAL:  # the price is no dutiable value
        line = replace(line, value=_ON_HUNDRED, insurance=Decimal(0))
    try:
        answer = assess(tariff, Request(route=row.route, day=day, lines=[line], mode=row.mode)).to_dict()
    except Problem:
        return []
    found = answer["lines"][0]["requirements"]
    return [each for each in found if each["code"] not in _TOLD_BELOW]


def _of_list(tariff: Tariff, row: Listing, day: date) -> Iterator[dict[str, Any]]:
    entry = tariff.positive_list(str(row.hs)[:8], day) if row.route == RETAIL else None
    if entry is None:
        return
    modes = ", ".join(entry.modes)
    told: Phrase = {
        "en": f"on the retail import list of {entry.edition}" + (f", mode {modes} only" if modes else ""),
        "zh": f"在跨境电商零售进口商品清单内（{entry.edition}）" + (f"，仅限模式 {modes}" if modes else ""),
    }
    yield _said("retail_positive_list", told, tariff, entry.source, entry.standing)
    if entry.remark:
        remark: Phrase = {
            "en": f"the list's remark must hold for your goods: {entry.remark}",
            "zh": f"您的商品须符合清单备注：{entry.remark}",
        }
        yield _said("positive_list_remark", remark, tariff, entry.source, entry.standing)
    if entry.cap_kg is not None:
        cap: Phrase = {
            "en": f"a person may import at most {entry.cap_kg} kg a year of all goods of {entry.cap_group or entry.hs}",
            "zh": f"{entry.cap_group or entry.hs} 各税号合计，每人每年限 {entry.cap_kg} 千克",
        }
        yield _said("weight_cap", cap, tariff, entry.source, entry.standing)


def _of_plant(row: Listing, day: date) -> Iterator[dict[str, Any]]:
    """What the decree in force asks of the overseas producer, and whether the number given could be verified."""
    decree = registrations.in_force(day)
    if decree is None or row.route != GENERAL:
        return
    law = {"source": decree.id, "law": {"zh": decree.zh, "en": decree.en}, "standing": decree.standing}
    if not row.establishment_no:
        if decree.demands(str(row.hs)) or decree.may_demand(str(row.hs)):
            code = "establishment_number_missing" if decree.demands(str(row.hs)) else "establishment_may_be_needed"
            yield {"code": code, **said(detail=_PLANT[code]), **law}
        return
    says = establishments.register_of(db.session(), [row]).says(row.origin, row.establishment_no, str(row.hs), day)
    code = {establishments.REGISTERED: "establishment_verified",
            establishments.UNVERIFIED: "establishment_unverified"}.get(says, "establishment_refused")  # fmt: skip
    yield {"code": code, **said(detail=_PLANT[code]), **law}


_PLANT: dict[str, Phrase] = {
    "establishment_number_missing": {
        "en": "the overseas establishment must be registered and its number named",
        "zh": "境外生产企业须已注册，并填写其注册编号",
    },
    "establishment_may_be_needed": {
        "en": "the overseas producer of this food may have to be registered",
        "zh": "此类食品的境外生产企业可能须注册",
    },
    "establishment_verified": {
        "en": "the establishment is on the register and valid for these goods today",
        "zh": "该企业在册，且今日对此类商品有效",
    },
    "establishment_unverified": {
        "en": "nothing of this country's register is on file here: the number could not be verified",
        "zh": "本平台尚无该国注册名单，编号未能核实",
    },
    "establishment_refused": {
        "en": "the register does not allow these goods from this establishment today",
        "zh": "按注册名单，该企业今日不得供应此类商品",
    },
}


def _said(code: str, detail: Phrase, tariff: Tariff, source: str, standing: str) -> dict[str, Any]:
    title = tariff.sources[source].get("title", source) if source in tariff.sources else source
    return {"code": code, **said(detail=detail), "source": source, "law": {"zh": title, "en": title},
            "standing": standing}  # fmt: skip
