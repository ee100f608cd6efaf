"""One step of an explanation and the legal parameters it cites, as they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from core.money import fen_text
from customs.duty.charges import Exact, exact_text
from customs.duty.wording import Phrase, Told, say
from customs.tariff.reading import FOREVER, Row
from customs.tariff.tariff import STANDING_WORDS

Step = dict[str, Any]
Parameter = dict[str, Any]


def step(
    name: str,
    formula: Phrase,
    words: Told,
    inputs: dict[str, Phrase],
    fen: int,
    law: Told,
    exact: Exact | None = None,
    parameters: Sequence[Parameter] = (),
) -> Step:
    """One step. The formula and the inputs may be phrases; `exact` is the amount before rounding in fen, shown where
    rounding changed it."""
    phrases: dict[str, Phrase] = {"words": words.phrase, "law": law.phrase}
    made: Step = {"step": name, "formula": formula, "words": words.text, "inputs": inputs, "amount": fen_text(fen),
                  "law": law.text, "parameters": [*parameters], "phrases": phrases}  # fmt: skip
    if not isinstance(formula, str):
        made["formula"], phrases["formula"] = say(formula), formula
    spoken = {key: value for key, value in inputs.items() if not isinstance(value, str)}
    if spoken:
        made["inputs"], phrases["inputs"] = {key: say(value) for key, value in inputs.items()}, spoken
    if exact is not None and exact[0] % exact[1]:
        made["exact"] = exact_text(exact)
    return made


def parameter(name: str, value: Phrase, row: Row) -> Parameter:
    """A legal parameter with the row it stands in. A value that is a mere number is a percentage."""
    made: Parameter = {"name": name, "value": say(value), "source": row["source"] or "request", **period(row),
                       "standing": STANDING_WORDS[row["standing"]]}  # fmt: skip
    return made if isinstance(value, str) else {**made, "phrases": {"value": value}}


def period(row: Row) -> dict[str, str | None]:
    """First and last day of a row; no last day where it has an open end."""
    last = row["last_day"]
    return {"first_day": day_text(row["first_day"]), "last_day": None if last >= FOREVER else day_text(last)}


def day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
