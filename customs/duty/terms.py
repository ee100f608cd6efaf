"""What a price contains and what is added to it or taken out of it (Tariff Law art. 24-28; Incoterms 2020).

The dutiable value is the price with carriage and insurance to the place of first entry, before unloading. A delivery
term says which of these costs the price contains; articles 25 and 26 name what else belongs to the value or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.errors import Problem, invalid
from customs.tariff import problems

EXPORT_COSTS, FREIGHT, INSURANCE = "export_costs", "freight", "insurance"
COSTS = (EXPORT_COSTS, FREIGHT, INSURANCE)
INLAND, TAXES = "inland_transport", "import_taxes"

ADDITIONS = {
    "commission": "art. 25(1)",
    "container": "art. 25(2)",
    "packing": "art. 25(3)",
    "assist": "art. 25(4)",
    "royalty": "art. 25(5)",
    "proceeds": "art. 25(6)",
}
NOT_ADDED = {"buying_commission": "the buyer's own purchasing commission is not added (Tariff Law art. 25(1))"}
DEDUCTIONS = {
    "construction": "art. 26(1)",
    "installation": "art. 26(1)",
    "assembly": "art. 26(1)",
    "repair": "art. 26(1)",
    "technical_service": "art. 26(1)",
    "training": "art. 26(1)",  # how to run the goods: a technical service
    INLAND: "art. 26(2)",
    TAXES: "art. 26(3)",
}
NOT_DEDUCTED = {"warranty": "the cost of a warranty stays in the value (Tariff Law art. 26(1))"}
METHODS = {
    "transaction": "art. 24",
    "identical": "art. 27(1)",
    "similar": "art. 27(2)",
    "deductive": "art. 27(3) and 28",
    "computed": "art. 27(4)",
    "reasonable": "art. 27(5)",
}
TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class Term:
    """A delivery term: costs its price contains, costs without which no value can be made, deductions it allows.

    Insurance is never needed: what cannot be determined is a share of goods and freight. FCA and FAS leave open who
    pays for loading, so export costs may be given there and need not be.
    """

    contains: frozenset[str]
    needs: tuple[str, ...] = ()
    deducts: frozenset[str] = frozenset()


def _term(contains: Iterable[str], needs: tuple[str, ...] = (), deducts: Iterable[str] = ()) -> Term:
    return Term(frozenset(contains), needs, frozenset(deducts))


INCOTERMS = {
    "EXW": _term((), (EXPORT_COSTS, FREIGHT)),
    "FCA": _term((), (FREIGHT,)),
    "FAS": _term((), (FREIGHT,)),
    "FOB": _term((EXPORT_COSTS,), (FREIGHT,)),
    "CFR": _term((EXPORT_COSTS, FREIGHT)),
    "CPT": _term((EXPORT_COSTS, FREIGHT), (), (INLAND,)),  # the named place may lie inland
    "CIF": _term(COSTS),
    "CIP": _term(COSTS, (), (INLAND,)),
    "DAP": _term(COSTS, (), (INLAND,)),
    "DPU": _term(COSTS, (), (INLAND,)),
    "DDP": _term(COSTS, (), (INLAND, TAXES)),
}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount of a kind of ADDITIONS or DEDUCTIONS, in the line's currency."""

    kind: str
    amount: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class SharedCosts:
    """A line's part of costs given for the whole consignment; None: not given there."""

    currency: str
    freight: Decimal | None = None
    insurance: Decimal | None = None
    export_costs: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """All that makes up a value beside goods, freight and insurance of the line; a plain line has none."""

    incoterm: str | None = None
    export_costs: Decimal | None = None
    additions: tuple[Adjustment, ...] = ()
    deductions: tuple[Adjustment, ...] = ()
    method: str = TRANSACTION
    shared: SharedCosts | None = None

    @property
    def first_field(self) -> str | None:
        """The first field given that only a price of general trade has."""
        fields = {"incoterm": self.incoterm, EXPORT_COSTS: self.given(EXPORT_COSTS, self.export_costs),
                  "additions": self.additions, "deductions": self.deductions,
                  "valuation_method": self.method != TRANSACTION}  # fmt: skip
        return next((name for name, given in fields.items() if given), None)

    @property
    def insured(self) -> bool:
        """True when the price contains the insurance."""
        return self.incoterm is not None and INSURANCE in INCOTERMS[self.incoterm].contains

    def given(self, name: str, own: Decimal | None) -> Decimal | None:
        """A cost of the line, or its part of the consignment's."""
        return own if own is not None or self.shared is None else getattr(self.shared, name)

    def check(self, goods: Decimal, freight: Decimal | None, insurance: Decimal | None) -> None:
        """Raises Problem invalid_input or incoterm_cost naming the field of the line."""
        if self.method not in METHODS:
            raise invalid("valuation_method", f"one of {', '.join(METHODS)}")
        _check_kinds("additions", self.additions, ADDITIONS, NOT_ADDED)
        _check_kinds("deductions", self.deductions, DEDUCTIONS, NOT_DEDUCTED)
        if self.deductions and sum(item.amount for item in self.deductions) > goods:
            raise invalid("deductions", "are parts of the price and cannot be above it (Tariff Law art. 26)")
        if self.incoterm is not None:
            self._check_incoterm(self.incoterm, freight, insurance)

    def _check_incoterm(self, incoterm: str, freight: Decimal | None, insurance: Decimal | None) -> None:
        term = INCOTERMS.get(incoterm)
        if term is None:
            raise invalid("incoterm", f"one of {', '.join(INCOTERMS)}")
        for name, own in ((EXPORT_COSTS, self.export_costs), (FREIGHT, freight), (INSURANCE, insurance)):
            amount = self.given(name, own)
            if amount and name in term.contains:
                raise _misfit(name, f"is in the price under {incoterm} and cannot be added again")
            if amount is None and name in term.needs:
                raise _misfit(name, f"is needed under {incoterm}: the price does not contain it (Tariff Law art. 24)")
        for i, item in enumerate(self.deductions):
            if item.kind in (INLAND, TAXES) and item.kind not in term.deducts:
                raise _misfit(f"deductions.{i}.kind", f"{item.kind} is not in the price under {incoterm}")


def _check_kinds(field: str, items: tuple[Adjustment, ...], known: dict[str, str], refused: dict[str, str]) -> None:
    for i, item in enumerate(items):
        if item.kind not in known:
            raise invalid(f"{field}.{i}.kind", refused.get(item.kind, f"one of {', '.join(known)}"))
        if item.amount < 0:
            raise invalid(f"{field}.{i}.amount", "cannot be negative")


def _misfit(field: str, rule: str) -> Problem:
    return Problem(problems.INCOTERM_COST, f"{field}: {rule}", errors={field: [rule]})
