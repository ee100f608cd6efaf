"""The heading of a file: which column stands where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from marshmallow import ValidationError

from catalog.imports.columns import PREFIXES, SINGULAR, Column, by_heading, columns, plain
from core.schemas import Text
from customs.assessments.files.problems import columns_wrong

COLUMNS_MOST = 200
_NAME = Text(60)  # of a declaration element or an attribute


@dataclass(slots=True)
class Layout:
    """Where the columns stand: `single` the fields, `entries` the single texts of an object, by its field, as
    (position, name). `names` are the headings in English, in their order."""

    names: list[str]
    single: list[tuple[int, Column]] = field(default_factory=list)
    entries: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return len(self.names)

    @property
    def sku(self) -> int:
        return self.names.index("sku")

    @property
    def missing(self) -> list[str]:
        """Columns that a new listing needs and that are not there."""
        return [column.name for column in columns().values() if column.required and column.name not in self.names]


def read_header(cells: Sequence[str]) -> Layout:
    """The layout of a file. Raises Problem file_columns_wrong, which names every column that is wrong."""
    given = [*cells]
    while given and not given[-1].strip():
        given.pop()
    if len(given) > COLUMNS_MOST:
        raise columns_wrong({"file": [f"has {len(given)} columns, at most {COLUMNS_MOST} are read"]})
    layout, faults = Layout([]), {}
    for at, heading in enumerate(given):
        name, fault = _place(layout, at, heading)
        if name in layout.names:
            fault = f"stands twice, as {name}"
        if fault:
            faults[heading.strip() or f"column {at + 1}"] = [fault]
        layout.names.append(name)
    if "sku" not in layout.names and not faults:
        faults["sku"] = ["is needed: it says which listing a row is about"]
    if faults:
        raise columns_wrong(faults)
    return layout


def _place(layout: Layout, at: int, heading: str) -> tuple[str, str | None]:
    """Put a column into the layout; its name and what is wrong with it."""
    column = by_heading().get(plain(heading))
    if column is not None:
        layout.single.append((at, column))
        return column.name, None
    prefix, colon, rest = heading.replace("：", ":").partition(":")
    parent = PREFIXES.get(plain(prefix)) if colon else None
    if parent is None:
        return heading, f"is no column of the form; there are {', '.join(_known())}"
    try:
        name = _NAME.read(rest.strip())
    except ValidationError as fault:
        return heading, f"the name {fault.messages[0]}"
    layout.entries.setdefault(parent, []).append((at, name))
    return f"{SINGULAR[parent]}:{name}", None


def _known() -> Iterator[str]:
    yield from columns()
    yield from (f"{prefix}:name" for prefix in SINGULAR.values())
