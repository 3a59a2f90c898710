"""The loops that find which pairs of element and outage can matter to any point.

Places and sides as in ``capacity_points``.
"""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.linear import BLOCK, solve_outages
from gentie.engines.interconnection.published import AT_LIMIT


@numba.njit(cache=True, boundscheck=False)
def factors_of_pairs(  # type: ignore[no-untyped-def]
    solver, from_position, to_position, susceptance, outages, order, block_first, start, element
):
    """Outage factors of given pairs: ``element`` from ``start`` by place in ``outages``."""
    column_start, row, value, inverse_diagonal = solver
    block = np.zeros((len(inverse_diagonal) + 1, BLOCK))
    factor = np.zeros(len(element))
    for number in range(len(block_first)):
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
            place = order[number * BLOCK + w]
            c = outages[place]
            own = susceptance[c] * (block[from_position[c], w] - block[to_position[c], w])
            for q in range(start[place], start[place + 1]):
                m = element[q]
                difference = block[from_position[m], w] - block[to_position[m], w]
                factor[q] = susceptance[m] * difference / (1.0 - own)
    return factor


@numba.njit(cache=True, parallel=True, boundscheck=False, fastmath=True)
def list_pairs(  # type: ignore[no-untyped-def]
    solver,
    from_position,
    to_position,
    susceptance,
    flow,
    post_limit,
    outages,
    order,
    block_first,
    listed_until,
    outage_reach,
    outage_scale,
    by_element,
    by_element_values,
    by_outage,
    by_outage_values,
    counts,
):
    """Note every pair that some point's cap can reach, with its key, by element and by outage.

    With ``r = listed_until`` and ``room = limit_m - s (f_m + L f_c)`` the key ``K`` of a pair is
    ``room / (1 + |L|)`` in both lists; where that is ``r`` or more no point asks by element, and
    its key by outage is the larger ``(room - r) / |L|``. By outage a pair is left out where the
    key is beyond ``outage_reach``.

    Args:
        solver: of the factor.
        from_position: (k,) of the elements.
        to_position: (k,) of the elements.
        susceptance: (k,) of the elements.
        flow: (k,) MW with nothing out.
        post_limit: (k,) MW.
        outages: (c,) places.
        order: of the outages in blocks.
        block_first: first row of the factor that each block touches.
        listed_until: (2, k) ``r`` by side and element.
        outage_reach: (2, k) largest ``U |h|`` by side and outage.
        outage_scale: (k,) filled in: ``1 / (1 - own factor)``.
        by_element: (threads, room, 2) filled in: list and outage.
        by_element_values: (threads, room, 2) filled in: factor and key.
        by_outage: (threads, room, 2) filled in: list and element.
        by_outage_values: (threads, room, 2) filled in: factor and key.
        counts: (threads, 2) filled in: how many were noted, or would have been.
    """
    column_start, row, value, inverse_diagonal = solver
    k = len(susceptance)
    threads, room_for = by_element.shape[0], by_element.shape[1]
    for thread in numba.prange(threads):
        block = np.zeros((len(inverse_diagonal) + 1, BLOCK))
        moved = np.zeros(BLOCK)
        scale = np.zeros(BLOCK)
        carried = np.zeros(BLOCK)
        reach = np.zeros(BLOCK)
        in_element_lists, in_outage_lists = 0, 0
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
                scale[w] = 0.0
                carried[w] = 0.0
                reach[w] = 0.0
            for w in range(width):
                c = outages[order[number * BLOCK + w]]
                own = susceptance[c] * (block[from_position[c], w] - block[to_position[c], w])
                scale[w] = 1.0 / (1.0 - own)
                outage_scale[c] = scale[w]
                carried[w] = abs(flow[c])
                reach[w] = max(outage_reach[0, c], outage_reach[1, c])
            for m in range(k):
                a = from_position[m]
                z = to_position[m]
                high = 0.0
                least = post_limit[m] - flow[m] - listed_until[0, m]
                least = min(least, post_limit[m] + flow[m] - listed_until[1, m])
                widest = max(listed_until[0, m], listed_until[1, m])
                b = susceptance[m]
                for w in range(BLOCK):
                    moved[w] = b * (block[a, w] - block[z, w]) * scale[w]
                    most = carried[w] + max(reach[w], widest)
                    high = max(high, abs(moved[w]) * most)
                if high < least * (1.0 - 1e-9):
                    continue
                for w in range(width):
                    most = carried[w] + max(reach[w], widest)
                    if abs(moved[w]) * most < least * (1.0 - 1e-9):
                        continue
                    c = outages[order[number * BLOCK + w]]
                    factor = moved[w]
                    after = flow[m] + factor * flow[c]
                    if m == c or abs(after) > post_limit[m] * (1.0 + AT_LIMIT):
                        continue
                    size = abs(factor)
                    for side in range(2):
                        room = post_limit[m] - after if side == 0 else post_limit[m] + after
                        key = room / (1.0 + size)
                        if key < listed_until[side, m]:
                            if in_element_lists < room_for:
                                by_element[thread, in_element_lists, 0] = 2 * m + side
                                by_element[thread, in_element_lists, 1] = c
                                by_element_values[thread, in_element_lists, 0] = factor
                                by_element_values[thread, in_element_lists, 1] = key
                            in_element_lists += 1
                        elif size > 0.0:
                            key = (room - listed_until[side, m]) / size
                        other = side if factor > 0.0 else 1 - side
                        if size > 0.0 and key <= outage_reach[other, c]:
                            if in_outage_lists < room_for:
                                by_outage[thread, in_outage_lists, 0] = 2 * c + other
                                by_outage[thread, in_outage_lists, 1] = m
                                by_outage_values[thread, in_outage_lists, 0] = factor
                                by_outage_values[thread, in_outage_lists, 1] = key
                            in_outage_lists += 1
        counts[thread, 0] = in_element_lists
        counts[thread, 1] = in_outage_lists


@numba.njit(cache=True, boundscheck=False)
def sorted_lists(list_of, other, values, lists):  # type: ignore[no-untyped-def]
    """Entries by list, each list by rising key: starts, others, factors, keys."""
    start = np.zeros(lists + 1, np.int64)
    for q in range(len(list_of)):
        start[list_of[q] + 1] += 1
    for at in range(lists):
        start[at + 1] += start[at]
    cursor = start[:-1].copy()
    place = np.empty(len(list_of), np.int64)
    for q in range(len(list_of)):
        place[cursor[list_of[q]]] = q
        cursor[list_of[q]] += 1
    out_other = np.empty(len(list_of), np.int32)
    factor = np.empty(len(list_of))
    key = np.empty(len(list_of))
    for at in range(lists):
        some = place[start[at] : start[at + 1]]
        own = np.empty(len(some))
        for q in range(len(some)):
            own[q] = values[some[q], 1]
        order = np.argsort(own)
        for q in range(len(some)):
            entry = some[order[q]]
            out_other[start[at] + q] = other[entry]
            factor[start[at] + q] = values[entry, 0]
            key[start[at] + q] = values[entry, 1]
    return start, out_other, factor, key
