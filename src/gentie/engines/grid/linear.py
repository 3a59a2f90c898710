"""The linear (DC) model of a network: one factor, from which every transfer factor comes.

Flow on branch ``k`` between buses ``a`` and ``z`` is ``b_k (theta_a - theta_z - shift_k)`` with
``b_k = base / (x_k tap_k)`` in MW per radian, and ``B theta = p`` holds at every bus but the
slack. ``B`` without the slack is symmetric; it is factored once as ``L D L^T`` and every further
question is a pair of triangular solves, sixteen right-hand sides at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Booleans, BusKind, Floats, Integers, Network

Positions = npt.NDArray[np.int32]

BLOCK = 16
"""Right-hand sides solved together: two cache lines of float64."""

ZERO_REACTANCE_PU = 1e-6
"""Reactances nearer to zero than this have no linear model."""


class Islanded(Exception):
    """Some live bus has no path to the slack bus; ``bus_numbers`` names a few of them."""

    def __init__(self, bus_numbers: tuple[int, ...]) -> None:
        """Keep the numbers of the buses that are cut off."""
        self.bus_numbers = bus_numbers
        super().__init__(f"buses without a path to the slack bus: {bus_numbers[:10]}")


@dataclass(frozen=True, eq=False)
class Factor:
    """``L D L^T`` of the susceptance matrix without the slack, rows in elimination order.

    ``position`` maps a bus row to its place in the factor; the slack and dead buses map to the
    extra last place, whose value is always zero.
    """

    column_start: Positions
    row: Positions
    value: Floats
    inverse_diagonal: Floats
    position: Positions


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The DC model of one network.

    Attributes:
        network: what is modelled.
        susceptance_mw_per_rad: (m,) branch susceptance, 0 for branches out of service.
        slack_row: row of the slack bus.
        factor: the triangular factor.

    Neglects: losses, voltage magnitude, reactive power.
    Follows: any textbook DC power flow, with taps and phase shifts as in MATPOWER.
    """

    network: Network
    susceptance_mw_per_rad: Floats
    slack_row: int
    factor: Factor

    @cached_property
    def from_position(self) -> Positions:
        """(m,) place of each branch's ``from`` bus in the factor."""
        return self.factor.position[self.network.branches.from_bus]

    @cached_property
    def to_position(self) -> Positions:
        """(m,) place of each branch's ``to`` bus in the factor."""
        return self.factor.position[self.network.branches.to_bus]

    @cached_property
    def shift_injection_mw(self) -> Floats:
        """(n,) injections that stand for the phase shifters."""
        branches = self.network.branches
        pushed = self.susceptance_mw_per_rad * np.deg2rad(branches.shift_deg)
        injection = np.zeros(len(self.network.buses))
        np.add.at(injection, branches.from_bus, pushed)
        np.add.at(injection, branches.to_bus, -pushed)
        return injection

    def angles_rad(self, injection_mw: Floats) -> Floats:
        """Bus angles relative to the slack for given injections, without phase shifters.

        Args:
            injection_mw: (n,) or (n, k); the slack bus takes the mismatch.

        Returns:
            Same shape as given, radians.
        """
        given = np.asarray(injection_mw, float)
        columns = given.reshape(len(given), -1)
        position = self.factor.position
        n = len(self.factor.inverse_diagonal)
        live = position < n
        out = np.zeros_like(columns)
        for start in range(0, columns.shape[1], BLOCK):
            part = columns[:, start : start + BLOCK]
            block = np.zeros((n + 1, BLOCK))
            block[position[live], : part.shape[1]] = part[live]
            solve_block(*self.solve_arguments, block, 0)
            out[live, start : start + BLOCK] = block[position[live], : part.shape[1]]
        return out.reshape(given.shape)

    def flow_per_angle(self, angle_rad: Floats) -> Floats:
        """(m, ...) branch flow in MW for bus angles (n, ...), without phase shifters."""
        branches = self.network.branches
        difference = angle_rad[branches.from_bus] - angle_rad[branches.to_bus]
        scale = self.susceptance_mw_per_rad
        return np.asarray(scale.reshape(-1, *[1] * (difference.ndim - 1)) * difference)

    def flow_mw(self, injection_mw: Floats) -> Floats:
        """Flow on every branch, positive from ``from_bus`` to ``to_bus``.

        Args:
            injection_mw: (n,) net injection by bus; the slack bus takes the mismatch.

        Returns:
            (m,) MW; 0 on branches out of service.
        """
        angle = self.angles_rad(injection_mw + self.shift_injection_mw)
        shift = np.deg2rad(self.network.branches.shift_deg)
        return self.flow_per_angle(angle) - self.susceptance_mw_per_rad * shift

    def transfer_factors(self, bus_rows: Integers) -> Floats:
        """(m, k) MW on every branch per MW injected at each bus and taken out at the slack."""
        injection = np.zeros((len(self.network.buses), len(bus_rows)))
        injection[bus_rows, np.arange(len(bus_rows))] = 1.0
        return self.flow_per_angle(self.angles_rad(injection))

    def outage_factors(self, branch_row: int) -> Floats:
        """(m,) share of a branch's flow that each other branch takes when it opens (LODF).

        Returns:
            -1 for the branch itself.

        Raises:
            Islanded: opening it cuts part of the grid off.
        """
        branches = self.network.branches
        a, z = int(branches.from_bus[branch_row]), int(branches.to_bus[branch_row])
        injection = np.zeros(len(self.network.buses))
        injection[a], injection[z] = 1.0, -1.0
        column = self.flow_per_angle(self.angles_rad(injection))
        left = 1.0 - column[branch_row]
        if abs(left) < 1e-9:
            raise Islanded((int(self.network.buses.number[a]), int(self.network.buses.number[z])))
        factors = column / left
        factors[branch_row] = -1.0
        return factors

    @property
    def solve_arguments(self) -> tuple[Positions, Positions, Floats, Floats]:
        """What ``solve_block`` needs of the factor, in its order."""
        factor = self.factor
        return factor.column_start, factor.row, factor.value, factor.inverse_diagonal


