"""All blocks of one thread, one after the other, with the pool in which slow outages wait."""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.ac_contingencies_blocks import POOLED, lanes_for, solve_block
from gentie.engines.grid.ac_contingencies_keeping import GIVEN_UP, PENDING, keep_block
from gentie.engines.grid.lanes import LANES, lane_array


@numba.njit(cache=True, nogil=True)
def solve_outages(  # type: ignore[no-untyped-def]
    frozen,
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
    lanes = lanes_for(n)
    state = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    pool = lane_array(2 * n, 8).view(np.float64).reshape(n, 2, LANES)
    pool_right = lane_array(2 * n, 4).view(np.float32).reshape(n, 2, LANES)
    pooled = np.zeros(LANES, np.int64)
    waiting = 0
    mark = 0
    opened = np.full(len(watch.near), -1, np.int32)
    scratch = np.empty(kept.stored.shape[2], np.float32)
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
            solve_block(
                frozen,
                outages,
                reactive,
                watch,
                changes,
                kept,
                effort,
                ids,
                len(ids),
                from_pool == 0,
                states,
                lanes,
                mark,
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
            pairs, pair_loading, found = keep_block(
                outages,
                watch,
                kept,
                ids,
                len(ids),
                states,
                opened,
                scratch,
                best,
                best_outage,
                pairs,
                pair_loading,
                found,
            )
    return pairs[:found], pair_loading[:found], near_ids[:near], near_states[:near]
