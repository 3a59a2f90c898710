"""LDU factors of matrices of 2 x 2 blocks with a symmetric pattern, and the inverse on it.

A power-flow Jacobian has one 2 x 2 block for every pair of neighbouring buses. In an elimination
order of the buses, ``J = L D U`` with unit triangles; ``L`` is kept by columns and ``U`` by rows,
both on the one pattern that ``symbolic`` works out, so that entry ``q`` of either is a block
between bus ``j`` and ``row[q] > j``. A block is four numbers, row by row.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gentie.engines.grid.network import Floats, Integers

Rows = npt.NDArray[np.int32]


class FactorPattern(NamedTuple):
    """Which blocks the factors have, for matrices of n blocks by n.

    Attributes:
        parent: (n,) next row in the elimination tree, -1 at a root.
        column_start: (n + 1,) first entry of each column.
        row: (q,) row of each entry below the diagonal, ascending in a column.
    """

    parent: Integers
    column_start: Integers
    row: Rows


class BlockFactor(NamedTuple):
    """``L D U`` on a pattern, with ``D`` inverted.

    Attributes:
        lower: (q, 4) blocks of L.
        upper: (q, 4) blocks of U, at (column, row) of the entry.
        inverse_diagonal: (n, 4) blocks of the inverse of D.
    """

    lower: Floats
    upper: Floats
    inverse_diagonal: Floats


def postordered(first: Integers, second: Integers, order: Integers) -> Integers:
    """The same elimination with subtrees side by side: fill is equal, memory is nearer.

    Args:
        first: (e,) one end of every edge, a row of ``order``'s range.
        second: (e,) its other end.
        order: (n,) rows in an elimination order.

    Returns:
        (n,) rows in an equivalent order.
    """
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    start, above = _upper_columns(place[first], place[second], len(order))
    return np.asarray(order[_postorder(_elimination_tree(start, above))])


def symbolic(first: Integers, second: Integers, size: int) -> FactorPattern:
    """Pattern of the factors of a matrix with these off-diagonal blocks, in the order given."""
    start, above = _upper_columns(first, second, size)
    parent = _elimination_tree(start, above)
    column_start, row = _column_patterns(start, above, parent)
    return FactorPattern(parent, column_start, row)


def _upper_columns(first: Integers, second: Integers, size: int) -> tuple[Integers, Integers]:
    """Smaller neighbours of every row, as starts and rows."""
    high, low = np.maximum(first, second), np.minimum(first, second)
    order = np.lexsort((low, high))
    start = np.searchsorted(high[order], np.arange(size + 1))
    return start.astype(np.int64), low[order].astype(np.int64)


@numba.njit(cache=True)
def _elimination_tree(start, above):  # type: ignore[no-untyped-def]
    """Liu's algorithm with path compression."""
    size = len(start) - 1
    parent = np.full(size, -1, np.int64)
    ancestor = np.full(size, -1, np.int64)
    for j in range(size):
        for q in range(start[j], start[j + 1]):
            i = above[q]
            while i != -1 and i < j:
                following = ancestor[i]
                ancestor[i] = j
                if following == -1:
                    parent[i] = j
                i = following
    return parent


@numba.njit(cache=True)
def _postorder(parent):  # type: ignore[no-untyped-def]
    """Children before their parent, every subtree in one piece."""
    size = len(parent)
    head = np.full(size, -1, np.int64)
    sibling = np.full(size, -1, np.int64)
    for j in range(size - 1, -1, -1):
        if parent[j] >= 0:
            sibling[j] = head[parent[j]]
            head[parent[j]] = j
    order = np.empty(size, np.int64)
    stack = np.empty(size, np.int64)
    count = 0
    for root in range(size):
        if parent[root] >= 0:
            continue
        depth = 0
        stack[0] = root
        while depth >= 0:
            child = head[stack[depth]]
            if child == -1:
                order[count] = stack[depth]
                count += 1
                depth -= 1
            else:
                head[stack[depth]] = sibling[child]
                depth += 1
                stack[depth] = child
    return order


@numba.njit(cache=True)
def _column_patterns(start, above, parent):  # type: ignore[no-untyped-def]
    """Rows of L below the diagonal: a column's own, and those of its children."""
    size = len(parent)
    below_start = np.zeros(size + 1, np.int64)
    for q in range(len(above)):
        below_start[above[q] + 1] += 1
    below_start = np.cumsum(below_start)
    below = np.empty(len(above), np.int64)
    cursor = below_start[:-1].copy()
    for j in range(size):
        for q in range(start[j], start[j + 1]):
            below[cursor[above[q]]] = j
            cursor[above[q]] += 1
    head = np.full(size, -1, np.int64)
    sibling = np.full(size, -1, np.int64)
    mark = np.full(size, -1, np.int64)
    column_start = np.zeros(size + 1, np.int64)
    row = np.empty(8 * len(above) + size, np.int32)
    count = 0
    for j in range(size):
        if count + size > len(row):
            longer = np.empty(2 * len(row) + size, np.int32)
            longer[:count] = row[:count]
            row = longer
        mark[j] = j
        begin = count
        for q in range(below_start[j], below_start[j + 1]):
            if mark[below[q]] != j:
                mark[below[q]] = j
                row[count] = below[q]
                count += 1
        child = head[j]
        while child != -1:
            for q in range(column_start[child], column_start[child + 1]):
                if row[q] > j and mark[row[q]] != j:
                    mark[row[q]] = j
                    row[count] = row[q]
                    count += 1
            child = sibling[child]
        row[begin:count] = np.sort(row[begin:count])
        column_start[j + 1] = count
        if parent[j] >= 0:
            sibling[j] = head[parent[j]]
            head[parent[j]] = j
    return column_start, row[:count].copy()


