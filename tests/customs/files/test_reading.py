"""What a file may look like, and what is told of one that does not: the whole file, or only its bad rows."""

from __future__ import annotations

import builtins
import datetime as dt
import random
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.errors import Problem
from customs.assessments.files import PARQUET, source
from customs.assessments.files.csv_source import LINE_MOST
from customs.assessments.files.decimals import parse
from customs.assessments.files.options import parse_rates
from tests.cases.law import tariff
from tests.customs.files.conftest import Desk
from tests.customs.files.lines import Lines, Row

HEADER = "hs,origin,day,value\n"
GOOD = "0202300090,BR,2026-02-01,1000.00\n"


def refused(desk: Desk, path: Path, code: str) -> Problem:
    with pytest.raises(Problem) as caught:
        desk.assess(path)
    assert caught.value.code == code
    assert not (desk.folder / "result").exists()
    assert [each.name for each in desk.folder.iterdir() if each.name.startswith(".")] == []
    return caught.value


# The whole file


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("hs,origin,day\n", "value"),
        ("hs,origin,day,value,colour\n", "colour"),
        ("hs,origin,day,value,value\n", "value"),
        ("hs;origin;day;value\n", "hs;origin;day;value"),
        ("0202300090,BR,2026-02-01,1000.00\n", "0202300090"),
    ],
)
def test_a_wrong_header_names_its_columns(desk: Desk, header: str, column: str) -> None:
    assert column in refused(desk, desk.text(header + GOOD), "file_columns_wrong").errors


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK\x03\x04 a workbook",
        b"\x1f\x8b gzip",
        b"\xff\xfeh\x00s\x00",
        b"PAR1 and nothing more",
        b"hs,\xff\xff\n",
    ],
)
def test_bytes_that_are_no_file_of_lines(desk: Desk, raw: bytes) -> None:
    refused(desk, desk.text(raw), "file_unreadable")


def test_a_file_without_line_ends_does_not_fill_the_memory(desk: Desk) -> None:
    refused(desk, desk.text(HEADER + "x" * (LINE_MOST + 10)), "file_unreadable")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_spreadsheets_write_is_read(desk: Desk, encoding: str) -> None:
    rows = (HEADER.strip() + ",exporter\r\n" + GOOD.strip() + ",山东某某食品有限公司\r\n").encode(encoding)
    assert desk.assess(desk.text(rows)).failed == 0
    assert desk.result[0]["duty"] == "120.36"


