"""What a person should know of a power flow: refusals, notes, remarks, and why it diverged."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gentie.engines.grid.network import BusKind, Integers, Network
from gentie.engines.grid.newton import NewtonState
from gentie.engines.grid.power_flow_grid import SolvableGrid
from gentie.engines.grid.power_flow_start import Start
from gentie.engines.grid.reactive_limits import (
    LIMIT_MARGIN_PU,
    RELEASES_PER_BUS,
    FlowSettings,
    LimitOutcome,
)
from gentie.quantities.findings import Finding

NAMED_IN_FINDINGS = 5


def refusals(network: Network) -> list[Finding]:
    """Why this network cannot be solved at all; all reasons at once."""
    buses, branches, units = network.buses, network.branches, network.generators
    findings = []
    live_bus, line = network.is_bus_live, np.flatnonzero(network.is_branch_live)
    unit = np.flatnonzero(network.is_generator_live)

    def refuse(code: str, sentence: str, count: int) -> None:
        findings.append(Finding(code, sentence, count))

    figures = {
        "bus": (live_bus, [buses.load_mw, buses.load_mvar, buses.shunt_mw, buses.shunt_mvar]),
        "branch": (
            network.is_branch_live,
            [
                branches.resistance_pu,
                branches.reactance_pu,
                branches.charging_pu,
                branches.tap_ratio,
                branches.shift_deg,
            ],
        ),
        "unit": (network.is_generator_live, [units.p_mw, units.q_mvar, units.voltage_setpoint_pu]),
        "DC line": (
            network.dc_lines.in_service,
            [
                network.dc_lines.p_from_mw,
                network.dc_lines.p_to_mw,
                network.dc_lines.q_from_mvar,
                network.dc_lines.q_to_mvar,
            ],
        ),
    }
    for kind, (rows, columns) in figures.items():
        bad = rows & ~np.logical_and.reduce([np.isfinite(column) for column in columns])
        if bad.any():
            first = int(np.flatnonzero(bad)[0]) + 1
            count = int(bad.sum())
            refuse(
                "flow.figure.not_finite",
                f"{count} {kind} rows have a figure that is not a finite number, the first in "
                f"row {first}: correct them.",
                count,
            )
    shorted = line[(branches.resistance_pu[line] == 0) & (branches.reactance_pu[line] == 0)]
    if len(shorted):
        named = ", ".join(network.element_ids[i] for i in shorted[:NAMED_IN_FINDINGS])
        refuse(
            "flow.branch.no_impedance",
            f"{len(shorted)} branches in service have no impedance ({named}): give them a small "
            "reactance or join their buses.",
            len(shorted),
        )
    untapped = line[branches.tap_ratio[line] <= 0]
    if len(untapped):
        named = ", ".join(network.element_ids[i] for i in untapped[:NAMED_IN_FINDINGS])
        refuse(
            "flow.branch.tap",
            f"{len(untapped)} branches have a tap ratio that is not positive ({named}): a line "
            "has 1.",
            len(untapped),
        )
    no_setpoint = unit[units.voltage_setpoint_pu[unit] <= 0]
    if len(no_setpoint):
        refuse(
            "flow.unit.setpoint",
            f"{len(no_setpoint)} units have a voltage set-point that is not positive, at buses "
            f"{_named(buses.number[units.bus[no_setpoint]])}: correct it.",
            len(no_setpoint),
        )
    is_slack = buses.kind == BusKind.SLACK
    if not is_slack.any():
        refuse("flow.slack.missing", "No bus is marked as slack: mark one with a unit.", 1)
        return findings
    n = len(buses)
    graph = coo_array(
        (np.ones(len(line)), (branches.from_bus[line], branches.to_bus[line])), shape=(n, n)
    )
    _, piece = connected_components(graph, directed=False)
    lost = np.flatnonzero(live_bus & ~np.isin(piece, piece[is_slack]))
    if len(lost):
        refuse(
            "flow.islanded",
            f"{len(lost)} buses have no path to a slack bus (bus {_named(buses.number[lost])}): "
            "mark them isolated or give their island a slack bus.",
            len(lost),
        )
    return findings


def notes_before(network: Network, grid: SolvableGrid, settings: FlowSettings) -> list[Finding]:
    """What was taken otherwise than the case says, known before solving."""
    buses, units = network.buses, network.generators
    notes = []
    bare = np.setdiff1d(
        np.flatnonzero(buses.kind == BusKind.VOLTAGE_CONTROLLED),
        grid.bus[grid.is_controlled],
    )
    if len(bare):
        notes.append(
            Finding(
                "flow.bus.no_unit",
                f"{len(bare)} voltage-controlled buses have no unit in service and were solved "
                f"as load buses (bus {_named(buses.number[bare])}).",
                len(bare),
            )
        )
    unit = np.flatnonzero(network.is_generator_live)
    at = grid.position[units.bus[unit]]
    here = grid.is_controlled[at]
    differs = here & (np.abs(units.voltage_setpoint_pu[unit] - grid.setpoint_pu[at]) > 1e-9)
    if differs.any():
        where = np.unique(units.bus[unit[differs]])
        notes.append(
            Finding(
                "flow.setpoint.differs",
                f"Units of {len(where)} buses ask for different voltages; the first unit's was "
                f"taken (bus {_named(buses.number[where])}).",
                len(where),
            )
        )
    crossed = np.flatnonzero(grid.is_controlled & ~(grid.q_max_pu >= grid.q_min_pu))
    if settings.enforce_reactive_limits and len(crossed):
        where = np.sort(grid.bus[crossed])
        notes.append(
            Finding(
                "flow.limits.crossed",
                f"{len(where)} buses have a lower reactive limit above the upper one, or one "
                f"that is not a number; theirs were not enforced (bus "
                f"{_named(buses.number[where])}).",
                len(where),
            )
        )
    return notes


def remarks_after(network: Network, grid: SolvableGrid, outcome: LimitOutcome) -> list[Finding]:
    """What a solved flow shows that a person should know."""
    numbers, base = network.buses.number, network.base_mva
    remarks = []
    if len(outcome.stuck):
        where = np.sort(grid.bus[outcome.stuck])
        remarks.append(
            Finding(
                "flow.limits.chattering",
                f"{len(where)} buses went {RELEASES_PER_BUS} times between their set-point and a "
                f"reactive limit and were left at the limit (bus {_named(numbers[where])}).",
                len(where),
            )
        )
    generated = outcome.state.injection_pu.imag - grid.fixed_pu.imag
    for place in np.flatnonzero(grid.is_slack):
        q, high, low = generated[place], grid.q_max_pu[place], grid.q_min_pu[place]
        if q > high + LIMIT_MARGIN_PU or q < low - LIMIT_MARGIN_PU:
            remarks.append(
                Finding(
                    "flow.slack.reactive",
                    f"The slack bus {numbers[grid.bus[place]]} gives {q * base:.1f} Mvar, outside "
                    f"the {low * base:.1f} to {high * base:.1f} Mvar of its units.",
                )
            )
    return remarks


def divergence(
    network: Network,
    grid: SolvableGrid,
    outcome: LimitOutcome,
    starts: list[Start],
    iterations: int,
) -> Finding:
    """Why there is no solution, with the places to look at."""
    state, base = outcome.state, network.base_mva
    names = {Start.STORED: "the stored state", Start.DIRECT_CURRENT: "a DC start"}
    tried = " or ".join(names[start] for start in starts)
    if state.converged:
        return Finding(
            "flow.limits.unsettled",
            f"Reactive limits did not settle in {outcome.rounds} rounds from {tried}: try "
            "without reactive limits, or look at the units whose limits are narrow.",
        )
    named = ", ".join(
        f"bus {network.buses.number[row]} by {size * base:.3g} MVA"
        for row, size in worst_mismatches(grid, state)
    )
    lowest = int(np.argmin(state.voltage_pu))
    return Finding(
        "flow.diverged",
        f"No solution from {tried} after {iterations} steps; power is missed at {named}; "
        f"the lowest voltage was {state.voltage_pu[lowest]:.3f} pu at bus "
        f"{network.buses.number[grid.bus[lowest]]}. Try less load or more generation there, "
        "reactive support, or the DC flow.",
    )


def worst_mismatches(grid: SolvableGrid, state: NewtonState) -> list[tuple[int, float]]:
    """Bus rows and mismatches (pu), the largest first."""
    size = np.maximum(np.abs(state.mismatch[0::2]), np.abs(state.mismatch[1::2]))
    largest = np.argsort(-size, kind="stable")[:NAMED_IN_FINDINGS]
    return [(int(grid.bus[i]), float(size[i])) for i in largest]


def _named(numbers: Integers) -> str:
    """The first few bus numbers, and how many more there are."""
    text = ", ".join(str(int(number)) for number in numbers[:NAMED_IN_FINDINGS])
    more = len(numbers) - NAMED_IN_FINDINGS
    return f"{text} and {more} more" if more > 0 else text
