"""AC power flow: Newton's method on polar voltages, with the reactive limits of the units.

Per unit on the network's base throughout; MW, Mvar and degrees only at the edges. The unknowns of
every live bus are kept as one pair (angle, relative voltage), also where one of them is known, so
that the Jacobian's pattern and its elimination order never change: a bus that turns from holding
its voltage into holding its reactive power swaps one row of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Booleans, BusKind, Floats, Integers, Network
from gentie.quantities.findings import Finding

Complexes = npt.NDArray[np.complex128]
Sides = npt.NDArray[np.int8]

LIMIT_MARGIN_PU = 1e-6
"""How far past a reactive limit, or past a set-point, a bus must be before it changes sides."""
RELEASES_PER_BUS = 3
"""A bus that was given its set-point back this often stays at its limit."""
LARGEST_GROWTH = 0.4
"""Most that a voltage may change in one step, as a part of itself."""
MOST_HALVINGS = 10
"""Of a step that does not bring the state nearer."""
NAMED_IN_FINDINGS = 5


class Start(StrEnum):
    """Where Newton's method begins."""

    STORED = "stored"
    """The voltages and angles stored in the case, set-points where a unit holds the voltage."""
    DIRECT_CURRENT = "dc"
    """Angles of a DC flow, voltages interpolated between the set-points."""


@dataclass(frozen=True, eq=False)
class PowerFlow:
    """A solved AC power flow, or the account of one that did not converge.

    Rows are those of the network's tables. Out-of-service branches and units carry zeros, isolated
    buses ``nan``. Where ``converged`` is false every array of results is ``nan``, so that nobody
    can mistake a last iterate for a solution; ``findings`` then say where it went wrong.

    Attributes:
        converged: every mismatch is within the tolerance and every enforced limit is kept.
        iterations: Newton steps taken, over all starts and rounds.
        limit_rounds: times that buses changed between holding voltage and reactive power.
        start: the start that led to this result (the last one tried, where none did).
        voltage_pu: (n,) magnitude.
        angle_deg: (n,) angle.
        p_from_mw: (m,) active power into the branch at its ``from`` end.
        q_from_mvar: (m,) reactive power into the branch at its ``from`` end.
        p_to_mw: (m,) active power into the branch at its ``to`` end.
        q_to_mvar: (m,) reactive power into the branch at its ``to`` end.
        unit_p_mw: (g,) active output; the first live unit of a slack bus takes what is missing.
        unit_q_mvar: (g,) reactive output.
        slack_p_mw: active output of all slack buses together.
        losses_mw: active power lost in the branches.
        mismatch_pu: largest mismatch left of active or reactive power, pu of the base.
        mismatch_bus: number of the bus where it is.
        at_max_reactive: (n,) buses held at the upper reactive limit of their units.
        at_min_reactive: (n,) buses held at the lower reactive limit of their units; a bus whose
            units have no range is at both.
        findings: what a reader of the result should know.
    """

    converged: bool
    iterations: int
    limit_rounds: int
    start: Start
    voltage_pu: Floats
    angle_deg: Floats
    p_from_mw: Floats
    q_from_mvar: Floats
    p_to_mw: Floats
    q_to_mvar: Floats
    unit_p_mw: Floats
    unit_q_mvar: Floats
    slack_p_mw: float
    losses_mw: float
    mismatch_pu: float
    mismatch_bus: int
    at_max_reactive: Booleans
    at_min_reactive: Booleans
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        """Make every array read-only."""
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


