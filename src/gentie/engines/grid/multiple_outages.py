"""Contingencies of several branches and units at once against every monitored branch (DC N-k).

Opening the branches ``E`` is a transfer ``t`` across their ends that makes each of them carry
nothing from outside: with ``X = B^-1 A_E`` and ``H = b_E A_E^T X``,

    (I - H) t = f_E + b_E A_E^T x,        f' = f + b A^T (X t + x),

where ``x = B^-1 d`` answers the change of injections ``d``: lost units and whoever picks the loss
up. ``I - H`` is at most 6 by 6. It is singular where the branches cut part of the grid off; that is
then settled by topology and told, not simulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numba
import numpy as np

from gentie.engines.grid.contingencies import NO_OUTAGE, NO_THRESHOLD, scan_order
from gentie.engines.grid.linear import BLOCK, LinearModel
from gentie.engines.grid.multiple_outage_kernels import (
    MOST_BRANCHES,
    reach_from,
    scan_contingencies,
)
from gentie.engines.grid.network import Floats, Integers
from gentie.engines.grid.pick_up import PickUp


class Outcome(IntEnum):
    """What became of a contingency."""

    SOLVED = 0
    ISLANDING = 1
    """It cuts part of the grid off; see ``islanding``."""
    WITHOUT_SOLUTION = 2
    """Nothing is cut off, and yet the reactances that are left have no answer."""


@dataclass(frozen=True, eq=False)
class Contingencies:
    """What goes out together, as rows of branches and of units.

    Contingency ``j`` has those from ``start[j]`` to ``start[j + 1]``.

    Raises:
        ValueError: a contingency has more than six branches, or names one twice.
    """

    branch_start: Integers
    branch_rows: Integers
    unit_start: Integers
    unit_rows: Integers

    def __post_init__(self) -> None:
        for start, rows in (
            (self.branch_start, self.branch_rows),
            (self.unit_start, self.unit_rows),
        ):
            if start[0] != 0 or start[-1] != len(rows) or np.any(np.diff(start) < 0):
                raise ValueError("the starts do not divide the rows")
            whose = np.repeat(np.arange(len(start) - 1), np.diff(start))
            if len(np.unique(np.stack([whose, rows]), axis=1).T) < len(rows):
                raise ValueError("a contingency names an element twice")
            start.setflags(write=False)
            rows.setflags(write=False)
        if len(self.branch_start) != len(self.unit_start):
            raise ValueError("branches and units are of different numbers of contingencies")
        if np.diff(self.branch_start).max(initial=0) > MOST_BRANCHES:
            raise ValueError(f"a contingency has more than {MOST_BRANCHES} branches")

    def __len__(self) -> int:
        """Number of contingencies."""
        return len(self.branch_start) - 1

    def branches(self, place: int) -> Integers:
        """Rows of the branches of one contingency."""
        return self.branch_rows[self.branch_start[place] : self.branch_start[place + 1]]

    def units(self, place: int) -> Integers:
        """Rows of the units of one contingency."""
        return self.unit_rows[self.unit_start[place] : self.unit_start[place + 1]]


def contingencies_of(
    branches: Sequence[Iterable[int]], units: Sequence[Iterable[int]] | None = None
) -> Contingencies:
    """Contingencies from one list of branch rows each, and one of unit rows."""
    branch_start, branch_rows = _divided(branches)
    unit_start, unit_rows = _divided(units if units is not None else [()] * len(branches))
    return Contingencies(branch_start, branch_rows, unit_start, unit_rows)


@dataclass(frozen=True, eq=False)
class IslandingContingency:
    """A contingency that cuts part of the grid off.

    Attributes:
        place: in the list given.
        bus_rows: buses that lose their path to the slack bus.
        load_mw: load cut off.
        generation_mw: stored output cut off, that of lost units not counted.
    """

    place: int
    bus_rows: tuple[int, ...]
    load_mw: float
    generation_mw: float


@dataclass(frozen=True, eq=False)
class MultipleOutageResult:
    """What is kept of every contingency; loadings are shares of the limit (1.0 = at the limit).

    Attributes:
        monitored: (k,) branch rows watched.
        outcome: (j,) ``Outcome`` of each contingency; what is not solved has no loadings.
        loss_mw: (j,) stored output of the lost units.
        short_mw: (j,) part of it that no unit has room for; the slack bus takes it.
        worst_loading: (k,) worst loading after any contingency, of the post-contingency limit.
        worst_contingency: (k,) place of the one that does it; ``NO_OUTAGE`` where there is none.
        contingency_worst_loading: (j,) worst loading that each contingency causes.
        contingency_worst_branch: (j,) row of the branch that has it; -1 where there is none.
        pair_branch: (p,) branch row of each pair above the threshold.
        pair_contingency: (p,) place of its contingency.
        pair_loading: (p,) its loading, in the order of contingency, then branch as watched.
        islanding: contingencies that cut something off, with what they lose.
    """

    monitored: Integers
    outcome: Integers
    loss_mw: Floats
    short_mw: Floats
    worst_loading: Floats
    worst_contingency: Integers
    contingency_worst_loading: Floats
    contingency_worst_branch: Integers
    pair_branch: Integers
    pair_contingency: Integers
    pair_loading: Floats
    islanding: tuple[IslandingContingency, ...]


def analyse_multiple_outages(
    model: LinearModel,
    flow_mw: Floats,
    *,
    contingencies: Contingencies,
    monitored: Integers,
    post_limit_mw: Floats,
    pick_up: PickUp,
    above: float = np.inf,
    threads: int = 2,
) -> MultipleOutageResult:
    """Loading of every monitored branch after every contingency of a list.

    Args:
        model: the factored network.
        flow_mw: (m,) base flows, from ``LinearModel.flow_mw``.
        contingencies: what goes out together; an element out of service already changes nothing.
        monitored: (k,) branch rows to watch; a contingency's own are not watched in it.
        post_limit_mw: (k,) limit after a contingency.
        pick_up: who makes up for lost units.
        above: keep every pair with a loading above this share of its limit.
        threads: numba threads; the result is the same for any number.

    Returns:
        The worst of each branch and contingency, the pairs above, what is cut off.

    Neglects: reactive power, voltage, losses, redispatch, automatic actions, the order in which
    elements go out; the parts of a grid that falls apart.
    Follows: compensation (Woodbury) of the base solution, e.g. Alsac, Stott, Tinney, 1983.
    """
    monitored = np.asarray(monitored, np.int64)
    units = model.network.generators
    scan = scan_order(model, monitored)
    watched = monitored[scan]
    place = np.full(len(model.network.branches), -1, np.int64)
    place[watched] = np.arange(len(watched))
    order, batch_start = _batches(model, contingencies)
    threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    count, capacity = len(contingencies), 1024
    while True:
        outcome = np.zeros(count, np.int64)
        loss, short, worst = np.zeros(count), np.zeros(count), np.zeros(count)
        worst_branch = np.full(count, -1, np.int64)
        best = np.zeros((threads, len(watched)))
        best_contingency = np.full((threads, len(watched)), NO_OUTAGE, np.int64)
        pairs = np.empty((threads, capacity, 2), np.int64)
        pair_loadings = np.empty((threads, capacity))
        counts = np.zeros(threads, np.int64)
        scan_contingencies(
            model.solve_arguments,
            model.from_position,
            model.to_position,
            model.susceptance_mw_per_rad,
            flow_mw,
            model.from_position[watched],
            model.to_position[watched],
            model.susceptance_mw_per_rad[watched] / post_limit_mw[scan],
            flow_mw[watched] / post_limit_mw[scan],
            place,
            contingencies.branch_start,
            contingencies.branch_rows,
            contingencies.unit_start,
            contingencies.unit_rows,
            np.where(model.network.is_generator_live, units.p_mw, 0.0),
            model.factor.position[units.bus],
            pick_up.weight_mw,
            pick_up.raise_mw,
            pick_up.lower_mw,
            order,
            batch_start,
            min(above, NO_THRESHOLD),
            outcome,
            loss,
            short,
            best,
            best_contingency,
            worst,
            worst_branch,
            pairs,
            pair_loadings,
            counts,
        )
        if counts.max(initial=0) <= capacity:
            break
        capacity = int(counts.max())
    islanding = _islanding(model, contingencies, np.flatnonzero(outcome != Outcome.SOLVED))
    outcome[outcome != Outcome.SOLVED] = Outcome.WITHOUT_SOLUTION
    outcome[[cut.place for cut in islanding]] = Outcome.ISLANDING
    largest = best.max(axis=0, initial=0.0)
    never = np.iinfo(np.int64).max
    named = np.where((best == largest) & (best_contingency >= 0), best_contingency, never)
    first = named.min(axis=0, initial=never)
    worst_loading = np.zeros(len(monitored))
    worst_contingency = np.full(len(monitored), NO_OUTAGE, np.int64)
    worst_loading[scan] = largest
    worst_contingency[scan] = np.where(first == never, NO_OUTAGE, first)
    pair = np.concatenate([pairs[thread, : counts[thread]] for thread in range(threads)])
    loading = np.concatenate([pair_loadings[thread, : counts[thread]] for thread in range(threads)])
    watched_at = scan[pair[:, 1]]
    sequence = np.lexsort((watched_at, pair[:, 0]))
    return MultipleOutageResult(
        monitored=monitored,
        outcome=outcome,
        loss_mw=loss,
        short_mw=short,
        worst_loading=worst_loading,
        worst_contingency=worst_contingency,
        contingency_worst_loading=worst,
        contingency_worst_branch=np.where(
            worst_branch >= 0, np.append(watched, -1)[worst_branch], -1
        ),
        pair_branch=monitored[watched_at[sequence]],
        pair_contingency=pair[sequence, 0],
        pair_loading=loading[sequence],
        islanding=islanding,
    )


def _divided(groups: Sequence[Iterable[int]]) -> tuple[Integers, Integers]:
    """Starts and rows of groups."""
    listed = [list(group) for group in groups]
    start = np.concatenate([[0], np.cumsum([len(group) for group in listed])]).astype(np.int64)
    return start, np.array([row for group in listed for row in group], np.int64)


def _batches(model: LinearModel, contingencies: Contingencies) -> tuple[Integers, Integers]:
    """Order of contingencies, and where in it each batch starts whose columns fit one block.

    Contingencies without units come first and those that start late in the factor together, so
    that a batch skips what is before all of its columns.
    """
    count = len(contingencies)
    if not count:
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    size = np.diff(contingencies.branch_start)
    has_units = np.diff(contingencies.unit_start) > 0
    position = np.minimum(
        model.from_position[contingencies.branch_rows], model.to_position[contingencies.branch_rows]
    ).astype(np.int64)
    first = np.full(count, len(model.factor.inverse_diagonal), np.int64)
    np.minimum.at(first, np.repeat(np.arange(count), size), position)
    order = np.lexsort((first, has_units))
    columns = (size + has_units)[order].tolist()
    starts, filled = [0], 0
    for at, width in enumerate(columns):
        if filled + width > BLOCK or at - starts[-1] == BLOCK:
            starts.append(at)
            filled = 0
        filled += width
    return order, np.array([*starts, count], np.int64)


def _islanding(
    model: LinearModel, contingencies: Contingencies, places: Integers
) -> tuple[IslandingContingency, ...]:
    """Those of the contingencies that leave live buses without a path to the slack bus."""
    network = model.network
    branches, units, n = network.branches, network.generators, len(network.buses)
    live = np.flatnonzero(network.is_branch_live)
    ends = np.concatenate([branches.from_bus[live], branches.to_bus[live]])
    others = np.concatenate([branches.to_bus[live], branches.from_bus[live]])
    order = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[order], np.arange(n + 1))
    other, edge = others[order], np.concatenate([live, live])[order]
    opened, reached = np.zeros(len(branches), np.bool_), np.empty(n, np.bool_)
    found = []
    for place in places:
        opened[contingencies.branches(place)] = True
        reach_from(start, other, edge, opened, model.slack_row, reached)
        opened[contingencies.branches(place)] = False
        cut = network.is_bus_live & ~reached
        if cut.any():
            lost = network.is_generator_live & cut[units.bus]
            lost[contingencies.units(place)] = False
            found.append(
                IslandingContingency(
                    place=int(place),
                    bus_rows=tuple(np.flatnonzero(cut).tolist()),
                    load_mw=float(network.buses.load_mw[cut].sum()),
                    generation_mw=float(units.p_mw[lost].sum()),
                )
            )
    return tuple(found)
