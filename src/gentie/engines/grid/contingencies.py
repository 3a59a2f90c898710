"""Every outage against every monitored branch, in one pass (DC N-1).

For each outage ``c`` one column ``x = B^-1 a_c`` is solved; the flow that branch ``m`` carries
after it is ``f_m + b_m (x_a - x_z) f_c / (1 - h_cc)``. Sixteen outages are solved together and
scanned at once; only the worst values and the pairs above a threshold are kept, so the table of
outages x branches never exists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, LinearModel, solve_outages
from gentie.engines.grid.network import Floats, Integers

NO_OUTAGE = -1
"""Stands for the base case wherever an outage's branch row is given."""


ABOVE_EQUAL = 1.0 + 2.0**-52
"""Times this a number is the next larger one, or the one after."""

NO_THRESHOLD = 1e300
"""No loading is above this; a number, because the loop may take infinity for impossible."""

LEAST = 1e-300
"""Added so that the same holds for zero."""


@dataclass(frozen=True, eq=False)
class IslandingOutage:
    """A branch whose outage cuts part of the grid off.

    Attributes:
        branch_row: the branch.
        bus_rows: buses that lose their path to the slack bus.
        load_mw: load cut off.
        generation_mw: stored output cut off.
    """

    branch_row: int
    bus_rows: tuple[int, ...]
    load_mw: float
    generation_mw: float


@dataclass(frozen=True, eq=False)
class ContingencyResult:
    """What the fused N-1 pass keeps; loadings are shares of the limit (1.0 = at the limit).

    Attributes:
        monitored: (k,) branch rows watched.
        outages: (c,) branch rows opened one by one; islanding ones are in ``islanding`` instead.
        base_loading: (k,) loading with nothing out, of the normal limit.
        worst_loading: (k,) worst loading after any outage, of the post-contingency limit.
        worst_outage: (k,) the outage that does it; ``NO_OUTAGE`` where no outage loads it.
        outage_worst_loading: (c,) worst loading that each outage causes.
        outage_worst_branch: (c,) the branch that has it; -1 where none is monitored.
        pair_branch: (p,) branch of each pair above the threshold.
        pair_outage: (p,) its outage.
        pair_loading: (p,) its loading, in the order of outage, then branch.
        islanding: outages that cut something off, with what they lose.
    """

    monitored: Integers
    outages: Integers
    base_loading: Floats
    worst_loading: Floats
    worst_outage: Integers
    outage_worst_loading: Floats
    outage_worst_branch: Integers
    pair_branch: Integers
    pair_outage: Integers
    pair_loading: Floats
    islanding: tuple[IslandingOutage, ...]