def solve_power_flow(
    network: Network,
    *,
    enforce_reactive_limits: bool = True,
    tolerance_pu: float = 1e-8,
    start: Start = Start.STORED,
    max_iterations: int = 30,
    max_limit_rounds: int = 60,
) -> PowerFlow:
    """AC power flow of the whole network, unit reactive limits kept.

    Rules, named because other programs choose otherwise:

    - The set-point of a bus is that of its first live unit. A voltage-controlled bus without a
      live unit is a load bus; units at a load bus keep their stored reactive output.
    - The reactive limits of a bus are the sums over its live units. A bus past a limit is held
      at it, and gets its set-point back when its voltage shows that it could hold it: above the
      set-point at the upper limit, below it at the lower. All such buses change together in one
      round; where the step is too large for Newton's method, only the worst of them do.
    - Units of one bus share its reactive power in proportion to their ranges.
    - The slack's limits are reported, never enforced.
    - DC lines inject their stored powers; positive ``q`` is given to the grid at both ends.

    Args:
        network: every live bus connected to a slack bus.
        enforce_reactive_limits: False lets every voltage-controlled bus hold its set-point.
        tolerance_pu: largest mismatch accepted.
        start: where to begin; from ``STORED`` a DC start is tried when the stored state fails.
        max_iterations: Newton steps per round of limits.
        max_limit_rounds: rounds before limits are called unsettled.

    Returns:
        The result; divergence and unusable input are results with ``converged`` false and a
        finding, not exceptions.

    Neglects: tap changers and phase shifters in action, switched shunts, area interchange,
        distributed slack, the dependence of reactive limits on active power and voltage,
        losses and controls of DC lines.
    Follows: Tinney and Hart, "Power Flow Solution by Newton's Method", IEEE Trans. PAS, 1967;
        bus-type switching as in any textbook.
    """
    refusals = _refusals(network)
    if refusals:
        return _unsolved(network, start, refusals)
    settings = _Settings(
        enforce_reactive_limits=enforce_reactive_limits,
        tolerance_pu=tolerance_pu,
        max_iterations=max_iterations,
        max_limit_rounds=max_limit_rounds,
    )
    grid = _grid(network)
    notes = _notes(network, grid, settings)
    starts = list(dict.fromkeys([start, Start.DIRECT_CURRENT]))
    iterations = rounds = 0
    best: _Outcome | None = None
    for attempt in starts:
        begin = _begin(network, grid, attempt)
        if begin is None:
            continue
        outcome = _solve_with_limits(grid, begin, settings)
        iterations += outcome.state.iterations
        rounds += outcome.rounds
        if outcome.settled:
            outcome = replace(outcome, state=replace(outcome.state, iterations=iterations))
            return _solved(network, grid, replace(outcome, rounds=rounds), attempt, notes)
        if best is None or outcome.state.merit < best.state.merit:
            best = outcome
    if best is None:
        singular = Finding(
            "flow.start.singular",
            "Neither the stored state nor a DC flow gives a place to start from: the stored "
            "voltages are not usable and the susceptances do not connect every bus to the slack.",
        )
        return _unsolved(network, starts[-1], [*notes, singular])
    findings = [*notes, _divergence(network, grid, best, starts, iterations)]
    worst = _worst_mismatches(grid, best.state)[0]
    return _unsolved(
        network,
        starts[-1],
        findings,
        iterations=iterations,
        rounds=rounds,
        mismatch_pu=worst[1],
        mismatch_bus=int(network.buses.number[worst[0]]),
    )


def loading_percent(network: Network, flow: PowerFlow) -> Floats:
    """Loading of every branch: the larger apparent power of its ends over its normal rating.

    Args:
        network: the network that was solved.
        flow: its power flow.

    Returns:
        (m,) percent of the normal rating, ``nan`` where a branch has no rating.

    Neglects: that current, not apparent power, heats a line: at 0.95 pu the same MVA is 5% more.
    """
    rating = network.branches.rating_normal_mva
    mva = np.maximum(
        np.hypot(flow.p_from_mw, flow.q_from_mvar), np.hypot(flow.p_to_mw, flow.q_to_mvar)
    )
    is_rated = rating > 0
    return np.where(is_rated, 100.0 * mva / np.where(is_rated, rating, 1.0), np.nan)