def linear_model(network: Network) -> LinearModel:
    """Factor the DC model of a network.

    Raises:
        Islanded: some live bus has no path to the slack bus.
        ValueError: no slack bus, or a branch in service without reactance.
    """
    slack = np.flatnonzero(network.buses.kind == BusKind.SLACK)
    if len(slack) == 0:
        raise ValueError("the network has no slack bus")
    slack_row = int(slack[0])
    branches = network.branches
    live = network.is_branch_live
    if np.any(np.abs(branches.reactance_pu[live]) < ZERO_REACTANCE_PU):
        row = int(np.flatnonzero(live & (np.abs(branches.reactance_pu) < ZERO_REACTANCE_PU))[0])
        raise ValueError(f"{network.element_ids[row]} has no reactance")
    _refuse_islands(network, slack_row)
    susceptance = np.zeros(len(branches))
    susceptance[live] = network.base_mva / (branches.reactance_pu[live] * branches.tap_ratio[live])
    kept = network.is_bus_live.copy()
    kept[slack_row] = False
    factor = factor_susceptance(
        len(network.buses), branches.from_bus[live], branches.to_bus[live], susceptance[live], kept
    )
    return LinearModel(network, susceptance, slack_row, factor)


def factor_susceptance(
    bus_count: int,
    from_bus: Integers,
    to_bus: Integers,
    susceptance_mw_per_rad: Floats,
    kept: Booleans,
) -> Factor:
    """Factor the susceptance matrix of the kept buses by minimum degree, without pivoting.

    Raises:
        ValueError: the matrix cannot be factored without pivoting (singular, or negative
            reactances that cancel exactly).
    """
    b = susceptance_mw_per_rad
    rows = np.concatenate([from_bus, to_bus, from_bus, to_bus])
    columns = np.concatenate([from_bus, to_bus, to_bus, from_bus])
    matrix = sparse.csc_matrix(
        (np.concatenate([b, b, -b, -b]), (rows, columns)), shape=(bus_count, bus_count)
    )
    place = np.flatnonzero(kept)
    try:
        lu = splu(
            matrix[place][:, place].tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True, "Equil": False},
        )
    except RuntimeError as cause:
        raise ValueError("the susceptance matrix is singular") from cause
    if not np.array_equal(lu.perm_r, lu.perm_c):
        raise ValueError("the susceptance matrix needs pivoting: some reactances cancel")
    lower: Any = sparse.csc_matrix(lu.L)
    lower.sort_indices()
    position = np.full(bus_count, len(place), np.int32)
    position[place] = lu.perm_c
    return Factor(
        column_start=lower.indptr.astype(np.int32),
        row=lower.indices.astype(np.int32),
        value=np.ascontiguousarray(lower.data, float),
        inverse_diagonal=1.0 / lu.U.diagonal(),
        position=position,
    )


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def solve_block(column_start, row, value, inverse_diagonal, block, first):  # type: ignore[no-untyped-def]
    """Solve ``L D L^T X = block`` in place for ``BLOCK`` right-hand sides.

    Args:
        column_start: (n + 1,) of the unit lower factor, columns with the diagonal first.
        row: rows of its entries.
        value: its entries.
        inverse_diagonal: (n,) of D.
        block: (n + 1, BLOCK) right-hand sides in elimination order; the last row stays as it is.
        first: no right-hand side has an entry before this row.
    """
    n = len(inverse_diagonal)
    for j in range(first, n):
        for q in range(column_start[j] + 1, column_start[j + 1]):
            i = row[q]
            factor = value[q]
            for w in range(BLOCK):
                block[i, w] -= factor * block[j, w]
    for j in range(n - 1, -1, -1):
        scale = inverse_diagonal[j]
        for w in range(BLOCK):
            block[j, w] *= scale
        for q in range(column_start[j] + 1, column_start[j + 1]):
            i = row[q]
            factor = value[q]
            for w in range(BLOCK):
                block[j, w] -= factor * block[i, w]


