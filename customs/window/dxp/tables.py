"""The envelope as data: `tables/dxp.csv`, one row per element in the order of the schema, and the codes of answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from customs.window.tables import rows

NAMESPACE = "http://www.chinaport.gov.cn/dxp"
MESSAGE, ANSWER = "DxpMsg", "DxpRep"


@dataclass(frozen=True, slots=True)
class Node:
    """An element or attribute (`@ver`): its text has `min` to `max` characters, it stands `least` to `most` times.

    `most` None is any number. A group has children and no text; an element may have attributes beside its text.
    """

    name: str
    type: str
    min: int
    max: int | None
    least: int
    most: int | None
    fixed: str
    children: tuple[Node, ...]

    @property
    def attribute(self) -> bool:
        return self.name.startswith("@")

    @property
    def repeated(self) -> bool:
        return self.most != 1


@cache
def envelope_of(message: str) -> Node:
    """The layout of DxpMsg or DxpRep."""
    own = [row for row in rows("dxp") if row["message"] == message]
    return Node(message, "group", 0, None, 1, 1, "", _children(own, ""))


def _children(own: list[dict[str, str]], parent: str) -> tuple[Node, ...]:
    return tuple(_node(own, row, f"{parent}/{row['element']}".strip("/")) for row in own if row["parent"] == parent)


def _node(own: list[dict[str, str]], row: dict[str, str], path: str) -> Node:
    return Node(
        name=row["element"],
        type=row["type"],
        min=int(row["min"] or 0),
        max=int(row["max"]) if row["max"] else None,
        least=int(row["least"]),
        most=int(row["most"]) if row["most"] else None,
        fixed=row["fixed"],
        children=_children(own, path),
    )


@dataclass(frozen=True, slots=True)
class Code:
    """What an answer of the exchange means; `refuse`: the same bytes cannot pass, `again`: they can, later."""

    code: str
    effect: str
    zh: str
    meaning: str
    advice_zh: str
    advice: str


@cache
def codes() -> dict[str, Code]:
    return {row["code"]: Code(**row) for row in rows("dxp_codes")}
