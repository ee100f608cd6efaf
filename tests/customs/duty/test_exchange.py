"""The customs rate of a month: on which day it is fixed, where it is read, in what unit it is quoted."""

import tomllib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.errors import Problem
from customs.assessments import parse_request
from customs.duty.exchange import Rates, rate_day
from customs.tariff import Tariff
from customs.tariff.trading_days import TradingDays
from tests.cases.law import CASES, tariff

ONE = timedelta(days=1)
JANUARY = date(2026, 1, 15)


def days(*closures: tuple[str, str]) -> TradingDays:
    """A calendar of 2024 and 2025 with these closures."""
    always = [("2024-01-01", "2024-01-01"), ("2025-01-01", "2025-01-01")]
    rows = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in (*always, *closures)]
    return TradingDays({"first_day": first.toordinal(), "last_day": last.toordinal()} for first, last in rows)


def law_cases() -> list[dict[str, Any]]:
    return tomllib.loads((CASES / "valuation.toml").read_text("utf-8"))["rate_day"]


@pytest.mark.parametrize("case", law_cases(), ids=lambda case: case["name"])
def test_the_law_fixes_the_day(case: dict[str, Any]) -> None:
    year, month = map(int, case["month"].split("-"))
    if "refused" in case:
        with pytest.raises(Problem) as refused:
            rate_day(year, month, tariff().trading_days)
        assert refused.value.code == case["refused"]
        return
    assert rate_day(year, month, tariff().trading_days) == case["day"]


def test_a_closed_wednesday_moves_to_the_fourth_before_december_2024_and_to_the_next_day_from_then_on() -> None:
    closed = days(("2024-10-16", "2024-10-16"), ("2024-11-20", "2024-11-20"))
    assert rate_day(2024, 11, closed) == date(2024, 10, 23)
    assert rate_day(2024, 12, closed) == date(2024, 11, 21)


def test_a_working_saturday_is_not_a_trading_day() -> None:
    """Closed from the third Wednesday to Friday: Monday, though that Saturday may be worked."""
    assert rate_day(2025, 7, days(("2025-06-18", "2025-06-20"))) == date(2025, 6, 23)


def test_a_new_years_holiday_that_begins_in_december_does_not_announce_the_old_year() -> None:
    closed = TradingDays([{"first_day": date(2022, 12, 31).toordinal(), "last_day": date(2023, 1, 2).toordinal()}])
    assert not closed.is_open(date(2023, 1, 2))
    with pytest.raises(Problem) as refused:
        closed.is_open(date(2022, 12, 30))
    assert refused.value.code == "calendar_unknown"
    assert "2022" in refused.value.detail


def test_every_month_from_2016_on_has_a_day_in_the_month_before_that_is_traded() -> None:
    calendar = tariff().trading_days
    first = date(2016, 2, 1)
    moved = []
    while first < date(2027, 1, 31):
        found = rate_day(first.year, first.month, calendar)
        assert calendar.is_open(found)
        assert (first - ONE).replace(day=15) <= found < first
        if found.weekday() != 2 or found.day > 21:
            moved.append(found)
        first = (first + 31 * ONE).replace(day=1)
    assert moved == [date(2018, 2, 28), date(2021, 2, 24), date(2026, 2, 24)]


def test_closures_are_short_and_each_year_has_a_spring_festival() -> None:
    rows = tariff().tables["market_holidays"]
    assert all(row["last_day"] - row["first_day"] < 10 for row in rows)
    festivals = [date.fromordinal(row["last_day"]).year for row in rows if row["name"] == "spring_festival"]
    assert festivals == list(range(2016, 2027))


def test_the_rate_of_a_day_comes_with_its_row() -> None:
    rate, row = tariff().exchange_rate("USD", date(2023, 7, 31))
    assert (rate, row["source"], row["standing"]) == (Decimal("7.1795"), "customs-rate-2023-07", 1)


@pytest.mark.parametrize(("day", "printed"), [("2024-01-18", "2.6576767"), ("2026-01-18", "2.64295885")])
def test_the_rates_behind_the_beer_prices_print_them_again(day: str, printed: str) -> None:
    rate, row = tariff().exchange_rate("USD", date.fromisoformat(day))
    assert (370 * rate / 988).quantize(Decimal(printed)) == Decimal(printed)
    assert row["standing"] == 2