@numba.njit(cache=True)
def entry_at(column_start, row, j, i):  # type: ignore[no-untyped-def]
    """Entry of column ``j`` in row ``i > j``, which the pattern has."""
    low = column_start[j]
    high = column_start[j + 1] - 1
    while low < high:
        middle = (low + high) >> 1
        if row[middle] < i:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True)
def _product(a, b):  # type: ignore[no-untyped-def]
    return (
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    )


@numba.njit(cache=True)
def _block(table, q):  # type: ignore[no-untyped-def]
    return table[q, 0], table[q, 1], table[q, 2], table[q, 3]


@numba.njit(cache=True)
def _subtract(table, q, block):  # type: ignore[no-untyped-def]
    for k in range(4):
        table[q, k] -= block[k]


@numba.njit(cache=True)
def factorise(pattern, lower, upper, diagonal):  # type: ignore[no-untyped-def]
    """Turn the blocks of a matrix into those of its factors, in place.

    Right-looking elimination without exchanging rows. ``diagonal`` becomes the inverse of D.

    Args:
        pattern: of the factors.
        lower: (q, 4) blocks below the diagonal, zero where the matrix has none.
        upper: (q, 4) blocks above the diagonal.
        diagonal: (n, 4) blocks on it.

    Returns:
        True; False where a pivot block is singular, and the arrays are then without meaning.

    Neglects: pivoting; a Jacobian near a solution has dominant enough diagonal blocks.
    Follows: any textbook on sparse elimination, e.g. Duff, Erisman and Reid.
    """
    start, row = pattern.column_start, pattern.row
    for j in range(len(diagonal)):
        a, b, c, d = _block(diagonal, j)
        determinant = a * d - b * c
        if not abs(determinant) > 1e-30:
            return False
        inverse = (d / determinant, -b / determinant, -c / determinant, a / determinant)
        for k in range(4):
            diagonal[j, k] = inverse[k]
        for q in range(start[j], start[j + 1]):
            i = row[q]
            factor = _product(_block(lower, q), inverse)
            for p in range(start[j], start[j + 1]):
                change = _product(factor, _block(upper, p))
                if row[p] == i:
                    _subtract(diagonal, i, change)
                elif row[p] < i:
                    _subtract(lower, entry_at(start, row, row[p], i), change)
                else:
                    _subtract(upper, entry_at(start, row, i, row[p]), change)
            for k in range(4):
                lower[q, k] = factor[k]
        for q in range(start[j], start[j + 1]):
            scaled = _product(inverse, _block(upper, q))
            for k in range(4):
                upper[q, k] = scaled[k]
    return True


@numba.njit(cache=True)
def selected_inverse(pattern, lower, upper, inverse_diagonal):  # type: ignore[no-untyped-def]
    """Blocks of the inverse on the pattern of the factors.

    From Z = D^-1 L^-1 + (I - U) Z = U^-1 D^-1 + Z (I - L), last row first: every block needs only
    blocks that are on the pattern too.

    Returns:
        (q, 4) blocks at (row, column) of each entry, (q, 4) at (column, row), and (n, 4) on the
        diagonal.

    Neglects: nothing.
    Follows: Takahashi, Fagan and Chin 1973.
    """
    start, row = pattern.column_start, pattern.row
    size = len(inverse_diagonal)
    below = np.zeros_like(lower)
    above = np.zeros_like(upper)
    diagonal = np.zeros((size, 4))
    for j in range(size - 1, -1, -1):
        for q in range(start[j], start[j + 1]):
            i = row[q]
            for p in range(start[j], start[j + 1]):
                k = row[p]
                if k == i:
                    z_ik = z_ki = _block(diagonal, i)
                elif k > i:
                    e = entry_at(start, row, i, k)
                    z_ki, z_ik = _block(below, e), _block(above, e)
                else:
                    e = entry_at(start, row, k, i)
                    z_ik, z_ki = _block(below, e), _block(above, e)
                _subtract(below, q, _product(z_ik, _block(lower, p)))
                _subtract(above, q, _product(_block(upper, p), z_ki))
        for k in range(4):
            diagonal[j, k] = inverse_diagonal[j, k]
        for q in range(start[j], start[j + 1]):
            _subtract(diagonal, j, _product(_block(upper, q), _block(below, q)))
    return below, above, diagonal
