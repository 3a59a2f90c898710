"""The DC model against paper, laws, scipy and lightsim2grid."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.peers import lightsim2grid_model, lightsim2grid_order
from gentie.engines.grid.linear import Islanded, LinearModel, base_injection_mw, linear_model
from gentie.engines.grid.network import Network
from tests.networks import (
    cut_off_by,
    floats,
    meshed_networks,
    network_of,
    read_network,
    resolved_flow_mw,
    table_of_branches,
    table_of_buses,
    table_of_units,
)

SAME_MW = 1e-7
"""1e-9 pu on 100 MVA."""

# Three buses in a triangle whose sides have 0.1 pu each: two circuits of 0.2 from the first (the
# slack) to the second, one of 0.1 from the first to the third, one of 0.1 from second to third.
TRIANGLE = network_of(
    table_of_buses([3, 1, 1], [0, 90, 60]),
    table_of_branches([(0, 1), (0, 1), (0, 2), (1, 2)], floats(0.2, 0.2, 0.1, 0.1) * 1j),
    table_of_units([0], [150.0], [(-9.0, 9.0)]),
)


def rebuilt(network: Network, **columns: object) -> LinearModel:
    return linear_model(replace(network, branches=replace(network.branches, **columns)))


# On paper


def test_transfer_factors_on_paper() -> None:
    factors = linear_model(TRIANGLE).transfer_factors(np.arange(3))
    # Two thirds go the short way round and one third the long one.
    expected = np.array([[0, -2, -1], [0, -2, -1], [0, -2, -4], [0, 2, -2]]) / 6
    assert factors == pytest.approx(expected, abs=1e-15)


def test_flows_on_paper() -> None:
    flow = linear_model(TRIANGLE).flow_mw(TRIANGLE.injection_mw)
    # 90 MW at the second bus bring 30 to each of its three ways in, 60 at the third 40 and 20.
    assert flow == pytest.approx([30 + 10, 30 + 10, 30 + 40, -30 + 20], abs=1e-12)


def test_outage_factors_on_paper() -> None:
    model = linear_model(TRIANGLE)
    expected = (
        [-1, 1 / 2, 1 / 2, -1 / 2],  # the twin has 0.2 pu, and so has the way by the third bus
        [1 / 2, -1, 1 / 2, -1 / 2],
        [1 / 2, 1 / 2, -1, 1],
        [-1 / 2, -1 / 2, 1, -1],
    )
    for branch, factors in enumerate(expected):
        assert model.outage_factors(branch) == pytest.approx(factors, abs=1e-14)


def test_a_phase_shift_drives_a_loop_flow() -> None:
    branches = replace(TRIANGLE.branches, shift_deg=floats(0, 0, 3.0, 0))
    flow = linear_model(replace(TRIANGLE, branches=branches)).flow_mw(np.zeros(3))
    # Three degrees against 0.3 pu round the loop, on 100 MVA.
    around = 100 * np.deg2rad(3.0) / 0.3
    assert flow == pytest.approx([around / 2, around / 2, -around, around], abs=1e-12)


def test_a_tap_divides_the_susceptance() -> None:
    model = rebuilt(TRIANGLE, tap_ratio=floats(1.0, 0.5, 1.0, 1.0))
    assert model.susceptance_mw_per_rad == pytest.approx([500, 1000, 1000, 1000])


# Second opinions


@pytest.mark.parametrize(
    "name", ["case118", "case_RTS_GMLC", "case_ACTIVSg2000", "case_ACTIVSg10k", "case2869pegase"]
)
def test_flows_of_two_other_solvers(name: str) -> None:
    network = read_network(name)
    flow = linear_model(network).flow_mw(network.injection_mw)
    apart = np.abs(flow - resolved_flow_mw(network, network.injection_mw)).max()
    peer, order = lightsim2grid_model(network), lightsim2grid_order(network)
    peer.dc_pf(np.ones(len(network.buses), np.complex128), 1, 1e-8)
    theirs = np.concatenate([peer.get_line_res1()[0], peer.get_trafo_res1()[0]])
    other = np.abs(flow[order] - theirs).max()
    print(f"{name}: scipy {apart:.0e} MW, lightsim2grid {other:.0e} MW")
    assert max(apart, other) < SAME_MW


def test_factors_are_differences_of_solved_flows() -> None:
    network = read_network("case_ACTIVSg2000")
    model = linear_model(network)
    rows = np.random.default_rng(2).choice(len(network.buses), 40, replace=False)
    factors = model.transfer_factors(rows)
    nothing = np.zeros(len(network.buses))
    for column, bus in enumerate(rows):
        injection = nothing.copy()
        injection[bus] = 1.0
        change = resolved_flow_mw(network, injection) - resolved_flow_mw(network, nothing)
        assert factors[:, column] == pytest.approx(change, abs=1e-9)


# Laws


@given(network=meshed_networks())
@settings(max_examples=100, deadline=None)
def test_power_balances_at_every_bus(network: Network) -> None:
    injection = base_injection_mw(network, imbalance_on_load=True)
    flow = linear_model(network).flow_mw(injection)
    balance = injection.copy()
    np.add.at(balance, network.branches.from_bus, -flow)
    np.add.at(balance, network.branches.to_bus, flow)
    assert np.abs(balance[network.buses.kind != 3]).max() < SAME_MW
    if network.buses.load_mw.sum() > 0:
        assert np.abs(balance).max() < SAME_MW


@given(network=meshed_networks())
@settings(max_examples=100, deadline=None)
def test_factors_are_reciprocal(network: Network) -> None:
    """What a MW between the ends of ``i`` does to the angle across ``j``, ``j`` does to ``i``."""
    model = linear_model(network)
    between = np.zeros((len(network.buses), len(network.branches)))
    places = np.arange(len(network.branches))
    between[network.branches.from_bus, places] = 1.0
    between[network.branches.to_bus, places] = -1.0
    factors = model.flow_per_angle(model.angles_rad(between))
    across = factors / model.susceptance_mw_per_rad[:, None]
    assert across == pytest.approx(across.T, abs=1e-13)
    assert ((np.diag(factors) > 0) & (np.diag(factors) < 1 + 1e-12)).all()


@given(
    network=meshed_networks(), first=st.floats(-300, 300), second=st.floats(-300, 300), at=st.data()
)
@settings(max_examples=100, deadline=None)
def test_injections_superpose(
    network: Network, first: float, second: float, at: st.DataObject
) -> None:
    model, n = linear_model(network), len(network.buses)
    one, two = (at.draw(st.integers(0, n - 1)) for _ in range(2))
    injection = network.injection_mw.copy()
    injection[one] += first
    injection[two] += second
    factors = model.transfer_factors(np.array([one, two]))
    moved = model.flow_mw(network.injection_mw) + factors @ floats(first, second)
    assert model.flow_mw(injection) == pytest.approx(moved, abs=SAME_MW)


@given(network=meshed_networks(), at=st.data())
@settings(max_examples=100, deadline=None)
def test_balanced_flows_know_no_slack(network: Network, at: st.DataObject) -> None:
    injection = network.injection_mw - network.injection_mw.mean()
    flow = linear_model(network).flow_mw(injection)
    n = len(network.buses)
    kind = np.ones(n, np.int64)
    kind[at.draw(st.integers(0, n - 1))] = 3
    other = linear_model(replace(network, buses=replace(network.buses, kind=kind)))
    assert other.flow_mw(injection) == pytest.approx(flow, abs=SAME_MW)


@given(network=meshed_networks(), at=st.data())
@settings(max_examples=150, deadline=None)
def test_an_outage_is_a_resolved_network_or_an_island(network: Network, at: st.DataObject) -> None:
    model, injection = linear_model(network), network.injection_mw
    flow = model.flow_mw(injection)
    row = at.draw(st.integers(0, len(network.branches) - 1))
    if len(cut_off_by(network, row)):
        with pytest.raises(Islanded):
            model.outage_factors(row)
    else:
        after = flow + model.outage_factors(row) * flow[row]
        assert after == pytest.approx(resolved_flow_mw(network, injection, row), abs=SAME_MW)


@given(network=meshed_networks(), at=st.data())
@settings(max_examples=100, deadline=None)
def test_a_twin_circuit_shares_the_flow_and_its_outage_undoes_it(
    network: Network, at: st.DataObject
) -> None:
    branches, row = network.branches, at.draw(st.integers(0, len(network.branches) - 1))
    twice = np.append(np.arange(len(branches)), row)
    columns = {name: getattr(branches, name)[twice] for name in branches.__dataclass_fields__}
    doubled = rebuilt(network, **columns)
    flow = doubled.flow_mw(network.injection_mw)
    assert flow[row] == pytest.approx(flow[-1], abs=SAME_MW)
    back = flow + doubled.outage_factors(len(branches)) * flow[-1]
    alone = linear_model(network).flow_mw(network.injection_mw)
    assert back[:-1] == pytest.approx(alone, abs=SAME_MW)
    assert back[-1] == pytest.approx(0.0, abs=SAME_MW)


# The dispatch's imbalance


@given(network=meshed_networks(), at=st.data())
@settings(max_examples=100, deadline=None)
def test_a_parallel_circuit_never_raises_the_flow_of_its_twin(
    network: Network, at: st.DataObject
) -> None:
    branches, m = network.branches, len(network.branches)
    row = at.draw(st.integers(0, m - 1))
    rows = np.append(np.arange(m), row)
    columns = {field.name: getattr(branches, field.name)[rows] for field in fields(branches)}
    before = linear_model(network).flow_mw(network.injection_mw)[row]
    after = rebuilt(network, **columns).flow_mw(network.injection_mw)
    assert after[row] == pytest.approx(after[m], abs=1e-9)
    assert abs(after[row]) <= abs(before) + 1e-9
    # The two together carry no less than the one did.
    assert abs(after[row] + after[m]) >= abs(before) - 1e-9


@given(network=meshed_networks(), factor=st.floats(0.01, 100.0))
@settings(max_examples=100, deadline=None)
def test_flows_scale_with_injections_and_not_with_reactances(
    network: Network, factor: float
) -> None:
    network = replace(
        network,
        branches=replace(network.branches, shift_deg=np.zeros(len(network.branches))),
    )
    model = linear_model(network)
    flow = model.flow_mw(network.injection_mw)
    assert model.flow_mw(factor * network.injection_mw) == pytest.approx(
        factor * flow, rel=1e-9, abs=1e-9
    )
    longer = rebuilt(network, reactance_pu=factor * network.branches.reactance_pu)
    assert longer.flow_mw(network.injection_mw) == pytest.approx(flow, rel=1e-9, abs=1e-9)


def test_imbalance_goes_to_the_loads_in_proportion() -> None:
    buses = table_of_buses([3, 1, 1, 4], [0, 90, 30, 40])
    network = network_of(
        buses,
        table_of_branches([(0, 1), (1, 2), (2, 3)], 0.1j),
        table_of_units([0], [132.0], [(-9.0, 9.0)]),
    )
    assert base_injection_mw(network, imbalance_on_load=False).tolist() == [132, -90, -30, 0]
    balanced = base_injection_mw(network, imbalance_on_load=True)
    assert balanced == pytest.approx([132, -99, -33, 0])
    unloaded = replace(network, buses=replace(buses, load_mw=np.zeros(4)))
    assert base_injection_mw(unloaded, imbalance_on_load=True).tolist() == [132, 0, 0, 0]


# Refusals


def test_no_slack() -> None:
    buses = replace(TRIANGLE.buses, kind=np.ones(3, np.int64))
    with pytest.raises(ValueError, match="no slack bus"):
        linear_model(replace(TRIANGLE, buses=buses))


def test_no_reactance_is_named_unless_out_of_service() -> None:
    with pytest.raises(ValueError, match="line:20:30:1 has no reactance"):
        rebuilt(TRIANGLE, reactance_pu=floats(0.2, 0.2, 0.1, 0.0))
    on = np.array([True, True, True, False])
    model = rebuilt(TRIANGLE, reactance_pu=floats(0.2, 0.2, 0.1, 0.0), in_service=on)
    assert model.flow_mw(TRIANGLE.injection_mw)[3] == 0.0


def test_an_island_is_named() -> None:
    off = np.array([False, False, True, False])
    with pytest.raises(Islanded, match=r"\(20,\)") as refused:
        rebuilt(TRIANGLE, in_service=off)
    assert refused.value.bus_numbers == (20,)


def test_reactances_that_cancel_are_refused() -> None:
    with pytest.raises(ValueError, match="susceptance matrix"):
        rebuilt(TRIANGLE, reactance_pu=floats(0.2, -0.2, 0.1, -0.1))


def test_a_network_of_one_bus_has_nothing_to_solve() -> None:
    network = network_of(
        table_of_buses([3], [10]),
        table_of_branches([], 0.1j),
        table_of_units([0], [10.0], [(-9.0, 9.0)]),
    )
    assert linear_model(network).flow_mw(network.injection_mw).shape == (0,)
