"""``L D Lᵀ`` of complex symmetric bus matrices that share one pattern, and parts of the inverse.

The order and the pattern of ``L`` are found once; every sequence network, and every frequency of
one, is then a numeric pass over it. The inverse is dense, but its entries on the pattern of ``L``
follow from each other alone (Takahashi's equations), so that the driving-point impedance of every
bus costs about as much as the factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Integers

Complexes = npt.NDArray[np.complex128]

BLOCK = 16
"""Right-hand sides solved together."""

SMALLEST_PIVOT = 1e-12
"""Of a pivot over the diagonal entry that it came from."""


class Singular(Exception):
    """A bus matrix cannot be factored; ``place`` is the bus (in the caller's order) where."""

    def __init__(self, place: int) -> None:
        """Keep the place."""
        self.place = place
        super().__init__(f"no pivot at {place}")


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where entries stand in a bus matrix and in its factor, in elimination order.

    Attributes:
        position: (k,) place of each bus in the elimination order.
        entry: (b,) which off-diagonal entry each branch adds to.
        column_start: (k + 1,) of the entries above the diagonal, by column.
        row: (e,) row of each entry.
        parent: (k,) elimination tree.
        factor_start: (k + 1,) columns of ``L`` below its diagonal.
        factor_row: (f,) rows of ``L``, ascending in each column.
    """

    position: Integers
    entry: Integers
    column_start: Integers
    row: Integers
    parent: Integers
    factor_start: Integers
    factor_row: Integers


@dataclass(frozen=True, eq=False)
class SymmetricFactor:
    """``L D Lᵀ`` of one matrix."""

    pattern: Pattern
    off_diagonal: Complexes
    """(e,) of the matrix."""
    diagonal: Complexes
    """(k,) of the matrix, in elimination order."""
    lower: Complexes
    pivot: Complexes

    def columns(self, buses: Integers) -> Complexes:
        """(k, c) columns of the inverse, rows and columns in the caller's order of buses."""
        pattern = self.pattern
        k = len(pattern.position)
        out = np.empty((k, len(buses)), np.complex128)
        for start in range(0, len(buses), BLOCK):
            part = buses[start : start + BLOCK]
            block = np.zeros((k, len(part)), np.complex128)
            block[pattern.position[part], np.arange(len(part))] = 1.0
            _solve(pattern.factor_start, pattern.factor_row, self.lower, self.pivot, block)
            out[:, start : start + BLOCK] = block[pattern.position]
        return out

    def selected_inverse(self) -> SelectedInverse:
        """Entries of the inverse on the diagonal and on the pattern of ``L``.

        With ``A = L D Lᵀ`` and ``Z`` its inverse, for ``i ≥ j``:
        ``Z_ij = δ_ij / D_j - Σ_{k>j} L_kj Z_ik``; only entries on the pattern are needed for
        entries on the pattern.

        Neglects: rounding, which ``SelectedInverse.largest_residual`` measures.
        Follows: Takahashi, Fagan and Chen, "Formation of a sparse bus impedance matrix and its
            application to short circuit study", PICA 1973.
        """
        pattern = self.pattern
        diagonal, below, residual = _selected_inverse(
            *(pattern.factor_start, pattern.factor_row, self.lower, self.pivot),
            *(pattern.column_start, pattern.row, self.off_diagonal, self.diagonal),
        )
        return SelectedInverse(diagonal[pattern.position], below, float(residual))


@dataclass(frozen=True, eq=False)
class SelectedInverse:
    """Entries of an inverse on the pattern of its factor.

    Attributes:
        diagonal: (k,) in the caller's order of buses.
        below: (f,) on the pattern of ``L``, in elimination order.
        largest_residual: largest ``|(A Z)_jj - 1|`` over all j: a check of every bus, since the
            pattern of ``A`` lies in that of ``L``.
    """

    diagonal: Complexes
    below: Complexes
    largest_residual: float


def pattern_of(bus_count: int, from_bus: Integers, to_bus: Integers) -> Pattern:
    """Order the buses by minimum degree and find the pattern of the factor.

    Args:
        bus_count: number of buses.
        from_bus: (b,) one end of each branch.
        to_bus: (b,) the other end, never the same bus.

    Follows: Davis, "Algorithm 849: a concise sparse Cholesky factorization package", 2005, for the
        elimination tree.
    """
    position = _minimum_degree(bus_count, from_bus, to_bus)
    a, z = position[from_bus], position[to_bus]
    key = np.maximum(a, z) * bus_count + np.minimum(a, z)
    entries, entry = np.unique(key, return_inverse=True)
    column, row = np.divmod(entries, max(bus_count, 1))
    column_start = np.zeros(bus_count + 1, np.int64)
    np.cumsum(np.bincount(column, minlength=bus_count), out=column_start[1:])
    parent, count = _tree(column_start, row)
    factor_start = np.zeros(bus_count + 1, np.int64)
    np.cumsum(count, out=factor_start[1:])
    factor_row = _factor_rows(column_start, row, parent, factor_start)
    return Pattern(
        position, entry.astype(np.int64), column_start, row, parent, factor_start, factor_row
    )


def factor_of(pattern: Pattern, diagonal: Complexes, by_branch: Complexes) -> SymmetricFactor:
    """Factor a complex symmetric matrix, without pivoting.

    Args:
        pattern: of the matrix.
        diagonal: (k,) in the caller's order of buses.
        by_branch: (b,) what each branch adds to its off-diagonal entry.

    Raises:
        Singular: a pivot all but vanishes.

    Neglects: pivoting; bus matrices with a path to ground at every bus do not need it, and the
        residual of the selected inverse shows where one would.
    Follows: Davis 2005, up-looking ``L D Lᵀ``.
    """
    size = len(pattern.row)
    entry = pattern.entry
    off = np.bincount(entry, by_branch.real, size) + 1j * np.bincount(entry, by_branch.imag, size)
    own = np.empty(len(diagonal), np.complex128)
    own[pattern.position] = diagonal
    lower, pivot, failed = _factor(
        *(pattern.column_start, pattern.row, off, own),
        *(pattern.parent, pattern.factor_start, pattern.factor_row),
    )
    if failed >= 0:
        raise Singular(int(np.flatnonzero(pattern.position == failed)[0]))
    return SymmetricFactor(pattern, off, own, lower, pivot)


def _minimum_degree(bus_count: int, from_bus: Integers, to_bus: Integers) -> Integers:
    """(k,) place of each bus in SuperLU's minimum-degree order of a graph Laplacian."""
    if bus_count < 2:
        return np.arange(bus_count)
    own = np.arange(bus_count)
    m = len(from_bus)
    degree = np.bincount(np.concatenate([from_bus, to_bus]), minlength=bus_count)
    values = np.concatenate([degree + 1.0, np.full(2 * m, -1.0)])
    rows = np.concatenate([own, from_bus, to_bus])
    columns = np.concatenate([own, to_bus, from_bus])
    laplacian = csc_array(coo_array((values, (rows, columns)), shape=(bus_count, bus_count)))
    made = splu(
        laplacian,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return np.asarray(made.perm_c, np.int64)


@numba.njit(cache=True)
def _tree(column_start, row):  # type: ignore[no-untyped-def]
    """Elimination tree, and entries below the diagonal in each column of ``L``."""
    n = len(column_start) - 1
    parent = np.full(n, -1, np.int64)
    count = np.zeros(n, np.int64)
    seen = np.full(n, -1, np.int64)
    for k in range(n):
        seen[k] = k
        for p in range(column_start[k], column_start[k + 1]):
            i = row[p]
            while seen[i] != k:
                if parent[i] == -1:
                    parent[i] = k
                count[i] += 1
                seen[i] = k
                i = parent[i]
    return parent, count


@numba.njit(cache=True)
def _factor_rows(column_start, row, parent, factor_start):  # type: ignore[no-untyped-def]
    """Rows of ``L``, ascending in each column because rows come in order."""
    n = len(parent)
    rows = np.empty(factor_start[n], np.int64)
    fill = factor_start[:-1].copy()
    seen = np.full(n, -1, np.int64)
    for k in range(n):
        seen[k] = k
        for p in range(column_start[k], column_start[k + 1]):
            i = row[p]
            while seen[i] != k:
                rows[fill[i]] = k
                fill[i] += 1
                seen[i] = k
                i = parent[i]
    return rows


@numba.njit(cache=True)
def _factor(column_start, row, off, diagonal, parent, factor_start, factor_row):  # type: ignore[no-untyped-def]
    """``L`` row by row: each row of the matrix is solved with the rows above it."""
    n = len(diagonal)
    lower = np.empty(factor_start[n], np.complex128)
    pivot = np.empty(n, np.complex128)
    fill = factor_start[:-1].copy()
    seen = np.full(n, -1, np.int64)
    work = np.zeros(n, np.complex128)
    stack = np.empty(n, np.int64)
    path = np.empty(n, np.int64)
    for k in range(n):
        top = n
        seen[k] = k
        for p in range(column_start[k], column_start[k + 1]):
            i = row[p]
            work[i] += off[p]
            length = 0
            while seen[i] != k:
                path[length] = i
                length += 1
                seen[i] = k
                i = parent[i]
            while length > 0:
                top -= 1
                length -= 1
                stack[top] = path[length]
        own = diagonal[k]
        for t in range(top, n):
            i = stack[t]
            value = work[i]
            work[i] = 0.0
            end = fill[i]
            for p in range(factor_start[i], end):
                work[factor_row[p]] -= lower[p] * value
            scaled = value / pivot[i]
            own -= scaled * value
            lower[end] = scaled
            fill[i] = end + 1
        if not abs(own) > SMALLEST_PIVOT * abs(diagonal[k]):
            return lower, pivot, k
        pivot[k] = own
    return lower, pivot, -1


@numba.njit(cache=True, fastmath=True)
def _solve(factor_start, factor_row, lower, pivot, block):  # type: ignore[no-untyped-def]
    """Overwrite a block of right-hand sides, (k, c), by the solution."""
    n, width = block.shape
    for j in range(n):
        for p in range(factor_start[j], factor_start[j + 1]):
            i, value = factor_row[p], lower[p]
            for c in range(width):
                block[i, c] -= value * block[j, c]
    for j in range(n - 1, -1, -1):
        inverse = 1.0 / pivot[j]
        for c in range(width):
            block[j, c] *= inverse
        for p in range(factor_start[j], factor_start[j + 1]):
            i, value = factor_row[p], lower[p]
            for c in range(width):
                block[j, c] -= value * block[i, c]


@numba.njit(cache=True, fastmath=True)
def _selected_inverse(  # type: ignore[no-untyped-def]
    factor_start, factor_row, lower, pivot, column_start, row, off, diagonal
):
    """Diagonal and lower entries of the inverse, last column first, and the largest residual."""
    n = len(pivot)
    own = np.empty(n, np.complex128)
    below = np.empty(len(lower), np.complex128)
    mark = np.full(n, -1, np.int64)
    weight = np.zeros(n, np.complex128)
    total = np.zeros(n, np.complex128)
    for j in range(n - 1, -1, -1):
        first, end = factor_start[j], factor_start[j + 1]
        for q in range(first, end):
            i = factor_row[q]
            mark[i] = j
            weight[i] = lower[q]
            total[i] = 0.0
        for q in range(first, end):
            k = factor_row[q]
            value = weight[k]
            sum_k = total[k] - value * own[k]
            for r in range(factor_start[k], factor_start[k + 1]):
                i = factor_row[r]
                if mark[i] == j:
                    z = below[r]
                    total[i] -= value * z
                    sum_k -= weight[i] * z
            total[k] = sum_k
        z = 1.0 / pivot[j]
        for q in range(first, end):
            i = factor_row[q]
            below[q] = total[i]
            z -= lower[q] * total[i]
        own[j] = z
    product = diagonal * own
    for k in range(n):
        for p in range(column_start[k], column_start[k + 1]):
            i = row[p]
            low, high = factor_start[i], factor_start[i + 1] - 1
            while low < high:
                middle = (low + high) >> 1
                if factor_row[middle] < k:
                    low = middle + 1
                else:
                    high = middle
            share = off[p] * below[low]
            product[k] += share
            product[i] += share
    worst = 0.0
    for k in range(n):
        worst = max(worst, abs(product[k] - 1.0))
    return own, below, worst