# The network as Newton's method sees it


@dataclass(frozen=True, eq=False)
class _Grid:
    """Live buses in elimination order, (k,) each, and the admittances between them, (z,) each."""

    bus: Integers
    """Row in the network's table."""
    position: Integers
    """(n,) place in the elimination order, -1 where isolated."""
    is_slack: Booleans
    is_controlled: Booleans
    """A live unit holds the voltage here (slack buses too)."""
    setpoint_pu: Floats
    q_max_pu: Floats
    q_min_pu: Floats
    fixed_pu: Complexes
    """Injection without the reactive power of controlled buses."""
    row: Integers
    column: Integers
    admittance: Complexes
    diagonal: Integers
    """Where (i, i) stands among the z entries."""
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    place: tuple[Integers, Integers, Integers, Integers]
    """(z,) where dP/dangle, dQ/dangle, dP/dvoltage, dQ/dvoltage go in the Jacobian."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the caller asked for."""

    enforce_reactive_limits: bool
    tolerance_pu: float
    max_iterations: int
    max_limit_rounds: int


@dataclass(frozen=True, eq=False)
class _Problem:
    """What Newton's method is to meet, (k,) each."""

    grid: _Grid
    target_pu: Complexes
    """Injections wanted; without meaning where a quantity is free."""
    is_held: Booleans
    """Buses whose voltage stays and whose reactive power is free."""
    tolerance_pu: float


@dataclass(frozen=True, eq=False)
class _State:
    """Voltages in elimination order, (k,), and how well they fit."""

    angle_rad: Floats
    voltage_pu: Floats
    injection_pu: Complexes
    mismatch: Floats
    """(2k,) active and reactive by turns; 0 where the quantity is free."""
    merit: float
    iterations: int
    converged: bool


@dataclass(frozen=True, eq=False)
class _Outcome:
    state: _State
    side: Sides
    """(k,) 1 at the upper reactive limit, -1 at the lower, 0 elsewhere."""
    is_rigid: Booleans
    """(k,) buses whose units have no reactive range: at both limits."""
    settled: bool
    rounds: int
    stuck: Integers
    """Buses (places) that were released too often to be released again."""


def _branch_admittances(network: Network) -> tuple[Complexes, Complexes, Complexes, Complexes]:
    """Two-port admittances of every branch, zero where it is not live.

    With series admittance y = 1/(r + jx), charging b and complex ratio t = tap·exp(j·shift) on the
    ``from`` side: I_from = (y + jb/2)/tap² V_from - y/conj(t) V_to and
    I_to = -y/t V_from + (y + jb/2) V_to.

    Returns:
        (m,) each: from-from, from-to, to-from, to-to; pu.

    Neglects: magnetising conductance, unequal charging at the two ends.
    Follows: the usual pi model, as in the MATPOWER manual's branch model.
    """
    branches = network.branches
    live = network.is_branch_live
    impedance = np.where(live, branches.resistance_pu + 1j * branches.reactance_pu, 1.0)
    series = np.where(live, 1.0 / impedance, 0.0)
    at_to = series + np.where(live, 0.5j * branches.charging_pu, 0.0)
    tap = np.where(live, branches.tap_ratio, 1.0)
    ratio = tap * np.exp(1j * np.deg2rad(branches.shift_deg))
    return at_to / tap**2, -series / np.conj(ratio), -series / ratio, at_to


