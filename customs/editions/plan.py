"""What an operator says of an annex: which table it fills, who announced it, from when to when it is in force."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from customs.tariff.reading import FOREVER
from customs.tariff.tables import Table

OPEN = "open"  # how an open end is said

_ISSUERS = {"国务院关税税则委员会": "tariff-commission", "税委会": "tariff-commission", "海关总署": "gacc",
            "财政部": "mof", "商务部": "mofcom", "税务总局": "sta"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """The operator's word. `first_day` and `last_day` are ISO days, blank where the file has the columns, `last_day`
    OPEN for an open end; `fixed` gives columns the same text in every row; `marks` says what T1 and the like mean;
    `supersede` ends open rows the day before; `whole` says that the annex is the whole list, so that open rows of
    codes it does not name end too."""

    table: Table
    announcement: str
    title: str = ""
    issuer: str = ""
    issued: str = ""
    first_day: str = ""
    last_day: str = ""
    verified_to: str = ""
    standing: str = "official"
    source_id: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    supersede: bool = False
    whole: bool = False

    @property
    def source(self) -> str:
        """The id under which sources.toml names the announcement; blank when none can be made of its words."""
        return self.source_id or made_id(self.announcement)


def made_id(announcement: str) -> str:
    """An id from the words of an announcement: "Tariff Commission Announcement 2025 No.11" ->
    "tariff-commission-announcement-2025-no-11", 税委会公告2025年第11号 -> "tariff-commission-2025-11"."""
    text = unicodedata.normalize("NFKC", announcement).lower()
    for name, word in _ISSUERS.items():
        text = text.replace(name, f" {word} ")
    made = "-".join(re.findall(r"[a-z0-9]+", text))
    return made if re.search(r"[a-z]", made) and re.search(r"[0-9]", made) else ""


def verified_to(plan: Plan, first_day: str, last_day: str) -> str:
    """Until when a reading is vouched for: as said, else to the end of the row, else of its first year (rule R)."""
    return plan.verified_to or last_day or f"{first_day[:4]}-12-31"


def told(ordinal: int) -> str:
    """A day as text; "open end" for none."""
    return "open end" if ordinal >= FOREVER else date.fromordinal(ordinal).isoformat()
