"""Each step explains itself: its formula can be computed, its exact value rounds to its amount, its law is dated."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core.errors import Problem
from core.money import half_up, parse_fen
from customs.assessments import Assessment, NetContent, assess
from customs.assessments.request import AssumedRate
from customs.duty.charges import Charge, exact_text
from tests.cases.law import general, line, retail, tariff

ROOT = Path(__file__).parents[3]
FOOD = ["0202300090", "0303892000", "0306149090", "0204430000", "8516310000"]
ORIGINS = ["AU", "BR", "US", "CA", "KR", "ET", "AD", "DE", None]
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def computed(formula: str) -> Fraction:
    """The amount in CNY that a formula in numbers comes to: a percentage is a hundredth, units say nothing."""
    text = formula.replace(" x ", " * ").replace(" %", "/100")
    text = re.sub(r"CNY/|[a-z][a-z0-9 ]*", "", text)
    return Fraction(eval(_NUMBER.sub(lambda number: f"Fraction('{number[0]}')", text), {"Fraction": Fraction}))


def with_quantities() -> list[str]:
    """Lines in force today with an amount per unit, or a consumption tax, of every form on file."""
    law, day, forms = tariff(), date(2026, 7, 1), {}
    for number, row in enumerate(law.rows):
        if row["last_day"] >= day.toordinal():
            found = [law.entry(name, number, day) for name in ("mfn", "provisional", "consumption_tax")]
            texts = [entry.rate.text for entry in found if entry is not None]
            if "CNY/" in "".join(texts) or found[2] is not None:
                forms.setdefault(tuple(re.sub("[0-9.]+", "n", text) for text in texts), row["hs"])
    return sorted(forms.values())


def random_answers(count: int) -> Iterator[Assessment]:
    """Lines of general trade, of retail inside the limits, and of single retail items that pay in full."""
    chance = random.Random(20241201)
    codes = FOOD + with_quantities()
    retailed = [code for code in codes if tariff().positive_list(code[:8], date(2026, 7, 1)) is not None]
    made = 0
    while made < count:
        route = chance.choice([general, retail])
        hs = chance.choice(codes if route is general else retailed)
        day = date(2018, 12, 1).toordinal() + chance.randrange(3000)
        single = route is retail and chance.random() < 0.5
        fen = chance.randrange(500_001, 2_500_000) if single else chance.randrange(1, 480_000)
        sold = (
            {"quantity": Decimal(1), "unit": "item"}
            if single
            else {"quantity": Decimal(chance.randrange(1, 10**6)) / 7}
        )
        if "quantity" in sold:
            sold["quantity"] = round(sold["quantity"], 5)
        amount = Decimal(chance.randrange(1, 10**8)) / 10**5
        asked = line(hs, chance.choice(ORIGINS), str(Decimal(fen) / 100), unit1_quantity=amount, unit2_quantity=amount,
                     net_content=NetContent(Decimal(chance.randrange(1, 900)), chance.choice(["ml", "g", "piece"])),
                     origin_proof=chance.random() < 0.5, **sold)  # fmt: skip
        try:
            yield assess(tariff(), route(date.fromordinal(day).isoformat(), asked))
            made += 1
        except Problem as refused:
            if refused.status != 422:
                raise


def test_every_step_can_be_computed_from_its_formula_and_rounds_to_its_amount() -> None:
    kinds, forms, unending = set(), set(), 0
    for answer in random_answers(700):
        for step in answer.lines[0].explanation:
            value = computed(step["formula"])
            fen = value * 100
            assert half_up(fen.numerator, fen.denominator) == parse_fen(step["amount"]), step
            if "exact" not in step:
                assert fen.denominator == 1, step
                continue
            shown = Fraction(step["exact"].rstrip("…"))
            assert half_up((shown * 100).numerator, (shown * 100).denominator) == parse_fen(step["amount"]), step
            if step["exact"].endswith("…"):
                unending += 1
                assert 0 < value - shown < Fraction(1, 10**12)
            else:
                assert shown == value
            kinds.add((answer.route, step["step"]))
            forms.add(step["words"])
    both = ("general_trade", "cross_border_retail")
    assert {(route, step) for route in both for step in ("duty", "consumption_tax", "vat")} <= kinds
    assert ("general_trade", "additional_duty") in kinds
    assert unending > 50
    assert sum("amount per unit" in words for words in forms) >= 5
    assert any("share levied" in words for words in forms)
    assert any("unrounded" in words for words in forms)


def test_what_applies_was_in_force_on_the_day() -> None:
    for answer in random_answers(300):
        day = answer.day.isoformat()
        for item in answer.lines[0].applied:
            assert item["first_day"] <= day, item
            assert item["last_day"] is None or day <= item["last_day"], item
        for step in answer.lines[0].explanation:
            for found in step["parameters"]:
                assert found["first_day"] <= day <= (found["last_day"] or day), found
                assert found["source"] in tariff().sources
                assert found["standing"] in ("official", "secondary", "assumed")


def steps_of(request: Any) -> dict[str, Any]:
    [assessed] = assess(tariff(), request).lines
    return {step["step"]: step for step in assessed.explanation}


def test_a_rate_is_shown_with_its_source_first_day_and_standing() -> None:
    steps = steps_of(general("2019-06-01", line("0202300090", "BR", "1000.00")))
    assert steps["duty"]["parameters"] == [
        {"name": "mfn", "value": "12", "source": "piie-2019", "first_day": "2018-01-01", "last_day": None,
         "standing": "secondary"}
    ]  # fmt: skip
    assert [found["name"] for found in steps["vat"]["parameters"]] == ["vat", "vat_class"]
    assert steps["duty"]["words"] == "dutiable value x duty rate"
    assert steps["duty"]["formula"] == "1000.00 x 12 %"


def test_a_reading_that_has_aged_is_assumed_from_the_day_after_it() -> None:
    steps = steps_of(general("2026-06-01", line("0202300090", "BR", "1000.00")))
    assert steps["duty"]["parameters"][0]["standing"] == "assumed"


def test_a_surcharge_begins_with_its_event() -> None:
    steps = steps_of(general("2026-06-20", line("0202300090", "AU", "1000.00")))
    rate, start = steps["additional_duty"]["parameters"]
    assert (rate["name"], rate["value"], rate["first_day"]) == ("safeguard", "55", "2026-06-20")
    assert (start["name"], start["value"], start["first_day"]) == (
        "surcharge_start", "BEEF-SG-AU-2026", "2026-06-20")  # fmt: skip


def test_a_staged_rate_is_dated_by_its_step() -> None:
    """12 % cut in ten steps from December 2015: the fifth of 2019 is 6 %, and the row is read to the end of 2020."""
    request = general("2019-06-01", line("0202300090", "AU", "100.00", origin_proof=True))
    [found] = steps_of(request)["duty"]["parameters"]
    assert (found["name"], found["value"]) == ("agreement", "6")
    assert (found["first_day"], found["last_day"]) == ("2019-01-01", "2019-12-31")


def test_retail_names_the_limit_and_the_share() -> None:
    steps = steps_of(retail("2026-06-01", line("03061490", "NO", "100.00")))
    limit, share = steps["duty"]["parameters"][0], steps["vat"]["parameters"][-1]
    assert (limit["name"], limit["value"], limit["first_day"]) == ("single_limit", "5000.00 CNY", "2019-01-01")
    assert (share["name"], share["value"], share["first_day"]) == ("tax_share", "70", "2019-01-01")
    assert steps["vat"]["formula"] == "100.00 x 9 % x 70 %"


def test_a_rate_put_in_by_hand_has_no_days() -> None:
    request = general("2026-06-01", line("03061790", "EC", "1000.00"), assume_rates=[AssumedRate("mfn", "0306", "1.5")])
    [found] = steps_of(request)["duty"]["parameters"]
    assert (found["source"], found["first_day"], found["standing"]) == ("request", None, "assumed")


def test_another_edition_keeps_its_own_words() -> None:
    """What is kept of a reading belongs to one edition: the same question with an assumed quota is answered anew."""
    request = general("2026-03-01", line("0202300090", "BR", "1000.00"))
    assumed = general(
        "2026-03-01", line("0202300090", "BR", "1000.00"), assume_quota={"BEEF-SG-BR-2026": date(2026, 2, 1)}
    )
    before = assess(tariff(), request).to_dict()
    assert "additional_duty" in [step["step"] for step in assess(tariff(), assumed).lines[0].explanation]
    assert assess(tariff(), request).to_dict() == before


@pytest.mark.parametrize(
    ("fraction", "text"),
    [((100, 3), "0.333333333333…"), ((200, 3), "0.666666666666…"), ((1, 1), "0.01"), ((12345, 100), "1.2345"),
     ((0, 7), "0"), ((1, 2**20), "0.0000000095367431640625"), ((300, 1), "3")],
)  # fmt: skip
def test_an_exact_amount_is_shown_to_its_last_decimal(fraction: tuple[int, int], text: str) -> None:
    assert exact_text(fraction) == text


def test_a_tax_in_its_own_base_adds_up() -> None:
    """Consumption tax and what is left of the base are the whole: base + tax = (base + amount) / (1 - rate)."""
    charge = Charge(share=20_000, amount=9_120, unit="l", quantity=300_000)
    own, whole = Fraction(*charge.exact_inside((98_765, 1))), Fraction(*charge.whole((98_765, 1)))
    assert 98_765 + own == whole


def test_every_run_gives_the_same_bytes() -> None:
    program = (
        "import json\nfrom bench.duty import three_lines\nfrom customs.assessments import assess\n"
        "from customs.duty.wording import in_language\nfrom tests.cases.law import tariff\n"
        "answer = assess(tariff(), three_lines()).to_dict()\n"
        "print(json.dumps([answer, in_language(answer, 'zh')]))\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
                       capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert json.loads(runs[0])[0]["lines"]
