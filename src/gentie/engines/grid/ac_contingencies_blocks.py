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

from gentie.engines.grid.ac_contingencies_keeping import (
    GIVEN_UP,
    SOLVED,
)
from gentie.engines.grid.ac_contingencies_reactive import (
    MOST_CHANGES,
    ask_of_changed,
    begin_changes,
    change_sides,
    steer,
)
from gentie.engines.grid.lane_flows import add_edges, to_mismatch
from gentie.engines.grid.lane_solves import eliminate, substitute, substitute_and_move
from gentie.engines.grid.lanes import LANES, lane_array
from gentie.engines.grid.network import Floats, Integers
from gentie.engines.grid.reactive_limits import LIMIT_MARGIN_PU

POOLED = 4
"""A block with no more than so many outages left hands them to the pool."""
GATE_PU = 1e-3
"""Reactive limits are looked at when no mismatch is larger."""
HOPELESS_PU = 1e3
NEAR_PU = 1.0
"""A state with no larger mismatch is where full Newton begins; else that is the base state."""
WIDEST_SQUARE = 1.0
"""Of an angle's change along a branch, rad²; the series of sine and cosine serve up to there."""


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
def lanes_for(n):  # type: ignore[no-untyped-def]
    """Working memory for ``n`` buses."""
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
        if changes.listed[c] > 0:
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
        if worst < GATE_PU and (reactive.enforced or changes.listed[c] > 0):
            margin = LIMIT_MARGIN_PU + 2.0 * worst
            moved = change_sides(
                reactive,
                outages,
                changes,
                watch.visit,
                c,
                w,
                margin,
                state,
                change,
                lanes.generated[w],
            )
            if moved > 0:
                ask_of_changed(
                    reactive,
                    outages,
                    changes,
                    c,
                    w,
                    state,
                    change,
                    lanes.generated[w],
                    lanes.error[w],
                )
        if worst < effort.tolerance_pu and moved == 0:
            kept.status[c] = SOLVED if lanes.widest[w] < WIDEST_SQUARE else GIVEN_UP
        elif not worst < HOPELESS_PU or moved < 0 or kept.iterations[c] >= effort.iterations:
            kept.status[c] = GIVEN_UP
        else:
            left += 1
            if changes.listed[c] > 0:
                steer(reactive, changes, c, w, lanes.error[w], lanes.right)
            continue
        lanes.active[w] = 0.0
        if kept.status[c] == GIVEN_UP and not worst < NEAR_PU:
            state[:, :, w] = 0.0
            lanes.right[:, :, w] = 0.0
    return left


@numba.njit(cache=True, nogil=True)
def solve_block(  # type: ignore[no-untyped-def]
    frozen,
    outages,
    reactive,
    watch,
    changes,
    kept,
    effort,
    ids,
    count,
    is_new,
    state,
    lanes,
    mark,
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
            if np.isnan(outages.difficulty[c]):
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
