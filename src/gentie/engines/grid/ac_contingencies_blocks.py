"""Sixteen outages at a time: frozen Newton, a pool for the slow ones, and what is kept of each.

A step of an outage solves ``J x = r`` with the base factors, corrected for the branch by a 4 x 4
block (Woodbury); ``r`` is the mismatch at the outage's own state in double precision, so that the
answer is as good as the tolerance though the factors are single. A block ends when few of its
outages are left; those wait in a pool until a block is full of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gentie.engines.grid.ac_contingencies_reactive import (
    MOST_CHANGES,
    ask_of_changed,
    begin_changes,
    change_sides,
    steer,
)
from gentie.engines.grid.lane_flows import (
    add_edges,
    branch_loadings,
    to_mismatch,
    voltage_extremes,
)
from gentie.engines.grid.lane_solves import eliminate, substitute, substitute_and_move
from gentie.engines.grid.lanes import LANES, lane_array
from gentie.engines.grid.network import Floats, Integers
from gentie.engines.grid.reactive_limits import LIMIT_MARGIN_PU

PENDING, SOLVED, GIVEN_UP = 0, 1, 2
POOLED = 4
"""A block with no more than so many outages left hands them to the pool."""
GATE_PU = 1e-3
"""Reactive limits are looked at when no mismatch is larger."""
HOPELESS_PU = 1e3
NEAR_PU = 1.0
"""A state with no larger mismatch is where full Newton begins; else that is the base state."""
WIDEST_SQUARE = 1.0
"""Of an angle's change along a branch, rad²; the series of sine and cosine serve up to there."""
CHUNK = 64
"""Branches whose loadings are worked out before they are looked at."""
LOST = -1.0
"""Relative change of voltage that stands for a bus without one."""


class Watch(NamedTuple):
    """What the results are made from.

    Attributes:
        near: (k,) places of the live branches' ends.
        far: (k,) likewise.
        coefficient: (k, 9) powers as in ``branch_loadings``, and 1 / limit², 0 if not monitored.
        voltage: (n, 1) base voltage, pu.
        visit: (n,) depth-first number of each place.
        sequence: (n,) places in depth-first order.
        headroom_at: (h,) places with headroom.
        headroom: (h,) pu.
        above: squared loading from which pairs are kept.
    """

    near: npt.NDArray[np.int32]
    far: npt.NDArray[np.int32]
    coefficient: Floats
    voltage: Floats
    visit: Integers
    sequence: Integers
    headroom_at: Integers
    headroom: Floats
    above: float


class Kept(NamedTuple):
    """What the blocks fill in, (c,) by outage.

    Attributes:
        status: ``PENDING``, ``SOLVED`` or ``GIVEN_UP``.
        iterations: solves with the factors.
        worst: squared worst loading.
        worst_at: its branch, a place among the live ones; -1 where none is loaded.
        lowest: voltage, pu.
        lowest_at: its place.
        highest: voltage, pu.
        highest_at: its place.
        slot: row of ``stored``, -1 where nothing is stored.
        stored: (slots, 2, n) changes of angle and relative voltage, single precision.
    """

    status: Integers
    iterations: Integers
    worst: Floats
    worst_at: Integers
    lowest: Floats
    lowest_at: Integers
    highest: Floats
    highest_at: Integers
    slot: Integers
    stored: npt.NDArray[np.float32]


class Effort(NamedTuple):
    """How long to try.

    Attributes:
        tolerance_pu: largest mismatch accepted.
        iterations: most solves with the factors.
    """

    tolerance_pu: float
    iterations: int


class Lanes(NamedTuple):
    """Working memory of one thread, (n, 2, LANES) unless said."""

    change: Floats
    right: npt.NDArray[np.float32]
    path: npt.NDArray[np.float32]
    largest: Floats
    widest: Floats
    active: Floats
    marked: Integers
    touched: Integers
    generated: Floats
    error: Floats


