"""Newton's method on polar voltages.

The unknowns of every live bus are kept as one pair (angle, relative voltage), also where one of
them is known, so that the Jacobian's pattern and its elimination order never change: a bus that
turns from holding its voltage into holding its reactive power swaps one row of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Booleans, Floats
from gentie.engines.grid.power_flow_grid import Complexes, SolvableGrid, sum_by

LARGEST_GROWTH = 0.4
"""Most that a voltage may change in one step, as a part of itself."""
MOST_HALVINGS = 10
"""Of a step that does not bring the state nearer."""


@dataclass(frozen=True, eq=False)
class NewtonProblem:
    """What Newton's method is to meet, (k,) each."""

    grid: SolvableGrid
    target_pu: Complexes
    """Injections wanted; without meaning where a quantity is free."""
    is_held: Booleans
    """Buses whose voltage stays and whose reactive power is free."""
    tolerance_pu: float


@dataclass(frozen=True, eq=False)
class NewtonState:
    """Voltages in elimination order, (k,), and how well they fit."""

    angle_rad: Floats
    voltage_pu: Floats
    injection_pu: Complexes
    mismatch: Floats
    """(2k,) active and reactive by turns; 0 where the quantity is free."""
    merit: float
    iterations: int
    converged: bool


def newton(
    problem: NewtonProblem, angle_rad: Floats, voltage_pu: Floats, max_iterations: int
) -> NewtonState:
    """Voltages at which the injections meet their targets.

    Newton's method on F(angle, V): with S_i = V_i Σ_k conj(Y_ik V_k), F is Re(S - target) at all
    but slack buses and Im(S - target) at buses that do not hold their voltage. A step is cut so
    that no angle moves by more than a radian and no voltage by more than 40%, then halved until
    the sum of squares of F falls.

    Args:
        problem: what is to be met, and where.
        angle_rad: (k,) start.
        voltage_pu: (k,) start; kept where held.
        max_iterations: most steps.

    Returns:
        The last state, converged or not.

    Neglects: see ``solve_power_flow``.
    Follows: Tinney and Hart 1967, relative voltage changes as unknowns.
    """
    state = _evaluated(problem, angle_rad, voltage_pu, 0)
    while not state.converged and state.iterations < max_iterations:
        try:
            step = -factorised(_jacobian(problem, state)).solve(state.mismatch)
        except RuntimeError:  # SuperLU's word for a singular matrix
            return state
        turn, growth = step[0::2], step[1::2]
        largest = max(float(np.abs(turn).max()), float(np.abs(growth).max()) / LARGEST_GROWTH)
        if not np.isfinite(largest):
            return state
        fraction = min(1.0, 1.0 / largest) if largest > 0 else 1.0
        for _ in range(MOST_HALVINGS):
            trial = _evaluated(
                problem,
                state.angle_rad + fraction * turn,
                state.voltage_pu * (1.0 + fraction * growth),
                state.iterations + 1,
            )
            if trial.converged or trial.merit < state.merit:
                break
            fraction /= 2
        else:
            return replace(state, iterations=state.iterations + 1)
        state = trial
    return state


def factorised(matrix: Any) -> Any:
    """LU factors of a matrix that is already in a good order and close to symmetric.

    Rows are exchanged only where a pivot all but vanishes: on 70,000 buses the usual threshold
    made four times the fill, and Newton's method forgives what accuracy it gains. Buses have few
    neighbours, so SuperLU's wide panels would only add zeros.
    """
    return splu(
        matrix,
        permc_spec="NATURAL",
        diag_pivot_thresh=1e-6,
        relax=1,
        panel_size=1,
        options={"SymmetricMode": True},
    )


def pair_powers(grid: SolvableGrid, angle_rad: Floats, voltage_pu: Floats) -> Complexes:
    """(z,) V_i conj(Y_ik V_k) for every entry (i, k) of the bus matrix, pu."""
    v = voltage_pu * np.exp(1j * angle_rad)
    return np.asarray(v[grid.row] * np.conj(grid.admittance * v[grid.column]))


def _evaluated(
    problem: NewtonProblem, angle_rad: Floats, voltage_pu: Floats, iterations: int
) -> NewtonState:
    """The state at these voltages."""
    grid, k = problem.grid, len(angle_rad)
    injection = sum_by(grid.row, pair_powers(grid, angle_rad, voltage_pu), k)
    difference = injection - problem.target_pu
    mismatch = np.empty(2 * k)
    mismatch[0::2] = np.where(grid.is_slack, 0.0, difference.real)
    mismatch[1::2] = np.where(problem.is_held, 0.0, difference.imag)
    return NewtonState(
        angle_rad=angle_rad,
        voltage_pu=voltage_pu,
        injection_pu=injection,
        mismatch=mismatch,
        merit=float(mismatch @ mismatch),
        iterations=iterations,
        converged=bool(np.abs(mismatch).max(initial=0.0) <= problem.tolerance_pu),
    )


def _jacobian(problem: NewtonProblem, state: NewtonState) -> Any:
    """Derivatives of the mismatches by angle and by relative voltage, in CSC.

    With T_ik = V_i conj(Y_ik V_k) and S_i its row sum: dS_i/dangle_k = -j T_ik and
    dS_i/dlnV_k = T_ik for k ≠ i; dS_i/dangle_i = j (S_i - T_ii), dS_i/dlnV_i = S_i + T_ii.
    Rows of quantities that are not free become rows of the identity.

    Returns:
        (2k, 2k); row 2i is P_i and 2i + 1 is Q_i, column 2k an angle and 2k + 1 a voltage.

    Neglects: nothing.
    Follows: any textbook, e.g. Bergen and Vittal, in complex form.
    """
    grid, is_held = problem.grid, problem.is_held
    by_voltage = pair_powers(grid, state.angle_rad, state.voltage_pu)
    by_angle = -1j * by_voltage
    own = grid.diagonal
    by_angle[own] = 1j * (state.injection_pu - by_voltage[own])
    by_voltage[own] += state.injection_pu

    p_angle, q_angle = by_angle.real.copy(), by_angle.imag.copy()
    p_voltage, q_voltage = by_voltage.real.copy(), by_voltage.imag.copy()
    p_known, q_known = grid.is_slack[grid.row], is_held[grid.row]
    p_angle[p_known] = p_voltage[p_known] = 0.0
    q_angle[q_known] = q_voltage[q_known] = 0.0
    p_angle[own[grid.is_slack]] = 1.0
    q_voltage[own[is_held]] = 1.0

    values = np.empty(4 * len(grid.row))
    for place, block in zip(grid.place, (p_angle, q_angle, p_voltage, q_voltage), strict=True):
        values[place] = block
    size = len(grid.indptr) - 1
    return csc_array((values, grid.indices, grid.indptr), shape=(size, size))
