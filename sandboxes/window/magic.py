"""Marks in a delivery address that script one order, for people who try the shop by hand: `#inspect`, `#bill:0.05`.

A mark stands anywhere in the consignee's address, so it comes with the order, the waybill and the list alike.
"""

from __future__ import annotations

import re
from typing import Any

_MARK = re.compile(r"#([a-z]+)(?::(-?[0-9]{1,7}(?:\.[0-9]{1,2})?))?", re.ASCII)
# mark: what it scripts, on which receipts, and where its figure goes
MARKS: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "reject": ("reject", ("622",), "code", "100"),
    "inspect": ("examine", ("622",), "code", "500"),
    "manual": ("hold", ("622",), "code", "300"),
    "detain": ("hold", ("622",), "code", "501"),
    "abroad": ("hold", ("622",), "code", "700"),
    "order": ("reject", ("312",), "code", "100"),
    "waybill": ("reject", ("512",), "code", "100"),
    "silent": ("lose", ("622", "816", "818"), "", ""),
    "slow": ("delay", ("622", "816", "818"), "seconds", "30"),
    "twice": ("duplicate", ("622", "816", "818"), "copies", "2"),
    "bill": ("differ", ("816",), "amount", "0.01"),
    "void": ("void", ("818",), "", ""),
}
_LEAST = {"seconds": 0, "copies": 2}


def marked(content: dict[str, Any], names: tuple[str, ...], kind: str) -> dict[str, Any] | None:
    """The first mark of a document that scripts one of these faults on this receipt, as a script would."""
    for word, figure in _MARK.findall(content.get("consigneeAddress", "")):
        fault, kinds, where, otherwise = MARKS.get(word, ("", (), "", ""))
        if fault in names and kind in kinds:
            value = figure or otherwise
            found: dict[str, Any] = {"fault": fault, "code": "", "seconds": 0, "copies": 2, "amount": "0"}
            if where in ("code", "amount"):
                found[where] = value
            elif where:
                found[where] = min(max(int(float(value)), _LEAST[where]), 100)
            return found
    return None
