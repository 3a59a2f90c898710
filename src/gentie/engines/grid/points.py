"""Points of interconnection: which buses are electrically one place, and which branches are what.

A planning case splits a station into bus sections joined by ties without a rating. A developer
connects to the station, so the sections are one point. Ties and generator step-ups are part of a
station or a plant: they are neither opened as outages nor watched as limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gentie.engines.grid.network import Booleans, Integers, Network

TIE_REACTANCE_PU = 0.002
"""Largest reactance of a bus tie. The ties of the ACTIVSg cases have 0.0010 to 0.0012."""


@dataclass(frozen=True, eq=False)
class BranchRoles:
    """What each branch is to a study, (m,) each.

    Attributes:
        is_tie: joins two sections of one station: in service, unrated, same voltage, no charging,
            no phase shift, a reactance of at most ``TIE_REACTANCE_PU``.
        is_star_leg: one winding of a three-winding transformer, drawn to its star point.
        is_step_up: transformer (or star leg) whose lower side is below the studied voltage.
        is_rated: has a normal rating.
        star_bus: row of the star point of a star leg, else -1.
    """

    is_tie: Booleans
    is_star_leg: Booleans
    is_step_up: Booleans
    is_rated: Booleans
    star_bus: Integers

    @cached_property
    def is_studied(self) -> Booleans:
        """Branches that a study opens and watches."""
        return self.is_rated & ~self.is_tie & ~self.is_step_up


def branch_roles(network: Network, *, minimum_kv: float) -> BranchRoles:
    """Tell ties, star legs and step-ups from the lines and transformers that a study is about.

    Args:
        network: the case.
        minimum_kv: lowest voltage studied; buses of unknown voltage (0 kV) count as studied.

    Neglects: switches and breakers, which a bus-branch case does not hold.
    """
    branches, buses = network.branches, network.buses
    live = network.is_branch_live
    kv_from, kv_to = buses.nominal_kv[branches.from_bus], buses.nominal_kv[branches.to_bus]
    star = star_buses(network)
    star_bus = np.where(
        star[branches.from_bus],
        branches.from_bus,
        np.where(star[branches.to_bus], branches.to_bus, -1),
    )
    star_bus = np.where(live, star_bus, -1)
    is_star_leg = star_bus >= 0
    outer_kv = np.where(star[branches.from_bus], kv_to, kv_from)
    lower_kv = np.where(is_star_leg, outer_kv, np.minimum(kv_from, kv_to))
    is_rated = live & (branches.rating_normal_mva > 0)
    is_tie = (
        live
        & ~is_rated
        & (kv_from == kv_to)
        & (branches.charging_pu == 0)
        & (branches.shift_deg == 0)
        & (branches.tap_ratio == 1)
        & (np.abs(branches.reactance_pu) <= TIE_REACTANCE_PU)
    )
    is_step_up = branches.is_transformer & (lower_kv > 0) & (lower_kv < minimum_kv) & live
    return BranchRoles(is_tie, is_star_leg, is_step_up, is_rated, star_bus)


def star_buses(network: Network) -> Booleans:
    """(n,) star points of three-winding transformers.

    A bus with nothing connected whose three branches in service are all transformers, and whose
    nominal voltage is that of none of its neighbours, or which has a leg of negative reactance.
    """
    branches, buses, units, dc = (
        network.branches,
        network.buses,
        network.generators,
        network.dc_lines,
    )
    n = len(buses)
    live = network.is_branch_live
    ends = np.concatenate([branches.from_bus[live], branches.to_bus[live]])
    others = np.concatenate([branches.to_bus[live], branches.from_bus[live]])
    rows = np.concatenate([np.flatnonzero(live), np.flatnonzero(live)])
    count = np.bincount(ends, minlength=n)
    transformers = np.bincount(ends, weights=branches.is_transformer[rows], minlength=n)
    same_kv = np.bincount(
        ends, weights=buses.nominal_kv[ends] == buses.nominal_kv[others], minlength=n
    )
    negative = np.bincount(ends, weights=branches.reactance_pu[rows] < 0, minlength=n)
    empty = (
        (buses.load_mw == 0)
        & (buses.load_mvar == 0)
        & (buses.shunt_mw == 0)
        & (buses.shunt_mvar == 0)
    )
    empty[units.bus] = False
    empty[dc.from_bus] = False
    empty[dc.to_bus] = False
    return np.asarray(
        empty & (count == 3) & (transformers == 3) & ((same_kv == 0) | (negative > 0))
    )


@dataclass(frozen=True, eq=False)
class Points:
    """The points of interconnection of one base case.

    Attributes:
        principal_bus: (p,) bus row that stands for each point: the member with the lowest number.
        point_of_bus: (n,) point of every bus, -1 for star points and isolated buses.
        members: bus rows of each point.
        element_count: (p,) studied branches that meet at each point.
    """

    network: Network
    principal_bus: Integers
    point_of_bus: Integers
    members: tuple[tuple[int, ...], ...]
    element_count: Integers

    def identity(self, point: int) -> str:
        """``point:NUMBER`` of the principal bus; it holds for this base case only."""
        return f"point:{self.network.buses.number[self.principal_bus[point]]}"


def points_of_interconnection(network: Network, roles: BranchRoles) -> Points:
    """Join the sections of each station into points."""
    branches, buses = network.branches, network.buses
    n = len(buses)
    tie = roles.is_tie
    links = coo_matrix(
        (np.ones(int(tie.sum())), (branches.from_bus[tie], branches.to_bus[tie])), shape=(n, n)
    )
    _, part = connected_components(links, directed=False)
    is_place = network.is_bus_live & ~star_buses(network)
    rows = np.flatnonzero(is_place)
    rows = rows[np.argsort(buses.number[rows], kind="stable")]
    point_of_bus = np.full(n, -1, np.int64)
    principal: list[int] = []
    members: list[list[int]] = []
    point_of_part: dict[int, int] = {}
    for row in rows.tolist():
        point = point_of_part.setdefault(int(part[row]), len(principal))
        if point == len(principal):
            principal.append(row)
            members.append([])
        members[point].append(row)
        point_of_bus[row] = point
    studied = np.flatnonzero(roles.is_studied)
    count = np.zeros(len(principal), np.int64)
    for ends in (branches.from_bus[studied], branches.to_bus[studied]):
        at = point_of_bus[ends]
        np.add.at(count, at[at >= 0], 1)
    return Points(
        network=network,
        principal_bus=np.array(principal, np.int64),
        point_of_bus=point_of_bus,
        members=tuple(tuple(group) for group in members),
        element_count=count,
    )