@numba.njit(cache=True, nogil=True)
def _lanes(n):  # type: ignore[no-untyped-def]
    return Lanes(
        lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES),
        lane_array(2 * n, 4).view(np.float32).reshape(n, 2, LANES),
        lane_array(2 * n, 4).view(np.float32).reshape(n, 2, LANES),
        lane_array(1, 8).view(np.float64),
        lane_array(1, 8).view(np.float64),
        lane_array(1, 8).view(np.float64),
        np.zeros(n, np.int64),
        np.empty(n, np.int64),
        np.zeros((LANES, MOST_CHANGES)),
        np.zeros((LANES, MOST_CHANGES)),
    )


@numba.njit(cache=True, nogil=True)
def _paths(frozen, outages, ids, count, lanes, mark):  # type: ignore[no-untyped-def]
    """Rows of the factors that the ends of these branches touch, ascending."""
    touched = 0
    for w in range(count):
        for end in range(2):
            j = outages.near[ids[w]] if end == 0 else outages.far[ids[w]]
            while j >= 0 and lanes.marked[j] != mark:
                lanes.marked[j] = mark
                lanes.touched[touched] = j
                touched += 1
                j = frozen.parent[j]
    return np.sort(lanes.touched[:touched])


@numba.njit(cache=True, nogil=True)
def _substitute_all(frozen, state, lanes):  # type: ignore[no-untyped-def]
    for j in range(len(frozen.own) - 1, -1, -1):
        substitute_and_move(
            state.ctypes.data,
            lanes.change.ctypes.data,
            lanes.right.ctypes.data,
            lanes.active.ctypes.data,
            frozen.own.ctypes.data,
            frozen.row.ctypes.data,
            frozen.upper.ctypes.data,
            frozen.inverse_diagonal.ctypes.data,
            frozen.column_start[j],
            frozen.column_start[j + 1],
            j,
        )


@numba.njit(cache=True, nogil=True)
def _eliminate(frozen, right, j):  # type: ignore[no-untyped-def]
    eliminate(
        right.ctypes.data,
        frozen.row.ctypes.data,
        frozen.lower.ctypes.data,
        frozen.column_start[j],
        frozen.column_start[j + 1],
        j,
    )


@numba.njit(cache=True, nogil=True)
def _correct(frozen, outages, ids, count, path, lanes):  # type: ignore[no-untyped-def]
    """Add E C E' J^-1 r to the eliminated right-hand sides, in eliminated form."""
    right, local = lanes.right, lanes.path
    for k in range(len(path) - 1, -1, -1):
        j = path[k]
        substitute(
            local.ctypes.data,
            right.ctypes.data,
            frozen.row.ctypes.data,
            frozen.upper.ctypes.data,
            frozen.inverse_diagonal.ctypes.data,
            frozen.column_start[j],
            frozen.column_start[j + 1],
            j,
        )
    at_ends = np.empty((LANES, 4))
    for w in range(count):
        f, t = outages.near[ids[w]], outages.far[ids[w]]
        at_ends[w] = (local[f, 0, w], local[f, 1, w], local[t, 0, w], local[t, 1, w])
    for k in range(len(path)):
        local[path[k]] = 0.0
    for w in range(count):
        c = ids[w]
        f, t = outages.near[c], outages.far[c]
        if outages.scanned[c] < 0:
            continue
        for k in range(4):
            value = 0.0
            for m in range(4):
                value += outages.correction[c, k, m] * at_ends[w, m]
            bus = f if k < 2 else t
            local[bus, k % 2, w] += value
    for k in range(len(path)):
        _eliminate(frozen, local, path[k])
    for k in range(len(path)):
        right[path[k]] += local[path[k]]


@numba.njit(cache=True, nogil=True)
def _take_away(outages, watch, c, w, state, change):  # type: ignore[no-untyped-def]
    """What the outage changes of the injections: its branch, its unit, what it cuts off."""
    if outages.scanned[c] >= 0:
        f, t = outages.near[c], outages.far[c]
        at_f, at_t = 1.0 + state[f, 1, w], 1.0 + state[t, 1, w]
        angle = state[f, 0, w] - state[t, 0, w]
        cosine, sine = np.cos(angle) * at_f * at_t, np.sin(angle) * at_f * at_t
        ff, ff_q, ft, ft_q, tt, tt_q, tf, tf_q = outages.power[c]
        change[f, 0, w] -= ff * at_f * at_f + ft * cosine - ft_q * sine
        change[f, 1, w] -= ff_q * at_f * at_f + ft_q * cosine + ft * sine
        change[t, 0, w] -= tt * at_t * at_t + tf * cosine + tf_q * sine
        change[t, 1, w] -= tt_q * at_t * at_t + tf_q * cosine - tf * sine
    change[outages.point[c], 0, w] -= outages.point_p[c]
    change[outages.point[c], 1, w] -= outages.point_q[c]
    if outages.picked_up[c] > 0.0:
        for h in range(len(watch.headroom_at)):
            change[watch.headroom_at[h], 0, w] -= outages.picked_up[c] * watch.headroom[h]
    for number in range(outages.lost_first[c], outages.lost_last[c] + 1):
        change[watch.sequence[number], 0, w] = 0.0
        change[watch.sequence[number], 1, w] = 0.0


