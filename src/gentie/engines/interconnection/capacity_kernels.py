"""The loops of ``capacity``: outage factors, bounds, and the scan of every pair.

Elements and outages are places in the list of monitored branches; -1 stands for no outage.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, solve_outages
from gentie.engines.interconnection.published import AT_LIMIT

LISTED = 0.02
"""Outage factors stored; a smaller value stores more and falls back less."""

COLD = 0.01
"""Outages whose branch the injection moves by less are looked at by bound only."""

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
def _lower(m, outage, value, limit, limit_at):  # type: ignore[no-untyped-def]
    """Note that a pair brings element ``m`` to its limit at ``value`` MW."""
    if value < limit[m] - SAME_MW:
        limit[m] = value
        limit_at[m] = outage
    elif value <= limit[m] + SAME_MW:
        limit[m] = min(value, limit[m])
        limit_at[m] = min(outage, limit_at[m])


@numba.njit(cache=True, parallel=True, boundscheck=False)
def list_outage_factors(  # type: ignore[no-untyped-def]
    column_start,
    row,
    value,
    inverse_diagonal,
    from_position,
    to_position,
    susceptance,
    flow,
    post_limit,
    outages,
    order,
    block_first,
    fill,
    stored,
    element,
    factor,
    largest,
    push,
):
    """Count (or fill in) the outage factors worth storing; keep the extremes of the others."""
    n = len(inverse_diagonal)
    k = len(susceptance)
    threads = largest.shape[0]
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
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
            for w in range(width):
                c = outages[order[number * BLOCK + w]]
                own = susceptance[c] * (block[from_position[c], w] - block[to_position[c], w])
                count = 0
                at = stored[c] if fill else 0
                for m in range(k):
                    if m == c:
                        continue
                    difference = block[from_position[m], w] - block[to_position[m], w]
                    moved = susceptance[m] * difference / (1.0 - own)
                    if abs(moved) >= LISTED:
                        if fill:
                            element[at + count] = m
                            factor[at + count] = moved
                        count += 1
                    elif not fill:
                        after = flow[m] + moved * flow[c]
                        largest[thread, m] = max(largest[thread, m], abs(moved))
                        if abs(after) <= post_limit[m] * (1.0 + AT_LIMIT):
                            push[thread, 0, m] = max(push[thread, 0, m], moved * flow[c])
                            push[thread, 1, m] = max(push[thread, 1, m], -moved * flow[c])
                if not fill:
                    stored[c] = count


@numba.njit(cache=True, parallel=True, boundscheck=False)
def prune_points(  # type: ignore[no-untyped-def]
    sensitivity,
    flow,
    normal_limit,
    post_limit,
    cut_off,
    is_outage,
    stored,
    element,
    factor,
    element_start,
    element_outage,
    element_factor,
    margin,
    listed_largest,
    push,
    unlisted_largest,
    lowest,
    elements,
    outages,
    unsettled,
):
    """Two lowest limits of each point; ``unsettled`` where the bounds do not prove them."""
    k = sensitivity.shape[1]
    for p in numba.prange(sensitivity.shape[0]):
        h = sensitivity[p]
        limit = np.full(k, np.inf)
        limit_at = np.full(k, -1, np.int64)
        hottest = 0.0
        for m in range(k):
            if is_outage[m]:
                hottest = max(hottest, abs(h[m]))
            if abs(h[m]) >= cut_off and abs(flow[m]) <= normal_limit[m] * (1.0 + AT_LIMIT):
                along = flow[m] if h[m] > 0 else -flow[m]
                _lower(m, -1, (normal_limit[m] - along) / abs(h[m]), limit, limit_at)
        for c in range(k):
            if is_outage[c] and abs(h[c]) >= COLD:
                for q in range(stored[c], stored[c + 1]):
                    m = element[q]
                    share = h[m] + factor[q] * h[c]
                    if abs(share) >= cut_off:
                        after = flow[m] + factor[q] * flow[c]
                        if abs(after) <= post_limit[m] * (1.0 + AT_LIMIT):
                            along = after if share > 0 else -after
                            _lower(m, c, (post_limit[m] - along) / abs(share), limit, limit_at)
        two_lowest(limit, limit_at, lowest[p], elements[p], outages[p])
        second = lowest[p, 1]
        for m in range(k):
            spread = COLD * listed_largest[m]
            widest = abs(h[m]) + spread
            if widest < cut_off or element_start[m + 1] == element_start[m]:
                continue
            room = margin[0, m] if h[m] > 0 else margin[1, m]
            if abs(h[m]) <= spread:
                room = min(margin[0, m], margin[1, m])
            if room > (second + SAME_MW) * widest:
                continue
            for q in range(element_start[m], element_start[m + 1]):
                c = element_outage[q]
                if abs(h[c]) < COLD:
                    share = h[m] + element_factor[q] * h[c]
                    if abs(share) >= cut_off:
                        after = flow[m] + element_factor[q] * flow[c]
                        if abs(after) <= post_limit[m] * (1.0 + AT_LIMIT):
                            along = after if share > 0 else -after
                            _lower(m, c, (post_limit[m] - along) / abs(share), limit, limit_at)
        two_lowest(limit, limit_at, lowest[p], elements[p], outages[p])
        second = lowest[p, 1]
        for m in range(k):
            spread = unlisted_largest[m] * hottest
            widest = abs(h[m]) + spread
            if widest < cut_off or push[0, m] == -np.inf:
                continue
            room = post_limit[m] - flow[m] - push[0, m]
            other = post_limit[m] + flow[m] - push[1, m]
            if abs(h[m]) <= spread:
                room = min(room, other)
            elif h[m] < 0:
                room = other
            if room <= (second + SAME_MW) * widest:
                unsettled[p] = True
                break


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
                        _lower(
                            m,
                            c,
                            (post_limit[m] - along) / abs(share),
                            lowest[thread, p],
                            lowest_at[thread, p],
                        )
