"""Every outage of a branch or a unit, by AC power flow (AC N-1).

The base Jacobian is factored once. Each outage is then solved by Newton's method with those frozen
factors, corrected for what it takes away, sixteen outages at a time, each to the tolerance of a
full power flow; what that does not bring home is solved by full Newton, and what that cannot solve
is named as diverged. The parts: ``ac_contingencies_grid`` (the frozen base), ``…_outages`` (what an
outage takes away), ``…_reactive`` (limits of the units), ``…_blocks`` (the kernel), ``…_fallback``
(full Newton) and ``…_results``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gentie.engines.grid.ac_contingencies_blocks import Effort
from gentie.engines.grid.ac_contingencies_fallback import solve_fully
from gentie.engines.grid.ac_contingencies_grid import frozen_grid
from gentie.engines.grid.ac_contingencies_islands import NOWHERE
from gentie.engines.grid.ac_contingencies_keeping import SOLVED
from gentie.engines.grid.ac_contingencies_outages import PickUp, Reason, outages_of
from gentie.engines.grid.ac_contingencies_pool import solve_outages
from gentie.engines.grid.ac_contingencies_reactive import (
    changed_sides,
    no_changes,
    reactive_arrays,
)
from gentie.engines.grid.ac_contingencies_reduction import (
    Pairs,
    WorstOfBranch,
    keep_full,
    merged,
    nothing_kept,
    sequence_of_work,
    watch_of,
)
from gentie.engines.grid.ac_contingencies_results import (
    AcContingencies,
    OutageStatus,
    StoredVoltages,
    results_of,
)
from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.grid.power_flow import PowerFlow
from gentie.engines.grid.reactive_limits import FlowSettings

__all__ = [
    "AcContingencies",
    "OutageStatus",
    "PickUp",
    "Reason",
    "SingularBase",
    "StoredVoltages",
    "analyse_ac_contingencies",
]

FROZEN_STEPS = 40
"""Solves with the frozen factors before an outage is left to full Newton."""
NEWTON_STEPS, LIMIT_ROUNDS = 30, 60


class SingularBase(Exception):
    """The base state has no solution, or its Jacobian no inverse."""


def analyse_ac_contingencies(
    network: Network,
    flow: PowerFlow,
    *,
    branches: Integers,
    units: Integers,
    monitored: Integers,
    normal_limit_mva: Floats,
    post_limit_mva: Floats,
    enforce_reactive_limits: bool = True,
    simulate_islanding: bool = True,
    pick_up: PickUp = PickUp.HEADROOM,
    tolerance_pu: float = 2e-7,
    above: float = np.inf,
    store_voltages: bool = False,
    threads: int = 2,
) -> AcContingencies:
    """AC power flow after every single outage of a branch or a unit.

    Every outage solves, in the unknowns x = (angle, relative voltage) of the base state,

        (J - E M E') dx = -F(x),   (J - E M E')^-1 = J^-1 + J^-1 E C E' J^-1,  C = M (I - E'J^-1E M)^-1

    where J is the base Jacobian, E picks the ends of the branch, M holds the derivatives of its own
    powers, and F is the mismatch of the outage's own equations at x. A step is repeated until no
    mismatch is above the tolerance; only J is frozen, never F.

    Rules, named because other programs choose otherwise:

    - Of an outage that cuts part of the grid off, the part without a slack bus is lost; what it
      takes with it is in the result, and the rest is solved. Where that would be most of the buses
      the outage is not simulated, since nobody knows which unit would balance them.
    - Lost supply is made up as ``PickUp`` says; the slack takes the rest and the losses.
    - A bus that loses its last unit holds its voltage no longer; one that keeps some keeps its
      set-point, with the limits of those that stay. The slack's limits are not enforced.
    - A DC line with one end lost gives nothing at the other.
    - Buses change between set-point and limit as in ``solve_power_flow``.

    Args:
        network: in one piece.
        flow: its converged power flow, with the same choice about reactive limits.
        branches: (b,) rows to open one at a time.
        units: (u,) rows to lose one at a time.
        monitored: (k,) branch rows to watch.
        normal_limit_mva: (k,) limit with nothing out.
        post_limit_mva: (k,) limit after an outage.
        enforce_reactive_limits: keep the reactive limits of the units.
        simulate_islanding: solve what stays after an outage that cuts something off.
        pick_up: who makes up for lost supply.
        tolerance_pu: largest mismatch accepted.
        above: keep every pair with a loading above this share of its limit.
        store_voltages: keep every voltage of every solved outage, 8 bytes for each.
        threads: to share the work; the result is the same for any number.

    Returns:
        One row for every outage, and the worst of every branch.

    Raises:
        SingularBase: the base case did not converge or its Jacobian has no inverse.

    Neglects: what ``solve_power_flow`` neglects; governors' droop and dead band beside headroom,
        frequency, protection, automatic actions, dynamics on the way to the new state.
    Follows: Stott and Alsac's idea of constant factors with Woodbury's identity for the outage;
        Alsac, Stott, Tinney, "Sparsity-oriented compensation methods", IEEE Trans. PAS, 1983.
    """
    frozen = frozen_grid(network, flow) if flow.converged else None
    if frozen is None:
        raise SingularBase
    branches, units = np.asarray(branches, np.int64), np.asarray(units, np.int64)
    lose_units = np.zeros(len(frozen.bus), np.bool_)
    lose_units[frozen.place[network.generators.bus[units[network.is_generator_live[units]]]]] = True
    reactive, index = reactive_arrays(
        frozen, enforced=enforce_reactive_limits, units_are_lost=lose_units
    )
    outages = outages_of(
        frozen,
        index,
        branches=branches,
        units=units,
        pick_up=pick_up,
        simulate_islanding=simulate_islanding,
        enforce_reactive_limits=enforce_reactive_limits,
    )
    order = sequence_of_work(outages)
    watch = watch_of(frozen, outages, monitored, post_limit_mva, above)
    kept = nothing_kept(
        len(outages.branch), len(frozen.bus), order if store_voltages else order[:0]
    )
    changes = no_changes(len(outages.branch))
    effort = Effort(tolerance_pu, FROZEN_STEPS)
    threads = max(1, threads)
    best = np.zeros((threads, len(frozen.branch)))
    best_outage = np.full((threads, len(frozen.branch)), NOWHERE, np.int64)

    def share(thread: int) -> tuple[Pairs, dict[int, Floats]]:
        places, squares, given_up, states = solve_outages(
            frozen.arrays,
            outages.arrays,
            reactive,
            watch,
            changes,
            kept,
            effort,
            order,
            thread,
            threads,
            best[thread],
            best_outage[thread],
        )
        return Pairs(places, squares), dict(zip(given_up.tolist(), states, strict=True))

    if threads == 1:
        shares = [share(0)]
    else:
        with ThreadPoolExecutor(threads) as pool:
            shares = list(pool.map(share, range(threads)))
    pairs = [found for found, _ in shares]
    given_up = {c: state for _, states in shares for c, state in states.items()}
    worst = WorstOfBranch(*merged(best, best_outage))
    sides_changed = changed_sides(changes, reactive, outages.arrays)
    settings = FlowSettings(enforce_reactive_limits, tolerance_pu, NEWTON_STEPS, LIMIT_ROUNDS)
    for c, state in sorted(given_up.items()):
        full = solve_fully(frozen, outages, c, state, settings)
        kept.iterations[c] = full.iterations
        sides_changed[c] = full.sides_changed if full.converged else 0
        if full.converged:
            kept.status[c] = SOLVED
            pairs.append(keep_full(frozen, outages, watch, kept, worst, full, c))
    return results_of(
        frozen,
        outages,
        kept,
        worst,
        pairs,
        monitored=np.asarray(monitored, np.int64),
        normal_limit_mva=normal_limit_mva,
        by_newton=np.array(sorted(given_up), np.int64),
        sides_changed=sides_changed,
    )