@numba.njit(cache=True, nogil=True)
def _settle(frozen, outages, reactive, watch, changes, kept, effort, ids, count, state, lanes):  # type: ignore[no-untyped-def]
    """Mismatches of all lanes, changes of sides, and who is done.

    Returns:
        How many outages of the block are not done.
    """
    change, largest = lanes.change, lanes.largest
    lanes.widest[:] = 0.0
    add_edges(
        state.ctypes.data,
        change.ctypes.data,
        frozen.near.ctypes.data,
        frozen.far.ctypes.data,
        frozen.coefficient.ctypes.data,
        lanes.widest.ctypes.data,
        np.int64(0),
        len(frozen.near),
    )
    lacking = np.zeros(LANES)
    for w in range(count):
        c = ids[w]
        _take_away(outages, watch, c, w, state, change)
        if changes.count[c] > 0:
            lacking[w] = ask_of_changed(
                reactive, outages, changes, c, w, state, change, lanes.generated[w], lanes.error[w]
            )
    largest[:] = 0.0
    to_mismatch(
        change.ctypes.data,
        lanes.right.ctypes.data,
        frozen.is_free.ctypes.data,
        largest.ctypes.data,
        np.int64(0),
        len(frozen.own),
    )
    left = 0
    for w in range(count):
        if lanes.active[w] == 0.0:
            continue
        c = ids[w]
        worst = max(largest[w], lacking[w])
        moved = 0
        if worst < GATE_PU and (reactive.enforced or changes.count[c] > 0):
            margin = LIMIT_MARGIN_PU + 2.0 * worst
            moved = change_sides(
                reactive, outages, changes, watch.visit, c, w, margin, state, change,
                lanes.generated[w],
            )
            if moved > 0:
                ask_of_changed(
                    reactive, outages, changes, c, w, state, change, lanes.generated[w],
                    lanes.error[w],
                )
        if worst < effort.tolerance_pu and moved == 0:
            kept.status[c] = SOLVED if lanes.widest[w] < WIDEST_SQUARE else GIVEN_UP
        elif not worst < HOPELESS_PU or moved < 0 or kept.iterations[c] >= effort.iterations:
            kept.status[c] = GIVEN_UP
        else:
            left += 1
            if changes.count[c] > 0:
                steer(reactive, changes, c, w, lanes.error[w], lanes.right)
            continue
        lanes.active[w] = 0.0
        if kept.status[c] == GIVEN_UP and not worst < NEAR_PU:
            state[:, :, w] = 0.0
            lanes.right[:, :, w] = 0.0
    return left


