"""One outage by full Newton, for those that frozen factors do not bring home."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gentie.engines.grid.ac_contingencies_grid import FrozenGrid
from gentie.engines.grid.ac_contingencies_islands import NOWHERE
from gentie.engines.grid.ac_contingencies_outages import Outages
from gentie.engines.grid.network import Floats
from gentie.engines.grid.power_flow_grid import Complexes, SolvableGrid, branch_admittances
from gentie.engines.grid.reactive_limits import FlowSettings, solve_with_limits


@dataclass(frozen=True, eq=False)
class FullSolution:
    """An outage solved with factors of its own.

    Attributes:
        converged: there is a solution within the limits.
        iterations: Newton steps.
        angle_rad: (n,) by place.
        voltage_pu: (n,) by place; 0 where lost.
        sides_changed: buses that changed between set-point and limit.
    """

    converged: bool
    iterations: int
    angle_rad: Floats
    voltage_pu: Floats
    sides_changed: int


def solve_fully(
    frozen: FrozenGrid, outages: Outages, c: int, state: Floats, settings: FlowSettings
) -> FullSolution:
    """Solve outage ``c``, refactoring in every step.

    What the outage cuts off is held at its base state, where it touches nothing.

    Args:
        frozen: the base state.
        outages: all of them.
        c: which.
        state: (2, n) changes of angle and relative voltage to begin from.
        settings: tolerance, limits, how long to try.
    """
    grid = grid_without(frozen, outages, c)
    order = grid.position[frozen.bus]
    flow, bus = frozen.flow, grid.bus
    moved = frozen.place[bus]
    begin = (frozen.angle_rad + state[0])[moved], (frozen.voltage_pu * (1.0 + state[1]))[moved]
    outcome = solve_with_limits(grid, begin, settings)
    voltage = outcome.state.voltage_pu[order]
    lost = outages.lost(c)
    voltage[lost] = 0.0
    before = np.sign(flow.at_max_reactive.astype(int) - flow.at_min_reactive)[bus]
    switched = (outcome.side != before) & ~outcome.is_rigid & ~grid.is_slack
    return FullSolution(
        converged=outcome.settled,
        iterations=outcome.state.iterations,
        angle_rad=outcome.state.angle_rad[order],
        voltage_pu=voltage,
        sides_changed=int(switched.sum()),
    )


def grid_without(frozen: FrozenGrid, outages: Outages, c: int) -> SolvableGrid:
    """The network as Newton's method sees it, after outage ``c``."""
    grid, a = frozen.grid, outages.arrays
    position = grid.position[frozen.bus]  # of each place
    fixed = grid.fixed_pu.copy()
    fixed[position] += a.picked_up[c] * outages.headroom_pu
    point = position[a.point[c]]
    fixed[point] += a.point_p[c]
    is_controlled, is_slack = grid.is_controlled.copy(), grid.is_slack.copy()
    if not is_controlled[point]:
        fixed[point] += 1j * a.point_q[c]
    q_max, q_min, setpoint = grid.q_max_pu.copy(), grid.q_min_pu.copy(), grid.setpoint_pu.copy()
    unit = outages.unit[c]
    if unit != NOWHERE and not is_slack[point]:
        units, base = frozen.network.generators, frozen.network.base_mva
        live = frozen.network.is_generator_live
        if (live & (units.bus == units.bus[unit])).sum() == 1:
            is_controlled[point] = False
        q_max[point] -= units.q_max_mvar[unit] / base
        q_min[point] -= units.q_min_mvar[unit] / base
    lost = position[outages.lost(c)]
    is_slack[lost] = is_controlled[lost] = True
    setpoint[lost] = frozen.flow.voltage_pu[grid.bus[lost]]
    return replace(
        grid,
        fixed_pu=fixed,
        is_controlled=is_controlled,
        is_slack=is_slack,
        setpoint_pu=setpoint,
        q_max_pu=q_max,
        q_min_pu=q_min,
        admittance=_admittance_without(frozen, int(outages.branch[c])),
    )


def _admittance_without(frozen: FrozenGrid, branch: int) -> Complexes:
    grid = frozen.grid
    if branch == NOWHERE:
        return grid.admittance
    branches, n = frozen.network.branches, len(grid.bus)
    a, z = grid.position[[branches.from_bus[branch], branches.to_bus[branch]]]
    key = grid.column * n + grid.row
    entries = np.searchsorted(key, [a * n + a, z * n + a, a * n + z, z * n + z])
    admittance = grid.admittance.copy()
    for entry, y in zip(entries, branch_admittances(frozen.network), strict=True):
        admittance[entry] -= y[branch]
    return admittance
