"""The reactive limits of the units: which buses hold their voltage, and which their limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Integers
from gentie.engines.grid.newton import NewtonProblem, NewtonState, newton
from gentie.engines.grid.power_flow_grid import Sides, SolvableGrid

LIMIT_MARGIN_PU = 1e-6
"""How far past a reactive limit, or past a set-point, a bus must be before it changes sides."""
RELEASES_PER_BUS = 3
"""A bus that was given its set-point back this often stays at its limit."""


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """What the caller asked for."""

    enforce_reactive_limits: bool
    tolerance_pu: float
    max_iterations: int
    max_limit_rounds: int


@dataclass(frozen=True, eq=False)
class LimitOutcome:
    """Where Newton's method and the limits ended, and on which side every bus is."""

    state: NewtonState
    side: Sides
    """(k,) 1 at the upper reactive limit, -1 at the lower, 0 elsewhere."""
    is_rigid: Booleans
    """(k,) buses whose units have no reactive range: at both limits."""
    settled: bool
    rounds: int
    stuck: Integers
    """Buses (places) that were released too often to be released again."""


def solve_with_limits(
    grid: SolvableGrid, begin: tuple[Floats, Floats], settings: FlowSettings
) -> LimitOutcome:
    """Newton's method, again after every round of buses that change sides, until none does.

    A round that Newton's method cannot follow is taken back and only the worse half of it is
    tried, down to a single bus. Buses whose units have no range begin at their limit; where that
    start fails, they begin at their set-points and change sides like the others.
    """
    k = len(grid.bus)
    may_switch = grid.is_controlled & ~grid.is_slack & (grid.q_max_pu >= grid.q_min_pu)
    may_switch &= settings.enforce_reactive_limits
    is_rigid = may_switch & (grid.q_max_pu == grid.q_min_pu)
    releases = np.where(is_rigid, RELEASES_PER_BUS, 0)

    def solve(angle_rad: Floats, voltage_pu: Floats, sides: Sides) -> NewtonState:
        is_held = grid.is_controlled & (sides == 0)
        limit = np.where(sides > 0, grid.q_max_pu, grid.q_min_pu)
        problem = NewtonProblem(
            grid=grid,
            target_pu=grid.fixed_pu + 1j * np.where(sides != 0, limit, 0.0),
            is_held=is_held,
            tolerance_pu=settings.tolerance_pu,
        )
        begin_pu = np.where(is_held, grid.setpoint_pu, voltage_pu)
        return newton(problem, angle_rad, begin_pu, settings.max_iterations)

    side = is_rigid.astype(np.int8)
    state = solve(*begin, side)
    iterations, rounds, settled = state.iterations, 0, False
    if not state.converged and is_rigid.any():
        side = np.zeros(k, np.int8)
        state = solve(*begin, side)
        iterations += state.iterations
    while state.converged:
        wanted, urgency = _wanted_sides(grid, state, side, may_switch, releases)
        changes = np.flatnonzero(wanted != side)
        settled = not len(changes)
        if settled or rounds >= settings.max_limit_rounds:
            break
        changes = changes[np.argsort(-urgency[changes], kind="stable")]
        while True:
            trial = side.copy()
            trial[changes] = wanted[changes]
            followed = solve(state.angle_rad, state.voltage_pu, trial)
            iterations += followed.iterations
            rounds += 1
            if followed.converged or len(changes) == 1:
                break
            changes = changes[: len(changes) // 2]
        releases[changes] += trial[changes] == 0
        state, side = followed, trial
    is_stuck = (releases >= RELEASES_PER_BUS) & (side != 0) & ~is_rigid
    return LimitOutcome(
        state=replace(state, iterations=iterations),
        side=side,
        is_rigid=is_rigid,
        settled=settled,
        rounds=rounds,
        stuck=np.flatnonzero(is_stuck),
    )


def _wanted_sides(
    grid: SolvableGrid,
    state: NewtonState,
    side: Sides,
    may_switch: Booleans,
    releases: Integers,
) -> tuple[Sides, Floats]:
    """The side every bus should be on at this state, and how urgent a change is, (k,) each.

    Reactive distances are counted in pu of power, voltage distances in pu of voltage times the
    bus's own susceptance, which is about the power that would close them.
    """
    generated = state.injection_pu.imag - grid.fixed_pu.imag
    above = generated - grid.q_max_pu
    below = grid.q_min_pu - generated
    high = state.voltage_pu - grid.setpoint_pu
    is_rigid = grid.q_max_pu == grid.q_min_pu
    holds = may_switch & (side == 0)
    may_return = may_switch & (releases < RELEASES_PER_BUS)
    wanted = side.copy()
    wanted[holds & ((above > LIMIT_MARGIN_PU) | is_rigid)] = 1
    wanted[holds & (below > LIMIT_MARGIN_PU)] = -1
    wanted[may_return & (side > 0) & (high > LIMIT_MARGIN_PU)] = 0
    wanted[may_return & (side < 0) & (high < -LIMIT_MARGIN_PU)] = 0
    stiffness = np.abs(grid.admittance[grid.diagonal])
    urgency = np.where(side == 0, np.maximum(above, below), np.abs(high) * stiffness)
    return wanted, urgency