@numba.njit(cache=True, nogil=True)
def _solve_block(
    frozen, outages, reactive, watch, changes, kept, effort, ids, count, is_new, state, lanes, mark  # type: ignore[no-untyped-def]
):
    """Step all outages of a block until they are done, or few enough are left for the pool.

    A new block begins from the base state; one from the pool goes on with the right-hand sides that
    it brought, so that an outage takes the same steps whoever shares its block.
    """
    path = _paths(frozen, outages, ids, count, lanes, mark)
    lanes.active[:] = 0.0
    for w in range(count):
        lanes.active[w] = 1.0
    steps = 0
    if is_new:
        state[:] = 0.0
        lanes.right[:] = 0.0
        for w in range(count):
            c = ids[w]
            begin_changes(reactive, outages, changes, c)
            if not outages.difficulty[c] == outages.difficulty[c]:
                lanes.active[w] = 0.0
                kept.status[c] = GIVEN_UP
                continue
            f, t = outages.near[c], outages.far[c]
            lanes.right[f, 0, w] += outages.first_right[c, 0]
            lanes.right[f, 1, w] += outages.first_right[c, 1]
            lanes.right[t, 0, w] += outages.first_right[c, 2]
            lanes.right[t, 1, w] += outages.first_right[c, 3]
        for k in range(len(path)):
            _eliminate(frozen, lanes.right, path[k])
        _substitute_all(frozen, state, lanes)
        steps = 1
        for w in range(count):
            kept.iterations[ids[w]] += 1
    while True:
        if steps > 0:
            left = _settle(
                frozen, outages, reactive, watch, changes, kept, effort, ids, count, state, lanes
            )
            if left == 0 or (is_new and steps >= 2 and left <= POOLED):
                return
        for j in range(len(frozen.own)):
            _eliminate(frozen, lanes.right, j)
        _correct(frozen, outages, ids, count, path, lanes)
        _substitute_all(frozen, state, lanes)
        steps += 1
        for w in range(count):
            if lanes.active[w] > 0.0:
                kept.iterations[ids[w]] += 1


@numba.njit(cache=True, nogil=True, fastmath=True)
def _largest(squares, k):  # type: ignore[no-untyped-def]
    most = 0.0
    for w in range(LANES):
        most = max(most, squares[k, w])
    return most


@numba.njit(cache=True, nogil=True)
def _keep_block(
    outages, watch, kept, ids, count, state, opened, best, best_outage, pairs, pair_loading, found  # type: ignore[no-untyped-def]
):
    """Reduce the solved lanes of a block to what is kept.

    Returns:
        The pairs above the threshold so far, their loadings and their number.
    """
    n = len(watch.voltage)
    table = lane_array(CHUNK + 4, 8).view(np.float64).reshape(CHUNK + 4, LANES)
    squares, worst, lowest = table[:CHUNK], table[CHUNK], table[CHUNK + 1]
    highest, is_kept = table[CHUNK + 2], table[CHUNK + 3]
    for w in range(count):
        c = ids[w]
        if kept.status[c] != SOLVED:
            continue
        is_kept[w] = 1.0
        for number in range(outages.lost_first[c], outages.lost_last[c] + 1):
            state[watch.sequence[number], 0, w] = 0.0
            state[watch.sequence[number], 1, w] = LOST
        if outages.scanned[c] >= 0:
            opened[outages.scanned[c]] = w
    if len(kept.stored):
        for first in range(0, n, LANES):
            last = min(n, first + LANES)
            for w in range(count):
                if kept.status[ids[w]] == SOLVED and kept.slot[ids[w]] >= 0:
                    row = kept.stored[kept.slot[ids[w]]]
                    for i in range(first, last):
                        row[0, i] = state[i, 0, w]
                    for i in range(first, last):
                        row[1, i] = state[i, 1, w]
    places = lane_array(3, 8).view(np.int64).reshape(3, LANES)
    worst_at, lowest_at, highest_at = places[0], places[1], places[2]
    worst_at[:] = -1
    lowest[:] = np.inf
    for first in range(0, len(watch.near), CHUNK):
        last = min(first + CHUNK, len(watch.near))
        branch_loadings(
            state.ctypes.data,
            watch.near.ctypes.data,
            watch.far.ctypes.data,
            watch.coefficient.ctypes.data,
            opened.ctypes.data,
            is_kept.ctypes.data,
            squares.ctypes.data,
            worst.ctypes.data,
            worst_at.ctypes.data,
            np.int64(first),
            np.int64(last),
        )
        for k in range(first, last):
            most = _largest(squares, k - first)
            if most < best[k] and most <= watch.above:
                continue
            for w in range(count):
                loading = squares[k - first, w]
                if loading > best[k] or (loading == best[k] and ids[w] < best_outage[k]):
                    if loading > 0.0:
                        best[k] = loading
                        best_outage[k] = ids[w]
                if loading > watch.above:
                    if found == len(pairs):
                        longer = np.empty((2 * found + 64, 2), np.int64)
                        longer[:found] = pairs
                        pairs = longer
                        more = np.empty(2 * found + 64)
                        more[:found] = pair_loading
                        pair_loading = more
                    pairs[found, 0] = ids[w]
                    pairs[found, 1] = k
                    pair_loading[found] = loading
                    found += 1
    voltage_extremes(
        state.ctypes.data,
        watch.voltage.ctypes.data,
        lowest.ctypes.data,
        lowest_at.ctypes.data,
        highest.ctypes.data,
        highest_at.ctypes.data,
        np.int64(0),
        n,
    )
    for w in range(count):
        c = ids[w]
        if outages.scanned[c] >= 0:
            opened[outages.scanned[c]] = -1
        if kept.status[c] == SOLVED:
            kept.worst[c] = worst[w]
            kept.worst_at[c] = worst_at[w]
            kept.lowest[c] = lowest[w]
            kept.lowest_at[c] = lowest_at[w]
            kept.highest[c] = highest[w]
            kept.highest_at[c] = highest_at[w]
    return pairs, pair_loading, found


