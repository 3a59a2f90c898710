"""The loop of ``multiple_outages``: solve, close the low-rank equation, scan."""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.contingencies import ABOVE_EQUAL, LEAST
from gentie.engines.grid.linear import BLOCK, solve_block, solve_touched, touch
from gentie.engines.grid.pick_up import share_loss

SOLVED, SINGULAR = 0, 1

SINGULAR_PIVOT = 1e-7
"""A pivot of ``I - H`` below this is looked at by topology: a cut, or nearly one."""

NOT_ASKED = 1e300
"""Stands for the worst loading of what has none, so that nothing is compared with it."""

MOST_BRANCHES = 6
"""Branches that open together."""


@numba.njit(cache=True, boundscheck=False)
def solve_small(matrix, right, size):  # type: ignore[no-untyped-def]
    """Solve by elimination with row exchanges, in place; return the smallest pivot."""
    smallest = np.inf
    for j in range(size):
        best = j
        for i in range(j + 1, size):
            if abs(matrix[i, j]) > abs(matrix[best, j]):
                best = i
        smallest = min(smallest, abs(matrix[best, j]))
        if smallest < SINGULAR_PIVOT:
            return smallest
        if best != j:
            for q in range(size):
                matrix[j, q], matrix[best, q] = matrix[best, q], matrix[j, q]
            right[j], right[best] = right[best], right[j]
        for i in range(j + 1, size):
            factor = matrix[i, j] / matrix[j, j]
            for q in range(j, size):
                matrix[i, q] -= factor * matrix[j, q]
            right[i] -= factor * right[j]
    for j in range(size - 1, -1, -1):
        for q in range(j + 1, size):
            right[j] -= matrix[j, q] * right[q]
        right[j] /= matrix[j, j]
    return smallest


@numba.njit(cache=True, boundscheck=False)
def reach_from(start, other, edge, opened, root, reached):  # type: ignore[no-untyped-def]
    """Mark the buses that ``root`` reaches over branches that are not opened."""
    reached[:] = False
    reached[root] = True
    stack = np.empty(len(reached), np.int64)
    stack[0], depth = root, 1
    while depth > 0:
        depth -= 1
        bus = stack[depth]
        for q in range(start[bus], start[bus + 1]):
            if not reached[other[q]] and not opened[edge[q]]:
                reached[other[q]] = True
                stack[depth] = other[q]
                depth += 1


@numba.njit(cache=True, boundscheck=False)
def _fill_loss(  # type: ignore[no-untyped-def]
    units, unit_mw, unit_position, weight, room_up, room_down, share, free, block, column
):
    """Put a loss and its pick-up into one column; return the loss and what is left of it."""
    n = block.shape[0] - 1
    loss = 0.0
    free[:] = weight
    for g in units:
        loss += unit_mw[g]
        free[g] = 0.0
        if unit_position[g] < n:
            block[unit_position[g], column] -= unit_mw[g]
    room, sign = (room_up, 1.0) if loss >= 0.0 else (room_down, -1.0)
    left = share_loss(abs(loss), free, room, share)
    for g in range(len(weight)):
        if share[g] != 0.0 and unit_position[g] < n:
            block[unit_position[g], column] += sign * share[g]
    return loss, sign * left


