"""Which circuits run beside one another, from where their buses stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from gentie.engines.grid.network import Booleans, Floats, Integers, Network

KM_PER_DEGREE = 111.19
STEP_KM = 0.25
"""Distance of the points at which two straight lines are compared."""


@dataclass(frozen=True, eq=False)
class Corridors:
    """Pairs of lines that share a corridor.

    Attributes:
        first: (p,) branch rows, the smaller of each pair.
        second: (p,) branch rows.
        shared_km: (p,) over which the two are near.
        without_place: (k,) rows of lines with an end whose place is not known.
    """

    first: Integers
    second: Integers
    shared_km: Floats
    without_place: Integers


def shared_corridors(
    network: Network,
    *,
    latitude_deg: Floats,
    longitude_deg: Floats,
    is_line: Booleans,
    apart_km: float = 0.5,
    shared_km: float = 1.6,
) -> Corridors:
    """Find lines that run near one another over some length.

    Args:
        network: the case.
        latitude_deg: (n,) of each bus, NaN where not known.
        longitude_deg: (n,) likewise.
        is_line: (m,) branches to compare.
        apart_km: two lines nearer than this are beside one another.
        shared_km: the least length; TPL-001 sets one mile of common structure apart.

    Returns:
        Pairs in the order of their rows.

    Neglects: the ways that lines take: each is straight between its buses, so lines that share a
        right of way on a detour are missed, and lines that cross at a small angle may be taken.
    Follows: NERC TPL-001-5.1, table 1, P7 (two adjacent circuits on a common structure).
    """
    branches = network.branches
    rows = np.flatnonzero(is_line & network.is_branch_live)
    a, z = branches.from_bus[rows], branches.to_bus[rows]
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    has_place = known[a] & known[z]
    without = rows[~has_place]
    rows, a, z = rows[has_place], a[has_place], z[has_place]
    empty = np.zeros(0, np.int64)
    if not len(rows):
        return Corridors(empty, empty, np.zeros(0), without)
    north_km = latitude_deg * KM_PER_DEGREE
    middle = np.radians(float(np.nanmean(latitude_deg)))
    east_km = longitude_deg * KM_PER_DEGREE * np.cos(middle)
    start = np.column_stack([east_km[a], north_km[a]])
    end = np.column_stack([east_km[z], north_km[z]])
    length_km = np.hypot(*(end - start).T)
    count = np.maximum(np.ceil(length_km / STEP_KM).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(rows)), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = ((place + 0.5) / count[owner])[:, None]
    points = start[owner] + share * (end - start)[owner]
    near = cKDTree(points).query_pairs(np.hypot(apart_km, STEP_KM / 2), output_type="ndarray")
    one, other = owner[near[:, 0]], owner[near[:, 1]]
    apart = one != other
    near, one, other = near[apart], one[apart], other[apart]
    # every point of a line once, however many points of the other are near it
    lines = len(rows)
    marks = np.concatenate([near[:, 0] * lines + other, near[:, 1] * lines + one])
    point, with_line = np.divmod(np.unique(marks), lines)
    key, times = np.unique(owner[point] * lines + with_line, return_counts=True)
    of, beside = np.divmod(key, lines)
    beside_km = times * (length_km / count)[of]
    lower = of < beside
    other_way = dict(zip((of * lines + beside).tolist(), beside_km.tolist(), strict=True))
    pairs = [
        (rows[i], rows[j], min(km, other_way[j * lines + i]))
        for i, j, km in zip(
            of[lower].tolist(), beside[lower].tolist(), beside_km[lower].tolist(), strict=True
        )
        if min(km, other_way[j * lines + i]) >= shared_km
    ]
    return Corridors(
        np.array([pair[0] for pair in pairs], np.int64),
        np.array([pair[1] for pair in pairs], np.int64),
        np.array([pair[2] for pair in pairs], np.float64),
        without,
    )
