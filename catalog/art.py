"""The drawings shown with listings: our own flat SVG art, one for each kind of goods, chosen by the shelf.

Chosen by kind and not by merchant, so that no picture promises more than the facts beside it.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import NOT_FOUND, Problem
from core.web import API_PREFIX

FOLDER = Path(__file__).parent / "static" / "art"


def address_of(name: str) -> str:
    """The stable address of a drawing."""
    return f"{API_PREFIX}/catalog/art/{name}.svg"


def read(name: str) -> bytes:
    """The drawing itself. Raises Problem `not_found`."""
    known = {path.stem: path for path in FOLDER.glob("*.svg")}
    if name not in known:
        raise Problem(NOT_FOUND, "no such drawing")
    return known[name].read_bytes()