def test_parquet_without_pyarrow_says_how_to_get_it(desk: Desk, line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(desk, [line()])
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    problem = refused(desk, desk.folder / "lines.parquet", "archive_extra_missing")
    assert "requirements-archive.txt" in problem.detail
    assert desk.assess(desk.text(HEADER + GOOD)).failed == 0  # CSV works without it


@pytest.mark.parametrize("text", ["USD", "USD=", "USD=0", "usd=7", "USD=7.1;EUR=8", "USD=1e1", "USD=-7"])
def test_rates_of_a_wrong_form(text: str) -> None:
    with pytest.raises(Problem):
        parse_rates(text)


def test_rates_of_the_file_and_of_the_row(desk: Desk, line: Any) -> None:
    rows = [line(currency="EUR"), line(currency="EUR", exchange_rate="8")]
    desk.assess(desk.file(rows), rates=parse_rates("EUR=7.5"))
    assert [row["dutiable_value"] for row in desk.result] == ["7522.50", "8024.00"]
    with pytest.raises(Problem, match="no such currency"):
        desk.assess(desk.file(rows), rates=parse_rates("XQZ=7.5"))


# Single rows


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"hs": "020230"}, ("hs", "invalid_input")),
        ({"hs": ""}, ("hs", "invalid_input")),
        ({"hs": "９９９９９９９９"}, ("hs", "invalid_input")),
        ({"hs": "9999999999"}, ("hs", "code_unknown")),
        ({"origin": "Brazil"}, ("origin", "invalid_input")),
        ({"origin": "ZZ"}, ("origin", "origin_unknown")),
        ({"day": "2026-02-30"}, ("day", "invalid_input")),
        ({"day": "01/02/2026"}, ("day", "invalid_input")),
        ({"day": "1989-12-31"}, ("day", "out_of_bounds")),
        ({"day": "2100-01-01"}, ("day", "out_of_bounds")),
        ({"value": "1.000"}, ("value", "invalid_input")),
        ({"value": "-1"}, ("value", "invalid_input")),
        ({"value": "1e3"}, ("value", "invalid_input")),
        ({"value": ""}, ("value", "invalid_input")),
        ({"value": "9999999999999.99"}, ("value", "out_of_bounds")),
        ({"currency": "EUR", "day": "2011-05-01"}, ("currency", "exchange_rate_missing")),
        ({"currency": "XQZ", "exchange_rate": "7"}, ("currency", "currency_unknown")),
        ({"exchange_rate": "0"}, ("exchange_rate", "invalid_input")),
        ({"quantity": "0", "unit": "kg"}, ("quantity", "invalid_input")),
        ({"quantity": "0.000001", "unit": "kg"}, ("quantity", "invalid_input")),
        ({"quantity": "1000000001", "unit": "kg"}, ("quantity", "out_of_bounds")),
        ({"quantity": "1"}, ("unit", "invalid_input")),
        ({"quantity": "1", "unit": "stone"}, ("unit", "unit_mismatch")),
        ({"origin_proof": "yes"}, ("origin_proof", "invalid_input")),
        ({"agreement": "RCEP"}, ("certificate_no", "invalid_input")),
        ({"agreement": "EFTA", "certificate_no": "E1"}, ("agreement", "agreement_unknown")),
        ({"origin_evidence": "perhaps"}, ("origin_evidence", "invalid_input")),
        ({"at": "2026-02-01 08:00"}, ("at", "invalid_input")),
        ({"at": "2026-02-01T16:00:00Z"}, ("at", "invalid_input")),
        ({"mode": "9999"}, ("mode", "invalid_input")),
        ({"exporter": "x" * 201}, ("exporter", "invalid_input")),
        ({"hs": "0303892000", "origin": "US", "day": "2025-11-10"}, ("at", "instant_needed")),
    ],
)
def test_a_bad_row_is_reported_and_stops_nobody(
    desk: Desk, line: Callable[..., Row], cells: Row, fault: tuple[str, str]
) -> None:
    outcome = desk.assess(desk.file([line(), line(**cells), line()]))
    assert (outcome.rows, outcome.failed) == (3, 1)
    assert desk.errors[0] == ("2", *fault)
    assert [row["tax"] for row in desk.result] == ["221.46", "", "221.46"]
    assert (desk.result[1]["error_field"], desk.result[1]["error_code"]) == fault
    assert desk.result[1]["hs"] == cells.get("hs", "0202300090")


def test_every_mistake_of_a_row_is_reported(desk: Desk, line: Any) -> None:
    desk.assess(desk.file([line(hs="1", day="x", value="y")]))
    assert [(field, code) for _, field, code in desk.errors] == [
        (name, "invalid_input") for name in ("hs", "day", "value")
    ]
    assert desk.result[0]["error_field"] == "hs"


def test_lines_that_do_not_fit_the_header(desk: Desk) -> None:
    text = HEADER + GOOD + "\n" + "0202300090,BR\n" + GOOD + GOOD.strip() + ",more\n" + '"an open quote,BR\n' + GOOD
    desk.assess(desk.text(text))
    assert [row for row, _, _ in desk.errors] == ["2", "4", "5"]
    assert [row["tax"] != "" for row in desk.result] == [True, False, True, False, False]


def test_an_open_quote_swallows_a_bounded_part(desk: Desk) -> None:
    rows = 20_000
    outcome = desk.assess(desk.text(HEADER + GOOD + '"' + GOOD * rows))
    assert outcome.failed == 1
    assert outcome.rows > rows - 131_072 // len(GOOD)


def test_words_are_trimmed_and_formulas_disarmed(desk: Desk) -> None:
    desk.assess(desk.text(HEADER + " 0202300090 , BR,2026-02-01 , 1000.00 \n" + "=1+1,BR,2026-02-01,1\n"))
    assert [(row["hs"], row["tax"]) for row in desk.result] == [("0202300090", "221.46"), ("'=1+1", "")]


