"""Services from abroad: VAT that the buyer withholds; no customs, no duty, no consumption tax.

Rate and relief of a kind of service are dated rows (VAT Law art. 10, 15 and 17; before 2026 Caishui 2016 No.36).
"""

from __future__ import annotations

from datetime import date

from core.errors import Problem, declare
from core.money import half_up_magnitude
from customs.duty.regimes import tax_on
from customs.tariff import Tariff, problems
from customs.tariff.rates import WHOLE
from customs.tariff.reading import Row

SERVICE_UNKNOWN = declare("service_unknown", 422, "No such kind of service")
EXEMPT = "exempt"


def service_row(tariff: Tariff, service: str, day: date) -> Row:
    """The row of a kind of service on a day. Raises Problem service_unknown or before_coverage."""
    rows = [row for row in tariff.tables["service_rates"] if row["service"] == service]
    if not rows:
        kinds = ", ".join(sorted({row["service"] for row in tariff.tables["service_rates"]}))
        raise Problem(SERVICE_UNKNOWN, f"{service}: no such kind of service (service_rates.csv); one of {kinds}")
    for row in rows:
        if row["first_day"] <= day.toordinal() <= row["last_day"]:
            return row
    detail = f"{service}: no VAT rate is on file on {day} (service_rates.csv); business tax was levied before"
    raise Problem(problems.BEFORE_COVERAGE, detail)


def share_of(row: Row) -> int:
    """The rate of a row in 0.001 %."""
    return int(row["rate"] * 1000)


def withheld(price: int, share: int, includes_tax: bool) -> tuple[int, int]:
    """Sales amount and VAT in fen: price / (1 + rate) * rate out of a price that includes the tax, else price * rate on
    top. The two add up to the price that includes it."""
    if not includes_tax:
        return price, int(tax_on(price, share))
    vat = int(half_up_magnitude(price * share, WHOLE + share))
    return price - vat, vat
