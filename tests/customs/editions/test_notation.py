"""How annexes write codes, days and rates: read where it has one meaning, else refused."""

import pytest

from customs.editions.notation import code_of, day_of, rate_of, unit_words
from customs.editions.plan import made_id

UNITS = unit_words({"千克": "kg", "升": "l", "套": "set", "座": ""})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("02013000", ("02013000", False)),
        ("0201.30.00", ("02013000", False)),
        ("0201 3000", ("02013000", False)),
        ("0201.3000.10", ("0201300010", False)),
        ("０２０１３０００", ("02013000", False)),
        ("ex02013000", ("02013000", True)),
        ("EX 0201.3000", ("02013000", True)),
        ("ex① 0201.3000", ("02013000", True)),
        ("03", ("03", False)),
        ("020130001", None),
        ("0201300", None),
        ("第2章", None),
        ("02013000元", None),
        ("1", None),
        ("", None),
    ],
)
def test_codes(text: str, code: tuple[str, bool] | None) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    "text", ["2026-01-02", "2026/1/2", "2026.1.2", "20260102", "2026年1月2日", "２０２６年１月２日"]
)
def test_days(text: str) -> None:
    assert day_of(text) == "2026-01-02"


def test_what_is_no_day_stays_for_the_loader_to_refuse() -> None:
    assert [day_of(text) for text in ("1 January", "", "26-1-2")] == ["1 January", "", "26-1-2"]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("5", "5"),
        ("5%", "5"),
        ("5.50％", "5.5"),
        ("0", "0"),
        ("0.0", "0"),
        ("免税", "0"),
        ("1.3元/千克", "1.3 CNY/kg"),
        ("1.3 元／公斤", "1.3 CNY/kg"),
        ("1.3元/㎏", "1.3 CNY/kg"),
        ("每千克1.3元", "1.3 CNY/kg"),
        ("1.3 CNY/kg", "1.3 CNY/kg"),
        ("3%+4380元/套", "3 + 4380 CNY/set"),
        ("3%加4380元/套", "3 + 4380 CNY/set"),
        ("15%或3%+4380元/套,两者从低", "15 or lower 3 + 4380 CNY/set"),
        ("15%或1.3元/千克,从高计征", "15 or higher 1.3 CNY/kg"),
        ("none", "none"),
        ("12 staged 10 from 2015", "12 staged 10 from 2015"),
    ],
)
def test_rates(text: str, rate: str) -> None:
    assert rate_of(text, UNITS, {}, percent=False) == rate


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.05", "write 0.05% or 5%"),
        ("0.125", "write 0.125% or 12.5%"),
        ("T1", "--mark T1=RATE"),
        ("从量税", "not a rate"),
        ("5-10%", "not a rate"),
        ("△", "not a rate"),
        ("1.3元/座", "no unit '座'"),
        ("130元/100千克", "not a rate"),
        ("1.3美元/千克", "not a rate"),
        ("完税价格低于5000美元/台:15%", "not a rate"),
        ("5000%", "beyond the largest rate"),
        ("1元/千克+2元/升", "one amount per unit"),
    ],
)
def test_rates_with_more_than_one_meaning_or_none(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        rate_of(text, UNITS, {}, percent=False)


def test_a_small_number_under_a_heading_that_says_percent() -> None:
    assert rate_of("0.5", UNITS, {}, percent=True) == "0.5"


@pytest.mark.parametrize(
    ("announcement", "source"),
    [
        ("Tariff Commission Announcement 2025 No.11", "tariff-commission-announcement-2025-no-11"),
        ("国务院关税税则委员会公告2025年第11号", "tariff-commission-2025-11"),
        ("商务部、海关总署公告２０２５年第８７号", "mofcom-gacc-2025-87"),
        ("公告", ""),
        ("2025", ""),
        ("Announcement", ""),
    ],
)
def test_the_id_of_an_announcement(announcement: str, source: str) -> None:
    assert made_id(announcement) == source
