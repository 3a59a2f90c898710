"""The base state, frozen: what every outage of an AC contingency analysis starts from.

Powers, Jacobian and factors are those of the solved base case, per unit, with buses in an
elimination order (*places*). Unknowns of a bus are its angle and its relative voltage; where a bus
holds its voltage, or its angle too, those rows are rows of the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from gentie.engines.grid.block_factor import (
    FactorPattern,
    Rows,
    entry_at,
    factorise,
    postordered,
    selected_inverse,
    symbolic,
)
from gentie.engines.grid.network import Floats, Integers, Network
from gentie.engines.grid.power_flow import PowerFlow
from gentie.engines.grid.power_flow_grid import (
    Complexes,
    SolvableGrid,
    branch_admittances,
    grid_of,
)

FREE, HELD, SLACK = 0, 1, 2
"""What is known of a bus: nothing, its voltage, its angle too."""


class FrozenArrays(NamedTuple):
    """What the kernels read of the base state; edges are pairs of neighbouring buses.

    Attributes:
        parent: (n,) elimination tree.
        column_start: (n + 1,) of the factors.
        row: (q,) of the factors.
        lower: (q, 4) single precision.
        upper: (q, 4) single precision.
        inverse_diagonal: (n, 4) single precision.
        near: (e,) place of one end.
        far: (e,) place of the other.
        coefficient: (e, 4) real and imaginary power from near to far, and from far to near.
        own: (n, 2) power that a bus keeps for itself, s_ii.
        is_free: (n, 2) 1 where active, reactive power is to be met.
    """

    parent: Integers
    column_start: Integers
    row: Rows
    lower: npt.NDArray[np.float32]
    upper: npt.NDArray[np.float32]
    inverse_diagonal: npt.NDArray[np.float32]
    near: Rows
    far: Rows
    coefficient: Floats
    own: Floats
    is_free: Floats


class Inverse(NamedTuple):
    """Blocks of the inverse Jacobian between neighbours: below, above and on the diagonal."""

    below: Floats
    above: Floats
    diagonal: Floats


@dataclass(frozen=True, eq=False)
class FrozenGrid:
    """A solved base case, ready for outages.

    Attributes:
        network: that was solved.
        flow: its solution.
        grid: the network as Newton's method sees it, in its own order.
        bus: (n,) row of the bus at each place.
        place: (rows,) place of each bus of the network, -1 where isolated.
        kind: (n,) ``FREE``, ``HELD`` or ``SLACK``.
        voltage_pu: (n,) base voltage by place.
        angle_rad: (n,) base angle by place.
        generated_q_pu: (n,) reactive output of the units by place.
        branch: (k,) rows of the live branches, in the order in which they are scanned.
        near: (k,) place of the ``from`` end.
        far: (k,) place of the ``to`` end.
        power: (k, 8) real and imaginary s_ff, s_ft, s_tt, s_tf of each branch.
        arrays: for the kernels.
        pattern: of the factors.
        inverse: selected blocks.
    """

    network: Network
    flow: PowerFlow
    grid: SolvableGrid
    bus: Integers
    place: Integers
    kind: Integers
    voltage_pu: Floats
    angle_rad: Floats
    generated_q_pu: Floats
    branch: Integers
    near: Rows
    far: Rows
    power: Floats
    arrays: FrozenArrays
    pattern: FactorPattern
    inverse: Inverse


def frozen_grid(network: Network, flow: PowerFlow) -> FrozenGrid | None:
    """Freeze a solved base case.

    Args:
        network: the base case.
        flow: its converged power flow, reactive limits in or out.

    Returns:
        The frozen state; None where its Jacobian is singular.
    """
    grid = grid_of(network)
    line = np.flatnonzero(network.is_branch_live)
    branches = network.branches
    near, far = grid.position[branches.from_bus[line]], grid.position[branches.to_bus[line]]
    n = len(grid.bus)
    joins = near != far
    order = postordered(near[joins], far[joins], np.arange(n))
    moved = np.empty(n, np.int64)
    moved[order] = np.arange(n)
    near, far = moved[near], moved[far]
    bus = grid.bus[order]
    place = np.full(len(network.buses), -1, np.int64)
    place[bus] = np.arange(n)

    magnitude, angle = flow.voltage_pu[bus], np.deg2rad(flow.angle_deg[bus])
    phasor: Complexes = np.asarray(magnitude * np.exp(1j * angle), np.complex128)
    power = _branch_powers(network, line, phasor[near], phasor[far])
    own = magnitude**2 * np.conj(grid.admittance[grid.diagonal][order])
    edges = _edges(near[joins], far[joins], power[joins], n)
    is_limited = (flow.at_max_reactive | flow.at_min_reactive)[bus]
    kind = np.where(grid.is_controlled[order] & ~is_limited, HELD, FREE)
    kind[grid.is_slack[order]] = SLACK

    pattern = symbolic(edges[0].astype(np.int64), edges[1].astype(np.int64), n)
    lower, upper = np.zeros((len(pattern.row), 4)), np.zeros((len(pattern.row), 4))
    diagonal = np.zeros((n, 4))
    pair = np.column_stack([own.real, own.imag])
    _assemble(pattern, *edges, pair, kind, lower, upper, diagonal)
    if not factorise(pattern, lower, upper, diagonal):
        return None
    inverse = Inverse(*selected_inverse(pattern, lower, upper, diagonal))
    injection = (
        own
        + np.bincount(edges[0], edges[2][:, 0], n)
        + 1j * np.bincount(edges[0], edges[2][:, 1], n)
    )
    injection += np.bincount(edges[1], edges[2][:, 2], n)
    injection += 1j * np.bincount(edges[1], edges[2][:, 3], n)
    scan = np.argsort(np.minimum(near, far), kind="stable")
    arrays = FrozenArrays(
        *pattern,
        lower.astype(np.float32),
        upper.astype(np.float32),
        diagonal.astype(np.float32),
        *edges,
        pair,
        np.column_stack([kind < SLACK, kind == FREE]).astype(np.float64),
    )
    return FrozenGrid(
        network=network,
        flow=flow,
        grid=grid,
        bus=bus,
        place=place,
        kind=kind,
        voltage_pu=magnitude,
        angle_rad=angle,
        generated_q_pu=injection.imag - grid.fixed_pu[order].imag,
        branch=line[scan],
        near=near[scan].astype(np.int32),
        far=far[scan].astype(np.int32),
        power=power[scan],
        arrays=arrays,
        pattern=pattern,
        inverse=inverse,
    )


def _branch_powers(
    network: Network, line: Integers, at_near: Complexes, at_far: Complexes
) -> Floats:
    """(k, 8) s_ff, s_ft, s_tt, s_tf of branches between these voltages."""
    y_ff, y_ft, y_tf, y_tt = (y[line] for y in branch_admittances(network))
    parts = (
        np.abs(at_near) ** 2 * np.conj(y_ff),
        at_near * np.conj(y_ft * at_far),
        np.abs(at_far) ** 2 * np.conj(y_tt),
        at_far * np.conj(y_tf * at_near),
    )
    return np.column_stack([part for power in parts for part in (power.real, power.imag)])


def _edges(near: Integers, far: Integers, power: Floats, n: int) -> tuple[Rows, Rows, Floats]:
    """Parallel branches joined into edges, smaller place first."""
    forth, back = power[:, 2:4], power[:, 6:8]
    is_up = (near < far)[:, None]
    values = np.hstack([np.where(is_up, forth, back), np.where(is_up, back, forth)])
    key = np.minimum(near, far) * n + np.maximum(near, far)
    keys, inverse = np.unique(key, return_inverse=True)
    table = np.column_stack([np.bincount(inverse, values[:, k], len(keys)) for k in range(4)])
    first, second = np.divmod(keys, n)
    return first.astype(np.int32), second.astype(np.int32), np.ascontiguousarray(table)


@numba.njit(cache=True)
def _assemble(pattern, near, far, coefficient, own, kind, lower, upper, diagonal):  # type: ignore[no-untyped-def]
    """Jacobian at the base state, in blocks ((dP/dt, dP/du), (dQ/dt, dQ/du)).

    With s_ij = V_i conj(Y_ij V_j): dS_i/dt_j = -j s_ij, dS_i/du_j = s_ij, dS_i/dt_i the negative
    sum of the former over the neighbours, dS_i/du_i = 2 s_ii + the sum of the latter.
    """
    for i in range(len(own)):
        diagonal[i, 1] += 2.0 * own[i, 0]
        diagonal[i, 3] += 2.0 * own[i, 1]
    for e in range(len(near)):
        i, j = near[e], far[e]
        p, q, p_back, q_back = (
            coefficient[e, 0],
            coefficient[e, 1],
            coefficient[e, 2],
            coefficient[e, 3],
        )
        diagonal[i, 0] -= q
        diagonal[i, 1] += p
        diagonal[i, 2] += p
        diagonal[i, 3] += q
        diagonal[j, 0] -= q_back
        diagonal[j, 1] += p_back
        diagonal[j, 2] += p_back
        diagonal[j, 3] += q_back
        place = entry_at(pattern.column_start, pattern.row, i, j)
        upper[place, 0] += q
        upper[place, 1] += p
        upper[place, 2] -= p
        upper[place, 3] += q
        lower[place, 0] += q_back
        lower[place, 1] += p_back
        lower[place, 2] -= p_back
        lower[place, 3] += q_back
    for j in range(len(own)):
        for place in range(pattern.column_start[j], pattern.column_start[j + 1]):
            i = pattern.row[place]
            for k in range(4):
                if kind[i] == 2 or (kind[i] == 1 and k >= 2):
                    lower[place, k] = 0.0
                if kind[j] == 2 or (kind[j] == 1 and k >= 2):
                    upper[place, k] = 0.0
        if kind[j] >= 1:
            diagonal[j, 2] = 0.0
            diagonal[j, 3] = 1.0
        if kind[j] == 2:
            diagonal[j, 0] = 1.0
            diagonal[j, 1] = 0.0
