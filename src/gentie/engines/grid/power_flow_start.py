"""Where Newton's method begins: the stored state, or a DC flow."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array, csc_array

from gentie.engines.grid.network import Booleans, Floats, Integers, Network
from gentie.engines.grid.newton import factorised
from gentie.engines.grid.power_flow_grid import SolvableGrid


class Start(StrEnum):
    """Where Newton's method begins."""

    STORED = "stored"
    """The voltages and angles stored in the case, set-points where a unit holds the voltage."""
    DIRECT_CURRENT = "dc"
    """Angles of a DC flow, voltages interpolated between the set-points."""


def beginning(network: Network, grid: SolvableGrid, start: Start) -> tuple[Floats, Floats] | None:
    """Angles (rad) and voltages (pu) to begin from, (k,) each; None where they cannot be had."""
    buses = network.buses
    if start is Start.STORED:
        angle = np.deg2rad(buses.angle_deg[grid.bus])
        voltage = np.where(grid.is_controlled, grid.setpoint_pu, buses.voltage_pu[grid.bus])
        usable = np.isfinite(angle).all() and np.isfinite(voltage).all() and voltage.min() > 0
        return (angle, voltage) if usable else None
    return _direct_current_start(network, grid)


def _direct_current_start(network: Network, grid: SolvableGrid) -> tuple[Floats, Floats] | None:
    """Angles of a DC flow and voltages interpolated between set-points.

    With series susceptance b, B is its Laplacian: B·angle = P + (what phase shifts drive) with
    the slack's angle held, and B·V = 0 with controlled voltages held.

    Neglects: losses, charging, shunts and taps in the voltages.
    """
    branches = network.branches
    line = np.flatnonzero(network.is_branch_live)
    a = grid.position[branches.from_bus[line]]
    z = grid.position[branches.to_bus[line]]
    r, x = branches.resistance_pu[line], branches.reactance_pu[line]
    b = x / (r * r + x * x) / branches.tap_ratio[line]
    k = len(grid.bus)
    driven = b * np.deg2rad(branches.shift_deg[line])
    power = grid.fixed_pu.real - network.buses.shunt_mw[grid.bus] / network.base_mva
    power = power + np.bincount(a, driven, k) - np.bincount(z, driven, k)
    stored_angle = np.deg2rad(network.buses.angle_deg[grid.bus])
    held_angle = np.where(np.isfinite(stored_angle), stored_angle, 0.0)
    angle = _held_laplacian_solution((a, z), b, grid.is_slack, held_angle, power)
    voltage = _held_laplacian_solution(
        (a, z), np.abs(b), grid.is_controlled, grid.setpoint_pu, np.zeros(k)
    )
    if angle is None or voltage is None or voltage.min() <= 0:
        return None
    return angle, voltage


def _held_laplacian_solution(
    ends: tuple[Integers, Integers], weight: Floats, is_held: Booleans, held: Floats, load: Floats
) -> Floats | None:
    """Solve for x: (Laplacian x)_i = load_i at free rows, x_i = held_i at held ones."""
    a, z = ends
    k = len(load)
    own = np.arange(k)
    row = np.concatenate([a, z, a, z])
    column = np.concatenate([a, z, z, a])
    value = np.concatenate([weight, weight, -weight, -weight])
    free = ~is_held[row]
    row = np.concatenate([row[free], own[is_held]])
    column = np.concatenate([column[free], own[is_held]])
    value = np.concatenate([value[free], np.ones(np.count_nonzero(is_held))])
    matrix = csc_array(coo_array((value, (row, column)), shape=(k, k)))
    try:
        x = factorised(matrix).solve(np.where(is_held, held, load))
    except RuntimeError:  # SuperLU's word for a singular matrix
        return None
    return np.asarray(x) if np.isfinite(x).all() else None