@numba.njit(cache=True, parallel=True, fastmath=True, boundscheck=False)
def scan_contingencies(  # type: ignore[no-untyped-def]
    solver,
    from_position,
    to_position,
    susceptance,
    flow,
    watched_from,
    watched_to,
    watched_scale,
    watched_before,
    place,
    branch_start,
    branch_rows,
    unit_start,
    unit_rows,
    unit_mw,
    unit_position,
    weight,
    room_up,
    room_down,
    order,
    batch_start,
    above,
    status,
    loss,
    short,
    best,
    best_contingency,
    worst,
    worst_branch,
    pairs,
    pair_loadings,
    counts,
):
    """Batches of contingencies whose columns fit one block; threads take batches in turn."""
    column_start, row, value, inverse_diagonal = solver
    n = len(inverse_diagonal)
    threads, capacity = best.shape[0], pairs.shape[1]
    for thread in numba.prange(threads):
        block = np.zeros((n + 1, BLOCK))
        matrix = np.zeros((MOST_BRANCHES, MOST_BRANCHES))
        pushed = np.zeros(MOST_BRANCHES)
        transfer = np.zeros(BLOCK)
        moved = np.zeros(BLOCK)
        loading = np.zeros(BLOCK)
        high = np.zeros(BLOCK)
        high_at = np.zeros(BLOCK, np.int64)
        first_column = np.zeros(BLOCK + 1, np.int64)
        share = np.zeros(len(weight))
        free = np.zeros(len(weight))
        is_open = np.zeros(len(watched_from), np.int64)
        is_touched = np.zeros(n, np.bool_)
        count = 0
        for batch in range(thread, len(batch_start) - 1, threads):
            width = batch_start[batch + 1] - batch_start[batch]
            is_touched[:] = False
            transfer[:] = 0.0
            high[:] = 0.0
            high_at[:] = -1
            column, first, is_dense = 0, n, False
            for s in range(width):
                j = order[batch_start[batch] + s]
                is_dense = is_dense or unit_start[j + 1] > unit_start[j]
            if is_dense:
                block[:] = 0.0
            for s in range(width):
                j = order[batch_start[batch] + s]
                first_column[s] = column
                for q in range(branch_start[j], branch_start[j + 1]):
                    m = branch_rows[q]
                    for end in range(2):
                        at = from_position[m] if end == 0 else to_position[m]
                        if at < n:
                            if not is_dense:
                                touch(column_start, row, at, is_touched, block)
                            block[at, column] = 1.0 if end == 0 else -1.0
                            first = min(first, at)
                    if place[m] >= 0:
                        is_open[place[m]] |= 1 << s
                    column += 1
                if unit_start[j + 1] > unit_start[j]:
                    loss[j], short[j] = _fill_loss(
                        unit_rows[unit_start[j] : unit_start[j + 1]],
                        unit_mw,
                        unit_position,
                        weight,
                        room_up,
                        room_down,
                        share,
                        free,
                        block,
                        column,
                    )
                    first = 0
                    column += 1
            first_column[width] = column
            if is_dense:
                solve_block(column_start, row, value, inverse_diagonal, block, first)
            else:
                solve_touched(column_start, row, value, inverse_diagonal, block, is_touched, first)
            for s in range(width):
                j = order[batch_start[batch] + s]
                start = first_column[s]
                size = branch_start[j + 1] - branch_start[j]
                has_loss = first_column[s + 1] - start > size
                for i in range(size):
                    m = branch_rows[branch_start[j] + i]
                    a, z, b = from_position[m], to_position[m], susceptance[m]
                    pushed[i] = flow[m]
                    if has_loss:
                        pushed[i] += b * (block[a, start + size] - block[z, start + size])
                    for q in range(size):
                        own = b * (block[a, start + q] - block[z, start + q])
                        matrix[i, q] = (1.0 if i == q else 0.0) - own
                if size > 0 and solve_small(matrix, pushed, size) < SINGULAR_PIVOT:
                    status[j] = SINGULAR
                    high[s] = NOT_ASKED
                    continue
                status[j] = SOLVED
                for i in range(size):
                    transfer[start + i] = pushed[i]
                if has_loss:
                    transfer[start + size] = 1.0
            earliest = order[batch_start[batch]]
            for s in range(1, width):
                earliest = min(earliest, order[batch_start[batch] + s])
            for k in range(len(watched_from)):
                a = watched_from[k]
                z = watched_to[k]
                scaled = watched_scale[k]
                before = watched_before[k]
                keep = best[thread, k]
                if best_contingency[thread, k] < earliest:
                    keep = keep * ABOVE_EQUAL + LEAST
                keep = min(keep, above)
                for w in range(BLOCK):
                    moved[w] = scaled * (block[a, w] - block[z, w]) * transfer[w]
                over = -1.0
                for s in range(width):
                    after = before
                    for w in range(first_column[s], first_column[s + 1]):
                        after += moved[w]
                    loading[s] = abs(after)
                    over = max(over, loading[s] - min(keep, high[s]))
                opened = is_open[k]
                is_open[k] = 0
                if over < 0.0:
                    continue
                for s in range(width):
                    j = order[batch_start[batch] + s]
                    if status[j] != SOLVED:
                        continue
                    if opened & (1 << s):
                        loading[s] = 0.0
                    if loading[s] > high[s]:
                        high[s] = loading[s]
                        high_at[s] = k
                    if loading[s] >= keep:
                        if loading[s] > best[thread, k] or (
                            loading[s] == best[thread, k] and j < best_contingency[thread, k]
                        ):
                            best[thread, k] = loading[s]
                            best_contingency[thread, k] = j
                        if loading[s] > above:
                            if count < capacity:
                                pairs[thread, count, 0] = j
                                pairs[thread, count, 1] = k
                                pair_loadings[thread, count] = loading[s]
                            count += 1
            for s in range(width):
                j = order[batch_start[batch] + s]
                if status[j] == SOLVED:
                    worst[j] = high[s]
                    worst_branch[j] = high_at[s]
        counts[thread] = count