@numba.njit(cache=True, nogil=True)
def solve_outages(
    frozen,  # type: ignore[no-untyped-def]
    outages,
    reactive,
    watch,
    changes,
    kept,
    effort,
    order,
    thread,
    threads,
    best,
    best_outage,
):
    """Every ``threads``-th block of outages, from block ``thread`` on.

    Args:
        frozen: ``FrozenArrays``.
        outages: ``OutageArrays``.
        reactive: ``ReactiveArrays``.
        watch: ``Watch``.
        changes: ``Changes``, filled.
        kept: ``Kept``, filled.
        effort: ``Effort``.
        order: outages in the order in which blocks take them.
        thread: number of this call.
        threads: how many calls share the work.
        best: (k,) squared worst loading of each branch, filled.
        best_outage: (k,) its outage, filled.

    Returns:
        Pairs above the threshold: outage and branch, and their squared loadings; then outages that
        were given up, and the (2, n) states that they had come to, zero where those led nowhere.
    """
    n = len(frozen.own)
    lanes = _lanes(n)
    state = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    pool = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    pool_right = lane_array(2 * n, 4).view(np.float32).reshape(n, 2, LANES)
    pooled = np.zeros(LANES, np.int64)
    waiting = 0
    mark = 0
    opened = np.full(len(watch.near), -1, np.int32)
    pairs = np.empty((64, 2), np.int64)
    pair_loading = np.empty(64)
    found = 0
    near_ids = np.empty(8, np.int64)
    near_states = np.empty((8, 2, n))
    near = 0
    blocks = (len(order) + LANES - 1) // LANES
    for block in range(thread, blocks + threads, threads):
        for from_pool in range(2):
            if from_pool == 0:
                if block >= blocks:
                    continue
                ids = order[block * LANES : min((block + 1) * LANES, len(order))]
                states = state
            else:
                if waiting == 0 or (waiting + POOLED <= LANES and block < blocks):
                    continue
                ids = pooled[:waiting].copy()
                states = pool
                lanes.right[:] = pool_right
                waiting = 0
            mark += 1
            _solve_block(
                frozen, outages, reactive, watch, changes, kept, effort, ids, len(ids),
                from_pool == 0, states, lanes, mark,
            )
            for w in range(len(ids)):
                if kept.status[ids[w]] == PENDING:
                    pool[:, :, waiting] = states[:, :, w]
                    pool_right[:, :, waiting] = lanes.right[:, :, w]
                    pooled[waiting] = ids[w]
                    waiting += 1
                elif kept.status[ids[w]] == GIVEN_UP:
                    if near == len(near_ids):
                        more_ids = np.empty(2 * near, np.int64)
                        more_ids[:near] = near_ids
                        near_ids = more_ids
                        more_states = np.empty((2 * near, 2, n))
                        more_states[:near] = near_states
                        near_states = more_states
                    near_ids[near] = ids[w]
                    near_states[near] = states[:, :, w].T
                    near += 1
            pairs, pair_loading, found = _keep_block(
                outages, watch, kept, ids, len(ids), states, opened, best, best_outage, pairs,
                pair_loading, found,
            )
    return pairs[:found], pair_loading[:found], near_ids[:near], near_states[:near]
