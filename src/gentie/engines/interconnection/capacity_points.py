"""The loops that settle points: their factors, the cheap limits first, then lists and rows.

An element ``m`` binds with outage ``c`` at ``v`` MW where ``room = v (s h_m + s L h_c)``, with
``s`` the direction of the term and ``room = limit_m - s (f_m + L f_c)``. Below a cap ``v <= U``
this needs either ``U s h_m >= K`` or ``U s L h_c >= room - K`` for any ``K``; ``capacity_lists``
chooses a ``K`` per pair and sorts the pairs by it, once by element and once by outage, so that a
point walks each list only as far as its own ``U |h|``.

Elements and outages are places in the list of monitored branches. Side 0 is the direction of the
element's own flow ``from`` to ``to``, side 1 the other; a list belongs to a place and a side.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, solve_touched, touch
from gentie.engines.interconnection.capacity_kernels import SAME_MW, lower_limit, two_lowest
from gentie.engines.interconnection.published import AT_LIMIT

ROWS_KEPT = 64
"""Rows of outage factors that a thread keeps for the next point."""

MARGIN = 1e-9
"""Caps are widened by this share, so that rounding never leaves a pair out."""


@numba.njit(cache=True, boundscheck=False, inline="always")
def ranked(first, first_at, second, element, value):  # type: ignore[no-untyped-def]
    """The two lowest limits of different elements after one more value; who has the first."""
    if element == first_at:
        return min(first, value), first_at, second
    if value < first:
        return value, element, first
    return first, first_at, min(second, value)


@numba.njit(cache=True, boundscheck=False)
def point_factors(  # type: ignore[no-untyped-def]
    solver, from_position, to_position, susceptance, fleet, position, order, number, block, factor
):
    """Fill ``factor`` (BLOCK, k) for the points of one block; return how many there are."""
    column_start, row, value, inverse_diagonal = solver
    n = len(inverse_diagonal)
    width = min(BLOCK, len(order) - number * BLOCK)
    is_touched = np.zeros(n, np.bool_)
    first = n
    for w in range(width):
        at = position[order[number * BLOCK + w]]
        if at < n:
            touch(column_start, row, at, is_touched, block)
            block[at, w] = 1.0
            first = min(first, at)
    solve_touched(column_start, row, value, inverse_diagonal, block, is_touched, first)
    for m in range(len(susceptance)):
        a = from_position[m]
        z = to_position[m]
        for w in range(width):
            factor[w, m] = susceptance[m] * (block[a, w] - block[z, w]) - fleet[m]
    return width


@numba.njit(cache=True, boundscheck=False)
def cheap_limits(  # type: ignore[no-untyped-def]
    h, flow, normal_limit, post_limit, cut_off, worst, worst_factor, limit, limit_at
):
    """Limits with nothing out and with each element's worst outage; the two lowest of them."""
    first, first_at, second = np.inf, -1, np.inf
    for m in range(len(h)):
        limit[m] = np.inf
        limit_at[m] = -1
        if abs(h[m]) >= cut_off and abs(flow[m]) <= normal_limit[m] * (1.0 + AT_LIMIT):
            along = flow[m] if h[m] > 0 else -flow[m]
            limit[m] = (normal_limit[m] - along) / abs(h[m])
        c = worst[m]
        if c >= 0:
            share = h[m] + worst_factor[m] * h[c]
            if abs(share) >= cut_off:
                after = flow[m] + worst_factor[m] * flow[c]
                if abs(after) <= post_limit[m] * (1.0 + AT_LIMIT):
                    along = after if share > 0 else -after
                    lower_limit(m, c, (post_limit[m] - along) / abs(share), limit, limit_at)
        if limit[m] < second:
            first, first_at, second = ranked(first, first_at, second, m, limit[m])
    return first, first_at, second


