"""What a file cannot be: refusals of the whole file. What is wrong with one line goes to the error report instead."""

from __future__ import annotations

from core.errors import Problem, declare

UNREADABLE = declare("file_unreadable", 422, "The file cannot be read")
COLUMNS_WRONG = declare("file_columns_wrong", 422, "The columns of the file are not those of the form")
EXTRA_MISSING = declare("archive_extra_missing", 422, "This installation does not have the extra that Parquet needs")

HOW_TO_INSTALL = "pip install -r requirements-archive.txt"


def unreadable(detail: str) -> Problem:
    """The refusal of a file whose bytes make no sense."""
    return Problem(UNREADABLE, detail, errors={"file": [detail]})


def columns_wrong(faults: dict[str, list[str]]) -> Problem:
    """The refusal of a file by its header; `faults` is column: messages."""
    column, messages = next(iter(faults.items()))
    return Problem(COLUMNS_WRONG, f"{column}: {messages[0]}", errors=faults)


def extra_missing() -> Problem:
    """The refusal of Parquet where pyarrow is not installed, with the way to get it."""
    detail = f"Parquet needs pyarrow, which is not installed here: {HOW_TO_INSTALL}; CSV works without it"
    return Problem(EXTRA_MISSING, detail, errors={"file": [detail]})