@pytest.mark.parametrize(
    ("currency", "day", "code", "words"),
    [
        ("USD", "2023-06-30", "exchange_rate_missing", "2023-06"),
        ("USD", "2023-08-01", "exchange_rate_missing", "2023-08"),
        ("EUR", "2023-07-01", "exchange_rate_missing", "EUR"),
        ("XYZ", "2023-07-01", "currency_unknown", "currencies.csv"),
    ],
)
def test_a_rate_that_is_not_on_file_is_never_another_months(currency: str, day: str, code: str, words: str) -> None:
    with pytest.raises(Problem) as refused:
        tariff().exchange_rate(currency, date.fromisoformat(day))
    assert refused.value.code == code
    assert words in refused.value.detail


def quoted(**row: Any) -> Tariff:
    """The law with one more rate on file."""
    other = Tariff.__new__(Tariff)
    own = {name: value for name, value in tariff().__dict__.items() if name != "_exchange_rows"}
    period = {"first_day": JANUARY.toordinal(), "last_day": JANUARY.toordinal(), "source": "recalled", "standing": 2}
    other.__dict__.update(own, tables={**tariff().tables, "exchange_rates": [{**period, **row}]})
    return other


def test_a_quote_per_hundred_is_brought_to_one_exactly() -> None:
    rate, _ = quoted(currency="JPY", rate=Decimal("4.5123"), per="100").exchange_rate("JPY", JANUARY)
    assert rate == Decimal("0.045123")


def test_a_rate_of_nothing_is_no_rate() -> None:
    with pytest.raises(Problem) as refused:
        quoted(currency="JPY", rate=Decimal(0), per="100").exchange_rate("JPY", JANUARY)
    assert refused.value.code == "exchange_rate_missing"


def test_the_laws_rate_names_the_day_it_is_of_and_the_requests_own_goes_first() -> None:
    law = Rates(tariff(), JANUARY, {}).of("USD")
    assert (law.value, law.fixed_on) == (Decimal("7.05741444"), date(2025, 12, 17))
    own = Rates(tariff(), JANUARY, {"USD": Decimal("7.1")}).of("USD")
    assert (own.value, own.row, own.fixed_on) == (Decimal("7.1"), None, None)


def test_a_missing_rate_says_which_parity_is_wanted() -> None:
    with pytest.raises(Problem) as refused:
        Rates(tariff(), date(2026, 3, 2), {}).of("USD")
    assert "2026-03" in refused.value.detail
    assert "2026-02-24" in refused.value.detail


def test_a_missing_rate_of_a_month_without_calendar_says_so() -> None:
    with pytest.raises(Problem) as refused:
        Rates(tariff(), date(2027, 2, 1), {}).of("USD")
    assert refused.value.code == "exchange_rate_missing"
    assert "holidays of 2027 are not on file" in refused.value.detail


@pytest.mark.parametrize(
    ("own", "code"),
    [({"USD": Decimal(0)}, "exchange_rate_missing"), ({"USD": Decimal(-7)}, "exchange_rate_missing")],
)
def test_a_rate_of_the_request_is_above_zero(own: dict[str, Decimal], code: str) -> None:
    """It does not fall back to the law's: January has one."""
    with pytest.raises(Problem) as refused:
        Rates(tariff(), JANUARY, own).of("USD")
    assert refused.value.code == code


def test_a_slip_in_the_name_of_a_currency_does_not_let_the_laws_rate_through() -> None:
    with pytest.raises(Problem) as refused:
        Rates(tariff(), JANUARY, {"UDS": Decimal("7.1")})
    assert refused.value.code == "currency_unknown"
    assert list(refused.value.errors) == ["exchange_rates.UDS"]


@pytest.mark.parametrize(
    ("given", "rate"),
    [("0.048123", "0.048123"), ({"rate": "4.8123", "per": "100"}, "0.048123"), ({"rate": "4.8123"}, "4.8123")],
)
def test_a_request_may_quote_per_hundred(given: Any, rate: str) -> None:
    body = {"route": "general_trade", "day": "2026-01-15", "lines": [], "exchange_rates": {"JPY": given}}
    assert parse_request(body).exchange_rates == {"JPY": Decimal(rate)}
