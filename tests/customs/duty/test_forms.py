"""Rates that turn on price, quantity, hour, exporter, part of the code or exclusion, each on a law made for the test."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.errors import Problem
from customs.assessments import AssessedLine, assess
from customs.tariff import Tariff, TariffFault, load_tariff
from tests.cases.law import DATA, general, instant, line, tariff

Edit = Callable[..., Tariff]


@pytest.fixture
def with_rows(tmp_path: Path) -> Edit:
    """The committed law with rows added to its tables, and whole codes of a table replaced."""

    def edit(**rows: list[str]) -> Tariff:
        folder = tmp_path / "law"
        shutil.copytree(DATA, folder)
        for table, added in rows.items():
            path = folder / f"{table}.csv"
            codes = tuple(f"{row.split(',')[0]}," for row in added)
            drop = table in ("mfn", "provisional", "consumption_tax")
            kept = [text for text in path.read_text("utf-8").splitlines() if not (drop and text.startswith(codes))]
            path.write_text("\n".join([*kept, *added]) + "\n", "utf-8")
        return load_tariff(folder)

    return edit


def one(law: Tariff, day: str, hs: str, origin: str, value: str, *, request: dict[str, Any] | None = None,
        **more: Any) -> AssessedLine:  # fmt: skip
    return assess(law, general(day, line(hs, origin, value, **more), **(request or {}))).lines[0]


def refusal(law: Tariff, day: str, hs: str, origin: str, value: str, **more: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        one(law, day, hs, origin, value, **more)
    return refused.value


def test_the_higher_of_two(with_rows: Edit) -> None:
    law = with_rows(mfn=["0207120000,5 or higher 1.3 CNY/kg,2099-12-31,2018-01-01,,recalled,assumed"])
    assert one(law, "2025-06-01", "0207120000", "BR", "1000.00", quantity=Decimal(100)).duty_fen == 13_000
    assert one(law, "2025-06-01", "0207120000", "BR", "2600.00", quantity=Decimal(100)).duty_fen == 13_000
    assert one(law, "2025-06-01", "0207120000", "BR", "2600.10", quantity=Decimal(100)).duty_fen == 13_001
    assert one(law, "2025-06-01", "0207120000", "BR", "9999.00", quantity=Decimal(100)).duty_fen == 49_995


@pytest.mark.parametrize(("value", "duty"), [("35000.00", 525_000), ("35000.01", 543_000), ("70000.00", 648_000)])
def test_a_split_by_price_in_foreign_currency(with_rows: Edit, value: str, duty: int) -> None:
    """Up to USD 5,000 a set 15 %, above it 3 % and 4,380 yuan a set: at 7 yuan the price of the turn is 35,000."""
    law = with_rows(
        mfn=["8521101100,15 up to 5000 USD/set else 3 + 4380 CNY/set,2099-12-31,2019-01-01,,recalled,assumed"]
    )
    found = one(law, "2025-06-01", "8521101100", "JP", value, quantity=Decimal(1), unit="set",
                request={"exchange_rates": {"USD": Decimal(7)}})  # fmt: skip
    assert found.duty_fen == duty


@pytest.mark.parametrize(
    ("value", "duty"),
    [("1400.00", 5_700), ("1399.99", 5_740), ("1000.00", 17_800), ("600.00", 24_000), ("5000.00", 5_700)],
)
def test_the_sliding_duty_on_cotton(with_rows: Edit, value: str, duty: int) -> None:
    """100 kg: from 14 yuan a kg 0.570 yuan a kg; below it 8.87/P + 2.908 % x P - 1, three decimals, at most 40 %."""
    law = with_rows(
        mfn=["5201000080,0.57 CNY/kg from 14 CNY/kg else sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg,2099-12-31,"
             "2018-01-01,,recalled,assumed"],
        provisional=["5201000080,,,none,2018-01-01,,recalled,assumed"],
    )  # fmt: skip
    assert one(law, "2025-06-01", "5201000080", "UZ", value).duty_fen == duty


def test_a_threshold_without_the_months_rate_says_so() -> None:
    """Beer at 2.66 yuan a litre: USD 370 a tonne at 988 litres is 2.6430 yuan in January 2026, whose rate is on file."""
    for day, borrowed in (("2026-01-31", False), ("2026-02-01", True)):
        found = one(tariff(), day, "2203000000", "DE", "266.00", unit="l")
        assert found.consumption_tax_fen == 2_530
        assert ("threshold_rate_borrowed" in {item["code"] for item in found.requirements}) == borrowed
    own = {"exchange_rates": {"USD": Decimal("7.2")}}
    found = one(tariff(), "2026-02-01", "2203000000", "DE", "266.00", unit="l", request=own)
    assert found.consumption_tax_fen == 2_227
    assert "threshold_rate_borrowed" not in {item["code"] for item in found.requirements}


def test_a_sliding_duty_needs_its_quantity(with_rows: Edit) -> None:
    law = with_rows(mfn=["5201000080,sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg,2099-12-31,2018-01-01,,recalled,assumed"],
                    provisional=["5201000080,,,none,2018-01-01,,recalled,assumed"])  # fmt: skip
    refused = refusal(law, "2025-06-01", "5201000080", "UZ", "1000.00", unit="m2")
    assert (refused.code, list(refused.errors)) == ("unit_mismatch", ["lines.0.unit"])
    refused = refusal(law, "2025-06-01", "5201000080", "UZ", "1000.00", unit="piece")
    assert (refused.code, list(refused.errors)) == ("quantity_needed", ["lines.0.quantity"])


def test_the_lower_preference_of_another_form(with_rows: Edit) -> None:
    """12 % of the value beside 1.3 yuan a kg: which is lower turns on the price."""
    law = with_rows(agreement_rates=["CL,0207120000,12,2025-01-01,2025-12-31,recalled,assumed"],
                    mfn=["0207120000,1.3 CNY/kg,2099-12-31,2018-01-01,,recalled,assumed"])  # fmt: skip
    cheap = one(law, "2025-06-01", "0207120000", "CL", "1000.00", origin_proof=True)
    assert (cheap.duty_fen, cheap.duty_rate_text) == (12_000, "12")
    dear = one(law, "2025-06-01", "0207120000", "CL", "1100.00", origin_proof=True)
    assert (dear.duty_fen, dear.duty_rate_text) == (13_000, "1.3 CNY/kg")


@pytest.fixture
def handed_over(with_rows: Edit) -> Tariff:
    """A duty of 10 that ends at 12:01 of 1 June 2025, and one of 25 that begins at that minute and ends at 13:01 of
    1 July."""
    return with_rows(
        measures=["HOUR-TEST,retaliatory,试,Test,Test notice,TH,2025-01-01,,recalled,assumed"],
        measure_rates=["HOUR-TEST,,16041400,10,,12:01,2025-01-01,2025-06-01,recalled,assumed",
                       "HOUR-TEST,,16041400,25,12:01,13:01,2025-06-01,2025-07-01,recalled,assumed"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "at", "added"),
    [("2025-05-31", None, 10_000), ("2025-06-01", "2025-06-01T12:00:59+08:00", 10_000),
     ("2025-06-01", "2025-06-01T04:01:00+00:00", 25_000), ("2025-06-02", None, 25_000),
     ("2025-07-01", "2025-07-01T13:00:59+08:00", 25_000), ("2025-07-01", "2025-07-01T13:01:00+08:00", 0),
     ("2025-07-02", None, 0)],
)  # fmt: skip
def test_a_measure_that_turns_within_a_day(handed_over: Tariff, day: str, at: str | None, added: int) -> None:
    request = {"at": instant(at)} if at else {}
    found = one(handed_over, day, "1604140000", "TH", "1000.00", request=request)
    assert found.additional_duty_fen == added


def test_a_day_that_turns_needs_the_instant(handed_over: Tariff) -> None:
    refused = refusal(handed_over, "2025-06-01", "1604140000", "TH", "1000.00")
    assert (refused.code, list(refused.errors)) == ("instant_needed", ["lines.0.at"])


def test_a_choice_of_rates_is_no_measure(with_rows: Edit) -> None:
    with pytest.raises(TariffFault, match="is a choice of rates"):
        with_rows(measures=["M,retaliatory,试,Test,Test notice,TH,2025-01-01,,recalled,assumed"],
                  measure_rates=["M,,16041400,5 or lower 3,,,2025-01-01,,recalled,assumed"])  # fmt: skip


def test_an_exporters_rate_displaces_that_of_all_others_only_where_it_is_set(with_rows: Edit) -> None:
    law = with_rows(
        measures=["AD-TEST,anti_dumping,试,Test,MOFCOM test,TH,2025-01-01,,recalled,assumed"],
        measure_rates=["AD-TEST,,16041400,40,,,2025-01-01,,recalled,assumed",
                       "AD-TEST,Siam Tuna,16041400,7.5,,,2025-06-01,,recalled,assumed"],
    )  # fmt: skip
    made = [one(law, day, "1604140000", "TH", "1000.00", exporter=exporter).additional_duty_fen
            for day in ("2025-05-31", "2025-06-01") for exporter in (None, "Siam Tuna", "Another")]  # fmt: skip
    assert made == [40_000, 40_000, 40_000, 40_000, 7_500, 40_000]


def test_an_exclusion_number_lifts_its_measure_and_no_other(with_rows: Edit) -> None:
    law = with_rows(exclusions=["EX-1,US-2018,03038910,2025-06-01,2025-06-30,recalled,assumed"])
    whole = one(law, "2025-06-15", "0303891000", "US", "1000.00").additional_duty_fen
    lifted = one(law, "2025-06-15", "0303891000", "US", "1000.00", exclusion_no="EX-1").additional_duty_fen
    assert whole - lifted == 25_000
    unknown = one(law, "2025-06-15", "0303891000", "US", "1000.00", exclusion_no="EX-2")
    assert unknown.additional_duty_fen == whole
    assert "exclusion_not_on_file" in {item["code"] for item in unknown.requirements}
    for day in ("2025-05-31", "2025-07-01"):
        assert one(law, day, "0303891000", "US", "1000.00", exclusion_no="EX-1").additional_duty_fen == whole


def test_a_provisional_rate_of_a_part_of_a_code() -> None:
    """2019: frozen capelin, a part of 0303.5900, at 5 % instead of 7 %."""
    law = tariff()
    whole = one(law, "2019-06-01", "0303590090", "NO", "1000.00")
    part = one(law, "2019-06-01", "0303590090", "NO", "1000.00", part="冻毛鳞鱼, 但食用杂碎除外")
    other = one(law, "2019-06-01", "0303590090", "NO", "1000.00", part="none")
    assert (whole.duty_fen, part.duty_fen, other.duty_fen) == (7_000, 5_000, 7_000)
    asked = [[item["part"] for item in each.requirements if item["code"] == "part_question"]
             for each in (whole, part, other)]  # fmt: skip
    assert asked == [["冻毛鳞鱼,但食用杂碎除外"], [], []]
    refused = refusal(law, "2019-06-01", "0303590090", "NO", "1000.00", part="cod")
    assert (refused.code, list(refused.errors)) == ("part_unknown", ["lines.0.part"])
    assert "冻毛鳞鱼" in refused.detail


@pytest.mark.parametrize(
    ("crossing", "left", "added"),
    [("refuse", "20000", 0), ("split", "20000", 0), ("split", "15000", 1_375_000), ("surcharge", "15000", 5_500_000),
     ("split", "0", 5_500_000), ("refuse", "0", 5_500_000)],
)  # fmt: skip
def test_a_consignment_that_crosses_a_quota(crossing: str, left: str, added: int) -> None:
    """20 t of beef worth 100,000 yuan, 5 t of it beyond the quota: 55 % on a quarter of the value."""
    request = {"quota_remaining": {"BEEF-SG-BR-2026": Decimal(left)}, "crossing": crossing}
    found = one(tariff(), "2026-02-01", "0202300090", "BR", "100000.00", quantity=Decimal(20_000), request=request)
    assert (found.duty_fen, found.additional_duty_fen) == (1_200_000, added)
    assert found.vat_fen == (10_000_000 + 1_200_000 + added) * 9 // 100
    assert found.standing == "assumed"
    steps = [step for step in found.explanation if step["step"] in ("duty", "additional_duty", "vat")]
    assert sum(Decimal(step["amount"]) for step in steps) * 100 == found.tax_fen


def test_a_crossing_is_refused_unless_said_otherwise() -> None:
    law = tariff()
    request = {"quota_remaining": {"BEEF-SG-BR-2026": Decimal(15_000)}}
    refused = refusal(law, "2026-02-01", "0202300090", "BR", "1.00", quantity=Decimal(20_000), request=request)
    assert (refused.code, list(refused.errors)) == ("quota_crossed", ["lines.0.quantity"])
    unknown = {"quota_remaining": {"NO-SUCH": Decimal(1)}}
    assert refusal(law, "2026-02-01", "0202300090", "BR", "1.00", request=unknown).code == "quota_unknown"


def test_lines_draw_on_a_quota_in_their_order() -> None:
    beef = line("0202300090", "BR", "100.00", quantity=Decimal(10))
    request = {"quota_remaining": {"BEEF-SG-BR-2026": Decimal(25)}, "crossing": "split"}
    answer = assess(tariff(), general("2026-02-01", beef, beef, beef, beef, **request))
    assert [each.additional_duty_fen for each in answer.lines] == [0, 0, 2_750, 5_500]