@numba.njit(cache=True, parallel=True, boundscheck=False)
def reach_of_points(  # type: ignore[no-untyped-def]
    solver,
    from_position,
    to_position,
    susceptance,
    fleet,
    position,
    order,
    flow,
    normal_limit,
    post_limit,
    cut_off,
    worst,
    worst_factor,
    element_reach,
    outage_reach,
    is_capped,
):
    """Largest ``U |h|`` of all points, by thread, side and place: how far lists must go.

    ``element_reach`` takes the element's own limit for ``U`` where that is lower,
    ``outage_reach`` the point's second lowest limit. Points without a second limit are left out.
    """
    n, k = len(solver[3]), len(susceptance)
    threads = element_reach.shape[0]
    blocks = (len(order) + BLOCK - 1) // BLOCK
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
        factor = np.zeros((BLOCK, k))
        limit, limit_at = np.empty(k), np.empty(k, np.int64)
        for number in range(thread, blocks, threads):
            width = point_factors(
                solver,
                from_position,
                to_position,
                susceptance,
                fleet,
                position,
                order,
                number,
                block,
                factor,
            )
            for w in range(width):
                h = factor[w]
                _, _, second = cheap_limits(
                    h, flow, normal_limit, post_limit, cut_off, worst, worst_factor, limit, limit_at
                )
                is_capped[order[number * BLOCK + w]] = second < np.inf
                if second == np.inf:
                    continue
                for m in range(k):
                    side = 0 if h[m] > 0 else 1
                    widest = (second + SAME_MW) * abs(h[m])
                    own = (min(second, limit[m]) + SAME_MW) * abs(h[m])
                    outage_reach[thread, side, m] = max(outage_reach[thread, side, m], widest)
                    element_reach[thread, side, m] = max(element_reach[thread, side, m], own)


@numba.njit(cache=True, parallel=True, boundscheck=False)
def settle_points(  # type: ignore[no-untyped-def]
    solver,
    from_position,
    to_position,
    susceptance,
    fleet,
    position,
    order,
    flow,
    normal_limit,
    post_limit,
    cut_off,
    worst,
    worst_factor,
    outage_scale,
    listed_until,
    element_start,
    element_outage,
    element_factor,
    element_key,
    outage_start,
    outage_element,
    outage_factor,
    outage_key,
    lowest,
    elements,
    outages,
    threads,
):
    """Two lowest limits of each point.

    Args:
        solver: column starts, rows, values and inverse diagonal of the factor.
        from_position: (k,) place of each element's ``from`` bus in the factor.
        to_position: (k,) of its ``to`` bus.
        susceptance: (k,) of the elements.
        fleet: (k,) factor of the displaced fleet.
        position: (p,) place of each point's bus in the factor.
        order: (q,) points to settle, neighbours together.
        flow: (k,) MW with nothing out.
        normal_limit: (k,) MW.
        post_limit: (k,) MW.
        cut_off: least factor that counts.
        worst: (k,) one outage by element to begin with; -1 for none.
        worst_factor: (k,) its outage factor.
        outage_scale: (k,) ``1 / (1 - own factor)``; 0 for what is not opened.
        listed_until: (2, k) caps by side and element up to which the lists of pairs hold.
        element_start: (2k + 1,) lists by element and side, 2m + side.
        element_outage: their outages.
        element_factor: their outage factors.
        element_key: their keys, rising.
        outage_start: (2k + 1,) lists by outage and side.
        outage_element: their elements.
        outage_factor: their outage factors.
        outage_key: their keys, rising.
        lowest: (p, 2) filled in: MW.
        elements: (p, 2) filled in.
        outages: (p, 2) filled in.
        threads: numba threads.
    """
    n, k = len(solver[3]), len(susceptance)
    blocks = (len(order) + BLOCK - 1) // BLOCK
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
        factor = np.zeros((BLOCK, k))
        limit, limit_at = np.empty(k), np.empty(k, np.int64)
        column = np.empty(n + 1)
        rows, row_of = np.empty((ROWS_KEPT, k)), np.full(ROWS_KEPT, -1, np.int64)
        for number in range(thread, blocks, threads):
            width = point_factors(
                solver,
                from_position,
                to_position,
                susceptance,
                fleet,
                position,
                order,
                number,
                block,
                factor,
            )
            for w in range(width):
                h = factor[w]
                first, first_at, second = cheap_limits(
                    h, flow, normal_limit, post_limit, cut_off, worst, worst_factor, limit, limit_at
                )
                for m in range(k):
                    at = 2 * m if h[m] > 0 else 2 * m + 1
                    q, end = element_start[at], element_start[at + 1]
                    size = abs(h[m]) * (1.0 + MARGIN)
                    while q < end:
                        if element_key[q] > (min(second, limit[m]) + SAME_MW) * size:
                            break
                        c = element_outage[q]
                        share = h[m] + element_factor[q] * h[c]
                        if abs(share) >= cut_off:
                            after = flow[m] + element_factor[q] * flow[c]
                            along = after if share > 0 else -after
                            reached = (post_limit[m] - along) / abs(share)
                            if reached <= min(second, limit[m]) + SAME_MW:
                                lower_limit(m, c, reached, limit, limit_at)
                                first, first_at, second = ranked(
                                    first, first_at, second, m, reached
                                )
                        q += 1
                for c in range(k):
                    at = 2 * c if h[c] > 0 else 2 * c + 1
                    q, end = outage_start[at], outage_start[at + 1]
                    size = abs(h[c]) * (1.0 + MARGIN)
                    while q < end:
                        if outage_key[q] > (second + SAME_MW) * size:
                            break
                        m = outage_element[q]
                        share = h[m] + outage_factor[q] * h[c]
                        if abs(share) >= cut_off:
                            after = flow[m] + outage_factor[q] * flow[c]
                            along = after if share > 0 else -after
                            reached = (post_limit[m] - along) / abs(share)
                            if reached <= min(second, limit[m]) + SAME_MW:
                                lower_limit(m, c, reached, limit, limit_at)
                                first, first_at, second = ranked(
                                    first, first_at, second, m, reached
                                )
                        q += 1
                for m in range(k):
                    side = 0 if h[m] > 0 else 1
                    cap = (min(second, limit[m]) + SAME_MW) * abs(h[m]) * (1.0 + MARGIN)
                    if cap < listed_until[side, m]:
                        continue
                    slot = m % ROWS_KEPT
                    if row_of[slot] != m:
                        row_of[slot] = m
                        _outage_factor_row(
                            solver,
                            from_position,
                            to_position,
                            susceptance,
                            outage_scale,
                            m,
                            column,
                            rows[slot],
                        )
                    first, first_at, second = _scan_row(
                        m,
                        h,
                        rows[slot],
                        outage_scale,
                        flow,
                        post_limit,
                        cut_off,
                        limit,
                        limit_at,
                        first,
                        first_at,
                        second,
                    )
                point = order[number * BLOCK + w]
                two_lowest(limit, limit_at, lowest[point], elements[point], outages[point])


