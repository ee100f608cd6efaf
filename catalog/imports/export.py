"""A merchant's listings in the form of the import, of any number: what the database held at one moment.

The rows are copied out of one snapshot into a file without a name, so that the database is done with them before the
first byte leaves; a slow reader holds no connection.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import IO, Any

from sqlalchemy import JSON, Numeric, func, select
from sqlalchemy.dialects import postgresql

from catalog.imports import form, xlsx_writer
from catalog.imports.cells import harmless
from catalog.imports.template import BOM, CSV
from catalog.models import Listing
from core.database import db
from core.errors import Problem, declare

TOO_MANY = declare("too_many_for_xlsx", 422, "An XLSX sheet does not hold so many listings")

_LEFT_OUT = ("card", "detail", "search", "hindrance", "quality_parts", "source_digest")
_KEPT = [column for column in Listing.__table__.columns if column.name not in _LEFT_OUT]
_DECIMALS = [column.name for column in _KEPT if isinstance(column.type, Numeric)]
_AT_ONCE = 500  # rows


def export(merchant_id: uuid.UUID, file_format: str, language: str = "en") -> Iterator[bytes]:
    """The bytes of all listings of a merchant, oldest first. Raises Problem `too_many_for_xlsx`."""
    rows = _cells(_copied(merchant_id, None if file_format == CSV else xlsx_writer.ROWS_MOST - 1), language)
    return _csv(rows) if file_format == CSV else xlsx_writer.workbook([("listings", rows)])


def _copied(merchant_id: uuid.UUID, most: int | None) -> IO[bytes]:
    """The rows as lines of JSON. Raises Problem `too_many_for_xlsx` when there are more than `most`."""
    told = func.json_build_array(*[_told(column) for column in _KEPT], type_=JSON)
    statement = select(told).where(Listing.merchant_id == merchant_id).order_by(Listing.id)
    query = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `_cells`, which reads it later
    count = 0
    try:
        cursor = db.session.connection().connection.cursor()
        with cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
            for line in copy:
                count += 1
                if most is not None and count > most:
                    raise Problem(TOO_MANY, f"a sheet holds {most} listings: take CSV")
                file.write(line)
    except BaseException:
        file.close()
        raise
    finally:
        db.session.rollback()
    file.seek(0)
    return file


def _told(column: Any) -> Any:
    return func.trim_scale(column) if column.name in _DECIMALS else column


def _cells(lines: IO[bytes], language: str) -> Iterator[list[str]]:
    yield form.headings(language)
    names = [column.name for column in _KEPT]
    with lines:
        for line in lines:
            # JSON has no control characters, so backslashes are all that COPY has doubled.
            values = json.loads(line.replace(b"\\\\", b"\\"), parse_float=Decimal)
            facts = dict(zip(names, values, strict=True))
            yield [*map(harmless, form.cells(_with_decimals(facts)))]


def _with_decimals(facts: dict[str, Any]) -> dict[str, Any]:
    return facts | {name: Decimal(facts[name]) for name in _DECIMALS if facts[name] is not None}


def _csv(rows: Iterator[Sequence[str]]) -> Iterator[bytes]:
    text = io.StringIO(BOM)
    text.seek(0, 2)
    writer = csv.writer(text, lineterminator="\r\n")
    for number, row in enumerate(rows, 1):
        writer.writerow(row)
        if not number % _AT_ONCE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
