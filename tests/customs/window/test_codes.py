"""Codes of customs: each has words, a way, and advice for a person; one nobody knows never moves a document back."""

import csv
from importlib.resources import files

import pytest

from customs.window.receipts import State, apply
from customs.window.refilings import refiling_of
from customs.window.statuses import advice_of, both_of, fault_of, faults, may_move, meaning, moves, statuses
from customs.window.told import told_of
from tests.customs.window.test_receipts import receipt

# Customs' own list (message specification 202205): document, first and last number of each run, and the numbers in it.
RUNS = {
    "enterprise": (-10101, -10102),
    "order": tuple(-301000 - each for each in range(1, 16)),
    "payment": tuple(-401000 - each for each in range(1, 14)),
    "waybill": (-504000, *(-504000 - each for each in range(10, 17))),
    "waybill status": (-505000, *(-505000 - each for each in range(10, 18))),
    "list": tuple(-621000 - each for each in (*range(7), *range(8, 31))),
    "cancellation": tuple(-623000 - each for each in (*range(15), 16, 17, 23, 25, 29)),
    "return": tuple(-625000 - each for each in (*range(1, 16), 22, 24, 25, 26, 200, 208, 209)),
    "entry": tuple(-800000 - each for each in range(7)),
}


def test_every_code_of_customs_is_in_the_table_and_no_other() -> None:
    known: dict[str, set[int]] = {}
    for code, fault in faults().items():
        known.setdefault(fault.document, set()).add(code)
    assert known == {document: set(codes) for document, codes in RUNS.items()}


def test_every_code_has_words_and_advice_in_both_languages() -> None:
    for (family, code), status in statuses().items():
        assert status.zh
        assert status.meaning
        assert all(both_of(family, code).values()), (family, code)
    for number, fault in faults().items():
        assert fault.zh
        assert fault.meaning
        assert all(both_of("622", str(number)).values()), number
        assert meaning("list", str(number), "zh") == fault.zh


def test_no_advice_is_written_for_nobody() -> None:
    folder = files("customs.window").joinpath("tables")
    written = {row["key"] for row in csv.DictReader(folder.joinpath("advice.csv").read_text("utf-8").splitlines())}
    used = {fault.advice for fault in faults().values()} | {status.advice for status in statuses().values()}
    assert written == used | {"unknown_fault", "unknown_status"}


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("621", "-621018", "refunded"),
        ("622", "100", "file it again"),
        ("312", "-301010", "do not file it anew"),
        ("622", "502", "lawyer"),
        ("622", "-999999", "customs' own words"),
        ("622", "777", "pending"),
        ("dxp", "1002", "certificate"),
        ("dxp", "4711", "customs' own words"),
    ],
)
def test_advice_says_what_to_do(kind: str, code: str, words: str) -> None:
    assert words in advice_of(kind, code, "en")
    assert advice_of(kind, code, "zh") != advice_of(kind, code, "en")


@pytest.mark.parametrize("code", ["300", "399", "500", "501", "502", "503", "599", "700", "100", "-621018", "-621001"])
def test_a_buyer_is_told_in_plain_words_what_comes_next(code: str) -> None:
    told = told_of(code)
    assert told is not None
    for said in (told.what, told.then):
        assert {*said} == {"zh", "en"}
        assert all(said.values())
        assert "list" not in said["en"].split() or code == "300"


def test_what_is_no_news_to_a_buyer_is_not_told() -> None:
    assert [told_of(code) for code in ("1", "2", "3", "120", "800", "18")] == [None] * 6


def test_a_code_nobody_knows_hides_where_the_document_stood_and_moves_it_nowhere() -> None:
    at = "20261123120001000"
    assert apply("received", at, receipt("18", 2)) == State("pending", "20261123120002000")
    for back in ("1", "2", "3", "4", "-621017"):
        assert apply("pending", at, receipt(back, 3), "received") is None, back
    assert apply("pending", at, receipt("120", 3), "received") == State("received", "20261123120003000")
    assert apply("pending", at, receipt("500", 3), "received") == State("inspection", "20261123120003000")
    assert apply("pending", at, receipt("2", 3), "filed") == State("declaring", "20261123120003000")


def test_a_list_is_withdrawn_only_before_its_end() -> None:
    ends = {"released", "closed", "returned_abroad", "cancelled", "rejected", "error"}
    for state in moves()["list"]:
        assert may_move("list", state, "cancelled") == (state not in ends), state


def test_no_way_leads_back() -> None:
    """From any state nothing that customs passed before it can be reached again, but between holds and retries."""
    order = ["filed", "stored", "declaring", "sent", "received", "concluded", "released", "closed"]
    for at, state in enumerate(order):
        for earlier in order[:at]:
            assert not may_move("list", state, earlier), (state, earlier)


@pytest.mark.parametrize(
    ("code", "held", "how"),
    [
        ("100", True, "amend"),
        ("100", False, "new"),
        ("-621001", False, "new"),
        ("-621011", True, "new"),
        ("-301009", True, "new"),
        ("-621010", True, "no"),
        ("-621012", True, "no"),
        ("-301011", True, "no"),
        ("-401008", True, "no"),
        ("-504016", True, "no"),
        ("-621018", True, "no"),
        ("-621005", False, "no"),
        ("-999999", False, "new"),
    ],
)
def test_how_it_is_filed_again(code: str, held: bool, how: str) -> None:
    assert refiling_of(code, held).how == how
    assert fault_of(code) is None or refiling_of(code, held).why["zh"]