@numba.njit(cache=True, boundscheck=False)
def _outage_factor_row(  # type: ignore[no-untyped-def]
    solver, from_position, to_position, susceptance, outage_scale, m, column, out
):
    """Outage factors of one element for every outage, by symmetry from one solve."""
    column_start, row, value, inverse_diagonal = solver
    n = len(inverse_diagonal)
    column[:] = 0.0
    if from_position[m] < n:
        column[from_position[m]] = 1.0
    if to_position[m] < n:
        column[to_position[m]] = -1.0
    for j in range(min(from_position[m], to_position[m]), n):
        here = column[j]
        if here != 0.0:
            for q in range(column_start[j] + 1, column_start[j + 1]):
                column[row[q]] -= value[q] * here
    for j in range(n - 1, -1, -1):
        here = column[j] * inverse_diagonal[j]
        for q in range(column_start[j] + 1, column_start[j + 1]):
            here -= value[q] * column[row[q]]
        column[j] = here
    for c in range(len(susceptance)):
        difference = column[from_position[c]] - column[to_position[c]]
        out[c] = susceptance[m] * difference * outage_scale[c]


@numba.njit(cache=True, boundscheck=False)
def _scan_row(  # type: ignore[no-untyped-def]
    m,
    h,
    row,
    outage_scale,
    flow,
    post_limit,
    cut_off,
    limit,
    limit_at,
    first,
    first_at,
    second,
):
    """Every outage for one element of one point."""
    for c in range(len(h)):
        if outage_scale[c] == 0.0 or c == m:
            continue
        share = h[m] + row[c] * h[c]
        if abs(share) < cut_off:
            continue
        after = flow[m] + row[c] * flow[c]
        if abs(after) > post_limit[m] * (1.0 + AT_LIMIT):
            continue
        along = after if share > 0 else -after
        reached = (post_limit[m] - along) / abs(share)
        if reached <= min(second, limit[m]) + SAME_MW:
            lower_limit(m, c, reached, limit, limit_at)
            first, first_at, second = ranked(first, first_at, second, m, reached)
    return first, first_at, second