# Decimals


def test_decimals_agree_with_the_strict_form() -> None:
    form = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?\Z", re.ASCII)
    chance = random.Random(1)
    words = ["".join(chance.choice("0123456789.-e ") for _ in range(chance.randrange(9))) for _ in range(20_000)]
    words += ["", "0", "0.00", "00", "1.", ".1", "1.2.3", "１", "9999999999999.99", "10000000000000", "nan", "1" * 30]
    values, fits = parse(words, 13, 2)
    for word, value, fit in zip(words, values.tolist(), fits.tolist(), strict=True):
        assert fit == bool(form.match(word)), word
        assert value == (Decimal(word) * 100 if fit else 0), word


# Parquet


def typed(desk: Desk, rows: list[Row], **types: Any) -> Path:
    """The rows as a trader's system writes them: amounts as decimals, days as dates, flags as booleans."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        texts = [row.get(name) or None for row in rows]
        made: dict[str, tuple[Any, Any]] = {
            "day": (dt.date.fromisoformat, pa.date32()),
            "at": (dt.datetime.fromisoformat, pa.timestamp("us", "UTC")),
            "origin_proof": (lambda text: text in ("true", "1"), pa.bool_()),
            "direct_transport": (lambda text: text == "true", pa.bool_()),
            **dict.fromkeys(("value", "freight", "insurance"), (Decimal, pa.decimal128(18, 4))),
            **dict.fromkeys(("quantity", "unit1_quantity", "unit2_quantity"), (Decimal, pa.decimal128(25, 5))),
            "net_content_quantity": (Decimal, pa.decimal128(38, 10)),
            "exchange_rate": (Decimal, pa.decimal128(12, 8)),
            **types,
        }
        read, kind = made.get(name, (str, pa.string()))
        columns[name] = pa.array([None if text is None else read(text) for text in texts], kind)
    parquet.write_table(pa.table(columns), desk.folder / "lines.parquet", row_group_size=700)
    return desk.folder / "lines.parquet"


def test_typed_parquet_is_read_as_the_same_csv(desk: Desk) -> None:
    rows = [{name: text for name, text in row.items() if text} for row in Lines(tariff(), seed=3).some(2000)]
    rows = [{**row, "origin": row.get("origin", "")} for row in rows]
    desk.assess(desk.file(rows))
    as_csv = (desk.folder / "result").read_bytes(), (desk.folder / "errors").read_bytes()
    desk.assess(typed(desk, rows))
    assert ((desk.folder / "result").read_bytes(), (desk.folder / "errors").read_bytes()) == as_csv


@pytest.mark.parametrize("column", ["value", "freight", "quantity", "exchange_rate"])
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_a_float_column_is_refused(desk: Desk, line: Any, column: str, kind: Any) -> None:
    path = typed(desk, [line(**{column: "7", "unit": "kg"})], **{column: (float, kind)})
    assert "float" in refused(desk, path, "file_columns_wrong").errors[column][0]


@pytest.mark.parametrize(
    ("column", "read", "kind"),
    [
        ("hs", int, pa.int64()),
        ("day", dt.datetime.fromisoformat, pa.timestamp("us")),
        ("at", dt.datetime.fromisoformat, pa.timestamp("us")),
        ("origin_proof", bool, pa.list_(pa.bool_())),
    ],
)
def test_columns_of_a_type_that_may_mislead(desk: Desk, line: Any, column: str, read: Any, kind: Any) -> None:
    cells = {"at": "2026-02-01T08:00:00"} if column == "at" else {}
    rows = [line(**cells)] if column != "origin_proof" else [line(origin_proof="true")]
    wanted = (lambda text: [True], kind) if column == "origin_proof" else (read, kind)
    assert column in refused(desk, typed(desk, rows, **{column: wanted}), "file_columns_wrong").errors


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.uint64(), pa.decimal128(9, 0), pa.decimal128(38, 2)])
def test_whole_numbers_are_units_of_the_currency(desk: Desk, line: Any, kind: Any) -> None:
    desk.assess(typed(desk, [line(value="1000")], value=(Decimal if "decimal" in str(kind) else int, kind)))
    assert desk.result[0]["dutiable_value"] == "1003.00"


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1.001", pa.decimal128(18, 3)), ("-1.00", pa.decimal128(18, 2)), ("1" * 30, pa.decimal128(38, 2))],
)
def test_a_number_that_is_no_amount_is_a_bad_row(desk: Desk, line: Any, value: str, kind: Any) -> None:
    desk.assess(typed(desk, [line(), line(value=value)], value=(Decimal, kind)))
    assert desk.errors == [("2", "value", "invalid_input")]


def test_blank_cells_and_days_beyond_the_calendar(desk: Desk, line: Any) -> None:
    days = {"a": dt.date(2026, 2, 1), "b": dt.date(1, 1, 1), "c": dt.date(9999, 12, 31)}
    rows = [line(day="a"), line(day="b"), line(day="c"), {**line(), "day": ""}, {**line(day="a"), "value": ""}]
    desk.assess(typed(desk, rows, day=(days.__getitem__, pa.date32())))
    assert desk.errors == [("2", "day", "out_of_bounds"), ("3", "day", "out_of_bounds"), ("4", "day", "invalid_input"),
                           ("5", "value", "invalid_input")]  # fmt: skip
    assert [row["day"] for row in desk.result] == ["2026-02-01", "0001-01-01", "9999-12-31", "", "2026-02-01"]


def test_a_damaged_parquet_file_is_refused(desk: Desk, line: Any) -> None:
    path = typed(desk, [line(value=str(n)) for n in range(1, 5000)])
    raw = bytearray(path.read_bytes())
    raw[200:4000] = bytes(3800)
    path.write_bytes(raw)
    refused(desk, path, "file_unreadable")


def test_pieces_do_not_show(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from customs.assessments.files import run

    rows = Lines(tariff(), seed=5).some(500)
    whole = desk.assess(desk.file(rows))
    monkeypatch.setattr(run, "PIECE", 37)
    assert desk.assess(desk.file(rows)).sha256 == whole.sha256
    assert source.PIECE > 37


def test_parquet_and_csv_hold_the_same(desk: Desk) -> None:
    from customs.assessments.files.parquet_writer import as_csv

    path = desk.file(Lines(tariff(), seed=6).some(1000))
    desk.assess(path)
    written = (desk.folder / "result").read_bytes()
    first = desk.assess(path, PARQUET)
    assert b"".join(as_csv(desk.folder / "result")) == written
    table = parquet.read_table(desk.folder / "result")
    assert table.schema.field("tax").type == pa.decimal128(18, 2)
    assert table.schema.metadata[b"edition"].decode() == tariff().edition
    assert desk.assess(path, PARQUET).sha256 == first.sha256  # the same bytes


def test_totals_are_the_sums_of_the_rows(desk: Desk) -> None:
    outcome = desk.assess(desk.file(Lines(tariff(), seed=8).some(1000)))
    for name, fen in outcome.totals.items():
        assert fen == sum(Decimal(row[name] or 0) * 100 for row in desk.result)
    assert outcome.failed == sum(row["error_code"] != "" for row in desk.result)
    assert {row["row"] for row in desk.result if row["error_code"]} == {row for row, _, _ in desk.errors}


def test_text_columns_with_a_word_for_every_row(desk: Desk, line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary larger than the piece, blank cells in between, and bytes that are not UTF-8."""
    from customs.assessments.files import run

    monkeypatch.setattr(run, "PIECE", 50)
    rows = [{**line(value=f"{n}.00" if n % 7 else ""), "exporter": f"exporter {n}"} for n in range(1, 1400)]
    desk.assess(desk.file(rows))
    as_csv = (desk.folder / "result").read_bytes()
    desk.assess(typed(desk, rows, value=(str, pa.string())))
    assert (desk.folder / "result").read_bytes() == as_csv
    raw = pa.StringArray.from_buffers(1, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe"))
    table = {"hs": raw, "origin": pa.array(["BR"]), "day": pa.array(["2026-02-01"]), "value": pa.array(["1.00"])}
    parquet.write_table(pa.table(table), desk.folder / "lines.parquet")
    desk.assess(desk.folder / "lines.parquet")
    assert desk.errors == [("1", "hs", "invalid_input")]
