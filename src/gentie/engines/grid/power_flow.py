"""AC power flow: Newton's method on polar voltages, with the reactive limits of the units.

Per unit on the network's base inside; MW, Mvar and degrees at the edges. The parts have modules of
their own: ``power_flow_grid`` (what is fixed), ``power_flow_start``, ``newton``,
``reactive_limits`` and ``power_flow_findings``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gentie.engines.grid.network import Booleans, Floats, Network
from gentie.engines.grid.power_flow_findings import (
    divergence,
    notes_before,
    refusals,
    remarks_after,
    worst_mismatches,
)
from gentie.engines.grid.power_flow_grid import SolvableGrid, branch_admittances, grid_of
from gentie.engines.grid.power_flow_start import Start, beginning
from gentie.engines.grid.reactive_limits import FlowSettings, LimitOutcome, solve_with_limits
from gentie.quantities.findings import Finding

__all__ = ["PowerFlow", "Start", "loading_percent", "solve_power_flow"]


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
    reasons = refusals(network)
    if reasons:
        return _unsolved(network, start, reasons)
    settings = FlowSettings(
        enforce_reactive_limits=enforce_reactive_limits,
        tolerance_pu=tolerance_pu,
        max_iterations=max_iterations,
        max_limit_rounds=max_limit_rounds,
    )
    grid = grid_of(network)
    notes = notes_before(network, grid, settings)
    starts = list(dict.fromkeys([start, Start.DIRECT_CURRENT]))
    iterations = rounds = 0
    best: LimitOutcome | None = None
    for attempt in starts:
        begin = beginning(network, grid, attempt)
        if begin is None:
            continue
        outcome = solve_with_limits(grid, begin, settings)
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
    findings = [*notes, divergence(network, grid, best, starts, iterations)]
    worst = worst_mismatches(grid, best.state)[0]
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


def _solved(
    network: Network, grid: SolvableGrid, outcome: LimitOutcome, start: Start, notes: list[Finding]
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
    y_aa, y_az, y_za, y_zz = branch_admittances(network)
    at_from, at_to = phasor[branches.from_bus], phasor[branches.to_bus]
    s_from = base * at_from * np.conj(y_aa * at_from + y_az * at_to)
    s_to = base * at_to * np.conj(y_za * at_from + y_zz * at_to)
    at_max, at_min = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    at_max[grid.bus] = (outcome.side > 0) | outcome.is_rigid
    at_min[grid.bus] = (outcome.side < 0) | outcome.is_rigid
    unit_p, unit_q, slack_p = _unit_outputs(network, grid, outcome)
    worst = worst_mismatches(grid, state)[0]
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
        findings=(*notes, *remarks_after(network, grid, outcome)),
    )


def _unit_outputs(
    network: Network, grid: SolvableGrid, outcome: LimitOutcome
) -> tuple[Floats, Floats, float]:
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