def _grid(network: Network) -> _Grid:
    """The network's live buses in elimination order, with everything that stays fixed."""
    buses, units, dc, branches = (
        network.buses,
        network.generators,
        network.dc_lines,
        network.branches,
    )
    n, base = len(buses), network.base_mva
    live = network.is_bus_live
    unit = np.flatnonzero(network.is_generator_live)
    unit_bus = units.bus[unit]

    has_unit = np.zeros(n, np.bool_)
    has_unit[unit_bus] = True
    is_slack = buses.kind == BusKind.SLACK
    controlled = ((buses.kind == BusKind.VOLTAGE_CONTROLLED) & has_unit) | is_slack
    setpoint = buses.voltage_pu.copy()
    setpoint[unit_bus[::-1]] = units.voltage_setpoint_pu[unit[::-1]]  # the first unit stays

    injection: Complexes = np.where(live, -(buses.load_mw + 1j * buses.load_mvar), 0.0)
    injection = injection + _sum_by(
        unit_bus,
        units.p_mw[unit] + 1j * np.where(controlled[unit_bus], 0.0, units.q_mvar[unit]),
        n,
    )
    on = np.flatnonzero(dc.in_service)
    injection = injection + _sum_by(dc.from_bus[on], -dc.p_from_mw[on] + 1j * dc.q_from_mvar[on], n)
    injection = injection + _sum_by(dc.to_bus[on], dc.p_to_mw[on] + 1j * dc.q_to_mvar[on], n)

    bus = np.flatnonzero(live)
    compact = np.full(n, -1, np.int64)
    compact[bus] = np.arange(len(bus))
    k = len(bus)
    line = np.flatnonzero(network.is_branch_live)
    a, z = compact[branches.from_bus[line]], compact[branches.to_bus[line]]
    order = _elimination_order(a, z, k)
    bus = bus[order]
    position = np.full(n, -1, np.int64)
    position[bus] = np.arange(k)

    a, z = position[branches.from_bus[line]], position[branches.to_bus[line]]
    own = np.arange(k)
    shunt = (buses.shunt_mw + 1j * buses.shunt_mvar)[bus] / base
    y_aa, y_az, y_za, y_zz = (y[line] for y in _branch_admittances(network))
    key = np.concatenate([own * k + own, a * k + a, z * k + a, a * k + z, z * k + z])
    values = np.concatenate([shunt, y_aa, y_az, y_za, y_zz])
    entries, inverse = np.unique(key, return_inverse=True)
    column, row = np.divmod(entries, k)
    admittance = _sum_by(inverse, values, len(entries))
    indptr, indices, place = _jacobian_pattern(row, column, k)
    return _Grid(
        bus=bus,
        position=position,
        is_slack=is_slack[bus],
        is_controlled=controlled[bus],
        setpoint_pu=setpoint[bus],
        q_max_pu=(np.bincount(unit_bus, units.q_max_mvar[unit], n) / base)[bus],
        q_min_pu=(np.bincount(unit_bus, units.q_min_mvar[unit], n) / base)[bus],
        fixed_pu=injection[bus] / base,
        row=row,
        column=column,
        admittance=admittance,
        diagonal=np.flatnonzero(row == column),
        indptr=indptr,
        indices=indices,
        place=place,
    )


def _sum_by(index: Integers, values: Complexes, size: int) -> Complexes:
    """Sums of complex values with the same index, (size,)."""
    real = np.bincount(index, values.real, size)
    return np.asarray(real + 1j * np.bincount(index, values.imag, size))


