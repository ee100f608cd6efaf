"""A row of a file as the listing it would be: held to the same rules as one that is written by itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy.orm import Session

from catalog import compliance, elements, establishments, listings
from catalog.api import inputs
from catalog.imports.columns import told
from catalog.imports.entries import Entry
from catalog.imports.header import Layout
from catalog.imports.law import Law
from catalog.imports.rows import MISSING, Fault, RowReader
from catalog.models import Listing
from core import clock
from core.errors import Problem

# An ORM object would take as long to fill as all the rest; what reads a listing reads this.
Draft = Any


@dataclass(slots=True)
class Judged:
    """What a row comes to: faults, or the listing it makes. `changed` are the values that differ from what is kept."""

    entry: Entry
    faults: list[Fault] = field(default_factory=list)
    draft: Draft = None
    changed: dict[str, Any] = field(default_factory=dict)
    handed_in: bool = False


class Judge:
    """Reads rows of one file and holds them to the rules. With `submit`, drafts are to be handed in for review, so what
    comes of `new` and `known` must be held to all of the law too (`whole`)."""

    def __init__(self, layout: Layout, merchant_id: uuid.UUID, submit: bool) -> None:
        self._reader, self._law = RowReader(layout), Law()
        self._merchant_id, self._submit = merchant_id, submit
        self._blank = {column.key: _default(column) for column in Listing.__table__.columns}

    def new(self, entry: Entry) -> Judged:
        """A row whose sku the merchant does not have yet."""
        body, faults = self._reader.read(entry.cells)
        faults = _and_between(faults, self._reader.between(body))
        if faults:
            return Judged(entry, faults)
        draft: Draft = SimpleNamespace(**self._blank)
        draft.merchant_id, draft.status = self._merchant_id, "submitted" if self._submit else "draft"
        faults = self._write(draft, body) or self._held_to_law(draft)
        return Judged(entry, faults, draft, handed_in=self._submit)

    def known(self, entry: Entry, kept: Mapping[str, Any]) -> Judged:
        """A row about a listing that is there; columns that the file does not have stay as they are kept."""
        body, faults = self._reader.read(entry.cells, kept)
        faults = _and_between(faults, self._reader.between(body, kept))
        draft: Draft = SimpleNamespace(**kept)
        faults = faults or self._write(draft, body)
        if faults:
            return Judged(entry, faults)
        if elements.say_the_same(dict(draft.declaration_elements), dict(kept["declaration_elements"])):
            draft.declaration_elements = kept["declaration_elements"]
        as_kept: Draft = SimpleNamespace(**kept)
        before, after = listings.facts_of(as_kept), listings.facts_of(draft)
        judged = Judged(entry, draft=draft, handed_in=self._submit and kept["status"] == "draft")
        judged.changed = {name: getattr(draft, name) for name in after if after[name] != before[name]}
        if judged.changed or judged.handed_in:
            judged.faults = self._held_to_law(draft)
        return judged

    def whole(self, session: Session, judged: Sequence[Judged]) -> None:
        """Hold those that are to be handed in to all that a filing will need; the register is read once for all."""
        asked = [each for each in judged if not each.faults and (each.handed_in or _on_sale(each))]
        register = establishments.register_of(session, [each.draft for each in asked])
        for each in asked:
            try:
                compliance.check_all(each.draft, clock.today(), register)
            except Problem as incomplete:
                each.faults = _told(incomplete)

    def _write(self, draft: Draft, body: dict[str, Any]) -> list[Fault]:
        values = inputs.listing_values({name: value for name, value in body.items() if value is not MISSING})
        try:
            listings.apply(draft, values)
        except Problem as refused:
            return _told(refused)
        return []

    def _held_to_law(self, draft: Draft) -> list[Fault]:
        refused = self._law.route_refusal(draft)
        return [] if refused is None else _told(refused)


def _on_sale(judged: Judged) -> bool:
    """Whether words change that a listing in the shop must have; one that goes to review is held to them there."""
    words = not judged.changed.keys().isdisjoint(("title_zh", "attributes"))
    return words and judged.draft.status == "published" and judged.changed.keys().isdisjoint(listings.LEGAL)


def _default(column: Any) -> Any:
    """What the model puts where nothing is given, instants aside."""
    default: Any = column.default
    if default is None or column.name in ("id", "created_at"):
        return None
    return default.arg(None) if default.is_callable else default.arg


def _and_between(faults: list[Fault], between: list[Fault]) -> list[Fault]:
    """What is wrong between fields says nothing new of a field that could not be read."""
    known = {fault.field for fault in faults}
    return faults + [fault for fault in between if fault.field not in known]


def _told(refused: Problem) -> list[Fault]:
    """The faults of a refusal, each with the column it is about."""
    if not refused.errors:
        return [Fault("row", refused.code, refused.detail)]
    return [Fault(told(path), refused.code, text) for path, messages in refused.errors.items() for text in messages]
