"""The published case: one frozen statement of the grid that every door answers from.

The capacity map, the check of one point and the cluster study all start from the same flows, the
same monitored elements and outages, the same limits, the same displaced fleet and the same
cut-off. That is what makes their answers agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gentie.engines.grid.contingencies import (
    NO_OUTAGE,
    ContingencyResult,
    IslandingOutage,
    analyse_contingencies,
)
from gentie.engines.grid.linear import LinearModel, base_injection_mw, linear_model
from gentie.engines.grid.network import Booleans, Floats, Integers, Network
from gentie.engines.grid.points import (
    BranchRoles,
    Points,
    branch_roles,
    points_of_interconnection,
)
from gentie.quantities.findings import BadInput, Finding

AT_LIMIT = 1e-9
"""A loading counts as above its limit from this share of the limit on."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What a published case is made by; every value is an entry of the rulebook.

    Attributes:
        areas: areas studied; empty for the whole case.
        cut_off: least distribution factor at which an injection counts as reaching an element.
        minimum_kv: lowest voltage of points and elements.
        emergency_multiplier: post-contingency limit over the normal rating, where the case gives
            no emergency rating.
        imbalance_on_load: spread the stored dispatch's imbalance over the loads.
    """

    areas: tuple[int, ...]
    cut_off: float
    minimum_kv: float
    emergency_multiplier: float
    imbalance_on_load: bool


@dataclass(frozen=True, eq=False)
class SetApart:
    """A pair already above its limit before anything is added.

    Attributes:
        branch_row: the loaded element.
        outage_row: the outage, or ``NO_OUTAGE``.
        loading: share of its limit in the base case.
    """

    branch_row: int
    outage_row: int
    loading: float


@dataclass(frozen=True, eq=False)
class PublishedCase:
    """See the module. Rows are rows of the network's tables.

    Attributes:
        screening: what it was made by.
        model: factored network.
        roles: what each branch is.
        points: points of interconnection of the whole case.
        studied_points: (p,) those inside the studied areas and voltages.
        monitored: (k,) branch rows watched.
        normal_limit_mw: (k,) limit with nothing out.
        post_limit_mw: (k,) limit after an outage.
        outages: (c,) branch rows opened one at a time.
        islanding: outages that cut part of the grid off, named and not simulated.
        injection_mw: (n,) injections of the stored dispatch, balanced.
        flow_mw: (m,) flows of the stored dispatch.
        fleet_bus: (f,) bus rows of the fleet that new injections displace.
        fleet_mw: (f,) its stored output there.
        base: loadings of the stored dispatch.
        set_apart: pairs above their limit in the stored dispatch.
    """

    screening: Screening
    model: LinearModel
    roles: BranchRoles
    points: Points
    studied_points: Integers
    monitored: Integers
    normal_limit_mw: Floats
    post_limit_mw: Floats
    outages: Integers
    islanding: tuple[IslandingOutage, ...]
    injection_mw: Floats
    flow_mw: Floats
    fleet_bus: Integers
    fleet_mw: Floats
    base: ContingencyResult
    set_apart: tuple[SetApart, ...]

    @property
    def network(self) -> Network:
        """The network of the case."""
        return self.model.network

    @property
    def fleet_share(self) -> Floats:
        """(f,) share of each fleet bus in what is displaced."""
        return self.fleet_mw / self.fleet_mw.sum()

    @cached_property
    def fleet_factor(self) -> Floats:
        """(m,) flow on every branch per MW of the fleet's output, taken out at the slack."""
        injection = np.zeros(len(self.network.buses))
        np.add.at(injection, self.fleet_bus, self.fleet_share)
        return self.model.flow_per_angle(self.model.angles_rad(injection))

    def distribution_factors(self, bus_rows: Integers) -> Floats:
        """(m, k) MW on every branch per MW injected at each bus, the fleet displaced pro rata."""
        return self.model.transfer_factors(bus_rows) - self.fleet_factor[:, None]

    def element(self, branch_row: int) -> str:
        """Identity of a branch; ``base`` for no outage."""
        return "base" if branch_row == NO_OUTAGE else self.network.element_ids[branch_row]

    def constraint(self, branch_row: int, outage_row: int, direction: int, condition: str) -> str:
        """Identity of a constraint: ``element|outage|direction|condition``."""
        way = "forward" if direction > 0 else "reverse"
        return f"{self.element(branch_row)}|{self.element(outage_row)}|{way}|{condition}"


