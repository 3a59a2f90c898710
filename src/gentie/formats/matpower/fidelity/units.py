"""What the fidelity report says of generating units and DC lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gentie.engines.grid.network import BusKind, Network
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.sentences import told_rows, unit_namer
from gentie.quantities.findings import Finding

TOLERANCE_MW = 1e-6


def status_findings(network: Network) -> Iterator[Finding | None]:
    """What is said of units that are off, isolated, or at a load bus."""
    name = unit_namer(network)
    units = network.generators
    is_live = network.is_generator_live
    yield told_rows(
        "case.unit.out_of_service",
        "Units out of service",
        ~units.in_service,
        name,
        "They give nothing.",
    )
    yield told_rows(
        "case.unit.isolated",
        "Units in service at a bus that is not studied",
        units.in_service & ~is_live,
        name,
        f"Their {units.p_mw[units.in_service & ~is_live].sum():,.1f} MW are left out.",
    )
    yield told_rows(
        "case.unit.at_load_bus",
        "Units in service at a load bus (type 1)",
        is_live & (network.buses.kind[units.bus] == BusKind.LOAD),
        name,
        "They give their stored MW and Mvar and hold no voltage.",
    )


def limit_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of outputs, limits and set-points."""
    name = unit_namer(network)
    units = network.generators
    live = network.is_generator_live
    outside = (units.p_mw > units.p_max_mw + TOLERANCE_MW) | (
        units.p_mw < units.p_min_mw - TOLERANCE_MW
    )
    yield told_rows(
        "case.unit.outside_limits",
        "Units in service whose output is outside their own limits (Pmin to Pmax)",
        live & outside,
        name,
        "The stored output is kept.",
    )
    outside = (units.q_mvar > units.q_max_mvar + TOLERANCE_MW) | (
        units.q_mvar < units.q_min_mvar - TOLERANCE_MW
    )
    yield told_rows(
        "case.unit.reactive_outside",
        "Units in service whose reactive output is outside their own limits (Qmin to Qmax)",
        live & outside,
        name,
        "The AC power flow computes it again.",
    )
    yield told_rows(
        "case.unit.limits_reversed",
        "Units with a lower limit above the upper one",
        (units.p_min_mw > units.p_max_mw) | (units.q_min_mvar > units.q_max_mvar),
        name,
        "Both are kept as given; ask the owner of the case.",
    )
    yield told_rows(
        "case.unit.reactive_unlimited",
        "Units without reactive limits (infinite)",
        np.isinf(units.q_max_mvar) | np.isinf(units.q_min_mvar),
        name,
        "They hold their voltage whatever it takes.",
    )
    yield told_rows(
        "case.unit.consumes",
        "Units in service that consume (output below 0)",
        live & (units.p_mw < 0),
        name,
        "They stay as stored: pumps, storage that charges, or loads that can be dispatched.",
    )
    yield told_rows(
        "case.unit.setpoint_missing",
        "Units without a voltage set-point (Vg is 0 or below)",
        case.gen.values[:, 5] <= 0,
        name,
        "They hold the stored voltage of their bus.",
    )
    lowest = np.full(len(network.buses), np.inf)
    highest = np.full(len(network.buses), -np.inf)
    np.minimum.at(lowest, units.bus[live], units.voltage_setpoint_pu[live])
    np.maximum.at(highest, units.bus[live], units.voltage_setpoint_pu[live])
    disagree = highest[units.bus] > lowest[units.bus]
    yield told_rows(
        "case.unit.setpoints_disagree",
        "Units in service whose bus has units with another voltage set-point",
        live & disagree,
        name,
        "All set-points are kept; the power flow holds that of the first unit in service of a bus.",
    )


DROPPED_COLUMNS = (
    ("capability_curve", "a capability curve (Pc1 to Qc2max)", slice(10, 16)),
    ("ramps", "ramp rates", slice(16, 20)),
    ("participation", "a participation factor (apf)", slice(20, 21)),
    ("results", "stored multipliers", slice(21, None)),
)


def column_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of columns that no study uses."""
    name = unit_namer(network)
    raw = case.gen.values
    for word, what, places in DROPPED_COLUMNS:
        yield told_rows(
            f"case.unit.{word}",
            f"Units with {what}",
            (raw[:, places] != 0).any(axis=1),
            name,
            "These columns are dropped.",
        )
    yield told_rows(
        "case.unit.machine_base",
        "Units with a power base of their own (mBase)",
        (raw[:, 6] != 0) & (raw[:, 6] != case.base_mva),
        name,
        "Only a short-circuit study uses it: all figures are in MW and Mvar.",
    )


def dc_line_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """What is said of DC lines."""
    lines, numbers = network.dc_lines, network.buses.number

    def name(row: int) -> str:
        return f"DC line {numbers[lines.from_bus[row]]} to {numbers[lines.to_bus[row]]}"

    raw = case.dcline.values
    is_on = raw[:, 2] > 0
    yield told_rows(
        "case.dcline.fixed",
        "DC lines in service",
        lines.in_service,
        name,
        f"They are fixed injections at their two ends, {lines.p_from_mw[lines.in_service].sum():,.1f}"
        " MW in all; their limits, losses and voltage control are dropped.",
    )
    yield told_rows(
        "case.dcline.out_of_service", "DC lines out of service", ~is_on, name, "They carry nothing."
    )
    yield told_rows(
        "case.dcline.isolated",
        "DC lines in service with an end that is not studied",
        is_on & ~lines.in_service,
        name,
        "They are taken out of service.",
    )


def unit_findings(case: MatpowerCase, network: Network) -> Iterator[Finding | None]:
    """All that is said of units and DC lines."""
    yield from status_findings(network)
    yield from limit_findings(case, network)
    yield from column_findings(case, network)
    yield from dc_line_findings(case, network)
