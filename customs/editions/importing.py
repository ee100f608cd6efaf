"""Importing an annex: read it, check every row, write a new edition, load it, and only then let it appear."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from customs.editions import sources, writing
from customs.editions.annex import Record, Unreadable, open_annex
from customs.editions.checking import Checked, Checker
from customs.editions.difference import Change, difference
from customs.editions.drafting import Drafting
from customs.editions.folder import Edition, read_edition
from customs.editions.notation import unit_words
from customs.editions.plan import Plan
from customs.tariff.faults import Fault
from customs.tariff.loader import edition_of, load_tariff

Watch = Callable[[Iterable[Record], int], Iterable[Record]]  # passes records on; the number is about how many there are


class Refused(Exception):
    """The annex is not imported and nothing was written; `faults` holds every reason, in file and row order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import does: `new` is the edition it makes, None when the law holds all of it already; `written` tells
    whether this call wrote it."""

    checked: Checked
    notes: list[str]
    old: Edition
    new: str | None = None
    written: bool = False
    changes: list[Change] = field(default_factory=list)


def import_annex(
    file: Path, plan: Plan, folder: Path, output: Path | None, *, in_place: bool = False, sheet: str = "",
    watch: Watch = lambda records, _: records,
) -> Outcome:  # fmt: skip
    """Write the rows of an annex into a copy of `folder` at `output`, or into the folder itself with `in_place`; with
    neither, only tell what would be written.

    Raises Refused with every fault of the annex, TariffFault when the folder, or what would be written, has faults.
    """
    _place(folder, output)
    old = read_edition(folder)
    entry = _source_entry(file, plan, old)
    drafting = Drafting(plan, file.name, unit_words({row["name_zh"]: row["word"] for row in old.tables["units"]}))
    try:
        annex = open_annex(file, sheet)
        drafting.read(watch(annex.records, annex.total))
    except Unreadable as unreadable:
        raise Refused([*drafting.faults, *unreadable.faults]) from None
    checked = Checker(old, plan, file.name).check(drafting.drafts)
    faults = [*drafting.faults, *checked.faults]
    if faults:
        raise Refused(faults)
    notes = [*drafting.notes, *checked.notes]
    if not checked.rows and not checked.closed:
        return Outcome(checked, notes, old)
    with writing.draft_folder(folder, _beside(output)) as draft:
        writing.write_table(draft, plan.table, checked.rows, checked.closed)
        text = (draft / "sources.toml").read_text("utf-8")
        writing.replace_text(draft / "sources.toml", sources.written(text, plan.source, entry))
        new = load_tariff(draft).edition
        changes = difference(old, read_edition(draft))
        written = in_place if output is None else _appear(draft, output, new)
        if output is None and in_place:
            for name in ("sources.toml", f"{plan.table.name}.csv"):  # the source first: rows without it are a fault
                writing.replace_text(folder / name, (draft / name).read_text("utf-8"))
    return Outcome(checked, notes, old, new, written, changes)


def _beside(output: Path | None) -> Path:
    return Path(tempfile.gettempdir()) if output is None else output.absolute().parent


def _place(folder: Path, output: Path | None) -> None:
    if output is None:
        return
    if output.resolve().is_relative_to(folder.resolve()):
        raise Refused([Fault(str(output), 0, f"lies inside {folder}: a new edition needs a folder of its own")])
    if output.exists() and not output.is_dir():
        raise Refused([Fault(str(output), 0, "is a file: a new edition needs a folder")])


def _appear(draft: Path, output: Path, edition: str) -> bool:
    """Move a checked draft to its place, whole; False when the place holds this very edition.

    Nothing is written over."""
    if not output.exists() or not any(output.iterdir()):
        os.replace(draft, output)
        return True
    if _edition_at(output) == edition:
        return False
    raise Refused([Fault(str(output), 0, "holds something already: a new edition needs a folder of its own")])


def _edition_at(folder: Path) -> str:
    try:
        return edition_of(folder)
    except FileNotFoundError:
        return ""


def _source_entry(file: Path, plan: Plan, old: Edition) -> dict[str, object]:
    """The entry of sources.toml for the announcement."""
    if not plan.announcement.strip():
        raise Refused([Fault(file.name, 0, "the announcement is blank")])
    if not sources.ID.match(plan.source):
        said = f"{plan.source!r} is no id such as tariff-commission-2025-11" if plan.source else "none can be made"
        raise Refused([Fault(file.name, 0, f"source id: {said} of {plan.announcement!r}: say --source-id")])
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    given = {
        "title": plan.title or plan.announcement,
        "issuer": plan.issuer,
        "document": plan.announcement,
        "issued": plan.issued,
        "in_force": plan.first_day,
        "how": "imported row by row from the files named",
    }
    try:
        return sources.with_file(old.sources.get(plan.source), given, f"{plan.table.name}: {file.name} sha256 {digest}")
    except ValueError as error:
        raise Refused([Fault("sources.toml", 0, f"{plan.source}: {error}; say another --source-id")]) from None
