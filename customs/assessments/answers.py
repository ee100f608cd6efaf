"""What is answered: amounts in fen, the law applied and not applied, requirements, explanation; JSON as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from core.money import fen_text, plain
from customs.duty.requirements import weakest

AMOUNTS = ("dutiable_value", "duty", "additional_duty", "consumption_tax", "vat", "tax")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read out of a row when somebody asks: made once, on demand."""

    applied: list[dict[str, Any]]
    not_applied: list[dict[str, Any]]
    requirements: list[dict[str, Any]]
    explanation: list[dict[str, Any]]
    standing: str
    assumed: list[str]


class AssessedLine:
    """One assessed line; amounts in fen. The words around the amounts are read out when first asked for. `own` is what
    only lines of its route have; `hs` is blank where the route knows no codes."""

    def __init__(
        self,
        hs: str,
        origin: str | None,
        amounts: Sequence[int],
        rates: tuple[str | None, str],
        read: Callable[[], Facts],
        own: Mapping[str, Any] | None = None,
    ) -> None:
        self.hs, self.origin = hs, origin
        (self.dutiable_value_fen, self.duty_fen, self.additional_duty_fen, self.consumption_tax_fen,
         self.vat_fen) = amounts  # fmt: skip
        self.tax_fen = self.duty_fen + self.additional_duty_fen + self.consumption_tax_fen + self.vat_fen
        self.duty_rate_text, self.vat_rate_text = rates
        self._read = read
        self._own = own or {}

    @property
    def duty_rate(self) -> Decimal | None:
        """The duty rate in percent; None when it is not a share of the value."""
        text = self.duty_rate_text
        return Decimal(text) if text is not None and text.replace(".", "", 1).isdigit() else None

    @property
    def vat_rate(self) -> Decimal:
        """The VAT rate in percent, before any share of it is waived."""
        return Decimal(self.vat_rate_text)

    @cached_property
    def _facts(self) -> Facts:
        return self._read()

    @property
    def applied(self) -> list[dict[str, Any]]:
        return self._facts.applied

    @property
    def not_applied(self) -> list[dict[str, Any]]:
        return self._facts.not_applied

    @property
    def requirements(self) -> list[dict[str, Any]]:
        return self._facts.requirements

    @property
    def explanation(self) -> list[dict[str, Any]]:
        return self._facts.explanation

    @property
    def standing(self) -> str:
        return self._facts.standing

    @property
    def assumed(self) -> list[str]:
        """The names of the assumed rows the tax rests on; an operator may accept them."""
        return self._facts.assumed

    def amounts(self) -> tuple[int, ...]:
        """In the order of AMOUNTS."""
        return (self.dutiable_value_fen, self.duty_fen, self.additional_duty_fen, self.consumption_tax_fen,
                self.vat_fen, self.tax_fen)  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The line as published."""
        texts = dict(zip(AMOUNTS, map(fen_text, self.amounts()), strict=True))
        return {
            "hs": self.hs or None,
            "origin": self.origin,
            "dutiable_value": texts["dutiable_value"],
            "duty": texts["duty"],
            "duty_rate": self.duty_rate_text,
            "additional_duty": texts["additional_duty"],
            "consumption_tax": texts["consumption_tax"],
            "vat": texts["vat"],
            "vat_rate": plain(self.vat_rate),
            "tax": texts["tax"],
            "applied": self.applied,
            "not_applied": self.not_applied,
            "requirements": self.requirements,
            "standing": self.standing,
            "assumed": self.assumed,
            "explanation": self.explanation,
            **self._own,
        }


@dataclass(slots=True)
class Assessment:
    """The answer to one request; `totals` are the sums of the lines, in fen."""

    day: date
    edition: str
    route: str
    lines: list[AssessedLine]
    waivers: dict[str, int] = field(default_factory=dict)
    waiver_standing: str = "assumed"
    totals: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        columns = zip(*(line.amounts() for line in self.lines), strict=True)
        self.totals = dict(zip(AMOUNTS, map(sum, columns), strict=True))

    @property
    def waived(self) -> dict[str, int]:
        """Per tax, the fen of the whole declaration that are too little to be charged (rule A20); lines keep theirs."""
        kinds = {"duty": self.totals["duty"] + self.totals["additional_duty"],
                 "consumption_tax": self.totals["consumption_tax"], "vat": self.totals["vat"]}  # fmt: skip
        return {tax: fen for tax, fen in kinds.items() if 0 < fen <= self.waivers.get(tax, 0)}

    @property
    def standing(self) -> str:
        """The weakest standing of the lines."""
        return weakest(line.standing for line in self.lines)

    def to_dict(self) -> dict[str, Any]:
        """The answer as published; the same bytes for the same request and edition."""
        totals: dict[str, Any] = {name: fen_text(fen) for name, fen in self.totals.items()}
        if self.waived:
            totals["waived"] = {tax: fen_text(fen) for tax, fen in self.waived.items()}
        return {
            "day": self.day.isoformat(),
            "edition": self.edition,
            "route": self.route,
            "lines": [line.to_dict() for line in self.lines],
            "totals": totals,
            "standing": weakest(iter((self.standing, self.waiver_standing))) if self.waived else self.standing,
        }
