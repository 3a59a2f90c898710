"""What is kept of a block of outages: worst loadings, extreme voltages, pairs, every voltage."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gentie.engines.grid.lane_flows import branch_loadings, keep_lanes, voltage_extremes
from gentie.engines.grid.lanes import LANES, lane_array
from gentie.engines.grid.network import Floats, Integers

PENDING, SOLVED, GIVEN_UP = 0, 1, 2
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
        stored: (slots, 2, n or a little more) changes of angle and relative voltage, single
            precision.
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


@numba.njit(cache=True, nogil=True, fastmath=True)
def _largest(squares, k):  # type: ignore[no-untyped-def]
    most = 0.0
    for w in range(LANES):
        most = max(most, squares[k, w])
    return most


@numba.njit(cache=True, nogil=True)
def _store(kept, ids, count, state, scratch):  # type: ignore[no-untyped-def]
    """Write the states of the solved lanes to their slots; the others go to a scratch row."""
    n = len(state)
    tiles = kept.stored.shape[2] // LANES
    rows = np.empty(LANES, np.int64)
    for quantity in range(2):
        for w in range(LANES):
            rows[w] = scratch.ctypes.data
            if w < count and kept.status[ids[w]] == SOLVED and kept.slot[ids[w]] >= 0:
                rows[w] = kept.stored[kept.slot[ids[w]], quantity].ctypes.data
        keep_lanes(state.ctypes.data, np.int64(quantity), rows.ctypes.data, np.int64(tiles), n - 1)


@numba.njit(cache=True, nogil=True)
def keep_block(  # type: ignore[no-untyped-def]
    outages,
    watch,
    kept,
    ids,
    count,
    state,
    opened,
    scratch,
    best,
    best_outage,
    pairs,
    pair_loading,
    found,
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
        _store(kept, ids, count, state, scratch)
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
                is_first = loading == best[k] and ids[w] < best_outage[k]
                if loading > best[k] or (is_first and loading > 0.0):
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