def _elimination_order(from_bus: Integers, to_bus: Integers, k: int) -> Integers:
    """Buses in the order in which eliminating them fills in little.

    SuperLU's minimum degree on the bus graph is borrowed: a matrix of that pattern is factored
    once, at a quarter of the Jacobian's size, and its order kept for every Jacobian to come.
    """
    own = np.arange(k)
    row = np.concatenate([own, from_bus, to_bus])
    column = np.concatenate([own, to_bus, from_bus])
    degree = np.bincount(np.concatenate([from_bus, to_bus]), minlength=k)
    value = np.concatenate([degree + 1.0, np.full(2 * len(from_bus), -1.0)])
    laplacian = csc_array(coo_array((value, (row, column)), shape=(k, k)))
    factor = splu(
        laplacian,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(np.argsort(factor.perm_c))


def _jacobian_pattern(
    row: Integers, column: Integers, k: int
) -> tuple[
    npt.NDArray[np.int32], npt.NDArray[np.int32], tuple[Integers, Integers, Integers, Integers]
]:
    """Pattern in CSC of a matrix with one 2 x 2 block for every entry of the bus matrix."""
    degree = np.bincount(column, minlength=k)
    first = np.concatenate([[0], np.cumsum(degree)])[:-1]
    within = np.arange(len(row)) - first[column]
    top_left = 4 * first[column] + 2 * within
    top_right = top_left + 2 * degree[column]
    indptr = np.concatenate([[0], np.cumsum(np.repeat(2 * degree, 2))])
    indices = np.empty(4 * len(row), np.int32)
    indices[top_left] = indices[top_right] = 2 * row
    indices[top_left + 1] = indices[top_right + 1] = 2 * row + 1
    return indptr.astype(np.int32), indices, (top_left, top_left + 1, top_right, top_right + 1)


# Starts


def _begin(network: Network, grid: _Grid, start: Start) -> tuple[Floats, Floats] | None:
    """Angles (rad) and voltages (pu) to begin from, (k,) each; None where they cannot be had."""
    buses = network.buses
    if start is Start.STORED:
        angle = np.deg2rad(buses.angle_deg[grid.bus])
        voltage = np.where(grid.is_controlled, grid.setpoint_pu, buses.voltage_pu[grid.bus])
        usable = np.isfinite(angle).all() and np.isfinite(voltage).all() and voltage.min() > 0
        return (angle, voltage) if usable else None
    return _direct_current_start(network, grid)


def _direct_current_start(network: Network, grid: _Grid) -> tuple[Floats, Floats] | None:
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
        x = _factor(matrix).solve(np.where(is_held, held, load))
    except RuntimeError:  # SuperLU's word for a singular matrix
        return None
    return np.asarray(x) if np.isfinite(x).all() else None


# Newton's method


def _factor(matrix: Any) -> Any:
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


def _newton(
    problem: _Problem, angle_rad: Floats, voltage_pu: Floats, max_iterations: int
) -> _State:
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
            step = -_factor(_jacobian(problem, state)).solve(state.mismatch)
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


def _pair_powers(grid: _Grid, angle_rad: Floats, voltage_pu: Floats) -> Complexes:
    """(z,) V_i conj(Y_ik V_k) for every entry (i, k) of the bus matrix, pu."""
    v = voltage_pu * np.exp(1j * angle_rad)
    return np.asarray(v[grid.row] * np.conj(grid.admittance * v[grid.column]))


def _evaluated(problem: _Problem, angle_rad: Floats, voltage_pu: Floats, iterations: int) -> _State:
    """The state at these voltages."""
    grid, k = problem.grid, len(angle_rad)
    injection = _sum_by(grid.row, _pair_powers(grid, angle_rad, voltage_pu), k)
    difference = injection - problem.target_pu
    mismatch = np.empty(2 * k)
    mismatch[0::2] = np.where(grid.is_slack, 0.0, difference.real)
    mismatch[1::2] = np.where(problem.is_held, 0.0, difference.imag)
    return _State(
        angle_rad=angle_rad,
        voltage_pu=voltage_pu,
        injection_pu=injection,
        mismatch=mismatch,
        merit=float(mismatch @ mismatch),
        iterations=iterations,
        converged=bool(np.abs(mismatch).max(initial=0.0) <= problem.tolerance_pu),
    )


def _jacobian(problem: _Problem, state: _State) -> Any:
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
    by_voltage = _pair_powers(grid, state.angle_rad, state.voltage_pu)
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


# Reactive limits


def _solve_with_limits(grid: _Grid, begin: tuple[Floats, Floats], settings: _Settings) -> _Outcome:
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

    def solve(angle_rad: Floats, voltage_pu: Floats, sides: Sides) -> _State:
        is_held = grid.is_controlled & (sides == 0)
        limit = np.where(sides > 0, grid.q_max_pu, grid.q_min_pu)
        problem = _Problem(
            grid=grid,
            target_pu=grid.fixed_pu + 1j * np.where(sides != 0, limit, 0.0),
            is_held=is_held,
            tolerance_pu=settings.tolerance_pu,
        )
        begin_pu = np.where(is_held, grid.setpoint_pu, voltage_pu)
        return _newton(problem, angle_rad, begin_pu, settings.max_iterations)

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
    return _Outcome(
        state=replace(state, iterations=iterations),
        side=side,
        is_rigid=is_rigid,
        settled=settled,
        rounds=rounds,
        stuck=np.flatnonzero(is_stuck),
    )


def _wanted_sides(
    grid: _Grid,
    state: _State,
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


# Results


def _solved(
    network: Network, grid: _Grid, outcome: _Outcome, start: Start, notes: list[Finding]
) -> PowerFlow:
    """The result in the network's own rows and units."""
    buses, branches, base = network.buses, network.branches, network.base_mva
    state = outcome.state
    n = len(buses)
    voltage, angle = np.full(n, np.nan), np.full(n, np.nan)
    voltage[grid.bus] = state.voltage_pu
    angle[grid.bus] = np.rad2deg(state.angle_rad)
    phasor = np.zeros(n, np.complex128)
    phasor[grid.bus] = state.voltage_pu * np.exp(1j * state.angle_rad)
    y_aa, y_az, y_za, y_zz = _branch_admittances(network)
    at_from, at_to = phasor[branches.from_bus], phasor[branches.to_bus]
    s_from = base * at_from * np.conj(y_aa * at_from + y_az * at_to)
    s_to = base * at_to * np.conj(y_za * at_from + y_zz * at_to)
    at_max, at_min = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    at_max[grid.bus] = (outcome.side > 0) | outcome.is_rigid
    at_min[grid.bus] = (outcome.side < 0) | outcome.is_rigid
    unit_p, unit_q, slack_p = _unit_outputs(network, grid, outcome)
    worst = _worst_mismatches(grid, state)[0]
    return PowerFlow(
        converged=True,
        iterations=state.iterations,
        limit_rounds=outcome.rounds,
        start=start,
        voltage_pu=voltage,
        angle_deg=angle,
        p_from_mw=s_from.real.copy(),
        q_from_mvar=s_from.imag.copy(),
        p_to_mw=s_to.real.copy(),
        q_to_mvar=s_to.imag.copy(),
        unit_p_mw=unit_p,
        unit_q_mvar=unit_q,
        slack_p_mw=slack_p,
        losses_mw=float((s_from + s_to).real.sum()),
        mismatch_pu=worst[1],
        mismatch_bus=int(buses.number[worst[0]]),
        at_max_reactive=at_max,
        at_min_reactive=at_min,
        findings=(*notes, *_remarks(network, grid, outcome)),
    )


def _unit_outputs(network: Network, grid: _Grid, outcome: _Outcome) -> tuple[Floats, Floats, float]:
    """Active (MW) and reactive (Mvar) output by unit, (g,) each, and of the slack buses (MW).

    Reactive power of a controlled bus is shared so that every unit stands at the same fraction of
    its range. Infinite limits are replaced by a figure that covers all the others and the power
    to be shared, so that half-infinite ranges keep their finite side. Where no unit has a range,
    what differs from the fixed outputs is shared equally.
    """
    units, base = network.generators, network.base_mva
    live = np.flatnonzero(network.is_generator_live)
    at = grid.position[units.bus[live]]
    generated = base * (outcome.state.injection_pu - grid.fixed_pu)
    k = len(grid.bus)

    p = np.where(network.is_generator_live, units.p_mw, 0.0)
    slack_p = 0.0
    for place in np.flatnonzero(grid.is_slack):
        own = live[at == place]
        slack_p += float(generated[place].real + p[own].sum())
        if len(own):
            p[own[0]] += generated[place].real

    q = np.where(network.is_generator_live, units.q_mvar, 0.0)
    total = generated.imag
    high, low = units.q_max_mvar[live], units.q_min_mvar[live]
    finite = np.where(np.isfinite(high), np.abs(high), 0.0) + np.where(
        np.isfinite(low), np.abs(low), 0.0
    )
    cover = np.abs(total) + np.bincount(at, finite, k) + 1.0
    high, low = np.fmin(high, cover[at]), np.fmax(low, -cover[at])
    width = np.maximum(high - low, 0.0)
    all_width = np.bincount(at, width, k)
    left = total - np.bincount(at, low, k)
    count = np.bincount(at, minlength=k)
    equal = left[at] / count[at]
    by_width = left[at] * width / np.where(all_width > 0, all_width, 1.0)[at]
    shared = low + np.where(all_width[at] > 0, by_width, equal)
    here = grid.is_controlled[at]
    q[live[here]] = shared[here]
    return p, q, slack_p


def _unsolved(
    network: Network,
    start: Start,
    findings: list[Finding],
    *,
    iterations: int = 0,
    rounds: int = 0,
    mismatch_pu: float = float("nan"),
    mismatch_bus: int = 0,
) -> PowerFlow:
    """A result without figures."""
    n, m, g = len(network.buses), len(network.branches), len(network.generators)
    return PowerFlow(
        converged=False,
        iterations=iterations,
        limit_rounds=rounds,
        start=start,
        voltage_pu=np.full(n, np.nan),
        angle_deg=np.full(n, np.nan),
        p_from_mw=np.full(m, np.nan),
        q_from_mvar=np.full(m, np.nan),
        p_to_mw=np.full(m, np.nan),
        q_to_mvar=np.full(m, np.nan),
        unit_p_mw=np.full(g, np.nan),
        unit_q_mvar=np.full(g, np.nan),
        slack_p_mw=float("nan"),
        losses_mw=float("nan"),
        mismatch_pu=mismatch_pu,
        mismatch_bus=mismatch_bus,
        at_max_reactive=np.zeros(n, np.bool_),
        at_min_reactive=np.zeros(n, np.bool_),
        findings=tuple(findings),
    )


# Findings


def _named(numbers: Integers) -> str:
    """The first few bus numbers, and how many more there are."""
    text = ", ".join(str(int(number)) for number in numbers[:NAMED_IN_FINDINGS])
    more = len(numbers) - NAMED_IN_FINDINGS
    return f"{text} and {more} more" if more > 0 else text


def _refusals(network: Network) -> list[Finding]:
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


def _notes(network: Network, grid: _Grid, settings: _Settings) -> list[Finding]:
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


def _remarks(network: Network, grid: _Grid, outcome: _Outcome) -> list[Finding]:
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


def _worst_mismatches(grid: _Grid, state: _State) -> list[tuple[int, float]]:
    """Bus rows and mismatches (pu), the largest first."""
    size = np.maximum(np.abs(state.mismatch[0::2]), np.abs(state.mismatch[1::2]))
    largest = np.argsort(-size, kind="stable")[:NAMED_IN_FINDINGS]
    return [(int(grid.bus[i]), float(size[i])) for i in largest]


def _divergence(
    network: Network, grid: _Grid, outcome: _Outcome, starts: list[Start], iterations: int
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
        for row, size in _worst_mismatches(grid, state)
    )
    lowest = int(np.argmin(state.voltage_pu))
    return Finding(
        "flow.diverged",
        f"No solution from {tried} after {iterations} steps; power is missed at {named}; "
        f"the lowest voltage was {state.voltage_pu[lowest]:.3f} pu at bus "
        f"{network.buses.number[grid.bus[lowest]]}. Try less load or more generation there, "
        "reactive support, or the DC flow.",
    )