def analyse_contingencies(
    model: LinearModel,
    flow_mw: Floats,
    *,
    monitored: Integers,
    normal_limit_mw: Floats,
    post_limit_mw: Floats,
    outages: Integers,
    above: float = np.inf,
    threads: int = 2,
) -> ContingencyResult:
    """Loading of every monitored branch after every single outage.

    Args:
        model: the factored network.
        flow_mw: (m,) base flows, from ``LinearModel.flow_mw``.
        monitored: (k,) branch rows to watch.
        normal_limit_mw: (k,) limit with nothing out.
        post_limit_mw: (k,) limit after an outage.
        outages: (c,) branch rows to open one at a time.
        above: keep every pair with a loading above this share of its limit.
        threads: numba threads; the result is the same for any number.

    Returns:
        The worst of each branch and each outage, the pairs above, the islanding outages.

    Neglects: reactive power, voltage, redispatch, automatic actions; what the generators do
    after an islanding outage.
    Follows: line outage distribution factors, e.g. Wood, Wollenberg, Sheblé, ch. 7.
    """
    monitored, outages = np.asarray(monitored, np.int64), np.asarray(outages, np.int64)
    islanding = islanding_outages(model, outages)
    cut = {outage.branch_row for outage in islanding}
    solved = np.array([row for row in outages.tolist() if row not in cut], np.int64)
    base_loading = np.abs(flow_mw[monitored]) / normal_limit_mw
    order, starts = blocks_by_position(model, solved)
    scan = scan_order(model, monitored)
    watched = monitored[scan]
    place = np.full(len(model.network.branches), -1, np.int32)
    place[watched] = np.arange(len(watched), dtype=np.int32)
    threads = max(1, min(threads, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    capacity = 1024
    while True:
        best = np.zeros((threads, len(watched)))
        best_outage = np.full((threads, len(watched)), NO_OUTAGE, np.int64)
        outage_best = np.zeros(len(solved))
        outage_branch = np.full(len(solved), -1, np.int64)
        pairs = np.empty((threads, capacity, 2), np.int64)
        pair_loadings = np.empty((threads, capacity))
        counts = np.zeros(threads, np.int64)
        _scan_outages(
            *model.solve_arguments,
            model.from_position,
            model.to_position,
            model.susceptance_mw_per_rad,
            flow_mw,
            model.from_position[watched],
            model.to_position[watched],
            model.susceptance_mw_per_rad[watched] / post_limit_mw[scan],
            flow_mw[watched] / post_limit_mw[scan],
            place,
            solved,
            order,
            starts,
            min(above, NO_THRESHOLD),
            best,
            best_outage,
            outage_best,
            outage_branch,
            pairs,
            pair_loadings,
            counts,
        )
        if counts.max(initial=0) <= capacity:
            break
        capacity = int(counts.max())
    worst, worst_outage = _merge_threads(best, best_outage)
    worst_loading = np.zeros(len(monitored))
    worst_row = np.full(len(monitored), NO_OUTAGE, np.int64)
    worst_loading[scan] = worst
    worst_row[scan] = worst_outage
    kept = [pairs[thread, : counts[thread]] for thread in range(threads)]
    loadings = [pair_loadings[thread, : counts[thread]] for thread in range(threads)]
    pair = np.concatenate(kept)
    loading = np.concatenate(loadings)
    sequence = np.lexsort((pair[:, 1], pair[:, 0]))
    return ContingencyResult(
        monitored=monitored,
        outages=solved,
        base_loading=base_loading,
        worst_loading=worst_loading,
        worst_outage=worst_row,
        outage_worst_loading=outage_best,
        outage_worst_branch=np.where(
            outage_branch >= 0, watched[np.maximum(outage_branch, 0)] if len(watched) else -1, -1
        ),
        pair_branch=watched[pair[sequence, 1]] if len(pair) else np.zeros(0, np.int64),
        pair_outage=solved[pair[sequence, 0]] if len(pair) else np.zeros(0, np.int64),
        pair_loading=loading[sequence],
        islanding=islanding,
    )


def islanding_outages(model: LinearModel, outages: Integers) -> tuple[IslandingOutage, ...]:
    """Which of these branches are bridges of the live grid, and what their outage cuts off.

    Follows: Tarjan's bridge finding, depth first from the slack bus.
    """
    network = model.network
    branches = network.branches
    live = np.flatnonzero(network.is_branch_live)
    n = len(network.buses)
    ends = np.concatenate([branches.from_bus[live], branches.to_bus[live]])
    others = np.concatenate([branches.to_bus[live], branches.from_bus[live]])
    edges = np.concatenate([live, live])
    order = np.argsort(ends, kind="stable")
    start = np.searchsorted(ends[order], np.arange(n + 1))
    visit, last, entering = bridges_below(start, others[order], edges[order], model.slack_row, n)
    wanted = set(outages.tolist())
    sequence = np.flatnonzero(visit >= 0)
    sequence = sequence[np.argsort(visit[sequence])]
    units = network.generators
    generation = np.zeros(n)
    live_units = network.is_generator_live
    np.add.at(generation, units.bus[live_units], units.p_mw[live_units])
    load = network.buses.load_mw
    found = []
    for bus in np.flatnonzero(entering >= 0):
        row = int(entering[bus])
        if row in wanted:
            if visit[bus] == last[bus]:  # most of them cut one bus off
                found.append(
                    IslandingOutage(row, (int(bus),), float(load[bus]), float(generation[bus]))
                )
                continue
            below = np.sort(sequence[visit[bus] : last[bus] + 1])
            found.append(
                IslandingOutage(
                    branch_row=row,
                    bus_rows=tuple(below.tolist()),
                    load_mw=float(load[below].sum()),
                    generation_mw=float(generation[below].sum()),
                )
            )
    return tuple(sorted(found, key=lambda outage: outage.branch_row))


def blocks_by_position(model: LinearModel, rows: Integers) -> tuple[Integers, Integers]:
    """Order outages so that the columns of a block start late and close together.

    Returns:
        (c,) places in ``rows``, and (blocks,) the first factor row that each block touches.
    """
    first = np.minimum(model.from_position[rows], model.to_position[rows]).astype(np.int64)
    order = np.argsort(first, kind="stable")
    return order, first[order][::BLOCK].copy()


def scan_order(model: LinearModel, rows: Integers) -> Integers:
    """Order of monitored branches in which the scan walks through memory."""
    first = np.minimum(model.from_position[rows], model.to_position[rows])
    return np.argsort(first, kind="stable")


def _merge_threads(best: Floats, best_outage: Integers) -> tuple[Floats, Integers]:
    """Largest value of each column; among equal ones the lowest outage row."""
    worst = best.max(axis=0, initial=0.0)
    rows = np.where((best == worst) & (best_outage >= 0), best_outage, np.iinfo(np.int64).max).min(
        axis=0, initial=np.iinfo(np.int64).max
    )
    return worst, np.where(rows == np.iinfo(np.int64).max, NO_OUTAGE, rows)


@numba.njit(cache=True, parallel=True, fastmath=True, boundscheck=False)
def _scan_outages(  # type: ignore[no-untyped-def]
    column_start,
    row,
    value,
    inverse_diagonal,
    from_position,
    to_position,
    susceptance,
    flow,
    watched_from,
    watched_to,
    watched_scale,
    watched_before,
    place,
    outages,
    order,
    block_first,
    above,
    best,
    best_outage,
    outage_best,
    outage_branch,
    pairs,
    pair_loadings,
    counts,
):
    """Solve and scan all outages, sixteen at a time; threads take blocks in turn."""
    n = len(inverse_diagonal)
    threads = best.shape[0]
    capacity = pairs.shape[1]
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
        pushed = np.zeros(BLOCK)
        loading = np.zeros(BLOCK)
        worst = np.zeros(BLOCK)
        worst_at = np.zeros(BLOCK, np.int64)
        column_of = np.full(len(watched_from), -1, np.int32)
        count = 0
        for number in range(thread, len(block_first), threads):
            width = solve_outages(
                column_start,
                row,
                value,
                inverse_diagonal,
                from_position,
                to_position,
                outages,
                order,
                number,
                block_first[number],
                block,
            )
            for w in range(BLOCK):
                pushed[w] = 0.0
                worst[w] = 0.0
                worst_at[w] = -1
            for w in range(width):
                c = outages[order[number * BLOCK + w]]
                own = susceptance[c] * (block[from_position[c], w] - block[to_position[c], w])
                pushed[w] = flow[c] / (1.0 - own)
                if place[c] >= 0:
                    column_of[place[c]] = w
            earliest = outages[order[number * BLOCK]]
            for w in range(1, width):
                earliest = min(earliest, outages[order[number * BLOCK + w]])
            for k in range(len(watched_from)):
                a = watched_from[k]
                z = watched_to[k]
                scaled = watched_scale[k]
                before = watched_before[k]
                # An equal loading matters only where this block has an outage of a lower row.
                keep = best[thread, k]
                if best_outage[thread, k] < earliest:
                    keep = keep * ABOVE_EQUAL + LEAST
                keep = min(keep, above)
                over = -1.0
                for w in range(BLOCK):
                    after = abs(before + scaled * (block[a, w] - block[z, w]) * pushed[w])
                    over = max(over, after - min(keep, worst[w]))
                if over < 0.0:
                    continue
                for w in range(BLOCK):
                    loading[w] = abs(before + scaled * (block[a, w] - block[z, w]) * pushed[w])
                if column_of[k] >= 0:
                    loading[column_of[k]] = 0.0
                for w in range(width):
                    if loading[w] > worst[w]:
                        worst[w] = loading[w]
                        worst_at[w] = k
                    if loading[w] >= keep:
                        c = outages[order[number * BLOCK + w]]
                        if loading[w] > best[thread, k] or (
                            loading[w] == best[thread, k] and c < best_outage[thread, k]
                        ):
                            best[thread, k] = loading[w]
                            best_outage[thread, k] = c
                        if loading[w] > above:
                            if count < capacity:
                                pairs[thread, count, 0] = order[number * BLOCK + w]
                                pairs[thread, count, 1] = k
                                pair_loadings[thread, count] = loading[w]
                            count += 1
            for w in range(width):
                place_of = order[number * BLOCK + w]
                c = outages[place_of]
                outage_best[place_of] = worst[w]
                outage_branch[place_of] = worst_at[w]
                if place[c] >= 0:
                    column_of[place[c]] = -1
        counts[thread] = count


@numba.njit(cache=True, boundscheck=False)
def bridges_below(start, other, edge, root, bus_count):  # type: ignore[no-untyped-def]
    """Depth-first numbers, last number below each bus, and the bridge that enters each bus."""
    visit = np.full(bus_count, -1, np.int64)
    low = np.zeros(bus_count, np.int64)
    last = np.zeros(bus_count, np.int64)
    via = np.full(bus_count, -1, np.int64)
    entering = np.full(bus_count, -1, np.int64)
    cursor = start[:-1].copy()
    stack = np.empty(bus_count, np.int64)
    depth = 0
    stack[0] = root
    visit[root] = 0
    counter = 1
    while depth >= 0:
        bus = stack[depth]
        if cursor[bus] < start[bus + 1]:
            q = cursor[bus]
            cursor[bus] += 1
            if edge[q] == via[bus]:
                continue
            neighbour = other[q]
            if visit[neighbour] < 0:
                visit[neighbour] = counter
                low[neighbour] = counter
                counter += 1
                via[neighbour] = edge[q]
                depth += 1
                stack[depth] = neighbour
            else:
                low[bus] = min(low[bus], visit[neighbour])
        else:
            last[bus] = counter - 1
            depth -= 1
            if depth >= 0:
                parent = stack[depth]
                low[parent] = min(low[parent], low[bus])
                if low[bus] > visit[parent]:
                    entering[bus] = via[bus]
    return visit, last, entering
