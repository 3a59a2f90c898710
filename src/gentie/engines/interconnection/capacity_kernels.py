"""What every way to a capacity shares, and the scan of every pair.

Elements and outages are places in the list of monitored branches; -1 stands for no outage.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, solve_outages
from gentie.engines.interconnection.published import AT_LIMIT

SAME_MW = 1e-6
"""Capacities closer than this are equal; the pair that stands first in the case is named."""


@numba.njit(cache=True, boundscheck=False)
def two_lowest(limit, outage, lowest, elements, outages):  # type: ignore[no-untyped-def]
    """The two elements with the least MW; equal ones as they stand in the case."""
    for rank in range(2):
        least = np.inf
        for m in range(len(limit)):
            if (rank == 0 or m != elements[0]) and limit[m] < least:
                least = limit[m]
        lowest[rank] = np.inf
        elements[rank] = -1
        outages[rank] = -1
        if least == np.inf:
            continue
        for m in range(len(limit)):
            if (rank == 0 or m != elements[0]) and limit[m] <= least + SAME_MW:
                lowest[rank] = limit[m]
                elements[rank] = m
                outages[rank] = outage[m]
                break


@numba.njit(cache=True, boundscheck=False, inline="always")
def lower_limit(m, outage, value, limit, limit_at):  # type: ignore[no-untyped-def]
    """Note that a pair brings element ``m`` to its limit at ``value`` MW."""
    if value < limit[m] - SAME_MW:
        limit[m] = value
        limit_at[m] = outage
    elif value <= limit[m] + SAME_MW:
        limit[m] = min(value, limit[m])
        limit_at[m] = min(outage, limit_at[m])


@numba.njit(cache=True, parallel=True, boundscheck=False)
def scan_pairs(  # type: ignore[no-untyped-def]
    column_start,
    row,
    value,
    inverse_diagonal,
    from_position,
    to_position,
    susceptance,
    flow,
    normal_limit,
    post_limit,
    outages,
    order,
    block_first,
    sensitivity,
    mw,
    cut_off,
    lowest,
    lowest_at,
    after,
    after_at,
    reached,
):
    """Every pair for every point; the least MW and the worst loading of each element."""
    n = len(inverse_diagonal)
    k = len(susceptance)
    threads = lowest.shape[0]
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
        moved = np.zeros((k, BLOCK))
        for p in range(sensitivity.shape[0]):
            if thread > 0:
                break
            for m in range(k):
                share = sensitivity[p, m]
                if abs(share) >= cut_off and abs(flow[m]) <= normal_limit[m] * (1.0 + AT_LIMIT):
                    reached[thread, p, m] = True
                    after[thread, p, m] = abs(flow[m] + mw * share) / normal_limit[m]
                    along = flow[m] if share > 0 else -flow[m]
                    lowest[thread, p, m] = (normal_limit[m] - along) / abs(share)
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
            for m in range(k):
                for w in range(BLOCK):
                    moved[m, w] = susceptance[m] * (
                        block[from_position[m], w] - block[to_position[m], w]
                    )
            for w in range(width):
                c = outages[order[number * BLOCK + w]]
                scale = 1.0 / (1.0 - moved[c, w])
                for p in range(sensitivity.shape[0]):
                    h = sensitivity[p]
                    for m in range(k):
                        factor = moved[m, w] * scale
                        share = h[m] + factor * h[c]
                        if abs(share) < cut_off or m == c:
                            continue
                        flow_after = flow[m] + factor * flow[c]
                        if abs(flow_after) > post_limit[m] * (1.0 + AT_LIMIT):
                            continue
                        loading = abs(flow_after + mw * share) / post_limit[m]
                        if loading > after[thread, p, m] + AT_LIMIT:
                            after[thread, p, m] = loading
                            after_at[thread, p, m] = c
                        elif loading >= after[thread, p, m] - AT_LIMIT:
                            after[thread, p, m] = max(loading, after[thread, p, m])
                            if reached[thread, p, m]:
                                after_at[thread, p, m] = min(c, after_at[thread, p, m])
                            else:
                                after_at[thread, p, m] = c
                        reached[thread, p, m] = True
                        along = flow_after if share > 0 else -flow_after
                        lower_limit(
                            m,
                            c,
                            (post_limit[m] - along) / abs(share),
                            lowest[thread, p],
                            lowest_at[thread, p],
                        )
