"""Points of interconnection: stations made here, and the California part of the large case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gentie.engines.grid.network import Network
from gentie.engines.grid.points import (
    BranchRoles,
    Points,
    branch_roles,
    points_of_interconnection,
    star_buses,
)
from tests.networks import (
    floats,
    network_of,
    read_network,
    table_of_branches,
    table_of_buses,
    table_of_units,
)

CALIFORNIA = (3, 4, 5, 6, 7)

# A station of two sections (rows 0 and 1), a line to a second station (2), from there a
# three-winding transformer by its star point (3) to 345 kV (4) and 13 kV (5), a step-up (6).
KV = floats(138, 138, 138, 1, 345, 13, 13)
ENDS = [(0, 1), (1, 2), (2, 3), (4, 3), (3, 5), (6, 0)]
RATING = floats(0, 200, 300, 300, 50, 80)


def station(**columns: Any) -> Network:
    transformer = np.array([False, False, True, True, True, True])
    branches = table_of_branches(
        ENDS,
        1j * columns.pop("reactance", floats(0.001, 0.1, 0.1, -0.01, 0.1, 0.1)),
        rating_normal_mva=columns.pop("rating", RATING),
        **columns,
    )
    return network_of(
        replace(table_of_buses([3, 1, 1, 1, 1, 1, 1], [0, 10, 10, 0, 10, 0, 0]), nominal_kv=KV),
        replace(branches, is_transformer=transformer),
        table_of_units([0, 6], [20.0, 20.0], [(-9.0, 9.0)] * 2),
    )


def test_what_each_branch_is() -> None:
    roles = branch_roles(station(), minimum_kv=69.0)
    assert roles.is_tie.tolist() == [True, False, False, False, False, False]
    assert roles.is_star_leg.tolist() == [False, False, True, True, True, False]
    assert roles.star_bus.tolist() == [-1, -1, 3, 3, 3, -1]
    # The leg to 13 kV and the machine's transformer: the outer end of a leg decides.
    assert roles.is_step_up.tolist() == [False, False, False, False, True, True]
    assert roles.is_studied.tolist() == [False, True, True, True, False, False]
    every = branch_roles(station(), minimum_kv=0.0)
    assert every.is_studied.tolist() == [False, True, True, True, True, True]


@pytest.mark.parametrize(
    "columns",
    [
        {"rating": floats(10, 200, 300, 300, 50, 80)},
        {"reactance": floats(0.01, 0.1, 0.1, -0.01, 0.1, 0.1)},
        {"charging_pu": floats(0.01, 0, 0, 0, 0, 0)},
        {"shift_deg": floats(1, 0, 0, 0, 0, 0)},
        {"tap_ratio": floats(1.01, 1, 1, 1, 1, 1)},
        {"in_service": np.array([False, True, True, True, True, True])},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_what_is_no_tie(columns: dict[str, Any]) -> None:
    network = station(**columns)
    roles = branch_roles(network, minimum_kv=69.0)
    assert not roles.is_tie.any()
    assert points_of_interconnection(network, roles).members[:2] == ((0,), (1,))


def test_sections_of_a_station_are_one_point() -> None:
    network = station()
    points = points_of_interconnection(network, branch_roles(network, minimum_kv=69.0))
    assert points.members == ((0, 1), (2,), (4,), (5,), (6,))
    assert points.point_of_bus.tolist() == [0, 0, 1, -1, 2, 3, 4]
    assert points.principal_bus.tolist() == [0, 2, 4, 5, 6]
    assert points.element_count.tolist() == [1, 2, 1, 0, 0]
    assert points.identity(1) == "point:30"


def test_the_lowest_number_stands_for_the_station() -> None:
    network = station()
    numbers = np.array([70, 20, 30, 40, 50, 60, 10])
    network = replace(network, buses=replace(network.buses, number=numbers))
    points = points_of_interconnection(network, branch_roles(network, minimum_kv=69.0))
    assert [points.identity(at) for at in range(5)] == [
        f"point:{number}" for number in (10, 20, 30, 50, 60)
    ]
    assert points.members[1] == (1, 0)


def test_a_bus_with_something_on_it_is_no_star_point() -> None:
    network = station()
    assert np.flatnonzero(star_buses(network)).tolist() == [3]
    for column in ("load_mw", "load_mvar", "shunt_mw", "shunt_mvar"):
        one = np.zeros(7)
        one[3] = 1.0
        buses = replace(network.buses, **{column: one})
        assert not star_buses(replace(network, buses=buses)).any()
    units = replace(network.generators, bus=np.array([0, 3]))
    assert not star_buses(replace(network, generators=units)).any()
    lines = replace(network.branches, is_transformer=np.zeros(6, np.bool_))
    assert not star_buses(replace(network, branches=lines)).any()


# The facts of the large case


@pytest.fixture(scope="module")
def large() -> tuple[Network, BranchRoles, Points, Any]:
    network = read_network("case_ACTIVSg10k")
    roles = branch_roles(network, minimum_kv=69.0)
    in_area = np.isin(network.buses.area, CALIFORNIA)
    return network, roles, points_of_interconnection(network, roles), in_area


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_branches_of_california(large: tuple[Network, BranchRoles, Points, Any]) -> None:
    network, roles, _, in_area = large
    ends = in_area[network.branches.from_bus].astype(int) + in_area[network.branches.to_bus]
    touches = ends > 0
    assert (touches.sum(), (ends == 1).sum()) == (5169, 49)
    # Exactly the unrated branches are ties.
    assert np.array_equal(roles.is_tie & touches, ~roles.is_rated & touches)
    assert (roles.is_tie & touches).sum() == 1022
    reactance = network.branches.reactance_pu[roles.is_tie & touches]
    assert (reactance.min(), reactance.max()) == pytest.approx((0.0010, 0.0012), abs=5e-5)
    legs = roles.is_star_leg & touches
    assert (legs.sum(), (legs & (network.branches.reactance_pu < 0)).sum()) == (420, 82)
    assert (roles.is_step_up & ~roles.is_star_leg & touches).sum() == 450
    assert (roles.is_studied & touches).sum() == 3490


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_buses_and_points_of_california(large: tuple[Network, BranchRoles, Points, Any]) -> None:
    network, _, points, in_area = large
    stars = star_buses(network)
    assert (in_area.sum(), (in_area & stars).sum()) == (4147, 140)
    assert np.array_equal(in_area & stars, in_area & (network.buses.nominal_kv == 1.0))
    kv = network.buses.nominal_kv[points.principal_bus]
    here = in_area[points.principal_bus] & (kv >= 138.0)
    found = dict(zip(*np.unique(kv[here], return_counts=True), strict=True))
    assert found == {138.0: 1978, 345.0: 294, 765.0: 55}
    assert here.sum() == 2327
    lonely = here & (points.element_count == 1)
    assert lonely.sum() == (lonely & (kv == 138.0)).sum() == 13
    assert not (here & (points.element_count == 0)).any()


@pytest.mark.xdist_group("case_ACTIVSg10k")
def test_a_point_has_one_voltage_and_every_bus_has_one(
    large: tuple[Network, BranchRoles, Points, Any],
) -> None:
    network, _, points, _ = large
    for group in points.members:
        assert len(set(network.buses.nominal_kv[list(group)])) == 1
    together = sorted(bus for group in points.members for bus in group)
    assert together == np.flatnonzero(~star_buses(network)).tolist()
    assert (points.point_of_bus[together] >= 0).all()
