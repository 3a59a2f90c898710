"""Capacity by plain numpy: every pair of element and outage for every point, nothing skipped.

Of the engine it takes only what was asked (limits, elements, outages, fleet, injections); flows,
factors and outage factors are its own, from scipy's SuperLU. It is the second opinion of the tests
and the peer of `bench/capacity.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from gentie.engines.grid.network import Floats, Integers
from gentie.engines.interconnection.published import PublishedCase

AT_ONCE = 16
"""Outages in a block."""

AT_LIMIT = 1e-9
"""A pair above its limit by more than this share before the injection is set apart."""

ROUNDING = 1e-9
"""Least factor that counts where there is no cut-off."""


def plain_capacity_mw(case: PublishedCase, bus_rows: Integers) -> tuple[Floats, Floats]:
    """(p,) MW before the first limit, and (p, k) MW that bring each element to its limit."""
    network = case.network
    branches, n = network.branches, len(network.buses)
    live = network.is_branch_live
    b = np.where(live, network.base_mva / (branches.reactance_pu * branches.tap_ratio), 0.0)
    a, z, watched = branches.from_bus, branches.to_bus, case.monitored
    keep = np.flatnonzero(network.is_bus_live & (network.buses.kind != 3))
    corner = (np.concatenate([a, z, a, z]), np.concatenate([a, z, z, a]))
    matrix = csc_matrix((np.concatenate([b, b, -b, -b]), corner), shape=(n, n))
    lu = splu(matrix[keep][:, keep].tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)

    def angles(right: Any) -> Any:
        out = np.zeros(right.shape)
        out[keep] = lu.solve(right[keep])
        return out

    shift = np.deg2rad(branches.shift_deg)
    angle = angles(case.injection_mw + np.bincount(a, b * shift, n) - np.bincount(z, b * shift, n))
    flow = (b * (angle[a] - angle[z] - shift))[watched]
    across = np.zeros((n, len(bus_rows) + 1))
    across[bus_rows, np.arange(len(bus_rows))] = 1.0
    np.add.at(across[:, -1], case.fleet_bus, case.fleet_share)
    angle = angles(across)
    factor = (b[:, None] * (angle[a] - angle[z]))[watched]
    factor = factor[:, :-1] - factor[:, -1:]

    least = max(case.screening.cut_off, ROUNDING)
    limits = np.empty((len(bus_rows), len(watched)))
    for point, h in enumerate(factor.T):
        counts = (np.abs(h) >= least) & (np.abs(flow) <= case.normal_limit_mw * (1 + AT_LIMIT))
        room = case.normal_limit_mw - np.sign(h) * flow
        limits[point] = _least(room, np.abs(h), counts)
    post = case.post_limit_mw[:, None]
    for first in range(0, len(case.outages), AT_ONCE):
        opened = case.outages[first : first + AT_ONCE]
        column, place = np.arange(len(opened)), np.searchsorted(watched, opened)
        across = np.zeros((n, len(opened)))
        across[a[opened], column] = 1.0
        across[z[opened], column] -= 1.0
        angle = angles(across)
        moved = b[watched, None] * (angle[a[watched]] - angle[z[watched]])
        moved /= 1.0 - moved[place, column]
        after = flow[:, None] + moved * flow[place]
        is_open = np.abs(after) <= post * (1 + AT_LIMIT)
        is_open[place, column] = False
        for point, h in enumerate(factor.T):
            share = h[:, None] + moved * h[place]
            room = post - np.sign(share) * after
            size = np.abs(share)
            found = _least(room, size, is_open & (size >= least)).min(axis=1)
            np.minimum(limits[point], found, out=limits[point])
    return limits.min(axis=1), limits


def _least(room: Floats, size: Floats, counts: Any) -> Floats:
    return np.divide(room, size, out=np.full(room.shape, np.inf), where=counts)