@numba.njit(cache=True, boundscheck=False)
def touch(column_start, row, at, is_touched, block):  # type: ignore[no-untyped-def]
    """Clear and mark the rows that an entry in row ``at`` reaches in the forward solve.

    Those are the row and what lies above it in the elimination tree, where the first entry below
    the diagonal of a column is its parent.
    """
    n = len(is_touched)
    while at < n and not is_touched[at]:
        is_touched[at] = True
        for w in range(BLOCK):
            block[at, w] = 0.0
        below = column_start[at] + 1
        at = row[below] if below < column_start[at + 1] else n


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def solve_touched(  # type: ignore[no-untyped-def]
    column_start, row, value, inverse_diagonal, block, is_touched, first
):
    """``solve_block`` for right-hand sides with few entries.

    Args:
        column_start: as ``solve_block`` takes it.
        row: likewise, rows of a column rising.
        value: likewise.
        inverse_diagonal: likewise.
        block: (n + 1, BLOCK); rows that are not touched are not read.
        is_touched: (n,) rows marked by ``touch`` for every entry.
        first: no touched row is before this one.
    """
    n = len(inverse_diagonal)
    for j in range(first, n):
        if is_touched[j]:
            for q in range(column_start[j] + 1, column_start[j + 1]):
                i = row[q]
                factor = value[q]
                for w in range(BLOCK):
                    block[i, w] -= factor * block[j, w]
    for j in range(n - 1, -1, -1):
        if is_touched[j]:
            scale = inverse_diagonal[j]
            for w in range(BLOCK):
                block[j, w] *= scale
        else:
            for w in range(BLOCK):
                block[j, w] = 0.0
        for q in range(column_start[j] + 1, column_start[j + 1]):
            i = row[q]
            factor = value[q]
            for w in range(BLOCK):
                block[j, w] -= factor * block[i, w]


@numba.njit(cache=True, fastmath=True, boundscheck=False)
def solve_outages(  # type: ignore[no-untyped-def]
    column_start,
    row,
    value,
    inverse_diagonal,
    from_position,
    to_position,
    outages,
    order,
    number,
    first,
    block,
):
    """Fill ``block`` with ``B^-1 a_c`` of the outages of one block; return how many there are.

    Args:
        column_start: of the factor, as ``solve_block`` takes it.
        row: of the factor.
        value: of the factor.
        inverse_diagonal: of the factor.
        from_position: (m,) place of each branch's ``from`` bus in the factor.
        to_position: (m,) place of its ``to`` bus.
        outages: (c,) rows of ``from_position``.
        order: (c,) places in ``outages``, as ``blocks_by_position`` orders them.
        number: of the block.
        first: no column of the block has an entry before this row of the factor.
        block: (n + 1, BLOCK), overwritten.
    """
    n = len(inverse_diagonal)
    width = min(BLOCK, len(outages) - number * BLOCK)
    is_touched = np.zeros(n, np.bool_)
    for w in range(width):
        c = outages[order[number * BLOCK + w]]
        touch(column_start, row, from_position[c], is_touched, block)
        touch(column_start, row, to_position[c], is_touched, block)
        if from_position[c] < n:
            block[from_position[c], w] = 1.0
        if to_position[c] < n:
            block[to_position[c], w] = -1.0
    solve_touched(column_start, row, value, inverse_diagonal, block, is_touched, first)
    return width


def base_injection_mw(network: Network, *, imbalance_on_load: bool) -> Floats:
    """(n,) injections of the stored dispatch, balanced.

    Args:
        network: whose stored dispatch is meant.
        imbalance_on_load: spread what the stored dispatch has too much or too little (in an AC
            case: its losses) over the loads in proportion; otherwise the slack takes it.
    """
    injection = network.injection_mw
    if not imbalance_on_load:
        return injection
    weight = np.where(network.is_bus_live, np.maximum(network.buses.load_mw, 0.0), 0.0)
    if weight.sum() <= 0.0:
        return injection
    return np.asarray(injection - injection[network.is_bus_live].sum() * weight / weight.sum())


def _refuse_islands(network: Network, slack_row: int) -> None:
    live = network.is_branch_live
    branches = network.branches
    n = len(network.buses)
    links = sparse.coo_matrix(
        (np.ones(int(live.sum())), (branches.from_bus[live], branches.to_bus[live])), shape=(n, n)
    )
    _, part = connected_components(links, directed=False)
    cut = network.is_bus_live & (part != part[slack_row])
    if cut.any():
        raise Islanded(tuple(int(number) for number in network.buses.number[cut][:20]))
