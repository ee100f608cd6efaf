"""The message layouts as data: `tables/ceb*.csv`, one row per element in the order of the schema.

`occurs` is what the schema allows; `required` is what must say something: in what we send, the stricter of schema and
description. Lengths count characters; `max` of a number counts digits, `fraction` its decimal places. `source` says who
knows the value: in what we send a party, a thing or the filing itself (`nobody`: we leave it out); in what we receive
customs, or `echo` for what customs repeats of ours.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

NAMESPACE = "http://www.chinaport.gov.cn/ceb"
TRANSFER = "BaseTransfer"
SUBSCRIBE = "BaseSubscribe"
EXTEND = "ExtendMessage"
SUBSCRIBERS_MAX = 5


@dataclass(frozen=True, slots=True)
class Field:
    """One element: `values`, when given, are the only ones allowed; `format` names a check of `values.py`."""

    group: str
    element: str
    type: str
    min: int
    max: int | None
    fraction: int
    optional_in_schema: bool
    required: bool
    values: tuple[str, ...]
    format: str
    source: str
    meaning: str


@dataclass(frozen=True, slots=True)
class MessageType:
    """One kind of message, such as "621": the element that repeats, its head and line groups, and their fields."""

    kind: str
    outgoing: bool
    document: str
    head: str
    lines: str
    documents_max: int | None
    lines_max: int
    answered_by: str
    signed: bool
    family: str
    meaning: str
    head_fields: tuple[Field, ...]
    line_fields: tuple[Field, ...]

    @property
    def root(self) -> str:
        return f"CEB{self.kind}Message"


def rows(table: str) -> list[dict[str, str]]:
    """The rows of one of our tables, as text."""
    text = files(__package__).joinpath("tables", f"{table}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _field(row: dict[str, str]) -> Field:
    return Field(
        group=row["group"],
        element=row["element"],
        type=row["type"],
        min=int(row["min"] or 0),
        max=int(row["max"]) if row["max"] else None,
        fraction=int(row["fraction"] or 0),
        optional_in_schema=row["occurs"] == "0..1",
        required=row["required"] == "yes",
        values=tuple(row["values"].split()),
        format=row["format"],
        source=row["source"],
        meaning=row["meaning"],
    )


@cache
def transfer_fields(group: str = TRANSFER) -> tuple[Field, ...]:
    """The fields that close every outgoing message: who transmits it, and who else receives the receipts."""
    return tuple(field for field in map(_field, rows("transfer")) if field.group == group)


@cache
def message_types() -> dict[str, MessageType]:
    """All kinds of messages by their three digits."""
    return {row["kind"]: _message_type(row) for row in rows("messages")}


def _message_type(row: dict[str, str]) -> MessageType:
    fields = tuple(map(_field, rows(f"ceb{row['kind']}")))
    head = row["head"] or row["document"]
    return MessageType(
        kind=row["kind"],
        outgoing=row["direction"] == "out",
        document=row["document"],
        head=row["head"],
        lines=row["lines"],
        documents_max=int(row["documents_max"]) if row["documents_max"] else None,
        lines_max=int(row["lines_max"] or 0),
        answered_by=row["answered_by"],
        signed=row["signature"] == "required",
        family=row["family"],
        meaning=row["meaning"],
        head_fields=tuple(field for field in fields if field.group == head),
        line_fields=tuple(field for field in fields if field.group == row["lines"]),
    )
