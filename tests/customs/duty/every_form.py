"""A law made for the tests: the committed one with a row of every form of rate and of every kind of measure added.

The rates are nobody's; they put each rule of selection and each form side by side on goods that are drawn often.
"""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from customs.tariff import Tariff, load_tariff
from tests.cases.law import DATA

HEADINGS = {
    "mfn": "hs,rate,verified_to,first_day,last_day",
    "general": "hs,rate,first_day,last_day",
    "provisional": "hs,part,part_name,rate,first_day,last_day",
    "quota_rates": "hs,rate,first_day,last_day",
    "agreement_members": "agreement,country,first_day,last_day",
    "agreement_rates": "agreement,hs,rate,first_day,last_day",
    "agreement_suspensions": "agreement,hs,event,first_day,last_day",
    "consumption_tax": "hs,rate,threshold,below,first_day,last_day",
    "measures": "id,kind,name_zh,name_en,law,origin,first_day,last_day",
    "measure_rates": "measure,exporter,hs,rate,first_time,last_time,first_day,last_day",
    "measure_suspensions": "measure,hs,act,first_day,last_day",
    "measure_exclusions": "measure,country,first_day,last_day",
    "exclusions": "number,measure,hs,first_day,last_day",
    "quotas": "id,measure,country,tonnes,first_day,last_day",
    "quota_events": "quota,event,share,first_day,last_day",
}
ROWS = {
    "mfn": [
        # the higher and the lower of two, compound, and a price in foreign currency that turns the rate
        "0207131100,5 or higher 1.3 CNY/kg,2099-12-31,2018-01-01,2023-06-30",
        "0207131100,20 + 0.5 CNY/kg,2099-12-31,2023-07-01,",
        "0207131900,20 or lower 2.25 CNY/kg,2099-12-31,2018-01-01,",
        "0207132100,15 up to 5.5 USD/kg else 3 + 4.38 CNY/kg,2099-12-31,2018-01-01,2024-12-31",
        "0207132100,3 + 4.374 CNY/kg from 2000 CNY/t else 30,2099-12-31,2025-01-01,",
        "0207132900,0.57 CNY/kg from 14 CNY/kg else sliding 8.87/P + 2.908 P - 1 most 40 by CNY/kg,2099-12-31,2018-01-01,",
        "2204210000,4.5 CNY/l or higher 14,2099-12-31,2018-01-01,",
        "5101110090,20 + 1 CNY/kg or lower 6 CNY/kg,2099-12-31,2018-01-01,",
        "0207240000,unknown,2099-12-31,2018-01-01,", "8516310000,10 up to 300 EUR/machine else 8 + 100 CNY/machine,2099-12-31,2018-01-01,",
    ],
    "general": [
        "0207131900,5.6 CNY/kg,2018-01-01,", "0207132100,60 + 1.15 CNY/kg,2018-01-01,",
        "0207132900,70 or higher 9.5 CNY/kg,2018-01-01,2025-12-31", "5201000090,125,2018-01-01,",
    ],
    "provisional": [
        "0207131100,,,1 CNY/kg,2019-05-31,2019-06-30", "0207131100,ex,带骨的鸡腿,2,2020-01-01,2024-12-31",
        "0207131900,ex,鸡胸,0.9 CNY/kg,2019-07-01,",
        "0207131900,,,7,2022-01-01,2022-06-30", "1005900001,,,0.5,2021-01-01,2021-12-31",
        "3102100010,,,1,2022-01-01,2024-12-31", "2204210000,,,none,2024-01-01,",
    ],
    # an origin in no class, which has a preference all the same
    "agreement_members": ["CL,GL,2018-01-01,"],
    "agreement_rates": [
        "CL,0207240000,5,2018-01-01,",
        "CL,02071311,0.9 CNY/kg,2019-01-01,2025-12-31", "CL,02071319,12 staged 11 from 2017,2019-01-01,",
        "KR,02071321,2.6 + 0.3 CNY/kg,2019-01-01,", "APTA,02071321,18 or lower 1.1 CNY/kg,2019-01-01,",
        "LDC_98,0207,none,2018-01-01,", "ChAFTA,02071311,20 staged 20 from 2021,2019-01-01,",
        "ChAFTA,02071319,7.7,2018-01-01,2018-12-31",
    ],
    "agreement_suspensions": ["ChAFTA,020713,TEST-TRIGGER,2022-08-17,2022-12-31"],
    "consumption_tax": [
        "0207131100,20 + 1 CNY/kg,30 CNY/kg,5,2021-01-01,", "0207131900,4,,,2020-06-01,",
        "0207132100,36 + 0.3 CNY/kg,1000/988 USD/kg,0.2 CNY/kg,2018-01-01,", "0207260000,10,2 EUR/kg,1,2018-01-01,",
    ],
    "measures": [
        "T-DUMPING,anti_dumping,试,Test,Test 1,TH,2019-03-01,2027-02-28",
        "T-SUBSIDY,countervailing,试,Test,Test 2,TH,2020-01-01,",
        "T-HOURS,retaliatory,试,Test,Test 3,CA,2019-01-01,", "T-ALL,safeguard,试,Test,Test 4,*,2021-06-01,2021-12-31",
        "T-QUOTA,safeguard,试,Test,Test 5,*,2023-01-01,2025-12-31",
    ],
    "measure_rates": [
        "T-DUMPING,,0207,40,,,2019-03-01,2027-02-28", "T-DUMPING,Siam,0207,7.5,,,2019-03-01,2023-12-31",
        "T-DUMPING,Siam,0207,12.25,,,2024-01-01,2027-02-28", "T-DUMPING,Ayutthaya,02071311,0,,,2021-01-01,2027-02-28",
        "T-SUBSIDY,,020713,2.2 CNY/kg,,,2020-01-01,2024-06-30", "T-SUBSIDY,,020713,3 + 0.4 CNY/kg,,,2024-07-01,",
        "T-SUBSIDY,Siam,020713,1.05 CNY/kg,,,2020-01-01,", "T-HOURS,,0207,10,,12:01,2019-01-01,2021-05-12",
        "T-HOURS,,0207,25,12:01,,2021-05-12,2024-08-31", "T-HOURS,,02071329,5,12:00,13:01,2024-09-01,2024-09-01",
        "T-HOURS,,02071319,1.5,,13:00,2024-09-01,2025-03-03", "T-ALL,,020713,15,,,2021-06-01,2021-12-31",
        "T-QUOTA,,020713,33.3,,,2023-01-01,2025-12-31",
    ],
    "measure_suspensions": ["T-SUBSIDY,02071321,T-PAUSE,2022-03-01,2022-05-31"],
    "measure_exclusions": ["T-QUOTA,LA,2023-01-01,2025-12-31", "T-QUOTA,KH,2024-01-01,2025-12-31"],
    "exclusions": [
        "EX-1,T-HOURS,02071319,2021-06-01,2021-06-30", "EX-1,US-2018,0207,2020-03-02,2025-12-31",
        "EX-2,T-DUMPING,02071311,2022-01-01,2022-12-31", "EX-3,US-2025-2,0207,2025-03-10,2025-11-10",
    ],
    "quotas": [
        "T-QUOTA-TH,T-QUOTA,TH,1000,2023-01-01,2023-12-31", "T-QUOTA-TH-24,T-QUOTA,TH,1000,2024-01-01,2025-12-31",
        "T-QUOTA-BR,T-QUOTA,BR,500,2023-01-01,2025-12-31", "T-QUOTA-REST,T-QUOTA,*,800,2023-01-01,2024-12-31",
    ],
    "quota_events": [
        "T-QUOTA-TH,surcharge_starts,,2023-04-03,2023-12-31", "T-QUOTA-BR,surcharge_starts,,2024-02-29,2025-12-31",
        "T-QUOTA-REST,surcharge_starts,,2023-11-11,2024-12-31", "T-QUOTA-TH-24,state,99.9,2024-05-01,2024-05-31",
    ],
}  # fmt: skip
FAVOURED = (
    "0207131100", "0207131900", "0207132100", "0207132900", "2204210000", "5101110090", "1005900001", "3102100010",
    "0207260000", "5201000090", "5201000080", "2203000000", "8703235110", "0202300090", "0303891000",
)  # fmt: skip


def write(data: Path, folder: Path) -> Path:
    """The law of `data` with the rows above, in a new folder; works of art have no VAT in it."""
    shutil.copytree(data, folder)
    classes = folder / "vat_classes.csv"
    kept = [row for row in classes.read_text("utf-8").splitlines(keepends=True) if not row.startswith("97")]
    classes.write_text("".join(kept), "utf-8")
    for table, rows in ROWS.items():
        path = folder / f"{table}.csv"
        text = path.read_text("utf-8")
        assert text.startswith(HEADINGS[table] + ",source,standing\n"), table
        path.write_text(text + "".join(f"{row},recalled,assumed\n" for row in rows), "utf-8")
    return folder


@cache
def made() -> Path:
    """The law with the rows above, written once per process."""
    kept = TemporaryDirectory(prefix="law-")
    atexit.register(kept.cleanup)
    return write(DATA, Path(kept.name) / "data")


@cache
def law() -> Tariff:
    return load_tariff(made())