def post_contingency_limit_mw(network: Network, *, emergency_multiplier: float) -> Floats:
    """(m,) limit after an outage: the emergency rating, else the long-term one, else a multiple.

    Returns:
        MW (a power factor of one is taken); 0 for unrated branches.
    """
    branches = network.branches
    return np.where(
        branches.rating_normal_mva <= 0,
        0.0,
        np.where(
            branches.rating_emergency_mva > 0,
            branches.rating_emergency_mva,
            np.where(
                branches.rating_long_term_mva > 0,
                branches.rating_long_term_mva,
                emergency_multiplier * branches.rating_normal_mva,
            ),
        ),
    )


def publish(network: Network, screening: Screening, *, threads: int = 2) -> PublishedCase:
    """Make the published case of a network.

    Raises:
        BadInput: no unit in the studied areas produces anything.
        Islanded: some live bus has no path to the slack bus.
        ValueError: the network has no linear model.
    """
    model = linear_model(network)
    roles = branch_roles(network, minimum_kv=screening.minimum_kv)
    points = points_of_interconnection(network, roles)
    in_area = buses_in_areas(network, screening.areas)
    branches, buses, units = network.branches, network.buses, network.generators
    touches = in_area[branches.from_bus] | in_area[branches.to_bus]
    monitored = np.flatnonzero(roles.is_studied & touches)
    limits = post_contingency_limit_mw(network, emergency_multiplier=screening.emergency_multiplier)
    injection = base_injection_mw(network, imbalance_on_load=screening.imbalance_on_load)
    flow = model.flow_mw(injection)
    normal, post = branches.rating_normal_mva[monitored], limits[monitored]
    base = analyse_contingencies(
        model,
        flow,
        monitored=monitored,
        normal_limit_mw=normal,
        post_limit_mw=post,
        outages=monitored,
        above=1.0 + AT_LIMIT,
        threads=threads,
    )
    apart = [
        SetApart(int(monitored[place]), NO_OUTAGE, float(base.base_loading[place]))
        for place in np.flatnonzero(base.base_loading > 1.0 + AT_LIMIT)
    ]
    apart += [
        SetApart(int(branch), int(outage), float(loading))
        for branch, outage, loading in zip(
            base.pair_branch, base.pair_outage, base.pair_loading, strict=True
        )
    ]
    principal = points.principal_bus
    kv = buses.nominal_kv[principal]
    studied = in_area[principal] & ((kv >= screening.minimum_kv) | (kv <= 0))
    live = network.is_generator_live & in_area[units.bus] & (units.p_mw > 0)
    if not live.any():
        raise BadInput(
            Finding(
                "published.no_fleet",
                f"{network.name}: no unit in the studied areas produces anything, so nothing can "
                "make room for a new injection; choose other areas or give the units an output.",
            )
        )
    fleet_bus, where = np.unique(units.bus[live], return_inverse=True)
    return PublishedCase(
        screening=screening,
        model=model,
        roles=roles,
        points=points,
        studied_points=np.flatnonzero(studied),
        monitored=monitored,
        normal_limit_mw=normal,
        post_limit_mw=post,
        outages=base.outages,
        islanding=base.islanding,
        injection_mw=injection,
        flow_mw=flow,
        fleet_bus=fleet_bus,
        fleet_mw=np.bincount(where, weights=units.p_mw[live]).astype(float),
        base=base,
        set_apart=tuple(apart),
    )


def buses_in_areas(network: Network, areas: tuple[int, ...]) -> Booleans:
    """(n,) live buses of these areas; of the whole case where none is named."""
    if not areas:
        return network.is_bus_live
    return network.is_bus_live & np.isin(network.buses.area, areas)
