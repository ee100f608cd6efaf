"""The form of a file of lines: its columns, what each may hold, and the columns of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from customs.assessments.files.problems import columns_wrong

TEXT, AMOUNT, QUANTITY, RATE, DAY, INSTANT, FLAG = "text", "amount", "quantity", "rate", "day", "instant", "flag"
DECIMALS = {AMOUNT: 2, QUANTITY: 5, RATE: 8}  # integers of 10^-n inside
WHOLE_DIGITS = {AMOUNT: 13, QUANTITY: 13, RATE: 6}
RULES = {
    AMOUNT: "must be an amount such as 531.50, with at most two decimals",
    QUANTITY: "must be a plain decimal above zero such as 3 or 0.25, with at most five decimals",
    RATE: "must be yuan for one unit of the currency such as 7.1000",
    DAY: "must be a day such as 2026-11-23",
    INSTANT: "must be an instant such as 2026-11-23T08:00:00Z",
    FLAG: "must be true or false",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the form; `most` is the length of a text in characters."""

    name: str
    kind: str
    required: bool = False
    most: int = 0


COLUMNS = {column.name: column for column in (
    Column("hs", TEXT, required=True, most=10),
    Column("origin", TEXT, required=True, most=2),
    Column("day", DAY, required=True),
    Column("value", AMOUNT, required=True),
    Column("currency", TEXT, most=3),
    Column("freight", AMOUNT),
    Column("insurance", AMOUNT),
    Column("exchange_rate", RATE),
    Column("quantity", QUANTITY),
    Column("unit", TEXT, most=20),
    Column("unit1_quantity", QUANTITY),
    Column("unit2_quantity", QUANTITY),
    Column("net_content_quantity", QUANTITY),
    Column("net_content_unit", TEXT, most=20),
    Column("origin_proof", FLAG),
    Column("agreement", TEXT, most=60),
    Column("certificate_no", TEXT, most=60),
    Column("direct_transport", FLAG),
    Column("origin_evidence", TEXT, most=20),
    Column("at", INSTANT),
    Column("exporter", TEXT, most=200),
    Column("exclusion_no", TEXT, most=60),
    Column("part", TEXT, most=200),
    Column("order", TEXT, most=40),
    Column("mode", TEXT, most=4),
)}  # fmt: skip
AMOUNTS = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax")
RESULT = ("row", "hs", "origin", "day", "dutiable_value", "duty", "duty_rate", "additional_duty", "consumption_tax",
          "vat", "vat_rate", "tax", "error_code", "error_field", "error_message")  # fmt: skip
ERRORS = ("row", "field", "code", "message")


def check_header(names: Sequence[str]) -> None:
    """Raises Problem file_columns_wrong naming every column that is missing, unknown or there twice."""
    faults: dict[str, list[str]] = {}
    for name in names:
        if name not in COLUMNS:
            faults[name[:60]] = [f"no such column; the form has {', '.join(COLUMNS)}"]
        elif names.count(name) > 1:
            faults[name] = ["is there twice"]
    for column in COLUMNS.values():
        if column.required and column.name not in names:
            faults[column.name] = ["is missing"]
    if faults:
        raise columns_wrong(faults)
