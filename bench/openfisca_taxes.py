"""The three simplest steps (duty, consumption tax, VAT on given rates) in OpenFisca, an engine of rules as code: what a
general engine makes of the same lines. It computes in floating point and rounds nothing, so it only serves to measure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

PERIOD = "2026-01"
GIVEN = ("dutiable_value", "duty_rate", "consumption_rate", "vat_rate")
LINE = build_entity(key="line", plural="lines", label="A line of a declaration", is_person=True)


def _given(name: str) -> type[Variable]:
    """A variable whose column is given."""
    return type(name, (Variable,), {"value_type": float, "entity": LINE, "definition_period": DateUnit.MONTH})


class duty(Variable):
    value_type = float
    entity = LINE
    definition_period = DateUnit.MONTH

    def formula(line: Any, period: Any) -> Any:
        return line("dutiable_value", period) * line("duty_rate", period)


class consumption_tax(Variable):
    value_type = float
    entity = LINE
    definition_period = DateUnit.MONTH

    def formula(line: Any, period: Any) -> Any:
        rate = line("consumption_rate", period)
        return (line("dutiable_value", period) + line("duty", period)) / (1 - rate) * rate


class vat(Variable):
    value_type = float
    entity = LINE
    definition_period = DateUnit.MONTH

    def formula(line: Any, period: Any) -> Any:
        base = line("dutiable_value", period) + line("duty", period) + line("consumption_tax", period)
        return base * line("vat_rate", period)


def system() -> TaxBenefitSystem:
    taxes = TaxBenefitSystem([LINE])
    for variable in (*map(_given, GIVEN), duty, consumption_tax, vat):
        taxes.add_variable(variable)
    return taxes


def compute(taxes: TaxBenefitSystem, columns: dict[str, Any]) -> Any:
    """VAT of every line, after duty and consumption tax; `columns` holds value and rates."""
    simulation = SimulationBuilder().build_default_simulation(taxes, len(columns["dutiable_value"]))
    for name in GIVEN:
        simulation.set_input(name, PERIOD, columns[name].astype(np.float32))
    return simulation.calculate("vat", PERIOD)
